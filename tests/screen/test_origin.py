"""Origin evidence in an audit: sealed with findings, counted in the open, and nothing else."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import brightline
from brightline.cli import run as command
from brightline.errors import UsageError
from brightline.findings import open_sealed
from brightline.lists import open_list
from brightline.origin import Examination, examine, summary_counts
from brightline.report import build_report, render_html
from brightline.screen.examining import Look, NotExamined, OriginMode, look_at
from brightline.screen.guard import Guard
from brightline.screen.parameters import ListReference, Parameters, task_id
from brightline.screen.reuse import Origin, match_sheaf, sheaf
from brightline.screen.summary import origin_counts
from brightline.screen.tally import Tally
from brightline.screen.task import FINDINGS, Job, direct, fail_task, read_counts, run_task
from brightline.sources import discover
from brightline.types import Limits, Role
from tests.corpora import md5_row, write_tar
from tests.harness import Place, make_place, stable, without_run
from tests.origin import chain, hostile, writers
from tests.origin.test_examine import A1111, PROMPT
from tests.pictures import drawn, encode
from tests.screen.inprocess import Desk, Still, make_desk, metadata_shard, unread

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MARKED = writers.png_text("parameters", A1111)
DECLARED = writers.jpeg_xmp(writers.xmp_packet("Iptc4xmpExt:DigitalSourceType", TRAINED))
GOOD = writers.gif_comment(A1111)
UNMATCHED = writers.jpeg_exif(writers.exif_block({"usercomment": A1111}))
PLAIN = encode(drawn(1, 200, 160), "JPEG")
OTHER = encode(drawn(2, 200, 160), "PNG")
CAPTIONED = writers.png_text("parameters", A1111.replace("1234567890", "77"), "zTXt")
TEXT = b"a text that a list's entry matches"
#: metadata whose lengths lie
DAMAGED = writers.jpeg((0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"))

MATCHED = (MARKED, DECLARED, OTHER, TEXT, DAMAGED, CAPTIONED)
PICTURES = (MARKED, DECLARED, GOOD, UNMATCHED, PLAIN, OTHER, CAPTIONED, DAMAGED)
#: what leads back to a picture or its maker
SECRETS = (PROMPT, "1234567890", "6ce0161689", "v1-5", "lighthouse", "a1111", "Euler")


def write_corpus(folder: Path) -> None:
    """A folder, a tar and a zip: ten items besides the archives."""
    (folder / "files").mkdir(parents=True)
    for name, data in {
        "marked.png": MARKED,
        "damaged.jpg": DAMAGED,
        "good.gif": GOOD,
        "notes.txt": TEXT,
        "empty.jpg": b"",
    }.items():
        (folder / "files" / name).write_bytes(data)
    write_tar(folder / "a.tar", {"declared.jpg": DECLARED, "more.jpg": UNMATCHED})
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        for name, data in {"1.jpg": PLAIN, "2.png": OTHER, "3.png": CAPTIONED}.items():
            archive.writestr(name, data)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("origin")
    write_corpus(folder / "corpus")
    place = make_place(folder)
    place.add_list("hotline", [md5_row(data) for data in MATCHED])
    place.add_list("stock", [md5_row(GOOD), md5_row(MARKED)], role=Role.KNOWN_GOOD)
    return place


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"))


Result = tuple[list[dict[str, Any]], Tally, list[Job]]


def screened(
    desk: Desk,
    place: Place,
    run: str,
    mode: OriginMode,
    *,
    source: Path | None = None,
    limits: Limits | None = None,
    look: Look | None = None,
    names: tuple[str, ...] = ("hotline", "stock"),
) -> Result:
    """Every shard of a source, in this process."""
    lists = [open_list(place.root / "lists", name) for name in names]
    setting = replace(
        desk.setting(run, lists, orientations=False), origin=mode, limits=limits or Limits()
    )
    beat, tally = Still(), Tally()
    shards = discover([source or place.root.parent / "corpus"], setting.limits)
    jobs = [Job(number, f"{number:032x}", shard) for number, shard in enumerate(shards)]
    findings = []
    for job in jobs:
        tally.merge(run_task(setting, job, beat, direct(setting, beat), look)["tally"])
        findings += open_sealed(setting.folder / job.task / FINDINGS, desk.identity)
    return findings, tally, jobs


def counts(tally: Tally, mode: OriginMode) -> dict[str, Any]:
    found = origin_counts(tally, mode)
    assert found is not None
    return found


def expected(examined: list[Examination]) -> dict[str, Any]:
    """What counts say of pictures that were examined directly."""
    return {
        **summary_counts(examined),
        "notes": dict(sorted(Counter(n for one in examined for n in one.notes).items())),
    }


def test_findings_carry_what_an_examination_says(desk: Desk, place: Place) -> None:
    findings, tally, _ = screened(desk, place, "matched", OriginMode.MATCHED)
    data = {
        "marked.png": MARKED,
        "damaged.jpg": DAMAGED,
        "notes.txt": TEXT,
        "declared.jpg": DECLARED,
        "2.png": OTHER,
        "3.png": CAPTIONED,
    }
    by_name: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        by_name.setdefault(finding["item"].rpartition("/")[2], []).append(finding)
    assert set(by_name) == {*data, "good.gif"}
    for name, bytes_of in data.items():
        for finding in by_name[name]:
            assert finding["origin"] == examine(bytes_of, list_match=True).to_json(), name
    # on both lists; and one that a known-good list alone matched, of which nobody asked
    assert {f["role"] for f in by_name["marked.png"]} == {"known-bad", "known-good"}
    assert ["origin" in f for f in by_name["good.gif"]] == [False]
    marked = by_name["marked.png"][0]["origin"]
    assert [piece["claim"] for piece in marked["evidence"]] == ["ai_generated"]
    assert marked["evidence"][0]["extracted"]["seed"] == "1234567890"
    assert [c["name"] for c in marked["contradictions"]] == ["list_match_and_ai_claim"]

    direct_ones = [examine(one, list_match=True) for one in MATCHED]
    told = counts(tally, OriginMode.MATCHED)
    assert told["mode"] == "matched"
    assert expected(direct_ones).items() <= told.items()
    assert (told["examined"], told["not_examined"]) == (tally.matched_items, 0)
    assert told["claims"]["ai_generated"] == {"declared_standard": 1, "generator_artifact": 2}
    assert told["notes"]["metadata_damaged"] == 1


def test_all_is_a_survey_in_counts(desk: Desk, place: Place) -> None:
    findings, tally, _ = screened(desk, place, "all", OriginMode.ALL)
    of_matched, plain, _ = screened(desk, place, "plain", OriginMode.NONE)
    told = counts(tally, OriginMode.ALL)
    direct_ones = [examine(p, list_match=p in MATCHED) for p in (*PICTURES, TEXT)]
    assert expected(direct_ones).items() <= told.items()
    assert told["claims"]["ai_generated"] == {"declared_standard": 1, "generator_artifact": 4}
    assert told["contradictions"] == {"list_match_and_ai_claim": 3}
    assert told["examined"] + told["not_examined"] == tally.items
    assert told["not_examined_reasons"]["no_bytes"] == 1

    # evidence of what nothing matched is nowhere; and all else is as without
    assert len(findings) == len(of_matched) == 8
    assert not any("origin" in finding for finding in of_matched)
    bare = [{k: v for k, v in f.items() if k not in ("origin", "run")} for f in findings]
    assert bare == without_run(of_matched)
    with_counts = tally.to_json()
    for name in [n for n in with_counts["counters"] if n.startswith("origin_")]:
        del with_counts["counters"][name]
    assert with_counts == plain.to_json()
    assert origin_counts(plain, OriginMode.NONE) is None


def test_no_more_bytes_are_held_than_a_batch(desk: Desk, place: Place, tmp_path: Path) -> None:
    """All that matched is examined before more than one batch of 64 is read."""
    (tmp_path / "many").mkdir()
    for k in range(200):
        (tmp_path / "many" / f"{k:03}.png").write_bytes(MARKED)
    beat = Still()
    seen: list[int] = []

    def look(data: bytes, list_match: bool) -> Examination | NotExamined:
        seen.append(beat.items)
        return NotExamined.CRASHED

    setting = replace(
        desk.setting("batches", [open_list(place.root / "lists", "hotline")], orientations=False),
        origin=OriginMode.MATCHED,
    )
    [shard] = discover([tmp_path / "many"], Limits())
    job = Job(0, "0" * 32, shard)
    tally = Tally()
    tally.merge(run_task(setting, job, beat, direct(setting, beat), look)["tally"])
    assert len(seen) == 200
    assert all(place - done < 64 for place, done in enumerate(seen))
    assert counts(tally, OriginMode.MATCHED)["not_examined_reasons"] == {"origin_crashed": 200}


@pytest.mark.parametrize("mode", [OriginMode.MATCHED, OriginMode.ALL])
def test_what_cannot_be_examined_is_counted(
    desk: Desk, place: Place, tmp_path: Path, mode: OriginMode
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rows = [md5_row(data).split(",")[0] for data in (MARKED, DECLARED, PLAIN)]
    (source / "rows.csv").write_text("md5\n" + "".join(f"{row}\n" for row in rows))
    write_tar(source / "large.tar", {"large.png": MARKED, "small.png": OTHER[:200]})
    limits = replace(Limits(), max_item_bytes=len(OTHER) // 2)
    findings, tally, _ = screened(desk, place, f"cannot-{mode}", mode, source=source, limits=limits)
    told = counts(tally, mode)
    every = mode is OriginMode.ALL
    assert told["not_examined_reasons"] == {"no_bytes": 3 if every else 2, "too_large": 1}
    assert told["examined"] + told["not_examined"] == (tally.items if every else 3)
    assert [f["origin"]["not_examined"] for f in findings if f["list"] == "hotline"] == [
        "too_large",
        "no_bytes",
        "no_bytes",
    ]
    assert all("evidence" not in f["origin"] for f in findings)


def test_a_fault_of_the_examination_costs_no_finding(
    desk: Desk, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: bytes, **_: Any) -> Examination:
        raise ValueError(PROMPT)

    monkeypatch.setattr("brightline.origin.examine", fail)
    findings, tally, _ = screened(desk, place, "faults", OriginMode.MATCHED)
    assert len(findings) == 8
    told = counts(tally, OriginMode.MATCHED)
    assert (told["examined"], told["not_examined_reasons"]) == (0, {"origin_failed": 6})
    kept = [f["origin"] for f in findings if "origin" in f]
    assert {json.dumps(one) for one in kept} == {json.dumps(NotExamined.FAILED.to_json())}


def test_hostile_metadata_costs_no_item(desk: Desk, place: Place, tmp_path: Path) -> None:
    bombs = list(hostile.bombs().values())[::9]
    (tmp_path / "bombs").mkdir()
    for number, data in enumerate(bombs):
        (tmp_path / "bombs" / f"{number:03}.png").write_bytes(data)
    _, tally, _ = screened(desk, place, "bombs", OriginMode.ALL, source=tmp_path / "bombs")
    told = counts(tally, OriginMode.ALL)
    assert told["examined"] + told["not_examined"] == len(bombs)
    assert "origin_failed" not in told["not_examined_reasons"]
    assert told["examined"] > len(bombs) // 2


def test_a_shard_given_up_is_counted(desk: Desk) -> None:
    setting = replace(desk.setting("up", [], orientations=False), origin=OriginMode.ALL)
    tally = Tally()
    tally.merge(fail_task(setting, Job(0, "1" * 32, metadata_shard()))["tally"])
    assert counts(tally, OriginMode.ALL)["not_examined_reasons"] == {"no_bytes": 1}


def test_archives_that_are_used_again_bring_no_counts(desk: Desk, place: Place) -> None:
    _, _, jobs = screened(desk, place, "before", OriginMode.ALL)
    lists = [open_list(place.root / "lists", "hotline")]
    setting = desk.setting("after", lists, orientations=False)
    origins = [(job, Origin("before", desk.root / "before" / job.task)) for job in jobs]
    match_sheaf(setting, sheaf(origins, fallback=False), Still(), unread)
    for job in jobs:
        names = read_counts(setting.folder / job.task)["tally"]["counters"]
        assert not [name for name in names if name.startswith("origin")]


def test_only_shards_with_an_item_to_examine_are_read_again(desk: Desk, place: Place) -> None:
    place.add_list("few", [md5_row(DECLARED)])
    names = ("few", "stock")
    screened(desk, place, "first", OriginMode.NONE, names=names)
    _, wanted, jobs = screened(desk, place, "direct", OriginMode.MATCHED, names=names)
    lists = [open_list(place.root / "lists", name) for name in names]
    setting = replace(desk.setting("second", lists, orientations=False), origin=OriginMode.MATCHED)
    again: list[Job] = []

    def read(job: Job) -> dict[str, Any]:
        again.append(job)
        return run_task(setting, job, Still(), direct(setting, Still()))

    origins = [(job, Origin("first", desk.root / "first" / job.task)) for job in jobs]
    tally = Tally()
    for done in match_sheaf(setting, sheaf(origins, fallback=False), Still(), read):
        tally.merge(done["tally"])
    first = [read_counts(desk.root / "first" / job.task)["tally"] for job in jobs]
    bad = [bool(one["counters"]["by_role"].get(Role.KNOWN_BAD)) for one in first]
    assert [job in again for job in jobs] == bad and {*bad} == {True, False}
    assert counts(tally, OriginMode.MATCHED) == counts(wanted, OriginMode.MATCHED)
    held = [open_sealed(setting.folder / job.task / FINDINGS, desk.identity) for job in jobs]
    assert ["origin" in one for shard in held for one in shard if one["list"] == "few"] == [True]


def test_a_guard_contains_the_examination() -> None:
    guard = Guard(Limits(), orientations=False, examines=True)
    try:
        assert guard.look(MARKED, True) == examine(MARKED, list_match=True)
        assert guard._process is not None
        guard._process.kill()
        guard._process.join()
        assert guard.look(MARKED, False) is NotExamined.CRASHED
        guard._limits = replace(Limits(), item_seconds=0.0)
        assert guard.look(bytes(50_000_000), False) is NotExamined.TIMEOUT
    finally:
        guard.close()


def test_the_mode_is_part_of_what_a_task_is() -> None:
    shard = metadata_shard()
    lists = (ListReference("hotline", "1", "sha256:00"),)
    each = [Parameters(("/data",), lists, Limits(), origin=mode) for mode in OriginMode]
    assert len({task_id(shard, one) for one in each}) == 3
    for one in each:
        assert Parameters.from_json(json.loads(json.dumps(one.to_json()))) == one
    # what runs of before there were modes hold, and the identity of their tasks
    before = each[0].to_json()
    assert "origin" not in before
    assert Parameters.from_json(before).origin is OriginMode.NONE


def test_counts_add_up_over_shards_in_any_order(desk: Desk, place: Place) -> None:
    _, whole, jobs = screened(desk, place, "sums", OriginMode.ALL)
    again = Tally()
    for job in reversed(jobs):
        again.merge(json.loads(json.dumps(read_counts(desk.root / "sums" / job.task)["tally"])))
    assert origin_counts(again, OriginMode.ALL) == origin_counts(whole, OriginMode.ALL)


def test_look_at_takes_any_bytes() -> None:
    for data in (b"", b"\xff\xd8\xff", bytes(100), MARKED[:90]):
        assert isinstance(look_at(data, True), Examination)


@pytest.mark.parametrize(
    ("given", "mode", "sources"),
    [
        (["--origin", "/data"], "matched", ["/data"]),
        (["/data", "--origin"], "matched", ["/data"]),
        (["--origin", "all", "/data"], "all", ["/data"]),
        (["--origin=all", "/data"], "all", ["/data"]),
        (["/data", "--origin", "--json"], "matched", ["/data"]),
        (["/data", "--origin", "none"], "none", ["/data"]),
        (["/data", "--", "--origin"], "none", ["/data", "--origin"]),
        (["/data"], "none", ["/data"]),
    ],
)
def test_the_value_may_be_left_out(
    place: Place, monkeypatch: pytest.MonkeyPatch, given: list[str], mode: str, sources: list[str]
) -> None:
    asked: dict[str, Any] = {}

    def audit(paths: list[Path], *_: object, **options: Any) -> None:
        asked.update(options, sources=[str(path) for path in paths])
        raise UsageError("no further")

    monkeypatch.setattr("brightline.api.audit", audit)
    assert command(["--workspace", str(place.root), "audit", "--list", "hotline", *given]) == 2
    assert (asked["origin"], asked["sources"]) == (mode, sources)


def test_python_refuses_other_modes(place: Place) -> None:
    with pytest.raises(UsageError, match="none, matched, all"):
        brightline.audit(["/data"], ["hotline"], place.root, origin="some")


def test_examine_origin() -> None:
    found = brightline.examine_origin(MARKED)
    assert found == examine(MARKED, stealth=True)
    assert isinstance(found, brightline.Examination)
    hidden = writers.stealth("parameters", A1111)
    assert brightline.examine_origin(hidden).evidence


def test_the_whole_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command in processes of its own: counts in the open, evidence with the custodian."""
    place = make_place(tmp_path)
    write_corpus(tmp_path / "corpus")
    signed = chain.sign(chain.make_chain(), chain.picture())
    (tmp_path / "corpus" / "files" / "signed.jpg").write_bytes(signed)
    place.add_list("hotline", [md5_row(data) for data in (*MATCHED, signed)])
    base = ["--workspace", str(place.root)]
    asked = ["audit", str(tmp_path / "corpus"), "--list", "hotline", "--workers", "1"]

    def run(*words: str, status: int) -> str:
        assert command([*base, *words]) == status
        return capfd.readouterr().out

    document = json.loads(run(*asked, "--run", "o", "--origin", "--json", status=1))
    findings = place.findings("o")
    direct_ones = [examine(data, list_match=True) for data in (*MATCHED, signed)]
    assert summary_counts(direct_ones).items() <= document["origin"].items()
    assert document["parameters"]["origin"] == "matched"
    assert "crypto_valid_unlisted" in document["origin"]["claims"]["ai_generated"]
    held = sorted(json.dumps(f["origin"], sort_keys=True) for f in findings)
    assert held == sorted(json.dumps(one.to_json(), sort_keys=True) for one in direct_ones)

    # a shard that was lost is done again, with the same result
    run_folder = place.root / "runs" / "o"
    (run_folder / "summary.json").unlink()
    lost = max((run_folder / "shards").iterdir(), key=lambda path: len(list(path.iterdir())))
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    text = run(*asked, "--run", "o", "--origin", status=1)
    assert stable(json.loads((run_folder / "summary.json").read_text())) == stable(document)
    assert without_run(place.findings("o")) == without_run(findings)
    assert "neither lower a priority" in text
    assert "ai_generated by declared_standard" in text

    # nothing but counts anywhere else
    report = build_report(json.loads((run_folder / "summary.json").read_text()))
    page, told = render_html(report), report["origin"]
    assert told is not None
    for sentence in (*told["caution"], *told["not_checked"]):
        assert sentence.partition("'")[0] in page
    assert "--origin matched" in report["commands"][0]["command"]
    digests = {p["value_sha256"] for f in findings for p in f["origin"]["evidence"]}
    assert len(digests) == 3
    written = [text, json.dumps(document), json.dumps(report), page]
    for path in place.root.rglob("*"):
        where = path.relative_to(place.root).parts[0]
        if path.is_file() and where != "lists" and path.suffix not in (".age", ".parquet"):
            written.append(path.read_bytes().decode("utf-8", "replace"))
    assert len(written) >= 10
    for secret in (*SECRETS, *digests):
        assert not [text[:80] for text in written if secret in text], secret

    # archives hold no evidence: a re-screening has none and says so
    assert command([*base, "rescreen", "o", "--run", "r", "--json"]) == 1
    out, err = capfd.readouterr()
    assert "reads no bytes" in err
    assert json.loads(out)["origin"] is None
    assert not any("origin" in finding for finding in place.findings("r"))
