"""Verifying: every file of the ledger and every file that it speaks of, changed in turn."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import brightline.ledger.verify
from brightline.errors import DamagedError, VerificationError
from brightline.findings import new_identity
from brightline.ledger import JSON, Event
from brightline.ledger import log as log_module
from brightline.ledger.keyring import Keyring
from brightline.ledger.keys import COSIGNATURE, generate, verifier_key
from brightline.ledger.note import cosign, sign_checkpoint
from brightline.ledger.verify import verify_workspace
from brightline.workspace import Workspace
from tests.ledger.places import digest, filled, log, small_workspace, tree, write

#: what may change without being noticed, and why that is harmless
HARMLESS = {
    ".lock": "an empty file that processes lock",
    "ledger/.lock": "an empty file that processes lock",
    "runs/r1/.lock": "an empty file that processes lock",
    "keys/ledger.pem": "not evidence: the writer refuses it unless it is ledger.vkeys' last",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_workspace(tmp_path_factory.mktemp("made")).root


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "w")
    return Workspace.open(tmp_path / "w")


def fails(root: Path, **options: object) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_workspace(root, **options)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_verifier_shares_no_code_with_the_writer() -> None:
    folder = Path(brightline.ledger.verify.__file__).parent
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    ours = {name for name in found if name.startswith("brightline")}
    assert {name for name in ours if not name.startswith("brightline.ledger.verify")} == {
        "brightline.errors",
        "brightline.ledger.hashing",
    }


def test_a_whole_workspace_verifies(place: Workspace) -> None:
    found = verify_workspace(place.root)
    assert (found.origin, found.size) == ("example.org/test", 6)
    assert (found.compared.runs, found.compared.shards, found.compared.lists) == (1, 2, 1)
    # the list's two files, the run's three and three of each shard
    assert found.compared.files == 2 + 3 + 6
    assert found.not_covered == []
    assert found.kinds["shard_committed"] == 2


def test_a_new_workspace_verifies(tmp_path: Path) -> None:
    root = Workspace.create(tmp_path / "w").root
    assert verify_workspace(root).size == 0


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_logs_of_many_sizes_verify_and_count_every_tile(tmp_path: Path, size: int) -> None:
    root = Workspace.create(tmp_path / "w").root
    ledger = Workspace.open(root).ledger
    ledger.append_many((Event.REPORT_MADE, {"n": n}) for n in range(size))
    found = verify_workspace(root)
    assert found.size == size
    assert found.tiles == len(list((root / "ledger" / "tile").rglob("*"))) - len(
        [path for path in (root / "ledger" / "tile").rglob("*") if path.is_dir()]
    )


# --- tampering --------------------------------------------------------------------------------


def changes(data: bytes, every: int) -> Iterator[tuple[str, bytes | None]]:
    yield "removed", None
    if data:
        yield "emptied", b""
        yield "cut", data[:-1]
    yield "longer", data + b"\n"
    for place in sorted({*range(0, len(data), every), len(data) - 1} if data else ()):
        changed = bytearray(data)
        changed[place] ^= 1
        yield f"byte {place} flipped", bytes(changed)


def sweep(root: Path, every: int) -> int:
    files = tree(root)
    superseded = [
        name
        for name in files
        if ".p/" in name and int(name.rsplit("/", 1)[1]) < 6  # the checkpoint's own are 6 wide
    ]
    count = 0
    for name, data in files.items():
        for how, changed in changes(data, every):
            if name in HARMLESS or (how == "removed" and name in superseded):
                continue
            if (
                name == "brightline.toml"
                and b"[[custodian]]" in (changed or b"")
                and comment(data, changed or b"")
            ):
                continue
            path = root / name
            if changed is None:
                path.unlink()
            else:
                path.write_bytes(changed)
            try:
                verify_workspace(root)
            except VerificationError as error:
                assert "\n" not in str(error)
            else:
                pytest.fail(f"{name}, {how}: not noticed")
            path.write_bytes(data)
            count += 1
    verify_workspace(root)
    return count


def comment(before: bytes, after: bytes) -> bool:
    """Whether two settings say the same: comments and blanks are the user's own."""
    import tomllib

    def custodians(data: bytes) -> object:
        return tomllib.loads(data.decode()).get("custodian")

    try:
        return custodians(before) == custodians(after)
    except ValueError:
        return False


