"""Reading a summary: a key may be missing, but what is there must be what it should be.

A figure of the wrong type is refused rather than shown as 0 or left out: a report that is
quietly wrong is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias

from brightline.errors import DamagedError
from brightline.report.schema import Scalar

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


class Fields:
    """A JSON object and where in the summary it lies.

    Every method answers None, or something empty, for a key that is missing or null, and
    raises `DamagedError` (naming the place, never the value) for a value of a wrong type.
    """

    __slots__ = ("_data", "_where")

    def __init__(self, data: Mapping[str, JSON], where: str = "") -> None:
        self._data = data
        self._where = where

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def keys(self) -> tuple[str, ...]:
        """The names of what is there, in its own order."""
        return tuple(self._data)

    def _place(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def count(self, key: str) -> int | None:
        """A whole number, 0 or more."""
        value = self._data.get(key)
        return None if value is None else _count(value, self._place(key))

    def seconds(self, key: str) -> float | None:
        """A finite number, 0 or more."""
        value = self._data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            _refuse(self._place(key), "a number")
        if not math.isfinite(value) or value < 0:
            _refuse(self._place(key), "a finite number of 0 or more")
        return value

    def text(self, key: str) -> str | None:
        """A string."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, str):
            _refuse(self._place(key), "text")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of strings."""
        found: list[str] = []
        for value in self._list(key):
            if not isinstance(value, str):
                _refuse(self._place(key), "a list of texts")
            found.append(value)
        return found

    def counts(self, key: str) -> dict[str, int]:
        """An object of counts, in its own order."""
        return {k: _count(v, self._place(key)) for k, v in self._mapping(key).items()}

    def object(self, key: str) -> Fields:
        """An object; without fields where it is missing."""
        return Fields(self._mapping(key), self._place(key))

    def objects(self, key: str) -> list[Fields]:
        """A list of objects."""
        found = []
        for number, value in enumerate(self._list(key)):
            if not isinstance(value, Mapping):
                _refuse(self._place(key), "a list of objects")
            found.append(Fields(value, f"{self._place(key)}[{number}]"))
        return found

    def flat(self, key: str) -> dict[str, Scalar]:
        """An object of scalars; what is nested gets dotted names, and a list becomes text."""
        return dict(_flatten(self._mapping(key)))

    def _mapping(self, key: str) -> Mapping[str, JSON]:
        value = self._data.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            _refuse(self._place(key), "an object")
        return value

    def _list(self, key: str) -> Sequence[JSON]:
        value = self._data.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            _refuse(self._place(key), "a list")
        return value


def _flatten(data: Mapping[str, JSON], prefix: str = "") -> list[tuple[str, Scalar]]:
    found: list[tuple[str, Scalar]] = []
    for key, value in data.items():
        if isinstance(value, Mapping):
            found += _flatten(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str | int | float):
            found.append((prefix + key, value))
        else:
            found.append((prefix + key, ", ".join(str(part) for part in value)))
    return found


def _count(value: JSON, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _refuse(place, "a whole number of 0 or more")
    return value


def _refuse(place: str, wanted: str) -> NoReturn:
    raise DamagedError(
        f"the run's summary cannot be reported: {place} is not {wanted}; "
        "restore the run's folder from a backup or audit again"
    )
