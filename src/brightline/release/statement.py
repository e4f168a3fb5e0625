"""The statement: in-toto Statements v1 about a manifest, in two predicates.

    https://in-toto.io/attestation/svr/v0.2     that it was screened, and by what: for policy tools
    https://brightline.invalid/…/screening/v1   lists, parameters, counts, limits: for people

The first names the digest of the second's payload in an extension field, so that neither can be
shown with another's other half. `brightline.invalid` does not resolve (RFC 6761): type names are
names, and docs/statement.md is the page about them.

Specifications: in-toto attestation `spec/v1/statement.md` (v1.1), `spec/predicates/svr.md` (0.2).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from brightline.errors import VerificationError
from brightline.release.dsse import Envelope
from brightline.release.limits import limits_of
from brightline.release.strict import load_json
from brightline.types import Role

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
SVR = "https://in-toto.io/attestation/svr/v0.2"
SCREENING = "https://brightline.invalid/attestation/screening/v1"
#: changes when what is screened, or how it is accounted for, changes
VERIFIER = "https://brightline.invalid/verifier/v1"

#: the statement of a release, beside its manifest; the ending is that of in-toto's bundles
FILE = "statement.intoto.jsonl"
#: after a statement's name: the ledger's proof of it, and the manifest of a corpus
PROOF = ".proof"
CORPUS_MANIFEST = ".manifest.jsonl"

_MOST = 4 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
#: of a list, what names it or tells it apart: left out with digests only
_NAMING = ("name", "version", "since", "entries", "counts", "created")


@dataclass(frozen=True, slots=True)
class Subject:
    """A file that the statement is about: its name and SHA-256 in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it is signed."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    def encode(self) -> bytes:
        """The payload: JSON with sorted keys, no spaces, ASCII."""
        document = {
            "_type": STATEMENT,
            "subject": [{"name": s.name, "digest": {"sha256": s.sha256}} for s in self.subjects],
            "predicateType": self.predicate_type,
            "predicate": self.predicate,
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode("ascii")


@dataclass(frozen=True, slots=True)
class Facts:
    """What both predicates are made of.

    `summary` is the run's (as `audit --json` prints it), `release` the counts of
    `release.json` or None for a corpus as it lies, `ledger` origin, verifier key and checkpoint.
    """

    summary: dict[str, Any]
    release: dict[str, Any] | None
    ledger: dict[str, str]
    created: datetime
    expires: datetime
    tool: dict[str, str]
    digests_only: bool = False


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    text = moment.astimezone(UTC).replace(microsecond=0).isoformat()
    return text.replace("+00:00", "Z")


def read_timestamp(value: object) -> datetime | None:
    """A moment that `timestamp` wrote, or None."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def screening_statement(subjects: tuple[Subject, ...], facts: Facts) -> Statement:
    """The statement of lists, parameters, counts and limits."""
    run = facts.summary
    predicate: dict[str, Any] = {
        "tool": facts.tool,
        "created": timestamp(facts.created),
        "expires": timestamp(facts.expires),
        "run": {
            "name": run["run"],
            "tool": run["tool"],
            "started": run["started"],
            "finished": run["finished"],
            "manifest": run["manifest_digest"],
            "shards": run["shards"]["committed"],
        },
        "about": "corpus" if facts.release is None else "release",
        "sources": [
            {
                "kinds": source["kinds"],
                "shards": source["shards"],
                "bytes": source["bytes"],
                "items": source["items"],
                "manifest": source["manifest_digest"],
                "content": source["content_digest"],
            }
            for source in run["sources"]
        ],
        "lists": [_list(facts_of, facts.digests_only) for facts_of in run["lists"]],
        "parameters": run["parameters"],
        "accounting": {
            name: run[name]
            for name in ("items", "screened", "exact_only", "skipped", "failed", "gaps", "reasons")
        },
        "matches": {name: run["matches"][name] for name in ("total", "items", "known_good")},
        "ledger": facts.ledger,
        "limits": limits_of(run, facts.release),
    }
    if facts.release is not None:
        predicate["release"] = facts.release
    return Statement(subjects, SCREENING, predicate)


def _list(facts: dict[str, Any], digests_only: bool) -> dict[str, Any]:
    left_out = _NAMING if digests_only else ()
    told = {name: value for name, value in facts.items() if name not in left_out}
    return told | ({"delta": True} if "since" in facts else {})


def list_name(entry: dict[str, Any]) -> str | None:
    """What a list's entry in a statement is called: `NAME@VERSION`, `NAME@SINCE..VERSION` for
    what a version adds to an earlier one, None without names."""
    if "name" not in entry:
        return None
    since = f"{entry['since']}.." if "since" in entry else ""
    return f"{entry['name']}@{since}{entry['version']}"


def svr_statement(screening: Statement, facts: Facts) -> Statement:
    """The Simple Verification Result that goes with the other statement."""
    policies = []
    for entry in screening.predicate["lists"]:
        policy: dict[str, Any] = {"digest": {"sha256": entry["digest"].removeprefix("sha256:")}}
        name = list_name(entry)
        if name is not None:
            policy["name"] = name
        policies.append(policy)
    predicate = {
        "verifier": {"id": VERIFIER, "policies": policies},
        "timeCreated": timestamp(facts.created),
        "properties": properties(facts),
        SCREENING: {
            "digest": {"sha256": sha256(screening.encode()).hexdigest()},
            "expires": timestamp(facts.expires),
        },
    }
    return Statement(screening.subjects, SVR, predicate)


def properties(facts: Facts) -> list[str]:
    """What held, in words that policy tools compare; see docs/statement.md for each."""
    run, release = facts.summary, facts.release
    # who reads properties alone must not take less than whole lists of known material for them
    whole = any(entry["role"] == Role.KNOWN_BAD and entry["entries"] for entry in run["lists"])
    whole &= not any("since" in entry for entry in run["lists"])
    held = {
        "BRIGHTLINE_EVERY_ITEM_ACCOUNTED_FOR": adds_up(run),
        "BRIGHTLINE_NO_GAPS": run["gaps"] == 0,
        "BRIGHTLINE_ZERO_MATCHES": whole and release is None and run["matches"]["total"] == 0,
        "BRIGHTLINE_MATCHED_ITEMS_LEFT_OUT": whole and release is not None,
        "BRIGHTLINE_UNSCREENED_ITEMS_LEFT_OUT": release is not None
        and not release["unscreened"]["kept"],
    }
    return [name for name, holds in held.items() if holds]


def adds_up(counts: dict[str, Any]) -> bool:
    """Whether items = screened + exact_only + skipped + failed."""
    parts = ("screened", "exact_only", "skipped", "failed")
    return bool(counts["items"] == sum(counts[part] for part in parts))


def parse(envelope: Envelope) -> Statement:
    """Read an envelope's statement. Says nothing of its signatures.

    Fields that are not known are passed over, as in-toto asks (parsing rules). Raises
    VerificationError if the payload's type is another, or if a field that is needed is missing.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise VerificationError(f"the envelope's payload is not of type {PAYLOAD_TYPE}")
    document = load_json(envelope.payload, "the statement", _MOST)
    match document:
        case {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [_, *_] as listed,
            "predicateType": str(kind),
            "predicate": dict(predicate),
        }:
            return Statement(tuple(_subject(entry) for entry in listed), kind, predicate)
        case _:
            raise VerificationError("the payload is not an in-toto Statement v1 with a subject")


def _subject(entry: object) -> Subject:
    match entry:
        case {"name": str(name), "digest": {"sha256": str(digest)}} if _HEX.fullmatch(digest):
            return Subject(name, digest)
        case _:
            raise VerificationError("a subject of the statement has no name or no SHA-256 digest")
