"""The digests that name a list's content: of entries compiled together, and of a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from brightline.lists.collected import LABEL_SEPARATOR, TYPES
from brightline.lists.entries import Entries
from brightline.lists.provenance import OPAQUE_SCHEMA, RECORD_SCHEMA, U32, pieces
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, Pipeline, Role

_PLAIN = "brightline-list-1"
_WITH_RECORDS = "brightline-list-2"
_SEGMENTED = "brightline-list-2-segments"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a list means and how it is to be matched.

    `pdq_threshold` in bits, `pdq_min_quality` 0 to 100; `scheme` names what the categories
    stand for (`schemes`), None if nobody said.
    """

    role: Role = Role.KNOWN_BAD
    pipeline: Pipeline = Pipeline.UNKNOWN
    pdq_threshold: int = PDQ_THRESHOLD
    pdq_min_quality: int = PDQ_MIN_QUALITY
    scheme: str | None = None

    def document(self) -> dict[str, Any]:
        """For a digest's first line: without the scheme where there is none."""
        document: dict[str, Any] = {
            "pdq_min_quality": self.pdq_min_quality,
            "pdq_threshold": self.pdq_threshold,
            "pipeline": str(self.pipeline),
            "role": str(self.role),
        }
        return document if self.scheme is None else {**document, "scheme": self.scheme}


def content_digest(entries: Entries, settings: Settings) -> str:
    """`sha256:` and the hex SHA-256 of what entries say and how they are to be matched.

    It does not depend on the list's name, the file's name or format, or the date. Hashed are,
    one after another:

    1. a JSON object with sorted keys, no spaces and ASCII escapes, and a line feed:
       `categories` (names in order of first use), `entries` (n), `format`, `pdq_min_quality`,
       `pdq_threshold`, `pipeline`, `role`; `scheme` if there is one; `records` (m) and `opaque`
       (k) if there are records. `format` is "brightline-list-1" without records and scheme,
       "brightline-list-2" otherwise;
    2. n bytes: the type of each entry, 0 md5, 1 sha1, 2 sha256, 3 pdq, 4 url;
    3. n little-endian 16-bit numbers: the category of each entry, 0 for none, else its
       position among the names from 1;
    4. for each type in that order, the values of its entries;
    5. for each entry with labels a JSON array `[entry, label, …]`, spelt likewise, and a line
       feed;
    6. if there are records: n little-endian 32-bit numbers, the record of each entry; then the
       texts `submitter`, `source_id` and `changed` of all records;
    7. if there are opaque signals: k little-endian 32-bit numbers, the record of each; then
       the texts `kind`, `value`, `category` and `labels` (joined with NUL) of all.

    Texts are written as the position, a little-endian 64-bit number, at which each of them
    ends, and then all of them, in UTF-8, one after another. Entries and records count from 0
    and stand in file order, because findings name entries by number.
    """
    head = {
        **settings.document(),
        "categories": entries.category_names,
        "entries": len(entries),
        "format": _PLAIN,
    }
    if settings.scheme is not None or entries.records is not None:
        head["format"] = _WITH_RECORDS
    if entries.records is not None:
        head["records"] = len(entries.records)
        head["opaque"] = 0 if entries.opaque is None else len(entries.opaque)
    sha = hashlib.sha256(_json_line(head))
    sha.update(entries.types.data)
    sha.update(np.ascontiguousarray(entries.categories.astype("<u2", copy=False)).data)
    for signal in TYPES:
        if len(entries.values[signal]):
            sha.update(np.ascontiguousarray(entries.values[signal]).data)
    for entry, labels in entries.labels.items():
        sha.update(_json_line([entry, *labels]))
    if entries.records is not None:
        sha.update(_little(entries.records.of))
        for name in RECORD_SCHEMA.names:
            _update_texts(sha, entries.records.table[name], _text)
    if entries.opaque is not None:
        sha.update(_little(entries.opaque["record"].to_numpy()))
        for name in OPAQUE_SCHEMA.names[1:-1]:
            _update_texts(sha, entries.opaque[name], _text)
        _update_texts(sha, entries.opaque["labels"], _labels)
    return f"sha256:{sha.hexdigest()}"


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """A segment as a version uses it: its digest, and the sorted numbers that are removed."""

    digest: str
    removed: U32
    removed_records: U32


def version_digest(segments: Sequence[SegmentContent], settings: Settings) -> str:
    """The digest of a version: `sha256:` and hex.

    If it is one segment of which nothing is removed, that of the segment. Otherwise the SHA-256
    of a JSON object, spelt as in `content_digest`, and a line feed: the settings, `format`
    ("brightline-list-2-segments") and `segments`, of each its `digest` and how many entries
    (`removed`) and records (`removed_records`) are removed; then, for each segment in order,
    the numbers of these entries and of these records, little-endian 32-bit, ascending.
    """
    if len(segments) == 1 and not len(segments[0].removed) + len(segments[0].removed_records):
        return segments[0].digest
    head = {
        **settings.document(),
        "format": _SEGMENTED,
        "segments": [
            {
                "digest": segment.digest,
                "removed": len(segment.removed),
                "removed_records": len(segment.removed_records),
            }
            for segment in segments
        ],
    }
    sha = hashlib.sha256(_json_line(head))
    for segment in segments:
        sha.update(_little(segment.removed))
        sha.update(_little(segment.removed_records))
    return f"sha256:{sha.hexdigest()}"


def _little(numbers: U32) -> memoryview:
    return np.ascontiguousarray(numbers, "<u4").data


def _update_texts(sha: hashlib._Hash, column: Any, plain: Callable[[Any], Any]) -> None:
    """Ends and text of a column of texts, which `plain` makes of a part of it."""
    end = 0
    for piece in pieces(column):
        ends = np.cumsum(np.asarray(pc.binary_length(plain(piece)).to_numpy(), np.int64)) + end
        sha.update(np.ascontiguousarray(ends, "<i8").data)
        end = int(ends[-1])
    for piece in pieces(column):
        array = plain(piece).cast(pa.large_binary())
        _, offsets, data = array.buffers()
        if data is not None:
            place = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
            sha.update(memoryview(data)[place[0] : place[-1]])


def _text(piece: Any) -> Any:
    """Dictionaries are written out."""
    return piece.cast(pa.large_binary()) if pa.types.is_dictionary(piece.type) else piece


def _labels(piece: Any) -> Any:
    return pc.binary_join(piece, LABEL_SEPARATOR)


def _json_line(document: object) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"
