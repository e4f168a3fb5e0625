"""The plan of a release: exactly what leaves, decided once and sealed before anything is copied."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import DamagedError, SealError, UsageError
from brightline.findings import Identity
from brightline.ledger import Event
from brightline.release.coupling import Coupling, couplings
from brightline.release.cover import Draw, new_seed, wanted
from brightline.release.keeping import announced, put, releases_dir, settle, take
from brightline.release.layout import Layout, Piece
from brightline.release.units import Item, Unit, items, unit_of, unit_of_finding
from brightline.screen.watch import Listener, Progress
from brightline.types import Reason, Role
from brightline.workspace import Workspace

PLAN = "plan.age"
SEED = "seed.age"
_GAP, _SAMPLED, _REAL = 1, 2, 4
_NO_SIGNAL = Reason.NO_SIGNAL_COLUMN.code


@dataclass(frozen=True, slots=True)
class Options:
    """What decides a plan, besides the run: the fraction that leaves as cover (0 to 1), and
    whether what could not be screened stays."""

    cover: float = 0.01
    keep_unscreened: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.cover <= 1:
            raise UsageError("--cover takes a fraction from 0 to 1, for example 0.01")


@dataclass(slots=True)
class Plan:
    """What leaves, by space, and the counts of samples.

    `samples` and `removed` are by source. `unscreened_samples` counts those that could not be
    screened in full, whether they leave or not; `damaged` are the spaces in which not everything
    could be read, so that only what was read may stay.
    """

    matched: dict[str, set[Unit]] = field(default_factory=dict)
    unscreened: dict[str, set[Unit]] = field(default_factory=dict)
    cover: dict[str, set[Unit]] = field(default_factory=dict)
    samples: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    unscreened_samples: int = 0
    damaged: set[str] = field(default_factory=set)

    def leaving(self, space: str) -> set[Unit]:
        """The units of a space that leave, whatever the reason."""
        nothing: set[Unit] = set()
        return nothing.union(
            *(kind.get(space, ()) for kind in (self.matched, self.unscreened, self.cover))
        )

    def counts(self) -> dict[str, int]:
        """How many units leave for which reason."""
        return {
            name: sum(map(len, getattr(self, name).values()))
            for name in ("matched", "unscreened", "cover")
        }

    def lines(self) -> Iterable[dict[str, Any]]:
        """As it is sealed: one line of counts, then one a space."""
        yield {
            "samples": dict(self.samples),
            "removed": dict(self.removed),
            "unscreened_samples": self.unscreened_samples,
            "damaged": sorted(self.damaged),
            **self.counts(),
        }
        for space in sorted({*self.matched, *self.unscreened, *self.cover}):
            yield {
                "space": space,
                "matched": _listed(self.matched.get(space)),
                "unscreened": _listed(self.unscreened.get(space)),
                "cover": _listed(self.cover.get(space)),
            }

    @classmethod
    def from_lines(cls, lines: list[dict[str, Any]]) -> Plan:
        """What `lines` gave."""
        head, *rest = lines
        plan = cls(
            samples=Counter(head["samples"]),
            removed=Counter(head["removed"]),
            unscreened_samples=head["unscreened_samples"],
            damaged=set(head["damaged"]),
        )
        for line in rest:
            for name in ("matched", "unscreened", "cover"):
                if line[name]:
                    getattr(plan, name)[line["space"]] = set(line[name])
        return plan


def _listed(units: set[Unit] | None) -> list[Unit]:
    return sorted(units or (), key=lambda unit: (isinstance(unit, str), unit))


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plan, the folder that keeps it, and the digest of the sealed file."""

    plan: Plan
    folder: Path
    digest: str


