"""What the screens of an exercise have in common: a head with the incident and the exercise's name, its own keys.

Invariant: shows what the log says at once; only what is not on it is asked for.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import BindingType

from warroom.client.view import View
from warroom.incident.exercise_state import ExerciseState
from warroom.incident.state import IncidentState
from warroom.tui.acts import FORMS
from warroom.tui.bindings import bindings_of
from warroom.tui.explore.list_detail import ListDetailScreen
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.forms import Context, Form
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.screens import later
from warroom.tui.widgets.line import Line, Span, justify, safe
from warroom.tui.widgets.row_source import RowSource


def drill_bindings(scope: str) -> list[BindingType]:
    """The keys of one screen: its own first, then those of all of an exercise, then those that go to a pane."""
    return [*bindings_of(scope), *bindings_of("drill"), *bindings_of("panes")]


class DrillScreen(ExploreScreen):
    """The base. A subclass shows what it knows in `show_state` whenever the log or the second has changed."""

    COMMON: ClassVar[str] = "drill"
    REFRESH: ClassVar[float] = 0.0

    @property
    def state(self) -> IncidentState:
        """The newest state; an empty one before the first."""
        return IncidentState(id=self.incident) if self.room is None else self.room.state

    @property
    def exercise(self) -> ExerciseState | None:
        """The exercise, if this is one."""
        return self.state.exercise

    @property
    def is_whole(self) -> bool:
        """Whether its parts are there: an answer may come while it is being taken down."""
        return self.is_mounted and self.query_one_optional("#footer") is not None

    def show_state(self) -> None:
        """Draw what the log says; cheap when nothing changed."""

    def view_changed(self, view: View) -> None:
        self.show_state()

    def ticked(self) -> None:
        self.show_state()

    def ask_now(self) -> None:
        self.show_state()

    def context(self) -> Context:
        """What a form may know now."""
        console, room = self.console, self.room
        people = () if room is None else tuple(dict.fromkeys(one.name for one in room.people))
        known = tuple(dict.fromkeys((*people, *self.state.participants)))
        return Context(self.state, console.me, console.written_at(self.incident), console.zone, self.selected(), known)

    def do_open_exercise(self) -> None:
        """The screen that E goes to from the board."""
        self.console.exercises.open(self.incident)

    def do_hint(self) -> None:
        """Ask for a hint, told what it costs."""
        exercise = self.exercise
        if exercise is None or not exercise.running:
            self.console.tell("the exercise is over; no hint is needed any more")
            return
        cost = f"Hints have cost {exercise.hints:g} so far." if exercise.hints else "No hint was given so far."
        question = f"Ask the facilitator for a hint?\n\nIt takes points off the score. {cost}"
        self.app.push_screen(
            later.confirm_screen()(question), lambda yes: self.submit({"type": "ask-for-hint"}) if yes else None
        )

    def submit(self, payload: dict[str, Any]) -> None:
        """Send a command of this incident."""
        self.console.submit(payload, self.incident)

    def ask_with(self, form: Form, key: str) -> None:
        """Ask, then send; what was typed and not sent is kept under `key`."""
        drafts = self.console.drafts.setdefault(f"{self.incident}:{key}", {})

        def send(payload: dict[str, Any] | None) -> None:
            if payload:
                self.submit(payload)

        self.app.push_screen(later.form_screen()(form, drafts), send)

    def ask_action(self, id_: str) -> None:
        """The form of an action of the registry."""
        self.ask_with(FORMS[id_](self.context()), id_)

    def shown(self) -> dict[str, Any]:
        return {"pane": self.PANE}

    def show(self, shown: Any) -> None:
        self.ask_now()

    def _paint_head(self, width: int, _height: int, palette: Palette) -> list[Line]:
        g, exercise = glyphs(), self.exercise
        left: list[Span] = [
            (f" {g.diamond} ", style(palette.accent)),
            (f"{self.incident} ", style(palette.text, bold=True)),
            (f" {self.TITLE_TEXT}", style(palette.accent, bold=True)),
            (f"  {safe(exercise.title)}" if exercise else "", style(palette.soft)),
        ]
        right: list[Span] = [(f"{self.head_note()} ", style(palette.text, bold=True))]
        return [justify(left, right, width)]


class DrillListScreen(DrillScreen, ListDetailScreen):
    """One that is a list with the selected row in full below."""

    COMMON: ClassVar[str] = "drill"
    REFRESH: ClassVar[float] = 0.0

    def show_rows(self, source: RowSource) -> None:
        """As in the panes; the detail has all the room that the list leaves."""
        super().show_rows(source)
        self.listed.styles.height = max(6, self.listed.count * (source.row_lines or 1) + 2)
        self.listed.styles.max_height = "60%"
