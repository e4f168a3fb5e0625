"""Which shards of a run were screened by an earlier one, and are what they were.

A shard is taken to be the same if its source, name, kind, range and options are, and the size and
modification time of each of its files. Content that was replaced by as many bytes under the same
time is not noticed (docs/rescreen.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brightline.errors import DamagedError
from brightline.screen.manifest import thaw
from brightline.screen.parameters import Parameters, shard_key
from brightline.screen.reuse import Origin
from brightline.screen.runs import MANIFEST, read_run, run_names, signals_version, task_folder
from brightline.screen.task import COUNTS, read_counts
from brightline.signals.pipelines import SIGNALS_VERSION
from brightline.types import Reason, Shard
from brightline.workspace import Workspace

#: what may go better another time: shards with such an item are read again
_CIRCUMSTANCES = {
    Reason.UNREADABLE.code,
    Reason.DECODER_CRASHED.code,
    Reason.DECODER_TIMEOUT.code,
    Reason.DECODER_MEMORY.code,
    Reason.READER_CRASHED.code,
}


class Earlier:
    """Committed shards of the workspace's other runs, by what they are.

    Holds some 200 bytes for each shard of the run that another has.
    """

    def __init__(self, workspace: Workspace, folder: Path, parameters: Parameters) -> None:
        """Look for the shards of the run in `folder`; the newest run that has one counts."""
        self._origins: dict[bytes, Origin] = {}
        sources = read_run(folder)["manifest"]["sources"].keys()
        wanted: set[bytes] | None = None
        for name in reversed(run_names(workspace)):
            if name == folder.name:
                continue
            other = workspace.runs_dir / name
            try:
                document = read_run(other)
                if not _serves(document, parameters, sources):
                    continue
                if wanted is None:
                    wanted = {shard_key(shard) for shard in thaw(folder / MANIFEST)}
                self._gather(other, document, wanted)
            except (DamagedError, KeyError, TypeError, ValueError):
                continue  # what cannot be read cannot help, and does not hurt
            if not wanted:
                break

    def origin(self, shard: Shard) -> Origin | None:
        """Where the shard was screened before, None if nowhere."""
        return self._origins.get(shard_key(shard)) if self._origins else None

    def _gather(self, other: Path, document: dict[str, Any], wanted: set[bytes]) -> None:
        parameters = Parameters.from_json(document["parameters"])
        for shard in thaw(other / MANIFEST):
            key = shard_key(shard)
            if key not in wanted:
                continue
            task = task_folder(other, document, shard, parameters)
            if _is_settled(task):
                self._origins[key] = Origin(other.name, task)
                wanted.discard(key)


def _serves(document: dict[str, Any], parameters: Parameters, sources: Any) -> bool:
    """Whether a run's archives hold what an audit with these parameters would make."""
    other = Parameters.from_json(document["parameters"])
    return (
        signals_version(document) == SIGNALS_VERSION
        and other.limits == parameters.limits
        and other.orientations == parameters.orientations
        and not sources.isdisjoint(document["manifest"]["sources"])
    )


def _is_settled(task: Path) -> bool:
    """Whether a task is committed, and reading it again could not give anything else."""
    if not (task / COUNTS).is_file():
        return False
    try:
        reasons = read_counts(task)["tally"]["counters"]["reasons"]
    except (DamagedError, OSError, ValueError, KeyError):
        return False
    return _CIRCUMSTANCES.isdisjoint(reasons)