def plan_for(
    layout: Layout,
    findings: Iterable[dict[str, Any]],
    options: Options,
    identity: Identity,
    listen: Listener,
) -> Sealed:
    """The plan of a run's release with these options: the one that was sealed, or a new one.

    The same plan serves every release, so that no two of them differ. Raises SealError if the
    identity cannot open an earlier plan or the workspace's seed.
    """
    workspace = layout.workspace
    cover = f"{options.cover:g}"
    name = f"cover-{cover}{'-keep-unscreened' if options.keep_unscreened else ''}"
    folder = releases_dir(workspace) / layout.run / name
    path = folder / PLAN
    with _held(workspace):
        present = path.exists()
        seed = "" if present else _seed(workspace, layout.run, identity)
    if not present:
        plan = make_plan(layout, findings, options, seed, listen)
        head = {"run": layout.run, "options": asdict(options), "seed": seed}
        with _held(workspace):
            if not path.exists():
                sealed = {path: [head, *plan.lines()]}
                put(workspace, sealed, Event.RELEASE_PLANNED, {"run": layout.run})
    head, *lines = take(workspace, path, identity)
    if head.get("options") != asdict(options):
        raise DamagedError(f"{path} is the plan of another release; move the folder away")
    return Sealed(Plan.from_lines(lines), folder, f"sha256:{storage.sha256_file(path)}")


@contextlib.contextmanager
def _held(workspace: Workspace) -> Iterator[None]:
    """Hold what the workspace keeps of its releases, whole."""
    root = releases_dir(workspace)
    with storage.locked(root / ".lock", "the workspace's releases", wait=True):
        settle(workspace)
        yield


def _seed(workspace: Workspace, run: str, identity: Identity) -> str:
    """The workspace's seed; made, and sealed to the custodians, at the first release.

    The caller holds the releases. Raises DamagedError if there was one and it is gone: another
    would give a second release of the same corpus other cover, and the two would tell.
    """
    path = releases_dir(workspace) / SEED
    if not path.exists() and not announced(workspace, path):
        put(workspace, {path: [{"seed": new_seed()}]}, Event.RELEASE_PLANNED, {"run": run})
    match take(workspace, path, identity):
        case [{"seed": str(seed)}]:
            return seed
        case _:
            raise SealError(f"{path} does not hold a seed; restore it from a copy")


def make_plan(
    layout: Layout,
    findings: Iterable[dict[str, Any]],
    options: Options,
    seed: str,
    listen: Listener,
) -> Plan:
    """Decide what leaves, by the run's findings and signal archives alone.

    Raises DamagedError if a finding's shard is not in the run's manifest.
    """
    coupled = couplings(layout)
    scan = _Scan(layout, options, coupled)
    scan.match(findings)
    total = layout.summary["items"]
    most = wanted(options.cover, total, scan.matches) + layout.summary["gaps"] + scan.matches
    draw = Draw(seed, most if options.cover else 0)
    done = 0
    for piece in layout.pieces():
        scan.read(piece, draw)
        done += sum(task.shard.size for task in piece.tasks)
        listen(Progress("planning", items=sum(scan.plan.samples.values()), bytes=done))
    return scan.finish(draw)


