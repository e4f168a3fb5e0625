"""The JSON report, version 1.

Every key below is always there. `None` means that the summary did not record it, which is
never the same as 0. A new key may come within a version; a changed or removed one raises it.
Counts are whole numbers, sizes are in bytes, durations in seconds, times in RFC 3339.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypedDict

SCHEMA: Final = "brightline-report/1"

Scalar: TypeAlias = str | int | float | bool | None


class Tool(TypedDict):
    """What made the run."""

    name: str
    version: str | None


class Run(TypedDict):
    """The audit itself. `state` is "complete" where every shard was committed."""

    name: str | None
    state: str | None
    started: str | None
    finished: str | None
    elapsed_s: float | None
    workers: int | None
    shards_total: int | None
    shards_committed: int | None


class Items(TypedDict):
    """items = screened + exact_only + skipped + failed.

    `gaps` counts the items that could have held a picture and were not screened in full; it is
    None where the reasons were not recorded.
    """

    items: int | None
    screened: int | None
    exact_only: int | None
    skipped: int | None
    failed: int | None
    gaps: int | None


class ReasonCount(TypedDict):
    """Items with one `types.Reason`; `kind` is None for a code that this version does not know."""

    code: str
    count: int
    kind: str | None
    gap: bool
    text: str


class NoteCount(TypedDict):
    """Items that carry a remark, whatever their outcome."""

    code: str
    count: int
    text: str


class ListCount(TypedDict):
    """Observations by one list version; `role` is None for a list that the run did not name."""

    list: str
    role: str | None
    count: int


class Observations(TypedDict):
    """Signals within a list's threshold, as counts.

    `total` counts observations, `items` the items that gave at least one. The keys of
    `by_distance` are Hamming distances in bits, ascending; exact signals have distance 0.
    """

    total: int | None
    items: int | None
    known_good: int | None
    by_list: list[ListCount]
    by_signal: dict[str, int]
    by_distance: dict[str, int]
    by_via: dict[str, int]
    by_category: dict[str, int]


class OriginCount(TypedDict):
    """Items with a claim about their origin, by the strongest evidence for it."""

    claim: str
    strength: str
    count: int
    text: str


class OriginNote(TypedDict):
    """Items by a contradiction among their evidence, a remark, or why they were not examined."""

    code: str
    count: int
    text: str


class Origin(TypedDict):
    """Evidence of where items come from, as counts and never as a verdict.

    `mode` says of which: "matched" or "all". `caution` and `not_checked` are sentences for
    people. No figure here is a reason to look at an item later or not at all.
    """

    mode: str | None
    examined: int | None
    no_evidence: int | None
    not_examined: int | None
    claims: list[OriginCount]
    contradictions: list[OriginNote]
    notes: list[OriginNote]
    not_examined_reasons: list[OriginNote]
    caution: list[str]
    not_checked: list[str]


class HashList(TypedDict):
    """A snapshot that was matched against; `counts` are entries by signal."""

    name: str | None
    version: str | None
    digest: str | None
    entries: int | None
    role: str | None
    pipeline: str | None
    pdq_threshold: int | None
    pdq_min_quality: int | None
    counts: dict[str, int]


class Source(TypedDict):
    """A place that was read; `kinds` are shards by kind."""

    path: str | None
    kinds: dict[str, int]
    shards: int | None
    bytes: int | None
    items: int | None
    manifest_digest: str | None
    content_digest: str | None


class Point(TypedDict):
    """What was done by `t_s` seconds after the start; cumulative."""

    t_s: float
    items: int
    bytes: int | None


class Check(TypedDict):
    """A sum that anyone can do again; `holds` is None where a figure was not recorded."""

    text: str
    holds: bool | None


class Command(TypedDict):
    """A command line, and what it is for."""

    command: str
    purpose: str


class Term(TypedDict):
    """A word, and what it means here."""

    term: str
    meaning: str


class Report(TypedDict):
    """The whole report. Prose is for people; figures in it are repeated as numbers elsewhere.

    `origin` is None where nobody looked for origin evidence, or it is not recorded.
    """

    schema: str
    tool: Tool
    run: Run
    headline: list[str]
    items: Items
    reasons: list[ReasonCount]
    notes: list[NoteCount]
    observations: Observations | None
    origin: Origin | None
    lists: list[HashList]
    sources: list[Source]
    parameters: dict[str, Scalar]
    media_types: dict[str, int]
    pixels: dict[str, int]
    bytes_histogram: dict[str, int]
    pdq_quality: dict[str, int]
    below_quality: int | None
    reconciliation: dict[str, int]
    throughput: list[Point]
    checks: list[Check]
    limits: list[str]
    commands: list[Command]
    glossary: list[Term]
