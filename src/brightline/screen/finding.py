"""What is sealed of a match: the one form that findings have, however they were come by."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from brightline.types import Kind, Match, Shard


def finding(
    run: str,
    shard: Shard,
    locator: str,
    ordinal: int,
    match: Match,
    kind: Kind,
    sha256: str | None,
    origin: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One finding as plain JSON values.

    locator: the item's member path, key or row; ordinal: its place in the shard, from 0; kind:
    what became of the item; sha256: of its stored bytes in hex, None where there were none;
    origin: what was found out about where it comes from, or why nothing was, if that was asked for.
    """
    return {
        "run": run,
        "source": shard.source,
        "shard": shard.name,
        "item": locator,
        "ordinal": ordinal,
        **asdict(match),
        "outcome": str(kind),
        "sha256": sha256,
        **({} if origin is None else {"origin": origin}),
    }
