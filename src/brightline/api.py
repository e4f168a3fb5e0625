"""The public Python interface, and what the command line itself calls.

>>> import brightline
>>> signals = brightline.hash_bytes(data)             # digests, PDQ, quality
>>> hotline = brightline.open_list("hotline", workspace="audits")
>>> outcome = brightline.Screener([hotline]).screen(data)
>>> found = brightline.examine_origin(data)           # evidence of where it comes from
>>> summary = brightline.audit(["/data"], ["hotline"], "audits")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from brightline.errors import ListError, UsageError
from brightline.lists import HashList
from brightline.lists import open_list as _open_snapshot
from brightline.origin import Examination, examine
from brightline.screen.examining import OriginMode
from brightline.screen.matching import Probes
from brightline.screen.perform import Slice
from brightline.screen.run import audit as _audit
from brightline.screen.summary import Summary
from brightline.screen.tally import kind_of
from brightline.screen.watch import Listener, Say
from brightline.signals.perceive import screen_bytes
from brightline.signals.pipelines import FAMILIES
from brightline.types import Declared, Limits, Outcome, Pipeline, Signals
from brightline.workspace import Workspace

__all__ = [
    "Examination",
    "HashList",
    "Screener",
    "Summary",
    "audit",
    "examine_origin",
    "hash_bytes",
    "open_list",
    "screen_file",
]

PathLike: TypeAlias = "str | os.PathLike[str]"


def hash_bytes(data: bytes, *, orientations: bool = False, pipelines: bool = False) -> Signals:
    """All signals of some bytes, as stored in a file.

    Digests always; PDQ, its quality (0 to 100), pipeline and the size in pixels where the
    bytes are a picture that can be decoded, None otherwise. With `pipelines`, `views` holds the
    hashes of every pipeline, not of `full` alone (docs/adr/0015). Runs in this process, without a
    time limit: for untrusted bytes in bulk use `audit`, which contains the decoders.
    """
    families = FAMILIES if pipelines else (Pipeline.FULL,)
    signals = screen_bytes(bytes(data), orientations=orientations, pipelines=families).signals
    assert signals is not None
    return signals


def screen_file(path: PathLike, *, pipelines: bool = False) -> dict[str, Any]:
    """A file's signals as plain values, digests in hex; `error` says why there is no PDQ.

    With `pipelines`, its field of that name lists the PDQ hash of every view by every pipeline
    that makes one of its own. Raises OSError if the file cannot be read.
    """
    families = FAMILIES if pipelines else (Pipeline.FULL,)
    outcome = screen_bytes(Path(path).read_bytes(), pipelines=families)
    kind, reason = kind_of(outcome)
    signals = outcome.signals
    assert signals is not None
    return {
        "md5": signals.md5.hex(),
        "sha1": signals.sha1.hex(),
        "sha256": signals.sha256.hex(),
        "pdq": signals.pdq.hex() if signals.pdq is not None else None,
        "pdq_quality": signals.pdq_quality,
        "pdq_pipeline": signals.pdq_pipeline,
        "width": signals.width,
        "height": signals.height,
        "media_type": signals.media_type,
        "outcome": str(kind),
        "reason": None if reason is None else reason.code,
        "notes": list(signals.notes),
        "error": reason.text if reason is not None and reason.gap else None,
    } | ({"pipelines": _by_pipeline(signals)} if pipelines else {})


def _by_pipeline(signals: Signals) -> list[dict[str, Any]]:
    return [
        {"via": v.via, "pipeline": v.pipeline, "pdq": v.hash.hex(), "pdq_quality": v.quality}
        for v in signals.views
    ]


def examine_origin(data: bytes, *, watermark: bool = False, c2pa: bool = True) -> Examination:
    """What some bytes say of where they come from: evidence by claim and strength, never a verdict.

    Metadata, signed C2PA manifests unless `c2pa` is False, and parameters hidden in the lowest bits
    of lossless pictures; `watermark` looks for the open watermark too (some 44 ms a megapixel).
    What was not looked for, and what cannot be, is listed in the result. Finding nothing proves
    nothing, and nearly every mark can be forged. Raises on no bytes, and uses no network.
    """
    return examine(bytes(data), watermark=watermark, c2pa=c2pa, stealth=True)


def open_list(name_or_path: PathLike, *, workspace: PathLike | None = None) -> HashList:
    """Open a snapshot, memory-mapped: a snapshot's folder, or `NAME[@VERSION]` of a workspace.

    The workspace defaults to $BRIGHTLINE_WORKSPACE, else the current folder. Raises ListError
    if there is no such list, DamagedError if it cannot be read.
    """
    path = Path(name_or_path)
    if (path / "manifest.json").is_file():
        return HashList(path)
    root = Path(workspace or os.environ.get("BRIGHTLINE_WORKSPACE") or ".")
    if path.is_dir() and not (root / "lists" / path).exists():
        raise ListError(f"{path} is not a snapshot's folder: it has no manifest.json")
    return _open_snapshot(Workspace.open(root).lists_dir, os.fspath(name_or_path))


class Screener:
    """Screens items one at a time in this process against opened lists."""

    def __init__(
        self,
        lists: Sequence[HashList],
        *,
        limits: Limits | None = None,
        orientations: bool = False,
    ) -> None:
        self._lists = tuple(lists)
        self._limits = limits or Limits()
        self._orientations = orientations

    def screen(self, data: bytes, declared: Sequence[Declared] = ()) -> Outcome:
        """What becomes of some bytes: `outcome.signals`, `outcome.matches` and its kind.

        `declared` is what a dataset says of the original; its hashes are matched too.
        """
        known = tuple(declared)
        outcome = screen_bytes(
            bytes(data), known, limits=self._limits, orientations=self._orientations
        )
        probes = Probes()
        probes.add(0, outcome, known)
        return replace(outcome, matches=tuple(match for _, match in probes.match(self._lists)))


def audit(
    sources: Sequence[PathLike],
    lists: Sequence[HashList | str],
    workspace: Workspace | PathLike,
    *,
    run: str | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    orientations: bool = False,
    source_type: str | None = None,
    part: Slice | None = None,
    reuse: bool = True,
    origin: OriginMode | str = OriginMode.NONE,
    listen: Listener | None = None,
    say: Say | None = None,
) -> Summary:
    """Screen sources against lists and seal what matches; the same call resumes.

    sources: folders, archives, tables. lists: opened, or as `NAME[@VERSION]`. workspace:
    opened, or its folder. run: a name, else an unfinished run of the same parameters is
    resumed and otherwise a new one begun. workers: processes, else one a core. limits: what
    one item may cost. orientations: match turned pictures too. source_type: do not detect.
    part: do only every n-th shard of the run's manifest. reuse: do not read again what an
    earlier run of the workspace screened and is unchanged. origin: `none`, `matched` or `all`:
    of which items origin evidence is looked for; their bytes are needed, so that nothing is
    reused then. listen: is told `Progress`, at most
    five times a second; say: is told of events worth a line.

    Raises errors.UsageError and its kinds, DamagedError; never for trouble with an item.
    Starts processes that import the main module: call it under `if __name__ == "__main__":`.
    """
    opened = workspace if isinstance(workspace, Workspace) else Workspace.open(Path(workspace))
    snapshots = [
        _open_snapshot(opened.lists_dir, each) if isinstance(each, str) else each for each in lists
    ]
    if origin not in tuple(OriginMode):
        raise UsageError(f"origin is one of {', '.join(OriginMode)}")
    return _audit(
        [Path(source) for source in sources],
        snapshots,
        opened,
        run=run,
        workers=workers,
        limits=limits,
        orientations=orientations,
        source_type=source_type,
        part=part,
        reuse=reuse,
        origin=OriginMode(origin),
        listen=listen,
        say=say,
    )
