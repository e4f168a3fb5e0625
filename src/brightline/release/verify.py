"""Verifying a statement in a stranger's hands: with its files and a public key, and nothing else.

Every check that can be made is made, whatever failed before it, so that all that is wrong is
named at once. Nothing in a statement is believed before its signature is accepted, but for
finding out what else to compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from brightline.errors import SourceError, UsageError, VerificationError
from brightline.ledger.verify import CheckedProof
from brightline.release.dsse import MOST_BYTES, Envelope, accepted, keyid, parse_bundle
from brightline.release.evidence import (
    PublicKey,
    compare,
    log_keys,
    open_head,
    prove,
    read_record,
)
from brightline.release.filecheck import check_files, read_regular, shown
from brightline.release.manifest import ABOUT, Differences, Hook
from brightline.release.statement import (
    FILE,
    PROOF,
    SCREENING,
    SVR,
    VERIFIER,
    Statement,
    Subject,
    adds_up,
    parse,
    read_timestamp,
    timestamp,
)
from brightline.release.verdict import Check, State, Verdict

#: clocks differ: a statement made this much later than now is not yet from the future
_SLACK = timedelta(minutes=10)
_MOST_PROOF = 1 << 21


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be verified, and by what.

    `paths` are the folder of a release, or the sources of a corpus in the statement's order.
    `on` is the moment at which the statement is to hold. `against` is a checkpoint of the ledger
    that someone else has kept.
    """

    paths: tuple[Path, ...]
    keys: tuple[PublicKey, ...]
    on: datetime
    statement: Path | None = None
    against: Path | None = None


@dataclass(slots=True)
class _Pair:
    """Both statements with their envelopes."""

    svr: Statement
    screening: Statement
    envelopes: dict[str, Envelope]

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return self.screening.subjects


@dataclass(slots=True)
class _State:
    """What has been found out so far."""

    question: Question
    file: Path
    checks: list[Check] = field(default_factory=list)
    data: bytes = b""
    pair: _Pair | None = None
    accepted: bool = False
    differences: Differences = field(default_factory=lambda: Differences(0, 0))

    def add(self, name: str, problem: str | None, passed: str) -> bool:
        self.checks.append(
            Check(name, State.PASSED, passed)
            if problem is None
            else Check(name, State.FAILED, problem)
        )
        return problem is None

    def leave(self, name: str, why: str) -> None:
        self.checks.append(Check(name, State.NOT_MADE, why))

    @property
    def predicate(self) -> dict[str, Any]:
        return {} if self.pair is None else self.pair.screening.predicate


def verify(question: Question, hook: Callable[[int], Hook | None] | None = None) -> Verdict:
    """Make every check there is. `hook` is given the bytes in all, and gives a hook for them.

    Raises SourceError if a path does not exist, and UsageError if the paths are not as many as
    the sources that the statement is about. Nothing else that is wrong raises.
    """
    for path in question.paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the path")
    file = question.statement or question.paths[0] / ABOUT / FILE
    state = _State(question, file)
    _read(state)
    _signatures(state)
    _contents(state)
    _dates(state)
    _files(state, hook or (lambda _: None))
    _ledger(state)
    return Verdict(tuple(state.checks), state.differences, _claims(state))


def _read(state: _State) -> None:
    name = "statement"
    try:
        state.data = read_regular(state.file, MOST_BYTES + 1)
        envelopes = parse_bundle(state.data)
        found = {}
        for envelope in envelopes:
            statement = parse(envelope)
            found[statement.predicate_type] = (envelope, statement)
        if len(envelopes) != 2 or set(found) != {SVR, SCREENING}:
            raise VerificationError("it is not one result and one screening statement")
        pair = _Pair(found[SVR][1], found[SCREENING][1], {kind: found[kind][0] for kind in found})
        if pair.svr.subjects != pair.subjects:
            raise VerificationError("its two parts are not about the same files")
    except OSError as error:
        state.add(name, f"{state.file} cannot be read ({error.strerror})", "")
        return
    except VerificationError as error:
        state.add(name, f"{state.file}: {error}", "")
        return
    state.pair = pair
    state.add(name, None, f"{len(envelopes)} in-toto statements in DSSE envelopes")


def _signatures(state: _State) -> None:
    name = "signatures"
    keys = [key.public for key in state.question.keys]
    if state.pair is None:
        state.leave(name, "there is no statement to check")
    elif not keys:
        state.add(name, "no key was given: give the publisher's public key with --key", "")
    else:
        svr, screening = (accepted(state.pair.envelopes[kind], keys) for kind in (SVR, SCREENING))
        both = sorted(keyid(key) for key in svr & screening)
        state.accepted = state.add(
            name,
            None if both else "no key that was given made both signatures",
            f"both made by {', '.join(both)}",
        )


def _contents(state: _State) -> None:
    name = "contents"
    if state.pair is None:
        state.leave(name, "there is no statement to check")
        return
    state.add(
        name,
        _fault(state.pair),
        "both parts agree, and items = screened + exact_only + skipped + failed",
    )


