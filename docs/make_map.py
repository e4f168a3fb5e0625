"""Natural Earth's countries → the map of the law table's page, as compact SVG paths.

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
    python docs/make_map.py package src/brightline/law/data/map.json

Reads TopoJSON (the specification of 2014, sections 2.1 and 2.2): arcs are decoded, simplified
while they are still shared, so that neighbours keep one border, then joined to rings, projected
and clipped. Europe is drawn in Lambert's azimuthal equal-area projection (Snyder 1987, p. 185;
centre 52° N, 10° E as in EPSG:3035, on a sphere), the world in Equal Earth (Šavrič, Patterson and
Jenny 2018). The shapes are Natural Earth 4.1, public domain; world-atlas packs them (ISC licence).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

Point = tuple[float, float]
Projection = Callable[[float, float], Point]

#: ISO 3166-1 numeric → alpha-2, of the jurisdictions in the table
CODES = {
    "036": "AU", "040": "AT", "056": "BE", "070": "BA", "124": "CA", "203": "CZ", "208": "DK",
    "246": "FI", "250": "FR", "276": "DE", "348": "HU", "352": "IS", "380": "IT", "392": "JP",
    "528": "NL", "554": "NZ", "578": "NO", "616": "PL", "724": "ES", "752": "SE", "756": "CH",
    "826": "GB", "840": "US",
}  # fmt: skip


def europe(lon: float, lat: float) -> Point:
    """Lambert's azimuthal equal-area; Earth's radius is 1, y points down."""
    p0, east, p = radians(52), radians(lon - 10), radians(lat)
    k = sqrt(2 / max(1e-9, 1 + sin(p0) * sin(p) + cos(p0) * cos(p) * cos(east)))
    across = k * cos(p) * sin(east)
    up = k * (cos(p0) * sin(p) - sin(p0) * cos(p) * cos(east))
    return across, -up


def world(lon: float, lat: float) -> Point:
    """Equal Earth; y points down."""
    # Chukotka and Fiji stay with their other halves, so that no ring crosses the frame; Alaska's
    # islands stay with Alaska
    if lon < -175 or (lon < -169 and lat > 63.9):
        lon += 360
    a = (1.340264, -0.081106, 0.000893, 0.003796)
    t = asin(sqrt(3) / 2 * sin(radians(lat)))
    slope = a[0] + 3 * a[1] * t**2 + 7 * a[2] * t**6 + 9 * a[3] * t**8
    return (
        2 * sqrt(3) * radians(lon) * cos(t) / (3 * slope),
        -t * (a[0] + a[1] * t**2 + a[2] * t**6 + a[3] * t**8),
    )


def decode(topology: dict[str, Any]) -> list[list[Point]]:
    """Quantised, delta-coded arcs → degrees."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        arcs.append(line)
    return arcs


def simplified(line: list[Point], tolerance: float) -> list[Point]:
    """Ramer 1972, Douglas and Peucker 1973: both ends stay."""
    keep = {0, len(line) - 1}
    todo = [(0, len(line) - 1)]
    while todo:
        first, last = todo.pop()
        (ax, ay), (bx, by) = line[first], line[last]
        length = sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        far, where = 0.0, -1
        for k in range(first + 1, last):
            x, y = line[k]
            if length:
                off = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
            else:
                off = sqrt((x - ax) ** 2 + (y - ay) ** 2)
            if off > far:
                far, where = off, k
        if far > tolerance:
            keep.add(where)
            todo += [(first, where), (where, last)]
    return [line[k] for k in sorted(keep)]


def clipped(ring: list[Point], width: float, height: float) -> list[Point]:
    """Sutherland and Hodgman 1974, against the frame."""
    for axis, bound, inside in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        cut: list[Point] = []
        for k, here in enumerate(ring):
            before = ring[k - 1]
            in_here = (here[axis] - bound) * inside >= 0
            if in_here != ((before[axis] - bound) * inside >= 0):
                part = (bound - before[axis]) / (here[axis] - before[axis])
                cut.append(
                    (
                        before[0] + part * (here[0] - before[0]),
                        before[1] + part * (here[1] - before[1]),
                    )
                )
            if in_here:
                cut.append(here)
        ring = cut
    return ring


