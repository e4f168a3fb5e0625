"""The further pictures of a JPEG file: previews, gain maps, the halves of a stereo pair.

Source: CIPA DC-007 (Multi-Picture Format), 5.2: an APP2 segment with a TIFF directory, whose
tag 0xB002 has 16 bytes for each picture; offsets count from that directory's header.
"""

from __future__ import annotations

import struct
from typing import Final

MARK: Final = b"MPF\0"
_ENTRIES: Final = 0xB002
_TAGS: Final = 64
_PICTURES: Final = 16


def further_pictures(body: bytes, base: int) -> list[tuple[int, int]]:
    """(start, end) in the file of each picture but the first, as an APP2 segment states them.

    `body` is the segment behind `MPF\\0`, `base` its place in the file. Nothing where the
    directory is damaged: the pictures are further ones, and nothing else hangs on them.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(body[:4])
    if order is None:
        return []
    try:
        (first,) = struct.unpack_from(order + "I", body, 4)
        (count,) = struct.unpack_from(order + "H", body, first)
        for k in range(min(count, _TAGS)):
            tag, _, size, at = struct.unpack_from(order + "HHII", body, first + 2 + 12 * k)
            if tag == _ENTRIES:
                entries = body[at : at + min(size, 16 * _PICTURES)]
                return [
                    (base + start, base + start + length)
                    for _, length, start, _ in struct.iter_unpack(
                        order + "IIII", entries[: len(entries) // 16 * 16]
                    )
                    if start
                ]
    except struct.error:
        pass
    return []
