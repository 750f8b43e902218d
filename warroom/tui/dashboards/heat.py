"""Heatmaps as shaded cells with their scale, histograms as standing bars.

Invariant: total. A cell's density is in its sign as well as in its colour; the scale says what the shades mean.
"""

from __future__ import annotations

import math
from datetime import tzinfo

from rich.cells import cell_len
from rich.style import Style

from warroom.dashboards.data import Heat, Histogram
from warroom.dashboards.units import shown
from warroom.tui.dashboards.cells import Rows, column, filled, fitted, letter, merged, shade, time_axis, worded
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, safe

_STEPS = 12
_LARGEST = 1e308


def draw_heat(body: Heat, width: int, height: int, ink: Ink, zone: tzinfo | None, no_value: str = "No data") -> Rows:
    """The heatmap in `width` x `height` cells, the highest bucket above."""
    if not body.cells or not body.times or height < 1 or width < 4:
        return worded(no_value, width, height, ink)
    scaled = height >= 5
    clocked = height >= 4
    tall = height - scaled - clocked
    groups = _grouped(len(body.cells), tall)
    labels = [safe(body.buckets[group[-1]])[:9] if group and group[-1] < len(body.buckets) else "" for group in groups]
    gutter = max((cell_len(one) for one in labels), default=0) + 1 if width >= 20 else 0
    across = max(1, width - gutter)
    grid = _gathered(body, groups, across)
    most = max((one for row in grid for one in row if one is not None), default=0.0)
    paints = [ink.of(_heat_colour(ink, step / _STEPS), 0.25 + 0.75 * step / _STEPS) for step in range(_STEPS + 1)]
    faint = ink.of(ink.palette.muted)
    rows: Rows = []
    for place in range(len(groups) - 1, -1, -1):
        cells: list[tuple[str, Style]] = []
        for value in grid[place]:
            share = _share(value, most)
            cells.append((shade(share), paints[min(_STEPS, max(0, math.ceil(share * _STEPS)))]))
        every = max(1, len(groups) // max(1, tall // 2))
        label = labels[place] if (len(groups) - 1 - place) % every == 0 else ""
        runs: list[Span] = [(f"{label:>{gutter - 1}} ", faint)] if gutter else []
        rows.append(fitted([*runs, *merged(cells)], width, ink))
    rows = [*filled([], width, tall - len(rows), ink), *rows]
    if clocked:
        rows.append(fitted([(" " * gutter + time_axis(body.start, body.end, across, zone), faint)], width, ink))
    if scaled:
        rows.append(fitted([(" " * gutter, faint), *_scale(most, body.cell_unit, ink)], width, ink))
    return filled(rows, width, height, ink)


def _heat_colour(ink: Ink, share: float) -> str:
    """Cool to hot; the palette's own hues."""
    palette = ink.palette
    return palette.hue("blue" if share < 0.34 else "violet" if share < 0.67 else "orange")


def _share(value: float | None, most: float) -> float:
    """A count on a scale by its root, so that few are still seen beside many."""
    if value is None or not math.isfinite(value) or value <= 0 or most <= 0:
        return 0.0
    return math.sqrt(min(1.0, value / most))


def _grouped(count: int, rows: int) -> list[list[int]]:
    """Buckets by row from below: some share a row where there are more than rows."""
    if rows <= 0:
        return []
    if count <= rows:
        return [[at] for at in range(count) for _ in range(rows // count if count * 2 <= rows and count else 1)]
    return [list(range(count * row // rows, count * (row + 1) // rows)) for row in range(rows)]


def _gathered(body: Heat, groups: list[list[int]], width: int) -> list[list[float | None]]:
    """What falls into each cell: buckets of one row together, of several times the greatest."""
    span = body.end - body.start
    step = min(
        (late - early for early, late in zip(body.times, body.times[1:], strict=False) if late > early), default=0.0
    )
    where: list[tuple[int, int]] = []
    for at in body.times:
        begin = (at - body.start) / span * width if span > 0 else 0.0
        ends = (at + step - body.start) / span * width if span > 0 else 1.0
        first = min(width - 1, max(0, math.floor(begin) if math.isfinite(begin) else 0))
        last = min(width, max(first + 1, round(ends) if math.isfinite(ends) else first + 1))
        where.append((first, last))
    rows: list[list[float | None]] = []
    for group in groups:
        row: list[float | None] = [None] * width
        for at, (first, last) in enumerate(where):
            found = [body.cells[bucket][at] for bucket in group if at < len(body.cells[bucket])]
            kept = [one for one in found if one is not None and math.isfinite(one)]
            if not kept:
                continue
            total = min(sum(kept), _LARGEST)
            for cell in range(first, last):
                before = row[cell]
                row[cell] = total if before is None or total > before else before
        rows.append(row)
    return rows


def _scale(most: float, unit: str, ink: Ink) -> list[Span]:
    steps = (0.1, 0.3, 0.6, 0.85, 1.0)
    line: list[Span] = [("0 ", ink.of(ink.palette.muted))]
    for share in steps:
        line.append((shade(share) * 2, ink.of(_heat_colour(ink, share), 0.25 + 0.75 * share)))
    line.append((f" {shown(most, unit)}", ink.of(ink.palette.muted)))
    return line


def draw_histogram(body: Histogram, width: int, height: int, ink: Ink, no_value: str = "No data") -> Rows:
    """How often which values occurred: a standing bar for each bin, series beside each other where there is room."""
    if not body.bins or not body.names or height < 1 or width < 4:
        return worded(no_value, width, height, ink)
    clocked, legended = height >= 3, height >= 6 and len(body.names) > 1
    tall = height - clocked - legended
    bins = [list(one.counts) for one in body.bins]
    beside = len(body.names) if len(body.names) * len(bins) <= width else 1
    values = bins if beside > 1 else [[sum(counts)] for counts in bins]
    if len(values) > width:
        values = [
            [
                max(
                    one[0]
                    for one in values[
                        len(values) * at // width : max(len(values) * at // width + 1, len(values) * (at + 1) // width)
                    ]
                )
            ]
            for at in range(width)
        ]
    most = max((one for row in values for one in row), default=0.0)
    gutter = len(shown(most)) + 1 if width >= 24 else 0
    wide = max(1, (width - gutter) // (len(values) * beside))
    columns_ = [
        (column(value / most if most > 0 else 0.0, tall), ink.palette.chart(name))
        for row in values
        for name, value in enumerate(row)
    ]
    gap = 1 if wide >= 3 else 0
    faint = ink.of(ink.palette.muted)
    rows: Rows = []
    for at in range(tall):
        label = shown(most) if at == 0 else "0" if at == tall - 1 and tall > 1 else ""
        line: list[Span] = [(f"{label:>{gutter - 1}} ", faint)] if gutter else []
        line += [(signs[at] * (wide - gap) + " " * gap, ink.of(colour)) for signs, colour in columns_]
        rows.append(line)
    if clocked:
        used = wide * len(columns_)
        first, last = safe(body.bins[0].text), shown(body.bins[-1].high, body.unit)
        between = max(1, used - cell_len(first) - cell_len(last))
        rows.append([(" " * gutter + first + " " * between + last, faint)])
    if legended:
        names: list[Span] = []
        for at, name in enumerate(body.names):
            total = sum(one.counts[at] for one in body.bins if at < len(one.counts))
            sign = glyphs().small_square if beside > 1 else letter(at)
            names += [
                (f"{sign} ", ink.of(ink.palette.chart(at))),
                (f"{safe(name)} {shown(total)}  ", ink.of(ink.palette.soft)),
            ]
        rows.append(names)
    return filled(rows, width, height, ink)
