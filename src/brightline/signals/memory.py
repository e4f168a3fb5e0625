"""Memory that a thread keeps from one picture to the next.

Fresh memory is mapped by the kernel page by page as it is first touched, which for a web-size
picture costs a fifth of decoding it.
"""

from __future__ import annotations

import threading

import numpy as np

from brightline.types import U8

_CACHE_LINE = 64
_LEAST = 1 << 20
#: more than this is given back at once
_MOST = 1 << 26

_kept = threading.local()


def kept(purpose: str, size: int) -> U8:
    """At least `size` bytes on a cache line, holding anything.

    The same memory is given out the next time that this thread asks for this purpose.
    """
    held: U8 | None = getattr(_kept, purpose, None)
    if held is not None and held.size >= size:
        return held
    room = max(size, _LEAST)
    memory = np.empty(room + _CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % _CACHE_LINE
    held = memory[first : first + room]
    if room <= _MOST:
        setattr(_kept, purpose, held)
    return held


class Arena:
    """Kept memory that is dealt out piece by piece, and all at once taken back."""

    def __init__(self, purpose: str, size: int) -> None:
        """`size` bytes in all."""
        self._memory = kept(purpose, size)
        self._taken = 0

    def take(self, size: int) -> U8 | None:
        """`size` bytes, or None where so much is not left."""
        first = -(-self._taken // _CACHE_LINE) * _CACHE_LINE
        if first + size > self._memory.size:
            return None
        self._taken = first + size
        return self._memory[first : self._taken]

    def clear(self) -> None:
        """Take everything back: who still holds a piece will see it overwritten."""
        self._taken = 0
