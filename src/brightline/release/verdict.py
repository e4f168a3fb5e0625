"""What verifying a statement came to: a list of checks, each passed, failed or not made."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from brightline.release.limits import NOT_VERIFIED
from brightline.release.manifest import Differences


class State(enum.StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it ended, and a sentence."""

    name: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks, the files that are not as they should be, and what the statement says.

    `claims` holds counts of the statement, or is empty where it could not be read.
    """

    checks: tuple[Check, ...]
    differences: Differences
    claims: dict[str, Any]

    @property
    def verified(self) -> bool:
        """Whether every check was made and passed."""
        return all(check.state is State.PASSED for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {
            "verified": self.verified,
            "checks": [
                {"name": check.name, "state": str(check.state), "detail": check.detail}
                for check in self.checks
            ],
            "files": self.differences.files,
            "bytes": self.differences.bytes,
            "changed": list(self.differences.changed),
            "missing": list(self.differences.missing),
            "extra": list(self.differences.extra),
            "statement": self.claims,
            "not_verified": list(NOT_VERIFIED),
        }
