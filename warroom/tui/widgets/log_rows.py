"""The mechanics under a pane of log lines: numbers to rows, the view held on a number, strips drawn once.

Invariant: between two takings-over the rows stand for the same numbers, whatever the tail does meanwhile; no paint
costs more than the rows in view.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from math import ceil

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from warroom.telemetry.logs import LogLine, Told
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, backdrop_of, palette_of, style
from warroom.tui.widgets.line import strip
from warroom.tui.widgets.log_filter import LineFilter, LineIndex
from warroom.tui.widgets.log_line import Columns, plain_row, quick_strip, row_of
from warroom.tui.widgets.log_lines import LogLines
from warroom.tui.widgets.pane import Framed

_CACHED_STRIPS = 1024


class LogRows(Framed, ScrollView):
    """A view over `LogLines` without a reader. `lines_painted` and `rows_drawn` count since it was made."""

    DEFAULT_CSS = """
    LogRows {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """

    def __init__(self, title: str, *, empty: str, id: str | None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self.lines = LogLines()
        self.keep: LineFilter | None = None
        self.index: LineIndex | None = None
        self.hiding = False
        self.zone: tzinfo = UTC
        self.dated = False
        self.quick = False
        """Whether lines come faster than anybody reads: then the parts of a message are not told apart."""
        self.rows_drawn = self.lines_painted = 0
        self._empty = empty
        self._known = (0, 0, 0)
        self._first = self._end = 0
        self._width = 0
        self._sized = Size(0, 0)
        self._top: int | None = None
        self._last_at_end = True
        self._selected: int | None = None
        self._selected_line: LogLine | None = None
        self._strips: OrderedDict[tuple[int, int], tuple[LogLine, Strip]] = OrderedDict()
        self._look: tuple[object, ...] = ()
        self._dressed: tuple[Palette, str] | None = None
        self._seen: dict[int, tuple[int, int] | None] = {}
        self._quiet = False
        self._bar_look = (0, 0, 0)

    # Numbers and positions

    @property
    def count(self) -> int:
        """How many rows there are."""
        if self.hiding and self.index is not None:
            return len(self.index)
        return self._end - self._first

    def number_at(self, at: int) -> int | None:
        """The number of the line at a position; None beyond the last."""
        if not 0 <= at < self.count:
            return None
        return self.index.number(at) if self.hiding and self.index is not None else self._first + at

    def position_of(self, number: int) -> int:
        """The position of a number, or of the nearest there is."""
        at = self.index.position(number) if self.hiding and self.index is not None else number - self._first
        return max(0, min(at, self.count - 1))

    @property
    def selected_number(self) -> int | None:
        """The number of the selected line, None before one was selected."""
        return self._selected

    @property
    def selected_line(self) -> LogLine | None:
        """The selected line, also when the ring has given it up meanwhile."""
        return self._selected_line

    @property
    def selected_text(self) -> str:
        """The selected line for the clipboard, whole."""
        return "" if self._selected_line is None else plain_row(self._selected_line, self.zone)

    def in_view(self) -> list[LogLine]:
        """The lines in view, from the top."""
        numbers = (self.number_at(at) for at in range(self.scroll_offset.y, self.scroll_offset.y + self.size.height))
        found = (None if number is None else self.lines.line(number) for number in numbers)
        return [line for line in found if line is not None]

    def shown_around(self, number: int, before: int, after: int) -> list[LogLine]:
        """The lines that pass around one of them, it included."""
        at = self.position_of(number)
        numbers = [self.number_at(one) for one in range(max(0, at - before), at + after + 1)]
        found = [None if one is None else self.lines.line(one) for one in numbers]
        return [line for line in found if line is not None]

    def from_here(self) -> int:
        """The position of the selected line, else of the one at the top."""
        if self._selected is not None:
            return self.position_of(self._selected)
        return self.scroll_offset.y

    def walk(self, at: int, way: int) -> Iterator[tuple[int, Told]]:
        """Numbers and words of the lines behind a position, or before it, one after the other."""
        if self.hiding and self.index is not None:
            for one in range(at + 1, len(self.index)) if way > 0 else range(at - 1, -1, -1):
                number = self.index.number(one)
                line = self.lines.line(number)
                if line is not None:
                    yield number, line
            return
        number = self._first + at
        yield from self.lines.glances(*((number + 1, self._end) if way > 0 else (self._first, number)), way)

    def set_empty(self, words: str) -> None:
        """What is said while there is no line."""
        if words != self._empty:
            self._empty = words
            if not self.count:
                self._seen.clear()
                self.refresh()

    def set_zone(self, zone: tzinfo, *, dated: bool = False) -> None:
        """How times are told; `dated` puts the day before them."""
        if (zone, dated) != (self.zone, self.dated):
            self.zone, self.dated = zone, dated
            self._strips.clear()
            self._seen.clear()
            self.refresh()

    # Drawing

    def _mark(self, number: int) -> int:
        if number != self._selected:
            return 0
        return 2 if self.has_focus else 1

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the view; what it looks like is asked once for all of them."""
        self._dressed = palette_of(self), backdrop_of(self)
        try:
            return super().render_lines(crop)
        finally:
            self._dressed = None

    def render_line(self, y: int) -> Strip:
        """One screen line, from the cache where it was drawn before."""
        self.lines_painted += 1
        number = self.number_at(self.scroll_offset.y + y)
        self._seen[y] = due = None if number is None else (number, self._mark(number))
        if due is not None:
            line = self.lines.line(due[0])
            if line is not None:
                return self._strip(line, *due)
        palette, behind = self._dressed or (palette_of(self), backdrop_of(self))
        base = style(palette.muted, behind)
        return strip([(f" {self._empty}" if y == 0 and not self.count else "", base)], max(1, self._width), base)

    def _strip(self, line: LogLine, number: int, mark: int) -> Strip:
        palette, behind = self._dressed or (palette_of(self), backdrop_of(self))
        look = (palette.name, behind, self._width)
        if look != self._look:
            self._look = look
            self._strips.clear()
        found = self._strips.get((number, mark))
        if found is not None and found[0] == line:
            self._strips.move_to_end((number, mark))
            return found[1]
        self.rows_drawn += 1
        columns = Columns(max(1, self._width - 1), self.zone, self.dated)
        if self.quick and not mark and self.keep is None:
            quick = quick_strip(line, columns, palette, behind)
            if quick is not None:
                return quick  # gone before it could come from the cache
        sign: tuple[str, Style] = (" ", Style.null())
        if mark:
            sign = (glyphs().cursor, style(palette.accent if mark == 2 else palette.faint))
        words = () if self.keep is None else self.keep.words
        over = palette.selected(behind) if mark == 2 else None
        made = strip([sign, *row_of(line, columns, palette, words)], self._width, style(palette.text, behind), over)
        self._strips[number, mark] = (line, made)
        if len(self._strips) > _CACHED_STRIPS:
            self._strips.popitem(last=False)
        return made

    def refresh_changed(self) -> None:
        """Mark the screen lines that show something else now as to be painted."""
        width, height = self.size
        top, dirty = self.scroll_offset.y, list[int]()
        for y in range(height):
            number = self.number_at(top + y)
            due = None if number is None else (number, self._mark(number))
            if y not in self._seen or self._seen[y] != due or (due is None and y == 0):
                dirty.append(y)
        if len(dirty) > height // 2:
            self.refresh(Region(0, 0, width, height))
        elif dirty:
            self.refresh(*(Region(0, y, width, 1) for y in dirty))

    # The view

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """While the list itself moves the view, a scroll is not the reader's."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def resize_virtual(self) -> None:
        """Tell Textual the number of lines, without its relayout of the whole screen."""
        size = Size(self._width, self.count)
        if size != self.virtual_size:
            with self._changing():
                self.set_reactive(Widget.virtual_size, size)
                if self.show_vertical_scrollbar:
                    self.vertical_scrollbar.set_reactive(ScrollBar.window_virtual_size, size.height)

    def jump(self, line: int) -> None:
        """Put a position at the top, as far as there are lines; the reader did not scroll."""
        target = max(0, min(line, self.count - self.size.height))
        if target != self.scroll_offset.y or self.scroll_y != self.scroll_target_y:
            self.set_reactive(Widget.scroll_y, float(target))
            self.set_reactive(Widget.scroll_target_y, float(target))
        self._place_bar(target)
        self.note_top()

    def _place_bar(self, target: int) -> None:
        """Move the scrollbar; painted only when it looks different, for it is as many lines as the list."""
        if not self.show_vertical_scrollbar:
            return
        bar, height, count = self.vertical_scrollbar, self.size.height, self.count
        bar.set_reactive(ScrollBar.position, target)
        thumb = max(1, ceil(height * height / count)) if count > height else 0
        look = (height, thumb, round((height - thumb) * target / max(1, count - height)))
        if look != self._bar_look:
            self._bar_look = look
            bar.set_reactive(ScrollBar.window_size, height)
            bar.refresh()

    def note_top(self) -> None:
        """Remember the line that is at the top now."""
        self._top = self.number_at(self.scroll_offset.y)
        self._last_at_end = self.at_end()

    def restore(self) -> None:
        """Put the line that was at the top back there, or the oldest there is when it is gone."""
        top = self._top
        if top is not None and self.count:
            self.jump(self.position_of(top))
        else:
            self.to_end()

    def to_end(self) -> None:
        """Put the last line at the bottom."""
        self.jump(self.count)

    def reveal(self, at: int) -> None:
        """Scroll as little as needed to have a position in view."""
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if at < top:
            self.jump(at)
        elif at >= top + height:
            self.jump(at - height + 1)
        else:
            self.note_top()

    def at_end(self) -> bool:
        """Whether the last line is in view."""
        return self.scroll_offset.y >= self.count - self.size.height


class LogRate:
    """How many lines a second come, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self.words = ""
        self.each_second = 0.0

    def count(self, end: int) -> bool:
        """Note how many there were by now. Returns whether the words changed."""
        now = time.monotonic()
        self._seen.append((now, end))
        while now - self._seen[0][0] > 3.0:
            self._seen.popleft()
        first, before = self._seen[0]
        if now - first < 0.9:
            return False
        self.each_second = (end - before) / (now - first)
        words = f"{_rate(self.each_second)} lines/s"
        changed, self.words = words != self.words, words
        return changed


def _rate(each_second: float) -> str:
    if each_second >= 1000:
        return f"{each_second / 1000:.1f}k"
    return f"{each_second:.0f}" if each_second >= 10 or not each_second else f"{each_second:.1f}"


def grouped(count: int) -> str:
    """A count with its thousands apart: `3 412`."""
    return f"{count:,}".replace(",", " ")
