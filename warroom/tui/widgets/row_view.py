"""The mechanics under a list: rows to lines, the view held on a row, and repainting only what looks different.

Invariant: what is read does not move. The view holds on to the row at its top by key; rows whose height becomes
known above it shift the scroll position, not the picture. No frame costs O(n).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, backdrop_of, palette_of, style
from warroom.tui.widgets.heights import Heights
from warroom.tui.widgets.line import strip
from warroom.tui.widgets.pane import Framed
from warroom.tui.widgets.row_source import Rows, RowSource, SeenLine

_CACHED_ROWS = 1024


class RowView(Framed, ScrollView):
    """A view over a `RowSource` without a reader: no keys, no messages. `RowList` adds those.

    `rows_rendered` counts the rows the source drew, `lines_painted` the lines put on screen, since it was made.
    """

    DEFAULT_CSS = """
    RowView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """

    def __init__(
        self,
        title: str,
        *,
        number: str,
        source: RowSource | None,
        empty: str,
        name: str | None,
        id: str | None,  # noqa: A002 - Textual's own name
        classes: str | None,
    ) -> None:
        super().__init__(title, number=number, name=name, id=id, classes=classes)
        self._source: RowSource = source if source is not None else Rows((), hash, lambda *_: [()])
        self._empty = empty
        self._filter: Callable[[Any], bool] | None = None
        self._index: list[int] | None = None
        self._known = 0
        self._ends: tuple[Hashable, Hashable] | None = None
        self._heights = Heights()
        self._width = 0
        self._top: tuple[Hashable, int, int] | None = None
        self._selected: Hashable | None = None
        self._selected_at = 0
        self._strips: OrderedDict[Hashable, tuple[Any, list[Strip]]] = OrderedDict()
        self._seen: dict[int, SeenLine | None] = {}
        self._quiet = False
        self._low = self._says_empty = False
        self.rows_rendered = 0
        self.lines_painted = 0

    @property
    def source(self) -> RowSource:
        """The source in use."""
        return self._source

    @property
    def count(self) -> int:
        """How many rows pass the filter."""
        return len(self._heights)

    @property
    def lift(self) -> int:
        """How many lines are left free over the first row of a list that sits at the bottom of its pane."""
        return max(0, self.size.height - self._heights.total) if self._low and self.count else 0

    # Rows and their places

    def row_at(self, at: int) -> Any:
        """The row at a position among those that pass the filter."""
        return self._source.row(at if self._index is None else self._index[at])

    def _reindex(self) -> None:
        """Bring the filter's index and the heights up to date; cheap when rows were only added at the end."""
        source, size = self._source, len(self._source)
        grown = (
            self._ends is not None
            and 0 < self._known <= size
            and source.key(source.row(0)) == self._ends[0]
            and source.key(source.row(self._known - 1)) == self._ends[1]
        )
        start = self._known if grown else 0
        if not grown:
            self._index = None if self._filter is None else []
            self._heights = Heights()
        if self._filter is None or self._index is None:
            self._heights.append(size - start)
        else:
            keep, row = self._filter, source.row
            # A source that can be walked whole is several times faster that way than asked for each row.
            walk = iter(source) if start == 0 and isinstance(source, Iterable) else map(row, range(start, size))
            added = [at for at, one in enumerate(walk, start) if keep(one)]
            self._index.extend(added)
            self._heights.append(len(added))
        self._known = size
        self._ends = (source.key(source.row(0)), source.key(source.row(size - 1))) if size else None

    def locate(self, key: Hashable | None, near: int = 0) -> int | None:
        """The position of a key, looked for first where it was (`near`), else everywhere; None if it is gone."""
        if key is None:
            return None
        size, find = self.count, self._source.key
        if near < size and find(self.row_at(near)) == key:
            return near
        return next((at for at in range(size) if find(self.row_at(at)) == key), None)

    # Drawing

    def _mark(self, key: Hashable) -> int:
        if self._selected is None or key != self._selected:
            return 0
        return 2 if self.has_focus else 1

    def _lines(self, at: int) -> list[Strip]:
        """The strips of the row at a position, drawn or from the cache."""
        row = self.row_at(at)
        key, palette = self._source.key(row), palette_of(self)
        mark = self._mark(key)
        slot = (key, self._width, mark, palette.name)
        found = self._strips.get(slot)
        if found is not None and found[0] is row:
            self._strips.move_to_end(slot)
            return found[1]
        strips = self._draw(row, mark, palette)
        self._strips[slot] = (row, strips)
        if len(self._strips) > _CACHED_ROWS:
            self._strips.popitem(last=False)
        return strips

    def _draw(self, row: Any, mark: int, palette: Palette) -> list[Strip]:
        self.rows_rendered += 1
        behind = backdrop_of(self)
        base = style(palette.text, behind)
        over = palette.selected(behind) if mark == 2 else None
        sign: tuple[str, Style] = (" ", Style.null())
        if mark:
            sign = (glyphs().cursor, style(palette.accent if mark == 2 else palette.faint))
        lines = list(self._source.render(row, max(1, self._width - 1), mark == 2, palette)) or [()]
        fixed = self._source.row_lines
        if fixed is not None:
            lines = [*lines, *([()] * fixed)][:fixed]
        return [strip([sign, *line], self._width, base, over) for line in lines]

    def render_line(self, y: int) -> Strip:
        """One screen line, from the cache where the row was drawn before."""
        self.lines_painted += 1
        self._seen[y] = self._due(y)
        palette, line = palette_of(self), self.scroll_offset.y + y - self.lift
        if 0 <= line < self._heights.total:
            at, inside = self._heights.find(line)
            strips = self._lines(at)
            if inside < len(strips):
                return strips[inside]
        base = style(palette.muted, backdrop_of(self))
        text = f" {self._empty}" if y == 0 and not self.count else ""
        self._says_empty = bool(text) or (self._says_empty and y > 0)
        return strip([(text, base)], max(1, self._width), base)

    def _due(self, y: int) -> SeenLine | None:
        """What a screen line ought to show now."""
        line = self.scroll_offset.y + y - self.lift
        if not 0 <= line < self._heights.total:
            return None
        at, inside = self._heights.find(line)
        row = self.row_at(at)
        return SeenLine(row, inside, self._mark(self._source.key(row)))

    def _refresh_changed(self) -> None:
        """Mark the screen lines that look different from what is on screen as to be painted."""
        width = self.size.width
        for y in range(self.size.height):
            before, now = self._seen.get(y), self._due(y)
            if now is None and before is None and (y or bool(self.count) != self._says_empty) and y in self._seen:
                continue
            if now is None or not now.same(before):
                self.refresh(Region(0, y, width, 1))

    # The view

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """While the list itself moves the view, a scroll is not the reader's."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _resize_virtual(self) -> None:
        """Tell Textual the number of lines, without its relayout of the whole screen."""
        size = Size(self._width, self._heights.total)
        if size != self.virtual_size:
            with self._changing():
                self.set_reactive(Widget.virtual_size, size)
                self._scroll_update(size)

    def _jump(self, line: int) -> None:
        """Put a line at the top, as far as there are lines; the reader did not scroll."""
        target = max(0, min(line, self._heights.total - self.size.height))
        if target == self.scroll_offset.y and self.scroll_y == self.scroll_target_y:
            return
        self.set_reactive(Widget.scroll_y, float(target))
        self.set_reactive(Widget.scroll_target_y, float(target))
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = target

    def _measure(self, at: int) -> int:
        lines = len(self._lines(at))
        self._heights.set(at, lines)
        return lines

    def _settle(self) -> None:
        """Measure the rows in view and a page around them without moving the picture; note the row at the top."""
        if not self.count or not self._width:
            self._resize_virtual()
            return
        height = max(1, self.size.height)
        top, inside = self._heights.find(self.scroll_offset.y)
        if self._source.row_lines != 1:
            at, room = top, 2 * height + inside
            while at < self.count and room > 0:
                room -= self._measure(at)
                at += 1
            at, room = top - 1, height
            while at >= 0 and room > 0:
                room -= self._measure(at)
                at -= 1
            inside = min(inside, self._heights[top] - 1)
            self._resize_virtual()
            self._jump(self._heights.offset(top) + inside)
        else:
            self._resize_virtual()
        top, inside = self._heights.find(self.scroll_offset.y)
        self._top = (self._source.key(self.row_at(top)), inside, top)

    def _restore(self) -> None:
        """After rows changed: put the row that was at the top back there."""
        self._resize_virtual()
        if self._top is None:
            return
        key, inside, near = self._top
        at = self.locate(key, near)
        if at is not None:
            self._measure(at)
            self._resize_virtual()
            self._jump(self._heights.offset(at) + min(inside, self._heights[at] - 1))

    def _to_end(self) -> None:
        """Put the last line at the bottom; the rows above it are measured from the end up."""
        if self._source.row_lines != 1:
            at, room = self.count, 2 * max(1, self.size.height)
            while at > 0 and room > 0:
                at -= 1
                room -= self._measure(at)
        self._resize_virtual()
        self._jump(self._heights.total)

    def _reveal(self, at: int) -> None:
        """Scroll as little as needed to have all lines of a row in view."""
        self._measure(at)
        self._resize_virtual()
        first, height = self._heights.offset(at), max(1, self.size.height)
        last, top = first + self._heights[at], self.scroll_offset.y
        if first < top:
            self._jump(first)
        elif last > top + height:
            self._jump(min(first, last - height))

    def at_end(self) -> bool:
        """Whether the last line is in view."""
        return self.scroll_offset.y >= self._heights.total - self.size.height
