"""Verifying: every tampering is found and named, and nothing that is whole is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.cli import run
from brightline.errors import SourceError, UsageError
from brightline.ledger import Event
from brightline.ledger.keys import generate, public_pem, public_ssh, read_public
from brightline.release.attest import attest
from brightline.release.dsse import encode, parse_bundle, sign
from brightline.release.evidence import PublicKey
from brightline.release.manifest import write_manifest
from brightline.release.statement import PAYLOAD_TYPE, SCREENING, SVR, Statement, parse
from brightline.release.verdict import State
from brightline.workspace import Workspace
from tests.harness import BRIGHTLINE
from tests.release.attested import (
    Made,
    check,
    failed,
    key_of,
    make,
    make_files,
    make_run,
    wanted,
)

STATEMENT = ".brightline/statement.intoto.jsonl"
PROOF = f"{STATEMENT}.proof"
MANIFEST = ".brightline/manifest.jsonl"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"), matches=2, gaps=1)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Made:
    return made.copy(tmp_path / "copy")


def test_a_whole_release_is_verified(made: Made) -> None:
    verdict = made.verify()
    assert failed(verdict) == set()
    assert verdict.verified
    assert [check.name for check in verdict.checks] == [
        "statement",
        "signatures",
        "contents",
        "dates",
        "manifest",
        "files",
        "ledger record",
        "checkpoint",
    ]
    assert verdict.differences.files == 7
    assert verdict.claims["matches"]["total"] == 2
    with pytest.raises(UsageError, match="one release"):
        check(made.root, made.root, keys=(key_of(made.workspace),))


# --- tampering ------------------------------------------------------------------------------


def flip_first(path: Path) -> None:
    flip(path, 0)


def flip_middle(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


def flip_last(path: Path) -> None:
    flip(path, path.stat().st_size - 1)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def double(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


def remove(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_link(path: Path) -> None:
    aside = path.parents[2] / "aside"
    path.rename(aside)
    path.symlink_to(aside)


TAMPERING: list[Callable[[Path], None]] = [
    flip_first,
    flip_middle,
    flip_last,
    cut,
    empty,
    lengthen,
    double,
    remove,
    make_folder,
    make_pipe,
]
#: a file of the release → the checks that fail if it is not as it was
FILES = {
    "00000.tar": {"files"},
    "00000_stats.json": {"files"},
    "sub.dir/a.jpg": {"files"},
    "sub.dir-b": {"files"},
    ".brightline/release.json": {"files"},
    MANIFEST: {"manifest"},
    STATEMENT: {"statement", "signatures", "contents", "ledger record"},
    PROOF: {"ledger record", "checkpoint"},
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("tamper", TAMPERING)
def test_whatever_is_done_to_a_file_is_found(
    copy: Made, name: str, tamper: Callable[[Path], None]
) -> None:
    tamper(copy.root / name)
    verdict = copy.verify()
    assert not verdict.verified
    assert failed(verdict) & FILES[name]
    told = verdict.differences
    if FILES[name] == {"files"}:
        gone = tamper is remove or (tamper is make_folder and not name.startswith("."))
        assert told.missing == ((name,) if gone else ())
        assert told.changed == (() if gone else (name,))
        assert told.extra == ()
        assert failed(verdict) == {"files"}
    if name in (STATEMENT, PROOF):
        assert told.none, "the files are as the manifest says, whatever became of the rest"


@pytest.mark.parametrize("name", ["00000.tar", "sub.dir/a.jpg"])
def test_a_link_in_a_files_place_is_found(copy: Made, name: str) -> None:
    path = copy.root / name
    path.rename(copy.root.parent / "aside")
    path.symlink_to(copy.root.parent / "aside")
    assert copy.verify().differences.changed == (name,)


def test_other_changes_to_the_files_are_named(copy: Made) -> None:
    root = copy.root
    (root / "00000.tar").rename(root / "keep")
    (root / "sub.dir-b").rename(root / "00000.tar")
    (root / "keep").rename(root / "sub.dir-b")
    (root / "link").unlink()
    (root / "link").symlink_to("sub.dir-b")
    (root / "sub.dir" / "new").mkdir()
    (root / "sub.dir" / "new" / "f").touch()
    (root / ".hidden").touch()
    (root / ".brightline" / "more").touch()
    odd = Path(str(root / "caf") + "\udce9.txt")
    odd.rename(root / "cafe.txt")
    told = copy.verify().differences
    assert told.changed == ("00000.tar", "link", "sub.dir-b")
    assert told.missing == ("caf\\xe9.txt",)
    assert told.extra == (".hidden", "cafe.txt", "sub.dir/new/f", ".brightline/more")


def test_a_new_manifest_for_changed_files_is_found(copy: Made) -> None:
    (copy.root / "00000.tar").write_bytes(b"other")
    write_manifest(copy.root)
    verdict = copy.verify()
    assert failed(verdict) == {"manifest"}


def test_files_of_another_release_are_found(
    copy: Made, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make(tmp_path_factory.mktemp("other"))
    for name, expected in (
        (STATEMENT, {"signatures", "manifest", "files", "ledger record", "checkpoint"}),
        (PROOF, {"ledger record", "checkpoint"}),
        (MANIFEST, set()),  # the same files: the same manifest
    ):
        here = copy.copy(copy.root.parent / name.rpartition("/")[2])
        shutil.copy(other.root / name, here.root / name)
        # the keys of both, so that only the mixture can be found
        keys = (key_of(copy.workspace), key_of(other.workspace))
        assert failed(here.verify()) <= expected
        assert bool(failed(here.verify(keys=keys))) == bool(expected)


def test_an_older_statement_of_the_same_release_has_another_record(copy: Made) -> None:
    root = copy.root
    old = [(root / name).read_bytes() for name in (STATEMENT, PROOF)]
    for name in (STATEMENT, PROOF):
        (root / name).unlink()
    later = wanted(release=root, expires=datetime.now(UTC) + timedelta(days=300))
    attest(copy.workspace, later)
    assert copy.verify().verified
    (root / STATEMENT).write_bytes(old[0])
    assert failed(copy.verify()) == {"ledger record"}
    (root / PROOF).write_bytes(old[1])
    assert copy.verify().verified, "a replayed statement still holds until it expires"


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_altered_evidence_never_verifies_and_never_raises(
    made: Made, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([STATEMENT, PROOF, MANIFEST]))
    whole = (made.root / name).read_bytes()
    place = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(place, min(len(whole), place + 30)))
    put = data.draw(st.binary(max_size=20) | st.sampled_from([b"\n", b"{}", b'"', b"A", b" "]))
    altered = whole[:place] + put + whole[end:]
    if altered == whole:
        return
    here = made.copy(tmp_path_factory.mktemp("fuzz") / "copy")
    (here.root / name).write_bytes(altered)
    assert not here.verify().verified
    shutil.rmtree(here.root.parent)


# --- statements that a signer should not have made ------------------------------------------


def resign(made: Made, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Sign other statements with the workspace's key, and put them on its ledger."""
    path = made.root / STATEMENT
    parts = {p.predicate_type: p for p in map(parse, parse_bundle(path.read_bytes()))}
    svr, screening = parts[SVR].predicate, parts[SCREENING].predicate
    change(svr, screening)
    subjects = parts[SVR].subjects
    signer = made.workspace.signer()
    inner = Statement(subjects, SCREENING, screening).encode()
    if svr[SCREENING]["digest"]["sha256"] != "kept":
        svr[SCREENING]["digest"]["sha256"] = sha256(inner).hexdigest()
    outer = Statement(subjects, SVR, svr).encode()
    data = b"".join(encode(sign(PAYLOAD_TYPE, part, [signer])) for part in (outer, inner))
    path.write_bytes(data)
    number = made.workspace.ledger.append(
        Event.ATTESTATION_SIGNED, {"statement": f"sha256:{sha256(data).hexdigest()}"}
    )
    (made.root / PROOF).write_bytes(made.workspace.ledger.prove(number))


