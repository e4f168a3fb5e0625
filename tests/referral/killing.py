"""Ending the process, as it were, at the n-th of certain calls."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest


class Killed(BaseException):
    """The process is gone. Nothing in the program catches it."""


class Fuse:
    """Counts calls of functions, and ends the process before the one of number `at`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *calls: tuple[ModuleType, str]) -> None:
        self.count = 0
        self.at = -1
        for module, name in calls:
            monkeypatch.setattr(module, name, self._counted(getattr(module, name)))

    def _counted(self, real: Any) -> Any:
        def action(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                raise Killed
            return real(*arguments, **named)

        return action

    def set(self, at: int) -> None:
        """Begin to count anew; -1 ends nothing."""
        self.count, self.at = 0, at
