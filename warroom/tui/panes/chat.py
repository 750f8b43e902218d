"""The chat as rows: what is on the log, and below it what this person wrote that the server has not yet."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from datetime import tzinfo

from rich.style import Style

from warroom.client.view import Unsent
from warroom.incident.state import Entry
from warroom.incident.vector import Vector
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.panes.pending import PendingRow, pending_chat
from warroom.tui.widgets.line import Line, Span, wrap

_MENTION = re.compile(r"@[\w.\-]*\w")


class ChatSource:
    """Messages in the log's order, then the unsent ones. `me` is whose mentions stand out."""

    row_lines: int | None = None

    def __init__(
        self, timeline: Vector[Entry], chat: Vector[int], unsent: Sequence[Unsent], me: str, zone: tzinfo
    ) -> None:
        self.timeline, self.chat, self.me, self.zone = timeline, chat, me, zone
        self.pending = pending_chat(unsent)

    def __len__(self) -> int:
        return len(self.chat) + len(self.pending)

    def row(self, index: int) -> Entry | PendingRow:
        """A message of the log, or a pending one after them."""
        if index < len(self.chat):
            return self.timeline[self.chat[index] - 1]
        return self.pending[index - len(self.chat)]

    def key(self, row: Entry | PendingRow) -> Hashable:
        """The entry's seq; for a pending message the negative number of its command."""
        return row.seq if isinstance(row, Entry) else -row.n

    def render(self, row: Entry | PendingRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """Time, author, words; wrapped under the words. On a narrow pane the words get a line of their own."""
        if isinstance(row, PendingRow):
            when, who, text, waiting = "  " + glyphs().dotted + "  ", self.me, row.text, True
        else:
            when, who = row.occurred_at.astimezone(self.zone).strftime("%H:%M"), row.actor
            text, waiting = row.words, False
        head: list[Span] = [(f"{when} ", style(palette.faint)), (who, style(palette.person(who), bold=True))]
        ink = style(palette.muted if waiting else palette.text, italic=waiting)
        indent = 6 if width < 44 else 16
        body = [line for part in text.splitlines() or [""] for line in wrap(part, max(8, width - indent))]
        drawn = [[(" " * indent, Style.null()), *self._mentions(line, ink, palette)] for line in body]
        if indent == 16 and len(who) <= 9:
            drawn[0] = [*head, (" " * (indent - 6 - len(who)), Style.null()), *self._mentions(body[0], ink, palette)]
            return drawn
        if waiting:
            head.append((" waiting for the server", style(palette.warn)))
        return [head, *drawn]

    def _mentions(self, text: str, ink: Style, palette: Palette) -> list[Span]:
        runs: list[Span] = []
        at = 0
        for found in _MENTION.finditer(text):
            name = found[0][1:]
            mine = name.casefold() == self.me.casefold()
            mark = palette.filled(palette.warn) if mine else style(palette.person(name))
            runs += [(text[at : found.start()], ink), (found[0], mark)]
            at = found.end()
        return [*runs, (text[at:], ink)]


def mentions(text: str, name: str) -> bool:
    """Whether the words call for this person."""
    return any(found[1:].casefold() == name.casefold() for found in _MENTION.findall(text))
