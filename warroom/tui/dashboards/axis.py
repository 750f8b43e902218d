"""Value axes of charts: their two ends, round ticks, and where a value lies between them.

Invariant: total. Whatever the values and the author's ends are, the ends are finite and the upper is above the lower.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warroom.dashboards.data import Axis
from warroom.dashboards.units import shown
from warroom.tui.widgets.units import nice_step

_BINARY = frozenset({"bytes", "kbytes", "mbytes", "gbytes", "tbytes", "bits", "binBps", "binbps"})
_SECONDS = {"s": 1.0, "ms": 1000.0, "dtdurations": 1.0, "dtdurationms": 1000.0}
"""Units of time, and how many of them are a second."""
_CLOCK_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800)
_TIGHT = 0.5
"""A linear axis begins at zero unless the least value is above this share of the greatest."""


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` and `high` in the values that are drawn (logarithms on a logarithmic axis), `ticks` with their labels."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: int = 0

    def of(self, value: float | None) -> float | None:
        """A value as it is drawn; what a logarithm cannot show is a gap."""
        if value is None or value != value:
            return None
        if not self.log:
            return value
        return math.log(value, self.log) if 0 < value < math.inf else None

    def every(self, values: Sequence[float | None]) -> Sequence[float | None]:
        """All of them."""
        return [self.of(value) for value in values] if self.log else values


def scale_of(axis: Axis, values: Iterable[float | None], ticks: int, *, from_zero: bool) -> Scale:
    """The scale that shows these values; `from_zero` for areas and bars, which stand on zero."""
    kept = [one for one in values if one is not None and math.isfinite(one)]
    if axis.log:
        return _logarithmic(axis, [one for one in kept if one > 0], ticks)
    low, high = (min(kept), max(kept)) if kept else (0.0, 1.0)
    if from_zero or 0 <= low < high * _TIGHT:
        low, high = min(low, 0.0), max(high, 0.0)
    low = axis.low if axis.low is not None and math.isfinite(axis.low) else low
    high = axis.high if axis.high is not None and math.isfinite(axis.high) else high
    if axis.unit == "percentunit" and axis.high is None and 0.85 < high < 1:
        high = 1.0
    if not high > low:
        room = abs(low) * 0.1 or 1.0
        low, high = (low if axis.low is not None or low == 0 else low - room), low + room
    if not math.isfinite(high - low):
        return Scale(-1e308, 1e308, ((0.0, "0"),))
    step = _step(high - low, max(1, ticks), axis.unit)
    if axis.low is None:
        low = math.floor(low / step + 1e-9) * step
    if axis.high is None:
        high = math.ceil(high / step - 1e-9) * step
    if not high > low:
        high = low + step
    count = min(64, int((high - low) / step + 1e-9) + 1)
    first = math.ceil(low / step - 1e-9)
    marks = [(first + number) * step for number in range(count)]
    return Scale(
        low,
        high,
        tuple((one, _label(one, axis)) for one in marks if low - step * 1e-6 <= one <= high * (1 + 1e-9) + step * 1e-6),
    )


def _step(length: float, ticks: int, unit: str) -> float:
    """A round step in the unit: powers of two for bytes, clock steps for minutes and more."""
    if unit in _SECONDS and length / _SECONDS[unit] / ticks > _CLOCK_STEPS[0] / 2:
        raw = length / _SECONDS[unit] / ticks
        for one in _CLOCK_STEPS:
            if one >= raw:
                return one * _SECONDS[unit]
    return nice_step(length, ticks, binary=unit in _BINARY)


def _logarithmic(axis: Axis, kept: Sequence[float], ticks: int) -> Scale:
    base = axis.log
    low = min(kept) if kept else 1.0
    high = max(kept) if kept else float(base)
    low = axis.low if axis.low is not None and axis.low > 0 else low
    high = axis.high if axis.high is not None and axis.high > low else high
    first, last = math.floor(math.log(low, base) + 1e-9), math.ceil(math.log(max(high, low), base) - 1e-9)
    last = max(last, first + 1)
    every = max(1, math.ceil((last - first) / max(1, ticks)))
    marks = [float(one) for one in range(first, last + 1, every)]
    return Scale(float(first), float(last), tuple((one, _label(_power(base, one), axis)) for one in marks), base)


def _power(base: int, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def _label(value: float, axis: Axis) -> str:
    """A tick in its unit, without the blank and without zeros that say nothing."""
    text = shown(0.0 if abs(value) < 1e-300 else value, axis.unit, axis.decimals)
    number, blank, unit = text.partition(" ")
    if "." in number and axis.decimals is None and number.replace(".", "").lstrip("-").isdigit():
        number = number.rstrip("0").rstrip(".")
    return number + (unit.replace("iB", "") if blank else "")


def row_of(value: float, scale: Scale, height: int) -> int:
    """The cell row (from above) of a drawn value on a plot of `height` rows."""
    share = (value - scale.low) / (scale.high - scale.low)
    share = min(max(share, 0.0), 1.0) if share == share else 0.0
    return height - 1 - int(share * (height * 4 - 1) + 0.5) // 4
