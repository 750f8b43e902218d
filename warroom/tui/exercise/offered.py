"""What players can do to the imaginary production: what is offered, on what terms, and what became of each request.

Invariant: nothing is asked for before what it does was told; an approval that waits for me is on top.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, tzinfo
from typing import Any, ClassVar, NamedTuple

from textual.binding import BindingType

from warroom.incident.exercise_state import ActionState, OfferedAction
from warroom.incident.state import IncidentState
from warroom.tui.exercise import forms
from warroom.tui.exercise.banner import waiting_words, waits_for
from warroom.tui.exercise.screens import DrillListScreen, drill_bindings
from warroom.tui.explore.trace_rows import DetailLine
from warroom.tui.glyphs import glyphs, short_clock
from warroom.tui.palette import Palette, palette_of, style
from warroom.tui.widgets.line import Line, Span, justify, safe
from warroom.tui.widgets.rows import RowList


class OfferedRow(NamedTuple):
    """An action that is offered, and its newest request. `left` is whole seconds while it runs."""

    offered: OfferedAction
    last: ActionState | None
    mine: bool
    left: int | None

    @property
    def title(self) -> str:
        return self.offered.title

    @property
    def key(self) -> str:
        return self.offered.id


def rows_of(state: IncidentState, me: str, now: datetime) -> list[OfferedRow]:
    """What is offered: first what waits for me, then what runs or waits for others, then the scenario's order."""
    if state.exercise is None:
        return []
    newest = {one.action: one for one in state.actions}
    mine = {one.number for one in waits_for(state, me)}
    found = []
    for one in state.exercise.actions:
        last = newest.get(one.id)
        left = None
        if last is not None and last.status == "running" and last.ends_at is not None:
            left = max(0, round((last.ends_at - now).total_seconds()))
        found.append(OfferedRow(one, last, last is not None and last.number in mine, left))
    found.sort(key=lambda row: (not row.mine, row.last is None or not row.last.is_open))
    return found


def status_of(row: OfferedRow, palette: Palette) -> tuple[str, str, str]:
    """Sign, words and colour of how an action stands."""
    g, last = glyphs(), row.last
    if last is None:
        return g.ring, "", palette.soft
    if row.mine:
        return g.up, f"waits for you: a approves, x rejects (asked by {last.requested_by})", palette.hue("orange")
    words = {
        "requested": f"waits for the {forms.duty_word(last.approval).lower()}" if last.approval else "asked for",
        "approved": "approved, about to begin",
        "rejected": f"rejected{': ' + last.words if last.words else ''}",
        "running": f"running, {short_clock(row.left or 0)} left",
        "done": f"done{': ' + last.words if last.words else ''}",
        "failed": f"FAILED{': ' + last.words if last.words else ''}",
        "cancelled": "cancelled",
    }.get(last.status, last.status)
    sign, colour = {
        "requested": (g.dotted, palette.warn),
        "approved": (g.half, palette.accent),
        "running": (g.half, palette.accent),
        "done": (g.tick, palette.good),
        "failed": (g.up, palette.bad),
    }.get(last.status, (g.cross, palette.muted))
    return sign, words, colour


