"""Matching a signal archive against lists, by columns.

Values are searched as they lie in the file, some row groups at a time, because each search has
its price, and only columns of which some list has entries. A row becomes Python objects only if a
value of it was found; those go through `matching.Probes` like items that were just read, so that
what is said of them is the same to the letter. Archives of versions before 2 have no
`views.pipeline`: all are `full`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from brightline.lists import HashList
from brightline.screen.columns import Columns, Inside, Room, Span
from brightline.screen.matching import ADDRESS, AS_STORED, COLUMN, STORED, Probes
from brightline.signals.perceive import PARTIAL
from brightline.signals.pipelines import SIDE, belongs, is_resized
from brightline.types import EXACT_TYPES, I64, U8, Kind, Match, Pipeline, Reason, SignalType

_DIGESTS = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
_OF_VIEWS = ("pdq", "quality", "pipeline")


@dataclass(frozen=True, slots=True)
class Hit:
    """A match of an archived item: its place in the shard, and what a finding says of it."""

    ordinal: int
    locator: str
    kind: Kind
    sha256: str | None
    match: Match


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many consecutive rows, and every match among them in an audit's order."""

    rows: int
    hits: tuple[Hit, ...]


class ArchiveReader:
    """An archive's rows, read from memory that holds or maps the whole file.

    Raises pyarrow.ArrowException or ValueError for what is not an archive.
    """

    def __init__(self, data: pa.Buffer, room: Room | None = None) -> None:
        """Read the footer. room: to be shared by archives that are matched one after the other."""
        self._columns = Columns(data, room or Room())

    @property
    def rows(self) -> int:
        """Items in the archive."""
        return self._columns.rows

    def match(self, lists: Sequence[HashList]) -> Iterator[Stretch]:
        """Search all rows, some row groups of the file at a time, in order."""
        before = 0
        for span in self._columns.spans(_wanted(lists)):
            found = [np.empty(0, np.int64), *_search(span, lists)]
            rows = np.unique(np.concatenate(found))
            hits: list[Hit] = []
            for group, first, count in span.groups:
                within = rows[(rows >= first) & (rows < first + count)] - first
                if len(within):
                    hits += self._hits(group, within, before + first, lists)
            yield Stretch(span.rows, tuple(hits))
            before += span.rows

    def _hits(self, group: int, rows: I64, first: int, lists: Sequence[HashList]) -> Iterator[Hit]:
        """Match single rows as an audit matches items."""
        table = self._columns.file.read_row_group(group, use_threads=False).take(pa.array(rows))
        items = table.to_pylist()
        probes = Probes()
        for place, item in enumerate(items):
            _add(probes, place, item)
        for place, match in probes.match(lists):
            item = items[place]
            yield Hit(
                ordinal=first + int(rows[place]),
                locator=item["item"],
                kind=Kind(item["outcome"]),
                sha256=item["sha256"].hex() if item["sha256"] is not None else None,
                match=match,
            )


def _wanted(lists: Sequence[HashList]) -> list[str]:
    """The leaves of the file that tell which rows a list may match."""
    exact = [t for t in EXACT_TYPES if any(of.counts.get(t, 0) for of in lists)]
    names = [str(signal) for signal in exact if signal in _DIGESTS]
    names += [f"declared.list.element.{signal}" for signal in exact]
    if any(of.counts.get(SignalType.PDQ, 0) for of in lists):
        names += ["pdq", "pdq_quality"]
        names += [f"views.list.element.{part}" for part in _OF_VIEWS]
        if any(of.manifest.pipeline not in (Pipeline.FULL, Pipeline.UNKNOWN) for of in lists):
            names += ["width", "height"]
    return names


def _search(span: Span, lists: Sequence[HashList]) -> Iterator[I64]:
    """Rows of which some value is found, in no order and more than once."""
    wanted = [t for t in EXACT_TYPES if any(of.counts.get(t, 0) for of in lists)]
    for signal in wanted:
        if signal in _DIGESTS:
            for values, rows in span.parts(signal):
                for places in _equal(signal, values, lists):
                    yield rows[places]
    for declared in span.inside("declared", wanted):
        for signal in wanted:
            values, rows, _ = declared.values(signal)
            for places in _equal(signal, values, lists):
                yield rows[places]
    by_code = [of for of in lists if of.counts.get(SignalType.PDQ, 0)]
    if by_code:
        yield from _near(span, by_code)
        for views in span.inside("views", _OF_VIEWS):
            yield from _near_inside(views, by_code)


def _equal(signal: SignalType, values: U8, lists: Sequence[HashList]) -> Iterator[I64]:
    """Places of values that a list has."""
    for of in lists:
        if len(values) and of.counts.get(signal, 0):
            yield of.search_exact(signal, values)[0]


def _near(span: Span, lists: Sequence[HashList]) -> Iterator[I64]:
    """Rows whose code is near a list's; some that `Probes` will refuse may be among them."""
    codes, rows = span.values("pdq")
    if not len(codes):
        return
    qualities = span.numbers("pdq_quality")
    for of in lists:
        usable = qualities >= of.manifest.pdq_min_quality
        if not belongs(Pipeline.FULL, of.manifest.pipeline, resized=True):
            usable &= np.maximum(span.numbers("width"), span.numbers("height")) <= SIDE
        places = _chosen(of, codes, usable if rows is None else usable[rows])
        yield places if rows is None else rows[places]


def _near_inside(views: Inside, lists: Sequence[HashList]) -> Iterator[I64]:
    """As `_near`, for the further views of pictures."""
    codes, rows, places = views.values("pdq")
    if not len(codes):
        return
    named = views.names("pipeline")
    for of in lists:
        usable = views.numbers("quality")[places] >= of.manifest.pdq_min_quality
        if named is not None:
            names, which = named
            fits = np.array([_may_belong(name, of.manifest.pipeline) for name in names], bool)
            usable &= fits[which[places]]
        yield rows[_chosen(of, codes, usable)]


def _chosen(of: HashList, codes: U8, usable: npt.NDArray[np.bool_]) -> I64:
    """Which of the usable codes are near an entry."""
    if usable.all():
        return of.search_pdq(codes)[0]
    places = np.flatnonzero(usable)
    return places[of.search_pdq(codes[places])[0]]


def _may_belong(name: str, to: Pipeline) -> bool:
    """Whether a further view is compared with such a list, for some size of picture."""
    return belongs(name, to, resized=True) or belongs(name, Pipeline.FULL, resized=True)


def _add(probes: Probes, owner: int, row: dict[str, Any]) -> None:
    """An archived row's signals, in the order in which an audit adds an item's."""
    if row["sha256"] is not None:
        for signal in _DIGESTS:
            probes.add_exact(owner, signal, row[signal], STORED)
    resized = is_resized(row["width"], row["height"])
    if row["pdq"] is not None:
        via = PARTIAL if row["reason"] == Reason.TRUNCATED_IMAGE.code else STORED
        pipeline = row["pdq_pipeline"] or str(Pipeline.FULL)
        probes.add_code(owner, row["pdq"], via, AS_STORED, row["pdq_quality"], pipeline, resized)
    for view in row["views"] or ():
        pipeline = view.get("pipeline") or row["pdq_pipeline"] or str(Pipeline.FULL)
        probes.add_code(
            owner,
            view["pdq"],
            view["via"],
            view["orientation"],
            view["quality"],
            pipeline,
            resized,
        )
    for original in row["declared"] or ():
        for signal in EXACT_TYPES:
            if original[signal] is not None:
                via = ADDRESS if signal is SignalType.URL else COLUMN
                probes.add_exact(owner, signal, original[signal], via)
