"""The map: two frames of inline SVG, coloured by coverage, with letters and hatching.

Its shapes are in `data/map.json`, which `docs/make_map.py` makes from Natural Earth (public
domain). Paths are in tenths of a pixel.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from brightline.law import words
from brightline.law.model import Coverage
from brightline.law.reading import Cell

_SHAPES: Final = Path(__file__).with_name("data") / "map.json"
_FRAMES: Final = ("europe", "world")


@functools.cache
def shapes() -> dict[str, Any]:
    """What the file holds: a credit, and for each frame its size, background and countries."""
    loaded: dict[str, Any] = json.loads(_SHAPES.read_text("utf-8"))
    return loaded


def draw_map(cells: Mapping[str, Cell]) -> dict[str, Markup | str]:
    """An `<svg>` for each frame, and the credit. A country without a cell stays background."""
    drawn = {name: _frame(name, cells) for name in _FRAMES}
    return {**drawn, "credit": str(shapes()["credit"])}


def _frame(name: str, cells: Mapping[str, Cell]) -> Markup:
    frame = shapes()[name]
    near = {shape["code"] for shape in shapes()["europe"]["shapes"]}
    width, height = frame["width"] * 10, frame["height"] * 10
    parts = [Markup('<path class="land" d="{}"/>').format(frame["others"])]
    labels = []
    for shape in frame["shapes"]:
        cell = cells.get(shape["code"])
        if cell is None:
            parts.append(Markup('<path class="land" d="{}"/>').format(shape["d"]))
            continue
        reading = words.COVERAGE[cell.coverage] if cell.coverage else "no row"
        said = f"{shape['code']}: {reading}{', draft' if cell.draft else ''}"
        parts.append(
            Markup('<path class="place {}" d="{}"><title>{}</title></path>').format(
                cell.coverage or "none", shape["d"], said
            )
        )
        if cell.draft:
            # white stripes show on the dark colour only, dark ones on all the others
            kind = "hatch" if cell.coverage is Coverage.YES else "ink"
            parts.append(Markup('<path fill="url(#{}-{})" d="{}"/>').format(kind, name, shape["d"]))
        # the world frame shows Europe too small for letters
        if name == "europe" or shape["code"] not in near:
            letter = words.LETTER[cell.coverage] if cell.coverage else "–"
            x, y = shape["at"][0] * 10, shape["at"][1] * 10
            labels.append(
                Markup('<text class="label" x="{}" y="{}">{} {}</text>').format(
                    x, y + 40, shape["code"], letter
                )
            )
    return Markup(
        '<svg class="map {}" viewBox="0 0 {} {}" role="img" aria-label="Map: {}">'
        "<defs>{}{}</defs>{}{}</svg>"
    ).format(
        name,
        width,
        height,
        name,
        _pattern("hatch", name),
        _pattern("ink", name),
        Markup("").join(parts),
        Markup("").join(labels),
    )


def _pattern(kind: str, frame: str) -> Markup:
    return Markup(
        '<pattern id="{}-{}" width="56" height="56" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="16" height="56" class="stripe {}"/></pattern>'
    ).format(kind, frame, kind)
