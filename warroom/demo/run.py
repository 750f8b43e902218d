"""Run the demo: with the console on it, or headless with a line for each event.

Invariant: it ends within moments when asked to, with no thread and no file left behind.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.demo.clock import DemoClock
from warroom.house_thread import HouseThread

if TYPE_CHECKING:
    from warroom.client.thread import ClientThread
    from warroom.client.view import View
    from warroom.demo.house import Open, Plan
    from warroom.demo.life import Life
    from warroom.tui.app import ConsoleOptions

BANNER = "A demo: the incident, the responders and all figures are made up. Press ? for the keys, b for the story."
SEED = 7
_START_SECONDS = 20.0
_END_SECONDS = 5.0


@asynccontextmanager
async def _opened(plan: Plan) -> AsyncIterator[Open]:
    async with living(plan) as (opened, _):
        yield opened


@asynccontextmanager
async def living(plan: Plan) -> AsyncIterator[tuple[Open, Life]]:
    """The house with everybody at work in it.

    Raises:
        CannotShow, StoreError: as `house`.
    """
    from warroom.demo.house import house
    from warroom.demo.life import Life

    async with house(plan) as opened:
        life = Life(opened)
        try:
            yield opened, life
        finally:
            await life.close()


def run(
    me: str,
    *,
    speed: float = 1.0,
    seed: int = SEED,
    port: int = 0,
    keep: Path | None = None,
    zone: tzinfo = UTC,
    theme: str | None = None,
    keymap: Mapping[str, str] | None = None,
    calm: bool = False,
) -> None:
    """Open the console on the demo, until the person leaves. `me` is what they are called in the room.

    Raises:
        ValueError: a speed that cannot be.
    """
    gc.disable()
    from warroom.tui.app import run as run_console

    # The console owns the terminal: without any handler, a warning would be written across it.
    logging.getLogger().addHandler(logging.NullHandler())
    with Show(DemoClock(speed), me, seed=seed, port=port, keep=keep) as show:
        run_console(show.opener, show.options(zone=zone, theme=theme, keymap=keymap or {}, calm=calm))


class Show:
    """The demo as the console opens it: the first frame is out before any of it is loaded.

    A context manager: leaving it ends the house and removes what was temporary.
    """

    def __init__(self, clock: DemoClock, me: str, *, seed: int = SEED, port: int = 0, keep: Path | None = None) -> None:
        self.clock = clock
        self.opened: Open | None = None
        self._me, self._seed, self._port, self._keep = me, seed, port, keep
        self._temporary = tempfile.TemporaryDirectory(prefix="warroom-demo-", ignore_cleanup_errors=True)
        self._memory = Path(self._temporary.name) / "console.json"
        self._house: HouseThread[Open] | None = None
        self._closed = False
        self._guard = threading.Lock()

    def __enter__(self) -> Show:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._closed = True
            house = self._house
        if house is not None:
            house.stop()
        self._temporary.cleanup()

    def options(self, **looks: Any) -> ConsoleOptions:
        """What the console is told: whom it is for, which incident it opens on, and that all is made up."""
        from warroom.demo.names import incident_ids
        from warroom.tui.app import ConsoleOptions

        incident = incident_ids(self._seed)[0]
        return ConsoleOptions(
            me=self._me, incident=incident, memory=self._memory, clock=self.clock.moment, banner=BANNER, **looks
        )

    def opener(self, wake: Callable[[View], None]) -> ClientThread:
        """Open the house and go in.

        Raises:
            CannotShow, StoreError: it cannot be opened.
        """
        from warroom.client.thread import ClientThread
        from warroom.demo.house import Plan
        from warroom.demo.names import name_beside

        me = name_beside(self._me)
        keep = self._keep or Path(self._temporary.name) / "log"
        with self._guard:
            if self._closed:
                raise RuntimeError("the demo has ended")
            plan = Plan(me, self.clock, self._seed, self._port, keep)
            self._house = HouseThread(
                lambda: _opened(plan), "warroom-demo", start_seconds=_START_SECONDS, end_seconds=_END_SECONDS
            )
            opened = self.opened = self._house.start()
        # The room itself comes first, not the words about it: what lies in the past counts as seen.
        self._memory.write_text(json.dumps({"seen": {opened.incident: opened.head}}), "utf-8")
        return ClientThread(opened.url, opened.tokens[me], agent="demo", wake=wake)


def run_headless(
    me: str,
    put: Callable[[str], None],
    *,
    seconds: float | None = None,
    speed: float = 1.0,
    seed: int = SEED,
    port: int = 0,
    keep: Path | None = None,
) -> int:
    """Let it happen without a console; `put` gets a line for each entry. Ends after `seconds`, or by Ctrl-C.

    Raises:
        ValueError: a speed that cannot be.
        CannotShow, StoreError: it cannot start.
    """
    from warroom.demo.headless import follow
    from warroom.demo.house import Plan
    from warroom.demo.names import name_beside

    plan = Plan(name_beside(me), DemoClock(speed), seed, port, keep)
    return asyncio.run(follow(plan, put, seconds))
