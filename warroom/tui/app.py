"""The console: holds what the whole app shares and switches between the lobby and the rooms.

Invariant: paints before anything of the network is loaded; the client comes later, in its own thread.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import App
from textual.binding import BindingType
from textual.events import Event, Key, Paste
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from warroom.client.view import Link, RefusedCommand, View
from warroom.garbage import collect_seldom
from warroom.incident.state import IncidentState
from warroom.tui.app_actions import SLOW_BEAT, AppActions
from warroom.tui.attention import Bell, desktop_notification
from warroom.tui.bindings import bindings_of
from warroom.tui.bridge import Answered, Bridge, Opened, Opener, OpenFailed, Wake
from warroom.tui.ending import Ending
from warroom.tui.exercise.console import Exercises
from warroom.tui.explore.screen import ExploreScreen
from warroom.tui.explore.shared import Shared
from warroom.tui.glyphs import select, use
from warroom.tui.guide import Guide
from warroom.tui.memory import Memory
from warroom.tui.screens import later
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.lobby import LobbyScreen
from warroom.tui.slash import Payload
from warroom.tui.taking_back import taken_back
from warroom.tui.themes import pick_theme, register_themes
from warroom.tui.typeahead import Passed, TypeAhead, kept_early

if TYPE_CHECKING:
    from textual.command import Provider


AT_ONCE = 2.0
"""Seconds after a key within which a command is taken to come of it; a click of the mouse has no key."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How the console is to be. `memory` is the file that remembers what was seen; None for none."""

    me: str
    incident: str = ""
    theme: str | None = None
    keymap: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    memory: Path | None = None
    calm: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock_is_exercises: bool = False
    """`clock` is that of the exercise shown; without it an exercise's time is told from its log."""
    traced: bool = False
    """Commands are traced, from the key on."""
    banner: str = ""
    """Said once at the start; an exercise says here that nothing is real."""
    opening: str = ""
    """What is being made ready while the client is opened, where that takes a moment."""
    complaints: tuple[str, ...] = ()
    """What is wrong with the files the console is set up by, said at the start; it runs without them."""


def _action_provider() -> type[Provider]:
    """The palette's offers, loaded when it is first opened."""
    from warroom.tui.provider import ActionProvider

    return ActionProvider


