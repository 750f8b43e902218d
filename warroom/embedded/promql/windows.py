"""Functions of the samples in a range: every series of a batch and every step at once.

A window of step `i` is the samples `lo[i]` to `hi[i]` (not in) of the batch's axis. Formulas are those of
Prometheus's promql/functions.go (3.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.fetch import Batch
from warroom.embedded.promql.grid import Mask, Times, Values

Indexes = NDArray[np.intp]

_MOST_CELLS = 4_000_000
"""Cells of windows laid side by side at once: 32 MB."""
_CANCELLED = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """`ends` and `length` are milliseconds, `now` the time of each step (another one than its end under an offset)."""

    batch: Batch
    ends: Times
    length: int
    now: Times
    lo: Indexes
    hi: Indexes

    @classmethod
    def of(cls, batch: Batch, ends: Times, length: int, now: Times) -> Windows:
        """Left-open: a sample at the beginning of a range is out, one at its end is in."""
        lo = np.searchsorted(batch.times, ends - length, "right")
        hi = np.searchsorted(batch.times, ends, "right")
        return cls(batch, ends, length, now, lo, hi)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Samples in each window."""
        return self.hi - self.lo

    def first(self) -> Values:
        """Of each window with samples."""
        return np.take(self.batch.values, np.minimum(self.lo, len(self.batch.times) - 1), axis=1)

    def last(self, back: int = 1) -> Values:
        """The last of each window, or the one before it."""
        return np.take(self.batch.values, np.maximum(self.hi - back, 0), axis=1)

    def reduced(self, with_: np.ufunc, values: Values | None = None, shorter: int = 0) -> Values:
        """A ufunc over each window (`shorter`: without so many of its last columns). What stands for windows with
        nothing in them has no meaning.
        """
        values = self.batch.values if values is None else values
        pairs = np.empty(2 * len(self.lo), np.intp)
        pairs[0::2], pairs[1::2] = self.lo, np.maximum(self.hi - shorter, 0)
        np.minimum(pairs, values.shape[1], out=pairs)
        padded = np.concatenate([values[:, : int(pairs.max(initial=0)) + 1], values[:, :1]], axis=1)
        found: Values = with_.reduceat(padded, np.minimum(pairs, padded.shape[1] - 1), axis=1)
        return found[:, ::2]

    def counted(self, changes: Mask) -> Values:
        """How many of the changes from one sample to the next lie in each window."""
        counts = np.zeros(self.batch.values.shape, np.int64)
        counts[:, 1:] = np.cumsum(changes, axis=1)
        last = np.maximum(self.hi - 1, 0)
        first = np.minimum(self.lo, len(self.batch.times) - 1)
        return (np.take(counts, last, axis=1) - np.take(counts, first, axis=1)).astype(np.float64)

    def side_by_side(self) -> Iterator[tuple[slice, Values, Mask, Times]]:
        """Rows, their windows (series, steps, samples), which of those cells are samples, and their times."""
        width = int(self.sizes.max(initial=0))
        if not width:
            return
        place = self.lo[:, np.newaxis] + np.arange(width)
        good = place < self.hi[:, np.newaxis]
        place = np.where(good, place, 0)
        at_once = max(1, _MOST_CELLS // (width * len(self.lo)))
        for first in range(0, len(self.batch.values), at_once):
            rows = slice(first, first + at_once)
            yield rows, self.batch.values[rows][:, place], good, self.batch.times[place]


Parameters = tuple[Values, ...]
Function = Callable[[Windows, Parameters], tuple[Values, Mask]]
"""Values (series, steps), and which steps have one (steps, or series and steps)."""


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> tuple[Values, Mask]:
    times, values = windows.batch.times, windows.batch.values
    good = windows.sizes >= 2
    lo, hi = np.where(good, windows.lo, 0), np.where(good, windows.hi - 1, 0)
    first, last = np.take(values, lo, axis=1), np.take(values, hi, axis=1)
    gained = last - first
    if counter and len(times) > 1:
        gained = _with_resets(windows, gained)
    sampled = np.where(good, (times[hi] - times[lo]) / 1000, 1.0)
    average = sampled / np.maximum(windows.sizes - 1, 1)
    # Less than 1.1 of the usual distance to the range's bound: the series is taken to reach it.
    nearly = average * 1.1
    before = (times[lo] - (windows.ends - windows.length)) / 1000
    before = np.where(before >= nearly, average / 2, before)
    after = (windows.ends - times[hi]) / 1000
    after = np.where(after >= nearly, average / 2, after)
    start: Values = np.broadcast_to(before, gained.shape)
    if counter:
        # A counter was not below zero: it cannot be extrapolated beyond where it was.
        zero = np.where((gained > 0) & (first >= 0), sampled * (first / gained), np.inf)
        start = np.where(zero < before, zero, before)
    factor = (sampled + start + after) / sampled
    if per_second:
        factor = factor / (windows.length / 1000)
    return gained * factor, good


def _with_resets(windows: Windows, gained: Values) -> Values:
    """What was gained and what the resets of counters took."""
    values = windows.batch.values
    drops = values[:, 1:] < values[:, :-1]
    rows = np.nonzero(drops.any(axis=1))[0]
    if not len(rows):
        return gained
    taken = np.where(drops[rows], values[rows, :-1], 0.0)
    lost = windows.reduced(np.add, taken, shorter=1)
    lost[:, windows.sizes < 2] = 0.0
    whole = gained.copy()
    whole[rows] += lost
    size = np.abs(gained[rows]) + np.abs(lost)
    # Where nearly all cancels, the order of the sum is seen in it.
    for at, step in np.argwhere((lost != 0) & (np.abs(whole[rows]) < _CANCELLED * size)):
        total = gained[rows[at], step]
        for one in taken[at, windows.lo[step] : windows.hi[step] - 1]:
            total += one
        whole[rows[at], step] = total
    return whole


def _instantly(windows: Windows, *, counter: bool) -> tuple[Values, Mask]:
    times = windows.batch.times
    good = windows.sizes >= 2
    last, before = windows.last(), windows.last(2)
    if not counter:
        return last - before, good
    seconds = (times[np.maximum(windows.hi - 1, 0)] - times[np.maximum(windows.hi - 2, 0)]) / 1000
    return np.where(last < before, last, last - before) / np.where(good, seconds, 1.0), good


def _sum(windows: Windows) -> Values:
    values = windows.batch.values
    total = windows.reduced(np.add)
    # Sums of both signs may cancel, and Prometheus adds with compensation: such cells are added exactly.
    if (values < 0).any() and (values > 0).any():
        size = windows.reduced(np.add, np.abs(values))
        for row, step in np.argwhere((np.abs(total) < _CANCELLED * size) & np.isfinite(size)):
            total[row, step] = math.fsum(values[row, windows.lo[step] : windows.hi[step]])
    return total


def _average(windows: Windows) -> Values:
    mean = _sum(windows) / np.maximum(windows.sizes, 1)
    for row, step in np.argwhere(np.isinf(mean)):
        window = windows.batch.values[row, windows.lo[step] : windows.hi[step]]
        if len(window) and np.isfinite(window).all():
            mean[row, step] = math.fsum(window / len(window))
    return mean


def _variance(windows: Windows) -> Values:
    found = np.zeros((len(windows.batch.values), len(windows.lo)))
    sizes = np.maximum(windows.sizes, 1)
    for rows, values, good, _ in windows.side_by_side():
        # Apart from the first: exact for samples that are all the same, and no overflow for large ones.
        apart = np.where(good, values - values[:, :, :1], 0.0)
        mean = apart.sum(axis=2) / sizes
        apart = np.where(good, apart - mean[:, :, np.newaxis], 0.0)
        found[rows] = (apart * apart).sum(axis=2) / sizes
    return found


def _quantile(windows: Windows, wanted: Values) -> Values:
    found = np.full((len(windows.batch.values), len(windows.lo)), np.nan)
    for rows, values, good, _ in windows.side_by_side():
        cells = np.where(good, values, np.nan)
        found[rows] = quantiles(cells, windows.sizes[np.newaxis], wanted[np.newaxis])
    return found


def quantiles(cells: Values, sizes: NDArray[Any], wanted: Values) -> Values:
    """The quantile along the last axis, of the first `sizes` values there are; cells without one are NaN, and a NaN
    that is a value is below all others.
    """
    ordered = np.sort(cells, axis=-1)
    plain = (~np.isnan(cells)).sum(axis=-1)
    nans = np.maximum(sizes - plain, 0)
    rank = np.clip(np.where(np.isnan(wanted), 0.0, wanted), 0, 1) * np.maximum(sizes - 1, 0)
    low = np.floor(rank)
    high = np.minimum(low + 1, np.maximum(sizes - 1, 0))

    def value(rank: Values) -> Values:
        place = np.clip(rank - nans, 0, cells.shape[-1] - 1).astype(np.intp)
        at = np.take_along_axis(ordered, np.broadcast_to(place, plain.shape)[..., np.newaxis], axis=-1)[..., 0]
        return np.where(rank < nans, np.nan, at)

    weight = rank - low
    found = value(low) * (1 - weight) + value(high) * weight
    found = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, found))
    return np.where((sizes == 0) | np.isnan(wanted), np.nan, found)


