"""The XML that is sent: a report, and a fileDetails for each file.

Element names, their order and enumerations are those of the CyberTipline's public schema, as
`schema/cybertipline.xsd` states them. What the text says is what was observed, by what means,
and what nobody has done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from brightline.referral.casefile import CaseFile, CaseItem, Observation
from brightline.referral.reporter import Person
from brightline.referral.reviews import Review

XSI = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA_LOCATION = "https://report.cybertip.org/ispws/xsd"
INCIDENT_TYPE = "Child Pornography (possession, manufacture, and distribution)"
REPORTED = "Reported"

#: what the schema lets these fields hold, in characters
_FILE_NAME, _LOCATION = 2056, 2083

#: how an item of a table is called, which has no name of its own
_ROW = re.compile("row [0-9]+")

_LIMITS = (
    "A match is an observation by a program about a hash. Nobody has determined what the files "
    "show, whether a real child is shown, or who is responsible. Treat every file as potentially "
    "showing a real child, whatever its origin."
)


def report_xml(case: CaseFile, reviews: Mapping[int, Review]) -> bytes:
    """The `<report>` document of a case, UTF-8 with its declaration.

    Its additionalInfo tells of every file too, so that it says as much where the service takes
    details only of files that were uploaded.
    """
    root = Element("report")
    root.set(f"{{{XSI}}}noNamespaceSchemaLocation", SCHEMA_LOCATION)
    summary = SubElement(root, "incidentSummary")
    _text(summary, "incidentType", INCIDENT_TYPE)
    _text(summary, "platform", case.reporter.platform)
    _text(summary, "incidentDateTime", case.incident_time)
    _text(
        summary,
        "incidentDateTimeDescription",
        "The time at which the match was found by comparing hashes; not the time at which "
        "anything was made or put on line, which is not known.",
    )
    urls = dict.fromkeys(url for item in case.items for url in item.urls)
    if urls:
        page = SubElement(SubElement(root, "internetDetails"), "webPageIncident")
        page.set("thirdPartyHostedContent", "true")
        for url in urls:
            _text(page, "url", url)
        _text(
            page,
            "additionalInfo",
            "Addresses that the dataset declares for its files. They were not visited.",
        )
    reporter = SubElement(root, "reporter")
    _person(reporter, "reportingPerson", case.reporter.reporting_person)
    if case.reporter.contact_person is not None:
        _person(reporter, "contactPerson", case.reporter.contact_person)
    _text(reporter, "companyTemplate", case.reporter.company_template)
    _text(reporter, "termsOfService", case.reporter.terms_of_service)
    _text(reporter, "legalURL", case.reporter.legal_url)
    _text(root, "additionalInfo", _story(case, reviews))
    return _written(root)


def file_details_xml(item: CaseItem, review: Review | None, report_id: str, file_id: str) -> bytes:
    """The `<fileDetails>` of one file under the numbers that the service gave.

    `originalFileHash` holds digests of the stored bytes and nothing that is merely declared.
    """
    root = Element("fileDetails")
    _text(root, "reportId", report_id)
    _text(root, "fileId", file_id)
    _text(root, "originalFileName", _base_name(item.item))
    location = next((url for url in item.urls if len(xml_text(url)) <= _LOCATION), None)
    _text(root, "locationOfFile", location)
    _text(root, "fileViewedByEsp", _flag(review is not None and review.viewed))
    if review is not None and review.exif_viewed is not None:
        _text(root, "exifViewedByEsp", _flag(review.exif_viewed))
    _text(root, "fileRelevance", REPORTED)
    if review is not None and review.generative_ai:
        SubElement(SubElement(root, "fileAnnotations"), "generativeAi")
    for kind, value in (("MD5", item.md5), ("SHA1", item.sha1), ("SHA256", item.sha256)):
        if value is not None:
            _text(root, "originalFileHash", value).set("hashType", kind)
    _text(root, "additionalInfo", "\n".join(_told(item, review)))
    return _written(root)


def reference(item: CaseItem) -> str:
    """What stands for a file that the service gave no number, because it was not uploaded."""
    return f"file-{item.number}"


def observation_lines(item: CaseItem, review: Review | None) -> list[str]:
    """One file in words: digests, place, what was observed, what people did."""
    return [*_hashes(item), *_told(item, review)]


def _story(case: CaseFile, reviews: Mapping[int, Review]) -> str:
    lines = [
        f"Reported by {case.reporter.name} with {case.tool}. Referral {case.referral}.",
        f"{len(case.items)} files of a corpus matched entries of known-material hash lists.",
        *(f"Dataset {key}: {value}" for key, value in case.reporter.dataset),
        "Lists: "
        + "; ".join(f"{entry['name']} version {entry['version']}" for entry in case.lists),
        _LIMITS,
    ]
    if case.again is not None and case.others:
        lines.append(
            f"Some of the files are in referral {', '.join(case.others)} too: {case.again}"
        )
    for item in case.items:
        lines += ["", f"File {item.number}:"]
        lines += observation_lines(item, reviews.get(item.number))
    return "\n".join(lines)


def _hashes(item: CaseItem) -> list[str]:
    pairs = (("MD5", item.md5), ("SHA1", item.sha1), ("SHA256", item.sha256))
    return [f"{kind} of the stored bytes: {value}" for kind, value in pairs if value is not None]


def _told(item: CaseItem, review: Review | None) -> list[str]:
    """Where a file is, what was observed, and what people did."""
    lines = [f"Place: source {item.source}; shard {item.shard}; item {item.item}"]
    if item.size is not None:
        lines.append(f"Size: {item.size} bytes; media type {item.media_type or 'unknown'}")
    for declared in item.declared:
        told = ", ".join(f"{name} {value}" for name, value in declared.items() if name != "url")
        if told:
            lines.append(f"The dataset declares of the original: {told}")
        if "url" in declared and not item.urls:
            lines.append(
                "The dataset declares an address, which was not read again or is no longer there; "
                f"SHA-256 of its normal form: {declared['url']}"
            )
    lines += [f"The dataset declares this address, which was not visited: {u}" for u in item.urls]
    lines += [_observed(observation) for observation in item.observations]
    if item.similar_only:
        lines.append("Only similarity or an address was observed: the stored bytes equal no entry.")
    lines.append(_reviewed(item, review))
    return lines


def _observed(o: Observation) -> str:
    where = f"list {o.list} version {o.list_version}, entry {o.entry}"
    category = "" if o.category is None else f", the list's category {o.category}"
    match o.signal:
        case "pdq":
            what = (
                f"a perceptual hash (PDQ, of {o.via}, {o.orientation}, quality {o.pdq_quality}) "
                f"is within {o.distance} bits of the entry, of 256, threshold {o.threshold}; "
                "this is similarity, not equality"
            )
        case "url":
            what = "the declared address equals the entry; the bytes there were not compared"
        case _ if o.via == "stored bytes":
            what = f"{o.signal} of the stored bytes equals the entry"
        case _:
            what = (
                f"{o.signal} in the dataset's {o.via} equals the entry; it is what the dataset "
                "declares, and no bytes were compared"
            )
    return f"Observed: {what}: {where}{category}."


def _reviewed(item: CaseItem, review: Review | None) -> str:
    if review is None:
        return "Nobody has stated to have opened this file; it was matched by hash alone."
    opened = "opened" if review.viewed else "did not open"
    believed = ""
    if review.generative_ai is not None:
        believed = (
            f"; they believe it to be generated by a model, {_grounds(item)}"
            if review.generative_ai
            else "; they do not state that it was generated by a model"
        )
    return f"By their own statement of {review.at}, a person {opened} this file{believed}."


def _grounds(item: CaseItem) -> str:
    if item.proposal is None:
        return "for reasons of their own: no strong evidence of it was found in the file"
    rules = ", ".join(f"{ground.rule_id} ({ground.strength})" for ground in item.proposal.grounds)
    against = ", ".join(item.proposal.contradictions)
    return f"from evidence in the file: {rules}" + (f"; in doubt by: {against}" if against else "")


def _base_name(locator: str) -> str | None:
    """The file's own name, where the locator is a path; a table's row has none."""
    if _ROW.fullmatch(locator):
        return None
    # cut as it is written: characters that XML cannot hold become longer
    return xml_text(locator.rpartition("/")[2])[:_FILE_NAME] or None


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _person(parent: Element, name: str, person: Person) -> None:
    element = SubElement(parent, name)
    _text(element, "firstName", person.first_name)
    _text(element, "lastName", person.last_name)
    _each(element, "phone", person.phone)
    _each(element, "email", person.email)


def _each(parent: Element, name: str, values: Iterable[str]) -> None:
    for value in values:
        _text(parent, name, value)


def _text(parent: Element, name: str, value: str | None) -> Element:
    """A child with text; without a value none is added, and the parent comes back."""
    if value is None:
        return parent
    element = SubElement(parent, name)
    element.text = xml_text(value)
    return element


def xml_text(text: str) -> str:
    """Text that XML can hold (XML 1.0, section 2.2, Char): other characters show as escapes.

    A carriage return is escaped too, since parsers turn it into a line feed.
    """
    return "".join(c if _is_char(ord(c)) else f"\\x{ord(c):02x}" for c in text)


def _is_char(code: int) -> bool:
    if code < 0x20:
        return code in (0x9, 0xA)
    return not (0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))


def _written(root: Element) -> bytes:
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written
