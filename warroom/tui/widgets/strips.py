"""Rows across the screen: free lines, tabs, key hints, notices.

Invariant: each drops what does not fit rather than cut a word, the least important first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.events import Click
from textual.message import Message

from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.drawn import Drawn
from warroom.tui.widgets.line import Line, Span, justify, width_of

Painter = Callable[[int, int, Palette], Sequence[Line]]
"""Draws rows for (width, height, palette)."""


class LineBar(Drawn):
    """Rows given from outside, as a left and a right part each, or by a painter that knows the width."""

    def __init__(self, painter: Painter | None = None, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._parts: Sequence[tuple[Line, Line]] = ()
        self._painter = painter

    def show(self, rows: Sequence[tuple[Line, Line]]) -> None:
        """Show these rows, each a left and a right part."""
        self._parts, self._painter = rows, None
        self.redraw()

    def paint_with(self, painter: Painter) -> None:
        """Let a function draw the rows; called again on every size and theme."""
        self._painter = painter
        self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        if self._painter is not None:
            return self._painter(width, self.size.height, palette)
        return [justify(left, right, width) for left, right in self._parts]


class TabStrip(Drawn):
    """Tabs in one row: number and label, the active one filled. A click on a tab posts `Picked`."""

    class Picked(Message):
        """The reader clicked a tab."""

        def __init__(self, strip: TabStrip, key: str) -> None:
            self.strip, self.key = strip, key
            super().__init__()

        @property
        def control(self) -> TabStrip:
            return self.strip

    def __init__(
        self,
        tabs: Sequence[tuple[str, str]] = (),
        *,
        active: str = "",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._tabs = tuple(tabs)
        self._active = active or (self._tabs[0][0] if self._tabs else "")
        self._marks: dict[str, int] = {}

    @property
    def active(self) -> str:
        """The key of the active tab."""
        return self._active

    @active.setter
    def active(self, key: str) -> None:
        if key != self._active:
            self._active = key
            self.redraw()

    def show(self, tabs: Sequence[tuple[str, str]], *, active: str | None = None) -> None:
        """Show these tabs, as (key, label); a key of one character is shown before its label."""
        self._tabs = tuple(tabs)
        if active is not None:
            self._active = active
        self.redraw()

    def mark(self, key: str, news: int) -> None:
        """Show a count of news at a tab; 0 takes it away."""
        if self._marks.get(key, 0) != news:
            self._marks[key] = news
            self.redraw()

    def _parts(self, width: int) -> list[tuple[str, str, str]]:
        """Key, and the two texts of each tab; labels get shorter until all fit."""
        for most in (40, 8, 5, 3, 0):
            parts = [
                (key, f" {key} " if len(key) == 1 else " ", f"{label[:most]}{self._news(key)} " if most else "")
                for key, label in self._tabs
            ]
            if sum(len(first) + len(second) for _, first, second in parts) <= width:
                return parts
        return parts

    def _news(self, key: str) -> str:
        return f" {self._marks[key]}" if self._marks.get(key) else ""

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        out: list[Span] = []
        for key, first, second in self._parts(width):
            if key == self._active:
                out.append((first + second, palette.filled(palette.accent)))
            else:
                out += [(first, style(palette.accent)), (second, style(palette.soft))]
        return [out]

    def on_click(self, event: Click) -> None:
        at = 0
        for key, first, second in self._parts(self.size.width):
            at += len(first) + len(second)
            if event.x < at:
                self.post_message(self.Picked(self, key))
                return


class HintBar(Drawn):
    """The footer: keys and what they do at the left, the state of the connection at the right."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._hints: Sequence[tuple[str, str]] = ()
        self._right: Line = ()

    def show(self, hints: Sequence[tuple[str, str]], *, right: Line = ()) -> None:
        """Show these (key, what it does), the most important first; the last ones go when there is no room."""
        self._hints, self._right = tuple(hints), tuple(right)
        self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        room = width - 2 - (width_of(self._right) + 2 if self._right else 0)
        left: list[Span] = [(" ", style(palette.text))]
        for key, word in self._hints:
            piece = [(f"{key} ", style(palette.accent, bold=True)), (f"{word}  ", style(palette.soft))]
            if width_of(left) + width_of(piece) - 2 > room:
                break
            left += piece
        return [justify(left, [*self._right, (" ", style(palette.text))], width)]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know now: a text, and how bad it is."""

    text: str
    level: Literal["info", "warn", "bad"] = "info"


class NoticeStrip(Drawn):
    """What must not be missed: unsent, reconnecting, stale. Takes a row only while there is something to say."""

    DEFAULT_CSS = (
        "NoticeStrip { display: none; background: $warning 18%; } NoticeStrip.-bad { background: $error 22%; }"
    )
    _SIGNS: ClassVar[tuple[str, ...]] = ("info", "warn", "bad")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._notices: tuple[Notice, ...] = ()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is shown now."""
        return self._notices

    def show(self, notices: Sequence[Notice]) -> None:
        """Show these, worst first; none hides the strip."""
        ordered = tuple(sorted(notices, key=lambda notice: -self._SIGNS.index(notice.level)))
        if ordered == self._notices:
            return
        had, self._notices = bool(self._notices), ordered
        if bool(ordered) != had:
            self.display = bool(ordered)
        bad = any(notice.level == "bad" for notice in ordered)
        if bad != self.has_class("-bad"):
            self.set_class(bad, "-bad")
        self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        table = glyphs()
        signs = {"info": table.bullet, "warn": table.diamond, "bad": table.up}
        colours = {"info": palette.soft, "warn": palette.warn, "bad": palette.bad}
        out: list[Span] = [(" ", style(palette.text))]
        for number, notice in enumerate(self._notices):
            piece: list[Span] = [(f" {table.middot} ", style(palette.muted))] if number else []
            piece.append((f"{signs[notice.level]} ", style(colours[notice.level], bold=True)))
            piece.append((notice.text, style(palette.text, bold=notice.level == "bad")))
            if number and width_of(out) + width_of(piece) > width:
                break
            out += piece
        return [out]
