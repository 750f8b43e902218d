"""A long list for a reader: keyboard and mouse, a selection kept by row, a filter, following the end.

Invariant: the selection belongs to a row, not to a position, and nothing that arrives moves it or what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Focus, Resize
from textual.geometry import Size
from textual.message import Message

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import palette_of, style
from warroom.tui.widgets.heights import Heights
from warroom.tui.widgets.line import Line, join
from warroom.tui.widgets.pane import Framed
from warroom.tui.widgets.row_source import Rows, RowSource
from warroom.tui.widgets.row_view import RowView
from warroom.tui.widgets.scrollbar import ThinScrollBar

__all__ = ["RowList", "RowSource", "Rows"]


class RowList(RowView, can_focus=True):
    """A list over a `RowSource`.

    Args of the constructor: `follow` sticks to the end until the reader scrolls; `low` has few rows sit at the
    bottom; `empty` is said when there is no row. With the class `-bare` inside a `Framed` it has no frame and writes
    its state into that one's.

    While following, new rows scroll the list; once the reader picks a row with the keys, the list pauses rather
    than let that row leave the view. `End` follows again.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", id="list.down", show=False),
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", id="list.page-down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", id="list.page-up", show=False),
        Binding("home,g", "first", "First", id="list.first", show=False),
        Binding("end,G", "last", "Last, and follow", id="list.last", show=False),
        Binding("enter", "choose", "Open", id="list.choose", show=False),
    ]

    class Highlighted(Message):
        """The reader moved the selection to this row."""

        def __init__(self, rows: RowList, row: Any, key: Hashable) -> None:
            self.rows, self.row, self.key = rows, row, key
            super().__init__()

        @property
        def control(self) -> RowList:
            return self.rows

    class Chosen(Highlighted):
        """The reader opened this row (Enter or a double click)."""

    def __init__(
        self,
        title: str = "",
        *,
        number: str = "",
        source: RowSource | None = None,
        follow: bool = False,
        low: bool = False,
        empty: str = "nothing here yet",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(title, number=number, source=source, empty=empty, name=name, id=id, classes=classes)
        self._follow = self._following = follow
        self._low = low
        self._held = False
        self._sized = Size(0, 0)
        self._paused_count = 0
        self._note: Line = ()

    # What is shown

    @property
    def following(self) -> bool:
        """Whether the view sticks to the end."""
        return self._following

    @property
    def unread(self) -> int:
        """How many rows came since the list was paused."""
        return 0 if self._following or not self._follow else max(0, self.count - self._paused_count)

    @property
    def selected_key(self) -> Hashable | None:
        """The key of the selected row, or None if none was selected yet."""
        return self._selected

    @property
    def selected_row(self) -> Any | None:
        """The selected row as it is now, or None if there is none or it is filtered away."""
        at = self.locate(self._selected, self._selected_at)
        return None if at is None else self.row_at(at)

    @property
    def selected_text(self) -> str:
        """The selected row as it reads, for the clipboard; empty without one."""
        at = self.locate(self._selected, self._selected_at)
        return "" if at is None else "\n".join(line.text[1:].rstrip() for line in self._lines(at))

    def show(self, source: RowSource) -> None:
        """Show another source, or another state of the same; selection and view stay with their rows."""
        self._source = source
        self.sync()

    def set_filter(self, keep: Callable[[Any], bool] | None) -> None:
        """Show only rows for which `keep` is true; None shows all."""
        self._filter, self._ends = keep, None
        self.sync()

    def set_empty(self, words: str) -> None:
        """What is said while there is no row."""
        if words != self._empty:
            self._empty = words
            if not self.count:
                self.refresh()

    def set_note(self, line: Line) -> None:
        """Runs to show in the frame, before the word on following."""
        if list(line) != list(self._note):
            self._note = line
            self._tell()

    def sync(self) -> None:
        """Take over what changed in the source: rows added, replaced, moved or gone."""
        before = self.count
        self._reindex()
        if not self.is_mounted or not self._width:
            return
        with self._changing():
            if self._following and self._held and self._would_leave():
                self._pause(before)
            if self._following:
                self._to_end()
            else:
                self._restore()
            self._settle()
        self._refresh_changed()
        self._tell()

    def select(self, key: Hashable, *, reveal: bool = True) -> bool:
        """Select the row with this key and bring it into view; False if there is no such row."""
        at = self.locate(key)
        if at is None:
            return False
        self._select(at, reveal=reveal)
        return True

    def bring(self, key: Hashable) -> None:
        """Have the row with this key in view with the one before it, while the reader is elsewhere."""
        at = self.locate(key)
        if at is None or self.has_focus or not self._width:
            return
        with self._changing():
            for near in (at, max(0, at - 1)):
                self._reveal(near)
                self._settle()
        self._refresh_changed()

    def follow_end(self) -> None:
        """Go to the end and, for a list that follows, follow from there."""
        self._following, self._held = self._follow, False
        with self._changing():
            self._to_end()
            self._settle()
        self._refresh_changed()
        self._tell()

    # Keys

    def action_move(self, rows: int) -> None:
        """Select the next or previous row; the first time, the one at the edge of the view."""
        if not self.count:
            return
        at = self.locate(self._selected, self._selected_at)
        if at is None:
            line = self.scroll_offset.y + (self.size.height - 1 - self.lift if self._following else 0)
            self._select(self._heights.find(line)[0])
            return
        self._select(max(0, min(self.count - 1, at + rows)))

    def action_page(self, pages: int) -> None:
        """Move view and selection by a page less one line."""
        if not self.count:
            return
        lines = pages * max(1, self.size.height - 1)
        at = self.locate(self._selected, self._selected_at)
        top = self.scroll_offset.y
        line = (self._heights.offset(at) if at is not None else top) + lines
        with self._changing():
            self._jump(top + lines)
            self._settle()
        self._select(self._heights.find(line)[0])

    def action_first(self) -> None:
        if self.count:
            self._select(0)

    def action_last(self) -> None:
        if self.count:
            self._select(self.count - 1)
            self.follow_end()

    def action_choose(self) -> None:
        at = self.locate(self._selected, self._selected_at)
        if at is not None:
            row = self.row_at(at)
            self.post_message(self.Chosen(self, row, self._source.key(row)))

    def _select(self, at: int, *, reveal: bool = True) -> None:
        row = self.row_at(at)
        key = self._source.key(row)
        moved = key != self._selected
        self._selected, self._selected_at = key, at
        self._held = at < self.count - 1
        if reveal:
            with self._changing():
                for _ in range(2):  # measuring the rows around it can push it out of view once
                    self._reveal(at)
                    self._settle()
            self._after_scroll()
        self._refresh_changed()
        if moved:
            self.post_message(self.Highlighted(self, row, key))

    # Following

    def _would_leave(self) -> bool:
        """Whether following the end would push the selected row out of view."""
        at, room = self.locate(self._selected, self._selected_at), self.size.height
        if at is None:
            return False
        while at < self.count and room >= 0:
            room -= self._measure(at)
            at += 1
        return room < 0

    def _pause(self, count: int) -> None:
        self._following, self._paused_count = False, count

    def _after_scroll(self) -> None:
        """The reader moved the view: at the end it follows, elsewhere it is paused."""
        if not self._follow:
            return
        if self.at_end():
            self._following = True
        elif self._following:
            self._pause(self.count)
        self._tell()

    def _tell(self) -> None:
        """Say in the frame whether the list follows, or how much there is to read."""
        if not self.is_mounted:
            return
        palette = palette_of(self)
        parts: list[Line] = [self._note]
        if self._follow and self.count:
            if self._following:
                parts.append([(glyphs().dot, style(palette.good)), (" following", Style.null())])
            else:
                word = f"paused, {self.unread} new" if self.unread else "paused"
                parts.append([(word, style(palette.warn, bold=self.unread > 0))])
        frame: Framed = self
        if self.has_class("-bare") and isinstance(self.parent, Framed):
            frame = self.parent
        frame.set_subtitle(join(parts, (f" {glyphs().middot} ", Style.null())))

    # Events

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if self._quiet or self.size != self._sized or round(old_value) == round(new_value):
            return  # not the reader's: the list itself moved it, or another size did, which is dealt with there
        with self._changing():
            self._settle()
        self._after_scroll()
        self._refresh_changed()

    def on_mount(self) -> None:
        self.vertical_scrollbar.renderer = ThinScrollBar  # type: ignore[misc]
        self._reindex()

    def on_resize(self, _event: Resize) -> None:
        """Keep the row at the top there; with another width, every height is measured anew when it is seen."""
        self._sized = self.size
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._heights = Heights(self.count)
        self._seen.clear()
        self.sync()

    def on_focus(self, _event: Focus) -> None:
        self._refresh_changed()

    def on_blur(self, _event: Blur) -> None:
        self._refresh_changed()

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        line = self.scroll_offset.y + offset.y - self.lift
        if 0 <= line < self._heights.total:
            self._select(self._heights.find(line)[0])
            if event.chain == 2:
                self.action_choose()
