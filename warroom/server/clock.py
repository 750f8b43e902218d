"""The time by which credentials end: it goes on when somebody sets the machine's clock back.

Records carry the machine's time as it is, and are ordered by their numbers alone.

Invariant: it never goes slower than the machine's own count of seconds since the server started.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic


class Steady:
    """The later of the wall clock, and the wall clock at the start plus the seconds that have passed since."""

    def __init__(self, wall: Callable[[], datetime], seconds: Callable[[], float] = monotonic) -> None:
        self._wall = wall
        self._seconds = seconds
        self._began = wall(), seconds()

    def __call__(self) -> datetime:
        began, at = self._began
        return max(self._wall(), began + timedelta(seconds=self._seconds() - at))
