"""The time range that the telemetry panes show: pure, no clock.

Invariant: a range is at least a second long and never ends after now; a live one ends now, whenever that is.
Times are seconds since the epoch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

SHORTEST, LONGEST = 1.0, 90 * 86_400.0

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(?:last\s+)?((?:\d+(?:\.\d+)?[smhdw])+)", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)[ T])?(\d{1,2}):(\d\d)(?::(\d\d))?(z?)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`span` seconds that end at `end`, or now where `end` is None: then the range is live."""

    span: float = 3600.0
    end: float | None = None

    @property
    def live(self) -> bool:
        """Whether it moves on with time."""
        return self.end is None

    def bounds(self, now: float) -> tuple[float, float]:
        """Start and end."""
        end = now if self.end is None else min(self.end, now)
        return end - self.span, end

    def step(self, columns: int) -> float:
        """Seconds between two points that give about one for each column, from a row of usual steps."""
        least = self.span / max(1, columns)
        return float(next((step for step in _STEPS if step >= least), _STEPS[-1]))

    def zoomed(self, factor: float, now: float, around: float | None = None) -> TimeRange:
        """`factor` times as long. A live range stays live; else `around` keeps its place on the screen."""
        span = min(LONGEST, max(SHORTEST, self.span * factor))
        if self.end is None and around is None:
            return replace(self, span=span)
        start, end = self.bounds(now)
        centre = (start + end) / 2 if around is None else min(max(around, start), end)
        share = (end - centre) / (end - start) if end > start else 0.5
        return TimeRange(span, min(now, centre + span * share))

    def panned(self, ranges: float, now: float) -> TimeRange:
        """Moved by so many ranges; one that reaches now again is live."""
        _, end = self.bounds(now)
        moved = end + ranges * self.span
        return TimeRange(self.span, None if moved >= now else moved)

    def paused(self, now: float) -> TimeRange:
        """The same times, standing still."""
        return TimeRange(self.span, self.bounds(now)[1])

    def followed(self) -> TimeRange:
        """As long as before, live."""
        return TimeRange(self.span)

    def shifted(self, seconds: float, now: float) -> TimeRange:
        """The range that lies so many seconds before this one."""
        return TimeRange(self.span, self.bounds(now)[1] - seconds)

    def label(self, now: float, zone: tzinfo) -> str:
        """`last 1h`, or both ends with as much of the date as tells them apart from today."""
        if self.end is None:
            return f"last {span_text(self.span)}"
        start, end = (datetime.fromtimestamp(at, zone) for at in self.bounds(now))
        today = datetime.fromtimestamp(now, zone).date()
        clock = "%H:%M:%S" if self.span < 600 else "%H:%M"
        first = start.strftime(clock if start.date() == today else f"%m-%d {clock}")
        last = end.strftime(clock if end.date() == start.date() else f"%m-%d {clock}")
        return f"{first} to {last}"


def span_text(seconds: float) -> str:
    """A length of time in its largest whole units: `90s` is `1m30s`."""
    left, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def parse_span(text: str) -> float:
    """Seconds of `15m`, `1h30m`, `2d`.

    Raises:
        ValueError: one sentence on what would be right.
    """
    if not _SPAN.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no length of time: write it as 15m, 3h or 2d")
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(text))


def parse_range(text: str, now: float, zone: tzinfo) -> TimeRange:
    """The range a person typed: `15m`, `3h`, `09:30-10:15`, `09:30 to now`, `2026-11-21 09:30 to 10:15`.

    Clock times are in `zone` (a final `z` means UTC) and of the last 24 hours where no date is given.

    Raises:
        ValueError: one sentence on what was wrong and what would be right.
    """
    said = text.strip()
    span = _SPAN.fullmatch(said)
    if span:
        return TimeRange(_bounded(parse_span(span[1])))
    first, parted, last = _halves(said)
    if not parted:
        raise ValueError(f"{text!r} is no time range: write it as 15m, 3h, 2d, or 09:30-10:15")
    start = _moment(first, now, zone, None)
    if last.strip().casefold() == "now":
        return TimeRange(_bounded(now - start))
    end = _moment(last, now, zone, start)
    if end <= start:
        raise ValueError(f"{text!r} ends before it starts")
    return TimeRange(_bounded(end - start), min(end, now))


def _halves(said: str) -> tuple[str, str, str]:
    for sign in (" to ", "..", "–"):
        if sign in said:
            return said.partition(sign)
    clock = _CLOCK.match(said)
    if clock and said[clock.end() :].lstrip().startswith("-"):
        return said[: clock.end()], "-", said[clock.end() :].lstrip()[1:]
    return said, "", ""


def _moment(text: str, now: float, zone: tzinfo, after: float | None) -> float:
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text.strip()!r} is no time: write it as 09:30, 09:30:15 or 2026-11-21 09:30")
    year, month, day, hour, minute, second, zulu = found.groups()
    base = datetime.fromtimestamp(now if after is None else after, UTC if zulu else zone)
    try:
        moment = base.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0)
        if year:
            return moment.replace(year=int(year), month=int(month), day=int(day)).timestamp()
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no time of any day") from None
    at = moment.timestamp()
    if after is not None and at <= after:
        return (moment + timedelta(days=1)).timestamp()
    return (moment - timedelta(days=1)).timestamp() if after is None and at > now else at


def _bounded(span: float) -> float:
    if not SHORTEST <= span <= LONGEST:
        raise ValueError(f"a time range is between {span_text(SHORTEST)} and {span_text(LONGEST)} long")
    return span