class WarroomApp(AppActions, inherit_bindings=False):
    """The console. `opener` makes the client once the first frame is out."""

    TITLE = "warroom"
    CSS_PATH = "warroom.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {_action_provider}  # noqa: RUF012 - Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")

    def __init__(self, opener: Opener, options: ConsoleOptions) -> None:
        super().__init__()
        self.options = options
        self.bridge = Bridge(self, opener)
        self.view = View(Link("connecting", options.clock(), words=options.opening))
        self.drafts: dict[str, dict[str, str]] = {}
        self._shared: dict[str, Shared] = {}
        self.guide = Guide(self)
        self.exercises = Exercises(self)
        self._typed = TypeAhead(self, super().on_event)
        self.keymap = dict(options.keymap)
        self.memory = Memory(options.memory)
        self.calm = options.calm
        self._bell = Bell()
        self._touched = time.monotonic()
        self._pressed = 0.0
        self._noticed = 0
        register_themes(cast(App[object], self))
        colours = None if self.console.color_system is None else 16 if self.console.color_system == "standard" else 256
        self.theme = pick_theme(os.environ, colours, wanted=options.theme)

    # What everybody asks

    @property
    def me(self) -> str:
        """The name this person is known by: the token's, once the server has said it."""
        return self.view.link.name or self.options.me

    @property
    def zone(self) -> tzinfo:
        """The time zone times are told in."""
        return self.options.zone

    def now(self) -> datetime:
        """The time, aware; of the exercise while one is shown."""
        return self.now_in(self.shown_incident)

    def now_in(self, incident: str) -> datetime:
        """The time there: this machine's, or the exercise's own, which stands from its end on."""
        return self.exercises.now_in(incident) or self.options.clock()

    def written_at(self, incident: str) -> datetime:
        """The time that an entry made now has there; it goes on also when an exercise has ended."""
        return self.exercises.written_at(incident) or self.options.clock()

    def wall(self) -> datetime:
        """This machine's time, by which connections are told."""
        return datetime.now(UTC) if self.options.clock_is_exercises else self.options.clock()

    @property
    def shown_incident(self) -> str:
        """The incident on screen, under whatever form; empty in the lobby."""
        kinds = BoardScreen | ExploreScreen | LobbyScreen
        here = (one for one in reversed(self.screen_stack) if isinstance(one, kinds))
        return getattr(next(here, None), "incident", "")

    def state_of(self, incident: str) -> IncidentState | None:
        """An incident that is followed, as it is known."""
        room = self.view.rooms.get(incident)
        return None if room is None else room.state

    def beat(self) -> datetime:
        """The time to show: with low bandwidth it goes on every five seconds, and with it all that shows it."""
        now = self.now()
        return now.replace(second=now.second - now.second % SLOW_BEAT, microsecond=0) if self.calm else now

    def touched(self) -> None:
        """A key was pressed."""
        self._touched = time.monotonic()

    def idle_seconds(self) -> int:
        """How long no key was pressed."""
        return int(time.monotonic() - self._touched)

    # Life

    def on_mount(self) -> None:
        self.set_keymap(self.keymap)
        # The lobby is made when somebody goes there: under a board it would only delay the first frame.
        incident = self.options.incident
        self.push_screen(BoardScreen(incident) if incident else LobbyScreen())
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """After the first frame: quieten the collector, whose full runs would stop the screen, and connect."""
        gc.collect()
        collect_seldom()
        gc.enable()
        if self.options.banner:
            self.notify(self.options.banner, timeout=12, markup=False)
        for words in self.options.complaints:
            self.notify(words, severity="warning", timeout=20, markup=False)
        later.prefetch()
        self.bridge.open()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self._pressed = time.monotonic()
            await self._typed.come(event)
        else:
            await super().on_event(event)

    async def on_passed(self, message: Passed) -> None:
        """A key has been handled."""
        await self._typed.passed(message)

    def on_key(self, event: Key) -> None:
        """A key that nothing has used may be for a form that is about to open."""
        if kept_early(event, self):
            event.stop()
            event.prevent_default()

    def _fatal_error(self) -> None:
        """A fault of our own ends the console; `run` hands it on, for nobody should read a traceback on a terminal."""
        self._close_messages_no_wait()

    def on_unmount(self) -> None:
        self.bridge.close()
        self.memory.save()

    def on_opened(self, _message: Opened) -> None:
        """There is a client: follow what is on screen."""
        wire = self.bridge.wire
        if wire is None:
            return
        wire.follow_lobby()
        for screen in self.screen_stack:
            if isinstance(screen, BoardScreen):
                wire.follow(screen.incident)
        self.on_wake(Wake(wire.latest))

    def on_open_failed(self, message: OpenFailed) -> None:
        """No client could be made."""
        self.view = View(Link("refused", self.now(), words=message.words))
        self._show()

    def on_wake(self, message: Wake) -> None:
        """A new view of everything; none is drawn any more once the console is being taken down."""
        if self._exit:
            return
        self.view = message.view
        for notice in self.view.notices:
            if notice.serial > self._noticed:
                self._noticed = notice.serial
                self.tell(notice.words, notice.level)
        self._show()
        self.guide.look()
        self.exercises.hear()

    def _show(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, BoardScreen | LobbyScreen | ExploreScreen) and self.is_in_sight(screen):
                screen.refresh_view(self.view)

    def is_in_sight(self, screen: Screen[Any]) -> bool:
        """Whether a screen is on top, or under nothing but forms; none is while the console is being taken down.

        Textual counts the screen under an opaque one as current too, and paints all anew when that one changes.
        """
        if not self.is_running:
            return False
        for above in reversed(self.screen_stack):
            if above is screen or not isinstance(above, ModalScreen):
                return above is screen
        return False

    def on_answered(self, message: Answered) -> None:
        """Hand an answer to who waits for it."""
        if not message.future.cancelled():
            message.then(message.future)

    # Rooms

    def show_room(self, incident: str) -> None:
        """Open an incident's board."""
        if isinstance(self.screen, BoardScreen) and self.screen.incident == incident:
            return
        self.show_lobby()
        self.push_screen(BoardScreen(incident))

    def show_lobby(self) -> None:
        """Back to the list of incidents."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if not isinstance(self.screen, LobbyScreen):
            self.switch_screen(LobbyScreen())

    def shared_of(self, incident: str) -> Shared:
        """What the telemetry panes of an incident share in this console."""
        return self._shared.setdefault(incident, Shared())

    def open_pane(self, incident: str, pane: str, shown: Mapping[str, Any] | None = None) -> None:
        """Go to a telemetry pane, in place of another one on top; with `shown`, to exactly what that says."""
        from warroom.tui.explore.places import screen_of

        if isinstance(self.screen, ExploreScreen):
            if pane == self.screen.PANE and self.screen.incident == incident:
                if shown is not None:
                    self.screen.take(shown)
                return
            self.screen.keep()
            self.switch_screen(screen_of(pane, incident, shown))
        else:
            self.push_screen(screen_of(pane, incident, shown))

    def follow_spotlight(self, incident: str) -> None:
        """Go where the commander points: a pane of the board, an entry, or what a telemetry pane shows."""
        room = self.view.rooms.get(incident)
        light = None if room is None else room.spotlight
        if light is None:
            self.tell("nobody points at anything now")
        elif light.shown:
            self.open_pane(incident, light.target, light.shown)
        else:
            if isinstance(self.screen, ExploreScreen):
                self.screen.keep()
                self.pop_screen()
            if isinstance(self.screen, BoardScreen):
                self.screen.go_to(light.target)

    def present(self, incident: str, pane: str, *, typing: bool = False) -> None:
        """Tell the others what this person looks at."""
        if self.bridge.wire is not None:
            self.bridge.wire.present(incident, pane, self.idle_seconds(), typing)

    def typing_in(self, screen: Screen[Any]) -> bool:
        """Whether the person is in a line of this screen, where nothing should move under them."""
        return isinstance(screen.focused, Input)

    def follow(self, incident: str) -> None:
        """Tell the client that this incident is on screen."""
        if self.bridge.wire is not None:
            self.bridge.wire.follow(incident)

    def leave(self, incident: str) -> None:
        """Tell the client that it is not any more."""
        if self.bridge.wire is not None:
            self.bridge.wire.leave(incident)

    def seen_before(self, incident: str) -> int | None:
        """The last entry this person saw of an incident, None if they never looked."""
        return self.memory.seen(incident)

    def remember(self, incident: str, seq: int) -> None:
        """This person has seen everything up to `seq`."""
        self.memory.see(incident, seq)

    # Acting

    def submit(self, payload: Payload, incident: str, then: Callable[[Any], None] | None = None) -> None:
        """Send a command; what the server refuses is told in words."""

        def answered(future: Future[Any]) -> None:
            error = future.exception()
            if error is not None:
                self.tell(str(error), "error")
                return
            settled = future.result()
            if not settled.accepted:
                self.tell(settled.words, "warning")
                self._keep_words(payload, incident)
                self.mark_seen([one for one in self.newest().refused if one.n == settled.n])
            if then is not None:
                then(settled)

        pressed = self._pressed if self.options.traced and time.monotonic() - self._pressed < AT_ONCE else 0.0
        if not self.bridge.submit(payload, incident, answered, pressed):
            self.tell("not connected yet; try again in a moment", "warning")

    def newest(self) -> View:
        """The newest view there is, also before it is on screen."""
        return self.view if self.bridge.wire is None else self.bridge.wire.latest

    def mark_seen(self, refused: Iterable[RefusedCommand]) -> None:
        """The person has been told of these."""
        for one in refused:
            if self.bridge.wire is not None:
                self.bridge.wire.seen(one.serial)

    def _keep_words(self, command: Mapping[str, Any], incident: str) -> str:
        """Put a refused command's words back where they were typed; gives the action that opens that place."""
        found = taken_back(command)
        if found is None:
            return ""
        action, values = found
        key = action if action == "lobby.declare" else f"{incident}:{action}"
        self.drafts.setdefault(key, {}).update(values)
        if action == "room.chat":
            boards = (one for one in self.screen_stack if isinstance(one, BoardScreen) and one.incident == incident)
            for board in boards:
                board.put_back(values["text"])
        return action

    def take_back(self, refused: RefusedCommand | None) -> None:
        """Open the place where a refused command was typed, with its words in it."""
        if refused is None:
            return
        action = self._keep_words(refused.command, refused.incident)
        if not action:
            self.tell("there are no words in it; do it anew with its key")
        else:
            self.go_and_do("" if action == "lobby.declare" else refused.incident, action)

    def go_and_do(self, incident: str, action: str) -> None:
        """Go to an incident, or with an empty id to the lobby, and run an action there."""
        if incident:
            self.show_room(incident)
        else:
            self.show_lobby()
        # In that screen's own loop: the form's answer goes to who opened it, and this screen may be gone by then.
        screen = self.screen
        if isinstance(screen, BoardScreen | LobbyScreen):
            screen.call_later(screen.action_do, action)

    def push_screen(self, *args: Any, **more: Any) -> Any:
        """As Textual's own; a form over an exercise says that it is one."""
        pushed = super().push_screen(*args, **more)
        self.exercises.mark_form()
        return pushed

    def call_person(self, words: str) -> None:
        """Something asks for this person: say it, ring once in a while, and tell the desktop if they look elsewhere."""
        self.tell(words, "warning")
        if self._bell.may_ring(time.monotonic()):
            self.bell()
            if not self.app_focus and self._driver is not None and not self.is_headless:
                self._driver.write(desktop_notification(words))

    def tell(self, words: str, level: str = "information") -> None:
        """Say something to the person, for a few seconds."""
        severity: Any = level if level in ("information", "warning", "error") else "information"
        self.notify(words, severity=severity, markup=False, timeout=6)


def run(opener: Opener, options: ConsoleOptions) -> None:
    """Run the console until the person leaves. A fault of the console's own is raised once the terminal is restored."""
    gc.disable()
    use(select(sys.stdout.encoding, os.environ))
    app = WarroomApp(opener, options)
    # Whoever ends the terminal ends the console in order: drafts, memory and what the opener started.
    ending = Ending(cast(App[object], app))
    ending.listen()
    app.run()
    ending.over()
    if app._exception is not None:
        raise app._exception
