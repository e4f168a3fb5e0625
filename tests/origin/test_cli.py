"""`brightline origin`: one document or short tables, checks listed, no verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from brightline.cli import run
from brightline.sources.paths import encode_path
from tests.origin import writers
from tests.origin.test_examine import A1111


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    marked, plain = tmp_path / "marked.png", tmp_path / "plain.jpg"
    marked.write_bytes(writers.png_text("parameters", A1111))
    plain.write_bytes(writers.plain("JPEG"))
    return [str(marked), str(plain)]


def test_tables(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["origin", *files]) == 0
    out = capsys.readouterr().out
    assert "generator.a1111.parameters" in out
    assert "seed=1234567890" in out
    assert "lighthouse" not in out
    assert "proves nothing about where it comes from" in out
    assert out.count("not checked:") == out.count("not checkable here:") == 2
    assert "synthid" in out
    for word in ("fake", "safe", "illegal"):
        assert word not in out.lower()


def test_json(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["origin", *files, "--json", "--watermark", "--no-c2pa"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [len(one["evidence"]) for one in document["files"]] == [1, 0]
    assert document["counts"]["claims"] == {"ai_generated": {"generator_artifact": 1}}
    for one in document["files"]:
        missing = {n["check"] for n in one["checks_not_run"]}
        assert ("watermark" in one["checks_run"]) != ("watermark" in missing)
        assert {"check": "c2pa", "why": "not asked for"} in one["checks_not_run"]


def test_what_cannot_be_read_is_a_line_and_status_3(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["origin", files[0], str(tmp_path / "absent.png")]) == 3
    shown = capsys.readouterr()
    assert "generator.a1111.parameters" in shown.out
    assert "absent.png: No such file" in shown.err
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    assert run(["origin", str(text), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["files"][0]["checks_not_run"][0]["check"] == "metadata"


def test_trust_anchors_have_to_be_certificates(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "anchors.pem"
    wrong.write_text("nothing")
    assert run(["origin", files[0], "--c2pa-trust", str(wrong)]) == 2
    assert run(["origin", files[0], "--c2pa-trust", str(tmp_path / "absent.pem")]) == 2
    assert "PEM" in capsys.readouterr().err


def test_terminal_escapes_in_a_file_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = tmp_path / "a.png"
    evil.write_bytes(
        writers.png_text("\x1b[31mComment", A1111.replace("v1-5", "v1\x1b[2J\u202e"), "iTXt")
    )
    assert run(["origin", str(evil)]) == 0
    out = capsys.readouterr().out
    assert "generator.a1111.parameters" in out
    assert "\x1b" not in out and "\u202e" not in out


def test_odd_names_and_what_is_no_file(
    files: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[31m.png"
    Path(os.fsdecode(odd)).write_bytes(Path(files[0]).read_bytes())
    os.mkfifo(tmp_path / "pipe")
    words = ["origin", os.fsdecode(odd), str(tmp_path / "pipe"), "/dev/zero"]
    assert run(words) == 3
    shown = capfd.readouterr()
    assert shown.out.splitlines()[0].endswith("caf\\udce9\\n\\x1b[31m.png  image/png")
    assert shown.err.count("no regular file; not examined") == 2
    assert run([*words, "--json"]) == 3
    told = json.loads(capfd.readouterr().out)["files"]
    assert told[0]["file"] == encode_path(odd)
    assert [one.get("error") for one in told] == [None, *["no regular file"] * 2]


def test_trust_anchors_that_cannot_be_read_are_refused(
    files: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    anchors = tmp_path / "anchors.pem"
    anchors.write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    for path in (anchors, tmp_path / "absent.pem"):
        assert run(["origin", *files, "--c2pa-trust", str(path)]) == 2
        assert capfd.readouterr().err.count("\n") == 1
