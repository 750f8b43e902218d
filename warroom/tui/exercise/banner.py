"""The row that says EXERCISE on every screen while one is shown, with its time, its pace, and what waits for me.

Invariant: says it in words and with a sign, at any width and in any theme; the word itself is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.timer import Timer

from warroom.incident.exercise_state import ActionState
from warroom.incident.state import IncidentState
from warroom.tui.exercise.time import second_of
from warroom.tui.glyphs import glyphs, short_clock
from warroom.tui.palette import Palette
from warroom.tui.widgets.drawn import Drawn
from warroom.tui.widgets.line import Line, Span, crop, justify, width_of

ENDINGS = {
    "finished": "finished",
    "safe_word": "STOPPED by the safe word",
    "hard_stop": "ran out of time",
    "abandoned": "abandoned",
}
"""How an exercise ended, by the word on its log."""


def pace_words(state: IncidentState) -> str:
    """`10x`, `PAUSED`, or how it ended."""
    exercise = state.exercise
    if exercise is None:
        return ""
    if not exercise.running:
        return ENDINGS.get(exercise.stop_reason, exercise.stop_reason)
    return f"{exercise.speed:g}x" if exercise.speed else "PAUSED"


def waits_for(state: IncidentState, me: str) -> tuple[ActionState, ...]:
    """The actions that wait for this person to approve them."""
    exercise = state.exercise
    if exercise is None or not exercise.running:
        return ()
    duties = {duty.value for duty in state.duties_of(me)}
    asked = (one for one in state.actions if one.status == "requested" and one.approval)
    return tuple(one for one in asked if one.approval in duties)


def waiting_words(count: int) -> str:
    """`1 waits for you`, `2 wait for you`."""
    return f"{count} {'waits' if count == 1 else 'wait'} for you"


def banner_line(state: IncidentState, second: float, me: str, unread: int, width: int, palette: Palette) -> list[Span]:
    """The row for a width: sign, word, time and pace at the left; what waits, else the safe word, at the right."""
    g, exercise = glyphs(), state.exercise
    if exercise is None:
        return []
    over = not exercise.running
    ground = palette.muted if over else palette.hue("orange")
    ink = palette.filled(ground)
    left: list[Span] = [(f" {g.diamond} EXERCISE {g.diamond} ", ink)]
    sign = "" if over or exercise.speed else f"{g.square} "
    left.append((f" T+{short_clock(second)} {g.middot} {sign}{pace_words(state)} ", ink))
    right: list[Span] = []
    mine = waits_for(state, me)
    if mine:
        right.append((f" {g.up} {waiting_words(len(mine))} (X) ", ink))
    if unread:
        right.append((f" {g.dot} {unread} new (I) ", ink))
    if not right:
        words = f"nothing here is real {g.middot} stop: {exercise.safe_word} "
        if over:
            words = "its truth may be told now"
        elif not exercise.speed and second < 1:
            words = "not begun: E, then space starts it " if me in exercise.hosts else "it has not begun yet "
        right.append((f" {words}", ink))
    room = width - width_of(left)
    if width_of(right) > room:
        right = crop(right, room) if mine or unread else []
    pad = max(0, width - width_of(left) - width_of(right))
    return [*left, (" " * pad, ink), *right]


class ExerciseBanner(Drawn):
    """Takes a row while an exercise is shown, and none otherwise. Looks after itself once a second."""

    DEFAULT_CSS = "ExerciseBanner { height: 1; width: 100%; display: none; }"

    def __init__(self, incident: str) -> None:
        super().__init__(classes="exercise")
        self.incident = incident
        self._ticker: Timer | None = None

    def on_mount(self) -> None:
        self._ticker = self.set_interval(1.0, self.look)
        self.look()

    @property
    def _console(self) -> Any:
        return self.app

    def look(self) -> None:
        """Bring it up to date; a row that looks as before is not drawn."""
        state = self._console.state_of(self.incident)
        there = state is not None and state.exercise is not None
        if self.display != there:
            self.display = there
        if there:
            self.redraw()

    def rows(self, width: int, palette: Palette) -> Sequence[Line]:
        console = self._console
        state: IncidentState | None = console.state_of(self.incident)
        if state is None or state.exercise is None:
            return ()
        second = second_of(state, console.now_in(self.incident))
        unread = console.exercises.inbox.unread(state)
        line = banner_line(state, second, console.me, unread, width, palette)
        return [justify(line, [], width)]
