"""A pane of log lines: however many come, it paints a few times a second and draws only what is in view.

Invariant: what is read does not move. The view holds on to the number of the line at its top, so neither lines that
come nor lines that the ring gives up shift it; only while following does it go with the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Focus, Resize
from textual.message import Message

from warroom.telemetry.logs import LogLine, Told
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import palette_of, style
from warroom.tui.widgets.line import Line, join
from warroom.tui.widgets.log_filter import LineFilter, LineIndex
from warroom.tui.widgets.log_lines import LogLines
from warroom.tui.widgets.log_rows import LogRate, LogRows, grouped
from warroom.tui.widgets.scrollbar import ThinScrollBar

PAINTS = 10
"""How often a second what came is shown; with a slow link every fifth time, in a flood every second or third."""
_FAST = 200
"""Lines a second that nobody reads as they come."""
_FLOOD = 500
"""Lines a second of which a screen shows so few that half the paints tell as much."""
_TORRENT = 5000
"""Lines a second of which a third of the paints tells as much."""
_SLICE = 4000
"""Lines a filter looks at in a tenth of a second."""


class LogView(LogRows, can_focus=True):
    """The list with its reader: keys, a selected line, following, a filter.

    `awake` says whether it is worth painting, `calm` whether the link is slow.
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
        """The reader moved the selection to this line."""

        def __init__(self, view: LogView, number: int, line: LogLine) -> None:
            self.view, self.number, self.line = view, number, line
            super().__init__()

        @property
        def control(self) -> LogView:
            return self.view

    class Chosen(Highlighted):
        """The reader opened this line (Enter or a double click)."""

    class AtStart(Message):
        """The reader came to the oldest line there is."""

    def __init__(self, title: str = "", *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(title, empty=empty, id=id)
        self.awake: Callable[[], bool] = lambda: True
        self.calm: Callable[[], bool] = lambda: False
        self._live = self._following = False
        self._paused_at = 0
        self._held = False
        self._ticks = 0
        self._asked_older: int | None = None
        self._rate = LogRate()
        self._note: Line = ()

    # What is shown

    @property
    def following(self) -> bool:
        """Whether the view goes with the end."""
        return self._following

    @property
    def unread(self) -> int:
        """How many lines that pass came since the view was paused."""
        if self._following or not self._live:
            return 0
        if self.hiding and self.index is not None:
            return len(self.index) - self.index.position(self._paused_at)
        return max(0, self._end - max(self._paused_at, self._first))

    def show(self, lines: LogLines, *, live: bool = False, keep: bool = False) -> None:
        """Show other lines, from their end on; `keep` stays where the reader is, for the same lines with a tail now."""
        self.lines, self._live = lines, live
        self._following = live if not keep else self._following and live
        if not keep:
            self._selected, self._selected_line, self._held = None, None, False
        self._asked_older = None
        self._rate = LogRate()
        if self.keep is not None:
            self.index = LineIndex(lines, self.keep)
        self._strips.clear()
        self.sync(anew=not keep)

    def set_filter(self, keep: LineFilter | None, *, hide: bool = True) -> None:
        """Show only lines that pass, or with `hide` off all, and mark those that pass; None shows all."""
        top = self._top
        if keep is not self.keep:
            self.keep = keep
            self.index = None if keep is None else LineIndex(self.lines, keep)
        self.hiding = hide and keep is not None
        self._strips.clear()
        self._seen.clear()
        self._top = self._selected if self._selected is not None else top
        self.sync(force=True)

    def set_note(self, line: Line) -> None:
        """Runs to show in the frame, before the word on following."""
        if list(line) != list(self._note):
            self._note = line
            self._tell()

    def pause(self) -> None:
        """Stop following, at what is in view."""
        if self._following:
            self._following, self._paused_at = False, self._end
            self._set_quick()
            self._tell()

    def follow(self) -> None:
        """Go to the end, and with it if lines still come."""
        self._following, self._held = self._live, False
        self.to_end()
        self._after_move()

    # Taking over what came

    def tick(self) -> None:
        """A tenth of a second went by."""
        self._ticks += 1
        rate = self._rate.each_second if self.quick else 0.0
        each = 5 if self.calm() else 3 if rate > _TORRENT else 2 if rate > _FLOOD else 1
        if not self.awake():
            return
        if self._ticks % each == 0:
            self.sync()
        elif self.index is not None:
            self.index.work(_SLICE)

    def sync(self, *, anew: bool = False, force: bool = False) -> None:
        """Take over what came and what went."""
        shift = self.lines.settle_seam()
        if shift:
            self._renumber(shift)
        if self.index is not None:
            self.index.work(_SLICE)
        self._set_quick()
        known = (self.lines.first, self.lines.end, 0 if self.index is None else len(self.index))
        changed = known != self._known
        self._known = known
        if self._rate.count(known[1]) or changed or force or anew:
            self._tell()
        if not (changed or anew or force) or not self._width:
            return
        if self._following and self._held and self._would_leave(known[1]):
            self._following, self._paused_at = False, self._end
        self._first, self._end = known[:2]
        self.resize_virtual()
        if anew or self._following:
            self.to_end()
        else:
            self.restore()
        self.refresh_changed()
        self._tell()

    def _set_quick(self) -> None:
        """Draw with few runs while lines rush by, and with care again once they can be read."""
        quick = self._following and self._rate.each_second > (_FAST / 2 if self.quick else _FAST)
        if quick != self.quick:
            self.quick = quick
            self._seen.clear()
            self.refresh()

    def _renumber(self, shift: int) -> None:
        """Older lines went up in number: the tail has those that were behind them."""
        if self._top is not None and self._top < 0:
            self._top = min(-1, self._top + shift)
        if self._selected is not None and self._selected < 0:
            self._selected += shift
        if self.keep is not None:
            self.index = LineIndex(self.lines, self.keep)

    def _would_leave(self, end: int) -> bool:
        """Whether following the end would push the selected line out of view."""
        if self._selected is None:
            return False
        if self.hiding and self.index is not None:
            return len(self.index) - self.index.position(self._selected) > self.size.height
        return end - self._selected > self.size.height

    # Keys

    def action_move(self, rows: int) -> None:
        """Select the next or previous line; the first time, the one at the edge of the view."""
        if not self.count:
            return
        if self._selected is None:
            top = self.scroll_offset.y
            edge = top + self.size.height - 1 if self._following or not self._live else top
            self.select_at(min(self.count - 1, edge))
            return
        self.select_at(self.position_of(self._selected) + rows)

    def action_page(self, pages: int) -> None:
        """Move view and selection by a page less one line."""
        if not self.count:
            return
        lines = pages * max(1, self.size.height - 1)
        at = self.scroll_offset.y if self._selected is None else self.position_of(self._selected)
        self.jump(self.scroll_offset.y + lines)
        self.select_at(at + lines)

    def action_first(self) -> None:
        self.select_at(0)

    def action_last(self) -> None:
        self.select_at(self.count - 1)
        self.follow()

    def action_choose(self) -> None:
        if self._selected is None:
            self.action_move(0)
        if self._selected is not None and self._selected_line is not None:
            self.post_message(self.Chosen(self, self._selected, self._selected_line))

    def select_at(self, at: int) -> None:
        """Select the line at a position, the nearest there is, and have it in view."""
        number = self.number_at(max(0, min(self.count - 1, at)))
        if number is not None:
            self.select(number)

    def select(self, number: int) -> bool:
        """Select a line by its number and have it in view; False when it is not there."""
        line = self.lines.line(number)
        if line is None:
            return False
        moved = number != self._selected
        self._selected, self._selected_line = number, line
        at = self.position_of(number)
        self._held = at < self.count - 1
        self.reveal(at)
        self._after_move()
        if moved:
            self.post_message(self.Highlighted(self, number, line))
        return True

    def clear_selection(self) -> None:
        """Select nothing."""
        self._selected, self._selected_line, self._held = None, None, False
        self.refresh_changed()

    def seek(self, way: int, wanted: Callable[[Told], bool]) -> bool:
        """Select the next (1) or previous (-1) line in sight of the filter that is `wanted`; False without one."""
        at = self.from_here()
        if self._selected is None and way > 0:
            at -= 1
        for one, line in self.walk(at, way):
            if wanted(line):
                return self.select(one)
        return False

    def seek_hit(self, way: int) -> bool:
        """Select the next (1) or previous (-1) line that passes the filter; False without one."""
        if self.index is None or not len(self.index):
            return False
        number = self.number_at(self.from_here())
        at = self.index.position(0 if number is None else number)
        here = at < len(self.index) and self.index.number(at) == number
        at = at - 1 if way < 0 else at + 1 if here else at
        return 0 <= at < len(self.index) and self.select(self.index.number(at))

    # Following

    def _after_move(self) -> None:
        """The reader moved the view: at the end it follows, elsewhere it is paused."""
        if self._live:
            at_end = self.at_end()
            if at_end and not self._following:
                self._following = True
            elif self._following and not at_end:
                self._following, self._paused_at = False, self._end
                self._set_quick()
        if self.scroll_offset.y == 0 and self.count and self._asked_older != self._first:
            self._asked_older = self._first
            self.post_message(self.AtStart())
        self.refresh_changed()
        self._tell()

    def _tell(self) -> None:
        """Say in the frame how fast lines come, and whether the view follows or how much there is to read."""
        if not self.is_mounted:
            return
        palette = palette_of(self)
        plain = Style.null()
        parts: list[Line] = [self._note]
        if self.index is not None and self.keep is not None:
            word = f"{grouped(len(self.index))} of {grouped(max(0, self._known[1] - self._known[0]))}"
            ready = "" if self.index.complete else f" so far{glyphs().ellipsis}"
            parts.append([(word + ready, style(palette.accent))])
        elif self.count:
            parts.append([(f"{grouped(self.count)} lines", plain)])
        if self._live:
            if self._rate.words:
                parts.append([(self._rate.words, plain)])
            if self._following:
                parts.append([(glyphs().dot, style(palette.good)), (" following", plain)])
            else:
                news = self.unread
                word = f"paused, {grouped(news)} new" if news else "paused"
                parts.append([(word, style(palette.warn, bold=news > 0))])
        self.set_subtitle(join(parts, (f" {glyphs().middot} ", plain)))

    # Events

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if self._quiet or self.size != self._sized or round(old_value) == round(new_value):
            return  # not the reader's: the list itself moved it, or another size did, which is dealt with there
        self.note_top()
        self._after_move()

    def on_mount(self) -> None:
        self.vertical_scrollbar.renderer = ThinScrollBar  # type: ignore[misc]
        self.set_interval(1 / PAINTS, self.tick)

    def on_resize(self, _event: Resize) -> None:
        """Keep the line at the top there; at the end, stay there."""
        stay = self._sized.height > 0 and self._last_at_end
        self._sized = self.size
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._strips.clear()
        self._seen.clear()
        first = not self._known[1] - self._known[0]
        self.sync(force=True, anew=stay or first)

    def on_focus(self, _event: Focus) -> None:
        self.refresh_changed()

    def on_blur(self, _event: Blur) -> None:
        self.refresh_changed()

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        at = self.scroll_offset.y + offset.y
        if 0 <= at < self.count:
            self.select_at(at)
            if event.chain == 2:
                self.action_choose()
