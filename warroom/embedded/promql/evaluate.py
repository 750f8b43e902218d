"""A tree, evaluated at all steps of a query at once.

Semantics: Prometheus's promql/engine.go and functions.go (3.5): lookback, staleness, left-open ranges, names that are
dropped, and errors in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from warroom.embedded.promql import aggregate, binary, functions, histogram
from warroom.embedded.promql.errors import PromqlError, execution
from warroom.embedded.promql.fetch import Batch, apart, batches, latest
from warroom.embedded.promql.grid import (
    Mask,
    Remarks,
    Result,
    Scalar,
    Steps,
    Times,
    Values,
    Vector,
    Words,
    anywhere,
    ever,
    mapped,
    needed,
    no_name,
    nothing,
    united,
)
from warroom.embedded.promql.labels import joining, replacing
from warroom.embedded.promql.tree import (
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Moment,
    Negation,
    Node,
    Number,
    Range,
    Selector,
    String,
    Subquery,
)
from warroom.embedded.promql.windows import FUNCTIONS, Windows
from warroom.embedded.series_store import Pick, SeriesStore
from warroom.telemetry.series import Labels

_COUNTERS = ("_total", "_sum", "_count", "_bucket")
_KEEP_NAMES = frozenset({"last_over_time"})


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What a query is evaluated with. `start` and `end` are those of the whole query, milliseconds; `spend` counts
    samples and refuses too many; `check` refuses when time is up.
    """

    store: SeriesStore
    query: str
    start: int
    end: int
    lookback: int
    subquery_step: int
    remarks: Remarks
    spend: Callable[[int], None]
    check: Callable[[], None]


