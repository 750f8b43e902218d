"""An exercise with the console on it, in one process: the house in a thread and loop of its own, the console in front.

Invariant: the first frame is out before any of the exercise is loaded, and leaving the console ends everything.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.tabletop.clock import ExerciseClock

if TYPE_CHECKING:
    from warroom.app_exercise import ExercisePlan, OpenExercise
    from warroom.client.thread import ClientThread
    from warroom.client.view import View
    from warroom.tui.app import ConsoleOptions

_START_SECONDS = 90.0
_END_SECONDS = 8.0


class HouseThread:
    """An exercise and everybody who plays in it by themselves, in a thread and loop of their own."""

    def __init__(self, plan: ExercisePlan, clock: ExerciseClock) -> None:
        self._plan, self._clock = plan, clock
        self._opened: Future[OpenExercise] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="warroom-exercise", daemon=True)

    def start(self) -> OpenExercise:
        """Start it and wait until it takes players.

        Raises:
            CannotHost, StoreError: it cannot; says why.
        """
        self._thread.start()
        return self._opened.result(_START_SECONDS)

    def stop(self) -> None:
        """End it and wait for that."""
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(_END_SECONDS)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as failure:
            if self._opened.done():
                raise
            self._opened.set_exception(failure)

    async def _run(self) -> None:
        from warroom.app_exercise import exercise

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with exercise(self._plan, self._clock) as opened:
            self._opened.set_result(opened)
            await self._stop.wait()


class Show:
    """An exercise as the console opens it. A context manager: leaving it ends the exercise."""

    def __init__(self, plan: ExercisePlan) -> None:
        self.plan = plan
        self.clock = ExerciseClock(plan.start)
        self.opened: OpenExercise | None = None
        self._temporary = tempfile.TemporaryDirectory(prefix="warroom-exercise-", ignore_cleanup_errors=True)
        self._memory = Path(self._temporary.name) / "console.json"
        self._house: HouseThread | None = None
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
        """What the console is told: whom it is for, which incident it opens on, and the exercise's clock."""
        from warroom.tui.app import ConsoleOptions

        plan = self.plan
        return ConsoleOptions(
            me=plan.me, incident=plan.incident, memory=self._memory, clock=self.clock.moment,
            clock_is_exercises=True, **looks,
        )  # fmt: skip

    def open(self) -> OpenExercise:
        """Open the exercise, unless it is open.

        Raises:
            CannotHost, StoreError: it cannot be opened; says why.
        """
        with self._guard:
            if self._closed:
                raise RuntimeError("the exercise has ended")
            if self.opened is None:
                self._house = HouseThread(self.plan, self.clock)
                self.opened = self._house.start()
                # The room itself comes first, not the words about it.
                self._memory.write_text(json.dumps({"seen": {self.opened.incident: 1}}), "utf-8")
            return self.opened

    def opener(self, wake: Callable[[View], None]) -> ClientThread:
        """Go in.

        Raises:
            CannotHost, StoreError: as `open`.
        """
        from warroom.app import tls_to_ourselves
        from warroom.client.thread import ClientThread

        opened = self.open()
        cert = self.plan.listen.tls_cert
        trust = tls_to_ourselves(str(cert.absolute()) if cert else "")
        return ClientThread(opened.url, opened.token, agent="exercise", tls=trust, wake=wake)
