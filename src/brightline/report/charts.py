"""Charts as inline SVG that need no script and no width known beforehand.

Every horizontal measure is a percentage and every vertical one a pixel, so that a chart fits a
phone, a page and a wide screen alike while its letters keep their size (a `viewBox` would
shrink them too). Colours come from the page's style sheet by class.

Each function takes an `ident` that is unique in the page; title and description are what a
screen reader says (SVG accessibility: `role="img"` with `aria-labelledby`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from brightline.report.figures import number, shorten, visible

# a part that exists must be seen, however small: in percent of the chart's width
_LEAST = 0.4
_ROW = 38
_LABEL = 30  # characters that fit a 280-pixel chart beside a figure
_COLUMNS_HEIGHT = 132
_LINE_HEIGHT = 150
_TICKS = 6


class Segment(NamedTuple):
    """A part of a whole; `style` is a CSS class."""

    label: str
    value: int
    style: str


def stacked_bar(ident: str, title: str, desc: str, segments: Sequence[Segment]) -> Markup:
    """Parts of a whole, left to right, as one bar."""
    whole = sum(segment.value for segment in segments)
    widths = [_visible_width(segment.value, whole) for segment in segments]
    excess = sum(widths) - 100 if whole else 0.0
    if excess:
        widths[widths.index(max(widths))] -= excess
    parts = [Markup('<rect class="track" x="0" y="0" width="100%" height="28"/>')]
    x = 0.0
    for segment, width in zip(segments, widths, strict=True):
        if width:
            parts.append(
                Markup('<rect class="{}" x="{}" y="0" width="{}" height="28"/>').format(
                    segment.style, _percent(x), _percent(width)
                )
            )
        x += width
        # the gap between two parts tells them apart without colour
        if width and x < 99.99:
            parts.append(
                Markup('<line class="gap" x1="{0}" x2="{0}" y1="0" y2="28"/>').format(_percent(x))
            )
    return _svg(ident, title, desc, 28, parts)


def bars(ident: str, title: str, desc: str, data: Sequence[tuple[str, int]]) -> Markup:
    """A row for each label: its words, its figure, and a bar beneath."""
    most = max((value for _, value in data), default=0)
    parts = []
    for row, (label, value) in enumerate(data):
        y = row * _ROW
        parts.append(
            Markup(
                '<text class="label" x="0" y="{y}">{label}</text>'
                '<text class="value" x="100%" y="{y}">{value}</text>'
                '<rect class="track" x="0" y="{top}" width="100%" height="8"/>'
                '<rect class="accent" x="0" y="{top}" width="{width}" height="8"/>'
            ).format(
                y=y + 14,
                top=y + 21,
                label=visible(shorten(label, _LABEL)),
                value=number(value),
                width=_percent(_visible_width(value, most)),
            )
        )
    return _svg(ident, title, desc, max(len(data), 1) * _ROW, parts)


def histogram(
    ident: str, title: str, desc: str, data: Sequence[tuple[str, int]], axis: str
) -> Markup:
    """A column for each of many ordered classes; about every sixth is labelled."""
    most = max((value for _, value in data), default=0)
    top, base = 20, _COLUMNS_HEIGHT
    step = 100 / max(len(data), 1)
    every = -(-len(data) // _TICKS)
    parts = [
        Markup('<text class="axis" x="0" y="11">{}</text>').format(f"largest: {number(most)}"),
    ]
    for column, (label, value) in enumerate(data):
        height = 0.0 if not value else max((base - top) * value / most, 2)
        parts.append(
            Markup('<rect class="accent" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
                _percent((column + 0.12) * step), base - height, _percent(0.76 * step), height
            )
        )
        if column % every == 0:
            parts.append(
                Markup('<text class="axis middle" x="{}" y="{}">{}</text>').format(
                    _percent((column + 0.5) * step), base + 16, visible(shorten(label, 8))
                )
            )
    parts.append(_baseline(base))
    parts.append(
        Markup('<text class="axis middle" x="50%" y="{}">{}</text>').format(base + 34, axis)
    )
    return _svg(ident, title, desc, base + 40, parts)


def line(
    ident: str, title: str, desc: str, points: Sequence[tuple[float, float]], ends: tuple[str, str]
) -> Markup:
    """A line over x from 0; `ends` are the words under its two ends.

    The line lies in an inner `svg` that is stretched to the chart's width; its stroke is not.
    """
    right = max((x for x, _ in points), default=0.0) or 1.0
    most = max((y for _, y in points), default=0.0) or 1.0
    top, base = 20, _LINE_HEIGHT
    path = " ".join(f"{100 * x / right:.2f},{100 - 100 * y / most:.2f}" for x, y in points)
    parts = [
        Markup('<text class="axis" x="0" y="11">{}</text>').format(
            f"largest: {number(round(most))} items a second"
        ),
        Markup(
            '<svg x="0" y="{}" width="100%" height="{}" viewBox="0 0 100 100" '
            'preserveAspectRatio="none" class="stretch"><polyline class="stroke" '
            'points="{}"/></svg>'
        ).format(top, base - top, path),
        _baseline(base),
        Markup('<text class="axis" x="0" y="{}">{}</text>').format(base + 16, ends[0]),
        Markup('<text class="axis end" x="100%" y="{}">{}</text>').format(base + 16, ends[1]),
    ]
    return _svg(ident, title, desc, base + 22, parts)


def _svg(ident: str, title: str, desc: str, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg role="img" aria-labelledby="{ident}-title {ident}-desc" class="chart" '
        'width="100%" height="{height}"><title id="{ident}-title">{title}</title>'
        '<desc id="{ident}-desc">{desc}</desc>{parts}</svg>'
    ).format(ident=ident, height=height, title=title, desc=desc, parts=Markup("").join(parts))


def _baseline(y: int) -> Markup:
    return Markup('<line class="base" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(y)


def _visible_width(value: int, whole: int) -> float:
    return max(100 * value / whole, _LEAST) if value and whole else 0.0


def _percent(value: float) -> str:
    return f"{value:.3f}%"