def test_signing_again_as_it_was_is_accepted(copy: Made) -> None:
    resign(copy, lambda svr, screening: None)
    assert copy.verify().verified


CHANGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], Any], str]] = {
    "items that do not add up": (
        lambda svr, s: s["accounting"].update(screened=6),
        "contents",
    ),
    "another list": (
        lambda svr, s: s["lists"][0].update(digest=f"sha256:{'00' * 32}"),
        "contents",
    ),
    "a list more": (lambda svr, s: s["lists"].append(s["lists"][0]), "contents"),
    "another time": (lambda svr, s: svr.update(timeCreated="2026-01-01T00:00:00Z"), "contents"),
    "another expiry": (lambda svr, s: s.update(expires="2099-01-01T00:00:00Z"), "contents"),
    "another half": (lambda svr, s: svr[SCREENING]["digest"].update(sha256="kept"), "contents"),
    "another verifier": (lambda svr, s: svr["verifier"].update(id="https://x.invalid"), "contents"),
    "no lists": (lambda svr, s: s.pop("lists"), "contents"),
    "lists of another kind": (lambda svr, s: s.update(lists={"a": 1}), "contents"),
    "no dates": (lambda svr, s: (s.pop("expires"), svr[SCREENING].pop("expires")), "dates"),
    "no ledger": (lambda svr, s: s.pop("ledger"), "checkpoint"),
    "a ledger of another kind": (lambda svr, s: s.update(ledger=[1]), "checkpoint"),
    "no checkpoint": (lambda svr, s: s["ledger"].pop("checkpoint"), "checkpoint"),
    "an altered checkpoint": (
        lambda svr, s: s["ledger"].update(
            checkpoint=s["ledger"]["checkpoint"].replace("\n\n", "\nx\n\n")
        ),
        "checkpoint",
    ),
}


