"""Records and opaque signals as columns: who said it, when, under which id.

Both are Arrow tables, because their texts are many and of all lengths.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from brightline.lists.collected import FINGERPRINT_BYTES, LABEL_SEPARATOR, Collected
from brightline.lists.scratch import BLOCK_ROWS, Column, Scratch, Texts
from brightline.types import I64, U8

U32 = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]
Table: TypeAlias = "pa.Table"

KEY_BYTES = 16

#: a row a record; an empty text where the source does not say
RECORD_SCHEMA = pa.schema(
    [
        pa.field("submitter", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("source_id", pa.large_string(), nullable=False),
        pa.field("changed", pa.large_string(), nullable=False),
    ]
)
#: a row a signal; category and labels are the record's, which may have no entry to hold them
OPAQUE_SCHEMA = pa.schema(
    [
        pa.field("record", pa.uint32(), nullable=False),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("value", pa.large_binary(), nullable=False),
        pa.field("category", pa.large_string(), nullable=False),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an entry comes from; empty where the source does not say.

    `submitter` gave the record to the source, `source_id` is its id there, `changed` (UTC,
    ISO 8601) when it last changed there.
    """

    submitter: str = ""
    source_id: str = ""
    changed: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records behind a list's entries.

    `of` (entries,) is the record of each entry, never falling; `table` has RECORD_SCHEMA;
    `fingerprints` (records, 16) tell whether a record with an id was changed, 0 for the others.
    """

    of: U32
    table: Table
    fingerprints: U8

    @classmethod
    def anonymous(cls, entries: int) -> Records:
        """A record for each entry, of which nothing is known."""
        blank = pa.array([""], pa.string()).dictionary_encode().cast(RECORD_SCHEMA.field(0).type)
        zeros = pa.array(np.zeros(entries, np.int32))
        empty = pa.repeat(pa.scalar("", pa.large_string()), entries)
        return cls(
            np.arange(entries, dtype=np.uint32),
            pa.Table.from_arrays([blank.take(zeros), empty, empty], schema=RECORD_SCHEMA),
            np.zeros((entries, FINGERPRINT_BYTES), np.uint8),
        )

    def __len__(self) -> int:
        return len(self.fingerprints)

    def tell(self) -> bool:
        """Whether they say anything: tie two entries together, or name where one comes from."""
        for name in RECORD_SCHEMA.names:
            for piece in pieces(self.table[name]):
                if pc.any(pc.not_equal(piece.cast(pa.large_string()), "")).as_py():
                    return True
        of = self.of
        return any(
            np.any(of[start + 1 : start + BLOCK_ROWS + 1] == of[start:-1][:BLOCK_ROWS])
            for start in range(0, len(of) - 1, BLOCK_ROWS)
        )

    def keyed(self) -> Mask:
        """Which records have an id."""
        return _numbers(pc.binary_length(self.table["source_id"])) > 0

    def keys(self) -> U8:
        """(records, 16): `source_key` of each record's id, also of an empty one."""
        keys = bytearray()
        for chunk in self.table["source_id"].chunks:
            for text in chunk:
                keys += source_key(text.as_py())
        return np.frombuffer(bytes(keys), np.uint8).reshape(-1, KEY_BYTES)

    def by_key(self, scratch: Scratch) -> tuple[I64, U8]:
        """The records that have an id, ascending, and the `source_key` of each."""
        numbers = Column(array("q"), scratch)
        keys = Column(bytearray(), scratch)
        place = 0
        for piece in pieces(self.table["source_id"]):
            for text in piece.to_pylist():
                if text:
                    numbers.head.append(place)
                    keys.head += source_key(text)
                place += 1
            if scratch.folder is not None and len(numbers.head) >= scratch.rows:
                numbers.spill()
                keys.spill()
        return numbers.whole(), keys.whole().reshape(-1, KEY_BYTES)

    def provenance(self, records: I64) -> list[Provenance]:
        """Of these records, in their order."""
        return provenance_rows(self.table.take(pa.array(records)))

    def select(self, entries: Mask, records: Mask) -> Records:
        """The entries and records kept; a kept entry's record is among the latter."""
        number = np.cumsum(records) - 1
        return Records(
            number[self.of[entries]].astype(np.uint32),
            self.table.filter(pa.array(records)),
            self.fingerprints[records],
        )


