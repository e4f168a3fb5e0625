"""Generated drafts validate; mutated ones are refused, and the element is named."""

from __future__ import annotations

import copy
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.referral import validate
from brightline.referral.casefile import Observation
from brightline.referral.documents import (
    INCIDENT_TYPE,
    file_details_xml,
    reference,
    report_xml,
    xml_text,
)
from brightline.referral.errors import ReferralError
from brightline.referral.proposals import Ground, Proposal
from brightline.referral.reviews import Review
from brightline.referral.validate import own_schema, read_schema
from tests.referral.cases import START, random_case

#: elements that must be there, by their parent
REQUIRED = {
    "report": ("incidentSummary", "reporter"),
    "incidentSummary": ("incidentType", "incidentDateTime"),
    "reporter": ("reportingPerson",),
    "fileDetails": ("reportId", "fileId"),
}
#: elements that may be there once
ONCE = (
    "incidentSummary", "incidentType", "incidentDateTime", "reporter", "reportingPerson",
    "reportId", "fileId", "fileViewedByEsp", "fileRelevance", "originalFileName",
)  # fmt: skip
WRONG = {
    "incidentType": "Something Else",
    "incidentDateTime": "2026-03-01 10:00",
    "fileViewedByEsp": "perhaps",
    "fileRelevance": "reported",
    "reportId": "abc",
    "originalFileHash": "xyz",
    "fileId": "",
    "email": "",
}


def review(seed: int, item: int) -> Review | None:
    rng = random.Random(seed)
    if rng.random() < 0.5:
        return None
    return Review(
        item,
        rng.random() < 0.5,
        "Ann",
        "2026-03-01T11:00:00Z",
        rng.choice([None, True, False]),
        rng.choice([None, True, False]),
    )


def documents(seed: int) -> list[bytes]:
    case = random_case(seed)
    reviews = {
        n: found
        for n in range(1, len(case.items) + 1)
        if (found := review(seed + n, n)) is not None
    }
    details = [
        file_details_xml(item, reviews.get(item.number), "17", reference(item))
        for item in case.items
    ]
    return [report_xml(case, reviews), *details]


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_two_hundred_drafts_validate(start: int) -> None:
    for seed in range(start, start + 50):
        for document in documents(seed):
            assert own_schema().problems(document, START) == ()


Mutation = Callable[[Element, random.Random], set[str] | None]


def drop(root: Element, rng: random.Random) -> set[str] | None:
    places = [(p, c) for p in root.iter() for c in p if c.tag in REQUIRED.get(p.tag, ())]
    parent, child = rng.choice(places)
    parent.remove(child)
    return {child.tag}


def swap(root: Element, rng: random.Random) -> set[str] | None:
    places = [(p, k) for p in root.iter() for k in range(len(p) - 1) if p[k].tag != p[k + 1].tag]
    parent, k = rng.choice(places)
    first, second = parent[k], parent[k + 1]
    parent[k], parent[k + 1] = second, first
    return {first.tag, second.tag}


def double(root: Element, rng: random.Random) -> set[str] | None:
    places = [(p, k) for p in root.iter() for k in range(len(p)) if p[k].tag in ONCE]
    parent, k = rng.choice(places)
    parent.insert(k, copy.deepcopy(parent[k]))
    return {parent[k].tag}


def spoil(root: Element, rng: random.Random) -> set[str] | None:
    places = [e for e in root.iter() if e.tag in WRONG]
    element = rng.choice(places)
    element.text = WRONG[element.tag]
    return {element.tag}


def future(root: Element, rng: random.Random) -> set[str] | None:
    element = root.find("incidentSummary/incidentDateTime")
    if element is None:
        return None
    times = ("2026-03-01T12:00:01Z", "2026-03-01T13:00:01+01:00", "2027-01-01T00:00:00Z")
    element.text = rng.choice(times)
    return {"incidentDateTime"}


def foreign(root: Element, rng: random.Random) -> set[str] | None:
    parent = rng.choice([e for e in root.iter() if len(e)])
    parent.insert(rng.randint(0, len(parent)), Element("suspect"))
    return {"suspect"}


def attribute(root: Element, rng: random.Random) -> set[str] | None:
    element = rng.choice(list(root.iter()))
    element.set("colour", "red")
    return {element.tag}


def stray(root: Element, rng: random.Random) -> set[str] | None:
    parent = rng.choice([e for e in root.iter() if len(e)])
    parent.text = "stray"
    return {parent.tag}


def nested(root: Element, rng: random.Random) -> set[str] | None:
    leaf = rng.choice([e for e in root.iter() if not len(e)])
    SubElement(leaf, "b")
    return {leaf.tag, "b"}


