"""Addresses as signals, a column at a time: what `url_digest` gives for each cell, only quicker.

Most addresses of a table are plain: in their normal spelling but for the scheme, as a regular
expression over the whole column finds. Those are digested together; the others go through the
parser one by one.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from brightline.signals._cell_kernels import sha256_cells
from brightline.signals.digests import has_lanes_for_sha
from brightline.signals.url import COLUMN_PLAIN, COLUMN_UNSURE, url_digest
from brightline.types import I64, U8

#: bytes of the longest cell that is taken with others
_LONGEST = 2048
_HTTP, _HTTPS = b"http", b"https"

Bools = npt.NDArray[np.bool_]


def url_digests(column: pa.Array) -> tuple[U8, Bools]:
    """The digests, (n, 32), of a column of large binary, and which rows hold an address.

    Null, empty, and what is no address by `normalise_url` have none, and zeros.
    """
    values = np.zeros((len(column), 32), np.uint8)
    valid = _plain(column)
    chosen = np.flatnonzero(valid)
    if chosen.size:
        values[chosen] = _digested(column, chosen)
    rest = np.flatnonzero(~valid)
    if rest.size:
        others = column.take(pa.array(rest)).to_pylist()
        for row, raw in zip(rest, others, strict=True):
            digest = url_digest(raw.decode("utf-8", "surrogateescape")) if raw else None
            if digest is not None:
                values[row] = np.frombuffer(digest, np.uint8)
                valid[row] = True
    return values, valid


def _plain(column: pa.Array) -> Bools:
    """Which rows are in their normal spelling but for the scheme."""
    fits = pc.and_(
        pc.match_substring_regex(column, COLUMN_PLAIN),
        pc.invert(pc.match_substring_regex(column, COLUMN_UNSURE, ignore_case=True)),
    )
    fits = pc.and_(fits, pc.less_equal(pc.binary_length(column), _LONGEST))
    return np.array(pc.fill_null(fits, False).to_numpy(zero_copy_only=False), np.bool_)


def _digested(column: pa.Array, rows: I64) -> U8:
    """SHA-256 of the normal spellings of the plain addresses in these rows; (n, 32)."""
    _, places, content = column.buffers()
    offsets: I64 = np.frombuffer(places, np.int64)[column.offset :]
    data: U8 = np.frombuffer(content, np.uint8)
    starts, ends = offsets[rows] + len(_HTTP), offsets[rows + 1]
    starts += data[starts] == ord("s")
    if not has_lanes_for_sha():
        cells = (data[a:b].tobytes() for a, b in zip(starts, ends, strict=True))
        digests = b"".join(hashlib.sha256(_HTTPS + cell).digest() for cell in cells)
        return np.frombuffer(digests, np.uint8).reshape(-1, 32)
    out = np.empty((rows.size, 8), np.uint32)
    order = np.argsort(starts - ends, kind="stable")
    sha256_cells(np.frombuffer(_HTTPS, np.uint8), data, starts, ends, order, out)
    return out.astype(">u4").view(np.uint8).reshape(-1, 32)
