"""Aggregations over ranges of time: a series of samples as one value for each step.

A range ends with its moment and does not include its start, as in Loki. Sums are taken in order of time.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from warroom.embedded.logql.samples import Series
from warroom.embedded.logql.units import SECOND

Over: TypeAlias = Callable[[Series, int, int, int], float]
"""Value of the samples from one place up to another, for a range that ends at so many nanoseconds."""


def aggregation(operation: str, interval: int, unwrapped: bool, parameter: float | None) -> Over:
    """What an operation makes of the samples in a range of `interval` nanoseconds."""
    seconds = interval / SECOND
    if operation == "count_over_time":
        return lambda _series, low, high, _end: float(high - low)
    if operation == "rate" and not unwrapped:
        return lambda _series, low, high, _end: (high - low) / seconds
    if operation in ("rate", "bytes_rate"):
        return lambda series, low, high, _end: _sum(series.values[low:high]) / seconds
    if operation == "rate_counter":
        return lambda series, low, high, end: counter_rate(series, low, high, end, interval)
    if operation == "quantile_over_time":
        rank = 0.0 if parameter is None else parameter
        return lambda series, low, high, _end: quantile(rank, series.values[low:high])
    simple = _SIMPLE[operation]
    return lambda series, low, high, _end: simple(series.values[low:high])


def windows(series: Series, start: int, step: int, count: int, interval: int) -> Iterator[tuple[int, int, int, int]]:
    """For each step that has samples in its range: its number, its time, and where the samples begin and end."""
    times = series.times
    if not times:
        return
    first = max(0, -((start - times[0]) // step))
    last = min(count - 1, (times[-1] + interval - 1 - start) // step)
    for number in range(first, last + 1):
        end = start + number * step
        high = bisect_right(times, end)
        low = bisect_right(times, end - interval, 0, high)
        if low < high:
            yield number, end, low, high


def _sum(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def _mean(values: Sequence[float]) -> float:
    mean = 0.0
    for count, value in enumerate(values, 1):
        if math.isinf(mean) and not math.isnan(value) and (not math.isinf(value) or (mean > 0) == (value > 0)):
            continue
        mean += value / count - mean / count
    return mean


def largest(values: Sequence[float]) -> float:
    """The largest value; NaN only where there is nothing else."""
    most = values[0]
    for value in values:
        if value > most or math.isnan(most):
            most = value
    return most


def smallest(values: Sequence[float]) -> float:
    """The smallest value; NaN only where there is nothing else."""
    least = values[0]
    for value in values:
        if value < least or math.isnan(least):
            least = value
    return least


def variance(values: Sequence[float]) -> float:
    """Of the whole population, by Welford's method."""
    mean = total = 0.0
    for count, value in enumerate(values, 1):
        delta = value - mean
        mean += delta / count
        total += delta * (value - mean)
    return total / len(values)


def quantile(rank: float, values: Sequence[float]) -> float:
    """A quantile with the values between two samples drawn straight; infinite for a rank outside 0 to 1."""
    if rank < 0 or math.isnan(rank):
        return -math.inf if rank < 0 else math.nan
    if rank > 1:
        return math.inf
    ordered = sorted(values)
    if any(math.isnan(value) for value in ordered):
        ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    place = rank * (len(ordered) - 1)
    low = max(0, math.floor(place))
    high = min(len(ordered) - 1, low + 1)
    weight = place - math.floor(place)
    return ordered[low] * (1 - weight) + ordered[high] * weight


def counter_rate(series: Series, low: int, high: int, end: int, interval: int) -> float:
    """Increase of a counter per second, resets added and drawn out to the edges of the range as Prometheus does."""
    if high - low < 2:
        return 0.0
    times, values = series.times, series.values
    result = values[high - 1] - values[low]
    before = 0.0
    for value in values[low:high]:
        if value < before:
            result += before
        before = value
    to_start = (times[low] - (end - interval)) / SECOND
    to_end = (end - times[high - 1]) / SECOND
    sampled = (times[high - 1] - times[low]) / SECOND
    if sampled == 0:
        return math.nan if result == 0 else math.copysign(math.inf, result)
    between = sampled / (high - low - 1)
    threshold = between * 1.1
    if to_start >= threshold:
        to_start = between / 2
    if result > 0 and values[low] >= 0:
        to_start = min(to_start, sampled * (values[low] / result))
    if to_end >= threshold:
        to_end = between / 2
    return result * ((sampled + to_start + to_end) / sampled) / (interval / SECOND)


_SIMPLE: dict[str, Callable[[Sequence[float]], float]] = {
    "bytes_over_time": _sum,
    "sum_over_time": _sum,
    "avg_over_time": _mean,
    "min_over_time": smallest,
    "max_over_time": largest,
    "stdvar_over_time": variance,
    "stddev_over_time": lambda values: math.sqrt(variance(values)),
    "first_over_time": lambda values: values[0],
    "last_over_time": lambda values: values[-1],
    "absent_over_time": lambda _values: 1.0,
}
