"""From an audit to a finished report on the command line, and nothing in clear on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from brightline.findings import new_identity
from brightline.ledger import Event
from tests.harness import BRIGHTLINE
from tests.referral.cybertip import serve
from tests.referral.scene import Ran, Scene, run


def test_from_findings_to_a_finished_report(scene: Scene) -> None:
    name = scene.draft()
    shown = scene.run("referral", "show", name, *scene.key, "--reason", "look", status=0)
    head, *items = map(json.loads, shown.stdout.splitlines())
    assert head["files"] == len(items) == 3
    assert head["lists"][0]["name"] == "hotline"
    assert all(item["md5"] and item["sha1"] and item["sha256"] for item in items)
    by_name = {item["item"].rpartition("/")[2]: item for item in items}
    assert len(by_name["4.jpg"]["observations"]) == 2
    review = ("referral", "review", name, *scene.key, "--by", "Ann")
    scene.run(*review, "--item", 2, "--viewed", "yes", status=0)
    scene.run(*review, "--item", 3, "--viewed", "no", "--generative-ai", "confirm", status=0)
    scene.run(*review, "--item", 4, "--viewed", "no", status=2)
    done = scene.json("referral", "validate", name, *scene.key, status=0)
    assert done == {"documents": 4, "valid": True, "problems": []}

    service = scene.service(lenient=True)
    with serve(service) as url:
        sent = scene.submit(name, url, "--json")
        assert sent.returncode == 0, sent.stderr
        again = scene.submit(name, url, "--json")
    answer = json.loads(sent.stdout)
    assert json.loads(again.stdout) == answer
    assert (answer["state"], answer["filed"], answer["uploaded"]) == ("finished", 3, 0)
    assert service.finished() == [answer["report_id"]]
    kept = service.reports[answer["report_id"]]
    viewed = [fromstring(kept.details[f"file-{n}"]).findtext("fileViewedByEsp") for n in (1, 2, 3)]
    assert viewed == ["false", "true", "false"]
    generated = [b"generativeAi" in kept.details[f"file-{n}"] for n in (1, 2, 3)]
    assert generated == [False, False, True]
    assert scene.in_clear() == []
    for output in (sent, again):
        assert not any(word in output.stdout + output.stderr for word in scene.hidden)
    assert "pass" not in sent.stderr + sent.stdout
    kinds = [r.kind for r in scene.place.workspace.ledger.records()]
    assert kinds.count(Event.REFERRAL_DRAFTED) == 1
    assert kinds.count(Event.REFERRAL_REVIEWED) == 2
    status = scene.json("referral", "status", name)
    (facts,) = status["services"].values()
    assert facts["state"] == "finished"
    warned = scene.run(*review, "--item", 1, "--viewed", "yes", status=0)
    assert "does not have it" in warned.stderr
    assert name in scene.run("referral", "ls", status=0).stdout


def test_files_are_uploaded_only_when_asked_for_and_only_if_they_are_the_same(
    scene: Scene,
) -> None:
    name = scene.draft("--select", "signal=sha256")
    service = scene.service()
    with serve(service) as url:
        sent = scene.submit(name, url, "--upload", "--json")
    assert sent.returncode == 0, sent.stderr
    answer = json.loads(sent.stdout)
    assert (answer["files"], answer["uploaded"], answer["filed"]) == (1, 1, 1)
    kept = service.reports[answer["report_id"]]
    assert kept.details.keys() == kept.files.keys()
    (digest,) = kept.files.values()
    assert digest in scene.hidden
    assert scene.in_clear() == []


@pytest.mark.long
def test_production_wants_the_name_and_the_endpoint_is_refused_without(scene: Scene) -> None:
    name = scene.draft("--select", "items=1")
    refused = scene.submit(name, "https://report.cybertip.org/ispws")
    assert refused.returncode == 2
    assert "--production" in refused.stderr
    service = scene.service()
    with serve(service) as url:
        for typed in ("yes", name[:-1], name.upper()):
            assert scene.submit(name, url, "--production", typed).returncode == 2
        assert service.requests == []
        sent = scene.submit(name, url, "--production", name, "--json")
    assert json.loads(sent.stdout)["service"] == "production"
    kept = scene.json("referral", "clocks", name, status=0)
    (referral,) = kept["referrals"]
    assert referral["reported"] is not None
    preserve = [c for c in referral["clocks"] if c["type"] == "preserve"]
    reported = datetime.fromisoformat(referral["reported"])
    assert [datetime.fromisoformat(c["keep_until"]).year for c in preserve] == [reported.year + 1]
    assert referral["advice"] == "keep"
    assert kept["caveats"]


@pytest.mark.long
def test_wrong_credentials_and_no_credentials_send_nothing_twice(
    scene: Scene, tmp_path: Path
) -> None:
    name = scene.draft("--select", "items=1")
    service = scene.service()
    bad = tmp_path / "bad.toml"
    bad.write_text('user = "esp"\npassword = "sesame"\n')

    def submit(url: str, *more: str) -> Ran:
        command = ("referral", "submit", name, *scene.key, "--endpoint", url, *more)
        return run(scene.place.environment, *command)

    with serve(service) as url:
        assert "BRIGHTLINE_CYBERTIP_USER" in submit(url).stderr
        bad.chmod(0o644)
        assert "chmod 600" in submit(url, "--credentials", str(bad)).stderr
        bad.chmod(0o600)
        refused = submit(url, "--credentials", str(bad))
        assert refused.returncode == 2
        assert "credentials are refused" in refused.stderr
        assert "sesame" not in refused.stderr
        assert service.requests == ["/submit"]
        good = scene.submit(name, url)
    assert good.returncode == 0, good.stderr
    assert len(service.reports) == 1


@pytest.mark.long
def test_a_lost_answer_waits_and_is_resolved_on_the_command_line(scene: Scene) -> None:
    name = scene.draft("--select", "items=2")
    service = scene.service()
    with serve(service, {"/submit": "drop after", "/finish": "drop after"}) as url:
        lost = scene.submit(name, url)
        assert lost.returncode == 2
        assert "referral resolve" in lost.stderr
        assert scene.submit(name, url).returncode == 2
        (number,) = service.open_reports()
        resolve = ("referral", "resolve", name, "--by", "Ann", "--endpoint", url)
        scene.run(*resolve, "--none", "--finished", status=2)
        scene.run(*resolve, "--report-id", number, status=0)
        sent = scene.submit(name, url, "--json")
    assert json.loads(sent.stdout)["report_id"] == number
    assert service.requests.count("/submit") == 1
    assert service.finished() == [number]


@pytest.mark.long
@pytest.mark.parametrize("after", [0.0, 0.1, 0.2, 0.4, 0.8])
def test_a_process_that_is_killed_is_gone_on_with(scene: Scene, after: float) -> None:
    name = scene.draft()
    service = scene.service(lenient=True)
    with serve(service) as url:
        command = [
            str(BRIGHTLINE), "referral", "submit", name, *map(str, scene.key), "--endpoint", url,
        ]  # fmt: skip
        process = subprocess.Popen(command, env=scene.environment, stderr=subprocess.DEVNULL)
        while not service.requests and process.poll() is None:
            time.sleep(0.005)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        sent = scene.submit(name, url, "--json")
        for _ in range(4):
            if sent.returncode == 0:
                break
            there = service.open_reports()
            answer = ("--report-id", there[0]) if there else ("--none",)
            scene.run(
                "referral", "resolve", name, "--by", "Ann", "--endpoint", url, *answer, status=0
            )
            sent = scene.submit(name, url, "--json")
    assert json.loads(sent.stdout)["filed"] == 3
    assert len(service.finished()) == 1
    assert service.open_reports() == []
    assert service.requests.count("/submit") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "more, word",
    [
        (("--incident-time", "2999-01-01T00:00:00Z"), "future"),
        (("--incident-time", "2026-03-01T00:00:00"), "offset"),
        (("--select", "items=99"), "none of them is selected"),
        (("--select", "colour=red"), "--select takes"),
        (("--jurisdiction", "XX"), "no jurisdiction"),
        (("-o", "x.age"), "--to package"),
    ],
)
def test_a_draft_that_cannot_be_is_refused_in_a_line(
    scene: Scene, more: tuple[str, ...], word: str
) -> None:
    before = scene.json("referral", "ls")
    done = scene.run(
        "referral", "draft", scene.run_name, "--to", "cybertipline", *scene.key,
        "--reason", "a test", "--reporter", scene.reporter, *more, status=2,
    )  # fmt: skip
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert scene.json("referral", "ls") == before


def test_a_package_is_sealed_signed_and_opened_by_whom_it_is_for(
    scene: Scene, tmp_path: Path
) -> None:
    other = tmp_path / "agency.key"
    recipient = new_identity(other)
    bundle, target = tmp_path / "case.age", tmp_path / "case"
    made: Any = scene.json(
        "referral", "draft", scene.run_name, "--to", "package", *scene.key, "--reason", "a test",
        "--reporter", scene.reporter, "--again", "tests share it", "-o", bundle, "--recipient",
        recipient, status=0,
    )  # fmt: skip
    assert not any(word.encode() in bundle.read_bytes() for word in scene.hidden)
    vkey = scene.place.workspace.signer().vkey
    opened = scene.run(
        "referral", "open-package", bundle, "--identity", other, "--key", vkey, "-o", target,
        status=0,
    )  # fmt: skip
    assert "not verified" in opened.stderr
    names = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert {"case/case.jsonl", "custody/checkpoint", "law/duties.txt", "README.txt"} <= names
    head = json.loads((target / "case/case.jsonl").read_text().splitlines()[0])
    assert head["referral"] == made["referral"]
    from brightline.ledger.verify import check_proof

    proofs = sorted((target / "custody").glob("proof-*"))
    assert len(proofs) >= 3
    lines = (target / "custody/ledger.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    for proof in proofs:
        checked = check_proof(proof.read_bytes(), [vkey])
        assert any(json.loads(checked.leaf) == record for record in told)
    assert scene.in_clear() == []
    scene.run("ledger", "verify", status=0)
    wrong = scene.run(
        "referral", "open-package", bundle, "--identity", other, "--key", other, "-o",
        tmp_path / "x", status=2,
    )  # fmt: skip
    assert not (tmp_path / "x").exists()
    assert "SECRET" not in wrong.stderr


@pytest.mark.long
def test_a_hold_and_its_lifting_on_the_command_line(scene: Scene) -> None:
    name = scene.draft("--select", "items=3")
    scene.run("referral", "hold", name, "--by", "Counsel", "--note", "order", status=0)
    kept = scene.json("referral", "clocks", name)
    assert kept["referrals"][0]["advice"] == "held"
    scene.run("referral", "release-hold", name, "--by", "Counsel", "--note", "lifted", status=0)
    assert scene.json("referral", "clocks", name)["referrals"][0]["hold"] is None
    assert "preserve" in scene.run("referral", "clocks", name, status=0).stdout


def test_a_document_on_disk_is_validated_without_a_key(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text("<report><incidentSummary/></report>")
    done = scene.json("referral", "validate", path, status=1)
    assert {p["element"] for p in done["problems"]} >= {"report/incidentSummary/incidentType"}
