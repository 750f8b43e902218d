"""Metric queries evaluated: a vector for each step.

Invariant: what a query may cost is bounded by numbers of lines and values, never by a clock, so that the same query
over the same lines has the same answer on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from warroom.embedded.log_store import LogStore
from warroom.embedded.logql import ast, ranges, regex, vectors
from warroom.embedded.logql.errors import LogqlError, pipeline_error
from warroom.embedded.logql.filters import stream_test
from warroom.embedded.logql.labels import ERROR
from warroom.embedded.logql.samples import PRESERVED, Extractor
from warroom.embedded.logql.template_functions import expanded
from warroom.embedded.logql.vectors import Vector
from warroom.telemetry.logs import Pairs

TOO_MUCH = (
    "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex "
    "match) to reduce the amount of data processed"
)


@dataclass(frozen=True, slots=True)
class Steps:
    """Moments at equal distances: nanoseconds of the first, between two, and how many."""

    start: int
    step: int
    count: int


class Evaluation:
    """One evaluation of a metric query. `lines` and `values` are what it may still read and make."""

    def __init__(self, store: LogStore, steps: Steps, lines: int, values: int) -> None:
        self._store = store
        self._steps = steps
        self._lines = lines
        self._values = values

    def of(self, query: ast.Metric) -> list[Vector]:
        """Values of a query at each step.

        Raises:
            LogqlError: it reads too much, a line could not be read, or series do not match.
        """
        match query:
            case ast.RangeAggregation():
                return self._range(query, None)
            case ast.VectorAggregation():
                return self._aggregated(query)
            case ast.Binary():
                return self._binary(query)
            case ast.LabelReplace():
                return self._replaced(query)
            case ast.Number() | ast.VectorLiteral():
                return [[((), query.value)] for _ in range(self._steps.count)]
        raise TypeError(f"no metric query: {type(query).__name__}")

    def _aggregated(self, query: ast.VectorAggregation) -> list[Vector]:
        inner = query.inner
        if query.operation == "sum" and isinstance(inner, ast.RangeAggregation):
            found = self._range(inner, query.grouping)
        else:
            found = self.of(inner)
        return [vectors.aggregated(query, vector) if vector else [] for vector in found]

    def _binary(self, query: ast.Binary) -> list[Vector]:
        if isinstance(query.left, ast.Number):
            number = query.left.value
            return [vectors.with_number(query, vector, number, True) for vector in self.of(query.right)]
        if isinstance(query.right, ast.Number):
            number = query.right.value
            return [vectors.with_number(query, vector, number, False) for vector in self.of(query.left)]
        left, right = self.of(query.left), self.of(query.right)
        return [vectors.combined(query, one, other) for one, other in zip(left, right, strict=True)]

    def _range(self, query: ast.RangeAggregation, outer: ast.Grouping | None) -> list[Vector]:
        steps, over = self._steps, query.range
        start = steps.start - over.offset
        last = start + (steps.count - 1) * steps.step
        picks = stream_test(over.query.matchers)
        streams = self._store.select(picks, start - over.interval + 1, last + 1)
        self._spend_lines(sum(len(lines) for _, lines in streams))
        extractor = Extractor(query, outer)
        value_of = ranges.aggregation(query.operation, over.interval, over.unwrap is not None, query.parameter)
        found: list[Vector] = [[] for _ in range(steps.count)]
        for series in extractor.series(streams):
            labels, made = series.labels, 0
            for number, end, low, high in ranges.windows(series, start, steps.step, steps.count, over.interval):
                _no_error(labels)
                found[number].append((labels, value_of(series, low, high, end)))
                made += 1
            self._spend_values(made)
        return _absent(query, found) if query.operation == "absent_over_time" else found

    def _replaced(self, query: ast.LabelReplace) -> list[Vector]:
        known: dict[Pairs, Pairs] = {}
        pattern = regex.compiled(f"^(?:{query.pattern})$")
        found = []
        for vector in self.of(query.inner):
            replaced: Vector = []
            for labels, value in vector:
                if labels not in known:
                    known[labels] = _replaced_labels(labels, query, pattern)
                replaced.append((known[labels], value))
            if vectors.distinct(replaced) != len(replaced):
                raise LogqlError("vector cannot contain metrics with the same labelset")
            found.append(replaced)
        return found

    def _spend_lines(self, count: int) -> None:
        self._lines -= count
        if self._lines < 0:
            raise LogqlError(TOO_MUCH, 504)

    def _spend_values(self, count: int) -> None:
        self._values -= count
        if self._values < 0:
            raise LogqlError(TOO_MUCH, 504)


def _no_error(labels: Pairs) -> None:
    known = dict(labels) if any(name == ERROR for name, _ in labels) else {}
    if known and known.get(PRESERVED) != "true":
        raise pipeline_error(known)


def _absent(query: ast.RangeAggregation, found: list[Vector]) -> list[Vector]:
    """1 at each step that has no line, with the labels that the selector names with `=`."""
    names = [matcher.name for matcher in query.range.query.matchers]
    labels = tuple(sorted(
        (matcher.name, matcher.value)
        for matcher in query.range.query.matchers
        if matcher.op == "=" and matcher.value and names.count(matcher.name) == 1
    ))  # fmt: skip
    return [[] if vector else [(labels, 1.0)] for vector in found]


def _replaced_labels(labels: Pairs, query: ast.LabelReplace, pattern: regex.Compiled) -> Pairs:
    known = dict(labels)
    match = pattern.search(known.get(query.source, "").encode("utf-8", "replace"))
    if match is None:
        return labels
    value = expanded(query.replacement.encode("utf-8", "replace"), match).decode("utf-8", "replace")
    known.pop(query.target, None)
    if value:
        known[query.target] = value
    return tuple(sorted(known.items()))
