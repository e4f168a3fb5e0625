"""Signals of many items against every list of a run, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brightline.lists import HashList
from brightline.signals.pipelines import belongs, is_resized
from brightline.signals.url import url_digest
from brightline.types import (
    I64,
    U8,
    Declared,
    Match,
    Outcome,
    Rows,
    SignalType,
)

STORED = "stored bytes"
COLUMN = "hash column"
ADDRESS = "url column"
AS_STORED = "as stored"

Owned: TypeAlias = tuple[int, Match]


@dataclass(frozen=True, slots=True)
class _Way:
    """How an entry was come by; the nearest counts, then the first."""

    distance: int
    via: str
    orientation: str = AS_STORED
    quality: int | None = None
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class _Code:
    """Where a PDQ hash comes from; `resized` as `pipelines.belongs` takes it."""

    owner: int
    via: str
    orientation: str
    quality: int
    pipeline: str
    resized: bool


class Probes:
    """The signals of a batch of items, column by column, with the item that each belongs to."""

    __slots__ = ("_codes", "_exact", "_pdq", "_tables")

    def __init__(self) -> None:
        self._exact: dict[SignalType, tuple[bytearray, list[int], list[str]]] = {}
        self._codes = bytearray()
        self._pdq: list[_Code] = []
        self._tables: list[tuple[SignalType, U8, I64]] = []

    def add(self, owner: int, outcome: Outcome, declared: Sequence[Declared]) -> None:
        """Everything of one item: its own digests and views, and what is declared of it."""
        signals = outcome.signals
        if signals is not None:
            self.add_exact(owner, SignalType.MD5, signals.md5, STORED)
            self.add_exact(owner, SignalType.SHA1, signals.sha1, STORED)
            self.add_exact(owner, SignalType.SHA256, signals.sha256, STORED)
            resized = is_resized(signals.width, signals.height)
            for view in signals.views:
                where = view.quality, view.pipeline, resized
                self.add_code(owner, view.hash, view.via, AS_STORED, *where)
                for orientation, code in view.turned:
                    self.add_code(owner, code, view.via, orientation, *where)
        for original in declared:
            for signal, value in (
                (SignalType.MD5, original.md5),
                (SignalType.SHA1, original.sha1),
                (SignalType.SHA256, original.sha256),
            ):
                if value is not None:
                    self.add_exact(owner, signal, value, COLUMN)
            address = url_digest(original.url) if original.url else None
            if address is not None:
                self.add_exact(owner, SignalType.URL, address, ADDRESS)

    def add_rows(self, owner: int, rows: Rows) -> None:
        """A table's rows; row k belongs to item `owner` + k."""
        for signal, values in rows.exact.items():
            which = np.flatnonzero(rows.valid[signal])
            self._tables.append((signal, values[which], which + owner))

    def add_exact(self, owner: int, signal: SignalType, value: bytes, via: str) -> None:
        """A raw value that matches by equality; `via` says where it is from."""
        values, owners, vias = self._exact.setdefault(signal, (bytearray(), [], []))
        values += value
        owners.append(owner)
        vias.append(via)

    def add_code(
        self,
        owner: int,
        code: bytes,
        via: str,
        orientation: str,
        quality: int,
        pipeline: str,
        resized: bool,
    ) -> None:
        """A PDQ hash of 32 bytes, made by the pipeline of this whole name.

        resized: whether the item's picture is one that some pipelines resize.
        """
        self._codes += code
        self._pdq.append(_Code(owner, via, orientation, quality, pipeline, resized))

    def match(self, lists: Sequence[HashList]) -> list[Owned]:
        """Every match as (owner, match), ordered by owner, list, signal and entry.

        A PDQ hash is compared with the lists of its own pipeline, and with those of an unknown
        one. Of several ways to the same entry of a list by the same signal, the nearest counts;
        among equals the first way in which the item was looked at.
        """
        found: list[Owned] = []
        for hash_list in lists:
            found += self._match_list(hash_list)
        # stable: within an item the lists stay in the order they were given
        found.sort(key=lambda owned: owned[0])
        return found

    def _match_list(self, hash_list: HashList) -> list[Owned]:
        best: dict[tuple[int, SignalType, int], _Way] = {}

        def offer(owner: int, signal: SignalType, entry: int, way: _Way) -> None:
            key = owner, signal, entry
            if key not in best or way.distance < best[key].distance:
                best[key] = way

        for signal, (values, owners, vias) in self._exact.items():
            table = np.frombuffer(bytes(values), np.uint8).reshape(-1, signal.width)
            for query, entry in self._equal(hash_list, signal, table):
                offer(owners[query], signal, entry, _Way(0, vias[query]))
        for signal, table, table_owners in self._tables:
            way = _Way(0, ADDRESS if signal is SignalType.URL else COLUMN)
            for query, entry in self._equal(hash_list, signal, table):
                offer(int(table_owners[query]), signal, entry, way)
        for query, entry, distance in self._near(hash_list):
            code = self._pdq[query]
            way = _Way(distance, code.via, code.orientation, code.quality, code.pipeline)
            offer(code.owner, SignalType.PDQ, entry, way)
        return self._named(hash_list, best)

    @staticmethod
    def _equal(hash_list: HashList, signal: SignalType, values: U8) -> list[tuple[int, int]]:
        query, entry = hash_list.search_exact(signal, values)
        return list(zip(query.tolist(), entry.tolist(), strict=True))

    def _near(self, hash_list: HashList) -> list[tuple[int, int, int]]:
        codes = np.frombuffer(bytes(self._codes), np.uint8).reshape(-1, 32)
        least, made_by = hash_list.manifest.pdq_min_quality, hash_list.manifest.pipeline
        usable = np.array(
            [
                place
                for place, code in enumerate(self._pdq)
                if code.quality >= least and belongs(code.pipeline, made_by, code.resized)
            ],
            np.int64,
        )
        query, entry, distance = hash_list.search_pdq(codes[usable])
        return list(zip(usable[query].tolist(), entry.tolist(), distance.tolist(), strict=True))

    @staticmethod
    def _named(hash_list: HashList, best: dict[tuple[int, SignalType, int], _Way]) -> list[Owned]:
        manifest = hash_list.manifest
        keys = sorted(best)
        categories = hash_list.category([entry for _, _, entry in keys]) if keys else []
        found = []
        for category, key in zip(categories, keys, strict=True):
            owner, signal, entry = key
            way = best[key]
            match = Match(
                signal=signal,
                distance=way.distance,
                threshold=manifest.pdq_threshold if signal is SignalType.PDQ else 0,
                list=manifest.name,
                list_version=manifest.version,
                role=manifest.role,
                entry=entry,
                category=category,
                via=way.via,
                orientation=way.orientation,
                pdq_quality=way.quality,
                pipeline=way.pipeline,
            )
            found.append((owner, match))
        return found