def test_every_file_that_is_changed_is_noticed(place: Workspace) -> None:
    assert sweep(place.root, 29) > 150


@pytest.mark.long
def test_every_byte_that_is_flipped_is_noticed(place: Workspace) -> None:
    assert sweep(place.root, 1) > 5000


def test_every_swap_of_two_files_is_noticed(place: Workspace) -> None:
    files = tree(place.root)
    names = [name for name in files if name not in HARMLESS]
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        if files[one] == files[other]:
            continue
        (place.root / one).write_bytes(files[other])
        (place.root / other).write_bytes(files[one])
        fails(place.root)
        (place.root / one).write_bytes(files[one])
        (place.root / other).write_bytes(files[other])


def test_every_replay_of_one_older_file_is_noticed(place: Workspace) -> None:
    before = tree(place.root)
    place.ledger.append(Event.REPORT_MADE, {"run": "r1"})
    place.add_custodian(new_identity(place.root.parent / "b.key"), "B")
    place.ledger.rotate_key()
    after = tree(place.root)
    verify_workspace(place.root)
    replayed = []
    for name, data in before.items():
        if after.get(name) == data or name in HARMLESS:
            continue
        (place.root / name).write_bytes(data)
        fails(place.root)
        (place.root / name).write_bytes(after[name])
        replayed.append(name)
    assert {"ledger/checkpoint", "ledger/state", "brightline.toml", "keys/ledger.vkeys"} == set(
        replayed
    )


def test_replaying_the_whole_ledger_is_noticed_only_against_a_checkpoint(
    place: Workspace, tmp_path: Path
) -> None:
    older = tree(place.root)
    place.ledger.append(Event.FINDINGS_OPENED, {"run": "r1", "reason": "not to be known"})
    kept = place.ledger.checkpoint()
    for name in set(tree(place.root)) - set(older):
        (place.root / name).unlink()
    for name, data in older.items():
        (place.root / name).write_bytes(data)
    verify_workspace(place.root)
    text = fails(place.root, against=[("kept", kept)])
    assert text == "kept covers 7 records and the ledger has 6: records were taken away"


def test_a_rewritten_past_is_noticed_only_against_a_checkpoint(
    place: Workspace, tmp_path: Path
) -> None:
    """Who has the key can write another history; a checkpoint that someone keeps shows it."""
    place.ledger.append(Event.FINDINGS_OPENED, {"run": "r1", "reason": "not to be known"})
    kept = place.ledger.checkpoint()
    records = list(place.ledger.records())
    shutil.rmtree(place.root / "ledger" / "tile")
    key = place.ledger.keyring.signer()
    empty = sign_checkpoint(key, 0, bytes.fromhex(digest(b"")))
    write(place.root / "ledger", {"checkpoint": empty, "state": b"written " + b"0" * 20 + b"\n"})
    forged = Workspace.open(place.root).ledger
    for record in records[:-1]:
        forged.append(Event(record.kind), record.fields)
    forged.append(Event.REPORT_MADE, {"run": "r1"})
    verify_workspace(place.root)
    assert "its past was rewritten" in fails(place.root, against=[("kept", kept)])


# --- older checkpoints, keys and witnesses ------------------------------------------------------


def test_older_checkpoints_of_every_size_are_part_of_it(place: Workspace) -> None:
    kept = [("start", place.ledger.checkpoint())]
    for number in range(3):
        place.ledger.append(Event.REPORT_MADE, {"n": number})
        kept.append((f"at {number}", place.ledger.checkpoint()))
    found = verify_workspace(place.root, against=kept)
    assert [older.size for older in found.older] == [6, 7, 8, 9]


def test_checkpoints_of_others_are_refused(place: Workspace, tmp_path: Path) -> None:
    other = filled(tmp_path / "other", 3)
    assert (
        fails(place.root, against=[("other", other.checkpoint())])
        == "other: the note is not signed by a known key"
    )
    fails(place.root, against=[("junk", b"\xff\x00")])
    assert "never had the key" in fails(place.root, vkeys=[other.signer().vkey])


