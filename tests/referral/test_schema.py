"""The schema, element by element: order, occurrence and words, as a table of its own.

The table was written from what the service's public clients show, not from the schema.
"""

from __future__ import annotations

from typing import Any

import pytest
import xmlschema

from brightline.lists.feeds.safe_xml import parse_xml
from brightline.referral.validate import own_schema

#: children in order; `?` at most once, `*` any number, `+` at least once, and else exactly once
ORDER = {
    "report": "batchedReport? incidentSummary internetDetails* lawEnforcement? reporter "
    "personOrUserReported* intendedRecipient* victim* additionalInfo?",
    "report/incidentSummary": "incidentType platform? escalateToHighPriority? reportAnnotations? "
    "incidentDateTime incidentDateTimeDescription?",
    "report/reporter": "reportingPerson contactPerson? companyTemplate? termsOfService? legalURL?",
    "report/personOrUserReported": "personOrUserReportedPerson? vehicleDescription? "
    "espIdentifier? espService? compromisedAccount? screenName? displayName* profileUrl* "
    "profileBio? ipCaptureEvent* deviceId* thirdPartyUserReported? priorCTReports* "
    "groupIdentifier? accountTemporarilyDisabled? accountPermanentlyDisabled? "
    "estimatedLocation? allEmailsReported? associatedAccount* additionalInfo?",
    "report/personOrUserReported/ipCaptureEvent": "ipAddress eventName? dateTime? possibleProxy? "
    "port?",
    "fileDetails": "reportId fileId fileName? originalFileName? uploadedToEspTimestamp? "
    "locationOfFile? fileViewedByEsp? exifViewedByEsp? publiclyAvailable? fileRelevance? "
    "potentialMeme|fileAnnotations? industryClassification? originalFileHash* ipCaptureEvent? "
    "deviceId* details* additionalInfo*",
    "fileDetails/details": "nameValuePair+",
    "reportResponse": "responseCode responseDescription reportId? fileId? hash?",
    "reportDoneResponse": "responseCode reportId files?",
    "reportDoneResponse/files": "fileId*",
}
#: one of these, or any of these in any order
ONE_OF = {
    "report/internetDetails": "webPageIncident emailIncident newsgroupIncident chatImIncident "
    "onlineGamingIncident cellPhoneIncident nonInternetIncident peer2peerIncident",
}
FLAGS = {
    "report/incidentSummary/reportAnnotations": "sextortion csamSolicitation "
    "minorToMinorInteraction spam sadisticOnlineExploitation",
    "fileDetails/fileAnnotations": "animeDrawingVirtualHentai potentialMeme viral "
    "possibleSelfProduction physicalHarm violenceGore bestiality liveStreaming infant "
    "generativeAi",
}
WORDS = {
    "report/incidentSummary/incidentType": (
        "Child Pornography (possession, manufacture, and distribution)",
        "Child Sex Trafficking",
        "Child Sex Tourism",
        "Child Sexual Molestation",
        "Misleading Domain Name",
        "Misleading Words or Digital Images on the Internet",
        "Online Enticement of Children for Sexual Acts",
        "Unsolicited Obscene Material Sent to a Child",
    ),
    "fileDetails/fileRelevance": ("Reported", "Supplemental Reported"),
    "fileDetails/industryClassification": ("A1", "A2", "B1", "B2"),
    "fileDetails/ipCaptureEvent/eventName": (
        "Login", "Registration", "Purchase", "Upload", "Other", "Unknown",
    ),
}  # fmt: skip
ATTRIBUTES = {
    "fileDetails/originalFileHash": {"hashType"},
    "fileDetails/details": {"type"},
    "report/internetDetails/webPageIncident": {"thirdPartyHostedContent"},
}


@pytest.fixture(scope="module")
def schema() -> Any:
    return own_schema()._compiled


def found(schema: Any, path: str) -> Any:
    element = schema.find(path)
    assert element is not None, path
    return element


def spelled(group: Any) -> str:
    """A group's particles in the table's notation."""
    words = []
    for particle in group:
        inner = isinstance(particle, xmlschema.validators.XsdGroup)
        name = "|".join(e.name for e in particle) if inner else particle.name
        least, most = particle.min_occurs, particle.max_occurs
        assert (least, most) in ((0, 1), (0, None), (1, 1), (1, None)), name
        words.append(name + {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((least, most), ""))
    return " ".join(words)


@pytest.mark.parametrize("path", ORDER)
def test_children_stand_in_this_order_and_so_often(schema: Any, path: str) -> None:
    group = found(schema, path).type.content
    assert group.model == "sequence"
    assert spelled(group) == ORDER[path]


@pytest.mark.parametrize("path", [*ONE_OF, *FLAGS])
def test_choices_and_flags_are_these(schema: Any, path: str) -> None:
    group = found(schema, path).type.content
    assert group.model == ("choice" if path in ONE_OF else "all")
    assert [e.name for e in group] == (ONE_OF | FLAGS)[path].split()
    if path in FLAGS:
        assert all(e.min_occurs == 0 and e.type.is_empty() for e in group)


@pytest.mark.parametrize("path", WORDS)
def test_words_are_these_and_no_others(schema: Any, path: str) -> None:
    assert tuple(found(schema, path).type.enumeration) == WORDS[path]


@pytest.mark.parametrize("path", ATTRIBUTES)
def test_attributes_are_these(schema: Any, path: str) -> None:
    assert {name for name in found(schema, path).attributes if name} == ATTRIBUTES[path]


def test_names_of_a_namespace_are_spelled_whole_in_tags_and_attributes() -> None:
    root = parse_xml(b"<a xmlns:b='urn:b' b:c='1' d='2'><b:e b:f='3'/></a>")
    assert root.attrib == {"{urn:b}c": "1", "d": "2"}
    assert (root[0].tag, root[0].attrib) == ("{urn:b}e", {"{urn:b}f": "3"})
