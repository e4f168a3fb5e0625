"""What a list format can do."""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Faults, Unit
from brightline.types import Role

_BLOCK = 1 << 20


@dataclass(slots=True)
class Source:
    """A list file: its bytes, which are digested as they are read, and where it lies.

    `file` is what messages call it. Only databases use it as a path, since they cannot be read
    in order; `deltas` are files that change the list, in the order in which they apply.
    """

    stream: BufferedReader
    file: str
    deltas: tuple[Path, ...] = ()
    drained: int = 0

    def drain(self) -> int:
        """Read what is left of the stream; returns the bytes that all such calls have read."""
        while data := self.stream.read(_BLOCK):
            self.drained += len(data)
        return self.drained


class ListFormat(Protocol):
    """Turns the bytes of a list file into entries.

    Law: each line, record or row either is blank, a comment or a header, or adds its entries,
    or is counted as skipped with a reason, or adds a fault. Without a fault, `read` has read
    to the end of the file.
    """

    @property
    def name(self) -> str:
        """As in `--format`."""
        ...

    @property
    def unit(self) -> Unit:
        """What the places in `Faults` count."""
        ...

    @property
    def role(self) -> Role | None:
        """What being on such a list always means, or None where the importer has to say."""
        ...

    def recognises(self, head: bytes) -> bool:
        """Whether a file that starts with these bytes looks like the format."""
        ...

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole file.

        Raises what the stream raises, and ListFormatError where the file as a whole, and no
        place in it, is wrong.
        """
        ...
