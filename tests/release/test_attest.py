"""Making statements: what is refused, what is written, and that nothing is ever half there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from brightline import storage
from brightline.cli import run
from brightline.errors import SourceChangedError, UsageError
from brightline.ledger import Event, Log
from brightline.ledger.keys import load_signer
from brightline.ledger.verify import check_proof
from brightline.release.attest import attest, parse_expiry
from brightline.release.dsse import accepted, keyid, parse_bundle
from brightline.release.evidence import PublicKey
from brightline.release.manifest import ABOUT, write_manifest
from brightline.release.statement import SCREENING, parse
from brightline.workspace import Workspace
from tests.corpora import md5_row, write_tar
from tests.harness import make_place
from tests.pictures import encode, photo
from tests.release.attested import (
    RUN,
    Made,
    check,
    failed,
    key_of,
    make,
    make_files,
    make_release,
    make_run,
    summary,
    wanted,
)

STATEMENT = "statement.intoto.jsonl"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A complete run over `corpus`, and a release of it in `release`."""
    made = Workspace.create(tmp_path / "workspace")
    make_files(tmp_path / "corpus")
    make_run(made, [tmp_path / "corpus"])
    make_files(tmp_path / "release")
    make_release(made, tmp_path / "release")
    return made


def signed(workspace: Workspace) -> list[dict[str, Any]]:
    return [r.fields for r in workspace.ledger.records() if r.kind == Event.ATTESTATION_SIGNED]


def test_the_ledger_names_the_statement(tmp_path: Path, workspace: Workspace) -> None:
    before = workspace.ledger.checkpoint().decode()
    made = attest(workspace, wanted(release=tmp_path / "release"))
    data = made.statement.read_bytes()
    manifest = (tmp_path / "release" / ABOUT / "manifest.jsonl").read_bytes()
    (fields,) = signed(workspace)
    assert fields["statement"] == f"sha256:{sha256(data).hexdigest()}"
    assert fields["subject"] == f"sha256:{sha256(manifest).hexdigest()}"
    assert (fields["run"], fields["about"]) == (RUN, "release")
    proof = check_proof(made.proof.read_bytes(), [workspace.signer().vkey])
    assert proof.index == made.record
    assert json.loads(proof.leaf)["fields"] == fields
    (said,) = (s for s in map(parse, parse_bundle(data)) if s.predicate_type == SCREENING)
    assert said.predicate["ledger"]["checkpoint"] == before
    assert [s.name for s in said.subjects] == [f"{ABOUT}/manifest.jsonl", f"{ABOUT}/release.json"]
    assert made.statement.stat().st_mode & 0o777 == 0o644


def test_a_statement_is_never_replaced(tmp_path: Path, workspace: Workspace) -> None:
    attest(workspace, wanted(release=tmp_path / "release"))
    with pytest.raises(UsageError, match="exists already"):
        attest(workspace, wanted(release=tmp_path / "release"))
    assert len(signed(workspace)) == 1


def test_a_release_elsewhere_gets_its_statement_elsewhere(
    tmp_path: Path, workspace: Workspace
) -> None:
    output = tmp_path / "out" / "s.json"
    attest(workspace, wanted(release=tmp_path / "release", output=output))
    assert sorted(p.name for p in output.parent.iterdir()) == ["s.json", "s.json.proof"]
    keys = (key_of(workspace),)
    assert check(tmp_path / "release", statement=output, keys=keys).verified


# --- what is refused ------------------------------------------------------------------------


def test_a_release_that_was_changed_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    root = tmp_path / "release"
    (root / "00000.tar").write_bytes(b"x")
    (root / "more").touch()
    with pytest.raises(SourceChangedError, match=r"changed: 00000\.tar; extra: more"):
        attest(workspace, wanted(release=root))
    write_manifest(root)
    with pytest.raises(UsageError, match="not a release that this ledger knows"):
        attest(workspace, wanted(release=root))
    assert signed(workspace) == []


def test_what_is_no_release_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="is not a release"):
        attest(workspace, wanted(release=tmp_path / "corpus"))
    document = summary([tmp_path / "corpus"])
    other = workspace.runs_dir / "r2"
    other.mkdir()
    (other / "run.json").write_text("{}")
    (other / "summary.json").write_text(json.dumps({**document, "run": "r2"}))
    with pytest.raises(UsageError, match="not a release that this ledger knows run r2 by"):
        attest(workspace, wanted(run="r2", release=tmp_path / "release"))


