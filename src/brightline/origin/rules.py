"""Rules as data: read, checked strictly, and matched against fields.

A pattern is a list of pieces, each searched behind the one before: that finds what
`A.*?B.*?C` would, in time linear in the text. `check_pattern` refuses what could make the
engine go back over a text again and again.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, TypeAlias

from brightline.errors import UsageError
from brightline.origin.evidence import (
    EXTRACTED,
    WHERES,
    Claim,
    Evidence,
    Field,
    Strength,
    value_digest,
)

#: characters of a field that patterns are searched in
SEARCHED: Final = 256 << 10
#: characters in which values to extract are searched
_EXTRACTED_FROM: Final = 128 << 10
_EVIDENCE: Final = 64
_KNOWN: Final = 1024
#: characters between a rule's `after` and its pattern, and how many places are tried
_FAR: Final = 400
_TRIES: Final = 1000
_ID: Final = re.compile(r"(declared|generator|heuristic)\.[a-z0-9]+\.[a-z0-9_]+")
_STRENGTHS: Final = {
    "declared": Strength.DECLARED_STANDARD,
    "generator": Strength.GENERATOR_ARTIFACT,
    "heuristic": Strength.HEURISTIC,
}
_REQUIRED: Final = frozenset(
    ("id", "title", "where", "pattern", "claim", "strength", "since", "reference", "example")
)
_OPTIONAL: Final = frozenset(("after", "also", "counter", "extract", "needle"))


class RuleError(UsageError):
    """A rule file is not what the loader takes; the message names the rule and the fault."""


@dataclass(frozen=True, slots=True)
class Also:
    """A second condition: another field, or with `where` None another pattern in the same one."""

    where: tuple[str, str] | None
    pattern: re.Pattern[str]
    example: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule; the fields are those of `rules.toml`, checked and compiled."""

    id: str
    title: str
    where: tuple[tuple[str, str], ...]
    needle: str
    after: str
    pattern: tuple[re.Pattern[str], ...]
    claim: Claim
    strength: Strength
    extract: tuple[tuple[str, re.Pattern[str]], ...]
    also: tuple[Also, ...]
    since: str
    reference: str
    example: str
    counter: tuple[str, ...]

    @property
    def family(self) -> str:
        """The generator or standard: the second part of the id."""
        return self.id.split(".")[1]


_REPEAT: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")


def check_pattern(pattern: str) -> str | None:
    """Why a pattern is not taken, or None: unlimited or nested repetition, back-references."""
    at, inside, wide = 0, False, 0
    while at < len(pattern):
        c = pattern[at]
        if c == "\\":
            if not inside and pattern[at + 1 : at + 2].isdigit():
                return "a back-reference"
            at += 2
            continue
        if inside:
            inside = c != "]" or pattern[at - 1] == "["
        elif c == "[":
            inside = True
        elif c in "*+":
            return f"unlimited repetition ({c}); give the most, as in {{0,16}}"
        elif c == "{" and (count := _REPEAT.match(pattern, at)):
            most = count[1] if count[2] is None else count[2]
            if not most:
                return "unlimited repetition; give the most, as in {0,16}"
            if int(most) > 500:
                return "more than 500 repetitions"
            if pattern[at - 1] == ")" and int(most) > 3:
                return "a repeated group"
            wide += int(most) > 64
            at = count.end() - 1
        at += 1
    return "several repetitions of more than 64" if wide > 1 else None


def load_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a TOML document. Raises `RuleError` on anything that is not as described."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"the rules are not TOML: {error}") from None
    if set(document) != {"rule"} or not isinstance(document["rule"], list):
        raise RuleError("a rule file holds [[rule]] tables and nothing else")
    rules = tuple(_rule(number, table) for number, table in enumerate(document["rule"], 1))
    names = [rule.id for rule in rules]
    if len(set(names)) < len(names):
        raise RuleError(f"two rules have the id {max(names, key=names.count)}")
    return rules


