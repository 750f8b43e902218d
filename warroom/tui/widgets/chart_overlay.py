"""What lies over a chart's plot: the cursor, single points, and clock times under it; and the ink all of it shares.

Invariant: laying something over a plot changes no cell but those it is drawn in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.style import Style

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.braille import pixel, time_cell
from warroom.tui.widgets.chart_data import ChartData
from warroom.tui.widgets.line import Span
from warroom.tui.widgets.units import Axis


@dataclass(frozen=True, slots=True)
class Ink:
    """What a chart is drawn with: the theme's palette, the colour behind it, and an own main colour if any."""

    palette: Palette
    backdrop: str
    hue: str = ""

    def of(self, colour: str, amount: float = 1.0, *, bold: bool = False) -> Style:
        """A style in this colour at some strength over the backdrop."""
        shade = colour if amount >= 1 else self.palette.fade(colour, amount, self.backdrop)
        return style(shade, self.backdrop, bold=bold)


def overlaid(rows: list[list[Span]], data: ChartData, axis: Axis, ink: Ink) -> list[list[Span]]:
    """The plot's rows with the cursor as a line where nothing is drawn, and points as signs over everything."""
    height = len(rows)
    width = sum(len(text) for text, _ in rows[0]) if rows else 0
    column = None if data.cursor is None else time_cell(data.cursor, data.start, data.end, width)
    points: dict[int, set[int]] = {}
    for point in data.points:
        at = time_cell(point.time, data.start, data.end, width)
        if at is not None and point.value == point.value:
            points.setdefault(height - 1 - pixel(point.value, axis.low, axis.high, height * 4) // 4, set()).add(at)
    if column is None and not points:
        return rows
    table, palette = glyphs(), ink.palette
    line, sign = ink.of(palette.text, 0.8), ink.of(palette.hue("amber"), bold=True)
    out = []
    for number, row in enumerate(rows):
        cells = [(char, paint) for text, paint in row for char in text]
        if column is not None:
            char = cells[column][0]
            cells[column] = (table.rail, line) if char == " " else (char, line)
        for at in points.get(number, ()):
            cells[at] = (table.diamond, sign)
        out.append(_runs(cells))
    return out


def _runs(cells: list[tuple[str, Style]]) -> list[Span]:
    out: list[Span] = []
    start = 0
    for at in range(1, len(cells) + 1):
        if at == len(cells) or cells[at][1] is not cells[start][1]:
            out.append(("".join(char for char, _ in cells[start:at]), cells[start][1]))
            start = at
    return out


def clock_labels(data: ChartData, width: int) -> str:
    """Clock times under a plot of `width` cells, the ends first, as many as leave room between them."""
    span = data.end - data.start
    form = "%H:%M:%S" if span < 600 else "%H:%M" if span < 86_400 else "%m-%d %H:%M"
    size = len(datetime.fromtimestamp(data.end, data.zone).strftime(form))
    count = max(2, min(9, width // (size * 2 + 2)))
    line = [" "] * width
    if size > width:
        return "".join(line)
    for place in range(count):
        share = place / (count - 1)
        text = datetime.fromtimestamp(data.start + span * share, data.zone).strftime(form)
        at = min(width - size, max(0, round((width - 1) * share) - size // 2))
        line[at : at + size] = text
    return "".join(line)
