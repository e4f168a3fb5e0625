"""The ways in which the field's PDQ hashers make a picture smaller first (docs/adr/0015).

A pipeline's name says every step that can change the hash: its *family*, which says how the
picture was resized, and behind a plus sign what else was done, as in `nearest-512+luma`.
"""

from __future__ import annotations

from brightline.types import Pipeline

#: raised whenever the same bytes give other signals than before
SIGNALS_VERSION = 2

#: no side of a resized picture is longer, in pixels
SIDE = 512

#: what is made of every picture, in this order
FAMILIES = (Pipeline.FULL, Pipeline.NEAREST_512, Pipeline.THUMBNAIL_512)


def is_resized(width: int | None, height: int | None) -> bool:
    """Whether a picture of so many pixels is resized by the pipelines that resize."""
    return max(width or 0, height or 0) > SIDE


def named(family: Pipeline, decoded: str) -> str:
    """The whole name, for pixels that were `decoded` as `full` or `full+luma`."""
    return f"{family}{decoded.removeprefix(Pipeline.FULL)}"


def belongs(name: str, to: Pipeline, resized: bool) -> bool:
    """Whether a hash made by the pipeline of this name is compared with a list made by `to`.

    resized: whether the item's picture is one that some pipelines resize. Those that do not
    make the same of it, so its hash is of every pipeline; and every hash is compared with a
    list of an unknown pipeline.
    """
    return not resized or to is Pipeline.UNKNOWN or name.partition("+")[0] == to
