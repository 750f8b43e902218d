"""A strip of bars over the lines: how many of which level came when, with the range's ends and the cursor under it.

Invariant: bars stand on their worst level, so that an error is at the foot of every bar it is in, and the legend
tells each level's total in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from rich.style import Style

from warroom.telemetry.logs import LEVELS, LogLine, Told
from warroom.telemetry.series import Full
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.drawn import Drawn
from warroom.tui.widgets.line import Line, Span, justify, width_of
from warroom.tui.widgets.log_line import clock_text, level_word
from warroom.tui.widgets.log_rows import grouped

WORST_FIRST = ("fatal", "error", "warn", "info", "debug", "trace", "unknown")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LETTERS = {"fatal": "F", "error": "E", "warn": "W", "info": "i", "debug": "d", "trace": "t", "unknown": "."}


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines by level in `steps` equal parts of the time from `start` to `end` (seconds since the epoch)."""

    start: float
    end: float
    steps: int
    levels: Mapping[str, Sequence[float]]

    @property
    def totals(self) -> dict[str, float]:
        """Lines of each level in all, worst level first, without those of none."""
        sums = {level: sum(self.levels.get(level, ())) for level in WORST_FIRST}
        return {level: count for level, count in sums.items() if count}

    def columns(self, width: int) -> dict[str, list[float]]:
        """The counts of each level in `width` columns; a step that lies over several is shared among them."""
        out: dict[str, list[float]] = {}
        for level, values in self.levels.items():
            row = [0.0] * width
            for at, value in enumerate(values):
                if not value:
                    continue
                low, high = at * width / self.steps, (at + 1) * width / self.steps
                first, last = int(low), min(width - 1, max(int(low), int(high - 1e-9)))
                for column in range(first, last + 1):
                    row[column] += value / (last - first + 1)
            out[level] = row
        return out


def counts_of(lines: Iterable[Told], start: float, end: float, steps: int) -> Counts:
    """The counts of these lines themselves."""
    length = max(1e-9, end - start)
    levels: dict[str, list[float]] = {}
    for line in lines:
        at = int((line.ns / 1e9 - start) / length * steps)
        if 0 <= at < steps:
            levels.setdefault(line.level, [0.0] * steps)[at] += 1
    return Counts(start, end, steps, levels)


def counts_from(full: Full, start: float, end: float) -> Counts:
    """The counts that a metric query gave, one series for each level. A sample counts the step before its time."""
    steps = max(1, full.count)
    levels: dict[str, list[float]] = {}
    for series in full.series:
        level = LogLine(0, "", series.labels).level
        row = levels.setdefault(level if level in LEVELS else "unknown", [0.0] * steps)
        for when, value in zip(series.times, series.values, strict=True):
            at = round((when - full.start) / full.step)
            if value and 0 <= at < steps:
                row[at] += value
    return Counts(max(start, full.start - full.step), full.newest if full.count else end, steps, levels)


class CountStrip(Drawn):
    """Bars of `Counts`, an axis with the ends of the range, the cursor, and the legend.

    `cursor` and `mark` are seconds since the epoch: where the reader is, and when the incident began.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._counts: Counts | None = None
        self._cursor: float | None = None
        self._mark: float | None = None
        self._zone: tzinfo = UTC
        self._words = ""
        self.to_zone: Callable[[], tzinfo] = lambda: UTC

    def show(self, counts: Counts | None, *, mark: float | None, zone: tzinfo, words: str = "") -> None:
        """Show these counts; `words` say what they are of."""
        self._counts, self._mark, self._zone, self._words = counts, mark, zone, words
        self.redraw()

    def set_cursor(self, cursor: float | None) -> None:
        """Mark a moment."""
        if cursor != self._cursor:
            self._cursor = cursor
            self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        counts, height = self._counts, self.size.height
        if counts is None or width < 20 or height < 2:
            return [[(f" {self._words}", style(palette.muted))]] if self._words else []
        bars = width - 2
        drawn = _bars(counts.columns(bars), bars, height - 1, palette)
        pad: Span = (" ", Style.null())
        drawn = self._marked(drawn, counts, bars, palette)
        return [*([pad, *row] for row in drawn), [pad, *self._axis(counts, bars, palette)]]

    def _axis(self, counts: Counts, width: int, palette: Palette) -> Line:
        ends = [clock_text(int(at * 1e9), self._zone)[:8] for at in (counts.start, counts.end)]
        legend: list[Span] = []
        for level, count in counts.totals.items():
            piece: list[Span] = [
                (f"{level_word(level)} ", style(level_colour(level, palette), bold=level in ("fatal", "error"))),
                (f"{grouped(round(count))}  ", style(palette.soft)),
            ]
            if width_of(legend) + width_of(piece) + 26 > width:
                break
            legend += piece
        left: list[Span] = [(f"{ends[0]}  ", style(palette.muted)), *legend]
        return justify(left, [(ends[1], style(palette.muted))], width)

    def _marked(self, rows: list[list[Span]], counts: Counts, width: int, palette: Palette) -> list[list[Span]]:
        """The bars with the cursor and the incident's beginning as lines through what is free over them."""
        g = glyphs()
        for at, sign, colour in ((self._mark, g.dash_vertical, palette.accent), (self._cursor, g.rail, palette.text)):
            if at is None or not counts.start <= at <= counts.end:
                continue
            place = min(width - 1, int((at - counts.start) / max(1e-9, counts.end - counts.start) * width))
            rows = [_put(row, place, sign, style(colour, bold=True)) for row in rows]
        return rows


