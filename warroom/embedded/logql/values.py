"""Arithmetic of samples, as Loki does it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def binary_value(operation: str, left: float, right: float) -> float:
    """What an operation makes of two values; a comparison makes 1 or 0. To divide by zero makes NaN, as in Loki."""
    if operation in COMPARISONS:
        return float(COMPARISONS[operation](left, right))
    if operation == "+":
        return left + right
    if operation == "-":
        return left - right
    if operation == "*":
        return left * right
    if operation == "/":
        return left / right if right else math.nan
    if operation == "%":
        return math.fmod(left, right) if right and math.isfinite(left) else math.nan
    return _power(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        odd = right % 2 == 1
        return -math.inf if left < 0 and odd else math.inf
    except ValueError:
        if left == 0:
            return math.copysign(math.inf, left) if right % 2 == 1 else math.inf
        return math.nan
