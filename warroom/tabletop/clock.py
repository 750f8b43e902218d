"""The time of an exercise: it stands until it is started, runs at any pace, and can be paused.

Invariant: server, telemetry, facilitator and players read the same clock, so that log and charts agree at any pace; its
time never goes back. From the end on only the log's time goes on: there is nothing left to measure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

SLOWEST, FASTEST = 0.1, 600.0


class ExerciseClock:
    """Stands at `start` until `pace` is called. Belongs to one event loop where something waits by it; may be read from
    anywhere.
    """

    def __init__(self, start: datetime, tick: Callable[[], float] = time.monotonic) -> None:
        self.start = start
        self.speed = 0.0
        self._tick = tick
        self._since = (tick(), 0.0)
        self._ended: float | None = None
        self._waiting: set[asyncio.Event] = set()

    def monotonic(self) -> float:
        """Seconds of the exercise so far."""
        began, before = self._since
        return before + (self._tick() - began) * self.speed

    def now(self) -> float:
        """Seconds since the epoch, by the exercise's time, as telemetry is asked: at its end at most."""
        now = self.start.timestamp() + self.monotonic()
        return now if self._ended is None else min(now, self._ended)

    def moment(self) -> datetime:
        """The exercise's time, aware, as the log has it: it goes on when the exercise has ended."""
        return datetime.fromtimestamp(self.start.timestamp() + self.monotonic(), UTC)

    def end(self, at: datetime) -> None:
        """The exercise ended then: charts stand from now on, and talk about it takes its real time."""
        # A whole second, so that whoever waits for the next column of a chart does not do so all the time.
        self._ended = float(int(at.timestamp()))
        self.pace(1.0)

    def pace(self, speed: float) -> None:
        """Run so many times as fast as real time from now on; 0 stands still.

        Raises:
            ValueError: a speed at which nothing could be followed.
        """
        if speed and not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed is {speed:g}; it must be 0 for a pause, or from {SLOWEST:g} to {FASTEST:g}")
        # Time before speed: a reader in another thread may see the old pace a moment longer, and never a jump.
        self._since = (self._tick(), self.monotonic())
        self.speed = speed
        for waiting in self._waiting:
            waiting.set()

    def go_on_from(self, seconds: float) -> None:
        """Stand at that second of the exercise, for one that goes on from another's log."""
        self._since = (self._tick(), seconds)

    async def until(self, second: float) -> None:
        """Return once so many seconds of the exercise have passed, however its pace changes meanwhile."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while (left := second - self.monotonic()) > 0:
                changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left / self.speed if self.speed else None):
                        await changed.wait()
        finally:
            self._waiting.discard(changed)

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds of the exercise."""
        await self.until(self.monotonic() + seconds)
