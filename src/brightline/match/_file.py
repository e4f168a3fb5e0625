"""The file of a compiled index: a header that is checked, and flat arrays that are mapped.

    8 bytes   magic, "BRIGHTIX"
    3 × 4     format version, length of the header, CRC-32 of the header; little-endian
    header    JSON: kind, size of the whole file, parameters, and dtype, length and offset of
              each array
    arrays    little-endian, each at a multiple of 64 bytes

Opening reads the header alone, whatever the size. The arrays are not read: their digest is in
the manifest of the snapshot that they belong to.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.errors import DamagedError
from brightline.storage import write_atomic_with

MAGIC = b"BRIGHTIX"
VERSION = 1
_PREFIX = struct.Struct("<8s3I")
_ALIGNMENT = 64
_DTYPES = ("|u1", "<u4", "<u8")

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class IndexFile:
    """The parameters and the arrays, read-only, of a file that was opened."""

    path: Path
    parameters: dict[str, Any]
    arrays: dict[str, Array]

    def array(self, name: str, dtype: str, length: int | None = None) -> Array:
        """An array by name. Raises DamagedError if it is missing or not as expected."""
        found = self.arrays.get(name)
        if found is None or found.dtype != np.dtype(dtype):
            raise damaged(self.path)
        if length is not None and len(found) != length:
            raise damaged(self.path)
        return found

    def number(self, name: str) -> int:
        """A parameter that is a natural number. Raises DamagedError if it is not."""
        value = self.parameters.get(name)
        if type(value) is not int or value < 0:
            raise damaged(self.path)
        return value


def damaged(path: Path) -> DamagedError:
    """The error for a file that is not a whole index of this version."""
    return DamagedError(
        f"{path} is damaged, or not an index of this version: import the list again"
    )


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT


def save(path: Path, kind: str, parameters: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write an index as one file, as a whole or not at all. The same index, the same bytes."""
    little = {
        name: array.astype(array.dtype.newbyteorder("<"), copy=False)
        for name, array in arrays.items()
    }
    # from the end of the header, whose length depends on them
    offsets = {}
    offset = 0
    for name, array in little.items():
        offsets[name] = offset
        offset = _aligned(offset + array.nbytes)
    described = {
        name: {"dtype": array.dtype.str, "length": len(array), "offset": offsets[name]}
        for name, array in little.items()
    }
    header = json.dumps(
        {"kind": kind, "size": offset, "parameters": parameters, "arrays": described},
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    prefix = _PREFIX.pack(MAGIC, VERSION, len(header), zlib.crc32(header))
    start = _aligned(len(prefix) + len(header))

    def fill(temporary: Path) -> None:
        with temporary.open("xb") as out:
            out.write(prefix + header)
            for name, array in little.items():
                out.seek(start + offsets[name])
                out.write(array.view(np.uint8).data)
            out.truncate(start + offset)

    write_atomic_with(path, fill)


def load(path: Path, kind: str) -> IndexFile:
    """Map an index. Raises DamagedError if it is missing, cut, of another kind or foreign."""
    try:
        with path.open("rb") as stream:
            prefix = stream.read(_PREFIX.size)
            if len(prefix) < _PREFIX.size:
                raise damaged(path)
            magic, version, length, crc = _PREFIX.unpack(prefix)
            if magic != MAGIC or version != VERSION:
                raise damaged(path)
            header = stream.read(length)
    except FileNotFoundError:
        raise damaged(path) from None
    if len(header) != length or zlib.crc32(header) != crc:
        raise damaged(path)
    start = _aligned(_PREFIX.size + length)
    try:
        return _map(path, kind, json.loads(header), start)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(path) from None


def _map(path: Path, kind: str, header: dict[str, Any], start: int) -> IndexFile:
    """The arrays that a header describes; any exception means that it describes none."""
    end = start + header["size"]
    if header["kind"] != kind or path.stat().st_size != end:
        raise damaged(path)
    raw = np.asarray(np.memmap(path, np.uint8, mode="r"))
    arrays: dict[str, Array] = {}
    for name, described in header["arrays"].items():
        dtype = described["dtype"]
        if dtype not in _DTYPES:
            raise damaged(path)
        first = start + described["offset"]
        last = first + described["length"] * np.dtype(dtype).itemsize
        if not start <= first <= last <= end:
            raise damaged(path)
        arrays[name] = raw[first:last].view(dtype)
    return IndexFile(path, dict(header["parameters"]), arrays)
