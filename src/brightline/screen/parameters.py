"""What decides a run's result, and the identities that follow from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brightline._version import __version__
from brightline.errors import DamagedError
from brightline.lists import HashList, open_delta, open_list
from brightline.screen.examining import OriginMode
from brightline.types import Limits, Shard


def canonical(value: Any) -> bytes:
    """The one JSON text of a value that digests are taken of."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode("ascii")


@dataclass(frozen=True, slots=True)
class ListReference:
    """A snapshot as a run pins it; `since` names the older version of a delta."""

    name: str
    version: str
    digest: str
    since: str | None = None

    @classmethod
    def to(cls, snapshot: HashList) -> ListReference:
        """The reference to an opened snapshot."""
        manifest = snapshot.manifest
        return cls(manifest.name, manifest.version, snapshot.digest, snapshot.since)

    def open(self, lists_dir: Path) -> HashList:
        """Open what is referred to. Raises ListError if it is not there any more."""
        if self.since is not None:
            return open_delta(lists_dir, self.name, self.since, self.version)
        return open_list(lists_dir, f"{self.name}@{self.version}")

    def to_json(self) -> dict[str, Any]:
        """As `run.json` holds it: `since` only where there is one."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything but the sources' content on which findings depend."""

    sources: tuple[str, ...]
    lists: tuple[ListReference, ...]
    limits: Limits
    orientations: bool = False
    source_type: str | None = None
    origin: OriginMode = OriginMode.NONE

    def to_json(self) -> dict[str, Any]:
        """As `run.json` holds them: `origin` only where it is looked for, so that runs of before
        there was such a thing, and their tasks, keep their identities."""
        return {
            "sources": list(self.sources),
            "lists": [reference.to_json() for reference in self.lists],
            "limits": asdict(self.limits),
            "orientations": self.orientations,
            "source_type": self.source_type,
            **({} if self.origin is OriginMode.NONE else {"origin": str(self.origin)}),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Parameters:
        """What `to_json` gave; DamagedError for anything else."""
        try:
            return cls(
                sources=tuple(document["sources"]),
                lists=tuple(ListReference(**reference) for reference in document["lists"]),
                limits=Limits(**document["limits"]),
                orientations=document["orientations"],
                source_type=document["source_type"],
                origin=OriginMode(document.get("origin", OriginMode.NONE)),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DamagedError(
                "a run's run.json does not hold its parameters; restore it from a copy, or start "
                "a new run"
            ) from None


def shard_identity(shard: Shard) -> dict[str, Any]:
    """What a shard is, as plain JSON."""
    return {
        "source": shard.source,
        "name": shard.name,
        "kind": shard.kind,
        "files": [[f.path, f.size, f.mtime_ns] for f in shard.files],
        "start": shard.start,
        "stop": shard.stop,
        "options": shard.options,
    }


def shard_key(shard: Shard) -> bytes:
    """16 bytes of a digest of what a shard is, the size and time of its files included."""
    return hashlib.sha256(canonical(shard_identity(shard))).digest()[:16]


def task_id(shard: Shard, parameters: Parameters, tool: str = __version__) -> str:
    """TASK: 32 hex digits of a digest over shard, tool version, lists and parameters.

    tool: the version that began the run, which names its tasks for as long as the run exists.
    """
    document = parameters.to_json()
    del document["sources"]  # the shard says which it is; naming another beside it changes nothing
    document["lists"] = [reference["digest"] for reference in document["lists"]]
    whole = {"shard": shard_identity(shard), "tool": tool, "parameters": document}
    return hashlib.sha256(canonical(whole)).hexdigest()[:32]
