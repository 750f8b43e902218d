"""Log lines by number: a page that was asked for, the tail that goes on behind it, or both as one sequence.

Invariant: a line keeps its number for as long as it is there. The lines of a tail are numbered from 0 on as its
buffer numbers them; what is older counts down from -1, so that a further page before it renumbers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine, Told

_SEAM_LINES = 5000
"""How many lines of a tail are compared with the page before it, at most."""


class LogLines:
    """`history` is oldest first; `buffer` is what a tail hears, or None without one."""

    def __init__(self, history: Sequence[LogLine] = (), buffer: LogBuffer | None = None) -> None:
        self._history = list(history)
        self._buffer = buffer
        self._seamed = 0

    @property
    def buffer(self) -> LogBuffer | None:
        """The tail's buffer, if there is one."""
        return self._buffer

    @property
    def first(self) -> int:
        """The number of the oldest line. What is older than the tail goes when the tail itself gives lines up."""
        gone = 0 if self._buffer is None else self._buffer.first
        return gone if gone else -len(self._history)

    @property
    def end(self) -> int:
        """The number after the newest line's."""
        return 0 if self._buffer is None else self._buffer.end

    def __len__(self) -> int:
        return self.end - self.first

    def slice(self, start: int, stop: int) -> tuple[int, list[LogLine]]:
        """The lines numbered `start` up to `stop`, as far as they are kept, and the number of the first of them."""
        if self._buffer is None or stop <= 0:
            return self._older(max(start, self.first), min(stop, 0))
        if start >= 0 or self._buffer.first:
            return self._buffer.slice(max(0, start), stop)
        first, old = self._older(max(start, -len(self._history)), 0)
        begin, new = self._buffer.slice(0, stop)
        return (first, [*old, *new]) if begin == 0 else (begin, new)

    def glances(self, start: int, stop: int, way: int = 1) -> Iterator[tuple[int, Told]]:
        """Number and words of the same lines, with `way` -1 from the last on; the words hold until the next is asked
        for. For whoever looks at many lines and shows few.
        """
        first, old = self._older(max(start, self.first), min(stop, 0)) if self.first < 0 else (0, [])
        new = () if self._buffer is None or stop <= 0 else self._buffer.glances(max(start, 0), stop, way)
        numbered = list(enumerate(old, first))
        return chain(numbered, new) if way > 0 else chain(new, reversed(numbered))

    def _older(self, start: int, stop: int) -> tuple[int, list[LogLine]]:
        size = len(self._history)
        return start, self._history[start + size : max(start, stop) + size]

    def line(self, number: int) -> LogLine | None:
        """One line; None when it is gone or not there yet."""
        start, found = self.slice(number, number + 1)
        return found[0] if found and start == number else None

    def prepend(self, older: Sequence[LogLine]) -> int:
        """Put lines before all that are there; those that are there already are left out. Returns how many came."""
        known = {(one.ns, one.text) for one in self._history[:200]}
        fresh = [one for one in older if (one.ns, one.text) not in known]
        self._history[:0] = fresh
        return len(fresh)

    def attach(self, buffer: LogBuffer | None) -> None:
        """Let a tail go on behind the page."""
        if buffer is not self._buffer:
            self._buffer, self._seamed = buffer, 0

    def settle_seam(self) -> int:
        """Leave out of the page what the tail has too. Returns by how much the page's numbers went up (0: nothing).

        A tail begins with lines that the page may have; looked at once each, and only at its start.
        """
        buffer = self._buffer
        if buffer is None or not self._history or self._seamed >= min(buffer.end, _SEAM_LINES):
            return 0
        start, lines = buffer.slice(self._seamed, min(buffer.end, _SEAM_LINES))
        self._seamed = start + len(lines)
        newest = self._history[-1].ns
        doubled = {(one.ns, one.text) for one in lines if one.ns <= newest}
        if not doubled:
            return 0
        before = len(self._history)
        self._history = [one for one in self._history if (one.ns, one.text) not in doubled]
        return before - len(self._history)