def meme(root: Element, rng: random.Random) -> set[str] | None:
    relevance = root.find("fileRelevance")
    if relevance is None:
        return None
    relevance.text = "Supplemental Reported"
    place = list(root).index(relevance) + 1
    if place < len(root) and root[place].tag == "fileAnnotations":
        root.remove(root[place])
    extra = Element("industryClassification")
    extra.text = "A1"
    root.insert(place, extra)
    return {"industryClassification"}


MUTATIONS: tuple[Mutation, ...] = (
    drop, swap, double, spoil, future, foreign, attribute, stray, nested, meme,
)  # fmt: skip


def test_two_hundred_mutations_are_refused_and_the_element_is_named() -> None:
    done = 0
    seed = 0
    while done < 200:
        rng = random.Random(seed)
        whole = rng.choice(documents(seed))
        assert own_schema().problems(whole, START) == ()
        root = fromstring(whole)
        mutation = MUTATIONS[seed % len(MUTATIONS)]
        names = mutation(root, rng)
        seed += 1
        if names is None:
            continue
        problems = own_schema().problems(tostring(root), START)
        # the element itself, at the end of its path, since its parents are in the path of others
        # too; or as the one that was expected there
        named = {p.element.rpartition("/")[2].split("[")[0] for p in problems}
        named |= {word for p in problems for word in p.what.split()}
        assert named & names, (seed, mutation, problems)
        done += 1


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_any_text_can_stand_in_a_document(text: str) -> None:
    element = Element("a")
    element.text = xml_text(text)
    back = fromstring(tostring(element)).text or ""
    assert back == xml_text(text)


def test_problems_tell_nothing_of_what_stands_in_a_document() -> None:
    secret = "b1946ac92492d2347c6235b4d2611184"
    root = fromstring(documents(1)[1])
    for element in root.iter():
        element.text = secret
        element.set(secret, secret)
    root.append(Element("x"))
    for problem in own_schema().problems(tostring(root), START):
        assert secret not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<report>",
        b"<!DOCTYPE report [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><report>&a;</report>",
        b"<other/>",
        b"<report xmlns='urn:x'/>",
        b"\xff\xfe",
        b"<a>" * 100,
    ],
)
def test_what_is_no_document_is_a_problem(text: bytes) -> None:
    assert own_schema().problems(text, START)