def _line(windows: Windows, origin: Times) -> tuple[Values, Values]:
    """Slope and value at `origin` of the straight line through each window."""
    shape = (len(windows.batch.values), len(windows.lo))
    slope, intercept = np.full(shape, np.nan), np.full(shape, np.nan)
    n = np.maximum(windows.sizes, 1).astype(np.float64)
    for rows, values, good, times in windows.side_by_side():
        x = np.where(good, (times - origin[:, np.newaxis]) / 1000, 0.0)
        y = np.where(good, values, 0.0)
        sum_x, sum_y = x.sum(axis=1), y.sum(axis=2)
        sum_xy, sum_x2 = np.einsum("stw,tw->st", y, x), (x * x).sum(axis=1)
        covariance = sum_xy - sum_x * sum_y / n
        variance = sum_x2 - sum_x * sum_x / n
        slope[rows] = covariance / variance
        intercept[rows] = sum_y / n - slope[rows] * sum_x / n
        first = values[:, :, :1]
        flat = np.where(good, values == first, True).all(axis=2)
        slope[rows] = np.where(flat, np.where(np.isinf(first[..., 0]), np.nan, 0.0), slope[rows])
        intercept[rows] = np.where(flat, np.where(np.isinf(first[..., 0]), np.nan, first[..., 0]), intercept[rows])
    return slope, intercept


