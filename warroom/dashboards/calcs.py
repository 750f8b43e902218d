"""The calculations that make one number of a series: Grafana's reducers by their ids.

Invariant: total. A series without a number gives None. None and NaN do not count, except for `last` and `first`, which
take whatever stands there.

Ids: https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/calculation-types/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

Values: TypeAlias = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Calc:
    """A calculation: what the legend calls it, what it does, and whether its outcome is in the series' unit."""

    name: str
    of: Callable[[Values], float | None]
    keeps_unit: bool = True


def _kept(values: Values) -> list[float]:
    return [one for one in values if one is not None and one == one]


def _over(function: Callable[[list[float]], float]) -> Callable[[Values], float | None]:
    def calculate(values: Values) -> float | None:
        kept = _kept(values)
        try:
            return function(kept) if kept else None
        except (OverflowError, ValueError):
            return None

    return calculate


def _last(values: Values) -> float | None:
    return values[-1] if values else None


def _first(values: Values) -> float | None:
    return values[0] if values else None


def _variance(kept: list[float]) -> float:
    mean = math.fsum(kept) / len(kept)
    return math.fsum((one - mean) ** 2 for one in kept) / len(kept)


def _delta(kept: list[float]) -> float:
    """By how much a counter grew; after a reset it counts from zero."""
    return math.fsum(after - before if after >= before else after for before, after in pairwise(kept))


def _step(kept: list[float]) -> float:
    steps = [after - before for before, after in pairwise(kept)]
    return min(steps) if steps else 0.0


def _percent(kept: list[float]) -> float:
    return (kept[-1] - kept[0]) / kept[0] if kept[0] else 0.0


def _quantile(share: float) -> Callable[[list[float]], float]:
    def calculate(kept: list[float]) -> float:
        ordered = sorted(kept)
        return ordered[min(len(ordered) - 1, math.floor(share * (len(ordered) - 1) + 0.5))]

    return calculate


def _smallest_positive(kept: list[float]) -> float:
    return min(one for one in kept if one > 0)


CALCS: Final[Mapping[str, Calc]] = {
    "lastNotNull": Calc("Last *", _over(lambda kept: kept[-1])),
    "last": Calc("Last", _last),
    "firstNotNull": Calc("First *", _over(lambda kept: kept[0])),
    "first": Calc("First", _first),
    "min": Calc("Min", _over(min)),
    "max": Calc("Max", _over(max)),
    "mean": Calc("Mean", _over(lambda kept: math.fsum(kept) / len(kept))),
    "sum": Calc("Total", _over(math.fsum)),
    "count": Calc("Count", lambda values: float(len(values)), False),
    "range": Calc("Range", _over(lambda kept: max(kept) - min(kept))),
    "delta": Calc("Delta", _over(_delta)),
    "step": Calc("Step", _over(_step)),
    "diff": Calc("Difference", _over(lambda kept: kept[-1] - kept[0])),
    "diffperc": Calc("Difference percent", _over(_percent), False),
    "logmin": Calc("Min (above zero)", _over(_smallest_positive)),
    "variance": Calc("Variance", _over(_variance)),
    "stdDev": Calc("StdDev", _over(lambda kept: math.sqrt(_variance(kept)))),
    "median": Calc("Median", _over(_quantile(0.5))),
    "distinctCount": Calc("Distinct Count", lambda values: float(len(set(_kept(values)))), False),
    "changeCount": Calc(
        "Change Count",
        _over(lambda kept: float(sum(one != other for one, other in pairwise(kept)))),
        False,
    ),
    "allIsZero": Calc("All Zeros", _over(lambda kept: float(not any(kept))), False),
    "allIsNull": Calc("All Nulls", lambda values: float(not _kept(values)), False),
    "uniqueValues": Calc("Unique Values", lambda values: float(len(set(_kept(values)))), False),
}
"""Every calculation by its id; `p1` to `p99` are quantiles besides."""

_ALIASES: Final[Mapping[str, str]] = {
    "current": "lastNotNull",
    "avg": "mean",
    "total": "sum",
    "lastNull": "last",
    "firstNull": "first",
    "stddev": "stdDev",
}
_QUANTILE: Final = re.compile(r"p([1-9]?\d)")


def calc_of(name: str) -> Calc | None:
    """The calculation with an id; None for an unknown one."""
    name = _ALIASES.get(name, name)
    if name in CALCS:
        return CALCS[name]
    found = _QUANTILE.fullmatch(name)
    return Calc(f"{int(found[1])}th %", _over(_quantile(int(found[1]) / 100))) if found else None


def calculated(name: str, values: Values) -> float | None:
    """The outcome of a calculation; None for an unknown one and for a series without numbers."""
    calc = calc_of(name)
    return calc.of(values) if calc else None
