"""Areas, bars and points as braille bits, beside the lines that the console's charts are made of.

Invariant: pure and total; no bit falls outside of the plot.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, TypeAlias

from warroom.tui.widgets.braille import Columns, pixel, pixels_of, step_of

Bits: TypeAlias = list[dict[int, int]]
"""Braille bits by cell row from above, then by cell column where there are any."""

_ROWS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
_BETWEEN: Final = tuple(
    tuple(tuple(sum(side[at] for at in range(low, high + 1)) for high in range(4)) for low in range(4))
    for side in _ROWS
)
"""The bits of one half of a cell from a pixel row to another."""
_REACH: Final = 3.5
"""A sample holds for so many usual steps at most."""


def held(times: Sequence[float], values: Sequence[float | None], start: float, end: float, count: int) -> Columns:
    """The sample that holds in each of `count` pixel columns: steps and bars, not straight lines."""
    low: list[float | None] = [None] * max(0, count)
    width = (end - start) / count if count > 0 else 0.0
    if not (width > 0 and math.isfinite(width)) or not times:
        return Columns(low, low)
    step = step_of(times)
    reach = step * (_REACH if step else 1.0) or (end - start) / 20
    for at in range(count):
        moment = start + (at + 1) * width
        place = bisect_right(times, moment) - 1
        if 0 <= place < len(values) and moment - times[place] <= reach:
            value = values[place]
            low[at] = None if value is None or value != value else value
    return Columns(low, low)


def parted(column: Columns, times: Sequence[float], start: float, end: float) -> Columns:
    """Bars with a gap between them, where a bar is wide enough to spare one."""
    count = len(column.low)
    width = (end - start) / count if count else 0.0
    step = step_of(times)
    if not width or step / width < 3:
        return column
    low = list(column.low)
    for time in times:
        at = math.floor((time - start) / width) if math.isfinite(time) else -1
        if 0 <= at < count:
            low[at] = None
    return Columns(low, low)


def area(column: Columns, base: Sequence[float | None] | None, low: float, high: float, height: int) -> Bits:
    """The area from `base` (zero, or the nearest end of the axis, where there is none) to the values.

    The dots of a base belong to what lies below it, so that a band without a height of its own is not drawn.
    """
    rows: Bits = [{} for _ in range(height)]
    tops = pixels_of(column.high, low, high, height * 4)
    floor = pixel(0.0, low, high, height * 4)
    floors = [-1] * len(tops) if base is None else pixels_of(base, low, high, height * 4)
    for at, (top, bottom) in enumerate(zip(tops, floors, strict=False)):
        if top < 0 or (bottom == top and bottom != floor):
            continue
        if bottom < 0:
            first, last = (floor, top) if floor <= top else (top, floor)
        else:
            first, last = (bottom + (bottom != floor), top) if bottom <= top else (top, bottom - 1)
        side, cell = _BETWEEN[at & 1], at >> 1
        for level in range(first >> 2, (last >> 2) + 1):
            row = rows[height - 1 - level]
            bits = side[first & 3 if level == first >> 2 else 0][last & 3 if level == last >> 2 else 3]
            row[cell] = row.get(cell, 0) | bits
    return rows


def points(column: Columns, low: float, high: float, height: int) -> Bits:
    """A dot for each value, nothing between."""
    rows: Bits = [{} for _ in range(height)]
    for at, mark in enumerate(pixels_of(column.high, low, high, height * 4)):
        if mark >= 0:
            row = rows[height - 1 - (mark >> 2)]
            row[at >> 1] = row.get(at >> 1, 0) | _ROWS[at & 1][mark & 3]
    return rows


def sampled(times: Sequence[float], values: Sequence[float | None], start: float, end: float, count: int) -> Columns:
    """The greatest sample of each pixel column, and nothing where there is none."""
    low: list[float | None] = [None] * max(0, count)
    width = (end - start) / count if count > 0 else 0.0
    if not (width > 0 and math.isfinite(width)):
        return Columns(low, low)
    for time, value in zip(times, values, strict=False):
        if value is None or value != value or not start <= time <= end:
            continue
        at = min(count - 1, int((time - start) / width))
        before = low[at]
        low[at] = value if before is None or value > before else before
    return Columns(low, low)


def joined_gaps(times: Sequence[float], values: Sequence[float | None]) -> list[float | None]:
    """The values with straight lines where samples are missing between two that are there."""
    out = list(values)
    before = -1
    for at, value in enumerate(values):
        if value is None or value != value or at >= len(times):
            continue
        last = values[before] if before >= 0 else None
        length = times[at] - times[before] if before >= 0 else 0.0
        if last is not None and at - before > 1 and length > 0 and math.isfinite((value - last) / length):
            for inner in range(before + 1, at):
                out[inner] = last + (value - last) * (times[inner] - times[before]) / length
        before = at
    return out