class _Scan:
    """Reads a run's archives into a plan."""

    def __init__(self, layout: Layout, options: Options, coupled: dict[str, Coupling]) -> None:
        self.plan = Plan()
        self._layout = layout
        self._options = options
        self._coupled = coupled
        self._unmatched = 0
        self._source_of = {s.space: key for key, s in layout.sources.items()}
        self._counted = {
            (self._layout.sources[self._source_at(space)].space, coupling.folder)
            for space, coupling in coupled.items()
            if coupling.counted
        }

    @property
    def matches(self) -> int:
        """Matched units."""
        return sum(map(len, self.plan.matched.values()))

    def match(self, findings: Iterable[dict[str, Any]]) -> None:
        """Take the known-bad findings."""
        waiting: dict[tuple[str, str], set[str]] = {}
        for finding in findings:
            if finding["role"] == Role.KNOWN_BAD:
                where = finding["source"], finding["shard"]
                waiting.setdefault(where, set()).add(finding["item"])
        if not waiting:
            return
        for piece in self._layout.pieces():
            for task in piece.tasks:
                shard = task.shard
                for locator in waiting.pop((shard.source, shard.name), ()):
                    space, unit = self._place(piece, unit_of_finding(shard, locator))
                    self.plan.matched.setdefault(space, set()).add(unit)
        if waiting:
            raise DamagedError("a finding is of a shard that the run does not have")

    def _place(self, piece: Piece, unit: Unit) -> tuple[str, Unit]:
        coupling = self._coupled.get(piece.space)
        if coupling is not None and isinstance(unit, int) and unit < len(coupling.rows):
            for sample in coupling.rows[unit]:
                return piece.source.space, sample
        return piece.space, unit

    def read(self, piece: Piece, draw: Draw) -> None:
        """Take the items of a piece."""
        flags: dict[Unit, int] = {}
        contents: dict[Unit, bytes] = {}
        for task in piece.tasks:
            for item in items(task):
                unit = unit_of(task.shard, item)
                flags[unit] = flags.get(unit, 0) | self._flags(piece, item)
                if item.sampled and item.content is not None:
                    contents.setdefault(unit, item.content)
            if piece.kind not in ("tar", "zip"):
                self._take(piece, flags, contents, draw)
                flags, contents = {}, {}
        self._take(piece, flags, contents, draw)

    def _flags(self, piece: Piece, item: Item) -> int:
        gap = item.gap
        if item.reason == _NO_SIGNAL and piece.space in self._coupled:
            # the row says nothing of a picture's signals: it follows the file that it names
            gap = False
        return (
            (_GAP if gap else 0) | (_SAMPLED if item.sampled else 0) | (0 if item.event else _REAL)
        )

    def _take(
        self, piece: Piece, flags: dict[Unit, int], contents: dict[Unit, bytes], draw: Draw
    ) -> None:
        plan = self.plan
        source = self._source_of[piece.source.space]
        coupling = self._coupled.get(piece.space)
        for own, flag in flags.items():
            space, unit = self._place(piece, own)
            elsewhere = space != piece.space and coupling is not None and not coupling.counted
            if piece.kind == "folder" and isinstance(unit, str):
                elsewhere = (space, unit.rpartition("/")[0]) in self._counted
            if not flag & _REAL:
                plan.damaged.add(space)
                continue
            if not elsewhere:
                plan.samples[source] += 1
            if unit in plan.matched.get(space, ()):
                continue
            if flag & _GAP:
                if unit not in plan.unscreened.get(space, ()):
                    plan.unscreened_samples += 1
                plan.unscreened.setdefault(space, set()).add(unit)
                if not self._options.keep_unscreened:
                    continue
            if flag & _SAMPLED and not elsewhere:
                self._unmatched += 1
                place = f"\0{own}".encode("utf-8", "surrogatepass")
                draw.offer(space, unit, contents.get(own) or piece.origin + place)

    def finish(self, draw: Draw) -> Plan:
        """Draw the cover; the plan is complete then."""
        plan = self.plan
        if self._options.keep_unscreened:
            plan.unscreened.clear()
        barred = [
            (space, unit)
            for leaving in (plan.matched, plan.unscreened)
            for space, units in leaving.items()
            for unit in units
        ]
        count = wanted(self._options.cover, self._unmatched, self.matches)
        for space, unit in draw.smallest(count, barred):
            plan.cover.setdefault(space, set()).add(unit)
        for kind in (plan.matched, plan.unscreened, plan.cover):
            for space, units in kind.items():
                plan.removed[self._source_at(space)] += len(units)
        return plan

    def _source_at(self, space: str) -> str:
        if space in self._source_of:
            return self._source_of[space]
        for key, source in self._layout.sources.items():
            prefix = source.space
            if prefix == "/" or space == prefix[:-1] or space.startswith(prefix):
                return key
        raise DamagedError("a unit lies in no source of the run; start a new run")
