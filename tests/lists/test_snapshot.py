"""Snapshots: whole or absent, deterministic, immutable, private, and cheap to open."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from brightline import storage
from brightline.errors import DamagedError, ListError, ListFormatError
from brightline.lists import (
    HashList,
    ListManifest,
    Removed,
    apply_changes,
    import_list,
    indexes,
    list_names,
    list_versions,
    open_delta,
    open_list,
    versions,
)
from brightline.lists.collected import TYPES
from brightline.lists.manifest import read_manifest
from brightline.types import Pipeline, Role, SignalType
from tests.lists.helpers import Row, csv_file, rows, value

MIXED: list[Row] = [
    (TYPES[n % 5], value(TYPES[n % 5], n), (None, "A1", "B2")[n % 3], ("x",) if n % 4 == 0 else ())
    for n in range(60)
]


def do_import(root: Path, given: list[Row], name: str = "hotline") -> tuple[ListManifest, bool]:
    root.mkdir(parents=True, exist_ok=True)
    return import_list(root / "lists", name, csv_file(root / "list.csv", given))


def test_a_mixed_list_round_trips(tmp_path: Path) -> None:
    manifest, new = do_import(tmp_path, MIXED)
    assert new
    opened = open_list(tmp_path / "lists", "hotline")
    assert opened.manifest == manifest
    assert len(opened) == manifest.entries == 60
    assert manifest.counts == {str(signal): 12 for signal in TYPES}
    assert manifest.categories == {"A1": 20, "B2": 20}
    assert manifest.duplicates == 0
    assert manifest.source_format == "csv"
    data = (tmp_path / "list.csv").read_bytes()
    assert manifest.source_sha256 == hashlib.sha256(data).hexdigest()
    assert manifest.version == f"0001-{manifest.digest[7:19]}"
    assert (manifest.role, manifest.pipeline) == (Role.KNOWN_BAD, Pipeline.UNKNOWN)
    assert rows(opened.entries()) == MIXED
    opened.verify()


def test_every_entry_is_found_through_its_index(tmp_path: Path) -> None:
    do_import(tmp_path, MIXED)
    opened = open_list(tmp_path / "lists", "hotline")
    for signal in TYPES:
        wanted = [n for n, r in enumerate(MIXED) if r[0] is signal]
        queries = np.frombuffer(b"".join(MIXED[n][1] for n in wanted), np.uint8)
        queries = queries.reshape(-1, signal.width)
        if signal is SignalType.PDQ:
            query, entries, distance = opened.search_pdq(queries)
            assert distance.tolist() == [0] * len(wanted)
        else:
            query, entries = opened.search_exact(signal, queries)
        assert [wanted[q] for q in query] == entries.tolist() == wanted
        assert opened.category(entries) == [MIXED[n][2] for n in entries]
        again, same = opened.search_exact(signal, queries)
        assert (again.tolist(), same.tolist()) == (query.tolist(), entries.tolist())


def test_columns_are_mapped_not_read(tmp_path: Path) -> None:
    do_import(tmp_path, MIXED)
    (segment,) = open_list(tmp_path / "lists", "hotline").segments
    segment.categories(np.array([3]))
    assert isinstance(segment._categories, np.memmap)
    assert isinstance(segment.indexes.ids(SignalType.MD5), np.memmap)


def test_a_snapshot_pickles_as_its_path(tmp_path: Path) -> None:
    do_import(tmp_path, MIXED)
    opened = open_list(tmp_path / "lists", "hotline")
    opened.category([0])
    data = pickle.dumps(opened)
    assert len(data) < 500
    again = pickle.loads(data)
    assert again.manifest == opened.manifest
    assert again.category([1]) == ["A1"]


@pytest.mark.parametrize("given", [[], MIXED[:1], MIXED[3:4]])
def test_lists_of_none_and_one(tmp_path: Path, given: list[Row]) -> None:
    manifest, new = do_import(tmp_path, given)
    opened = open_list(tmp_path / "lists", "hotline")
    assert new
    assert len(opened) == manifest.entries == len(given)
    assert opened.category([0] * len(given)) == [r[2] for r in given]
    for signal in TYPES:
        mine = [n for n, r in enumerate(given) if r[0] is signal]
        asked = np.frombuffer(b"".join(r[1] for r in MIXED if r[0] is signal), np.uint8)
        _, entries = opened.search_exact(signal, asked.reshape(-1, signal.width))
        assert sorted(entries.tolist()) == mine
    assert opened.numbers().tolist() == list(range(len(given)))
    assert rows(opened.entries()) == given
    opened.verify()


def test_the_digest_does_not_depend_on_name_format_or_date(tmp_path: Path) -> None:
    digests: list[Row] = [
        (signal, value(signal, n), None, ())
        for n, signal in enumerate([SignalType.MD5, SignalType.SHA256, SignalType.SHA1])
    ]
    one, _ = do_import(tmp_path / "a", digests)
    text = tmp_path / "SUMS"
    text.write_text("".join(f"{r[1].hex().upper()}  name {n}\r\n" for n, r in enumerate(digests)))
    two, _ = import_list(tmp_path / "b", "other", text)
    assert two.source_format == "digests"
    assert one.digest == two.digest
    assert one.version == two.version
    assert one.source_sha256 != two.source_sha256


def test_the_same_content_again_changes_nothing(tmp_path: Path) -> None:
    first, _ = do_import(tmp_path, MIXED)
    second, new = do_import(tmp_path, MIXED[:30])
    assert new
    before = sorted((str(p), p.stat().st_mtime_ns) for p in (tmp_path / "lists").rglob("*"))
    again, new = do_import(tmp_path, [*MIXED, *MIXED[:7]])
    assert not new
    assert again == first
    after = sorted((str(p), p.stat().st_mtime_ns) for p in (tmp_path / "lists").rglob("*"))
    assert before == after
    assert list_versions(tmp_path / "lists", "hotline") == [first, second]


def test_duplicates_are_counted(tmp_path: Path) -> None:
    manifest, _ = do_import(tmp_path, [*MIXED, *MIXED[:7]])
    assert (manifest.entries, manifest.duplicates) == (60, 7)


def test_other_thresholds_are_another_version(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "l.csv", MIXED)
    root = tmp_path / "lists"
    made = [
        import_list(root, "x", file),
        import_list(root, "x", file, role=Role.KNOWN_GOOD),
        import_list(root, "x", file, pipeline=Pipeline.FULL),
        import_list(root, "x", file, pdq_threshold=20),
        import_list(root, "x", file, pdq_min_quality=80),
    ]
    assert all(new for _, new in made)
    assert [m.version[:5] for m, _ in made] == ["0001-", "0002-", "0003-", "0004-", "0005-"]
    for manifest, _ in made:
        opened = open_list(root, f"x@{manifest.version}")
        assert opened.manifest == manifest
        opened.verify()


def test_references(tmp_path: Path) -> None:
    first, _ = do_import(tmp_path, MIXED)
    second, _ = do_import(tmp_path, MIXED[:30])
    root = tmp_path / "lists"
    assert open_list(root, "hotline").manifest == second
    for reference in (first.version, first.digest, first.digest[7:13], "0001", "1"):
        assert open_list(root, f"hotline@{reference}").manifest == first
    assert open_list(root, f"hotline@{second.digest[7:30].upper()}").manifest == second
    for wrong in ("", "3", "0", "sha256:", "0001-", "../0001", "zz", first.digest[7:12] + "g"):
        with pytest.raises(ListError, match=f"{first.version}, {second.version}"):
            open_list(root, f"hotline@{wrong}")


def test_an_ambiguous_digest_is_refused(tmp_path: Path) -> None:
    do_import(tmp_path, MIXED)
    home = tmp_path / "lists" / "hotline"
    (only,) = (path for path in home.iterdir() if path.is_dir())
    twin = home / only.name.replace("0001", "0002")
    subprocess.run(["cp", "-r", str(only), str(twin)], check=True)
    with pytest.raises(ListError, match="more than one version"):
        open_list(tmp_path / "lists", f"hotline@{only.name[5:]}")


def test_unknown_lists_are_answered_with_the_known(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="list import"):
        open_list(tmp_path / "lists", "x")
    do_import(tmp_path, MIXED, "b")
    do_import(tmp_path, MIXED, "a")
    assert list_names(tmp_path / "lists") == ["a", "b"]
    with pytest.raises(ListError, match="there are: a, b"):
        open_list(tmp_path / "lists", "x")


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "..", "a b", "é", "x" * 65, "a@b", "a\n"])
def test_names_that_a_list_cannot_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ListError, match="a list's name"):
        do_import(tmp_path, MIXED, name)
    if "@" not in name:
        with pytest.raises(ListError, match="a list's name"):
            open_list(tmp_path / "lists", name)
    assert not (tmp_path / "lists").exists()


def test_numbers_out_of_range(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "l.csv", MIXED)
    for threshold in (-1, 257):
        with pytest.raises(ListError, match="threshold"):
            import_list(tmp_path / "lists", "x", file, pdq_threshold=threshold)
    for quality in (-1, 101):
        with pytest.raises(ListError, match="quality"):
            import_list(tmp_path / "lists", "x", file, pdq_min_quality=quality)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="No such file"):
        import_list(tmp_path / "lists", "x", tmp_path / "none.csv")
    with pytest.raises(ListError, match="directory"):
        import_list(tmp_path / "lists", "x", tmp_path)


def test_a_refused_file_imports_nothing(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "l.csv", MIXED)
    with file.open("a") as out:
        out.write("needle,md5\n")
    with pytest.raises(ListFormatError, match=r"l\.csv was refused .* line 61 "):
        import_list(tmp_path / "lists", "x", file)
    assert list_names(tmp_path / "lists") == []
    assert not (tmp_path / "lists").exists()


@pytest.mark.parametrize(
    "where",
    [
        "write_segment",
        "close_folder",
        "ExactIndex",
        "HammingIndex",
        "write_atomic",
        "fsync",
        "rename",
    ],
)
def test_a_failure_midway_leaves_the_former_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    first, _ = do_import(tmp_path, MIXED[:30])

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if where in ("write_segment", "close_folder"):
            patch.setattr(versions, where, broken)
        elif where in ("ExactIndex", "HammingIndex"):
            patch.setattr(getattr(indexes, where), "save", broken)
        elif where == "write_atomic":
            patch.setattr(storage, "write_atomic", broken)
        elif where == "fsync":
            patch.setattr(storage, "fsync_file", broken)
        else:
            patch.setattr(Path, "rename", broken)
        with pytest.raises(OSError, match="No space"):
            do_import(tmp_path, MIXED)
    home = tmp_path / "lists" / "hotline"
    assert sorted(path.name for path in home.iterdir()) == [".lock", first.version]
    opened = open_list(tmp_path / "lists", "hotline")
    assert opened.manifest == first
    opened.verify()
    _, new = do_import(tmp_path, MIXED)
    assert new


def test_what_a_killed_import_left_is_not_a_version(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from brightline.lists import import_list, versions\n"
        "versions.close_folder = lambda folder: os.kill(os.getpid(), 9)\n"
        "import_list(Path(sys.argv[1]), 'x', Path(sys.argv[2]))\n"
    )
    file = csv_file(tmp_path / "l.csv", MIXED)
    root = tmp_path / "lists"
    done = subprocess.run([sys.executable, "-c", code, str(root), str(file)], check=False)
    assert done.returncode == -9
    assert list(root.rglob("*.parquet"))
    assert list_names(root) == []
    manifest, new = import_list(root, "x", file)
    assert new
    assert {path.name for path in (root / "x").iterdir()} == {".lock", manifest.version}


IMPORTER = """
import json, sys
from pathlib import Path
from brightline.lists import import_list
print("ready", flush=True)
sys.stdin.readline()
manifest, new = import_list(Path(sys.argv[1]), "x", Path(sys.argv[2]))
print(json.dumps([manifest.version, new]))
"""


@pytest.mark.parametrize("same", [True, False])
def test_two_processes_import_at_once(tmp_path: Path, same: bool) -> None:
    files = [
        csv_file(tmp_path / "a.csv", MIXED),
        csv_file(tmp_path / "b.csv", MIXED if same else MIXED[:30]),
    ]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(tmp_path / "lists"), str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    results = sorted(json.loads(worker.communicate()[0]) for worker in workers)
    versions = list_versions(tmp_path / "lists", "x")
    if same:
        assert [new for _, new in results].count(True) == 1
        assert len({version for version, _ in results}) == len(versions) == 1
    else:
        assert [version[:4] for version, _ in results] == ["0001", "0002"]
        assert all(new for _, new in results)
    for manifest in versions:
        open_list(tmp_path / "lists", f"x@{manifest.version}").verify()


def test_only_the_owner_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    close = versions.close_folder

    def look(folder: Path) -> dict[str, str]:
        """Before the files are closed: they are private while they are written, too."""
        modes.extend(p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_file())
        return close(folder)

    monkeypatch.setattr(versions, "close_folder", look)
    old = os.umask(0)
    try:
        do_import(tmp_path, MIXED)
        assert os.umask(0) == 0
    finally:
        os.umask(old)
    assert len(modes) > 8 and set(modes) == {0o600}
    found = list((tmp_path / "lists").rglob("*"))
    assert len(found) > 10
    for path in (tmp_path / "lists", *found):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_a_list_can_come_through_a_pipe(tmp_path: Path) -> None:
    data = csv_file(tmp_path / "l.csv", MIXED).read_bytes()
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    seen: list[tuple[int, int]] = []
    try:
        manifest, _ = import_list(
            tmp_path / "lists",
            "x",
            Path(f"/dev/fd/{reader}"),
            progress=lambda done, total: seen.append((done, total)),
        )
    finally:
        os.close(reader)
    assert manifest.entries == 60
    assert manifest.source_sha256 == hashlib.sha256(data).hexdigest()
    assert seen[-1] == (len(data), 0)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "l.csv", MIXED)
    seen: list[tuple[int, int]] = []
    import_list(
        tmp_path / "lists", "x", file, progress=lambda done, total: seen.append((done, total))
    )
    size = file.stat().st_size
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)


# --- damage ---------------------------------------------------------------------------------


def snapshot(tmp_path: Path) -> HashList:
    do_import(tmp_path, MIXED)
    return open_list(tmp_path / "lists", "hotline")


def test_verify_finds_every_changed_lost_or_added_file(tmp_path: Path) -> None:
    opened = snapshot(tmp_path)
    for name in opened.manifest.files:
        path = opened.path / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DamagedError, match="is not what"):
            opened.verify()
        path.unlink()
        with pytest.raises(DamagedError, match="is missing"):
            opened.verify()
        path.write_bytes(whole)
    opened.verify()
    (opened.path / "more").write_text("x")
    with pytest.raises(DamagedError, match="is not what"):
        opened.verify()


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("role", "known-good"),
        ("pipeline", "full"),
        ("pdq_threshold", 3),
        ("pdq_min_quality", 3),
        ("entries", 61),
        ("counts", {"md5": 60}),
        ("categories", [["A1", 20], ["B3", 20]]),
        ("categories", [["A1", 21], ["B2", 19]]),
        ("categories", [["B2", 20], ["A1", 20]]),
        ("digest", f"sha256:{'0' * 64}"),
    ],
)
def test_verify_finds_a_changed_manifest(tmp_path: Path, key: str, changed: object) -> None:
    opened = snapshot(tmp_path)
    path = opened.path / "manifest.json"
    document = json.loads(path.read_bytes())
    assert document[key] != changed
    path.write_text(json.dumps({**document, key: changed}))
    with pytest.raises(DamagedError):
        HashList(opened.path).verify()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": 1}', "\udcff", '{"format_version": "1"}']
)
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    opened = snapshot(tmp_path)
    (opened.path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedError, match="damaged"):
        open_list(tmp_path / "lists", "hotline")


def test_a_manifest_with_wrong_kinds_of_values(tmp_path: Path) -> None:
    opened = snapshot(tmp_path)
    path = opened.path / "manifest.json"
    document = json.loads(path.read_bytes())
    for key, changed in (
        ("role", "x"),
        ("pipeline", 3),
        ("entries", "60"),
        ("categories", 3),
        ("files", None),
        ("surplus", 1),
    ):
        path.write_text(json.dumps({**document, key: changed}))
        with pytest.raises(DamagedError, match="damaged"):
            read_manifest(opened.path)


def test_a_newer_format_and_a_lost_file_are_said_so(tmp_path: Path) -> None:
    opened = snapshot(tmp_path)
    (opened.path / "category.npy").unlink()
    with pytest.raises(DamagedError, match=r"category\.npy is missing"):
        opened.category([0])
    path = opened.path / "manifest.json"
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "format_version": 3}))
    with pytest.raises(ListError, match="newer"):
        open_list(tmp_path / "lists", "hotline")
    path.unlink()
    with pytest.raises(DamagedError, match="cannot read"):
        open_list(tmp_path / "lists", "hotline")


# --- what an earlier Brightline wrote -------------------------------------------------------

#: the fields of a manifest of format 1
FORMER = (
    *("name", "version", "digest", "created", "role", "pipeline", "pdq_threshold"),
    *("pdq_min_quality", "entries", "duplicates", "counts", "categories", "source_sha256"),
    *("source_format", "files"),
)


def test_a_snapshot_of_the_first_format_is_read_and_built_upon(tmp_path: Path) -> None:
    manifest, _ = do_import(tmp_path, MIXED)
    root = tmp_path / "lists"
    path = root / "hotline" / manifest.version / "manifest.json"
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**{k: document[k] for k in FORMER}, "format_version": 1}))
    opened = open_list(root, "hotline")
    assert opened.manifest.format_version == 1
    assert rows(opened.entries()) == MIXED
    opened.verify()
    again, new = do_import(tmp_path, MIXED)
    assert (again.version, new) == (manifest.version, False)
    later, _ = apply_changes(
        root, "hotline", [Removed((MIXED[1][0], MIXED[1][1])), Removed((MIXED[2][0], MIXED[2][1]))]
    )
    assert [(s.version, s.removed) for s in later.segments] == [(manifest.version, 2)]
    opened = open_list(root, "hotline")
    opened.verify()
    assert rows(opened.entries()) == [MIXED[0], *MIXED[3:]]
    assert opened.numbers().tolist() == [0, *range(3, 60)]
    assert len(open_delta(root, "hotline", "2", "1")) == 2
