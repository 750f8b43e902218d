"""Consoles for screen tests: on the story's incident, over a client without a network, awaited without a sleep."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from tests.tui.local_wire import LocalWire
from tests.tui.story import tell
from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.reading import ReadingScreen

ROOM = "INC-7K30"
SIZES = [(80, 24), (120, 40), (200, 55)]


def screen_text(app: App[Any]) -> list[str]:
    """The rows on screen as text."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def shows(app: App[Any], words: str) -> bool:
    """Whether the words stand in one row of the screen."""
    return any(words in row for row in screen_text(app))


async def until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    """Let the app work until something is so."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came true; on screen:\n" + "\n".join(screen_text(pilot.app)))


@asynccontextmanager
async def board(
    size: tuple[int, int] = (120, 40),
    wire: LocalWire | None = None,
    *,
    seen: int | None = 40,
    notifications: bool = True,
    **options: Any,
) -> AsyncIterator[tuple[LocalWire, WarroomApp, Pilot[None]]]:
    """A console on the story's incident; `options` are further ones of the console."""
    told = wire or tell()
    chosen = {"incident": ROOM, "clock": told.now, "theme": "warroom-night", **options}
    app = WarroomApp(told.opener, ConsoleOptions("ana", **chosen))
    if seen is not None:
        app.memory.see(ROOM, seen)
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BoardScreen | ReadingScreen) and app.view.rooms != {})
        await until(pilot, lambda: shows(app, "Checkout latency"))
        yield told, app, pilot