def _fault(pair: _Pair) -> str | None:
    """What in the two statements does not fit together, or None."""
    svr, screening = pair.svr.predicate, pair.screening.predicate
    digest = sha256(pair.envelopes[SCREENING].payload).hexdigest()
    try:
        if svr["verifier"]["id"] != VERIFIER:
            return "the verifier's id is not one that this version knows"
        if svr[SCREENING] != {"digest": {"sha256": digest}, "expires": screening["expires"]}:
            return "its parts were not signed for one another"
        if svr["timeCreated"] != screening["created"]:
            return "its parts were not made at one time"
        policies = [policy["digest"]["sha256"] for policy in svr["verifier"]["policies"]]
        if [f"sha256:{value}" for value in policies] != [
            entry["digest"] for entry in screening["lists"]
        ]:
            return "its parts do not name the same lists"
        if not adds_up(screening["accounting"]):
            return "the items do not add up: some are not accounted for"
    except (KeyError, TypeError):
        return "a field that every statement has is missing, or of another kind"
    return None


def _dates(state: _State) -> None:
    name = "dates"
    if state.pair is None:
        state.leave(name, "there is no statement to check")
        return
    made = read_timestamp(state.predicate.get("created"))
    ends = read_timestamp(state.predicate.get("expires"))
    if made is None or ends is None:
        state.add(name, "it does not say when it was made and when it expires", "")
        return
    problem = None
    if state.question.on > ends:
        problem = f"it expired on {timestamp(ends)}; ask for a new one"
    elif state.question.on < made - _SLACK:
        problem = f"it was made later, on {timestamp(made)}"
    state.add(name, problem, f"made {timestamp(made)}, expires {timestamp(ends)}")


def _files(state: _State, hook: Callable[[int], Hook | None]) -> None:
    subjects = None if state.pair is None else state.pair.subjects
    checks, state.differences = check_files(
        state.question.paths, state.file, subjects, state.predicate, hook
    )
    state.checks += checks


def _ledger(state: _State) -> None:
    names = ("ledger record", "checkpoint")
    named = state.predicate.get("ledger")
    ledger = named if isinstance(named, dict) else {}
    # the key that the statement names is as good as the statement
    vouched = ledger.get("key") if state.accepted or not state.question.keys else None
    path = state.file.with_name(state.file.name + PROOF)
    try:
        vkeys = log_keys(state.question.keys, ledger.get("origin"), vouched)
        proof, roots = prove(read_regular(path, _MOST_PROOF), vkeys)
        record = read_record(proof)
    except OSError as error:
        state.add(names[0], f"{path} cannot be read ({error.strerror})", "")
        state.leave(names[1], "there is no proof to compare it with")
        return
    except VerificationError as error:
        state.add(names[0], f"{path}: {error}", "")
        state.leave(names[1], "there is no proof to compare it with")
        return
    digest = sha256(state.data).hexdigest()
    same = record.get("statement") == f"sha256:{digest}"
    state.add(
        names[0],
        None if same else "the ledger's record is of another statement",
        f"record {proof.index} of {shown(proof.origin)}, in its tree of {proof.size}",
    )
    try:
        head = open_head(ledger.get("checkpoint"), vkeys)
        problem = None
        if head.size > proof.index:
            problem = "the statement's checkpoint is not older than its record"
        elif compare(head, proof, roots) is False:
            problem = "the statement's checkpoint is of another log, or of another history"
        shows = "and the record follows it" if head.size in roots else "(signed, not compared)"
        state.add(names[1], problem, f"of {head.size} records, {shows}")
    except VerificationError as error:
        state.add(names[1], f"the statement's checkpoint: {error}", "")
    _against(state, vkeys, proof, roots)


def _against(state: _State, vkeys: list[str], proof: CheckedProof, roots: dict[int, bytes]) -> None:
    path = state.question.against
    if path is None:
        return
    name = "kept checkpoint"
    try:
        head = open_head(read_regular(path, _MOST_PROOF).decode("utf-8", "replace"), vkeys)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except VerificationError as error:
        state.add(name, f"{path}: {error}", "")
        return
    same = compare(head, proof, roots)
    if same is None:
        state.leave(
            name,
            f"of {head.size} records, and the proof shows {_sizes(roots)}; ask the publisher for "
            "the ledger, and give this checkpoint to `brightline ledger verify --against`",
        )
        return
    state.add(
        name,
        None if same else "the checkpoint and the proof are of two histories of the ledger",
        f"of {head.size} records, of the same history",
    )


def _sizes(roots: dict[int, bytes]) -> str:
    return " and ".join(str(size) for size in sorted(roots))


def _claims(state: _State) -> dict[str, Any]:
    """What the statement says, for a person to read; empty if it does not hang together."""
    if state.pair is None or _fault(state.pair) is not None:
        return {}
    said = state.predicate
    names = ("about", "created", "expires", "tool", "lists", "accounting", "matches", "limits")
    claims = {name: said[name] for name in names if name in said}
    claims["properties"] = state.pair.svr.predicate.get("properties")
    return claims
