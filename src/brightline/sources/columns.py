"""Hash and address columns of metadata tables, parsed many rows at a time.

A column is known by its name, in any letter case:

    md5      md5, md5_hash, md5sum, image_md5
    sha1     sha1, sha-1, sha1_hash, sha1sum, image_sha1
    sha256   sha256, sha-256, sha256_hash, sha256sum, image_sha256
    url      url, image_url, img_url
    sizes    original_width, original_height

LAION's `hash` is MurmurHash3 of address and text, no image hash, and is never used. Values are
hex in either case, with ASCII white space around it or not, or raw bytes of the right length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from brightline.types import U8, Declared, Rows, SignalType

_DIGEST_TYPES = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
_SIGNALS: dict[str, SignalType] = {
    name: kind
    for kind in _DIGEST_TYPES
    for name in (kind.value, f"{kind.value}_hash", f"{kind.value}sum", f"image_{kind.value}")
}
_SIGNALS |= {"sha-1": SignalType.SHA1, "sha-256": SignalType.SHA256}
_SIGNALS |= dict.fromkeys(("url", "image_url", "img_url"), SignalType.URL)

_NIBBLES = np.full(256, 0xFF, np.uint8)
for _k, _c in enumerate("0123456789abcdef"):
    _NIBBLES[ord(_c)] = _NIBBLES[ord(_c.upper())] = _k

_WHITE = b" \t\r\n\v\f"

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns, by number, hold what."""

    signals: tuple[tuple[int, SignalType], ...]
    width: int | None
    height: int | None
    status: int | None

    @property
    def one_each(self) -> bool:
        """Whether no signal has two columns."""
        return len({kind for _, kind in self.signals}) == len(self.signals)


def layout(names: Sequence[str]) -> Layout:
    """Find the known columns among a table's column names."""
    plain = [name.strip().lower() for name in names]
    signals = tuple((k, _SIGNALS[name]) for k, name in enumerate(plain) if name in _SIGNALS)

    def find(name: str) -> int | None:
        return plain.index(name) if name in plain else None

    return Layout(signals, find("original_width"), find("original_height"), find("status"))


def is_digest_name(name: str) -> bool:
    """Whether a column of this name holds digests, so that its bytes are no picture."""
    return _SIGNALS.get(name.strip().lower()) in _DIGEST_TYPES


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column's values, (n, width) bytes; which rows have one; which hold something else."""

    values: U8
    valid: Bools
    bad: Bools


