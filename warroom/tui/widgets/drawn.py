"""A frameless widget that draws its own rows: the header, strips of tabs, hints and notices stand on it.

Invariant: rows that look the same as before are not repainted.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from warroom.tui.palette import Palette, backdrop_of, palette_of, style
from warroom.tui.widgets.line import Line, Span, strip


class Drawn(Widget):
    """A widget of rows of runs. Subclasses say in `rows` what is on them and call `redraw` when that changed."""

    DEFAULT_CSS = "Drawn { height: 1; width: 1fr; text-wrap: nowrap; }"

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._lines: list[list[Span]] = []
        self._strips: dict[int, Strip] = {}
        self._key: object = None
        self._backdrop = ""

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """The rows to draw, none unless a subclass says so; fewer than the widget is high leave the rest blank."""
        return ()

    def redraw(self) -> None:
        """Draw anew; only rows that look different are repainted."""
        if not self.is_mounted or not self.size.width:
            # Hidden: what is cached is out of date when it comes back at the size it had.
            self._key = None
            return
        width, height = self.size
        before, key = self._lines, self._draw_key()
        self._lines = [list(row) for row in self.rows(width, palette_of(self))][:height]
        if key != self._key or len(before) != len(self._lines):
            self._strips.clear()
            self._key = key
            self._backdrop = backdrop_of(self)
            self.refresh()
            return
        for at, row in enumerate(self._lines):
            if row != before[at]:
                self._strips.pop(at, None)
                self.refresh(Region(0, at, width, 1))

    def render_line(self, y: int) -> Strip:
        """One row, from the cache unless it changed."""
        width, height = self.size
        key = self._draw_key()
        if key != self._key:
            self._lines = [list(row) for row in self.rows(width, palette_of(self))][:height]
            self._strips.clear()
            self._key = key
            self._backdrop = backdrop_of(self)
        found = self._strips.get(y)
        if found is None:
            base = style(palette_of(self).text, self._backdrop)
            line = self._lines[y] if y < len(self._lines) else []
            found = self._strips[y] = strip(line, width, base)
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._key = None

    def _draw_key(self) -> object:
        return self.size, palette_of(self).name

    def on_resize(self, _event: Resize) -> None:
        self._key = None
