"""A run's summary: the sums over its committed shards, as JSON and as a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from brightline.lists import HashList
from brightline.origin import Claim, Strength
from brightline.screen.examining import OriginMode
from brightline.screen.tally import Tally, ordered
from brightline.types import Kind, Role


@dataclass(frozen=True, slots=True)
class Summary:
    """What an audit found, in counts. `document` is the JSON that `audit --json` prints."""

    document: dict[str, Any]

    @property
    def run(self) -> str:
        """The run's name."""
        return str(self.document["run"])

    @property
    def items(self) -> int:
        """All items: screened + exact_only + skipped + failed."""
        return int(self.document["items"])

    @property
    def matches(self) -> int:
        """Matches against known-bad lists."""
        return int(self.document["matches"]["total"])

    @property
    def complete(self) -> bool:
        """Whether every shard of the manifest is committed."""
        return bool(self.document["state"] == "complete")

    @property
    def exit_status(self) -> int:
        """0 all screened and nothing matched, 1 something matched, 3 not everything screened."""
        if self.matches:
            return 1
        return 3 if self.document["gaps"] else 0


def accounting(tally: Tally) -> dict[str, Any]:
    """The part of the summary that counts items."""
    kinds = tally.counters["kinds"]
    return {
        "items": tally.items,
        **{str(kind): kinds[kind] for kind in Kind},
        "gaps": tally.gaps,
        "reasons": ordered("reasons", tally.counters["reasons"]),
        "notes": ordered("notes", tally.counters["notes"]),
        "bytes": tally.bytes,
        "media_types": ordered("media_types", tally.counters["media_types"]),
        "pixels": ordered("pixels", tally.counters["pixels"]),
        "bytes_histogram": ordered("bytes_histogram", tally.counters["bytes_histogram"]),
        "pdq_quality": ordered("pdq_quality", tally.counters["pdq_quality"]),
        "below_quality": tally.below_quality,
        "matches": {
            "total": tally.counters["by_role"][Role.KNOWN_BAD],
            "items": tally.matched_items,
            "known_good": tally.counters["by_role"][Role.KNOWN_GOOD],
            **{
                name: ordered(name, tally.counters[name])
                for name in ("by_list", "by_signal", "by_distance", "by_via", "by_category")
            },
        },
    }


def origin_counts(tally: Tally, mode: OriginMode) -> dict[str, Any] | None:
    """Items by what was found of their origin, in counts; None where nobody looked.

    `matched`: examined + not_examined is the number of items that matched; `all`: of all items.
    An item counts once under a claim, at the strongest evidence for it.
    """
    if mode is OriginMode.NONE:
        return None
    of = {name: tally.counters[f"origin_{name}"] for name in ("counts", "claims", "not_examined")}
    claims = {
        str(claim): {str(s): of["claims"][f"{claim}/{s}"] for s in Strength}
        for claim in Claim
        if any(of["claims"][f"{claim}/{s}"] for s in Strength)
    }
    return {
        "mode": str(mode),
        "examined": of["counts"]["examined"],
        "no_evidence": of["counts"]["no_evidence"],
        "claims": {c: {s: n for s, n in row.items() if n} for c, row in claims.items()},
        "contradictions": ordered("origin", tally.counters["origin_contradictions"]),
        "notes": ordered("origin", tally.counters["origin_notes"]),
        "not_examined": of["not_examined"].total(),
        "not_examined_reasons": ordered("origin", of["not_examined"]),
    }


def list_facts(lists: Iterable[HashList]) -> list[dict[str, Any]]:
    """Name, version, digest and counts of each snapshot; of a delta those of what was added."""
    return [
        {
            "name": m.name,
            "version": m.version,
            **({} if opened.since is None else {"since": opened.since}),
            "digest": opened.digest,
            "entries": len(opened),
            "counts": dict(opened.counts),
            "role": str(m.role),
            "pipeline": str(m.pipeline),
            "pdq_threshold": m.pdq_threshold,
            "pdq_min_quality": m.pdq_min_quality,
            "created": m.created,
        }
        for opened, m in ((hash_list, hash_list.manifest) for hash_list in lists)
    ]