def _deriv(windows: Windows, _: Parameters) -> tuple[Values, Mask]:
    origin = windows.batch.times[np.minimum(windows.lo, len(windows.batch.times) - 1)]
    return _line(windows, origin)[0], windows.sizes >= 2


def _predicted(windows: Windows, parameters: Parameters) -> tuple[Values, Mask]:
    slope, intercept = _line(windows, windows.now)
    return slope * parameters[0] + intercept, windows.sizes >= 2


def _changed(values: Values) -> Mask:
    before, after = values[:, :-1], values[:, 1:]
    found: Mask = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return found


def _some(work: Callable[[Windows], Values]) -> Function:
    """A function that has a value wherever there is a sample."""
    return lambda windows, _: (work(windows), windows.sizes > 0)


def _ones(windows: Windows) -> Values:
    return np.ones((len(windows.batch.values), len(windows.lo)))


def _sizes(windows: Windows) -> Values:
    return np.broadcast_to(windows.sizes.astype(np.float64), (len(windows.batch.values), len(windows.lo)))


FUNCTIONS: dict[str, Function] = {
    "rate": lambda windows, _: _extrapolated(windows, counter=True, per_second=True),
    "increase": lambda windows, _: _extrapolated(windows, counter=True, per_second=False),
    "delta": lambda windows, _: _extrapolated(windows, counter=False, per_second=False),
    "irate": lambda windows, _: _instantly(windows, counter=True),
    "idelta": lambda windows, _: _instantly(windows, counter=False),
    "changes": _some(lambda windows: windows.counted(_changed(windows.batch.values))),
    "resets": _some(lambda windows: windows.counted(windows.batch.values[:, 1:] < windows.batch.values[:, :-1])),
    "deriv": _deriv,
    "predict_linear": _predicted,
    "avg_over_time": _some(_average),
    "sum_over_time": _some(_sum),
    "min_over_time": _some(lambda windows: windows.reduced(np.fmin)),
    "max_over_time": _some(lambda windows: windows.reduced(np.fmax)),
    "count_over_time": _some(_sizes),
    "last_over_time": _some(Windows.last),
    "present_over_time": _some(_ones),
    "stdvar_over_time": _some(_variance),
    "stddev_over_time": _some(lambda windows: np.sqrt(_variance(windows))),
    "quantile_over_time": lambda windows, parameters: (_quantile(windows, parameters[0]), windows.sizes > 0),
}