def _rule(number: int, table: Mapping[str, Any]) -> Rule:
    name = table.get("id", f"number {number}")

    def refuse(why: str) -> RuleError:
        return RuleError(f"rule {name}: {why}")

    if missing := _REQUIRED - set(table):
        raise refuse(f"{', '.join(sorted(missing))} missing")
    if unknown := set(table) - _REQUIRED - _OPTIONAL:
        raise refuse(f"{', '.join(sorted(unknown))} unknown")
    for key in ("id", "title", "since", "reference", "example"):
        if not isinstance(table[key], str) or not table[key]:
            raise refuse(f"{key} has to be a text")
    if not _ID.fullmatch(table["id"]):
        raise refuse("an id is kind.family.what in small letters")
    try:
        claim, strength = Claim(table["claim"]), Strength(table["strength"])
        where = tuple(_place(place) for place in table["where"])
        pattern = tuple(_compiled(piece, 0) for piece in table["pattern"])
        extract = tuple((k, _compiled(v, 1)) for k, v in table.get("extract", {}).items())
        also = tuple(_also(more) for more in table.get("also", ()))
    except (ValueError, TypeError, KeyError, AttributeError, re.error) as error:
        raise refuse(str(error)) from None
    if strength is not _STRENGTHS[table["id"].partition(".")[0]]:
        raise refuse("the id's first word and the strength do not agree")
    if not where or not pattern:
        raise refuse("where and pattern must not be empty")
    if unknown := {key for key, _ in extract} - set(EXTRACTED):
        raise refuse(f"{', '.join(sorted(unknown))} is no name of an extracted value")
    needle = table.get("needle", "")
    if not isinstance(needle, str) or (needle and needle not in table["example"]):
        raise refuse("a needle is a text that the example holds")
    after = table.get("after", "")
    if not isinstance(after, str) or (after and after not in table["example"]):
        raise refuse("after is a text that the example holds")
    if not needle and any(key == "*" for _, key in where):
        raise refuse("a rule for any key has to have a needle")
    counter = table.get("counter", ())
    if not all(isinstance(text, str) for text in counter):
        raise refuse("counter-examples are texts")
    return Rule(
        table["id"],
        table["title"],
        where,
        needle,
        after,
        pattern,
        claim,
        strength,
        extract,
        also,
        table["since"],
        table["reference"],
        table["example"],
        tuple(counter),
    )


def _place(text: str) -> tuple[str, str]:
    kind, colon, key = text.partition(":")
    if kind not in WHERES or not colon or not key:
        raise ValueError(f"{text!r} is no place; a place is kind:key with a kind of {WHERES}")
    return kind, key.casefold()


def _compiled(pattern: str, groups: int) -> re.Pattern[str]:
    if why := check_pattern(pattern):
        raise ValueError(f"{pattern!r}: {why}")
    compiled = re.compile(pattern, re.DOTALL)
    if compiled.groups != groups:
        raise ValueError(f"{pattern!r}: has to have {groups} groups")
    return compiled


def _also(table: Mapping[str, str]) -> Also:
    if set(table) == {"same"}:
        return Also(None, _compiled(table["same"], 0))
    if set(table) != {"where", "pattern", "example"}:
        raise ValueError("also: either same, or where, pattern and example")
    return Also(_place(table["where"]), _compiled(table["pattern"], 0), table["example"])


#: a needle (or none) and the rules that have it
_Group: TypeAlias = tuple[str, tuple[Rule, ...]]


