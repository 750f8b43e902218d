"""Time, as telemetry needs it: what time it is, how long something took, and waiting.

Invariant: nothing else in this package reads a clock or sleeps, so a test owns all of its time.
"""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """`now` is seconds since the epoch (it may jump); `monotonic` only grows; `wait` lets seconds pass."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    async def wait(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment that does not change."""
        return time.monotonic()

    async def wait(self, seconds: float) -> None:
        """Return after `seconds`, at once when they are not positive."""
        await asyncio.sleep(max(0.0, seconds))
