"""The case file: what was found, as it is sealed and as reports are made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from brightline.errors import DamagedError
from brightline.referral.proposals import Proposal
from brightline.referral.reporter import Reporter
from brightline.types import SignalType

FORMAT = 2

_EQUALITY = frozenset({SignalType.MD5, SignalType.SHA1, SignalType.SHA256})


@dataclass(frozen=True, slots=True)
class Observation:
    """One match: which entry of which list, by which signal, at which distance (bits)."""

    signal: str
    distance: int
    threshold: int
    list: str
    list_version: str
    entry: int
    category: str | None
    via: str
    orientation: str
    pdq_quality: int | None


@dataclass(frozen=True, slots=True)
class CaseItem:
    """One file with everything that was observed of it.

    `md5`, `sha1`, `sha256` are of the stored bytes, in hex, or None where nothing was read;
    `declared` is what the dataset says of the original (`md5`, `sha1`, `sha256`, and `url` as
    the SHA-256 of its normal form); `urls` the addresses themselves, as far as they could be read
    again; `size` in bytes; `number` counts from 1.
    """

    number: int
    source: str
    shard: str
    item: str
    ordinal: int
    md5: str | None
    sha1: str | None
    sha256: str | None
    size: int | None
    media_type: str | None
    declared: tuple[Mapping[str, str], ...]
    observations: tuple[Observation, ...]
    urls: tuple[str, ...] = ()
    proposal: Proposal | None = None

    @property
    def similar_only(self) -> bool:
        """Whether all that was observed is similarity of a picture, and no equality of bytes."""
        return not any(o.signal in _EQUALITY for o in self.observations)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CaseItem:
        """What `dataclasses.asdict` gave, now or in format 1, which had at most one address."""
        proposal = document["proposal"]
        document = dict(document)
        url = document.pop("url", None)
        document.setdefault("urls", () if url is None else (url,))
        return cls(
            **{
                **document,
                "declared": tuple(document["declared"]),
                "urls": tuple(document["urls"]),
                "observations": tuple(Observation(**o) for o in document["observations"]),
                "proposal": None if proposal is None else Proposal.from_json(proposal),
            }
        )


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A drafted case: `created` and `incident_time` are UTC stamps, `tool` name and version.

    `again` is why files are in it that other referrals (`others`) have, if that was said.
    """

    referral: str
    run: str
    created: str
    incident_time: str
    tool: str
    reporter: Reporter
    lists: tuple[Mapping[str, Any], ...]
    items: tuple[CaseItem, ...]
    again: str | None = None
    others: tuple[str, ...] = ()

    def item(self, number: int) -> CaseItem | None:
        """The item of that number."""
        return self.items[number - 1] if 0 < number <= len(self.items) else None

    def lines(self) -> Iterator[dict[str, Any]]:
        """As JSON Lines: a head, and a line an item."""
        head = asdict(replace(self, items=()))
        del head["items"]
        yield {"format": FORMAT, **head, "files": len(self.items)}
        for item in self.items:
            yield {**asdict(item), "declared": [dict(d) for d in item.declared]}

    @classmethod
    def from_lines(cls, lines: Sequence[Mapping[str, Any]]) -> CaseFile:
        """What `lines` gave; DamagedError for anything else."""
        try:
            head = dict(lines[0])
            if head.pop("format") not in (1, FORMAT):
                raise DamagedError(
                    "the case file has a format that this version does not know; "
                    "use the version that drafted it"
                )
            files = head.pop("files")
            head["reporter"] = Reporter.from_json(head["reporter"])
            head["lists"] = tuple(head["lists"])
            head["others"] = tuple(head.get("others", ()))
            items = tuple(CaseItem.from_json(line) for line in lines[1:])
            case = cls(**head, items=items)
        except (LookupError, TypeError, AttributeError):
            raise DamagedError("the case file cannot be understood; draft it anew") from None
        if files != len(items) or [i.number for i in items] != list(range(1, files + 1)):
            raise DamagedError("the case file does not hold as many files as it says")
        return case