def test_keys_are_followed_through_rotations(place: Workspace) -> None:
    first, kept = place.signer(), [("first", place.ledger.checkpoint())]
    for name in ("second", "third"):
        place.ledger.rotate_key()
        place.ledger.append(Event.REPORT_MADE, {})
        kept.append((name, place.ledger.checkpoint()))
    assert place.signer().vkey not in (first.vkey,)
    found = verify_workspace(place.root, vkeys=[first.vkey], against=kept)
    assert found.size == 10
    # the old key signs nothing any more
    forged = sign_checkpoint(first, found.size, found.root)
    (place.root / "ledger" / "checkpoint").write_bytes(forged)
    assert "replaced" in fails(place.root)
    assert "checkpoint" in fails(place.root, against=[("forged", forged)])


def test_an_old_key_cannot_sign_for_a_later_time(place: Workspace) -> None:
    first = place.signer()
    place.ledger.rotate_key()
    place.ledger.append(Event.REPORT_MADE, {})
    head = verify_workspace(place.root)
    forged = sign_checkpoint(first, head.size, head.root)
    assert "of another time" in fails(place.root, against=[("forged", forged)])


def test_a_rotation_that_the_old_key_did_not_sign_is_refused(place: Workspace) -> None:
    mine, thief = place.signer(), generate("example.org/test")
    fields = {"old": mine.vkey, "new": thief.vkey, "signature": "A" * 86 + "=="}
    place.ledger.append(Event.KEY_ROTATED, dict(fields))
    assert "rotation in record 6 does not verify" in fails(place.root)


class Stop(Exception):
    """Stands for a crash."""