@pytest.mark.parametrize(("change", "name"), CHANGES.values(), ids=CHANGES.keys())
def test_what_a_signed_statement_says_is_checked(
    copy: Made, change: Callable[[dict[str, Any], dict[str, Any]], Any], name: str
) -> None:
    resign(copy, change)
    verdict = copy.verify()
    assert name in failed(verdict)
    assert "signatures" not in failed(verdict)


def test_a_checkpoint_of_another_history_is_found(
    copy: Made, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The ledger was rolled back to before the statement's checkpoint, and went another way."""
    workspace = copy.workspace
    aside = tmp_path_factory.mktemp("ledger") / "workspace"
    shutil.copytree(workspace.root, aside)
    forked = Workspace.open(aside)
    for place in (workspace, forked):
        place.ledger.append(Event.REPORT_MADE, {"run": str(place.root), "format": "html"})
    resign(
        Made(forked, copy.root, copy.attested),
        lambda svr, s: s["ledger"].update(checkpoint=workspace.ledger.checkpoint().decode()),
    )
    assert failed(copy.verify()) == {"checkpoint"}


# --- keys, dates, checkpoints ---------------------------------------------------------------


def test_without_a_key_everything_else_is_checked(made: Made) -> None:
    verdict = made.verify(keys=())
    assert failed(verdict) == {"signatures"}
    assert "--key" in next(c.detail for c in verdict.checks if c.name == "signatures")


def test_another_key_is_not_enough(made: Made) -> None:
    verdict = made.verify(keys=(PublicKey(None, generate("x").public),))
    assert failed(verdict) == {"signatures", "ledger record", "checkpoint"}


@pytest.mark.parametrize("form", [public_pem, public_ssh, None])
def test_any_form_of_the_key_will_do(made: Made, form: Callable[[bytes], str] | None) -> None:
    signer = made.workspace.signer()
    text = signer.vkey if form is None else form(signer.public)
    assert made.verify(keys=(PublicKey(*read_public(text)),)).verified


def test_expiry(made: Made) -> None:
    now = datetime.now(UTC)
    assert made.verify(on=now + timedelta(days=179)).verified
    assert failed(made.verify(on=now + timedelta(days=181))) == {"dates"}
    assert failed(made.verify(on=now - timedelta(days=1))) == {"dates"}


def test_a_checkpoint_that_was_kept(copy: Made, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    said = json.loads(parse_bundle((copy.root / STATEMENT).read_bytes())[1].payload)
    kept.write_text(said["predicate"]["ledger"]["checkpoint"])
    assert copy.verify(against=kept).verified
    copy.workspace.ledger.append(Event.REPORT_MADE, {"run": "r1"})
    copy.workspace.ledger.append(Event.REPORT_MADE, {"run": "r1"})
    kept.write_bytes(copy.workspace.ledger.checkpoint())
    verdict = copy.verify(against=kept)
    assert [(c.name, c.state) for c in verdict.checks][-1] == ("kept checkpoint", State.NOT_MADE)
    assert not verdict.verified
    kept.write_bytes(b"nonsense")
    assert failed(copy.verify(against=kept)) == {"kept checkpoint"}
    with pytest.raises(UsageError, match="cannot read"):
        copy.verify(against=tmp_path / "none")


def test_paths_that_are_not_there(made: Made, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        check(tmp_path / "none")
    (tmp_path / "bare").mkdir()
    verdict = check(tmp_path / "bare")
    assert not verdict.verified
    assert {"statement", "manifest"} <= failed(verdict)


# --- a corpus -------------------------------------------------------------------------------


def test_a_corpus_of_two_sources_is_verified_where_it_lies(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "workspace")
    sources = [tmp_path / "one", tmp_path / "two"]
    for source in sources:
        make_files(source)
    (sources[1] / ".brightline").mkdir()
    (sources[1] / ".brightline" / "of a release that was screened again").touch()
    make_run(workspace, sources)
    statement = tmp_path / "out" / "statement.json"
    attest(workspace, wanted(output=statement))
    keys = (key_of(workspace),)
    verdict = check(*sources, statement=statement, keys=keys)
    assert verdict.verified, verdict
    assert verdict.differences.files == 15
    swapped = check(*reversed(sources), statement=statement, keys=keys)
    assert failed(swapped) == {"files"}
    (sources[1] / "sub.dir" / "a.jpg").write_bytes(b"")
    (sources[0] / "more").touch()
    told = check(*sources, statement=statement, keys=keys).differences
    assert (told.changed, told.extra) == (("2/sub.dir/a.jpg",), ("1/more",))
    with pytest.raises(UsageError, match="2 sources"):
        check(sources[0], statement=statement, keys=keys)


# --- the command ----------------------------------------------------------------------------


def test_the_command_needs_no_workspace(copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    key = copy.workspace.signer().vkey
    done = subprocess.run(
        [BRIGHTLINE, "verify", copy.root, "--key", key], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done
    assert "verified: the signer states that 10 items" in done.stdout
    (copy.root / "00000.tar").unlink()
    (copy.root / "new\x1b[2J").touch()
    assert run(["verify", str(copy.root), "--key", key]) == 1
    told = capsys.readouterr().out
    assert "missing: 00000.tar\n" in told
    assert "extra: new\\x1b[2J\n" in told
    assert "\x1b" not in told
    assert run(["verify", str(copy.root), "--key", key, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["verified"] is False
    assert document["missing"] == ["00000.tar"]
    assert run(["verify", str(copy.root), "--key", "nonsense"]) == 2
    assert run(["verify", str(copy.root), "--key", key, "--on", "soon"]) == 2


def test_verifying_starts_light() -> None:
    code = (
        "import sys; import brightline.cli.verify, brightline.release.verify;"
        "heavy = {'numba', 'numpy', 'pyarrow', 'PIL', 'pyrage'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
