"""Croissant metadata: what is there stays, what is ours is replaced, digests are put right."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from brightline.errors import UsageError
from brightline.release.croissant import CROISSANT, RAI, describe, read_document
from brightline.release.manifest import Entry, File, Link
from brightline.release.statement import Statement, screening_statement
from tests.release.test_statement import RELEASE, facts

ENTRIES: list[Entry] = [
    File(b"caf\xe9 1.jpg", "aa" * 32, 5),
    File(b"data/00000.tar", "bb" * 32, 1000),
    Link(b"link", b"data"),
]
EXISTING: dict[str, Any] = {
    "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
    "@type": "sc:Dataset",
    "name": "pictures",
    "license": "https://creativecommons.org/publicdomain/zero/1.0/",
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "shard",
            "contentUrl": "./data/00000.tar",
            "contentSize": "7 B",
            "md5": "00",
            "sha256": "00" * 32,
        },
        {
            "@type": "cr:FileObject",
            "@id": "far",
            "contentUrl": "https://x.invalid/f",
            "sha256": "9",
        },
        {"@type": "cr:FileSet", "@id": "in", "containedIn": {"@id": "shard"}, "includes": "*.jpg"},
    ],
    "rai:dataManipulationProtocol": "Resized to 512 pixels.",
    "rai:dataLimitations": "Only landscapes.",
    "prov:wasGeneratedBy": {"@type": "prov:Activity", "prov:label": "Download"},
    "somethingElse": {"kept": [1, 2]},
}


def screening(release: bool = True) -> Statement:
    return screening_statement((), facts(RELEASE if release else None, matches=3))


def described(document: dict[str, Any] | None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(describe(document, "pictures", ENTRIES, screening()))
    return made


def test_a_new_description_lists_the_files() -> None:
    made = described(None)
    assert made["name"] == "pictures"
    assert made["conformsTo"] == [CROISSANT, RAI]
    photo, tar = made["distribution"]
    assert photo["@id"] == photo["contentUrl"] == "caf%E9%201.jpg"
    assert (tar["sha256"], tar["contentSize"]) == ("bb" * 32, "1000 B")
    assert tar["encodingFormat"] == "application/x-tar"
    assert "hotline@7 sha256:" in made["rai:dataManipulationProtocol"]
    assert any("Zero matches is not" in text for text in made["rai:dataLimitations"])


def test_what_is_there_stays() -> None:
    before = json.dumps(EXISTING)
    made = described(EXISTING)
    assert json.dumps(EXISTING) == before
    for name in ("name", "license", "somethingElse", "@type"):
        assert made[name] == EXISTING[name]
    assert made["conformsTo"] == [CROISSANT, RAI]
    assert made["rai:dataManipulationProtocol"].startswith("Resized to 512 pixels.\n\nScreened")
    assert made["rai:dataLimitations"][0] == "Only landscapes."
    assert made["prov:wasGeneratedBy"][0]["prov:label"] == "Download"
    assert made["@context"]["cr"] == EXISTING["@context"]["cr"]
    assert {"rai", "prov", "dct"} <= set(made["@context"])


def test_digests_of_files_that_the_release_rewrote_are_put_right() -> None:
    shard, far, inner = described(EXISTING)["distribution"]
    assert (shard["sha256"], shard["contentSize"]) == ("bb" * 32, "1000 B")
    assert "md5" not in shard
    assert far == EXISTING["distribution"][1]
    assert inner == EXISTING["distribution"][2]


@pytest.mark.parametrize("document", [None, EXISTING])
def test_doing_it_again_changes_nothing(document: dict[str, Any] | None) -> None:
    once = described(document)
    assert described(once) == once


def test_the_name_of_the_run_is_a_digest() -> None:
    (source,) = described(None)["prov:wasDerivedFrom"]
    # RFC 6920 and its base64url, against the standard library
    assert source["@id"].startswith("ni:///sha-256;")
    assert len(source["@id"].partition(";")[2]) == 43


def test_of_many_pictures_their_kinds_are_listed() -> None:
    many: list[Entry] = [
        File(b"%05d.jpg" % k, hashlib.sha256(b"%d" % k).hexdigest(), 1) for k in range(1001)
    ]
    made = json.loads(describe(None, "n", [*many, *ENTRIES[1:]], screening()))
    tar, pictures = made["distribution"]
    assert tar["@id"] == "data/00000.tar"
    assert (pictures["@type"], pictures["includes"]) == ("cr:FileSet", "**/*.jpg")


def test_a_shape_that_is_not_croissants_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one text"):
        described({**EXISTING, "rai:dataManipulationProtocol": ["a", "b"]})
    path = tmp_path / "c.json"
    for text in ("[]", "{}", "{", '{"@context": {}, "@context": {}}'):
        path.write_text(text)
        with pytest.raises(UsageError):
            read_document(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_document(tmp_path / "none")
