"""A player's inbox: the briefing, what people say and whisper, hints, the truth at the end; newest on top.

Invariant: what is open counts as read; a whisper's words come from the server and are on no log.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from datetime import tzinfo
from typing import Any, ClassVar

from textual.binding import BindingType

from warroom.incident.words import Duty
from warroom.tui.exercise import mail
from warroom.tui.exercise.forms import duty_word
from warroom.tui.exercise.mail import Letter
from warroom.tui.exercise.screens import DrillListScreen, drill_bindings
from warroom.tui.explore.trace_rows import DetailLine
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.widgets.line import Line, Span, justify, safe, wrap

_KINDS = {"inject": "message", "whisper": "in private", "hint": "hint", "truth": "truth"}


class Letters:
    """Two lines for each: when, who, how; then the first of its words."""

    row_lines: int | None = 2

    def __init__(self, letters: Sequence[Letter], zone: tzinfo, new: frozenset[str] = frozenset()) -> None:
        self.letters, self._zone, self._new = letters, zone, new

    def __len__(self) -> int:
        return len(self.letters)

    def row(self, index: int) -> Letter:
        return self.letters[index]

    def key(self, row: Letter) -> Hashable:
        return row.key

    def render(self, row: Letter, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """A new one has a full dot and bold words."""
        g, new = glyphs(), row.key in self._new
        colour = {
            "whisper": palette.hue("violet"), "hint": palette.hue("amber"), "truth": palette.good
        }.get(row.kind, palette.accent)  # fmt: skip
        first: list[Span] = [
            (f"{g.dot if new else g.ring} ", style(colour)),
            (f"{row.at.astimezone(self._zone):%H:%M:%S} ", style(palette.muted)),
            (safe(row.sender or "The facilitator"), style(palette.text, bold=True)),
            (f" {g.arrow} {safe(to_word(row.to))}" if row.to else "", style(palette.soft)),
        ]
        words = " ".join(row.text.split())
        return [
            justify(first, [(_KINDS[row.kind], style(colour, bold=row.kind != "inject"))], width),
            [("           ", style(palette.text)), (wrap(safe(words), max(8, width - 11))[0],
              style(palette.text if new else palette.soft, bold=new))],
        ]  # fmt: skip


def to_word(to: str) -> str:
    """Whom a letter is for, as people say it."""
    return "everybody" if to == "all" else duty_word(to) if to in set(Duty) else to


class InboxScreen(DrillListScreen):
    """The letters above, the selected one in full below."""

    PANE = "inbox"
    TITLE_TEXT = "Inbox"
    SCOPE = "inbox"
    LIST = ("Inbox", "nothing has come yet")
    DETAIL = ("Letter", "select one")
    BINDINGS: ClassVar[list[BindingType]] = drill_bindings("inbox")

    def __init__(self, incident: str, shown: Any = None) -> None:
        super().__init__(incident, shown)
        self.whispers: tuple[Any, ...] = ()
        self._known: tuple[int, int] = (-1, -1)
        self._since: int | None = None
        self._asked_for = -1

    def head_note(self) -> str:
        return f"{self.listed.count} letters" if self.listed.count != 1 else "1 letter"

    def show_state(self) -> None:
        state = self.state
        if not self.is_whole:
            return
        if state.exercise is None:
            self.listed.set_empty(f"{self.incident} is no exercise: letters are for exercises alone")
            return
        inbox, me = self.console.exercises.inbox, self.console.me
        if self._since is None:
            self._since = inbox.seen(self.incident)
        inbox.read(state)
        private = sum(
            mail.is_private(entry) and mail.is_for(entry, state, me) for entry in state.timeline[self._known[0] :]
        ) if self._known[0] >= 0 else -1  # fmt: skip
        if private:
            self._ask_whispers()
        if self._known == (state.seq, len(self.whispers)):
            return
        self._known = (state.seq, len(self.whispers))
        found = mail.letters(state, self.whispers)
        new = {one.key for one in found if one.key.startswith("entry:") and int(one.key[6:]) > self._since}
        self.show_rows(Letters(found, self.zone, frozenset(new)))

    def _ask_whispers(self) -> None:
        def came(future: Future[Any]) -> None:
            if not self.is_mounted:
                return
            error = future.exception()
            self.words = "" if error is None else f"what was said in private did not come: {error}"
            if error is None:
                self.whispers = tuple((future.result() or {}).get("whispers", ()))
                self.show_state()
                self.redraw_head()

        if not self.ask_aside("whispers", came):
            self.words = "not connected yet: this asks again as soon as there is a server"

    def ask_now(self) -> None:
        self._known = (-1, -1)
        self.show_state()

    def detail_of(self, row: Any) -> Sequence[DetailLine]:
        sent = f"{row.at.astimezone(self.zone):%H:%M:%S}"
        facts = [("", f"{row.sender or 'The facilitator'}, {sent}", "title")]
        if row.to:
            facts.append(("to", to_word(row.to), ""))
        if row.kind == "whisper":
            facts.append(("in private", "its words are not on the log", "quiet"))
        words = [part for part in row.text.splitlines() if part.strip()]
        facts += [("" if number else "says", part, "") for number, part in enumerate(words)]
        return [DetailLine(number, *fact) for number, fact in enumerate(facts)]