@pytest.mark.parametrize("when", ["staged", "recorded", "renamed", "published"])
def test_a_rotation_that_is_cut_off_is_finished_or_forgotten(
    place: Workspace, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = place.root / "keys"
    old = place.signer().vkey
    size = len(list(place.ledger.records()))
    signed: list[int] = []

    def stop(*_: object) -> None:
        raise Stop

    def second_time(*arguments: object) -> bytes:
        signed.append(1)
        if len(signed) == 2:
            raise Stop
        return sign_checkpoint(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        match when:
            case "staged":
                patch.setattr(log_module, "rotation_fields", stop)
            case "recorded":
                patch.setattr(Keyring, "promote", stop)
            case "renamed":
                patch.setattr(Keyring, "_write", stop)
            case _:
                patch.setattr(log_module, "sign_checkpoint", second_time)
        with pytest.raises(Stop):
            place.ledger.rotate_key()
    verify_workspace(place.root)
    rotated = when != "staged"
    again = Workspace.open(place.root)
    assert again.ledger.append(Event.REPORT_MADE, {}) == size + rotated
    assert (again.signer().vkey != old) == rotated
    assert len(again.ledger.keyring.vkeys()) == 1 + rotated
    assert not (keys / "ledger-next.pem").exists()
    assert verify_workspace(place.root).size == size + rotated + 1


def test_witnesses_must_have_cosigned(place: Workspace) -> None:
    witness = generate("witness.example")
    vkey = verifier_key(witness.name, witness.public, COSIGNATURE)
    note = place.ledger.checkpoint()
    place.ledger.append(Event.REPORT_MADE, {})
    signed = cosign(note, witness, 1_700_000_000)
    found = verify_workspace(place.root, against=[("w", signed)], witnesses=[vkey])
    assert [(w.name, w.time) for w in found.older[0].witnesses] == [
        ("witness.example", 1_700_000_000)
    ]
    assert "not cosigned" in fails(place.root, against=[("w", note)], witnesses=[vkey])


# --- what is on the disk ------------------------------------------------------------------------


def test_what_is_missing_or_extra_is_named(place: Workspace) -> None:
    run = place.runs_dir / "r1"
    (run / "shards" / "cc").mkdir()
    write(run / "shards" / "cc", {"counts.json": b"{}"})
    assert fails(place.root) == "runs/r1/shards/cc/counts.json is not on the ledger"
    shutil.rmtree(run / "shards" / "cc")
    write(run / "shards" / "aa", {"more": b"x"})
    assert fails(place.root) == "runs/r1/shards/aa/more is not on the ledger"
    (run / "shards" / "aa" / "more").unlink()
    write(place.runs_dir / "r2", {"run.json": b"{}", "summary.json": b"{}"})
    assert fails(place.root) == "runs/r2 is not on the ledger"
    shutil.rmtree(place.runs_dir / "r2")
    shutil.rmtree(run)
    assert fails(place.root) == "runs/r1 is missing"


def test_lists_and_custodians_are_compared(place: Workspace) -> None:
    version = place.lists_dir / "known" / "0001-0123456789ab"
    write(version, {"more.idx": b"x"})
    assert "more.idx is not on the ledger" in fails(place.root)
    (version / "more.idx").unlink()
    write(place.lists_dir / "known" / "deltas" / "a..b", {"x": b""})
    write(place.lists_dir / "mine" / "0001-aaaaaaaaaaaa", {"x": b""})
    assert verify_workspace(place.root).not_covered == [
        "lists/known/deltas/a..b: compiled, not recorded; it is made again before use",
        "lists/mine/0001-aaaaaaaaaaaa: not recorded; no run may use it",
    ]
    shutil.rmtree(version)
    assert fails(place.root) == "lists/known/0001-0123456789ab is missing"


def test_a_delta_is_what_was_recorded_or_gone(place: Workspace) -> None:
    folder = place.lists_dir / "known" / "deltas" / "a..b"
    manifest = json.dumps({"files": {"x": digest(b"x")}}).encode()
    write(folder, {"x": b"x", "manifest.json": manifest})
    fields = {"name": "known", "version": "b", "since": "a", "manifest": digest(manifest)}
    place.ledger.append(Event.DELTA_COMPILED, dict(fields))
    assert verify_workspace(place.root).not_covered == []
    write(folder, {"x": b"y"})
    assert fails(place.root) == "lists/known/deltas/a..b/x is not what the ledger says"
    forged = json.dumps({"files": {"x": digest(b"y")}}).encode()
    write(folder, {"manifest.json": forged})
    assert "a..b/manifest.json is not what the ledger says" in fails(place.root)
    shutil.rmtree(folder)
    assert verify_workspace(place.root).not_covered == []


@pytest.mark.parametrize("since", [None, "0001-0123456789ab"])
def test_a_run_that_used_a_list_off_the_record_is_noticed(
    place: Workspace, since: str | None
) -> None:
    version = "0002-aaaaaaaaaaaa"
    planted = place.lists_dir / "known" / version
    use(place, {"name": "known", "version": version, "digest": "sha256:00", "since": since})
    # never here, as a list that the Python interface was given, or taken away again
    noted = f"runs/r2: its list known@{version} is not on the ledger"
    assert noted in verify_workspace(place.root).not_covered
    write(planted, {"manifest.json": b"{}"})
    assert fails(place.root) == (
        f"runs/r2 was screened against lists/known/{version}, which is not on the ledger"
    )


def test_a_run_that_used_another_list_of_the_name_is_noticed(place: Workspace) -> None:
    use(place, {"name": "known", "version": "0001-0123456789ab", "digest": "sha256:00"})
    assert fails(place.root) == (
        "runs/r2 was screened against another lists/known/0001-0123456789ab than the ledger has"
    )


def use(place: Workspace, reference: dict[str, str | None]) -> None:
    """Begin a run with this list, and put it on the ledger."""
    data = json.dumps({"parameters": {"lists": [reference]}}).encode()
    write(place.runs_dir / "r2", {"run.json": data})
    files: dict[str, JSON] = {"run.json": digest(data)}
    place.ledger.append(Event.RUN_STARTED, {"run": "r2", "shards": 0, "files": files})


def test_a_custodian_off_the_record_is_noticed(place: Workspace) -> None:
    path = place.root / "brightline.toml"
    text = path.read_text()
    path.write_text(f'{text}\n[[custodian]]\nname = "Eve"\nrecipient = "age1eve"\n')
    assert fails(place.root) == "custodian 'Eve' is in brightline.toml and not on the ledger"
    path.write_text(text.split("[[custodian]]")[0])
    assert "is on the ledger and not in brightline.toml" in fails(place.root)


def test_sealing_anew_is_followed(place: Workspace) -> None:
    sealed = place.runs_dir / "r1" / "shards" / "aa" / "findings.age"
    old, new = sealed.read_bytes(), b"sealed anew"
    files: dict[str, object] = {"aa": {"findings.age": digest(new)}}
    place.ledger.append(Event.FINDINGS_RESEALED, {"run": "r1", "files": files})  # type: ignore[dict-item]
    assert "aa/findings.age is not what the ledger says" in fails(place.root)
    waiting = sealed.with_name(".tmp-resealed-findings.age")
    waiting.write_bytes(new)
    assert "sealing anew was cut off" in verify_workspace(place.root).not_covered[0]
    sealed.write_bytes(b"neither")
    assert "aa/findings.age is not what the ledger says" in fails(place.root)
    waiting.rename(sealed)
    verify_workspace(place.root)
    sealed.write_bytes(old)
    assert "aa/findings.age is not what the ledger says" in fails(place.root)


def test_a_run_under_way_is_not_covered_and_no_fault(place: Workspace) -> None:
    run = place.runs_dir / "r2"
    begun = b'{"parameters":{"lists":[]}}'
    write(run, {"run.json": begun, "manifest.parquet": b"x", ".lock": b""})
    assert verify_workspace(place.root).not_covered == ["runs/r2: not on the ledger, or not yet"]
    files = {name: digest((run / name).read_bytes()) for name in ("run.json", "manifest.parquet")}
    place.ledger.append(Event.RUN_STARTED, {"run": "r2", "shards": 2, "files": dict(files)})
    write(run / "shards" / "aa", {"counts.json": b"{}"})
    write(run / "shards" / ".tmp-0123-bb", {"signals.parquet": b"x"})
    assert len(verify_workspace(place.root).not_covered) == 2
    place.ledger.append(Event.RUN_FINISHED, {"run": "r2", "summary": digest(b"{}")})
    write(run, {"summary.json": b"{}"})
    assert fails(place.root) == "runs/r2 is finished on the ledger with 0 of 2 shards"


def test_what_a_crash_left_is_not_covered_and_no_fault(place: Workspace) -> None:
    folder = place.root / "ledger"
    write(folder, {"state": b"writing 00000000000000000007\n"})
    write(folder / "tile" / "entries" / "000.p", {"7": b"torn", ".tmp-0123-7": b""})
    assert verify_workspace(place.root).not_covered == [
        "ledger/tile/entries/000.p/7: an append that was cut off",
        "ledger/tile/entries/000.p/.tmp-0123-7: left by a crash",
    ]
    write(folder, {"state": b"written 00000000000000000007\n"})
    assert "from another time" in fails(place.root)


def test_strange_files_in_the_ledger_are_named(place: Workspace) -> None:
    for name in ("notes.txt", "tile/0/x000/001", "tile/0/000.p/256", "tile/64x", "tile/0/1"):
        path = place.root / "ledger" / name
        write(path.parent, {path.name: b"x"})
        assert fails(place.root) == f"ledger/{name} does not belong to a ledger"
        path.unlink()


def test_a_record_that_is_not_canonical_is_noticed(tmp_path: Path) -> None:
    """A log whose tree is right, but whose entries are not records in order."""
    other = b'{"fields":{},"kind":"x","seq":7,"time":"2026-01-01T00:00:00.000000Z"}'
    for number, entry in enumerate([b'{"seq": 0}', b"[]", b"\xff", b"", b"[" * 5000, other]):
        root = tmp_path / str(number)
        ledger = Workspace.create(root).ledger
        ledger.append(Event.REPORT_MADE, {})
        with ledger._turn():
            ledger._open()
            ledger._commit([entry])
        assert fails(root).startswith("record 1 of the ledger")
        with pytest.raises(DamagedError, match="record 1 of"):
            list(ledger.records())


def test_the_form_of_an_earlier_version_is_said_to_be_that(tmp_path: Path) -> None:
    root = Workspace.create(tmp_path / "w").root
    write(root / "ledger", {"journal.jsonl": b""})
    assert "earlier version" in fails(root)
    assert log(root).checkpoint()
    verify_workspace(root)
