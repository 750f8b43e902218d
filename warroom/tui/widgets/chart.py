"""A metric as a braille chart: last value, change, area, lines, thresholds and event markers.

Invariant: data that did not change repaints nothing, and data that did repaints only the rows that look different.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, backdrop_of, palette_of, style
from warroom.tui.widgets.chart_data import ChartData, Marker, Series, State, Threshold, is_breached, last_sample
from warroom.tui.widgets.chart_draw import draw, main_colour
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import Span, width_of
from warroom.tui.widgets.pane import Framed
from warroom.tui.widgets.units import shown

__all__ = ["ChartData", "Marker", "MetricChart", "Series", "State", "Threshold"]


_ROOMY = 60
"""From this many cells on the legend has room for each series' last value."""


class MetricChart(Framed):
    """One metric. Give it data with `show`; it has no clock and asks nobody.

    Args of the constructor: `title` shown until data bring their own, `hue` a name of the palette's hues for the
    first series. `rows_drawn` counts the rows put on screen since it was made.
    """

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    DEFAULT_CSS = "MetricChart { padding: 0 1; }"

    def __init__(
        self,
        title: str = "",
        *,
        hue: str = "",
        number: str = "",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(title, number=number, name=name, id=id, classes=classes)
        self.hue = hue
        self.rows_drawn = 0
        self._data = ChartData(title, state="loading")
        self._rows: list[list[Span]] = []
        self._strips: dict[int, Strip] = {}
        self._stale = True
        self._drawn_for = Size(0, 0)
        self._ink: Ink

    @property
    def data(self) -> ChartData:
        """What is shown now."""
        return self._data

    def show(self, data: ChartData) -> None:
        """Show this. Equal data change nothing; else only the rows that look different are repainted."""
        if data is self._data or data == self._data:
            return
        self._data = data
        if not self.is_mounted:
            return
        self.repaint_frame()
        self._redraw()

    def on_resize(self, _event: Resize) -> None:
        self.repaint_frame()

    def repaint_frame(self) -> None:
        if not self.is_mounted:
            return
        if self._data.title:
            self.title_text = self._data.title
        bad = is_breached(self._data) and self._data.state == "ok"
        if bad != self.has_class("-bad"):
            self.set_class(bad, "-bad")
        quiet = self._data.state != "ok"
        if quiet != self.has_class("-quiet"):
            self.set_class(quiet, "-quiet")
        self._subtitle = self._legend()
        super().repaint_frame()

    def title_sign(self, palette: Palette) -> tuple[str, str] | None:
        table, state = glyphs(), self._data.state
        if state == "error":
            return table.cross, palette.bad
        if state == "stale":
            return table.hollow_diamond, palette.warn
        if state != "ok":
            return table.dotted, palette.muted
        return (table.up, palette.bad) if is_breached(self._data) else (table.dot, palette.muted)

    def render_line(self, y: int) -> Strip:
        """One row of the inside; drawn once, then from the cache."""
        if self._stale or self._drawn_for != self._size:
            self._redraw(partly=False)
        found = self._strips.get(y)
        if found is None:
            row = self._rows[y] if y < len(self._rows) else []
            found = self._strips[y] = Strip([Segment(text, paint) for text, paint in row])
            self.rows_drawn += 1
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._stale = True

    def _redraw(self, *, partly: bool = True) -> None:
        """Draw the rows anew; with `partly`, mark those that differ from what was there as to be repainted."""
        width, height = self.size
        before, other = self._rows, self._stale or self._drawn_for != self._size
        if other:
            self._ink = Ink(palette_of(self), backdrop_of(self), self.hue)
            self._stale, self._drawn_for = False, self._size
        self._rows = draw(self._data, width, height, self._ink)
        if other or not partly or len(before) != len(self._rows):
            self._strips.clear()
            if partly:
                self.refresh()
            return
        for at, row in enumerate(self._rows):
            if row != before[at]:
                self._strips.pop(at, None)
                self.refresh(Region(0, at, width, 1))

    def _legend(self) -> list[tuple[str, Style]]:
        """For the frame: which colour is which series, and the thresholds; what does not fit is left out."""
        palette, data = palette_of(self), self._data
        ink, room = Ink(palette, palette.background, self.hue), self.size.width - 2
        limits = [
            f"{one.label or 'limit'} {shown(one.value, data.unit).text.replace(' %', '%')}" for one in data.thresholds
        ]
        line: list[tuple[str, Style]] = [("  ".join(limits), Style.null())] if limits else []
        if len(data.series) < 2:
            return line if width_of(line) <= room else []
        names: list[tuple[str, Style]] = []
        roomy = room >= _ROOMY
        used = main_colour(data, ink)
        for index, series in enumerate(data.series):
            colour = used if index == 0 else palette.hue(series.hue) if series.hue else palette.chart(index)
            if index and colour == used:
                colour = palette.chart(index + 2)
            names += [(glyphs().small_square, style(colour)), (f"{series.label} ", Style.null())]
            last = last_sample(series) if roomy else None
            if last is not None:
                names.append((f"{shown(last[1], data.unit).text}  ", style(palette.soft)))
        both = [*names, (" ", Style.null()), *line] if line else names
        return next((one for one in (both, line, names) if one and width_of(one) <= room), [])
