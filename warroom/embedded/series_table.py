"""Samples of series that mostly share their times: one axis of times, one row of values per series.

Invariant: what a reader took with `Table.data` never changes below its count, so readers need no lock; a cell without
a sample holds ABSENT. Times are whole milliseconds since the epoch, as Prometheus keeps them.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Rows = NDArray[np.intp]

STALE_BITS = 0x7FF0000000000002
ABSENT_BITS = 0x7FFD0000000000A5
STALE: float = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
"""The staleness marker: a NaN with bits of its own (`StaleNaN` of Prometheus's model/value)."""
ABSENT: float = struct.unpack("<d", struct.pack("<Q", ABSENT_BITS))[0]
"""No sample in this cell; never leaves the store."""

_FIRST_COLUMNS = 64
_FIRST_ROWS = 4


def bits(values: Values) -> NDArray[np.int64]:
    """The same memory as whole numbers, so that NaNs can be told apart."""
    return values.view(np.int64)


class Table:
    """Rows of samples on one axis of times."""

    __slots__ = ("data", "last", "marked", "rows", "samples")

    def __init__(self) -> None:
        self.data: tuple[Times, Values, int] = (
            np.empty(_FIRST_COLUMNS, np.int64),
            np.full((_FIRST_ROWS, _FIRST_COLUMNS), ABSENT),
            0,
        )
        self.rows = 0
        self.last = np.full(_FIRST_ROWS, np.iinfo(np.int64).min, np.int64)
        """Time of the newest sample of each row."""
        self.samples = np.zeros(_FIRST_ROWS, np.int64)
        """How many cells of each row hold a sample."""
        self.marked = np.zeros(_FIRST_ROWS, bool)
        """Whether a row may hold markers of staleness."""

    @property
    def count(self) -> int:
        """Number of times."""
        return self.data[2]

    @property
    def newest(self) -> int:
        """The last time of the axis; the least there is when it is empty."""
        times, _, count = self.data
        return int(times[count - 1]) if count else int(np.iinfo(np.int64).min)

    def add_rows(self, number: int) -> int:
        """Make room for more series; gives the first of their rows."""
        first, self.rows = self.rows, self.rows + number
        times, values, count = self.data
        if self.rows > len(values):
            room = max(self.rows, 2 * len(values))
            more = np.full((room, values.shape[1]), ABSENT)
            more[: len(values)] = values
            self.data = (times, more, count)
            self.last = np.concatenate([self.last, np.full(room - len(self.last), np.iinfo(np.int64).min, np.int64)])
            self.samples = np.concatenate([self.samples, np.zeros(room - len(self.samples), np.int64)])
            self.marked = np.concatenate([self.marked, np.zeros(room - len(self.marked), bool)])
        return first

    def whole(self, rows: Rows) -> bool:
        """Whether every cell of these rows holds a plain sample."""
        return bool((self.samples[rows] >= self.data[2]).all()) and not self.marked[rows].any()

    def extend(self, rows: Rows | slice, times: Times, values: Values) -> None:
        """Later times, with values as (series, times) for some rows; the others have no samples then."""
        axis, cells, count = self._room(len(times))
        end = count + len(times)
        axis[count:end] = times
        cells[rows, count:end] = values
        chosen = np.arange(self.rows)[rows] if isinstance(rows, slice) else rows
        kinds = bits(np.ascontiguousarray(values))
        there = kinds != ABSENT_BITS
        if there.all():
            self.samples[chosen] += len(times)
            self.last[chosen] = times[-1]
        else:
            self.samples[chosen] += there.sum(axis=1)
            newest = times[len(times) - 1 - np.argmax(there[:, ::-1], axis=1)]
            self.last[chosen] = np.where(there.any(axis=1), newest, self.last[chosen])
        self.marked[chosen] |= (kinds == STALE_BITS).any(axis=1)
        self.data = (axis, cells, end)

    def fill(self, row: int, times: Times, values: Values) -> bool:
        """Put samples into empty cells of a row; False, and nothing done, when the axis has not these times."""
        axis, cells, count = self.data
        at = np.searchsorted(axis[:count], times)
        if at[-1] >= count or not np.array_equal(axis[at], times):
            return False
        if (bits(cells[row, at]) != ABSENT_BITS).any():
            return False
        cells[row, at] = values
        self.last[row] = max(int(self.last[row]), int(times[-1]))
        self.samples[row] += len(times)
        self.marked[row] |= bool((bits(values) == STALE_BITS).any())
        return True

    def drop_before(self, time: int) -> None:
        """Forget older times."""
        axis, cells, count = self.data
        gone = int(np.searchsorted(axis[:count], time))
        if gone:
            room = max(_FIRST_COLUMNS, count - gone + (count - gone) // 4)
            fresh = np.empty(room, np.int64)
            fresh[: count - gone] = axis[gone:count]
            kept = np.full((len(cells), room), ABSENT)
            kept[:, : count - gone] = cells[:, gone:count]
            self.samples[: self.rows] = (bits(kept[: self.rows, : count - gone]) != ABSENT_BITS).sum(axis=1)
            self.data = (fresh, kept, count - gone)

    def _room(self, more: int) -> tuple[Times, Values, int]:
        axis, cells, count = self.data
        if count + more > len(axis):
            room = max(count + more, 2 * len(axis))
            longer = np.empty(room, np.int64)
            longer[:count] = axis[:count]
            wider = np.full((len(cells), room), ABSENT)
            wider[:, :count] = cells[:, :count]
            axis, cells = longer, wider
        return axis, cells, count
