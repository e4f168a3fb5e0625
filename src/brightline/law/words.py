"""What every view says, and the words for the table's codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from brightline.law.model import (
    Conduct,
    Coverage,
    Depiction,
    DutyType,
    Role,
    Source,
    Standing,
    Support,
    Table,
    Unknown,
    Why,
)

#: shown with every view, in this order
CAVEATS: Final = (
    "This is not legal advice. Each row says when it was last checked and how it was supported; "
    "a row marked as a draft is carried by no primary or official text of enacted law.",
    '"Not covered" never means that something is lawful or harmless: other provisions can reach '
    "it. Where the table holds no row, it says nothing about the law.",
    "A suspicion that material was generated is no proof that no real child is involved. Treat it "
    "as potentially real.",
    "A hash match is not a person's finding, nor is it a classifier's score: name which it is.",
    'Do not view, copy or pass on material to "verify" it.',
    "Retention floors and ceilings of several jurisdictions can conflict: that takes a policy for "
    "each jurisdiction, legal holds, and destruction on request.",
    "Scanning private messages in the EU needs a legal basis of its own.",
)

COVERAGE: Final = {
    Coverage.YES: "covered",
    Coverage.PARTIAL: "partly covered",
    Coverage.UNCLEAR: "unclear",
    Coverage.NO: "not covered",
}
#: one letter, so that nothing is told by colour alone
LETTER: Final = {
    Coverage.YES: "Y",
    Coverage.PARTIAL: "P",
    Coverage.UNCLEAR: "?",
    Coverage.NO: "N",
}
CONDUCT: Final = {
    Conduct.PRODUCE: "production",
    Conduct.DISTRIBUTE: "distribution",
    Conduct.POSSESS: "possession",
    Conduct.ACCESS: "access",
    Conduct.SUPPLY_TOOL: "supply of tools",
}
#: the same, as the heading of a narrow column
CONDUCT_SHORT: Final = {
    Conduct.PRODUCE: "prod",
    Conduct.DISTRIBUTE: "dist",
    Conduct.POSSESS: "poss",
    Conduct.ACCESS: "acc",
    Conduct.SUPPLY_TOOL: "tool",
}
DEPICTION: Final = {
    Depiction.REAL: "a real child",
    Depiction.REAL_MODIFIED: "a real image, altered",
    Depiction.IDENTIFIABLE_LIKENESS: "likeness of an identifiable child",
    Depiction.PHOTOREAL_SYNTHETIC: "wholly synthetic, realistic",
    Depiction.NON_PHOTOREAL: "not realistic (drawings)",
    Depiction.TEXT: "text",
    Depiction.MODEL_OR_TOOL: "a model or tool",
}
DUTY: Final = {
    DutyType.REPORT: "report",
    DutyType.PRESERVE: "preserve",
    DutyType.REMOVE: "remove or destroy",
    DutyType.NOTIFY: "notify",
}
SUPPORT: Final = {
    Support.PRIMARY: "read in the primary or an official text",
    Support.SECONDARY: "read in a secondary source",
    Support.GENERAL: "general knowledge, unchecked",
}
WHY: Final = {
    Why.AS_STATED: "as the row states",
    Why.NO_ROW: "the table holds no row",
    Why.NOT_RECORDED: "the table did not yet hold it on the day whose knowledge was asked for",
    Why.PAST_REVIEW: "past its review date",
    Why.NOT_YET: "no row speaks for that day: the one held begins later, and what was law before "
    "was not read",
    Why.START_UNKNOWN: "the first day is not known, and no source shows it in force on that day",
    Why.ENDED: "no row speaks for that day: the one held had ended, and what is law since was not "
    "read",
    Why.NOT_COMMENCED: "passed, and not known to have commenced",
    Why.PROPOSED: "proposed only",
    Why.ENJOINED: "enjoined by a court",
}
#: said wherever a role has no duty in the table
NO_DUTY: Final = (
    "None was found in what was read, which is no proof that there is none: the duties of a role, "
    "national law and terms of contract may not have been read. Until a lawyer or the authority "
    "has said otherwise, what is said here of every match is the policy to start from."
)
#: added for a role of which the table holds no duty anywhere
PROVIDERS: Final = (
    "The duties in this table are those of providers: whoever also hosts or transmits what others "
    "send should ask again with --role hosting or --role telecom."
)
ACROSS: Final = (
    "The sources say that the provision covers such material as a whole; the conduct was read "
    "across."
)


def no_duty(role: Role) -> str:
    """What is said where the table holds no duty of a role."""
    provides = role in (Role.HOSTING, Role.TELECOM)
    return NO_DUTY if provides else f"{NO_DUTY} {PROVIDERS}"


def how_read(source: Source) -> str:
    """How a source was read, and whether only in part."""
    return SUPPORT[source.support] + (", as an excerpt" if source.excerpt else "")


def support_of(sources: Sequence[Source], draft: bool) -> str:
    """How a row was supported: by its strongest source; a draft by the strongest of those that it
    rests on without a primary text of enacted law."""
    order = list(Support)
    resting = [s for s in sources if s.enacted and not (draft and s.carries)] or sources
    return how_read(min(resting, key=lambda s: (order.index(s.support), s.excerpt)))


def validity(standing: Standing) -> str:
    """From when to when, as far as that is known."""
    start = standing.start
    if isinstance(start, Unknown):
        parts = [f"not before {start.not_before}"] if start.not_before else []
        by = start.by or standing.last_checked
        how = f" (by {start.basis}, {start.source})" if start.basis else " (as read)"
        if standing.status in ("in_force", "lapsed"):
            parts.append(f"in force by {by}{how}")
        text = "first day unknown" + (f": {', '.join(parts)}" if parts else "")
    else:
        text = f"from {start.day}"
    return text + (f", to {standing.end}" if standing.end else "")


def last_checked(table: Table) -> str:
    """The range of days on which the table was last checked."""
    days = [
        entry.standing.last_checked
        for place in table.jurisdictions.values()
        for entry in place.entries
    ]
    first, last = min(days), max(days)
    return f"{first}" if first == last else f"{first} to {last}"
