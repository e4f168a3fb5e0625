"""The report's prose.

A match is called an observation: a signal within a list's threshold. Nothing here says what a
picture shows, what a person did, or that a corpus is free of anything.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from brightline.report.figures import counted, number
from brightline.report.schema import (
    Check,
    Command,
    HashList,
    Items,
    Observations,
    ReasonCount,
    Run,
    Source,
    Term,
)
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, Pipeline, Role

#: a remark's code → plain words; a code that is not here is shown as it is
NOTES: Final = {
    "first_frame_only": "an animation or a multi-page picture: PDQ of the first frame only",
    "decoder_warning": "a JPEG that its decoder warned of and decoded to its end",
    "alpha": "a picture with transparent parts: hashed as it is, on white and on black",
}

GLOSSARY: Final[tuple[Term, ...]] = (
    {
        "term": "Item",
        "meaning": "One file, archive member or table row. Every item ends in one of four ways: "
        "screened, exact only, skipped or failed.",
    },
    {
        "term": "Signal",
        "meaning": "A fingerprint of an item: a digest of its bytes (MD5, SHA-1, SHA-256), a "
        "perceptual hash of its pixels (PDQ), or the digest of its address.",
    },
    {
        "term": "PDQ",
        "meaning": "A perceptual hash of 256 bits. The distance between two is the number of "
        "bits in which they differ; pictures that look alike are usually close. A PDQ signal is "
        "within the threshold when its distance is the threshold or less.",
    },
    {
        "term": "Hash list",
        "meaning": "Signals that a hotline or agency publishes for matching. A version of it is "
        "frozen as a snapshot with a digest, so that others can check which one was used.",
    },
    {
        "term": "Observation",
        "meaning": "A signal within a list's threshold. It is a fact about bytes. It is no "
        "judgement of a picture and says nothing about a person.",
    },
)

# more sources or lists than this would make the command unreadable; the tables have them all
_ON_COMMAND_LINE = 6


def headline(
    run: Run,
    items: Items,
    observations: Observations | None,
    lists: Sequence[HashList],
    below_quality: int | None,
) -> list[str]:
    """The few sentences that a reader in a hurry takes away."""
    return [
        *_state(run),
        *_accounting(items),
        *_observed(observations, lists),
        *_not_in_full(items, below_quality),
    ]


def _state(run: Run) -> Iterator[str]:
    if run["state"] == "complete":
        return
    done, total = run["shards_committed"], run["shards_total"]
    if run["state"] is None:
        yield "Whether the run was completed is not recorded."
    elif done is not None and total is not None and done < total:
        yield (
            f"The run is incomplete: {number(done)} of {counted(total, 'shard')} are committed, "
            "and every figure below covers only those."
        )
    else:
        yield "The run is incomplete, and every figure below covers only what was committed."


def _accounting(items: Items) -> Iterator[str]:
    total = items["items"]
    if total is None:
        yield "The number of items is not recorded."
    elif total == 0:
        yield "The sources held no items."
    else:
        parts = [
            f"{number(count)} {words}"
            for count, words in (
                (items["screened"], "screened"),
                (items["exact_only"], "matched by digest only"),
                (items["skipped"], "skipped"),
                (items["failed"], "failed"),
            )
            if count is not None
        ]
        yield f"{counted(total, 'item')}: {', '.join(parts) or 'outcomes are not recorded'}."


def _observed(observations: Observations | None, lists: Sequence[HashList]) -> Iterator[str]:
    total = None if observations is None else observations["total"]
    if observations is None or total is None:
        yield "Observations are not recorded. That is not the same as none."
        return
    known_good = observations["known_good"]
    if total:
        made = counted(total, "observation")
        if observations["items"] is not None:
            made += f" on {counted(observations['items'], 'item')}"
        yield (
            f"{made}. An observation is a signal within a list's threshold. It is about bytes; "
            "nobody looked at a picture."
        )
    elif not lists:
        yield "No hash list is recorded for this run, so nothing could be observed."
    else:
        which = "a known-bad list's" if known_good else "a listed"
        yield (
            f"No item's signal was within {which} threshold. That is not a statement that the "
            "corpus is clean: only known material can be recognised, and only as far as the "
            "limits below reach."
        )
    if known_good:
        yield f"{counted(known_good, 'signal')} within the threshold of a known-good list."


def _not_in_full(items: Items, below_quality: int | None) -> Iterator[str]:
    if items["gaps"]:
        yield (
            f"{counted(items['gaps'], 'item')} could have held a picture and "
            f"{'was' if items['gaps'] == 1 else 'were'} not screened in full."
        )
    if below_quality:
        yield f"{counted(below_quality, 'picture')} had too little detail for PDQ."


def checks(
    run: Run,
    items: Items,
    reasons: Sequence[ReasonCount],
    sources: Sequence[Source],
    reconciliation: dict[str, int],
) -> list[Check]:
    """Sums over the report's own figures."""
    ways = (items["screened"], items["exact_only"], items["skipped"], items["failed"])
    rest = ways[1:]
    reasoned = sum(reason["count"] for reason in reasons)
    by_source = tuple(source["items"] for source in sources)
    found = [
        _sum("Screened, exact only, skipped and failed items add up to all items", ways, items),
        _equal("Every item that was not screened has a reason", reasoned, _total(rest), "reasons"),
    ]
    if sources:
        found.append(_sum("The sources' items add up to all items", by_source, items))
    done, total = run["shards_committed"], run["shards_total"]
    found.append(_equal("Every shard is committed", done, total, "committed"))
    if "agree" in reconciliation or "differ" in reconciliation:
        agree, differ = reconciliation.get("agree", 0), reconciliation.get("differ", 0)
        found.append(
            {
                "text": "The datasets' own tables agree with what their shards hold: "
                f"{number(agree)} agree, {number(differ)} differ.",
                "holds": differ == 0,
            }
        )
    return found


