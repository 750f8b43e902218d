"""Where the commander points: told once to whoever looks at the incident, and gone to by itself where that is wanted.

Invariant: nothing moves under somebody who types or fills in a form; they are taken there when they have done so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen
from textual.timer import Timer

from warroom.client.view import Spotlight
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.glyphs import glyphs
from warroom.tui.screens.board import BoardScreen

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp

_LONGEST = 60
"""Characters of a query in a notice."""
_AGAIN = 0.5
"""Seconds between two looks while following, for whoever stops typing."""


def pointed_words(light: Spotlight) -> str:
    """Who points at what: `ana points at logs: {app="shop"}`, `ana points at entry 12`."""
    what = light.target.replace("entry:", "entry ")
    content = _content(light.shown)
    return f"{light.by} points at {what}: {content}" if content else f"{light.by} points at {what}"


def _content(shown: Mapping[str, Any]) -> str:
    """What is to be seen there in a few words; empty where the pane says it all."""
    if shown.get("evidence"):
        return f"evidence {shown['evidence']}"
    if shown.get("id"):
        return f"trace {str(shown['id'])[:8]}"
    several = shown.get("queries")
    queries = [str(one) for one in several] if isinstance(several, list | tuple) else []
    words = " ".join((queries[0] if queries else str(shown.get("query") or shown.get("service") or "")).split())
    if len(words) > _LONGEST:
        words = words[: _LONGEST - 1] + glyphs().ellipsis
    return f"{words} and {len(queries) - 1} more" if len(queries) > 1 else words


class Guide:
    """Belongs to one console. `on` is whether it goes where the commander points by itself."""

    def __init__(self, app: WarroomApp) -> None:
        self.on = False
        self._app = app
        self._known: dict[str, Spotlight | None] = {}
        self._due: tuple[str, Spotlight] | None = None
        self._timer: Timer | None = None

    def toggle(self, incident: str) -> None:
        """Follow, beginning with what is pointed at now, or stop following."""
        app = self._app
        self.on, self._due = not self.on, None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self.on:
            app.tell("you go your own way again; O still goes to the spotlight")
            return
        self._timer = app.set_interval(_AGAIN, self.look)
        room = app.view.rooms.get(incident)
        light = None if room is None else room.spotlight
        app.tell("you follow the spotlight; W ends it")
        if light is not None and light.by != app.me:
            self._due = incident, light
            self.look()

    def look(self) -> None:
        """Take over where the commander points in the incident on screen."""
        app = self._app
        screen = next((one for one in reversed(app.screen_stack) if not isinstance(one, ModalScreen)), None)
        if not isinstance(screen, BoardScreen | ExploreScreen):
            return
        incident = screen.incident
        room = app.view.rooms.get(incident)
        if room is None or not room.caught_up:
            return
        self._hear(incident, room.spotlight)
        if self._due is not None and self._due[0] == incident and app.screen is screen and not app.typing_in(screen):
            light, self._due = self._due[1], None
            app.follow_spotlight(incident)
            app.tell(f"{pointed_words(light)}; you follow, W ends it")

    def _hear(self, incident: str, light: Spotlight | None) -> None:
        """What is there when somebody comes is no news, unless they follow."""
        new, before, me = incident not in self._known, self._known.get(incident), self._app.me
        if not new and before == light:
            return
        self._known[incident] = light
        self._due = None
        if light is not None and light.by != me:
            if self.on:
                self._due = incident, light
            elif not new:
                self._app.tell(f"{pointed_words(light)}; O goes there")
        elif light is not None and not new:
            self._app.tell("everybody is shown this")
        elif before is not None and before.by == me:
            self._app.tell("the spotlight is off")
