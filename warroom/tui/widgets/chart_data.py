"""What a chart is told to show: series, thresholds, event markers, and how far the data can be trusted.

Invariant: plain frozen data, also the sequences in it: other samples are another sequence. Times are epoch seconds; a
missing sample is None or NaN and is drawn as a gap.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "loading", "empty", "stale", "error"]
"""`ok`: current. `loading`: nothing asked yet. `empty`: the query gave no series. `stale`: the backend is away and
these are the last samples. `error`: the query failed. All but `ok` are explained by `ChartData.message`."""

MarkerKind: TypeAlias = Literal["deploy", "incident", "declared", "status", "note", "alert"]


@dataclass(frozen=True, slots=True)
class Series:
    """One line. `times` ascend and have as many members as `values`; `hue` overrides the palette's colour."""

    label: str
    times: Sequence[float]
    values: Sequence[float | None]
    hue: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level to stay below, or above if `upper` is False, in the chart's unit; `label` for example `SLO`."""

    value: float
    label: str = ""
    upper: bool = True

    def breached(self, value: float) -> bool:
        """Whether a value is on the wrong side. A value that is not a number is not."""
        return value > self.value if self.upper else value < self.value


@dataclass(frozen=True, slots=True)
class Marker:
    """An event to draw at its time: a deploy, a status change, a pinned note."""

    time: float
    kind: MarkerKind
    label: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A single measurement to draw as a sign of its own: an exemplar, whose `trace_id` opens its trace."""

    time: float
    value: float
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class ChartData:
    """All of one chart. `start` and `end` bound the time axis; the first series is drawn as an area if `area`.

    `cursor` is a time to draw a line at. With a `zone` the time axis tells clock times, without one how long ago.
    """

    title: str
    unit: str = "none"
    series: tuple[Series, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    markers: tuple[Marker, ...] = ()
    start: float = 0.0
    end: float = 0.0
    state: State = "ok"
    message: str = ""
    points: tuple[Point, ...] = ()
    cursor: float | None = None
    area: bool = True
    zone: tzinfo | None = None


def is_sample(value: float | None) -> bool:
    """Whether there is a value at all: infinite counts, NaN and None do not."""
    return value is not None and not math.isnan(value)


def last_sample(series: Series) -> tuple[float, float] | None:
    """The time and value of the last real sample (may be infinite), or None if there is none."""
    for at in range(min(len(series.times), len(series.values)) - 1, -1, -1):
        value, time = series.values[at], series.times[at]
        if value is not None and not math.isnan(value) and math.isfinite(time):
            return time, value
    return None


def value_at(series: Series, time: float) -> float | None:
    """The value of the sample nearest to `time`, None when that is a gap or further away than a usual step."""
    if not series.times:
        return None
    at = bisect_left(series.times, time)
    near = min((n for n in (at - 1, at) if 0 <= n < len(series.times)), key=lambda n: abs(series.times[n] - time))
    step = (series.times[-1] - series.times[0]) / max(1, len(series.times) - 1)
    return series.values[near] if abs(series.times[near] - time) <= max(step, 1.0) else None


def sample_before(series: Series, time: float) -> float | None:
    """The value of the last finite sample at or before `time`, or None."""
    for at in range(min(len(series.times), len(series.values)) - 1, -1, -1):
        value = series.values[at]
        if series.times[at] <= time and value is not None and math.isfinite(value):
            return value
    return None


def finite_range(series: Iterable[Series], start: float, end: float) -> tuple[float, float] | None:
    """The smallest and largest finite value with a time in [start, end], or None without one."""
    inf = math.inf
    found = [
        value
        for one in series
        for time, value in zip(one.times, one.values, strict=False)
        if value is not None and -inf < value < inf and start <= time <= end
    ]
    return (min(found), max(found)) if found else None


def is_breached(data: ChartData) -> bool:
    """Whether the last value of the first series is on the wrong side of a threshold."""
    last = last_sample(data.series[0]) if data.series else None
    return last is not None and any(threshold.breached(last[1]) for threshold in data.thresholds)