class Evaluation:
    """One query at some steps."""

    def __init__(self, scope: Scope, steps: Steps) -> None:
        self.scope, self.steps = scope, steps

    def of(self, node: Node) -> Result:
        """What a node is worth. Raises PromqlError."""
        self.scope.check()
        match node:
            case Number():
                return Scalar(np.full(self.steps.count, node.value))
            case String():
                return Words(node.text)
            case Selector():
                return self._selected(node)
            case Negation():
                found = self.of(node.body)
                if isinstance(found, Scalar):
                    return Scalar(-found.values)
                return mapped(needed(found), no_name, -needed(found).values)
            case Binary():
                return self._binary(node)
            case Aggregate():
                return self._aggregated(node)
            case Call():
                return self._called(node)
            case Range() | Subquery():
                raise PromqlError("bad_data", "a range vector has to stand in a function of ranges")

    def vector(self, node: Node) -> Vector:
        """A node that is a vector."""
        return needed(self.of(node))

    def scalar(self, node: Node) -> Values:
        """A node that is a scalar."""
        found = self.of(node)
        if not isinstance(found, Scalar):
            raise PromqlError("bad_data", "a scalar is needed")
        return found.values

    def text(self, node: Node) -> str:
        """A node that is a string."""
        found = self.of(node)
        if not isinstance(found, Words):
            raise PromqlError("bad_data", "a string is needed")
        return found.text

    # -- selectors ---------------------------------------------------------------------------------------------------

    def picked(self, node: Selector) -> Pick:
        """The series of a selector."""
        try:
            return self.scope.store.pick(node.matchers)
        except ValueError as wrong:
            raise PromqlError("bad_data", str(wrong)) from None

    def moments(self, at: Moment, offset: int) -> Times:
        """For each step the moment that is meant."""
        if at is None:
            return self.steps.times - offset
        fixed = self.scope.start if at == "start" else self.scope.end if at == "end" else at
        return np.full(self.steps.count, fixed - offset, np.int64)

    def _selected(self, node: Selector) -> Vector:
        pick = self.picked(node)
        at = self.moments(node.at, node.offset)
        values, there, _ = latest(pick, at, self.scope.lookback, self.scope.spend)
        return _filled(pick.keys, values, there)

    # -- operators ---------------------------------------------------------------------------------------------------

    def _binary(self, node: Binary) -> Result:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return Scalar(binary.of_scalars(node.operator, left.values, right.values))
        if isinstance(right, Scalar):
            return binary.with_scalar(node, needed(left), right, swapped=False)
        if isinstance(left, Scalar):
            return binary.with_scalar(node, needed(right), left, swapped=True)
        if node.operator in SET_OPERATORS:
            return binary.of_sets(node, needed(left), needed(right))
        return binary.of_vectors(node, needed(left), needed(right))

    def _aggregated(self, node: Aggregate) -> Vector:
        if node.operator == "count_values" and node.param is not None:
            return aggregate.values_counted(node, self.vector(node.body), self.text(node.param))
        wanted = None if node.param is None else self.scalar(node.param)
        vector = self.vector(node.body)
        if not vector.labels:
            return nothing(self.steps)
        if wanted is None:
            return aggregate.aggregated(node, vector)
        if node.operator == "quantile":
            self.odd_quantile("quantile", wanted)
            return aggregate.quantile(node, vector, wanted)
        return aggregate.chosen(node, vector, wanted)

    # -- functions ---------------------------------------------------------------------------------------------------

    def _called(self, node: Call) -> Result:
        if node.function in FUNCTIONS:
            return self._over_ranges(node)
        if node.function in functions.MATH:
            vector = self.vector(node.args[0])
            return mapped(vector, no_name, functions.MATH[node.function](vector.values))
        if node.function in functions.DATES:
            return self._dated(node)
        special = _SPECIAL.get(node.function)
        if special is None:
            raise execution(f"{node.function}() is not supported here")
        return special(self, node.args)

    def _dated(self, node: Call) -> Vector:
        vector = self.vector(node.args[0]) if node.args else self._now()
        if functions.no_dates(vector.values[vector.there]):
            raise execution(f"{node.function}() of a value that is no time is not supported here")
        return mapped(vector, no_name, functions.DATES[node.function](vector.values))

    def _now(self) -> Vector:
        return Vector([()], self.steps.times[np.newaxis] / 1000, np.ones((1, self.steps.count), bool))

    def _over_ranges(self, node: Call) -> Vector:
        place = next(i for i, arg in enumerate(node.args) if isinstance(arg, Range | Subquery))
        inner = node.args[place]
        parameters = tuple(self.scalar(arg) for i, arg in enumerate(node.args) if i != place)
        fixed = isinstance(inner, Range | Subquery) and _moment(inner) is not None
        if fixed and not parameters and self.steps.count > 1:
            # The same range at every step: once is enough.
            once = Evaluation(self.scope, Steps.of(self.steps.first, self.steps.first, 1))._over_ranges(node)
            shape = (len(once.labels), self.steps.count)
            return Vector(once.labels, np.broadcast_to(once.values, shape), np.broadcast_to(once.there, shape))
        if node.function == "quantile_over_time":
            self.odd_quantile("quantile_over_time", parameters[0])
        labels, found, ends, length = self.ranged(inner)
        values = np.zeros((len(labels), self.steps.count))
        there = np.zeros(values.shape, bool)
        work = FUNCTIONS[node.function]
        for batch in found:
            self.scope.check()
            values[batch.rows], there[batch.rows] = work(Windows.of(batch, ends, length, self.steps.times), parameters)
        if node.function in ("rate", "increase"):
            self._no_counter(node.function, labels, ever(there))
        kept = ever(there)
        if node.function not in _KEEP_NAMES:
            labels = [no_name(one) for one in labels]
        if not kept.all():
            labels = [one for one, keep in zip(labels, kept, strict=True) if keep]
            values, there = values[kept], there[kept]
        return united(labels, values, there, strict=True)

    def ranged(self, node: Node) -> tuple[list[Labels], Sequence[Batch], Times, int]:
        """The samples of a range: labels of the rows, batches, where the range ends at each step, and its length."""
        if isinstance(node, Range):
            pick = self.picked(node.selector)
            ends = self.moments(node.selector.at, node.selector.offset)
            if not len(ends):
                return list(pick.keys), (), ends, node.length
            after, until = int(ends.min()) - node.length, int(ends.max())
            found = batches(pick, after, until, markers=False, spend=self.scope.spend)
            return list(pick.keys), list(found), ends, node.length
        if isinstance(node, Subquery):
            ends = self.moments(node.at, node.offset)
            step = node.step or self.scope.subquery_step
            first = (int(ends.min()) - node.length) // step * step + step
            inner = Evaluation(self.scope, Steps.of(first, int(ends.max()), step))
            found_inner = inner.of(node.body)
            if isinstance(found_inner, Scalar):
                found_inner = _one(found_inner.values)
            vector = needed(found_inner)
            self.scope.spend(vector.values.size)
            rows = np.arange(len(vector.labels))
            parts = apart(rows, inner.steps.times, vector.values, ~vector.there) if inner.steps.count else ()
            return vector.labels, list(parts), ends, node.length
        raise PromqlError("bad_data", "a range vector is needed")

    def odd_quantile(self, function: str, wanted: Values) -> None:
        """Remark on a quantile that is none."""
        bad = (wanted < 0) | (wanted > 1) | np.isnan(wanted)
        if bad.any():
            worst = aggregate.number(float(wanted[np.argmax(bad)]))
            self.scope.remarks.warn(f"quantile value should be between 0 and 1, got {worst}{self.place(function)}")

    def _no_counter(self, function: str, labels: Sequence[Labels], kept: Mask) -> None:
        """Remark on metrics that a rate is taken of and whose names are not those of counters."""
        names = {one[0][1]: None for one, keep in zip(labels, kept, strict=True)
                 if keep and one and one[0][0] == "__name__" and not one[0][1].endswith(_COUNTERS)}  # fmt: skip
        for name in names:
            self.scope.remarks.inform(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
                f'"{name}"{self.place(function)}'
            )

    def place(self, function: str, argument: int = 0) -> str:
        """Where an argument of a function begins, as remarks say it; nothing when it cannot be told."""
        query = self.scope.query
        at = query.find(function + "(") + len(function) + 1
        if at <= len(function):
            return ""
        at = _after_commas(query, at, argument)
        return f" ({query.count(chr(10), 0, at) + 1}:{at - query.rfind(chr(10), 0, at)})"


