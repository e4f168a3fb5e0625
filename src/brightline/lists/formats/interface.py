"""What a list format can do."""

from __future__ import annotations

from io import BufferedReader
from typing import Protocol

from brightline.lists.collected import Collected, Faults


class ListFormat(Protocol):
    """Turns the bytes of a list file into entries.

    Law: each line either is blank, a comment or a header, or adds exactly one entry, or adds
    a fault. Without a fault, `read` has read to the end of the stream.
    """

    @property
    def name(self) -> str:
        """As in `--format`."""
        ...

    def recognises(self, line: bytes) -> bool:
        """Whether this, the first line that says anything, looks like the format."""
        ...

    def read(self, stream: BufferedReader, entries: Collected, faults: Faults) -> None:
        """Read the whole stream; raises only what the stream raises."""
        ...