def test_a_run_that_is_not_complete_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    path = workspace.runs_dir / RUN / "summary.json"
    path.write_text(json.dumps(summary([tmp_path / "corpus"], state="incomplete")))
    with pytest.raises(UsageError, match="not complete"):
        attest(workspace, wanted(release=tmp_path / "release"))
    with pytest.raises(UsageError, match="there is no run"):
        attest(workspace, wanted(run="r9", release=tmp_path / "release"))


def test_a_statement_that_has_expired_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(UsageError, match="expired"):
        attest(workspace, wanted(release=tmp_path / "release", expires=past))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "00000.tar").write_bytes(b"x"),
        lambda root: (root / "00000.tar").unlink(),
        lambda root: (root / "sub.dir" / "a.jpg").touch(),
        lambda root: (root / "sub.dir" / "more").touch(),
    ],
)
def test_a_corpus_that_was_changed_is_refused(
    tmp_path: Path, workspace: Workspace, change: Callable[[Path], object]
) -> None:
    change(tmp_path / "corpus")
    with pytest.raises(SourceChangedError, match="start a new run"):
        attest(workspace, wanted(output=tmp_path / "s"))
    assert signed(workspace) == []
    assert not (tmp_path / "s").exists()


def test_nothing_is_written_into_the_corpus(tmp_path: Path, workspace: Workspace) -> None:
    for where in ("s", "sub.dir/s"):
        with pytest.raises(UsageError, match="lies in the corpus"):
            attest(workspace, wanted(output=tmp_path / "corpus" / where))
    inside = tmp_path / "corpus" / "croissant.json"
    with pytest.raises(UsageError, match="lies in the corpus"):
        attest(workspace, wanted(output=tmp_path / "s", croissant=inside))
    with pytest.raises(UsageError, match="-o FILE"):
        attest(workspace, wanted())
    with pytest.raises(UsageError, match="does not lie in the release"):
        attest(workspace, wanted(release=tmp_path / "release", croissant=tmp_path / "c.json"))


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PKCS8", "OpenSSH"])
def test_other_keys_sign(tmp_path: Path, workspace: Workspace, form: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            getattr(serialization.PrivateFormat, form),
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    signer = load_signer(path)
    made = attest(workspace, wanted(release=tmp_path / "release", signer=signer))
    envelopes = parse_bundle(made.statement.read_bytes())
    assert all(accepted(e, [signer.public]) == {signer.public} for e in envelopes)
    assert made.keyid == keyid(signer.public)
    # the statement vouches for the ledger's key, so the signer's is enough
    keys = (PublicKey(None, signer.public),)
    assert check(tmp_path / "release", keys=keys).verified
    # and the ledger's is not
    told = check(tmp_path / "release", keys=(key_of(workspace),))
    assert failed(told) == {"signatures"}


def test_after_a_new_key_the_new_one_is_enough(tmp_path: Path, workspace: Workspace) -> None:
    old = key_of(workspace)
    assert isinstance(workspace.ledger, Log)
    workspace.ledger.rotate_key()
    attest(workspace, wanted(release=tmp_path / "release"))
    assert key_of(workspace) != old
    assert check(tmp_path / "release", keys=(key_of(workspace),)).verified
    assert not check(tmp_path / "release", keys=(old,)).verified


# --- Croissant ------------------------------------------------------------------------------


def test_metadata_comes_before_the_manifest(tmp_path: Path, workspace: Workspace) -> None:
    root = tmp_path / "release"
    made = attest(workspace, wanted(release=root, croissant=root / "croissant.json"))
    keys = (key_of(workspace),)
    verdict = check(root, keys=keys)
    assert verdict.verified
    assert verdict.differences.files == 8
    (root / "croissant.json").write_bytes((root / "croissant.json").read_bytes() + b"\n")
    assert check(root, keys=keys).differences.changed == ("croissant.json",)
    # a later statement is again about what was released
    made.statement.unlink()
    attest(workspace, wanted(release=root))
    assert check(root, keys=keys).verified
    (root / "00000.tar").write_bytes(b"x")
    made.statement.unlink()
    with pytest.raises(SourceChangedError):
        attest(workspace, wanted(release=root))


def test_metadata_of_a_corpus_is_signed_too(tmp_path: Path, workspace: Workspace) -> None:
    out = tmp_path / "out"
    metadata = out / "croissant.json"
    attest(workspace, wanted(output=out / "s", croissant=metadata))
    keys = (key_of(workspace),)
    assert check(tmp_path / "corpus", statement=out / "s", keys=keys).verified
    metadata.write_bytes(b"{}")
    told = check(tmp_path / "corpus", statement=out / "s", keys=keys)
    assert told.differences.changed == ("croissant.json",)
    metadata.unlink()
    told = check(tmp_path / "corpus", statement=out / "s", keys=keys)
    assert told.differences.missing == ("croissant.json",)


# --- stopped halfway ------------------------------------------------------------------------


class Stopped(BaseException):
    """As if the process had been killed here."""


@dataclass
class Stopper:
    """Stops at one moment: moments are before and after each wrapped call, from 0."""

    moment: int
    seen: int = 0

    def pass_by(self) -> None:
        self.seen += 1
        if self.seen == self.moment + 1:
            raise Stopped

    def at(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.pass_by()
            value = function(*arguments, **named)
            self.pass_by()
            return value

        return wrapped


def test_stopped_anywhere_it_is_made_whole_by_doing_it_again(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (key_of(workspace),)
    for moment in range(100):
        root = tmp_path / f"r{moment}"
        make_files(root)
        make_release(workspace, root)
        with_metadata = wanted(release=root, croissant=root / "croissant.json")
        stopper = Stopper(moment)
        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_atomic_with", stopper.at(storage.write_atomic_with))
            patch.setattr(Log, "append", stopper.at(Log.append))
            try:
                attest(workspace, with_metadata)
                break
            except Stopped:
                pass
        if (root / ABOUT / STATEMENT).exists():
            assert check(root, keys=keys).verified, "a statement that exists is whole"
        else:
            attest(workspace, with_metadata)
            assert check(root, keys=keys).verified
    else:
        pytest.fail("it never came to its end")
    # before and after: released manifest, metadata, manifest, record, proof, statement
    assert moment >= 12


# --- the command ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("180d", datetime(2026, 6, 30, 12, tzinfo=UTC)),
        ("2w", datetime(2026, 1, 15, 12, tzinfo=UTC)),
        ("2027-02-28", datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_expiry_is_days_weeks_or_a_date(text: str, expected: datetime) -> None:
    assert parse_expiry(text, datetime(2026, 1, 1, 12, tzinfo=UTC)) == expected


@pytest.mark.parametrize("text", ["", "d", "-1d", "1y", "2027-02-30", "9" * 20 + "d", "²d"])
def test_other_expiries_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        parse_expiry(text, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_command_says_what_to_publish(
    tmp_path: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["attest", RUN, "--release", str(tmp_path / "release"), "--digests-only"]
    arguments += ["--workspace", str(workspace.root)]
    assert run([*arguments, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["key"] == workspace.signer().vkey
    assert b"hotline" not in Path(made["statement"]).read_bytes()
    assert run(["verify", str(tmp_path / "release"), "--key", made["key"]]) == 0
    assert run(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    arguments[arguments.index("--digests-only")] = f"-o{tmp_path / 'second'}"
    assert run(arguments) == 0
    assert "publish this key" in capsys.readouterr().out


@pytest.mark.long
def test_the_whole_way_from_an_audit_to_a_stranger(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    pictures = [encode(photo(k, 64, 64), "PNG") for k in range(12)]
    for number in range(6):
        (corpus / f"{number}.png").write_bytes(pictures[number])
    write_tar(corpus / "a.tar", {f"{k}.png": pictures[k] for k in range(6, 12)})
    place.add_list("hot", [md5_row(pictures[3]), md5_row(pictures[7])])
    place.run("audit", corpus, "--list", "hot", "--run", "r", status=1)
    clean = tmp_path / "clean"
    place.run("release", "r", clean, "--identity", place.key, "--reason", "a test", status=0)
    made = place.json("attest", "r", "--release", clean, status=0)
    verdict = place.json("verify", clean, "--key", made["key"], status=0)
    assert verdict["verified"]
    assert verdict["statement"]["matches"] == {"total": 2, "items": 2, "known_good": 0}
    about = place.json("attest", "r", "-o", tmp_path / "s", status=0)
    place.run("verify", corpus, "--statement", about["statement"], "--key", made["key"], status=0)
    (clean / "a.tar").write_bytes(b"")
    verdict = place.json("verify", clean, "--key", made["key"], status=1)
    assert verdict["changed"] == ["a.tar"]


def test_made_once_it_can_be_copied(tmp_path: Path) -> None:
    made = make(tmp_path / "one")
    assert isinstance(made, Made)
    assert made.copy(tmp_path / "two").verify().verified
