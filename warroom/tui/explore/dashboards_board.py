"""The board of a dashboard's panels as one widget: every panel drawn by rows, kept, and drawn again when it changed.

Invariant: a panel that did not change is not drawn anew, and of one that did only the rows that look different are
painted again.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Focus, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from warroom.tui.dashboards.cells import Rows
from warroom.tui.dashboards.panel import Look, draw_panel, wanted_height
from warroom.tui.dashboards.printed import joined
from warroom.tui.dashboards.sheet import Sheet
from warroom.tui.palette import backdrop_of, palette_of, style
from warroom.tui.widgets.chart_overlay import Ink
from warroom.tui.widgets.line import strip
from warroom.tui.widgets.scrollbar import ThinScrollBar

_Place = tuple[int, int, int, int]


class BoardView(ScrollView, can_focus=True):
    """Shows a sheet. `chosen` is the panel that the keys work on, `zoomed` the one that has all the room.

    `panels_drawn` counts the drawings of panels since it was made.
    """

    DEFAULT_CSS = """
    BoardView {
        width: 1fr; height: 1fr; overflow-x: hidden; overflow-y: scroll;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
        background: $background; color: $foreground;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose_next(-1, 0)", "Panel to the left", show=False),
        Binding("right,l", "choose_next(1, 0)", "Panel to the right", show=False),
        Binding("up,k", "choose_next(0, -1)", "Panel above", show=False),
        Binding("down,j", "choose_next(0, 1)", "Panel below", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "choose_end(0)", "First panel", show=False),
        Binding("end,G", "choose_end(-1)", "Last panel", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Moved(Message):
        """Other panels are in sight, or another one is chosen."""

    class Opened(Message):
        """The reader opened the chosen panel (Enter or a double click)."""

        def __init__(self, key: str) -> None:
            self.key = key
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.sheet: Sheet | None = None
        self.chosen = ""
        self.zoomed = ""
        self.panels_drawn = 0
        self._drawn: dict[str, tuple[object, Rows]] = {}
        self._lines: list[list[str]] = []
        self._strips: dict[int, Strip] = {}
        self._places: dict[str, _Place] = {}
        self._ink: Ink | None = None

    def on_mount(self) -> None:
        self.vertical_scrollbar.renderer = ThinScrollBar  # type: ignore[misc]

    # What is shown

    def show(self, sheet: Sheet | None, chosen: str = "") -> None:
        """Show this sheet, from its beginning."""
        self.sheet, self.chosen, self.zoomed = sheet, chosen, ""
        self._drawn.clear()
        self.scroll_to(0, 0, animate=False)
        self.rebuild()

    def rebuild(self) -> None:
        """Lay all out anew: another width, other folds, other values."""
        sheet, width = self.sheet, self.scrollable_content_region.width
        self._strips.clear()
        self._places, self._lines = {}, []
        if sheet is None or width <= 0:
            self.virtual_size = Size(max(0, width), 0)
            self.refresh()
            return
        if sheet.width != width:
            sheet.place(width)
        if self.zoomed in sheet.keys:
            height = wanted_height(sheet.data(self.zoomed), width, self.size.height)
            self._places = {self.zoomed: (0, 0, width, height)}
        else:
            self.zoomed = ""
            placed = [sheet.placed(key) for key in sheet.keys]
            self._places = {one.key: (one.x, one.y, one.w, one.h) for one in placed}
        self._drawn = {key: kept for key, kept in self._drawn.items() if key in self._places}
        total = max((y + h for _, y, _, h in self._places.values()), default=0)
        self._lines = [[] for _ in range(total)]
        for key, (_, y, _, h) in self._places.items():
            for line in self._lines[y : y + h]:
                line.append(key)
        if self.chosen not in self._places:
            self.chosen = next(iter(self._places), "")
        self.virtual_size = Size(width, total)
        self.refresh()
        self.post_message(self.Moved())

    def in_sight(self) -> list[str]:
        """The panels of which something is on screen."""
        top = self.scroll_offset.y
        bottom = top + self.size.height
        return [key for key, (_, y, _, h) in self._places.items() if y < bottom and y + h > top]

    def changed(self, keys: list[str]) -> None:
        """These panels have other data: paint what looks different of those in sight."""
        seen = set(self.in_sight())
        for key in keys:
            if key not in self._places:
                continue
            if key == self.zoomed:
                _, _, width, height = self._places[key]
                if self.sheet is not None and wanted_height(self.sheet.data(key), width, self.size.height) != height:
                    self.rebuild()
                    continue
            self._redraw(key, painted=key in seen)

    def zoom(self, key: str) -> None:
        """Give one panel all the room; empty gives it back to all."""
        self.zoomed = key
        self.scroll_to(0, 0, animate=False)
        self.rebuild()
        if not key:
            self._reveal()

    # Drawing

    def _look(self, key: str) -> tuple[object, Look]:
        assert self.sheet is not None  # noqa: S101 - tells the type checker; there is no place without one
        sheet = self.sheet
        look = Look(
            zone=sheet.zone,
            chosen=key == self.chosen and self.has_focus,
            waiting=sheet.is_waiting(key),
            rows=sheet.rows(key),
            full=key == self.zoomed,
        )
        _, _, width, height = self._places[key]
        return (sheet.data(key), look, width, height, palette_of(self).name), look

    def _rows(self, key: str) -> Rows:
        token, look = self._look(key)
        kept = self._drawn.get(key)
        if kept is not None and _same(kept[0], token):
            return kept[1]
        assert self.sheet is not None  # noqa: S101 - as above
        if self._ink is None:
            self._ink = Ink(palette_of(self), backdrop_of(self))
        _, _, width, height = self._places[key]
        rows = draw_panel(self.sheet.data(key), width, height, self._ink, look)
        self.panels_drawn += 1
        self._drawn[key] = token, rows
        return rows

    def _redraw(self, key: str, *, painted: bool) -> None:
        """Draw a panel again; its rows that are as before stay on screen."""
        _, y, width, _ = self._places[key]
        before = self._drawn.get(key)
        if not painted:
            self._drawn.pop(key, None)
            for line in range(y, y + self._places[key][3]):
                self._strips.pop(line, None)
            return
        rows = self._rows(key)
        x = self._places[key][0]
        old = before[1] if before is not None else []
        for at, row in enumerate(rows):
            if at >= len(old) or row != old[at]:
                self._strips.pop(y + at, None)
                self.refresh(Region(x, y + at - self.scroll_offset.y, width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the board, from the cache unless a panel on it changed."""
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        found = self._strips.get(line)
        if found is not None and found.cell_length == width:
            return found
        palette = palette_of(self)
        base = style(palette.text, backdrop_of(self))
        if self.sheet is None or not 0 <= line < len(self._lines):
            return strip([], width, base)
        parts = [(self._places[key][0], self._rows(key)[line - self._places[key][1]]) for key in self._lines[line]]
        ink = self._ink or Ink(palette, backdrop_of(self))
        found = self._strips[line] = strip(joined(parts, width, ink), width, base)
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ink = None
        self._drawn.clear()
        self._strips.clear()

    # Moving

    def choose(self, key: str) -> None:
        """Choose a panel and bring it in sight."""
        if key not in self._places or key == self.chosen:
            return
        before, self.chosen = self.chosen, key
        for one in (before, key):
            if one in self._places:
                self._redraw(one, painted=True)
        self._reveal()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        place = self._places.get(self.chosen)
        if place is None:
            return
        _, y, _, h = place
        top, view = self.scroll_offset.y, self.size.height
        if y < top or h >= view:
            self.scroll_to(0, y, animate=False)
        elif y + h > top + view:
            self.scroll_to(0, y + h - view, animate=False)

    def show_below(self, key: str) -> None:
        """Bring what lies under a row in sight, when nothing of it is."""
        place = self._places.get(key)
        if place is not None and place[1] + 6 > self.scroll_offset.y + self.size.height:
            self.call_after_refresh(self.scroll_to, 0, place[1], animate=False)

    def action_choose_next(self, across: int, down: int) -> None:
        """The nearest panel in a direction; a panel alone is scrolled."""
        if self.zoomed or not self._places:
            self.scroll_relative(0, down, animate=False)
            return
        nearest = neighbour(self._places, self.chosen, across, down)
        if nearest:
            self.choose(nearest)
        elif down:
            self.scroll_relative(0, down * 3, animate=False)

    def action_page(self, pages: int) -> None:
        """A screen further; the choice goes with it."""
        self.scroll_relative(0, pages * max(1, self.size.height - 1), animate=False)
        if self.zoomed:
            return
        seen = self.in_sight()
        if seen and self.chosen not in seen:
            before, self.chosen = self.chosen, seen[0] if pages > 0 else seen[-1]
            self.changed([before, self.chosen])
        self.post_message(self.Moved())

    def action_choose_end(self, end: int) -> None:
        """The first panel, or the last."""
        if self.zoomed:
            self.scroll_to(0, 0 if end == 0 else self.virtual_size.height, animate=False)
        elif self._places:
            self.choose(list(self._places)[end])

    def action_open(self) -> None:
        """Open the chosen panel."""
        if self.chosen:
            self.post_message(self.Opened(self.chosen))

    # Events

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    def on_resize(self, _event: Resize) -> None:
        self.rebuild()

    def on_focus(self, _event: Focus) -> None:
        self.changed([self.chosen])

    def on_blur(self, _event: Blur) -> None:
        self.changed([self.chosen])

    def on_click(self, event: Click) -> None:
        line = event.y + self.scroll_offset.y
        if not 0 <= line < len(self._lines):
            return
        for key in self._lines[line]:
            x, _, width, _ = self._places[key]
            if x <= event.x < x + width:
                self.choose(key)
                if event.chain == 2:
                    self.action_open()
                return


def _same(kept: object, now: object) -> bool:
    """Whether a drawing is still right: the data by identity first, since equal data are the same object mostly."""
    return kept is now or kept == now


def neighbour(places: dict[str, _Place], key: str, across: int, down: int) -> str:
    """The nearest panel in a direction: nearest along it first, then the least to the side; empty for none."""
    if key not in places:
        return next(iter(places), "")
    x, y, w, h = places[key]
    best, least = "", (1 << 30, 1 << 30)
    for name, (left, top, wide, high) in places.items():
        if across > 0:
            ahead, beside = left - (x + w), abs(top - y)
            overlaps = top < y + h and top + high > y
        elif across < 0:
            ahead, beside = x - (left + wide), abs(top - y)
            overlaps = top < y + h and top + high > y
        elif down > 0:
            ahead, beside = top - (y + h), abs(left - x)
            overlaps = True
        else:
            ahead, beside = y - (top + high), abs(left - x)
            overlaps = True
        if name != key and ahead >= 0 and overlaps and (ahead, beside) < least:
            best, least = name, (ahead, beside)
    return best