def _after_commas(query: str, at: int, commas: int) -> int:
    """Where something stands after so many commas that are in no brackets."""
    depth = 0
    while commas and at < len(query):
        depth += (query[at] in "([{") - (query[at] in ")]}")
        commas -= query[at] == "," and not depth
        at += 1
    return at + len(query[at:]) - len(query[at:].lstrip())


def _moment(node: Range | Subquery) -> Moment:
    return node.selector.at if isinstance(node, Range) else node.at


def _filled(keys: Sequence[Labels], values: Values, there: np.ndarray) -> Vector:
    """Only series that have a value at some step."""
    kept = ever(there)
    if kept.all():
        return Vector(list(keys), values, there)
    return Vector([key for key, keep in zip(keys, kept, strict=True) if keep], values[kept], there[kept])


def _one(values: Values) -> Vector:
    return Vector([()], values[np.newaxis], np.ones((1, len(values)), bool))


def _absent(run: Evaluation, args: Sequence[Node]) -> Result:
    vector = run.vector(args[0])
    return _missing(args[0], anywhere(vector.there))


def _absent_over_time(run: Evaluation, args: Sequence[Node]) -> Result:
    inner = args[0]
    found = run._over_ranges(Call("present_over_time", (inner,)))
    return _missing(inner.selector if isinstance(inner, Range) else inner, anywhere(found.there))


def _missing(node: Node, seen: np.ndarray) -> Vector:
    """1 where there is nothing, with the labels that the selector names."""
    named: dict[str, str] = {}
    for one in node.matchers if isinstance(node, Selector) else ():
        if one.name == "__name__":
            continue
        if one.is_equal and not one.is_regex and one.name not in named:
            named[one.name] = one.value
        else:
            named[one.name] = ""
    labels = tuple(sorted((name, value) for name, value in named.items() if value))
    return Vector([labels], np.ones((1, len(seen))), ~seen[np.newaxis])


