"""How points fade with delay, and how times are told in the reasons."""

from __future__ import annotations


def fading(late: float, half_time: float) -> float:
    """1 up to the due time, then half for every `half_time` seconds of delay."""
    return float(0.5 ** (max(0.0, late) / half_time))


def clock(second: float | None) -> str:
    """Seconds as `12:05`, `1:02:03` or `-0:30`."""
    if second is None:
        return "never"
    whole = round(abs(second))
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    sign = "-" if second < 0 and whole else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:02}" if hours else f"{sign}{minutes}:{seconds:02}"


def clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """`value`, but no less than `low` and no more than `high`."""
    return min(high, max(low, value))


def points(value: float, of: float) -> float:
    """Points within what can be had, to the hundredth."""
    return round(clip(value, 0.0, of), 2)


def count(number: int, noun: str) -> str:
    """`1 update`, `3 updates`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
