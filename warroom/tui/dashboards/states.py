"""States over time: a row of blocks for each series, with the state's words in them or its letter, and a legend.

Invariant: total; every state that is drawn is named in a block or in the legend.
"""

from __future__ import annotations

import math
from datetime import tzinfo

from rich.cells import cell_len
from rich.style import Style

from warroom.dashboards.data import Mark, Segment, States
from warroom.tui.dashboards.cells import Rows, filled, fitted, letter, level_sign, mark_colour, time_axis, worded
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import mix, style
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, crop, safe, width_of


def draw_states(
    body: States, width: int, height: int, ink: Ink, zone: tzinfo | None, no_value: str = "No data"
) -> Rows:
    """The states in `width` x `height` cells."""
    live = [row for row in body.rows if row.segments]
    if not live or width < 4 or height < 1:
        return worded(no_value, width, height, ink)
    kinds = _kinds(body)
    clocked, legended = height >= 3, height >= 4
    tall = height - clocked - legended
    kept = live if len(live) <= tall else live[: max(1, tall - 1)]
    gutter = min(max(cell_len(safe(row.name)) for row in kept) + 1, max(6, width // 3)) if width >= 24 else 0
    across = max(1, width - gutter)
    each = 2 if len(kept) * 2 <= tall else 1
    lines: Rows = []
    for row in kept:
        name = crop([(safe(row.name), ink.of(ink.palette.soft))], max(0, gutter - 1))
        pad: Span = (" " * (gutter - width_of(name)), ink.of(ink.palette.text))
        lines.append([*name, pad, *_blocks(row.segments, body, kinds, across, ink)])
        if each == 2:
            lines.append([])
    if len(kept) < len(live):
        lines.append([(f"+{len(live) - len(kept)} more", ink.of(ink.palette.muted))])
    rows = filled(lines, width, tall, ink)
    if clocked:
        clocks = " " * gutter + time_axis(body.start, body.end, across, zone)
        rows.append(fitted([(clocks, ink.of(ink.palette.muted))], width, ink))
    if legended:
        rows.append(fitted(_legend(kinds, width, ink), width, ink))
    return filled(rows, width, height, ink)


_Kinds = dict[tuple[str, Mark], int]


def _kinds(body: States) -> _Kinds:
    """Every state that there is, numbered in the order of its first appearance."""
    found: _Kinds = {}
    for row in body.rows:
        for one in row.segments:
            found.setdefault((one.text, one.mark), len(found))
    return found


def _colour(kind: tuple[str, Mark], kinds: _Kinds, ink: Ink) -> str:
    return mark_colour(kind[1], ink.palette, ink.palette.chart(kinds[kind]))


def _cell(at: float, body: States, width: int) -> int:
    span = body.end - body.start
    place = (at - body.start) / span * width if span > 0 else 0.0
    return min(width, max(0, round(place))) if math.isfinite(place) else 0


def _blocks(segments: tuple[Segment, ...], body: States, kinds: _Kinds, width: int, ink: Ink) -> list[Span]:
    """One row of blocks; a state in too little room for its words is its letter."""
    palette, blank = ink.palette, ink.of(ink.palette.text)
    cells: list[tuple[str, Style]] = [(" ", blank)] * width
    for one in segments:
        kind = (one.text, one.mark)
        colour = _colour(kind, kinds, ink)
        first = min(width - 1, _cell(one.start, body, width))
        last = max(first + 1, _cell(one.end, body, width))
        if not body.merged and last - first > 1:
            last -= 1
        size = last - first
        ground = (
            style(colour, "default", reverse=True)
            if palette.ansi
            else style(palette.text, mix(ink.backdrop, colour, 0.5))
        )
        text = _inside(one, kinds[kind], size, words=body.show_text)
        for at, char in enumerate(text[:size]):
            cells[first + at] = (char, ground)
    out: list[Span] = []
    for char, paint in cells:
        if out and out[-1][1] is paint:
            out[-1] = (out[-1][0] + char, paint)
        else:
            out.append((char, paint))
    return out


def _inside(segment: Segment, index: int, size: int, *, words: bool) -> str:
    sign = level_sign(segment.mark.level)
    text = safe(segment.text)
    for said in ((f"{sign} {text}" if sign else text) if words else "", text if words else "", letter(index)):
        if said and len(said) == cell_len(said) and len(said) + 2 <= size:
            return f" {said}".ljust(size)
    return letter(index).ljust(size)


def _legend(kinds: _Kinds, width: int, ink: Ink) -> list[Span]:
    line: list[Span] = []
    for kind, index in kinds.items():
        sign = level_sign(kind[1].level)
        runs: list[Span] = [
            (letter(index), ink.of(_colour(kind, kinds, ink), bold=True)),
            (f" {sign + ' ' if sign else ''}{safe(kind[0])}  ", ink.of(ink.palette.soft)),
        ]
        if width_of(line) + width_of(runs) > width - 4 and line:
            return [*line, (glyphs().ellipsis, ink.of(ink.palette.muted))]
        line += runs
    return line
