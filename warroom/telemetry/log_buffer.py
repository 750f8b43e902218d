"""The newest lines of a tail, shared between the thread that hears them and the one that draws them.

Invariant: a line keeps its number for ever; the oldest lines give way when the buffer is full, and a reader that
asks for numbers that are gone is told where the lines begin now.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from warroom.telemetry.line_block import Glance, LineBlock
from warroom.telemetry.logs import LogLine, Told

CAPACITY = 50_000
_TOGETHER = 1024
"""Lines up to which blocks that come one after the other are made into one."""


class LogBuffer:
    """`first` is the number of the oldest line kept, `end` that after the newest; `lost` counts lines nobody got."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.lost = 0
        self._guard = threading.Lock()
        # The first block may begin before the oldest line kept: it goes when none of its lines is kept.
        self._blocks: list[LineBlock] = []
        self._starts: list[int] = []
        self._first = self._end = 0

    @property
    def first(self) -> int:
        return self._first

    @property
    def end(self) -> int:
        return self._end

    def extend(self, lines: Iterable[LogLine], lost: int = 0) -> None:
        """Add lines at the end; the oldest go when there are more than `capacity`."""
        block = LineBlock.of(lines)
        with self._guard:
            self.lost += lost
            if not block:
                return
            if self._blocks and len(self._blocks[-1]) + len(block) <= _TOGETHER:
                self._blocks[-1] = self._blocks[-1].joined(block)
            else:
                self._blocks.append(block)
                self._starts.append(self._end)
            self._end += len(block)
            self._first = max(self._first, self._end - self.capacity)
            gone = bisect_right(self._starts, self._first) - 1
            del self._blocks[:gone], self._starts[:gone]

    def slice(self, start: int, stop: int) -> tuple[int, list[LogLine]]:
        """The lines numbered `start` up to `stop`, as far as they are kept, and the number of the first of them."""
        start, parts = self._parts(start, stop)
        return start, [block[at] for block, places in parts for at in places]

    def glances(self, start: int, stop: int, way: int = 1) -> Iterator[tuple[int, Told]]:
        """Number and words of the same lines, with `way` -1 from the last on; the words hold until the next is asked
        for.
        """
        number, parts = self._parts(start, stop)
        if way < 0:
            number += sum(len(places) for _, places in parts) - 1
        for block, places in parts[::way]:
            glance = Glance(block)
            for glance.at in places[::way]:
                yield number, glance
                number += way

    def _parts(self, start: int, stop: int) -> tuple[int, list[tuple[LineBlock, range]]]:
        """The number of the first of the lines, and the blocks that have them with the lines' places in each."""
        with self._guard:
            start, stop = max(start, self._first), min(stop, self._end)
            parts = list[tuple[LineBlock, range]]()
            at = bisect_right(self._starts, start) - 1
            while start < stop and at < len(self._blocks) and self._starts[at] < stop:
                block, begin = self._blocks[at], self._starts[at]
                parts.append((block, range(max(0, start - begin), min(len(block), stop - begin))))
                at += 1
            return start, parts
