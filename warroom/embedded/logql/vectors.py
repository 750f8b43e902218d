"""Operations on the values of one moment: aggregations over series, and operations between two sides.

Follows Loki's evaluator. Invariant: a vector's order is that of what it was made of, so the same query has the same
answer each time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from warroom.embedded.logql import ast, ranges
from warroom.embedded.logql.errors import LogqlError
from warroom.embedded.logql.values import COMPARISONS, binary_value
from warroom.telemetry.logs import Pairs

Vector: TypeAlias = list[tuple[Pairs, float]]
"""Label sets and values."""

ORDERED = frozenset({"topk", "bottomk", "sort", "sort_desc"})


def aggregated(query: ast.VectorAggregation, vector: Vector) -> Vector:
    """What an aggregation makes of the values of one moment."""
    groups: dict[Pairs, Vector] = {}
    for labels, value in vector:
        groups.setdefault(grouped(labels, query.grouping), []).append((labels, value))
    if query.operation in ORDERED:
        return [one for members in groups.values() for one in _ordered(query, members)]
    return [(labels, _folded(query.operation, [value for _, value in members])) for labels, members in groups.items()]


def grouped(labels: Pairs, grouping: ast.Grouping) -> Pairs:
    """The labels of a series' group."""
    if grouping.without:
        return tuple(pair for pair in labels if pair[0] not in grouping.names)
    return tuple(pair for pair in labels if pair[0] in grouping.names)


def _ordered(query: ast.VectorAggregation, members: Vector) -> Vector:
    falling = query.operation in ("topk", "sort_desc")
    sign = -1.0 if falling else 1.0
    ordered = sorted(members, key=lambda one: (math.isnan(one[1]), sign * one[1] if one[1] == one[1] else 0.0, one[0]))
    return ordered[: query.parameter] if query.operation in ("topk", "bottomk") else ordered


def _folded(operation: str, values: Sequence[float]) -> float:
    if operation == "count":
        return float(len(values))
    if operation == "sum":
        total = values[0]
        for value in values[1:]:
            total += value
        return total
    if operation == "max":
        return ranges.largest(values)
    if operation == "min":
        return ranges.smallest(values)
    if operation == "avg":
        return _average(values)
    spread = ranges.variance(values)
    return math.sqrt(spread) if operation == "stddev" else spread


def _average(values: Sequence[float]) -> float:
    mean = values[0]
    for count, value in enumerate(values[1:], 2):
        if math.isinf(mean) and not math.isnan(value) and (not math.isinf(value) or (mean > 0) == (value > 0)):
            continue
        mean += (value - mean) / count
    return mean


# -- between two sides -------------------------------------------------------------------------------------------------


def with_number(query: ast.Binary, vector: Vector, number: float, number_first: bool) -> Vector:
    """An operation between each value and a number. A comparison keeps the value, or says 1 or 0 with `bool`."""
    found: Vector = []
    keeps = query.operation in COMPARISONS and not query.returns_bool
    for labels, value in vector:
        left, right = (number, value) if number_first else (value, number)
        made = binary_value(query.operation, left, right)
        if not keeps:
            found.append((labels, made))
        elif made:
            found.append((labels, value))
    return found


def combined(query: ast.Binary, left: Vector, right: Vector) -> Vector:
    """An operation between two vectors.

    Raises:
        LogqlError: a series has several partners and the query does not say how.
    """
    matching = query.matching
    if query.operation == "and":
        known = {signature(labels, matching) for labels, _ in right}
        return [one for one in left if signature(one[0], matching) in known]
    if query.operation == "unless":
        known = {signature(labels, matching) for labels, _ in right}
        return [one for one in left if signature(one[0], matching) not in known]
    if query.operation == "or":
        known = {signature(labels, matching) for labels, _ in left}
        return [*left, *(one for one in right if signature(one[0], matching) not in known)]
    return _matched(query, left, right)


def signature(labels: Pairs, matching: ast.Matching) -> Pairs:
    """The labels by which a series finds its partner."""
    names = matching.names or ()
    if matching.on:
        return tuple(pair for pair in labels if pair[0] in names)
    return tuple(pair for pair in labels if pair[0] not in names) if names else labels


def _matched(query: ast.Binary, left: Vector, right: Vector) -> Vector:
    matching = query.matching
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    partners: dict[Pairs, tuple[Pairs, float]] = {}
    for labels, value in one:
        key = signature(labels, matching)
        if key in partners:
            raise LogqlError(
                f"found duplicate series on the {'left' if swapped else 'right'} hand-side;many-to-many matching not "
                "allowed: matching labels must be unique on one side"
            )
        partners[key] = labels, value
    found: Vector = []
    seen: dict[Pairs, set[Pairs]] = {}
    keeps = query.operation in COMPARISONS and not query.returns_bool
    for labels, value in many:
        key = signature(labels, matching)
        partner = partners.get(key)
        if partner is None:
            continue
        metric = _result_labels(labels, partner[0], matching)
        _check_unique(matching, metric, seen.get(key))
        seen.setdefault(key, set()).add(metric)
        first, second = (partner[1], value) if swapped else (value, partner[1])
        made = binary_value(query.operation, first, second)
        if not keeps:
            found.append((metric, made))
        elif made:
            found.append((metric, first))
    return found


def _check_unique(matching: ast.Matching, metric: Pairs, seen: set[Pairs] | None) -> None:
    if seen is None:
        return
    if not matching.many:
        raise LogqlError("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    if metric in seen:
        raise LogqlError("multiple matches for labels: grouping labels must ensure unique matches")


def _result_labels(labels: Pairs, partner: Pairs, matching: ast.Matching) -> Pairs:
    if not matching.many:
        return signature(labels, matching)
    known = dict(labels)
    theirs = dict(partner)
    for name in matching.include or ():
        if theirs.get(name):
            known[name] = theirs[name]
        else:
            known.pop(name, None)
    return tuple(sorted(known.items()))


def distinct(vector: Iterable[tuple[Pairs, float]]) -> int:
    """How many label sets there are."""
    return len({labels for labels, _ in vector})