def area(ring: list[Point]) -> float:
    """Twice the signed area."""
    return sum(ring[k - 1][0] * y - x * ring[k - 1][1] for k, (x, y) in enumerate(ring))


def anchor(ring: list[Point]) -> Point:
    """The point of a grid that lies deepest inside: where a label goes."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    best, where = -1.0, (xs[0], ys[0])
    for i in range(1, 40):
        for j in range(1, 40):
            x = min(xs) + i * (max(xs) - min(xs)) / 40
            y = min(ys) + j * (max(ys) - min(ys)) / 40
            inside, near = False, 1e9
            for k, (bx, by) in enumerate(ring):
                ax, ay = ring[k - 1]
                if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                    inside = not inside
                near = min(near, (bx - x) ** 2 + (by - y) ** 2)
            if inside and near > best:
                best, where = near, (x, y)
    return where


def path(rings: Iterable[list[Point]]) -> str:
    """SVG path data: whole tenths, each point relative to the last."""
    said = []
    for ring in rings:
        points = [(round(x * 10), round(y * 10)) for x, y in ring]
        distinct = [p for k, p in enumerate(points) if p != points[k - 1]]
        if len(distinct) < 3:
            continue
        (x, y), steps = distinct[0], []
        for nx, ny in distinct[1:]:
            steps.append(f"{nx - x},{ny - y}")
            x, y = nx, ny
        said.append(f"M{distinct[0][0]},{distinct[0][1]}l{' '.join(steps)}z")
    return "".join(said)


def draw(
    topology: dict[str, Any],
    projection: Projection,
    corner: Point,
    scale: float,
    size: Point,
    tolerance: float,
    smallest: float,
) -> dict[str, Any]:
    """One frame: `corner` is its upper left in projected units, `scale` pixels a unit, `tolerance`
    and `smallest` (of a ring's doubled area) in pixels. Paths are in tenths of a pixel."""

    def placed(point: Point) -> Point:
        x, y = projection(*point)
        return (x - corner[0]) * scale, (y - corner[1]) * scale

    arcs = [simplified([placed(p) for p in arc], tolerance) for arc in decode(topology)]

    def ring_of(numbers: list[int]) -> list[Point]:
        ring: list[Point] = []
        for number in numbers:
            ring += (arcs[number] if number >= 0 else arcs[~number][::-1])[:-1]
        return ring

    shapes: list[dict[str, Any]] = []
    others = []
    for country in topology["objects"]["countries"]["geometries"]:
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        rings = [clipped(ring_of(part), *size) for polygon in polygons for part in polygon]
        rings = [ring for ring in rings if len(ring) > 2 and abs(area(ring)) > smallest]
        if not rings:
            continue
        code = CODES.get(str(country.get("id", "")))
        if code is None:
            others += rings
            continue
        x, y = anchor(max(rings, key=lambda ring: abs(area(ring))))
        shapes.append({"code": code, "at": [round(x), round(y)], "d": path(rings)})
    shapes.sort(key=lambda shape: shape["code"])
    return {"width": size[0], "height": size[1], "others": path(others), "shapes": shapes}


def main(folder: Path, target: Path) -> None:
    """Draw both frames."""
    fine = json.loads((folder / "countries-50m.json").read_text())
    coarse = json.loads((folder / "countries-110m.json").read_text())
    # Antarctica would fill the frame's foot and no jurisdiction lies there
    for topology in (fine, coarse):
        found = topology["objects"]["countries"]
        found["geometries"] = [g for g in found["geometries"] if g.get("id") != "010"]
    made = {
        "credit": "Shapes: Natural Earth 4.1, public domain",
        "europe": draw(fine, europe, (-0.415, -0.365), 900, (640, 620), 0.55, 5.0),
        "world": draw(coarse, world, (-2.45, -1.33), 122, (640, 292), 0.35, 2.5),
    }
    target.write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
