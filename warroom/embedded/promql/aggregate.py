"""Aggregations over series, at every step at once.

Semantics: Prometheus's promql/engine.go (3.5), aggregation, aggregationK and aggregationCountValues.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.errors import execution
from warroom.embedded.promql.grid import Mask, Values, Vector, grouped, united
from warroom.embedded.promql.labels import dropping, keeping, with_labels
from warroom.embedded.promql.tree import Aggregate
from warroom.embedded.promql.windows import quantiles
from warroom.telemetry.series import Labels

_CANCELLED = 1e-5


class Groups:
    """A vector's rows put in order of their groups, so that ufuncs reduce each group in one go."""

    def __init__(self, vector: Vector, how: Aggregate) -> None:
        self.keys, which = grouped(group_key(labels, how) for labels in vector.labels)
        self.order = np.argsort(which, kind="stable")
        self.starts = np.searchsorted(which[self.order], np.arange(len(self.keys)))
        self.ends = np.append(self.starts[1:], len(which))
        self.values = vector.values[self.order]
        self.there = vector.there[self.order]

    def reduced(self, with_: np.ufunc, cells: NDArray[np.float64]) -> Values:
        """A ufunc over the rows of each group."""
        found: Values = with_.reduceat(cells, self.starts, axis=0)
        return found

    @property
    def counts(self) -> Values:
        """How many values each group has at each step."""
        return self.reduced(np.add, self.there.astype(np.float64))

    def each(self) -> list[slice]:
        """The rows of each group."""
        return [slice(int(start), int(end)) for start, end in zip(self.starts, self.ends, strict=True)]


def group_key(labels: Labels, how: Aggregate) -> Labels:
    """Labels of the group that a series is in."""
    if how.without:
        return dropping(labels, frozenset((*how.labels, "__name__")))
    return keeping(labels, frozenset(how.labels)) if how.labels else ()


def aggregated(how: Aggregate, vector: Vector) -> Vector:
    """Those that give one value for each group and need no parameter."""
    groups = Groups(vector, how)
    counts = groups.counts
    return Vector(groups.keys, _SIMPLE[how.operator](groups, counts), counts > 0)


def quantile(how: Aggregate, vector: Vector, wanted: Values) -> Vector:
    """The quantile of each group; `wanted` has one value for each step."""
    groups = Groups(vector, how)
    found = np.empty((len(groups.keys), vector.values.shape[1]))
    for number, rows in enumerate(groups.each()):
        there = groups.there[rows]
        cells = np.where(there, groups.values[rows], np.nan).T
        found[number] = quantiles(cells, there.sum(axis=0), wanted)
    return Vector(groups.keys, found, groups.counts > 0)


def chosen(how: Aggregate, vector: Vector, wanted: Values) -> Vector:
    """topk and bottomk: the series themselves, at the steps at which they are among the first `wanted`."""
    asked = wanted[vector.there.any(axis=0)]
    odd = asked[~(np.abs(asked) < 2.0**63)]
    if len(odd):
        raise execution(f"Scalar value {number(odd[0])} {'underflows' if odd[0] < 0 else 'overflows'} int64")
    limit = np.trunc(wanted)
    groups = Groups(vector, how)
    there = np.zeros(groups.there.shape, bool)
    ranks = np.zeros(groups.there.shape, np.int64)
    for rows in groups.each():
        values, good = groups.values[rows], groups.there[rows]
        size = -values if how.operator == "topk" else values
        # Last come NaNs, and after them what is no value.
        kind = np.where(good, np.isnan(values).astype(np.int64), 2)
        order = np.lexsort((np.where(np.isnan(size), 0.0, size), kind), axis=0)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(len(order))[:, np.newaxis], order.shape), axis=0)
        ranks[rows] = rank
        there[rows] = good & (rank < limit)
    if vector.values.shape[1] == 1:
        return _by_rank(vector, groups, there, ranks)
    kept = np.empty_like(there)
    kept[groups.order] = there
    found = Vector(vector.labels, vector.values, kept)
    return found.taking(np.nonzero(kept.any(axis=1))[0])


