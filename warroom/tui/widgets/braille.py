"""Raster for charts: samples to pixel columns, pixel columns to braille cells.

A cell is two pixels wide and four high. Invariant: pure and total. Whatever floats and sizes come in, nothing
raises, no pixel falls outside, and the highest sample of a pixel column is always drawn (peaks are preserved).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_LEFT_FILL: Final = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT_FILL: Final = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_DOT: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits by pixel column in the cell and pixel row from below."""

BRAILLE: Final = (" ", *(chr(0x2800 + bits) for bits in range(1, 256)))
PLAIN: Final = tuple(" " if bits == 0 else ":" if bits.bit_count() > 4 else "." for bits in range(256))
"""The same cells for a terminal without braille: empty, begun, filled."""

_MAX_GAP_STEPS: Final = 3.5


class Columns(NamedTuple):
    """The lowest and highest value of each pixel column; None where there is no sample."""

    low: list[float | None]
    high: list[float | None]


Masks = list[list[int]]
"""Braille bits by cell row from above, then by cell column."""


def step_of(times: Sequence[float]) -> float:
    """The usual distance of two samples (the median of the distances); 0 when that cannot be told."""
    ahead = times[-65:]
    steps = sorted(late - early for early, late in pairwise(ahead) if late > early)
    middle = steps[len(steps) // 2] if steps else 0.0
    return middle if math.isfinite(middle) else 0.0


def columns(times: Sequence[float], values: Sequence[float | None], start: float, end: float, count: int) -> Columns:
    """Samples in [start, end] gathered in `count` pixel columns.

    Columns are aligned to multiples of their width since the epoch, so that a sample stays in its column while
    the window moves and the picture does not shimmer. Between two samples that are not further apart than a few
    usual steps the values are interpolated; a missing sample, or a longer distance, stays a gap.
    """
    low: list[float | None] = [None] * max(0, count)
    high = list(low)
    width = (end - start) / count if count > 0 else 0.0
    if not (width > 0 and math.isfinite(width)) or not math.isfinite(end / width):
        return Columns(low, high)
    first = math.floor(end / width) - count + 1
    reach = step_of(times) * _MAX_GAP_STEPS
    before_x, before_time, before = -1, -math.inf, math.nan
    for time, value in zip(times, values, strict=False):
        if value is None or value != value:
            before_x = -1
            continue
        if not start <= time <= end:
            continue
        at = math.floor(time / width) - first
        if not 0 <= at < count:
            continue
        seen_low, seen_high = low[at], high[at]
        low[at] = value if seen_low is None or value < seen_low else seen_low
        high[at] = value if seen_high is None or value > seen_high else seen_high
        if 0 <= before_x < at - 1 and time - before_time <= reach:
            _interpolate(low, high, before_x, before, at, value)
        before_x, before_time, before = at, time, value
    return Columns(low, high)


def _interpolate(
    low: list[float | None], high: list[float | None], left: int, start: float, right: int, end: float
) -> None:
    """Fill the columns between two samples on a straight line; from or to infinity the later value holds."""
    slope = (end - start) / (right - left)
    for at in range(left + 1, right):
        low[at] = high[at] = start + slope * (at - left) if math.isfinite(slope) else end


def pixel(value: float, low: float, high: float, height: int) -> int:
    """The pixel row (0 is the lowest) of a value on an axis; outside values go to the nearest edge."""
    if value >= high:
        return height - 1
    if not value > low:
        return 0
    share = (value - low) / (high - low)
    if not math.isfinite(share):
        return 0
    return min(height - 1, max(0, int(share * (height - 1) + 0.5)))


def pixels_of(values: Sequence[float | None], low: float, high: float, height: int) -> list[int]:
    """`pixel` for each value, -1 for a missing one."""
    scale = (height - 1) / (high - low) if high > low else 0.0
    if not 0 < scale < math.inf:
        return [-1 if value is None else pixel(value, low, high, height) for value in values]
    top = height - 1
    return [
        -1 if value is None else top if value >= high else int((value - low) * scale + 0.5) if value > low else 0
        for value in values
    ]


def area_masks(column: Columns, low: float, high: float, width: int, height: int) -> tuple[Masks, list[int]]:
    """The area under the highest values, `width` x `height` cells.

    Also gives, for each cell column, the cell row (from above) of its top edge; `height` where it is empty.
    """
    tops = [at + 1 for at in pixels_of(column.high, low, high, height * 4)]
    rows: Masks = []
    lefts, rights = tops[0 : width * 2 : 2], tops[1 : width * 2 : 2]
    pairs = list(zip(lefts, rights, strict=True))
    for row in range(height):
        floor = (height - 1 - row) * 4
        full = floor + 4
        rows.append(
            [
                _LEFT_FILL[4 if left >= full else left - floor if left > floor else 0]
                | _RIGHT_FILL[4 if right >= full else right - floor if right > floor else 0]
                for left, right in pairs
            ]
        )
    edges = [
        height - 1 - ((left if left > right else right) - 1) // 4 if left or right else height for left, right in pairs
    ]
    return rows, edges


def line_masks(column: Columns, low: float, high: float, height: int) -> list[dict[int, int]]:
    """A line through the columns' values: bits by cell row from above, then by cell column where there are any.

    Neighbours are joined, gaps are not.
    """
    rows: list[dict[int, int]] = [{} for _ in range(height)]
    lows = pixels_of(column.low, low, high, height * 4)
    highs = lows if column.low == column.high else pixels_of(column.high, low, high, height * 4)
    before = -1
    for at, (bottom, top) in enumerate(zip(lows, highs, strict=True)):
        if bottom < 0:
            before = -1
            continue
        end = top if before <= top else bottom
        if before >= 0:
            bottom, top = min(bottom, before), max(top, before)
        cell, dots = at >> 1, _DOT[at & 1]
        for mark in range(bottom, top + 1):
            row = rows[height - 1 - (mark >> 2)]
            row[cell] = row.get(cell, 0) | dots[mark & 3]
        before = end
    return rows


def time_cell(time: float, start: float, end: float, width: int) -> int | None:
    """The cell column of an instant with the same alignment as `columns`, or None outside of the axis."""
    count = width * 2
    size = (end - start) / count if count > 0 else 0.0
    if not (size > 0 and math.isfinite(size) and start <= time <= end) or not math.isfinite(end / size):
        return None
    at = math.floor(time / size) - (math.floor(end / size) - count + 1)
    return at >> 1 if 0 <= at < count else None
