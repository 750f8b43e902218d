"""Times and spans as Grafana writes them: `now-6h`, `1m30s`, and the tokens of its date formats.

Invariant: pure; the clock and the zone are given. Whatever cannot be read gives None, never an exception.

Date tokens: https://momentjs.com/docs/#/displaying/format/
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|[smhdwMyQ])")
_SIZES: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "M": 2_592_000.0,
    "Q": 7_776_000.0,
    "y": 31_536_000.0,
}
_RELATIVE: Final = re.compile(r"now((?:[+-]\d{1,9}[smhdwMyQ])*)(?:/f?([smhdwMyQ]))?")
_MOVE: Final = re.compile(r"([+-])(\d{1,9})([smhdwMyQ])")
_TOKENS: Final = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DD|Do|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|ZZ|Z|X|x|LTS|LT|LLL|LL|L|l"
)
_FURTHEST: Final = 253_402_300_799.0
ISO: Final = "YYYY-MM-DD HH:mm:ss"


def span(said: str) -> float | None:
    """A duration in seconds (`30s`, `1h30m`, `2d`); None when it is none or not positive."""
    said = said.strip().lstrip(">").strip()
    at, total = 0, 0.0
    for found in _SPAN.finditer(said):
        if found.start() != at:
            return None
        total += float(found[1]) * _SIZES[found[2]]
        at = found.end()
    return total if said and at == len(said) and total > 0 else None


def worded(seconds: float) -> str:
    """A duration as PromQL and LogQL take it: whole seconds, or whole milliseconds (at least one)."""
    milliseconds = max(1, round(min(seconds, 1e12) * 1000)) if math.isfinite(seconds) else 1
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def moment(said: str, now: float, *, upper: bool = False) -> float | None:
    """A point in time, seconds since the epoch: `now-6h`, `now/d`, milliseconds, or ISO 8601.

    `upper`: a rounded time is the end of its unit, as for the end of a range.
    """
    said = said.strip()
    found = _RELATIVE.fullmatch(said)
    if found:
        at = now
        for sign, count, unit in _MOVE.findall(found[1]):
            at += int(count) * _SIZES[unit] * (1 if sign == "+" else -1)
        return _rounded(at, found[2], upper=upper) if found[2] else at
    if re.fullmatch(r"-?\d{1,15}", said):
        return int(said) / 1000
    try:
        parsed = datetime.fromisoformat(said)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _rounded(at: float, unit: str, *, upper: bool) -> float | None:
    when = _date(at, UTC)
    if when is None:
        return None
    start = when.replace(microsecond=0)
    if unit in "mhdwMyQ":
        start = start.replace(second=0)
    if unit in "hdwMyQ":
        start = start.replace(minute=0)
    if unit in "dwMyQ":
        start = start.replace(hour=0)
    if unit == "w":
        start -= timedelta(days=start.weekday())
    if unit in "MyQ":
        month = {"M": start.month, "y": 1, "Q": (start.month - 1) // 3 * 3 + 1}[unit]
        start = start.replace(day=1, month=month)
    begin = start.timestamp()
    return begin + _SIZES[unit] if upper else begin


def _date(at: float, zone: tzinfo) -> datetime | None:
    if not (math.isfinite(at) and abs(at) < _FURTHEST):
        return None
    try:
        return datetime.fromtimestamp(at, zone)
    except (ValueError, OverflowError, OSError):
        return None


def date_text(at: float, shape: str, zone: tzinfo = UTC) -> str:
    """A time (seconds since the epoch) in a date format; text that is no token stays. `iso` and `seconds` are words
    of Grafana's own. A time beyond the calendar gives `-`.
    """
    when = _date(at, zone)
    if when is None:
        return "-"
    if shape in {"", "iso"}:
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
    if shape == "seconds":
        return str(math.floor(at))
    return _TOKENS.sub(lambda found: found[1] if found[1] is not None else _token(found[0], when, at), shape)


def _token(token: str, when: datetime, at: float) -> str:
    hour = when.hour % 12 or 12
    offset = when.strftime("%z")
    whole = {"L": "MM/DD/YYYY", "l": "M/D/YYYY", "LL": "MMMM D, YYYY", "LLL": "MMMM D, YYYY h:mm A", "LT": "h:mm A",
             "LTS": "h:mm:ss A"}.get(token)  # fmt: skip
    if whole:
        return _TOKENS.sub(lambda found: _token(found[0], when, at), whole)
    return {
        "YYYY": f"{when.year:04d}", "YY": f"{when.year % 100:02d}", "MMMM": when.strftime("%B"),
        "MMM": when.strftime("%b"), "MM": f"{when.month:02d}", "M": str(when.month),
        "DDDD": when.strftime("%j"), "DD": f"{when.day:02d}", "Do": _ordinal(when.day), "D": str(when.day),
        "dddd": when.strftime("%A"), "ddd": when.strftime("%a"), "HH": f"{when.hour:02d}", "H": str(when.hour),
        "hh": f"{hour:02d}", "h": str(hour), "mm": f"{when.minute:02d}", "m": str(when.minute),
        "ss": f"{when.second:02d}", "s": str(when.second), "SSS": f"{when.microsecond // 1000:03d}",
        "A": when.strftime("%p"), "a": when.strftime("%p").lower(), "ZZ": offset,
        "Z": f"{offset[:3]}:{offset[3:5]}", "X": str(math.floor(at)), "x": str(math.floor(at * 1000)),
    }[token]  # fmt: skip


def _ordinal(day: int) -> str:
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
