"""Functions of values alone: arithmetic, angles, dates. Arrays in, arrays out, of any shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.grid import Values

_DAY = 86_400


def rounded(values: Values, nearest: Values | float) -> Values:
    """To the nearest multiple; half upwards."""
    inverse = 1.0 / np.asarray(nearest, np.float64)
    found: Values = np.floor(values * inverse + 0.5) / inverse
    return found


def sign(values: Values) -> Values:
    """-1, 1, or the value itself (zeros, NaN)."""
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def least(values: Values, bound: Values) -> Values:
    """Go's math.Min: an infinity goes before NaN."""
    return np.where(np.isneginf(values) | np.isneginf(bound), -np.inf, np.minimum(values, bound))


def greatest(values: Values, bound: Values) -> Values:
    """Go's math.Max: an infinity goes before NaN."""
    return np.where(np.isposinf(values) | np.isposinf(bound), np.inf, np.maximum(values, bound))


MATH: dict[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": lambda values: values * 180 / np.pi,
    "rad": lambda values: values * np.pi / 180,
    "sgn": sign,
}


def _seconds(values: Values) -> NDArray[np.int64]:
    # What is no time at all, an x86 makes the least whole number of; so does Go there.
    safe = np.isfinite(values) & (np.abs(values) < 2.0**62)
    return np.where(safe, values, 0.0).astype(np.int64)


def _dates(values: Values) -> NDArray[np.datetime64]:
    return _seconds(values).astype("datetime64[s]")


def _day_of_month(values: Values) -> Values:
    days = _dates(values).astype("datetime64[D]")
    since: NDArray[np.timedelta64] = days - days.astype("datetime64[M]").astype("datetime64[D]")
    return since.astype(np.float64) + 1


def _day_of_year(values: Values) -> Values:
    days = _dates(values).astype("datetime64[D]")
    since: NDArray[np.timedelta64] = days - days.astype("datetime64[Y]").astype("datetime64[D]")
    return since.astype(np.float64) + 1


def _days_in_month(values: Values) -> Values:
    months = _dates(values).astype("datetime64[M]")
    after: NDArray[np.datetime64] = (months + 1).astype("datetime64[D]")
    length: NDArray[np.timedelta64] = after - months.astype("datetime64[D]")
    return length.astype(np.float64)


def _month(values: Values) -> Values:
    return (_dates(values).astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.float64)


def _year(values: Values) -> Values:
    return (_dates(values).astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.float64)


DATES: dict[str, Callable[[Values], Values]] = {
    "minute": lambda values: (_seconds(values) // 60 % 60).astype(np.float64),
    "hour": lambda values: (_seconds(values) // 3600 % 24).astype(np.float64),
    # The epoch was a Thursday.
    "day_of_week": lambda values: ((_seconds(values) // _DAY + 4) % 7).astype(np.float64),
    "day_of_month": _day_of_month,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "month": _month,
    "year": _year,
}


def no_dates(values: Values) -> bool:
    """Whether some of the values are no times, which a date is not told of."""
    return bool((~(np.abs(values) < 2.0**45)).any())