class Offered:
    """Two lines for each action: what it is and its terms, then how it stands."""

    row_lines: int | None = 2

    def __init__(self, rows: Sequence[OfferedRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> OfferedRow:
        return self.rows[index]

    def key(self, row: OfferedRow) -> Hashable:
        return row.key

    def render(self, row: OfferedRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """As the class says; a request that waits for me is bold and says what to press."""
        sign, words, colour = status_of(row, palette)
        one = row.offered
        first: list[Span] = [
            (f"{sign} ", style(colour, bold=row.mine)),
            (safe(one.title), style(palette.text, bold=True)),
            (f"  {safe(one.target)}" if one.target else "", style(palette.hue("violet"))),
        ]
        takes = short_clock(one.takes_seconds) if one.takes_seconds else "at once"
        second: list[Span] = [("  ", style(palette.text))]
        if words:
            second.append((safe(words), style(colour, bold=row.mine)))
        else:
            second.append((safe(forms.terms(one)), style(palette.muted)))
        return [justify(first, [(takes, style(palette.muted))], width), justify(second, [], width)]


class OfferedScreen(DrillListScreen):
    """The actions above, the selected one in full below."""

    PANE = "actions"
    TITLE_TEXT = "Actions"
    SCOPE = "offered"
    LIST = ("What you can do", "this exercise offers no action")
    DETAIL = ("Action", "select an action")
    BINDINGS: ClassVar[list[BindingType]] = drill_bindings("offered")

    def head_note(self) -> str:
        state = self.state
        mine, running = waits_for(state, self.console.me), sum(one.status == "running" for one in state.actions)
        parts = [waiting_words(len(mine))] if mine else []
        return ", ".join([*parts, f"{running} running"] if running else parts)

    def show_state(self) -> None:
        if not self.is_whole:
            return
        if self.exercise is None:
            self.listed.set_empty(f"{self.incident} is no exercise: actions are for exercises alone")
            return
        rows = rows_of(self.state, self.console.me, self.console.now())
        before = self.listed.source
        if isinstance(before, Offered) and rows == before.rows:
            return
        kept = {row.key: row for row in before.rows} if isinstance(before, Offered) else {}
        # A row that is equal stays the same object: only what changed is drawn.
        self.show_rows(Offered([kept[row.key] if kept.get(row.key) == row else row for row in rows]))

    def detail_of(self, row: Any) -> Sequence[DetailLine]:
        one: OfferedAction = row.offered
        facts = [
            ("", f"{one.title}{f' on {one.target}' if one.target else ''}", "title"),
            ("does", one.text or one.kind.replace("_", " "), ""),
            ("takes", short_clock(one.takes_seconds) if one.takes_seconds else "no time", ""),
            ("who may ask", forms.duty_word(one.needs) if one.needs else "anybody", ""),
            ("who approves", forms.duty_word(one.approval) if one.approval else "nobody: it begins at once", ""),
            ("command", f"warroom exercise act {self.incident} {one.id}", "quiet"),
        ]
        for asked in reversed([each for each in self.state.actions if each.action == one.id]):
            facts += _history(asked, self.zone)
        return [DetailLine(number, *fact) for number, fact in enumerate(facts)]

    # Acting

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Enter or a double click on an action."""
        event.stop()
        if event.rows is self.listed:
            self.action_do("offered.ask")

    def do_ask(self) -> None:
        """Ask for the selected action, once it was told what it does."""
        row, exercise = self.selected(), self.exercise
        if row is None or exercise is None:
            self.console.tell("select an action first", "warning")
        elif not exercise.running:
            self.console.tell("the exercise is over; nothing can be done to it any more")
        elif row.last is not None and row.last.is_open:
            _, words, _ = status_of(row, palette_of(self))
            self.console.tell(f"{row.offered.title}: {words}")
        elif row.offered.needs and row.offered.needs not in {d.value for d in self.state.duties_of(self.console.me)}:
            duty = forms.duty_word(row.offered.needs).lower()
            self.console.tell(
                f"{row.offered.title} is for the {duty}; take that duty first (r on the board)", "warning"
            )
        else:
            self.ask_with(forms.request(row.offered), f"request:{row.key}")

    def do_approve(self) -> None:
        """Let the selected one begin; the one that waits for me when another is selected."""
        number = self._waiting()
        if number is not None:
            self.submit({"type": "approve-action", "number": number})

    def do_reject(self) -> None:
        """Not; with the reason."""
        number = self._waiting()
        if number is not None:
            self.ask_with(forms.reject(self.context(), number), "reject")

    def _waiting(self) -> int | None:
        row = self.selected()
        last = None if row is None else row.last
        if last is not None and last.status == "requested" and last.approval:
            return int(last.number)
        mine = waits_for(self.state, self.console.me)
        if len(mine) == 1:
            return mine[0].number
        self.console.tell("select an action that waits for an approval", "warning")
        return None


def _history(asked: ActionState, zone: tzinfo) -> list[tuple[str, str, str]]:
    facts = [("", f"request {asked.number}: {asked.status}", "title")]
    facts.append(("asked", f"{_at(asked.requested_at, zone)} by {asked.requested_by}", ""))
    if asked.approved_by:
        facts.append(("approved", f"by {asked.approved_by}", ""))
    if asked.started_at is not None:
        facts.append(("began", _at(asked.started_at, zone), ""))
    if asked.ends_at is not None and asked.status == "running":
        facts.append(("done by", _at(asked.ends_at, zone), ""))
    if asked.ended_at is not None:
        facts.append(("ended", _at(asked.ended_at, zone), ""))
    if asked.words:
        facts.append(("result", asked.words, "bad" if asked.status == "failed" else ""))
    return facts


def _at(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M:%S")
