"""Moments in templates, written by Go's layouts. Always in UTC: the machine's own zone is nobody's business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_PART = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|\.0+|,0+|\.9+|,9+|Z07:00:00|Z07:00|Z0700|Z07|-07:00:00|-07:00|-0700|-07|002|01|02|03"
    r"|04|05|06|15|PM|pm|_2|1|2|3|4|5"
)
_FORMATS = {
    "January": "%B", "Jan": "%b", "Monday": "%A", "Mon": "%a", "MST": "UTC", "2006": "%Y", "06": "%y", "01": "%m",
    "02": "%d", "15": "%H", "03": "%I", "04": "%M", "05": "%S", "PM": "%p", "002": "%j",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GoTime:
    """A moment, in nanoseconds since the epoch."""

    ns: int

    def by(self, layout: str) -> str:
        """Written by a layout such as `2006-01-02T15:04:05.000Z07:00`."""
        at = datetime.fromtimestamp(self.ns // 1_000_000_000, UTC)
        return _PART.sub(lambda found: self._part(found[0], at), layout)

    def _part(self, part: str, at: datetime) -> str:
        if part in _FORMATS:
            return at.strftime(_FORMATS[part])
        if part[0] in ".," and part[1:2] in ("0", "9"):
            digits = f"{self.ns % 1_000_000_000:09d}"[: len(part) - 1]
            digits = digits.rstrip("0") if part[1] == "9" else digits
            return part[0] + digits if digits else ""
        if part.startswith("Z"):
            return "Z"
        if part.startswith("-"):
            return "+" + part[1:].replace("07", "00")
        if part == "pm":
            return at.strftime("%p").lower()
        numbers = {"1": at.month, "2": at.day, "_2": at.day, "3": at.hour % 12 or 12, "4": at.minute, "5": at.second}
        return f"{numbers[part]:2d}" if part == "_2" else str(numbers[part])

    def __str__(self) -> str:
        return self.by("2006-01-02 15:04:05.999999999 -0700 MST")


def from_digits(text: str) -> GoTime:
    """A moment by how many digits its number has: days, seconds, milli-, micro- or nanoseconds.

    Raises:
        ValueError: it is no such number.
    """
    sizes = {5: 86_400_000_000_000, 10: 1_000_000_000, 13: 1_000_000, 16: 1000, 19: 1}
    if not text.isdecimal() or len(text) not in sizes:
        raise ValueError(f"unable to parse time '{text}'")
    return GoTime(int(text) * sizes[len(text)])
