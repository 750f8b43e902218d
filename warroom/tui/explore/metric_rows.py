"""The series under a chart of metrics, one line each: which, its value at the cursor or last, and how it went.

Invariant: numbers that do not exist are told as a dash, never as a zero.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rich.style import Style

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.chart_data import Series, last_sample, value_at
from warroom.tui.widgets.line import Line, Span, crop, justify, safe, width_of
from warroom.tui.widgets.units import shown


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series: `place` is its colour in the chart, `query` the letter of the query it came from."""

    key: str
    series: Series
    place: int
    query: str
    numbers: tuple[float | None, float | None, float | None, float | None]
    """The value at the cursor (or the last), then least, most and mean of the range."""

    @property
    def words(self) -> str:
        """For copying."""
        return self.series.label


def rows_of(series: Sequence[tuple[str, Series]], cursor: float | None) -> list[SeriesRow]:
    """The rows for (query letter, series)."""
    return [
        SeriesRow(f"{letter} {one.label} {place}", one, place, letter, _numbers(one, cursor))
        for place, (letter, one) in enumerate(series)
    ]


def _numbers(series: Series, cursor: float | None) -> tuple[float | None, float | None, float | None, float | None]:
    known = [value for value in series.values if value is not None and math.isfinite(value)]
    last = last_sample(series)
    now = value_at(series, cursor) if cursor is not None else None if last is None else last[1]
    if not known:
        return now, None, None, None
    return now, min(known), max(known), math.fsum(known) / len(known)


class SeriesTable:
    """The rows as a list; with `sparks` each has a small picture of its course."""

    row_lines: int | None = 1

    def __init__(self, rows: Sequence[SeriesRow], unit: str, *, sparks: bool, several: bool, at_cursor: bool) -> None:
        self.rows, self._unit, self._sparks, self._several = rows, unit, sparks, several
        self._now = "cursor" if at_cursor else "last"

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> SeriesRow:
        return self.rows[index]

    def key(self, row: SeriesRow) -> Hashable:
        return row.key

    def heading(self, width: int, palette: Palette) -> Line:
        """What the columns are."""
        right = "".join(f"{name:>{_COLUMN}}" for name in self._columns(width))
        return justify([("  series", style(palette.muted))], [(right, style(palette.muted))], width)

    def _columns(self, width: int) -> tuple[str, ...]:
        names = (self._now, "least", "most", "mean")
        return names[: 1 if width < 60 else 3 if width < 100 else 4]

    def render(self, row: SeriesRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Colour and name at the left, the numbers at the right."""
        table = glyphs()
        name: list[Span] = [(f"{table.square} ", style(palette.chart(row.place), bold=True))]
        if self._several:
            name.append((f"{row.query} ", style(palette.muted)))
        name.append((safe(row.series.label), style(palette.text)))
        numbers: list[Span] = []
        for place, value in enumerate(row.numbers[: len(self._columns(width))]):
            text = table.rule if value is None else shown(value, self._unit).text
            paint = style(palette.text, bold=True) if place == 0 else style(palette.soft)
            numbers.append((f"{text:>{_COLUMN}}", paint))
        if self._sparks:
            room = max(8, width - width_of(numbers) - max(20, width // 3))
            label = crop(name, width - width_of(numbers) - room - 1)
            pad = width - width_of(numbers) - room - width_of(label)
            return [[*label, (" " * pad, Style.null()), *_spark(row.series, room, palette.chart(row.place)), *numbers]]
        return [justify(name, numbers, width)]


_COLUMN = 12


def _spark(series: Series, width: int, colour: str) -> Line:
    """The course in one row of blocks, peaks kept; gaps are blank."""
    signs = glyphs().spark
    cells: list[float | None] = [None] * width
    count = len(series.values)
    for at, value in enumerate(series.values):
        if value is not None and math.isfinite(value):
            cell = min(width - 1, at * width // max(1, count))
            before = cells[cell]
            cells[cell] = value if before is None else max(before, value)
    known = [value for value in cells if value is not None]
    if not known:
        return [(" " * width, Style.null())]
    low, high = min(0.0, *known), max(known)
    scale = (len(signs) - 1) / (high - low) if high > low else 0.0
    text = "".join(" " if value is None else signs[round((value - low) * scale)] for value in cells)
    return [(text, style(colour))]