def test_another_schema_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "other.xsd"
    path.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        '<xs:element name="report" type="xs:string"/><xs:element name="fileDetails"/></xs:schema>'
    )
    schema = read_schema(path)
    assert schema.problems(b"<report>text</report>", START) == ()
    assert schema.problems(documents(1)[0], START)
    for wrong in ("", "<a/>", "<xs:schema", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        path.write_text(wrong)
        with pytest.raises(ReferralError, match="XML schema"):
            read_schema(path)
    with pytest.raises(ReferralError, match="no such file"):
        read_schema(tmp_path / "none.xsd")
    own = (Path(validate.__file__).parent / "schema" / "cybertipline.xsd").read_text()
    place = "<!-- the four documents -->"
    for old, new, word in (
        ("<xs:schema ", '<xs:schema targetNamespace="urn:x" xmlns="urn:x" ', "does not declare"),
        ('name="fileDetails"', 'name="fileInfo"', "does not declare fileDetails"),
        (place, '<xs:include schemaLocation="none.xsd"/>', "not beside it"),
        (place, '<xs:import namespace="urn:o" schemaLocation="http://127.0.0.1:9/o"/>', "beside"),
        ('type="Report"', 'type="Nothing"', "XML schema"),
        ("2001/XMLSchema", "2000/10/XMLSchema", "XML schema"),
    ):
        assert old in own
        path.write_text(own.replace(old, new, 1))
        with pytest.raises(ReferralError, match=word) as raised:
            read_schema(path)
        assert "\n" not in str(raised.value)
    path.write_text(own.replace("UTF-8", "UTF-16"), encoding="utf-16")
    assert read_schema(path).problems(documents(1)[0], START) == ()


@pytest.mark.interop
def test_another_validator_agrees(tmp_path: Path) -> None:
    program = shutil.which("xmllint")
    if program is None:
        pytest.skip("xmllint is not installed (Debian: libxml2-utils)")
    own = Path(validate.__file__).parent / "schema" / "cybertipline.xsd"
    taken: list[Path] = []
    refused: list[tuple[Path, set[str]]] = []
    for seed in range(200):
        for k, whole in enumerate(documents(seed)):
            taken.append(tmp_path / f"{seed}-{k}.xml")
            taken[-1].write_bytes(whole)
        rng = random.Random(seed)
        root = fromstring(rng.choice(documents(seed)))
        mutation = MUTATIONS[seed % len(MUTATIONS)]
        names = mutation(root, rng)
        # these two are rules that no schema states
        if names is not None and mutation not in (future, meme):
            refused.append((tmp_path / f"bad-{seed}.xml", names))
            refused[-1][0].write_bytes(tostring(root))
    paths = [*taken, *(path for path, _ in refused)]
    command = [program, "--noout", "--nonet", "--schema", str(own), *map(str, paths)]
    told = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()
    assert [p for p in taken if f"{p} validates" not in told] == []
    for path, names in refused:
        lines = [line for line in told if line.startswith(str(path))]
        assert f"{path} validates" not in lines
        assert any(name in line for name in names for line in lines), (path, names, lines)


def test_the_text_says_what_was_observed_and_what_was_not() -> None:
    case = random_case(5, 1)
    item = case.items[0]
    pdq = replace(
        item.observations[0], signal="pdq", distance=12, threshold=31, via="stored bytes",
        pdq_quality=80,
    )  # fmt: skip
    url = replace(item.observations[0], signal="url", via="url column")
    column = replace(item.observations[0], signal="md5", via="hash column")
    stored = replace(item.observations[0], signal="md5", via="stored bytes")

    def told(*observations: Observation) -> str:
        changed = replace(item, observations=observations, declared=(), urls=())
        text = fromstring(file_details_xml(changed, None, "1", "file-1")).findtext("additionalInfo")
        assert text is not None
        return text

    assert "similarity, not equality" in told(pdq)
    assert "the stored bytes equal no entry" in told(pdq)
    assert "the stored bytes equal no entry" in told(url)
    assert "the bytes there were not compared" in told(url)
    assert "no bytes were compared" in told(column)
    assert "md5 of the stored bytes equals the entry" in told(stored, pdq)
    assert "equal no entry" not in told(stored, pdq)
    for text in (told(pdq), told(stored), report_xml(case, {}).decode()):
        for word in ("illegal", "guilt", "suspect", "is safe", "clean"):
            assert word not in text.lower()


def test_review_records_decide_what_is_said_to_have_been_viewed() -> None:
    item = replace(random_case(5, 1).items[0], md5="aa" * 16, urls=())

    def made(found: Review | None) -> Element:
        return fromstring(file_details_xml(item, found, "1", "file-1"))

    unviewed = made(None)
    assert unviewed.findtext("fileViewedByEsp") == "false"
    assert unviewed.find("exifViewedByEsp") is None
    assert unviewed.find("fileAnnotations") is None
    viewed = made(Review(1, True, "Ann", "2026-03-01T11:00:00Z", False, True))
    assert viewed.findtext("fileViewedByEsp") == "true"
    assert viewed.findtext("exifViewedByEsp") == "false"
    assert viewed.find("fileAnnotations/generativeAi") is not None
    declined = made(Review(1, False, "Ann", "2026-03-01T11:00:00Z", None, False))
    assert declined.find("fileAnnotations") is None
    assert {e.get("hashType") for e in viewed.findall("originalFileHash")} >= {"MD5"}


def test_a_belief_is_told_with_what_it_rests_on() -> None:
    item = replace(random_case(5, 1).items[0], proposal=None)
    believed = Review(1, False, "Ann", "2026-03-01T11:00:00Z", None, True)
    text = file_details_xml(item, believed, "1", "f").decode()
    assert "reasons of their own" in text
    assert "from evidence" not in text
    proposal = Proposal("generativeAi", (Ground("rule.a", "declared_standard"),), ("camera_too",))
    text = file_details_xml(replace(item, proposal=proposal), believed, "1", "f").decode()
    assert "from evidence in the file: rule.a (declared_standard); in doubt by: camera_too" in text
    declined = Review(1, False, "Ann", "2026-03-01T11:00:00Z", None, False)
    text = file_details_xml(replace(item, proposal=proposal), declined, "1", "f").decode()
    assert "rule.a" not in text


def test_a_proposal_alone_writes_nothing() -> None:
    case = next(c for c in map(random_case, range(50)) if any(i.proposal for i in c.items))
    for item in case.items:
        document = file_details_xml(item, None, "1", "file-1")
        assert b"generativeAi" not in document
    assert b"generativeAi" not in report_xml(case, {})


def test_the_incident_is_told_in_the_schemas_words_and_in_utc() -> None:
    root = fromstring(documents(2)[0])
    assert root.findtext("incidentSummary/incidentType") == INCIDENT_TYPE
    text = root.findtext("incidentSummary/incidentDateTime") or ""
    assert datetime.fromisoformat(text) == datetime(2026, 3, 1, 10, tzinfo=UTC)
