"""How long to wait before the next attempt to connect: decorrelated jitter, so that a crowd does not come as one."""

from __future__ import annotations

import random

SHORTEST = 0.05
LONGEST = 5.0
SETTLED = 5.0
"""Seconds a connection must have been live for the next wait to be short again."""


class Backoff:
    """Each wait is drawn between 0.05 s and three times the one before, at most 5 s."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.SystemRandom()
        self._wait = SHORTEST

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now; `at_least` is what the server asked for."""
        self._wait = min(LONGEST, self._rng.uniform(SHORTEST, self._wait * 3))
        return max(self._wait, at_least)

    def was_live(self, seconds: float) -> None:
        """A connection has ended that was live for so long."""
        if seconds >= SETTLED:
            self._wait = SHORTEST
