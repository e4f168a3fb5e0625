"""Annotations proposed from origin evidence; the policy is data (`policy.toml`)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

#: the one annotation that evidence about a file's origin can speak for
GENERATIVE_AI = "generativeAi"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which claims, of which strengths, make a proposal."""

    claims: frozenset[str]
    strengths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ground:
    """One piece of evidence that speaks for a proposal."""

    rule_id: str
    strength: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An annotation and what speaks for it; `contradictions` name what speaks against it."""

    annotation: str
    grounds: tuple[Ground, ...]
    contradictions: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Proposal:
        """What `dataclasses.asdict` gave."""
        return cls(
            document["annotation"],
            tuple(Ground(**ground) for ground in document["grounds"]),
            tuple(document["contradictions"]),
        )


@functools.cache
def read_policy() -> Policy:
    """The policy that is shipped with the program."""
    text = resources.files("brightline.referral").joinpath("policy.toml").read_text("utf-8")
    table = tomllib.loads(text)[GENERATIVE_AI]
    return Policy(frozenset(table["claims"]), frozenset(table["strengths"]))


def propose(origin: Mapping[str, Any] | None, policy: Policy | None = None) -> Proposal | None:
    """The proposal that a finding's origin evidence supports, if any.

    `origin` is what an audit keeps with a finding: `evidence`, each with `rule_id`, `claim` and
    `strength`, and `contradictions`, each with a `name`. It is never a decision.
    """
    policy = policy or read_policy()
    if not origin:
        return None
    grounds = tuple(
        Ground(str(piece["rule_id"]), str(piece["strength"]))
        for piece in origin.get("evidence") or ()
        if piece.get("claim") in policy.claims and piece.get("strength") in policy.strengths
    )
    if not grounds:
        return None
    against = tuple(
        str(found.get("name") if isinstance(found, Mapping) else found)
        for found in origin.get("contradictions") or ()
    )
    return Proposal(GENERATIVE_AI, tuple(dict.fromkeys(grounds)), against)
