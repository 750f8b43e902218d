"""The console: holds what the whole app shares and switches between the lobby and the rooms.

Invariant: paints before anything of the network is loaded; the client comes later, in its own thread.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, ClassVar, cast

from textual.app import App
from textual.binding import BindingType

from warroom.client.view import Link, View
from warroom.tui.bindings import bindings_of
from warroom.tui.bridge import Answered, Bridge, Opened, Opener, OpenFailed, Wake
from warroom.tui.memory import Memory
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.lobby import LobbyScreen
from warroom.tui.slash import Payload
from warroom.tui.themes import pick_theme, register_themes


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
    banner: str = ""
    """Said once at the start; a demo says here that its data is made up."""


class WarroomApp(App[None], inherit_bindings=False):
    """The console. `opener` makes the client once the first frame is out."""

    TITLE = "warroom"
    CSS_PATH = "warroom.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")

    def __init__(self, opener: Opener, options: ConsoleOptions) -> None:
        super().__init__()
        self.options = options
        self.bridge = Bridge(self, opener)
        self.view = View(Link("connecting", options.clock()))
        self.drafts: dict[str, dict[str, str]] = {}
        self.keymap = dict(options.keymap)
        self.memory = Memory(options.memory)
        self._touched = time.monotonic()
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
        """The time, aware."""
        return self.options.clock()

    def touched(self) -> None:
        """A key was pressed."""
        self._touched = time.monotonic()

    def idle_seconds(self) -> int:
        """How long no key was pressed."""
        return int(time.monotonic() - self._touched)

    def get_system_commands(self, screen: Any) -> Any:
        """The palette offers the registry's actions, not Textual's own."""
        from warroom.tui.provider import system_commands

        yield from system_commands(self, screen)

    # Life

    def on_mount(self) -> None:
        self.set_keymap(self.keymap)
        self.push_screen(LobbyScreen())
        if self.options.incident:
            self.push_screen(BoardScreen(self.options.incident))
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """After the first frame: quieten the collector, whose full runs would stop the screen, and connect."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()
        if self.options.banner:
            self.notify(self.options.banner, timeout=12, markup=False)
        self.bridge.open()

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
        """A new view of everything."""
        self.view = message.view
        for notice in self.view.notices:
            if notice.serial > self._noticed:
                self._noticed = notice.serial
                self.tell(notice.words, notice.level)
        self._show()

    def _show(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, BoardScreen | LobbyScreen):
                screen.refresh_view(self.view)

    def on_answered(self, message: Answered) -> None:
        """Hand an answer to who waits for it."""
        if not message.future.cancelled():
            message.then(message.future)

    # Rooms

    def show_room(self, incident: str) -> None:
        """Open an incident's board."""
        if isinstance(self.screen, BoardScreen) and self.screen.incident == incident:
            return
        self.push_screen(BoardScreen(incident))

    def show_lobby(self) -> None:
        """Back to the list of incidents."""
        while len(self.screen_stack) > 2:
            self.pop_screen()

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
                if self.bridge.wire is not None:
                    self.bridge.wire.seen(settled.n)
            if then is not None:
                then(settled)

        if not self.bridge.submit(payload, incident, answered):
            self.tell("not connected yet; try again in a moment", "warning")

    def tell(self, words: str, level: str = "information") -> None:
        """Say something to the person, for a few seconds."""
        severity: Any = level if level in ("information", "warning", "error") else "information"
        self.notify(words, severity=severity, markup=False, timeout=6)

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
        calm = not self.has_class("-calm")
        self.set_class(calm, "-calm")
        self.tell("low bandwidth: charts and clocks are drawn seldom" if calm else "full speed again")

    def do_show_help(self) -> None:
        """The keys that work here."""
        from warroom.tui.screens.help import help_sections
        from warroom.tui.screens.reading import ReadingScreen

        if isinstance(self.screen, ReadingScreen):
            return
        focused = self.screen.focused_pane() if isinstance(self.screen, BoardScreen) else ""
        scopes = (focused, "room", "app") if isinstance(self.screen, BoardScreen) else ("lobby", "app")
        self.push_screen(ReadingScreen("Keys", help_sections(scopes, self.keymap)))

    def do_show_unsent(self) -> None:
        """What waits, and what came back."""
        from warroom.tui.screens.help import outbox_sections
        from warroom.tui.screens.reading import ReadingScreen

        self.push_screen(ReadingScreen("Unsent and refused", outbox_sections(self.view, self.zone)))
        for one in self.view.refused:
            if self.bridge.wire is not None:
                self.bridge.wire.seen(one.n)

    def do_copy(self) -> None:
        """Copy the selected row's words."""
        screen = self.screen
        selected = screen.selected() if isinstance(screen, BoardScreen) else None
        words = getattr(selected, "words", "") or getattr(selected, "title", "") or getattr(selected, "name", "")
        if words:
            self.copy_to_clipboard(words)
            self.tell("copied")
        else:
            self.tell("select a row first")


def run(opener: Opener, options: ConsoleOptions) -> None:
    """Run the console until the person leaves."""
    gc.disable()
    WarroomApp(opener, options).run()
