"""Matchers for opaque signals, such as PhotoDNA, that whoever has a licence can install.

Brightline keeps such signals with the list and cannot compare them itself. A package that can
declares an entry point of the group `brightline.matchers`, named by the kind of signal:

    [project.entry-points."brightline.matchers"]
    photodna = "their_package:matcher"

It is a callable that takes a `HashList` and returns an `OpaqueMatcher`; it reads the signals
through `HashList.opaque(kind)`, whose record numbers it gives back. Nothing of it is
loaded unless it is asked for, and Brightline brings none.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol, TypeAlias

from brightline.errors import ListError
from brightline.lists.snapshot import HashList

GROUP = "brightline.matchers"


class OpaqueMatcher(Protocol):
    """Compares pictures with the opaque signals of one list."""

    def match(self, data: bytes) -> list[tuple[int, int]]:
        """Every (record, distance) that these stored bytes match, by the matcher's own rule.

        Records are numbered as in `HashList.opaque` and `HashList.record_provenance`.
        """
        ...


MatcherFactory: TypeAlias = Callable[[HashList], OpaqueMatcher]


def matcher_kinds() -> list[str]:
    """The kinds of signal that an installed package can compare, sorted; loads none."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_matcher(kind: str) -> MatcherFactory:
    """The matcher for a kind of signal. Loading it runs the code of the package that has it.

    Raises ListError if no package has one, if two have, or if what it has cannot be loaded.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == kind]
    if len(points) != 1:
        trouble = "more than one installed package has" if points else "no installed package has"
        raise ListError(
            f"{trouble} a matcher for signals of kind {kind}; install exactly one that declares "
            f"the entry point {GROUP}"
        )
    try:
        factory: MatcherFactory = points[0].load()
    except (ImportError, AttributeError):
        raise ListError(
            f"the matcher {points[0].value} for signals of kind {kind} cannot be loaded; "
            "reinstall or remove its package"
        ) from None
    if not callable(factory):
        raise ListError(f"the matcher {points[0].value} cannot be called; remove its package")
    return factory
