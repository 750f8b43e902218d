"""The legend of a chart: which line is which, and the numbers that its author wanted beside the names.

Invariant: a line is known by its letter as well as by its colour; what does not fit is counted, never silently gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warroom.dashboards.data import Chart, Line
from warroom.dashboards.units import shown
from warroom.tui.dashboards.cells import letter, level_sign, mark_colour
from warroom.tui.glyphs import glyphs
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Line as Runs
from warroom.tui.widgets.line import Span, crop, safe, width_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One line with its place in the chart, its colour, and whether its letter stands on the plot."""

    line: Line
    index: int
    colour: str
    lettered: bool

    def sign(self, ink: Ink) -> Span:
        """Its letter, or a square where there are too many lines for letters."""
        return (letter(self.index) if self.lettered else glyphs().small_square, ink.of(self.colour, bold=True))


def last_text(line: Line) -> str:
    """The newest value in its unit."""
    value = next((one for one in reversed(line.values) if one is not None), None)
    return shown(value, line.unit, line.decimals)


def legend_rows(
    chart: Chart, entries: Sequence[Entry], width: int, most: int, ink: Ink, undrawn: int = 0
) -> list[list[Span]]:
    """At most `most` rows of `width` cells; `undrawn` lines are counted among those that have no room."""
    listed = [one for one in entries if one.line.in_legend]
    if most <= 0 or width < 8 or not chart.legend or not listed:
        return []
    if chart.legend == "table" and most >= 3 and any(one.line.legend for one in listed) and width >= 30:
        return _table(listed, width, most, ink, undrawn)
    if chart.legend_side == "right" and most > 4:
        return _down(listed, width, most, ink, undrawn)
    return _flowing(listed, width, most, ink, undrawn)


def _values(entry: Entry, ink: Ink) -> list[Span]:
    """The numbers of an entry: the author's, or its newest."""
    readings = entry.line.legend
    if not readings:
        return [(f" {last_text(entry.line)}", ink.of(ink.palette.text))]
    out: list[Span] = []
    for one in readings:
        sign = level_sign(one.mark.level)
        if len(readings) > 1:
            out.append((f" {one.name}", ink.of(ink.palette.muted)))
        colour = mark_colour(one.mark, ink.palette) if one.mark.level else ink.palette.text
        out.append((f" {sign}{one.text}", ink.of(colour)))
    return out


def _entry(entry: Entry, ink: Ink, *, values: bool) -> list[Span]:
    named: list[Span] = [entry.sign(ink), (f" {safe(entry.line.name)}", ink.of(ink.palette.soft))]
    return [*named, *_values(entry, ink)] if values else named


def _flowing(entries: Sequence[Entry], width: int, most: int, ink: Ink, undrawn: int) -> list[list[Span]]:
    """Entries one after the other; without their numbers when there is no room for all."""
    for values in (True, False):
        rows, left = _packed(entries, width, most, ink, values=values)
        if not left or not values:
            break
    if left + undrawn:
        more: Span = (f" +{left + undrawn}", ink.of(ink.palette.muted))
        rows[-1] = [*crop(rows[-1], width - width_of([more])), more]
    return rows


def _packed(entries: Sequence[Entry], width: int, most: int, ink: Ink, *, values: bool) -> tuple[list[list[Span]], int]:
    rows: list[list[Span]] = [[]]
    for place, one in enumerate(entries):
        runs = crop(_entry(one, ink, values=values), width)
        used = width_of(rows[-1])
        if used and used + 2 + width_of(runs) > width:
            if len(rows) == most:
                return rows, len(entries) - place
            rows.append([])
        elif used:
            rows[-1].append(("  ", ink.of(ink.palette.text)))
        rows[-1] += runs
    return rows, 0


def _down(entries: Sequence[Entry], width: int, most: int, ink: Ink, undrawn: int) -> list[list[Span]]:
    """One below the other, numbers at the right."""
    kept = entries if len(entries) + bool(undrawn) <= most else entries[: most - 1]
    rows = [_sided(_entry(one, ink, values=False), _values(one, ink)[-1:], width, ink) for one in kept]
    left = len(entries) - len(kept) + undrawn
    if left:
        rows.append([(f"+{left} more", ink.of(ink.palette.muted))])
    return rows


def _sided(left: Runs, right: Runs, width: int, ink: Ink) -> list[Span]:
    room = width - width_of(right)
    if room < 6:
        return crop([*left, *right], width)
    shown_left = crop(left, room)
    return [*shown_left, (" " * (room - width_of(shown_left)), ink.of(ink.palette.text)), *right]


def _table(entries: Sequence[Entry], width: int, most: int, ink: Ink, undrawn: int) -> list[list[Span]]:
    """Names at the left, a column for each number at the right; columns that do not fit are left out."""
    palette = ink.palette
    names = [one.name for one in max((entry.line.legend for entry in entries), key=len)]
    texts = [
        [one.text for one in entry.line.legend] + [""] * (len(names) - len(entry.line.legend)) for entry in entries
    ]
    widths = [max(len(name), *(len(row[at]) for row in texts)) + 2 for at, name in enumerate(names)]
    count = len(names)
    while count > 1 and sum(widths[:count]) > width * 0.7:
        count -= 1
    room = max(6, width - sum(widths[:count]))
    heads = "".join(f"{name:>{size}}" for name, size in zip(names[:count], widths, strict=False))
    rows: list[list[Span]] = [[(f"{'':{room}}{heads}", ink.of(palette.muted))]]
    kept = entries if len(entries) + bool(undrawn) < most else entries[: most - 2]
    for entry, row in zip(kept, texts, strict=False):
        cells = "".join(f"{text:>{size}}" for text, size in zip(row[:count], widths, strict=False))
        rows.append(_sided(_entry(entry, ink, values=False), [(cells, ink.of(palette.text))], width, ink))
    left = len(entries) - len(kept) + undrawn
    if left:
        rows.append([(f"+{left} more", ink.of(palette.muted))])
    return rows
