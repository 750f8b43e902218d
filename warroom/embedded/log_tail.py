"""Lines on their way from a store to one who follows a query.

Invariant: what waits for a slow reader is bounded; what there was no room for is counted, and as far as there is room
for that, named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from warroom.telemetry.logs import LogLine

MOST_WAITING = 50_000
"""Lines that wait for a reader who does not come."""

_MOST_NAMED = 5000


class TailQueue:
    """Lines that a tail has not looked at yet. `heard` may be called in another thread than the rest."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = MOST_WAITING) -> None:
        self.news = asyncio.Event()
        self._loop = loop
        self._most = most
        self._lines: list[LogLine] = []
        self._dropped: list[LogLine] = []
        self._lost = 0

    def heard(self, lines: Sequence[LogLine]) -> None:
        """Take lines; called by the store."""
        room = max(0, self._most - len(self._lines))
        self._lines += lines[:room]
        beyond = lines[room:]
        if beyond:
            self._lost += len(beyond)
            self._dropped += beyond[: max(0, _MOST_NAMED - len(self._dropped))]
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.news.set)

    def take(self) -> tuple[list[LogLine], list[LogLine], int]:
        """What waits, what there was no room for as far as it is named, and how many lines that were."""
        self.news.clear()
        lines, self._lines = self._lines, []
        dropped, self._dropped = self._dropped, []
        lost, self._lost = self._lost, 0
        return lines, dropped, lost
