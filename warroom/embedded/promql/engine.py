"""Queries of the embedded Prometheus: text in, answers out, at one moment or over a range."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warroom.embedded.promql.errors import SAME_LABELSET, PromqlError, execution
from warroom.embedded.promql.evaluate import Evaluation, Scope
from warroom.embedded.promql.grid import Remarks, Scalar, Steps, Times, Values, Words
from warroom.embedded.promql.grid import Vector as Grid
from warroom.embedded.promql.parse import parse
from warroom.embedded.promql.tree import Node, Range, Subquery, kind
from warroom.embedded.series_store import SeriesStore
from warroom.telemetry.prometheus_data import Line, Matrix, Sample, Text, Vector
from warroom.telemetry.series import Labels

MOST_POINTS = 11_000
TOO_FINE = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
_NAMES = {"matrix": "range vector", "string": "string"}
_LATEST = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Samples of a range, series by series: labels, times (milliseconds), values."""

    lines: tuple[tuple[Labels, Times, Values], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a query gives at `steps`, and what it is remarked with."""

    steps: Steps
    result: Scalar | Words | Grid | Raw
    warnings: tuple[str, ...]
    infos: tuple[str, ...]


class Engine:
    """PromQL over a store. `lookback`, `subquery_step` (of subqueries that name none) and `timeout` are seconds;
    `most_samples` is how many a query may load.
    """

    def __init__(
        self,
        store: SeriesStore,
        lookback: float = 300.0,
        *,
        subquery_step: float = 60.0,
        most_samples: int = 50_000_000,
        timeout: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.timeout = timeout
        self._lookback, self._subquery_step = round(lookback * 1000), round(subquery_step * 1000)
        self._most, self._clock = most_samples, clock

    def check(self, query: str) -> Node:
        """The query's tree. Raises PromqlError when it is none."""
        return parse(query)

    def instant(self, query: str, at: float) -> Vector:
        """Values at one moment; a scalar is one sample without labels. Raises PromqlError."""
        found = self.evaluate(query, at)
        if isinstance(found, Vector):
            return found
        name = "matrix" if isinstance(found, Matrix) else "string"
        raise PromqlError("bad_data", f"the query gives a {name}, and a value at one moment is needed")

    def evaluate(self, query: str, at: float) -> Vector | Matrix | Text:
        """What a query of any type gives at one moment. Raises PromqlError."""
        answer = self.at(query, at)
        remarks = (answer.warnings, answer.infos)
        moment = answer.steps.first / 1000
        match answer.result:
            case Scalar(values):
                return Vector((Sample((), moment, float(values[0])),), *remarks)
            case Words(text):
                return Text(text, moment, *remarks)
            case Raw(lines):
                return Matrix(tuple(_line(*one) for one in lines), *remarks)
            case found:
                cells = zip(found.labels, found.values[:, 0].tolist(), found.there[:, 0].tolist(), strict=True)
                return Vector(tuple(Sample(labels, moment, value) for labels, value, there in cells if there), *remarks)

    def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values at `start`, `start + step` ... up to `end`. Raises PromqlError."""
        answer = self.over(query, start, end, step)
        remarks = (answer.warnings, answer.infos)
        times = answer.steps.times
        if isinstance(answer.result, Scalar):
            return Matrix((_line((), times, answer.result.values),) if len(times) else (), *remarks)
        if not isinstance(answer.result, Grid):
            raise PromqlError("bad_data", "a range query gives a vector or a scalar")
        found = answer.result
        lines = [_line(found.labels[row], times[found.there[row]], found.values[row, found.there[row]])
                 for row in rows_in_order(found)]  # fmt: skip
        return Matrix(tuple(lines), *remarks)

    def at(self, query: str, at: float) -> Answer:
        """The answer at one moment as arrays."""
        moment = _millis(at)
        return self._answer(query, Steps.of(moment, moment, 1), instant=True)

    def over(self, query: str, start: float, end: float, step: float) -> Answer:
        """The answer over a range as arrays."""
        first, last, pace = _millis(start), _millis(end), _millis(step)
        if last < first:
            raise PromqlError("bad_data", 'invalid parameter "end": end timestamp must not be before start time')
        if pace <= 0:
            raise PromqlError("bad_data", 'invalid parameter "step": zero or negative query resolution step widths '
                              "are not accepted. Try a positive integer")  # fmt: skip
        if (last - first) / pace > MOST_POINTS:
            raise PromqlError("bad_data", TOO_FINE)
        return self._answer(query, Steps.of(first, last, pace), instant=False)

    def _answer(self, query: str, steps: Steps, *, instant: bool) -> Answer:
        tree = parse(query)
        if not instant and kind(tree) in _NAMES:
            raise PromqlError("bad_data", f'invalid parameter "query": invalid expression type "{_NAMES[kind(tree)]}" '
                              "for range query, must be Scalar or instant Vector")  # fmt: skip
        remarks = Remarks()
        scope = Scope(
            self.store, query, steps.first, int(steps.times[-1]), self._lookback, self._subquery_step, remarks,
            self._spender(), self._checker(),
        )  # fmt: skip
        run = Evaluation(scope, steps)
        with np.errstate(all="ignore"):
            result: Scalar | Words | Grid | Raw
            result = _raw(run, tree) if isinstance(tree, Range | Subquery) else run.of(tree)
        if isinstance(result, Grid) and len(set(result.labels)) < len(result.labels):
            raise execution(SAME_LABELSET)
        return Answer(steps, result, tuple(remarks.warnings), tuple(remarks.infos))

    def _spender(self) -> Callable[[int], None]:
        left = self._most

        def spend(samples: int) -> None:
            nonlocal left
            left -= samples
            if left < 0:
                raise execution("query processing would load too many samples into memory in query execution")

        return spend

    def _checker(self) -> Callable[[], None]:
        deadline = self._clock() + self.timeout

        def check() -> None:
            if self._clock() > deadline:
                raise PromqlError("timeout", "query timed out in expression evaluation")

        return check


def rows_in_order(found: Grid) -> list[int]:
    """Rows with a value, sorted by their labels."""
    kept = np.nonzero(found.there.any(axis=1))[0].tolist()
    return sorted(kept, key=found.labels.__getitem__)


def _raw(run: Evaluation, node: Range | Subquery) -> Raw:
    labels, batches, ends, length = run.ranged(node)
    lines = []
    for batch in batches:
        kept = (batch.times > ends[0] - length) & (batch.times <= ends[0])
        if kept.any():
            lines += [(labels[row], batch.times[kept], values[kept])
                      for row, values in zip(batch.rows, batch.values, strict=True)]  # fmt: skip
    return Raw(tuple(sorted(lines, key=lambda line: line[0])))


def _line(labels: Labels, times: Times, values: Values) -> Line:
    return Line(labels, tuple((times / 1000).tolist()), tuple(values.tolist()))


def _millis(at: float) -> int:
    if not abs(at) < _LATEST / 1000:
        raise PromqlError("bad_data", f"{at!r} is no time or duration that can be asked for")
    return round(at * 1000)
