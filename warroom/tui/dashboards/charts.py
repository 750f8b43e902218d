"""A chart of a dashboard: lines, areas, bars and points over time, with the axes and the legend of its author.

Invariant: total, and every line that is drawn is in the legend or was left out of it by the author.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from rich.style import Style

from warroom.dashboards.data import Axis, Chart, Line
from warroom.tui.dashboards.axis import Scale, row_of, scale_of
from warroom.tui.dashboards.cells import (
    Rows,
    colour_of,
    filled,
    fitted,
    letter,
    level_sign,
    mark_colour,
    merged,
    time_axis,
    worded,
)
from warroom.tui.dashboards.legend import Entry, legend_rows
from warroom.tui.dashboards.raster import Bits, area, held, joined_gaps, parted, points, sampled
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.braille import BRAILLE, PLAIN, Columns, columns, line_masks
from warroom.tui.widgets.chart_overlay import Ink

MOST_DRAWN = 40
"""Lines drawn; the legend counts all."""
_LETTERED = 9
_NARROW_SIDE = 64
_WEAVES = (0xFF, 0x95, 0xE7)
"""The dots that bands of a stack are filled with in turn, so that they are told apart without colour."""
_FILLED_LINES = 3
"""So many lines may lie over each other's areas; with more, only lines are drawn."""


@dataclass(slots=True)
class _Cell:
    char: str
    paint: Style


