"""The demo's time: the machine's own, or faster.

Invariant: server, relay, responders and console read the same clock, so that charts and timeline agree at any speed.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

SLOWEST, FASTEST = 0.1, 600.0


class DemoClock:
    """Starts at the present and runs `speed` times as fast as the machine's clock."""

    def __init__(self, speed: float = 1.0) -> None:
        """
        Raises:
            ValueError: a speed at which nothing could be followed.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed is {speed:g}; it must be from {SLOWEST:g} to {FASTEST:g}")
        self.speed = speed
        self.origin = time.time()
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.origin + self.monotonic()

    def monotonic(self) -> float:
        """Seconds of the demo since it began."""
        return (time.monotonic() - self._began) * self.speed

    def moment(self) -> datetime:
        """The time, aware."""
        return datetime.fromtimestamp(self.now(), UTC)

    async def wait(self, seconds: float) -> None:
        """Return after that many seconds of the demo, at once when they are not positive."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)
