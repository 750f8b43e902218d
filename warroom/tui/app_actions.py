"""What the keys of the whole console do: palette, help, theme, pace, what is unsent, copying, leaving.

Invariant: nothing here changes an incident.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import Any

from textual.app import App

from warroom.client.view import RefusedCommand, View
from warroom.tui.exercise.console import Exercises
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.screens import later
from warroom.tui.screens.board import BoardScreen
from warroom.tui.slash import Payload

SLOW_BEAT = 5
"""Seconds between two times that the console shows over a slow link."""


class AppActions(App[None], inherit_bindings=False):
    """The part of the app that acts."""

    calm: bool
    exercises: Exercises
    keymap: dict[str, str]

    @property
    @abstractmethod
    def zone(self) -> tzinfo:
        """The time zone times are told in."""

    @abstractmethod
    def newest(self) -> View:
        """The newest view."""

    @abstractmethod
    def mark_seen(self, refused: Iterable[RefusedCommand]) -> None:
        """The person has been told of these."""

    @abstractmethod
    def take_back(self, refused: RefusedCommand | None) -> None:
        """Open the place where a refused command was typed."""

    @abstractmethod
    def submit(self, payload: Payload, incident: str, then: Callable[[Any], None] | None = None) -> None:
        """Send a command."""

    @abstractmethod
    def tell(self, words: str, level: str = "information") -> None:
        """Say something to the person."""

    def action_do(self, id_: str) -> None:
        """Run an action of the app."""
        getattr(self, f"do_{id_.split('.', 1)[1].replace('-', '_')}")()

    def do_command_palette(self) -> None:
        """Find any action."""
        self.action_command_palette()

    def do_quit(self) -> None:
        """Leave; the incident goes on."""
        self.exit()

    def do_change_theme(self) -> None:
        """Choose the colours."""
        self.search_themes()

    def do_toggle_calm(self) -> None:
        """Draw seldom, for a slow link."""
        self.calm = not self.calm
        for screen in self.screen_stack:
            if isinstance(screen, BoardScreen):
                screen.set_calm(self.calm)
        self.tell(f"low bandwidth: all but news is drawn every {SLOW_BEAT} s" if self.calm else "full speed again")

    def do_show_help(self) -> None:
        """The keys that work here."""
        from warroom.tui.screens.help import help_sections
        from warroom.tui.screens.reading import ReadingScreen

        if isinstance(self.screen, ReadingScreen):
            return
        scopes: tuple[str, ...] = ("lobby", "app")
        if isinstance(self.screen, BoardScreen):
            scopes = (self.screen.focused_pane(), "room", "panes", "app")
        elif isinstance(self.screen, ExploreScreen):
            scopes = (self.screen.SCOPE, self.screen.COMMON, "panes", "app")
        self.push_screen(ReadingScreen("Keys", help_sections(scopes, self.keymap)))

    def do_show_unsent(self) -> None:
        """What waits, and what came back."""
        from warroom.tui.screens.outbox import OutboxScreen

        if isinstance(self.screen, OutboxScreen):
            return
        view = self.newest()
        self.push_screen(OutboxScreen(view, self.zone), self.take_back)
        self.mark_seen(view.refused)

    def do_stop_exercise(self) -> None:
        """Stop the exercise that is shown, for everybody, once more asked."""
        incident, state = self.exercises.shown()
        if state is None or state.exercise is None:
            self.tell("no exercise is shown: nothing was stopped", "warning")
            return
        if not state.exercise.running:
            self.tell("the exercise is over already")
            return
        word = state.exercise.safe_word
        question = (
            f"Stop the exercise {incident} for everybody, now?\n\n"
            f"This says the safe word, {word!r}: something real has come up, and all turn to that."
        )
        command = {"type": "stop-exercise", "reason": "safe_word", "text": ""}
        self.push_screen(later.confirm_screen()(question), lambda yes: self.submit(command, incident) if yes else None)

    def do_copy(self) -> None:
        """Copy the selected row's words."""
        screen = self.screen
        selected = screen.selected() if isinstance(screen, BoardScreen | ExploreScreen) else None
        words = getattr(selected, "words", "") or getattr(selected, "title", "") or getattr(selected, "name", "")
        if words:
            self.copy_to_clipboard(words)
            self.tell("copied")
        else:
            self.tell("select a row first")