def _total(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _sum(claim: str, parts: Sequence[int | None], items: Items) -> Check:
    left, right = _total(parts), items["items"]
    if left is None or right is None:
        return {"text": f"{claim}: not recorded.", "holds": None}
    terms = " + ".join(number(part) for part in parts if part is not None)
    text = f"{claim}: {terms} = {number(left)} of {number(right)}."
    if len(parts) > _ON_COMMAND_LINE:
        text = f"{claim}: {number(left)} of {number(right)}."
    return {"text": text, "holds": left == right}


def _equal(claim: str, left: int | None, right: int | None, word: str) -> Check:
    if left is None or right is None:
        return {"text": f"{claim}: not recorded.", "holds": None}
    return {"text": f"{claim}: {number(left)} {word} of {number(right)}.", "holds": left == right}


def commands(
    run: Run, lists: Sequence[HashList], sources: Sequence[Source], origin: str | None = None
) -> list[Command]:
    """Command lines that repeat the audit and verify its records.

    origin: of which items origin evidence was looked for; None for none.
    """
    name = shlex.quote(run["name"]) if run["name"] else "RUN"
    paths = [_path_argument(source["path"]) for source in sources if source["path"]]
    if not paths or len(paths) > _ON_COMMAND_LINE:
        paths = ["SOURCE…"]
    chosen = [_list_option(entry) for entry in lists if entry["name"]]
    if len(chosen) > _ON_COMMAND_LINE:
        chosen = ["--list NAME@VERSION…"]
    if origin:
        chosen.append(f"--origin {shlex.quote(origin)}")
    found = [
        (
            " ".join(["brightline audit", *paths, *chosen]),
            "Screens the same sources against the same list versions again. With the same "
            "parameters, counts and digests come out equal; times do not.",
        ),
        (f"brightline run show {name} --json", "Prints the summary that this report is made of."),
        ("brightline ledger verify", "Checks the append-only log that the shards are noted in."),
        (
            f"brightline report {name} --format json -o report.json",
            "Writes the figures of this page for a machine.",
        ),
        (
            f"brightline attest {name} -o attestation.json",
            "Writes the signed statement; this page is not signed.",
        ),
        ("brightline verify attestation.json", "Checks such a statement."),
    ]
    return [{"command": command, "purpose": purpose} for command, purpose in found]


def _path_argument(path: str) -> str:
    # what begins with a hyphen would be read as an option
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def _list_option(entry: HashList) -> str:
    name = entry["name"] or ""
    version = f"@{entry['version']}" if entry["version"] else ""
    return f"--list {shlex.quote(name + version)}"


def label(entry: HashList) -> str:
    """`NAME@VERSION`, as `by_list` names a list."""
    name = entry["name"] or "a list without a name"
    return f"{name}@{entry['version']}" if entry["version"] else name


def limits(
    items: Items,
    lists: Sequence[HashList],
    below_quality: int | None,
    *,
    orientations: bool | None,
    recorded: Sequence[str],
) -> list[str]:
    """What the figures do not say; the summary's own limits last."""
    known_bad = [entry for entry in lists if entry["role"] != Role.KNOWN_GOOD]
    found = [
        "Known hashes only. Material that no listed signal was made from cannot be recognised, "
        "new and generated pictures among it.",
        _edits(known_bad, orientations),
        _quality(known_bad, below_quality),
        _counts(items),
        *_versions(lists),
        *_pipelines(known_bad),
        "A list can hold an entry by mistake, and unlike pictures can by chance have close PDQ "
        "signals. An observation is a reason for those whom the law appoints to look into it, "
        "and no more than that.",
        "Nobody looked at any picture, and this report holds neither names nor hashes of items. "
        "Which items they are is sealed to the run's custodians.",
    ]
    return found + [text for text in recorded if text not in found]


def _edits(lists: Sequence[HashList], orientations: bool | None) -> str:
    thresholds = {entry["pdq_threshold"] for entry in lists} - {None} or {PDQ_THRESHOLD}
    bits = " or ".join(str(bits) for bits in sorted(t for t in thresholds if t is not None))
    turned = "" if orientations else "rotations, mirrored copies, "
    looked = " Turned and mirrored copies were looked for." if orientations else ""
    return (
        f"PDQ finds light changes such as resizing and recompression, to a distance of {bits} of "
        f"256 bits. It misses crops, {turned}borders and heavy edits.{looked}"
    )


def _quality(lists: Sequence[HashList], below_quality: int | None) -> str:
    least = {entry["pdq_min_quality"] for entry in lists} - {None} or {PDQ_MIN_QUALITY}
    bounds = " or ".join(str(q) for q in sorted(q for q in least if q is not None))
    count = "their number is not recorded" if below_quality is None else number(below_quality)
    return (
        f"Pictures of a PDQ quality under {bounds} hold too little detail for PDQ and were "
        f"matched by digest only: {count}."
    )


def _counts(items: Items) -> str:
    failed, skipped, exact, gaps = (
        "a number not recorded" if count is None else number(count)
        for count in (items["failed"], items["skipped"], items["exact_only"], items["gaps"])
    )
    return (
        f"Items that failed ({failed}) or were skipped ({skipped}) were not screened in full, "
        f"and items matched by digest only ({exact}) match only if not one byte was changed. Of "
        f"all these, {gaps} could have held a picture."
    )


def _versions(lists: Sequence[HashList]) -> Iterator[str]:
    if lists:
        names = ", ".join(label(entry) for entry in lists[:_ON_COMMAND_LINE])
        more = len(lists) - _ON_COMMAND_LINE
        others = f" and {counted(more, 'other')} (see the table)" if more > 0 else ""
        yield (
            f"The lists are as of their versions: {names}{others}. What was added to a list "
            "later was not looked for."
        )


def _pipelines(lists: Sequence[HashList]) -> Iterator[str]:
    unknown = [e for e in lists if e["pipeline"] in (None, Pipeline.UNKNOWN)]
    if unknown:
        yield (
            f"How the pictures behind {counted(len(unknown), 'list')} were resized before "
            "hashing is unknown. The common ways differ by up to 34 bits on the same picture, "
            "so some copies may lie past the threshold."
        )