def parse(column: pa.Array, kind: SignalType) -> Parsed:
    """Parse one column of hashes or addresses. Null and empty are neither valid nor bad."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    count = len(column)
    values = np.zeros((count, kind.width), np.uint8)
    present = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), np.bool_)
    binary = _as_binary(column)
    if binary is None:
        return Parsed(values, np.zeros(count, np.bool_), present)
    if kind is SignalType.URL:
        return _parse_urls(binary)
    offsets, data = _buffers(binary)
    lengths = np.where(present, np.diff(offsets), 0)
    valid = np.zeros(count, np.bool_)
    hexes = np.flatnonzero(lengths == 2 * kind.width)
    if hexes.size:
        digits = _NIBBLES[_cells(data, offsets, hexes, 2 * kind.width)]
        fine = (digits != 0xFF).all(axis=1)
        values[hexes[fine]] = digits[fine, 0::2] << 4 | digits[fine, 1::2]
        valid[hexes[fine]] = True
    if not _is_text(column.type):
        raw = np.flatnonzero(lengths == kind.width)
        values[raw] = _cells(data, offsets, raw, kind.width)
        valid[raw] = True
    bad = (lengths > 0) & ~valid
    for k in np.flatnonzero(bad):
        text = data[offsets[k] : offsets[k + 1]].tobytes().strip(_WHITE)
        value = _from_hex(text, kind.width)
        if value is not None:
            values[k] = np.frombuffer(value, np.uint8)
            valid[k] = True
        bad[k] = bool(text) and value is None
    return Parsed(values, valid, bad)


def _as_binary(column: pa.Array) -> pa.Array | None:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_null(kind):
        return pa.array([None] * len(column), pa.large_binary())
    if pa.types.is_fixed_size_binary(kind):
        return pc.cast(pc.cast(column, pa.binary()), pa.large_binary())
    if _is_text(kind) or kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        return pc.cast(column, pa.large_binary())
    return None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _buffers(binary: pa.Array) -> tuple[npt.NDArray[np.int64], U8]:
    _, starts, content = binary.buffers()
    if starts is None or not len(binary):
        return np.zeros(len(binary) + 1, np.int64), np.zeros(0, np.uint8)
    all_starts = np.frombuffer(starts, np.int64)
    offsets = all_starts[binary.offset : binary.offset + len(binary) + 1]
    return offsets, np.frombuffer(content, np.uint8) if content else np.zeros(0, np.uint8)


def _cells(data: U8, offsets: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], width: int) -> U8:
    starts = offsets[rows]
    if rows.size and bool((np.diff(starts) == width).all()):
        # the cells follow each other without a gap
        return data[starts[0] : starts[0] + width * rows.size].reshape(-1, width)
    taken: U8 = data[starts[:, None] + np.arange(width)]
    return taken


def _from_hex(text: bytes, width: int) -> bytes | None:
    if len(text) != 2 * width:
        return None
    digits = _NIBBLES[np.frombuffer(text, np.uint8)]
    if (digits == 0xFF).any():
        return None
    return bytes((digits[0::2] << 4 | digits[1::2]).tolist())


def _parse_urls(binary: pa.Array) -> Parsed:
    # imported here, because most corpora have no address columns
    from brightline.signals.url_column import url_digests

    values, valid = url_digests(binary)
    return Parsed(values, valid, np.zeros(len(binary), np.bool_))


def rows(signals: Sequence[tuple[pa.Array, SignalType]], first: int, count: int) -> Rows:
    """Rows of a table without bytes; at most one column for each signal."""
    exact: dict[SignalType, U8] = {}
    valid: dict[SignalType, Bools] = {}
    bad = np.zeros(count, np.bool_)
    for column, kind in signals:
        parsed = parse(column, kind)
        exact[kind] = parsed.values
        valid[kind] = parsed.valid
        bad |= parsed.bad
    return Rows(first, count, exact, valid, bad)


@dataclass(frozen=True, slots=True)
class DeclaredRows:
    """For each row what it declares (nothing: empty), and whether a hash in it is none."""

    declared: list[tuple[Declared, ...]]
    bad: Bools


def declared_rows(columns: Sequence[pa.Array], found: Layout, count: int) -> DeclaredRows:
    """Row by row; a signal's second column makes a second declaration.

    `columns` are all columns of the table, of which `found` numbers some.
    """
    widths = _pixels(columns, found.width, count)
    heights = _pixels(columns, found.height, count)
    bad = np.zeros(count, np.bool_)
    fields: list[list[dict[str, bytes | str]]] = [[] for _ in range(count)]
    for number, kind in found.signals:
        for k, value in enumerate(_values(columns[number], kind, bad)):
            if value is None:
                continue
            for said in fields[k]:
                if kind.value not in said:
                    said[kind.value] = value
                    break
            else:
                fields[k].append({kind.value: value})
    declared = [
        tuple(_declared(said, widths[k], heights[k]) for said in fields[k]) for k in range(count)
    ]
    return DeclaredRows(declared, bad)


def _declared(said: dict[str, bytes | str], width: int | None, height: int | None) -> Declared:
    def digest(name: str) -> bytes | None:
        value = said.get(name)
        return value if isinstance(value, bytes) else None

    url = said.get("url")
    return Declared(
        digest("md5"),
        digest("sha1"),
        digest("sha256"),
        url if isinstance(url, str) else None,
        width,
        height,
    )


def _values(column: pa.Array, kind: SignalType, bad: Bools) -> Sequence[bytes | str | None]:
    if kind is SignalType.URL:
        binary = _as_binary(column)
        if binary is None:
            return [None] * len(column)
        return [
            raw.decode("utf-8", "surrogateescape") if raw else None for raw in binary.to_pylist()
        ]
    parsed = parse(column, kind)
    bad |= parsed.bad
    return [v.tobytes() if ok else None for v, ok in zip(parsed.values, parsed.valid, strict=True)]


def _pixels(columns: Sequence[pa.Array], number: int | None, count: int) -> list[int | None]:
    if number is None:
        return [None] * count
    kind = columns[number].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return [None] * count
    return [
        int(v) if v is not None and 0 < v < 1 << 31 else None for v in columns[number].to_pylist()
    ]