def level_colour(level: str, palette: Palette) -> str:
    """The colour of a level's bars and words."""
    return {
        "fatal": palette.hue("violet"),
        "error": palette.bad,
        "warn": palette.warn,
        "info": palette.hue("blue"),
        "debug": palette.muted,
        "trace": palette.faint,
    }.get(level, palette.muted)


def _put(row: Sequence[Span], place: int, sign: str, paint: Style) -> list[Span]:
    """The row with a sign in place of the cell there, if nothing is in it."""
    cells = [(char, one) for text, one in row for char in text]
    if cells[place : place + 1] and cells[place][0] == " ":
        cells[place] = (sign, paint)
    return _joined(cells)


def _bars(columns: Mapping[str, Sequence[float]], width: int, height: int, palette: Palette) -> list[list[Span]]:
    """Rows of bars from the top down, on the scale of the highest column; each cell in at most two colours."""
    tallest = max((sum(row[at] for row in columns.values()) for at in range(width)), default=0.0)
    if not tallest:
        return [[(" " * width, Style.null())] for _ in range(height)]
    stacks = [_stack(columns, at, height * 8 / tallest) for at in range(width)]
    rows: list[list[Span]] = []
    for row in range(height):
        base, out = (height - 1 - row) * 8, list[Span]()
        for stack in stacks:
            out.append(_cell(stack, base, palette))
        rows.append(_joined(out))
    return rows


def _stack(columns: Mapping[str, Sequence[float]], at: int, scale: float) -> list[tuple[int, str]]:
    """The tops of the levels in one column in eighths of a cell, worst at the foot; what is there is at least one."""
    tops, height, used = list[tuple[int, str]](), 0.0, 0
    for level in WORST_FIRST:
        count = columns.get(level, ())[at : at + 1]
        if count and count[0] > 0:
            height += count[0] * scale
            used = max(used + 1, round(height))
            tops.append((used, level))
    return tops


def _cell(stack: Sequence[tuple[int, str]], base: int, palette: Palette) -> Span:
    inside = [(min(top - base, 8), level) for top, level in stack if top > base]
    if not inside:
        return (" ", Style.null())
    height, level = inside[0]
    if glyphs().ascii:
        filled = inside[-1][0]
        return (_LETTERS[level] if filled >= 4 or height else " ", style(level_colour(level, palette)))
    if height >= 8 or len(inside) == 1:
        return (_EIGHTHS[max(1, height)], style(level_colour(level, palette)))
    above = inside[1]
    # A cell has two colours: the foot, and what fills most of the rest if that reaches the top.
    if palette.ansi or inside[-1][0] < 8:
        tall, name = max(((inside[-1][0], level), *inside[1:]), key=lambda one: one[0])
        return (_EIGHTHS[max(1, tall)], style(level_colour(level if height * 2 >= tall else name, palette)))
    return (_EIGHTHS[max(1, height)], style(level_colour(level, palette), level_colour(above[1], palette)))


def _joined(cells: Sequence[Span]) -> list[Span]:
    out: list[Span] = []
    for text, paint in cells:
        if out and out[-1][1] == paint:
            out[-1] = (out[-1][0] + text, paint)
        else:
            out.append((text, paint))
    return out
