"""Numbers as people read them: values with their unit, differences, and axes with round ticks.

Invariant: every function is total. No float, also not an infinite or a missing one, raises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from warroom.tui.glyphs import glyphs

UNITS: Final = ("none", "s", "ms", "percent", "ratio", "bytes", "ops")
"""The units with a meaning of their own; any other text is shown after the number as it is."""

_ALIASES: Final = {
    "": "none",
    "short": "none",
    "%": "percent",
    "percentunit": "ratio",
    "seconds": "s",
    "milliseconds": "ms",
    "B": "bytes",
    "reqps": "ops",
    "/s": "ops",
    "per_second": "ops",
    "count": "none",
    "bool": "none",
}
_LARGE: Final = ("", "k", "M", "G", "T", "P", "E")
_ROUND: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""The factors of a power of ten that count as round. A low chart has few ticks, and coarse ones would flatten it."""
_BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class Shown(NamedTuple):
    """A value ready to show: the digits, and the unit behind them (may be empty)."""

    digits: str
    unit: str

    @property
    def text(self) -> str:
        """Both with a blank between, as in a sentence: `2.41 s`."""
        return f"{self.digits} {self.unit}" if self.unit else self.digits


def canonical(unit: str) -> str:
    """The unit's name in `UNITS` where it is an alias of one, else the text itself."""
    return _ALIASES.get(unit, unit)


def digits(value: float) -> str:
    """A plain number in about three significant digits: `0.042`, `4.9`, `28`; an exponent only from ten million on."""
    if math.isnan(value):
        return "?"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-6:
        return f"{value:.2g}"
    places = 0 if size >= 99.95 else max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _scaled(value: float, base: float, names: Sequence[str]) -> tuple[str, str]:
    step, size = 0, abs(value)
    while size >= base * 0.9995 and step < len(names) - 1:
        size /= base
        step += 1
    return digits(math.copysign(size, value)), names[step]


def _seconds(value: float) -> Shown:
    size = abs(value)
    if size == 0 or 1 <= size < 120 or not math.isfinite(size):
        return Shown(digits(value), "s")
    if size < 1e-3:
        return Shown(digits(value * 1e6), "us" if glyphs().ascii else "µs")
    if size < 1:
        return Shown(digits(value * 1e3), "ms")
    if size < 7200:
        return Shown(digits(value / 60), "min")
    return Shown(digits(value / 3600), "h") if size < 172_800 else Shown(digits(value / 86_400), "d")


def shown(value: float | None, unit: str) -> Shown:
    """A value in its unit. None (no sample) reads `-`.

    Ratios are shown as percentages; counts from 10 000 and rates from 1 000 get k, M, G; bytes are binary (1024).
    """
    if value is None:
        return Shown("-", "")
    known = canonical(unit)
    if known == "s":
        return _seconds(value)
    if known == "ms":
        return _seconds(value / 1e3) if abs(value) >= 1e3 else Shown(digits(value), "ms")
    if known == "percent":
        return Shown(digits(value), "%")
    if known == "ratio":
        return Shown(digits(value * 100), "%")
    if known == "bytes":
        return Shown(*_scaled(value, 1024, _BINARY))
    if known == "ops":
        number, prefix = _scaled(value, 1000, _LARGE)
        return Shown(number + prefix, "/s")
    number, prefix = _scaled(value, 1000, _LARGE) if abs(value) >= 10_000 else (digits(value), "")
    return Shown(number + prefix, "" if known == "none" else known)


def axis_label(value: float, unit: str) -> str:
    """A tick's label in at most five cells, mostly: the unit only where the digits alone would mislead."""
    known = canonical(unit)
    if known == "ratio":
        return digits(value * 100)
    if known in {"s", "ms"}:
        number, name = shown(value, unit)
        return number if value == 0 else number + {"min": "m"}.get(name, name)
    if known == "bytes":
        number, name = _scaled(value, 1024, _BINARY)
        return number if value == 0 else number + name.removesuffix("iB")
    if known == "percent":
        return digits(value)
    return "".join(_scaled(value, 1000, _LARGE))


def nice_step(span: float, ticks: int, *, binary: bool = False) -> float:
    """The smallest round step (see `_ROUND`; a power of two for bytes) with which `span` needs at most `ticks` steps.

    A span that is not positive and finite gives 1."""
    if not (span > 0 and math.isfinite(span)) or span < 1e-300:
        return 1.0
    raw = span / max(1, ticks)
    if raw <= 0 or raw > 1e307:
        return span
    if binary and raw >= 1:
        return float(2.0 ** math.ceil(math.log2(raw) - 1e-9))
    scale = 10.0 ** math.floor(math.log10(raw))
    for factor in _ROUND:
        if scale * factor >= raw * (1 - 1e-9):
            return scale * factor
    return scale * 10


class Axis(NamedTuple):
    """A value axis: its two ends and the ticks on it, ascending."""

    low: float
    high: float
    ticks: tuple[float, ...]


def nice_axis(low: float, high: float, ticks: int, unit: str = "none") -> Axis:
    """An axis from a round number at or below `low` (0 unless negative) to one at or above `high`.

    Shares of a whole never go past 100 % unless the data do.
    """
    floor = min(0.0, low) if math.isfinite(low) else 0.0
    top = high if math.isfinite(high) else 1.0
    if top <= floor:
        top = floor + (abs(floor) or 1.0)
    step = nice_step(top - floor, ticks, binary=canonical(unit) == "bytes")
    first, last = math.floor(floor / step + 1e-9), math.ceil(top / step - 1e-9)
    end = last * step
    whole = {"percent": 100.0, "ratio": 1.0}.get(canonical(unit))
    marks = [number * step for number in range(first, last + 1)] if last - first <= 64 else [floor, top]
    if whole is not None and top <= whole < end:
        end = whole
        marks = [*(mark for mark in marks if mark < whole - step * 0.4), whole]
    if not math.isfinite(end) or end <= floor:
        return Axis(floor, top, (floor, top))
    return Axis(min(first * step, floor), end, tuple(marks))


def duration(seconds: float) -> str:
    """A round span for an axis: `45s`, `30m`, `6h`, `7d`."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(abs(seconds))
    for size, name in ((86_400, "d"), (3600, "h"), (60, "m")):
        if whole >= size * (2 if size > 60 else 1):
            return f"{digits(round(whole / size, 1))}{name}"
    return f"{whole}s"
