"""The newest lines of a tail, shared between the thread that hears them and the one that draws them.

Invariant: a line keeps its number for ever; the oldest lines give way when the buffer is full, and a reader that
asks for numbers that are gone is told where the lines begin now.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from warroom.telemetry.logs import LogLine

CAPACITY = 50_000


class LogBuffer:
    """`first` is the number of the oldest line kept, `end` that after the newest; `lost` counts lines nobody got."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.lost = 0
        self._guard = threading.Lock()
        self._lines: list[LogLine] = []
        self._first = 0

    @property
    def first(self) -> int:
        return self._first

    @property
    def end(self) -> int:
        return self._first + len(self._lines)

    def extend(self, lines: Sequence[LogLine], lost: int = 0) -> None:
        """Add lines at the end; what no longer fits goes from the front, a slab at a time."""
        with self._guard:
            self._lines.extend(lines)
            self.lost += lost
            over = len(self._lines) - self.capacity
            # Cutting a list's front moves all of it: done seldom, in slabs of an eighth.
            if over > self.capacity // 8:
                del self._lines[:over]
                self._first += over

    def slice(self, start: int, stop: int) -> tuple[int, list[LogLine]]:
        """The lines numbered `start` up to `stop`, as far as they are kept, and the number of the first of them."""
        with self._guard:
            start = max(start, self._first)
            return start, self._lines[start - self._first : max(start, stop) - self._first]
