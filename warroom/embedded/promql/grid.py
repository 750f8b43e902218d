"""What an expression is worth at every step of a query at once: rows are series, columns are steps.

Invariant: a cell counts only where `there` says so; a NaN is a value. No two rows of a `Vector` have a cell in the
same column and the same labels.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.errors import SAME_LABELSET, PromqlError, execution
from warroom.telemetry.series import Labels

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The moments at which something is evaluated, milliseconds; all of them `step` apart."""

    first: int
    count: int
    step: int
    times: Times

    @classmethod
    def of(cls, first: int, last: int, step: int) -> Steps:
        """From `first` on, not beyond `last`."""
        count = max(0, (last - first) // step + 1)
        return cls(first, count, step, first + step * np.arange(count, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """One value for each step."""

    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A string."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """Series at the steps: `values` and `there` are (series, steps). `order` is the order of rows that a sort made."""

    labels: list[Labels]
    values: Values
    there: Mask
    ordered: bool = False

    def taking(self, rows: NDArray[np.intp]) -> Vector:
        """Only some rows."""
        return Vector([self.labels[row] for row in rows], self.values[rows], self.there[rows])


Result: TypeAlias = Scalar | Words | Vector


@dataclass(slots=True)
class Remarks:
    """What an answer is remarked with."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, words: str) -> None:
        self.warnings[f"PromQL warning: {words}"] = None

    def inform(self, words: str) -> None:
        self.infos[f"PromQL info: {words}"] = None


def ever(there: Mask) -> Mask:
    """Whether a row has a value at any step."""
    found: Mask = np.logical_or.reduce(there, axis=1)
    return found


def anywhere(there: Mask) -> Mask:
    """Whether a step has a value in any row."""
    found: Mask = np.logical_or.reduce(there, axis=0)
    return found


def nothing(steps: Steps) -> Vector:
    """No series at all."""
    return Vector([], np.empty((0, steps.count)), np.empty((0, steps.count), bool))


def no_name(labels: Labels) -> Labels:
    """Without the metric's name."""
    if labels and labels[0][0] == "__name__":
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] != "__name__")


def grouped(items: Iterable[Group]) -> tuple[list[Group], NDArray[np.intp]]:
    """The different items in the order in which they come, and the number of each item among them."""
    numbers: dict[Group, int] = {}
    which = [numbers.setdefault(item, len(numbers)) for item in items]
    return list(numbers), np.array(which, np.intp)


def united(labels: Sequence[Labels], values: Values, there: Mask, *, strict: bool = False) -> Vector:
    """A vector of rows whose labels may be equal: such rows become one when they never have values at the same step.

    Raises PromqlError when they have, or when `strict` and two of them have any.
    """
    different, which = grouped(labels)
    if len(different) == len(labels):
        return Vector(list(labels), values, there)
    if strict:
        filled = there.any(axis=1)
        if np.bincount(which[filled], minlength=1).max() > 1:
            raise execution(SAME_LABELSET)
    shape = (len(different), values.shape[1])
    count = np.zeros(shape, np.int64)
    np.add.at(count, which, there)
    if (count > 1).any():
        raise execution(SAME_LABELSET)
    merged = np.zeros(shape)
    rows, columns = np.nonzero(there)
    merged[which[rows], columns] = values[rows, columns]
    return Vector(different, merged, count > 0)


def mapped(vector: Vector, change: Callable[[Labels], Labels], values: Values | None = None) -> Vector:
    """The vector with other labels (and values)."""
    fresh = vector.values if values is None else values
    return united([change(labels) for labels in vector.labels], fresh, vector.there)


def worded(labels: Labels) -> str:
    """A label set as Prometheus's errors write it."""
    return "{" + ", ".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def needed(result: Result) -> Vector:
    """A result that must be a vector."""
    if not isinstance(result, Vector):
        raise PromqlError("bad_data", "an instant vector is needed")
    return result