def draw_chart(chart: Chart, width: int, height: int, ink: Ink, zone: tzinfo | None, no_value: str = "No data") -> Rows:
    """The chart in `width` x `height` cells; times are told in `zone`."""
    live = [line for line in chart.lines if any(one is not None and one == one for one in line.values)]
    entries, undrawn = _entries(live, width, height, ink), max(0, len(live) - MOST_DRAWN)
    if not entries:
        return worded(no_value, width, height, ink)
    if width < 10 or height < 2:
        return filled(legend_rows(chart, entries, width, height, ink, undrawn), width, height, ink)
    side = chart.legend == "" or (chart.legend_side == "right" and width >= _NARROW_SIDE)
    if side and chart.legend:
        room = max(22, min(width // 3, 44))
        legend = legend_rows(chart, entries, room - 2, height, ink, undrawn)
        plot = _plot(chart, entries, width - room, height, ink, zone)
        gap = ("  ", ink.of(ink.palette.text))
        beside = filled(legend, room - 2, height, ink)
        return [[*left, gap, *right] for left, right in zip(plot, beside, strict=True)]
    below = legend_rows(chart, entries, width, _legend_room(chart, height), ink, undrawn)
    plot = _plot(chart, entries, width, height - len(below), ink, zone)
    return plot + filled(below, width, len(below), ink)


def _legend_room(chart: Chart, height: int) -> int:
    """Rows that the legend may take."""
    if height < 5:
        return 0
    if height < 9:
        return 1
    if chart.legend == "table":
        return max(3, height // 3)
    return 2 if height < 18 else height // 5


def _entries(live: Sequence[Line], width: int, height: int, ink: Ink) -> list[Entry]:
    """The lines to draw, each in its colour."""
    lettered = 1 < len(live) <= (_LETTERED if height < 20 else 26) and width >= 28
    palette = ink.palette
    return [
        Entry(line, at, colour_of(line.hue, palette) or palette.chart(at), lettered)
        for at, line in enumerate(live[:MOST_DRAWN])
    ]


_Values: TypeAlias = tuple[float | None, ...]


def _stacked(entries: Sequence[Entry], percent: bool) -> dict[int, tuple[_Values, _Values]]:
    """Where each stacked line is drawn, and what it stands on: the sum of those before it."""
    totals: dict[tuple[str, float], float] = {}
    if percent:
        for one in entries:
            if one.line.stack:
                for at, value in zip(one.line.times, one.line.values, strict=False):
                    key = one.line.stack, at
                    totals[key] = totals.get(key, 0.0) + abs(value or 0.0)
    sums: dict[tuple[str, float, bool], float] = {}
    found: dict[int, tuple[_Values, _Values]] = {}
    for one in entries:
        if not one.line.stack:
            continue
        tops: list[float | None] = []
        bases: list[float | None] = []
        for at, value in zip(one.line.times, one.line.values, strict=False):
            if value is None or value != value:
                tops.append(None)
                bases.append(None)
                continue
            whole = totals.get((one.line.stack, at), 0.0) if percent else 1.0
            place = one.line.stack, at, value < 0
            bases.append(sums.get(place, 0.0))
            sums[place] = sums.get(place, 0.0) + (value / whole if whole else 0.0)
            tops.append(sums[place])
        found[one.index] = tuple(tops), tuple(bases)
    return found


def _plot(chart: Chart, entries: list[Entry], width: int, height: int, ink: Ink, zone: tzinfo | None) -> Rows:
    if height <= 0:
        return []
    clocked = 1 if height >= 4 else 0
    tall = height - clocked
    stacks = _stacked(entries, chart.stacking == "percent")
    drawn = {one.index: stacks[one.index][0] if one.index in stacks else one.line.values for one in entries}
    bases = {index: base for index, (_, base) in stacks.items()}
    scales = _scales(chart, entries, drawn, tall)
    left = _gutter(chart, scales, tall, right=False) if width >= 20 else []
    right = _gutter(chart, scales, tall, right=True) if width >= 44 else []
    before = max((len(text) for text in left), default=0)
    after = max((len(text) for text in right), default=0)
    before, after = (before + 1 if before else 0), (after + 1 if after else 0)
    across = max(1, width - before - after)
    grid = _cells(chart, entries, drawn, bases, scales, across, tall, ink)
    faint = ink.of(ink.palette.muted)
    rows: Rows = []
    for at, row in enumerate(grid):
        runs = [(f"{left[at]:>{before - 1}} ", faint)] if before else []
        runs += merged([(cell.char, cell.paint) for cell in row])
        if after:
            runs.append((f" {right[at]:<{after - 1}}", faint))
        rows.append(fitted(runs, width, ink))
    if clocked:
        text = " " * before + time_axis(chart.start, chart.end, across, zone)
        rows.append(fitted([(text, faint)], width, ink))
    return rows


def _scales(chart: Chart, entries: Sequence[Entry], drawn: dict[int, _Values], height: int) -> dict[int, Scale]:
    """The scale of each axis that has a line."""
    ticks = max(2 if height >= 5 else 1, min(6, height // 3))
    found: dict[int, Scale] = {}
    for number in {one.line.axis for one in entries}:
        axis = chart.axes[number] if 0 <= number < len(chart.axes) else Axis()
        mine = [one for one in entries if one.line.axis == number]
        values: list[float | None] = []
        for one in mine:
            inside = zip(one.line.times, drawn[one.index], strict=False)
            values += [value for at, value in inside if chart.start <= at <= chart.end]
        if chart.stacking == "percent":
            axis = Axis("percentunit", 0, 0.0, 1.0)
        solid = any(one.line.stack or one.line.draw == "bars" or one.line.fill >= 0.5 for one in mine)
        if chart.show_limits:
            values += [limit.value for limit in chart.limits]
        found[number] = scale_of(axis, values, ticks, from_zero=solid)
    return found


def _gutter(chart: Chart, scales: dict[int, Scale], height: int, *, right: bool) -> list[str]:
    """The labels at one side, one text for each row; empty when there is no axis."""
    for number, scale in sorted(scales.items()):
        axis = chart.axes[number] if number < len(chart.axes) else Axis()
        at_right = axis.right and len(scales) > 1  # an only axis stands at the left, where the eye looks first
        if axis.hidden or at_right != right:
            continue
        rows = [""] * height
        marks = sorted(scale.ticks)
        for value, text in [*marks[:1], *marks[-1:], *marks[1:-1]]:
            at = row_of(value, scale, height)
            if all(not rows[near] for near in (at - 1, at, at + 1) if 0 <= near < height):
                rows[at] = text[:10]
        return rows
    return []


def _cells(
    chart: Chart,
    entries: list[Entry],
    drawn: dict[int, _Values],
    bases: dict[int, _Values],
    scales: dict[int, Scale],
    width: int,
    height: int,
    ink: Ink,
) -> list[list[_Cell]]:
    blank = ink.of(ink.palette.text)
    grid = [[_Cell(" ", blank) for _ in range(width)] for _ in range(height)]
    bits = [[0] * width for _ in range(height)]
    columned = {one.index: _columns(one.line, drawn[one.index], scales[one.line.axis], chart, width) for one in entries}
    flat = sum(not one.line.stack for one in entries)
    by_line = {one.line: one.index for one in entries}
    traces: dict[int, Bits] = {}
    for one in reversed(entries):
        strength = _strength(one, alone=len(entries) == 1)
        fills = one.line.stack or flat <= _FILLED_LINES or one.line.draw == "bars" or one.line.below is not None
        if not strength or not fills:
            continue
        scale = scales[one.line.axis]
        base = _below(chart, one.line, by_line, columned)
        if one.index in bases:
            base = _columns(one.line, bases[one.index], scale, chart, width).high
        masks = _area(columned[one.index], base, scale, height)
        traces[one.index] = masks
        _lay_area(grid, bits, one, masks, ink, strength)
    for one in entries:
        scale, column = scales[one.line.axis], columned[one.index]
        if one.line.draw == "bars" or one.line.stack:
            if one.line.stack:
                _edge(grid, bits, traces.get(one.index, []), ink.of(one.colour))
            continue
        dots = points if one.line.draw == "points" else line_masks
        trace = dots(column, scale.low, scale.high, height)
        traces[one.index] = trace
        _lay(grid, trace, ink.of(one.colour), dashed=one.line.dashed)
    _limits(grid, chart, entries, scales, ink)
    if entries[0].lettered and height >= 4:
        _tag(grid, entries, traces, ink)
    return grid


def _below(
    chart: Chart, line: Line, by_line: dict[Line, int], columned: dict[int, Columns]
) -> Sequence[float | None] | None:
    """The pixel columns of the line down to which an area reaches."""
    if line.below is None or not 0 <= line.below < len(chart.lines):
        return None
    index = by_line.get(chart.lines[line.below])
    return None if index is None else columned[index].high


def _columns(line: Line, values: Sequence[float | None], scale: Scale, chart: Chart, width: int) -> Columns:
    """A line as pixel columns, in the way that it is drawn."""
    times, seen = line.times, scale.every(values)
    if line.draw == "points":
        return sampled(times, seen, chart.start, chart.end, width * 2)
    if line.draw in {"bars", "steps"}:
        found = held(times, seen, chart.start, chart.end, width * 2)
        return parted(found, times, chart.start, chart.end) if line.draw == "bars" else found
    if line.joins_gaps:
        seen = joined_gaps(times, seen)
    return columns(times, seen, chart.start, chart.end, width * 2)


def _strength(entry: Entry, *, alone: bool) -> float:
    """How strongly the area of a line is filled; 0 for a line without one."""
    if entry.line.draw == "bars":
        return 1.0
    least = 0.1 if alone and entry.line.draw == "line" else 0.0
    return max(entry.line.fill, 0.3 if entry.line.stack else least)


def _area(column: Columns, base: Sequence[float | None] | None, scale: Scale, height: int) -> Bits:
    floor = [scale.low] * len(column.high) if scale.log and base is None else base
    return area(column, floor, scale.low, scale.high, height)


def _lay_area(
    grid: list[list[_Cell]], bits: list[list[int]], entry: Entry, masks: Bits, ink: Ink, strength: float
) -> None:
    height = len(grid)
    signs = PLAIN if glyphs().ascii else BRAILLE
    weave = _WEAVES[entry.index % len(_WEAVES)] if entry.line.stack and entry.lettered else 0xFF
    for at, row in enumerate(masks):
        share = (height - 1 - at) / max(1, height - 1)
        paint = ink.of(entry.colour, min(1.0, 0.26 + 0.24 * share + 0.4 * strength))
        for cell, mask in row.items():
            bits[at][cell] |= mask
            grid[at][cell] = _Cell(signs[bits[at][cell] & weave], paint)


def _edge(grid: list[list[_Cell]], bits: list[list[int]], masks: Bits, paint: Style) -> None:
    """The upper edge of a band in its full colour and without its weave, so that bands are told apart."""
    signs = PLAIN if glyphs().ascii else BRAILLE
    above: set[int] = set()
    for at, row in enumerate(masks):
        for cell in row.keys() - above:
            grid[at][cell] = _Cell(signs[bits[at][cell]], paint)
        above |= row.keys()


def _lay(grid: list[list[_Cell]], trace: Bits, paint: Style, *, dashed: bool) -> None:
    """A line over what is there."""
    plain = glyphs().ascii
    for at, row in enumerate(trace):
        for cell, mask in row.items():
            if not dashed or cell % 3 != 2:
                grid[at][cell] = _Cell("o" if plain else BRAILLE[mask], paint)


def _limits(
    grid: list[list[_Cell]], chart: Chart, entries: Sequence[Entry], scales: dict[int, Scale], ink: Ink
) -> None:
    """Thresholds as dashed lines with the sign of what lies above them."""
    if not chart.show_limits:
        return
    scale = scales[entries[0].line.axis]
    for limit in chart.limits:
        value = None if limit.value is None else scale.of(limit.value)
        if value is None or not scale.low <= value <= scale.high:
            continue
        row = grid[row_of(value, scale, len(grid))]
        paint = ink.of(mark_colour(limit.mark, ink.palette), 0.7)
        for at, cell in enumerate(row):
            if cell.char == " ":
                row[at] = _Cell(glyphs().dash, paint)
        row[-1] = _Cell(level_sign(limit.mark.level) or glyphs().dash, paint)


def _tag(grid: list[list[_Cell]], entries: Sequence[Entry], traces: dict[int, Bits], ink: Ink) -> None:
    """Each line's letter on it (in the middle of its band), each at another place."""
    taken: set[tuple[int, int]] = set()
    for place, one in enumerate(entries):
        trace = traces.get(one.index, [])
        cells = sorted({cell for row in trace for cell in row})
        if not cells:
            continue
        start = len(cells) * (place * 2 + 1) // (len(entries) * 2)
        for cell in [*cells[start:], *cells[:start]]:
            rows = [at for at, bits in enumerate(trace) if cell in bits]
            row = rows[len(rows) // 2] if one.line.stack else rows[0]
            if (row, cell) in taken or (row, cell - 1) in taken:
                continue
            taken.add((row, cell))
            grid[row][cell] = _Cell(letter(one.index), ink.of(one.colour, bold=True))
            break
