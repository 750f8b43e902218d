"""Quantiles and fractions of classic histograms: cumulative buckets, one series for each upper bound `le`.

Formulas: BucketQuantile, BucketFraction, ensureMonotonicAndIgnoreSmallDeltas of Prometheus 3.5's promql/quantile.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.grid import Mask, Remarks, Values, Vector, no_name, united
from warroom.embedded.promql.labels import dropping
from warroom.telemetry.series import Labels

_BOUND = frozenset(("le",))
_TOLERANCE = 1e-12
_LEAST_NORMAL = 2.2250738585072014e-308
_FIX = (
    "input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name "
)

Rows = NDArray[np.intp]
Work = Callable[[Values, Values, Rows], tuple[Values, Mask]]
"""From bounds (buckets), counts (histograms, buckets, steps) and which steps (numbers) to (histograms, steps), and
which histograms had counts that fell."""


def histogram_quantile(wanted: Values, vector: Vector, remarks: Remarks, place: str) -> Vector:
    """The quantile of every histogram; `wanted` has a value for each step."""

    def work(bounds: Values, counts: Values, steps: Rows) -> tuple[Values, Mask]:
        return _quantile(wanted[steps], bounds, counts)

    return _each(vector, remarks, work, place)


def histogram_fraction(lower: Values, upper: Values, vector: Vector, remarks: Remarks, place: str) -> Vector:
    """The share of observations between two bounds."""

    def work(bounds: Values, counts: Values, steps: Rows) -> tuple[Values, Mask]:
        return _fraction(lower[steps], upper[steps], bounds, counts), np.zeros(len(counts), bool)

    return _each(vector, remarks, work, place)


def _each(vector: Vector, remarks: Remarks, work: Work, place: str) -> Vector:
    families = _families(vector, remarks, place)
    steps = vector.values.shape[1]
    labels = list(families)
    values, there = np.full((len(labels), steps), np.nan), np.zeros((len(labels), steps), bool)
    alike: dict[tuple[float, ...], list[tuple[int, list[int]]]] = {}
    for number, buckets in enumerate(families.values()):
        ordered = sorted(buckets, key=lambda pair: pair[0])
        bounds = tuple(bound for bound, _ in ordered)
        alike.setdefault(bounds, []).append((number, [row for _, row in ordered]))
    for bounds, members in alike.items():
        numbers = np.array([number for number, _ in members], np.intp)
        rows = np.array([row for _, row in members], np.intp)
        for which, chosen, kept in _regular(vector.there[rows]):
            counts = vector.values[rows[which]][:, kept][:, :, chosen]
            found, fell = work(np.array(bounds)[kept], np.array(counts), chosen)
            for number in numbers[which][fell].tolist():
                remarks.inform(f'{_FIX}"{dict(labels[number]).get("__name__", "")}"{place}')
            values[np.ix_(numbers[which], chosen)] = found
            there[np.ix_(numbers[which], chosen)] = True
    return united([no_name(one) for one in labels], values, there)


def _regular(there: Mask) -> Iterator[tuple[Rows, Rows, Mask]]:
    """Parts of some histograms of the same bounds with the same buckets there: which of them, steps, and buckets."""
    if there.all():
        yield np.arange(there.shape[0]), np.arange(there.shape[2]), np.ones(there.shape[1], bool)
        return
    for number, cells in enumerate(there):
        kinds, which = np.unique(cells, axis=1, return_inverse=True)
        for kind, kept in enumerate(kinds.T):
            if kept.any():
                yield np.array([number]), np.nonzero(which.reshape(-1) == kind)[0], kept


def _families(vector: Vector, remarks: Remarks, place: str) -> dict[Labels, list[tuple[float, int]]]:
    """Bounds and rows of each histogram, by its labels."""
    found: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        said = dict(labels)
        text = said.get("le", "")
        try:
            bound = float(text)
        except ValueError:
            if vector.there[row].any():
                remarks.warn(f'bucket label "le" is missing or has a malformed value of "{text}" for metric name '
                             f'"{said.get("__name__", "")}"{place}')  # fmt: skip
            continue
        found.setdefault(dropping(labels, _BOUND), []).append((bound, row))
    return found


def _rising(bounds: Values, counts: Values) -> tuple[Values, Values, Mask]:
    """Buckets of different bounds whose counts do not fall, and which histograms had such that fell."""
    different, first = np.unique(bounds, return_index=True)
    if len(different) < len(bounds):
        counts = np.add.reduceat(counts, first, axis=1)
    before = counts[:, 0].copy()
    fell = np.zeros(len(counts), bool)
    for bucket in range(1, counts.shape[1]):
        count = counts[:, bucket]
        with np.errstate(all="ignore"):
            both = np.abs(before) + np.abs(count)
            apart = np.abs(before - count)
            tiny = (before == 0) | (count == 0) | (both < _LEAST_NORMAL)
            same = np.where(tiny, apart < _TOLERANCE * _LEAST_NORMAL, apart / both < _TOLERANCE)
        fell |= np.logical_or.reduce(~same & (count < before), axis=1)
        count = np.where(same | (count < before), before, count)
        counts[:, bucket] = before = count
    return different, counts, fell


def _quantile(wanted: Values, bounds: Values, counts: Values) -> tuple[Values, Mask]:
    shape = (counts.shape[0], counts.shape[2])
    outside = np.where(np.isnan(wanted), np.nan, np.where(wanted < 0, -np.inf, np.inf))
    known = (wanted >= 0) & (wanted <= 1)
    if bounds[-1] != np.inf:
        return np.broadcast_to(np.where(known, np.nan, outside), shape), np.zeros(len(counts), bool)
    bounds, counts, fell = _rising(bounds, counts)
    if len(bounds) < 2:
        return np.broadcast_to(np.where(known, np.nan, outside), shape), fell
    total = counts[:, -1]
    rank = wanted * total
    reached = counts[:, :-1] >= rank[:, np.newaxis]
    at = np.where(reached.any(axis=1), np.argmax(reached, axis=1), len(bounds) - 1)
    below = np.where(at > 0, np.take_along_axis(counts, np.maximum(at - 1, 0)[:, np.newaxis], axis=1)[:, 0], 0.0)
    count = np.take_along_axis(counts, at[:, np.newaxis], axis=1)[:, 0] - below
    low = np.where(at > 0, bounds[np.maximum(at - 1, 0)], 0.0)
    high = bounds[at]
    found = low + (high - low) * ((rank - below) / count)
    found = np.where((at == 0) & (bounds[0] <= 0), bounds[0], found)
    found = np.where(at == len(bounds) - 1, bounds[-2], found)
    found = np.where(total == 0, np.nan, found)
    return np.where(known, found, outside), fell


def _fraction(lower: Values, upper: Values, bounds: Values, counts: Values) -> Values:
    shape = (counts.shape[0], counts.shape[2])
    if bounds[-1] != np.inf:
        return np.full(shape, np.nan)
    different, first = np.unique(bounds, return_index=True)
    if len(different) < len(bounds):
        bounds, counts = different, np.add.reduceat(counts, first, axis=1)
    total = counts[:, -1]
    low, high = _rank(lower, bounds, counts), _rank(upper, bounds, counts)
    found = np.where(lower >= upper, 0.0, (high - low) / total)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, found)


def _rank(value: Values, bounds: Values, counts: Values) -> Values:
    """How many observations are below a value, interpolated within its bucket."""
    total = counts[:, -1]
    found = np.array(total)
    unset = np.ones(found.shape, bool)
    before = np.zeros(found.shape)
    # 3.5 takes the first bucket to begin at -Inf, whatever its bound, so that nothing can be interpolated in it.
    low = -np.inf
    for bucket, high in enumerate(bounds):
        count = counts[:, bucket]
        begins = unset & (low >= value)
        within = unset & ~begins & (low < value) & (high > value)
        part = before + (count - before) * ((value - low) / (high - low))
        found = np.where(begins, before, np.where(within, part, found))
        unset &= ~(begins | within)
        before, low = count, high
    return np.minimum(found, total)
