"""Operators between two sides, at every step at once.

Semantics: VectorBinop, VectorscalarBinop and the set operators of Prometheus's promql/engine.go (3.5).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from warroom.embedded.promql.errors import SAME_LABELSET, execution
from warroom.embedded.promql.grid import Mask, Scalar, Values, Vector, ever, grouped, no_name, united, worded
from warroom.embedded.promql.labels import dropping, keeping, with_labels
from warroom.embedded.promql.tree import COMPARISONS, Binary, Matching
from warroom.telemetry.series import Labels

Pairs = NDArray[np.intp]

_ARITHMETIC: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARED: dict[str, Callable[[Values, Values], Mask]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
_MANY_TO_ONE = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
_NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


def of_scalars(operator: str, left: Values, right: Values) -> Values:
    """Two scalars; a comparison gives 0 or 1."""
    if operator in COMPARISONS:
        return _COMPARED[operator](left, right).astype(np.float64)
    return _ARITHMETIC[operator](left, right)


def with_scalar(how: Binary, vector: Vector, scalar: Scalar, *, swapped: bool) -> Vector:
    """A vector and a scalar; `swapped` when the scalar is on the left."""
    left, right = (scalar.values, vector.values) if swapped else (vector.values, scalar.values)
    if how.operator not in COMPARISONS:
        found = _ARITHMETIC[how.operator](left, right)
        return united([no_name(labels) for labels in vector.labels], found, vector.there)
    kept = _COMPARED[how.operator](left, right)
    if how.as_bool:
        return united([no_name(labels) for labels in vector.labels], kept.astype(np.float64), vector.there)
    return Vector(vector.labels, vector.values, vector.there & kept)


def signature(labels: Labels, matching: Matching) -> Labels:
    """What has to be equal for two series to find each other."""
    if matching.on:
        return keeping(labels, frozenset(matching.labels))
    return dropping(labels, frozenset((*matching.labels, "__name__")))


def of_sets(how: Binary, left: Vector, right: Vector) -> Vector:
    """and, or, unless."""
    signatures, which = grouped(signature(labels, how.matching) for labels in (*left.labels, *right.labels))
    on_left, on_right = which[: len(left.labels)], which[len(left.labels) :]
    steps = left.values.shape[1]
    if how.operator == "or":
        seen = _any(on_left, left.there, len(signatures), steps)
        there = right.there & ~seen[on_right]
        kept = ever(there)
        labels = left.labels + [label for label, keep in zip(right.labels, kept, strict=True) if keep]
        values = np.concatenate([left.values, right.values[kept]])
        return united(labels, values, np.concatenate([left.there, there[kept]]))
    seen = _any(on_right, right.there, len(signatures), steps)[on_left]
    return Vector(left.labels, left.values, left.there & (seen if how.operator == "and" else ~seen))


def of_vectors(how: Binary, left: Vector, right: Vector) -> Vector:
    """Arithmetic and comparisons between two vectors. Raises PromqlError where series do not find each other as the
    query says.
    """
    swapped = how.matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    signatures, which = grouped(signature(labels, how.matching) for labels in (*many.labels, *one.labels))
    of_many, of_one = which[: len(many.labels)], which[len(many.labels) :]
    _unique_side(how, many, one, of_one, signatures)
    rows, others = _pairs(of_many, of_one, len(signatures))
    there = many.there[rows] & one.there[others]
    first, second = many.values[rows], one.values[others]
    if swapped:
        first, second = second, first
    if how.operator in COMPARISONS:
        kept = _COMPARED[how.operator](first, second)
        values = kept.astype(np.float64) if how.as_bool else first
        there = there if how.as_bool else there & kept
    else:
        values = _ARITHMETIC[how.operator](first, second)
    labels = [_joined(how, many.labels[row], one.labels[other]) for row, other in zip(rows, others, strict=True)]
    _unique_matches(how, of_many[rows], labels, there)
    return united(labels, values, there)


def _any(which: Pairs, there: Mask, count: int, steps: int) -> Mask:
    """Whether any series of a signature is there."""
    found = np.zeros((count, steps), bool)
    np.logical_or.at(found, which, there)
    return found


def _pairs(of_many: Pairs, of_one: Pairs, count: int) -> tuple[Pairs, Pairs]:
    """Rows of both sides with the same signature."""
    partners: list[list[int]] = [[] for _ in range(count)]
    for other, number in enumerate(of_one.tolist()):
        partners[number].append(other)
    found = [(row, other) for row, number in enumerate(of_many.tolist()) for other in partners[number]]
    table = np.array(found, np.intp).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _unique_side(how: Binary, many: Vector, one: Vector, of_one: Pairs, signatures: list[Labels]) -> None:
    """No signature may occur twice on the "one" side, at a step at which there is anything on both."""
    if len(np.unique(of_one)) == len(of_one):
        return
    counts = np.zeros((len(signatures), one.values.shape[1]), np.int64)
    np.add.at(counts, of_one, one.there)
    wrong = (counts > 1) & many.there.any(axis=0)
    if not wrong.any():
        return
    step = int(np.argmax(wrong.any(axis=0)))
    number = int(np.argmax(wrong[:, step]))
    # Prometheus names the one it comes upon first after the one it comes upon second.
    first, second = np.nonzero((of_one == number) & one.there[:, step])[0][:2]
    side = "left" if how.matching.many == "right" else "right"
    group = signatures[number] if how.matching.on else dropping(signatures[number], frozenset(how.matching.labels))
    raise execution(
        f"found duplicate series for the match group {worded(group)} on the {side} hand-side of the operation: "
        f"[{worded(one.labels[second])}, {worded(one.labels[first])}];many-to-many matching not allowed: matching "
        "labels must be unique on one side"
    )


def _unique_matches(how: Binary, numbers: Pairs, labels: list[Labels], there: Mask) -> None:
    """Between two vectors one series answers to one, and with a group modifier to one for each set of labels."""
    if how.matching.many:
        keys, which = grouped(zip(numbers.tolist(), labels, strict=True))
    else:
        keys, which = grouped((number, ()) for number in numbers.tolist())
    if len(keys) == len(which):
        return
    counts = np.zeros((len(keys), there.shape[1]), np.int64)
    np.add.at(counts, which, there)
    if (counts > 1).any():
        raise execution(_NOT_UNIQUE if how.matching.many else _MANY_TO_ONE)


def _joined(how: Binary, many: Labels, one: Labels) -> Labels:
    """Labels of what two series give together."""
    matching = how.matching
    if how.operator not in COMPARISONS or how.as_bool:
        many = no_name(many)
    if not matching.many:
        names = frozenset(matching.labels)
        many = keeping(many, names) if matching.on else dropping(many, names)
    if matching.include:
        named = dict(one)
        many = with_labels(many, [(name, named.get(name, "")) for name in matching.include])
    return many


__all__ = ["SAME_LABELSET", "of_scalars", "of_sets", "of_vectors", "with_scalar"]