class RuleBook:
    """Rules with an index by place. Matching looks only at the rules for a field's place."""

    __slots__ = ("_exact", "_known", "_local", "_open", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._exact: dict[tuple[str, str], list[Rule]] = {}
        self._local: dict[tuple[str, str], list[Rule]] = {}
        self._open: dict[str, list[Rule]] = {}
        self._known: dict[tuple[str, str], tuple[_Group, ...]] = {}
        for rule in rules:
            for kind, key in rule.where:
                if key == "*":
                    self._open.setdefault(kind, []).append(rule)
                elif key.startswith("*:"):
                    self._local.setdefault((kind, key[2:]), []).append(rule)
                else:
                    self._exact.setdefault((kind, key), []).append(rule)

    def _for(self, field: Field) -> tuple[_Group, ...]:
        place = (field.where, field.key)
        known = self._known.get(place)
        if known is None:
            known = self._find(field)
            if len(self._known) < _KNOWN:  # keys come out of files: without end
                self._known[place] = known
        return known

    def _find(self, field: Field) -> tuple[_Group, ...]:
        key = field.key.casefold()
        found = [*self._exact.get((field.where, key), ()), *self._open.get(field.where, ())]
        if field.where == "xmp":
            found += self._local.get(("xmp", key.rpartition(":")[2]), ())
        groups: dict[str, dict[Rule, None]] = {}
        for rule in found:
            groups.setdefault(rule.needle, {})[rule] = None
        return tuple((needle, tuple(rules)) for needle, rules in groups.items())

    def match(self, fields: Sequence[Field]) -> tuple[Evidence, ...]:
        """Evidence in the fields' order; the same rule on the same value at one place once."""
        found: dict[tuple[str, str, str], Evidence] = {}
        for field in fields:
            groups = self._for(field)
            if not groups:
                continue
            text = field.text if len(field.text) <= SEARCHED else field.text[:SEARCHED]
            for needle, rules in groups:
                if needle not in text:  # most fields hold none, and most of the time goes here
                    continue
                for rule in rules:
                    start = _start(rule, text, fields)
                    if start >= 0:
                        piece = _evidence(rule, field, text, start)
                        found.setdefault((piece.rule_id, piece.field, piece.value_sha256), piece)
            if len(found) >= _EVIDENCE:
                break
        return tuple(found.values())


def _start(rule: Rule, text: str, fields: Iterable[Field]) -> int:
    """Where the pattern's first piece stands in a text in which the rule holds, or -1."""
    at, start = 0, -1
    if rule.after:
        at = start = _behind(rule, text)
        if start < 0:
            return -1
    for piece in rule.pattern:
        hit = piece.search(text, at)
        if hit is None:
            return -1
        at = hit.end()
        start = hit.start() if start < 0 else start
    for more in rule.also:
        if more.where is None:
            if not more.pattern.search(text):
                return -1
        elif not any(
            (field.where, field.key.casefold()) == more.where
            and more.pattern.search(field.text[:SEARCHED])
            for field in fields
        ):
            return -1
    return start


def _behind(rule: Rule, text: str) -> int:
    """Where the first piece stands not far behind the rule's `after`, or -1."""
    for count, hit in enumerate(rule.pattern[0].finditer(text)):
        if text.rfind(rule.after, max(hit.start() - _FAR, 0), hit.start()) >= 0:
            return hit.start()
        if count > _TRIES:
            break
    return -1


def _evidence(rule: Rule, field: Field, text: str, start: int) -> Evidence:
    digest, length = value_digest(field.text)
    extracted = {}
    for name, pattern in rule.extract:
        hit = pattern.search(text, start, start + _EXTRACTED_FROM)
        value = "".join(c for c in hit[1] if c.isprintable()).strip() if hit else ""
        if value:
            extracted[name] = value
    if rule.strength is Strength.GENERATOR_ARTIFACT:
        extracted.setdefault("generator", rule.family)
    return Evidence(
        rule.id, rule.claim, rule.strength, field.path, digest, length, extracted, (), True
    )


@functools.cache
def rule_book() -> RuleBook:
    """The rules that ship with the package."""
    file = resources.files("brightline.origin") / "rules.toml"
    return RuleBook(load_rules(file.read_text(encoding="utf-8")))