def _by_rank(vector: Vector, groups: Groups, there: Mask, ranks: NDArray[np.int64]) -> Vector:
    """At one step the series come group by group, the first first."""
    rows = [int(groups.order[rows.start + place])
            for rows in groups.each() for place in np.argsort(ranks[rows, 0], kind="stable")
            if there[rows.start + place, 0]]  # fmt: skip
    return Vector(*_parts(vector, rows), ordered=True)


def _parts(vector: Vector, rows: list[int]) -> tuple[list[Labels], Values, Mask]:
    found = vector.taking(np.array(rows, np.intp))
    return found.labels, found.values, found.there


def values_counted(how: Aggregate, vector: Vector, label: str) -> Vector:
    """How often each value occurs in a group; the value becomes a label."""
    if not label:
        raise execution(f"invalid label name {label!r}")
    counts: dict[Labels, Values] = {}
    steps = vector.values.shape[1]
    for labels, values, there in zip(vector.labels, vector.values, vector.there, strict=True):
        base = group_key(labels, how)
        for value in np.unique(values[there]).tolist():
            same = there & ((values == value) | (np.isnan(values) if value != value else False))
            key = with_labels(base, [(label, number(value))])
            counts.setdefault(key, np.zeros(steps))[same] += 1
    if not counts:
        return Vector([], np.empty((0, steps)), np.empty((0, steps), bool))
    table = np.stack(list(counts.values()))
    return united(list(counts), table, table > 0)


def number(value: float) -> str:
    """A value as Go's FormatFloat(value, 'f', -1) writes it: the shortest digits, without an exponent."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = np.format_float_positional(value, unique=True, trim="-")
    return str(text)


def _sum(groups: Groups, _: Values) -> Values:
    cells = np.where(groups.there, groups.values, 0.0)
    total = groups.reduced(np.add, cells)
    if (cells < 0).any() and (cells > 0).any():
        size = groups.reduced(np.add, np.abs(cells))
        for group, step in np.argwhere((np.abs(total) < _CANCELLED * size) & np.isfinite(size)):
            total[group, step] = math.fsum(cells[groups.starts[group] : groups.ends[group], step])
    return total


def _average(groups: Groups, counts: Values) -> Values:
    mean = _sum(groups, counts) / np.maximum(counts, 1)
    for group, step in np.argwhere(np.isinf(mean)):
        rows = slice(groups.starts[group], groups.ends[group])
        values = groups.values[rows, step][groups.there[rows, step]]
        if np.isfinite(values).all():
            mean[group, step] = math.fsum(values / len(values))
    return mean


def _variance(groups: Groups, counts: Values) -> Values:
    safe = np.maximum(counts, 1)
    cells = np.where(groups.there, groups.values, 0.0)
    sizes = groups.ends - groups.starts
    # Twice, because the mean of equal values may miss them by a digit.
    for _ in range(2):
        mean = groups.reduced(np.add, cells) / safe
        cells = np.where(groups.there, cells - np.repeat(mean, sizes, axis=0), 0.0)
    return groups.reduced(np.add, cells * cells) / safe


def _extreme(with_: np.ufunc) -> Callable[[Groups, Values], Values]:
    # fmin and fmax pass over NaN, as Prometheus does unless there is nothing else.
    return lambda groups, _: groups.reduced(with_, np.where(groups.there, groups.values, np.nan))


_SIMPLE: dict[str, Callable[[Groups, Values], Values]] = {
    "sum": _sum,
    "avg": _average,
    "count": lambda _, counts: counts,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "group": lambda _, counts: np.ones_like(counts),
    "stdvar": _variance,
    "stddev": lambda groups, counts: np.sqrt(_variance(groups, counts)),
}
