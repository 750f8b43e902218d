"""What a console knows of the exercises it follows: their time, what is unread, what calls for its person.

Invariant: an ordinary incident is told by the console's own clock, and nothing here says anything about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen, Screen

from warroom.incident.state import IncidentState
from warroom.tui.exercise.banner import ExerciseBanner
from warroom.tui.exercise.calls import Calls
from warroom.tui.exercise.mail import Inbox
from warroom.tui.exercise.time import ExerciseTime

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


class Exercises:
    """Belongs to one console."""

    def __init__(self, app: WarroomApp) -> None:
        self.inbox = Inbox(lambda: app.me)
        self._app = app
        self._calls = Calls()
        self._times: dict[str, ExerciseTime] = {}

    def now_in(self, incident: str) -> datetime | None:
        """The time to show what there is by, which stands from the exercise's end on; None where `written_at` is."""
        state = self._app.state_of(incident)
        ended = None if state is None or state.exercise is None else state.exercise.stopped_at
        return ended or self.written_at(incident)

    def written_at(self, incident: str) -> datetime | None:
        """The time of an entry that is made now, by the log; None where the console's clock is right."""
        state = None if self._app.options.clock_is_exercises else self._app.state_of(incident)
        if state is None or state.exercise is None:
            return None
        return self._times.setdefault(incident, ExerciseTime()).now(state)

    def shown(self) -> tuple[str, IncidentState | None]:
        """The exercise on screen, or from the lobby the only one that is followed."""
        app = self._app
        names = [app.shown_incident] if app.shown_incident else [*app.view.rooms]
        states = [(one, app.state_of(one)) for one in names]
        found = [(one, state) for one, state in states if state is not None and state.exercise is not None]
        return found[0] if len(found) == 1 else ("", None)

    def hear(self) -> None:
        """Call the person for what is new and for them."""
        for words in self._calls.take(self._app.view.rooms.values(), self._app.me):
            self._app.call_person(words)

    def open(self, incident: str) -> None:
        """The facilitator's screen for who hosts it, what can be done for everybody else."""
        app, state = self._app, self._app.state_of(incident)
        exercise = None if state is None else state.exercise
        hosting = exercise is not None and app.me in exercise.hosts
        app.open_pane(incident, "control" if hosting else "actions")

    def mark_form(self) -> None:
        """A form that was just opened over an exercise says that it is one, as the screen under it does."""
        stack = self._app.screen_stack
        incident = self._app.shown_incident
        state = self._app.state_of(incident)
        if stack and isinstance(stack[-1], ModalScreen) and state is not None and state.exercise is not None:
            stack[-1].call_after_refresh(_mark, stack[-1], incident)


def _mark(form: Screen[Any], incident: str) -> None:
    if form.is_mounted and form.is_running:
        form.mount(ExerciseBanner(incident))