def _scalar(run: Evaluation, args: Sequence[Node]) -> Result:
    vector = run.vector(args[0])
    if not vector.labels:
        return Scalar(np.full(run.steps.count, np.nan))
    alone = vector.there.sum(axis=0) == 1
    return Scalar(np.where(alone, np.where(vector.there, vector.values, 0.0).sum(axis=0), np.nan))


def _timestamp(run: Evaluation, args: Sequence[Node]) -> Result:
    node = args[0]
    if isinstance(node, Selector):
        pick = run.picked(node)
        at = run.moments(node.at, node.offset)
        _, there, stamps = latest(pick, at, run.scope.lookback, run.scope.spend)
        vector = _filled(pick.keys, stamps / 1000, there)
        return mapped(vector, no_name)
    vector = run.vector(node)
    return mapped(vector, no_name, np.broadcast_to(run.steps.times / 1000, vector.values.shape))


def _round(run: Evaluation, args: Sequence[Node]) -> Result:
    nearest = run.scalar(args[1]) if len(args) > 1 else 1.0
    vector = run.vector(args[0])
    return mapped(vector, no_name, functions.rounded(vector.values, nearest))


def _clamp(run: Evaluation, args: Sequence[Node]) -> Result:
    low, high = run.scalar(args[1]), run.scalar(args[2])
    vector = run.vector(args[0])
    values = functions.greatest(functions.least(vector.values, high), low)
    return mapped(replace(vector, there=vector.there & ~(low > high)), no_name, values)


def _clamp_min(run: Evaluation, args: Sequence[Node]) -> Result:
    bound = run.scalar(args[1])
    vector = run.vector(args[0])
    return mapped(vector, no_name, functions.greatest(vector.values, bound))


def _clamp_max(run: Evaluation, args: Sequence[Node]) -> Result:
    bound = run.scalar(args[1])
    vector = run.vector(args[0])
    return mapped(vector, no_name, functions.least(vector.values, bound))


def _histogram_quantile(run: Evaluation, args: Sequence[Node]) -> Result:
    wanted = run.scalar(args[0])
    vector = run.vector(args[1])
    run.odd_quantile("histogram_quantile", wanted)
    return histogram.histogram_quantile(wanted, vector, run.scope.remarks, run.place("histogram_quantile", 1))


def _histogram_fraction(run: Evaluation, args: Sequence[Node]) -> Result:
    lower, upper = run.scalar(args[0]), run.scalar(args[1])
    place = run.place("histogram_fraction", 2)
    return histogram.histogram_fraction(lower, upper, run.vector(args[2]), run.scope.remarks, place)


def _label_replace(run: Evaluation, args: Sequence[Node]) -> Result:
    destination, template, source, text = (run.text(arg) for arg in args[1:])
    change = replacing(destination, template, source, text)
    return mapped(run.vector(args[0]), change)


def _label_join(run: Evaluation, args: Sequence[Node]) -> Result:
    destination, separator, *sources = (run.text(arg) for arg in args[1:])
    change = joining(destination, separator, sources)
    return mapped(run.vector(args[0]), change)


def _sorted(run: Evaluation, args: Sequence[Node], *, falling: bool) -> Result:
    vector = run.vector(args[0])
    # Only an instant has an order; NaNs come last either way.
    if run.steps.count != 1 or not vector.labels:
        return vector
    values = vector.values[:, 0]
    order = np.lexsort((-values if falling else values, np.isnan(values)))
    return replace(vector.taking(order), ordered=True)


_SPECIAL: dict[str, Callable[[Evaluation, Sequence[Node]], Result]] = {
    "time": lambda run, _: Scalar(run.steps.times / 1000),
    "pi": lambda run, _: Scalar(np.full(run.steps.count, np.pi)),
    "vector": lambda run, args: _one(run.scalar(args[0])),
    "scalar": _scalar,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "timestamp": _timestamp,
    "round": _round,
    "clamp": _clamp,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "sort": lambda run, args: _sorted(run, args, falling=False),
    "sort_desc": lambda run, args: _sorted(run, args, falling=True),
}