def provenance_rows(table: Table) -> list[Provenance]:
    """Rows of RECORD_SCHEMA one by one."""
    columns = (table[name].to_pylist() for name in RECORD_SCHEMA.names)
    return [Provenance(*row) for row in zip(*columns, strict=True)]


def source_key(source_id: str) -> bytes:
    """What an id is found by: its BLAKE2b-128 (RFC 7693)."""
    return hashlib.blake2b(source_id.encode("utf-8"), digest_size=KEY_BYTES).digest()


def select_opaque(table: Table, records: Mask) -> Table | None:
    """The opaque signals of the records kept, renumbered; None for none."""
    number = np.cumsum(records) - 1
    of = _numbers(table["record"])
    kept = table.filter(pa.array(records[of]))
    if not len(kept):
        return None
    return _with_records(kept, number[of[records[of]]])


def shift_opaque(table: Table, by: int) -> Table:
    """With `by` added to every record's number."""
    return _with_records(table, _numbers(table["record"]) + by)


def joined(parts: Sequence[Table]) -> Table:
    """Tables of one of the schemas one after another."""
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def opaque_counts(table: Table | None) -> dict[str, int]:
    """Opaque signals by kind, in the order of the kinds' names."""
    if table is None:
        return {}
    counted = table["kind"].value_counts().to_pylist()
    return dict(sorted((row["values"], row["counts"]) for row in counted))


def pieces(column: Any) -> Iterator[Any]:
    """A column or array in arrays of no more than `BLOCK_ROWS`, without copying."""
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        for start in range(0, len(chunk), BLOCK_ROWS):
            yield chunk.slice(start, BLOCK_ROWS)


def gather_records(collected: Collected, always: bool) -> tuple[Records | None, Table | None]:
    """The columns of what was read; None, unless always, where nothing ties entries together."""
    columns = collected.records
    table = pa.Table.from_arrays(
        [
            _dictionary(columns.submitters, list(columns.submitter_codes)),
            _large(columns.source_ids, pa.large_string()),
            _large(columns.changed, pa.large_string()),
        ],
        schema=RECORD_SCHEMA,
    )
    records = Records(
        collected.entry_records.whole(),
        table,
        columns.fingerprints.whole().reshape(-1, FINGERPRINT_BYTES),
    )
    if not len(collected.opaque.records):
        return (records if always or records.tell() else None), None
    return records, _gather_opaque(collected)


def _gather_opaque(collected: Collected) -> Table:
    opaque = collected.opaque
    text = _large(opaque.labels, pa.large_string())
    columns = [
        pa.array(opaque.records.whole()),
        _dictionary(opaque.kinds, list(opaque.kind_codes)),
        _large(opaque.values, pa.large_binary()),
        _large(opaque.categories, pa.large_string()),
    ]
    field = OPAQUE_SCHEMA.field("labels")
    batches = (pa.record_batch([_parted(p)], pa.schema([field])) for p in pieces(text))
    labels = collected.scratch.table(batches, pa.schema([field]))[field.name]
    return pa.Table.from_arrays([*columns, labels], schema=OPAQUE_SCHEMA)


def _parted(text: Any) -> Any:
    """Texts that are joined with NUL as lists of labels."""
    labels = pc.split_pattern(text, LABEL_SEPARATOR)
    # splitting an empty text gives one empty label
    labels = pc.if_else(pc.equal(pc.binary_length(text), 0), pa.scalar([], labels.type), labels)
    return labels.cast(OPAQUE_SCHEMA.field("labels").type)


def _dictionary(codes: Column, names: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(codes.whole()), pa.array(names, pa.string()))


def _large(texts: Texts, kind: Any) -> Any:
    """Without copying the texts."""
    ends = texts.ends.whole()
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(texts.data.whole())]
    return pa.Array.from_buffers(kind, len(ends) - 1, buffers)


def _with_records(table: Table, numbers: I64) -> Table:
    return table.set_column(0, OPAQUE_SCHEMA.field(0), pa.array(numbers.astype(np.uint32)))


def _numbers(column: Any) -> I64:
    return np.asarray(column.to_numpy(), np.int64)
