"""The embedded Prometheus as a client: what panels, panes and the relay ask, answered from the store of this process.

Invariant: raises nothing but a TelemetryError, with Prometheus's words; a heavy question is worked on in a thread, so
that the event loop goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from warroom.embedded.promql.engine import MOST_POINTS, Engine
from warroom.embedded.promql.errors import PromqlError
from warroom.embedded.promql.parse import format_query, parse
from warroom.embedded.promql.tree import Node, Selector, selectors
from warroom.embedded.rules_now import GroupNow
from warroom.telemetry.alerts import Exemplar, Matcher, Rule, Target
from warroom.telemetry.errors import BadQuery, TelemetryError, TooHeavy
from warroom.telemetry.prometheus_data import Listing, Matrix, MetricInfo, Text, Vector
from warroom.telemetry.series import Labels

VERSION = "3.5.0"
"""The Prometheus whose language and API this is."""

_LIGHT = 20_000
"""Values that a question may come to before it gets a thread: about five milliseconds."""

Result = TypeVar("Result")


class EmbeddedMetrics:
    """A `telemetry.clients.Metrics` and a `RangeSource`. `groups` and `targets` are asked whenever they are shown."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], float],
        *,
        groups: Callable[[], Sequence[GroupNow]] = tuple,
        targets: Callable[[], Sequence[Target]] = tuple,
    ) -> None:
        self.engine, self.store = engine, engine.store
        self.now, self.groups, self.targets_now = now, groups, targets

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        """The version of Prometheus that it answers as."""
        return VERSION

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Values at `start`, `start + step` ... up to `end`. Raises a TelemetryError."""
        return await self._asked(
            lambda: self.engine.range(query, start, end, step), self.weight(query, start, end, step)
        )

    async def instant(self, query: str, at: float | None = None) -> Vector:
        """The value of every series at `at` (default: now). Raises a TelemetryError."""
        moment = self.now() if at is None else at
        return await self._asked(lambda: self.engine.instant(query, moment), self.weight(query, moment, moment, 1))

    async def evaluate(self, query: str, at: float | None = None) -> Vector | Matrix | Text:
        """What a query of any type gives at `at`. Raises a TelemetryError."""
        moment = self.now() if at is None else at
        return await self._asked(lambda: self.engine.evaluate(query, moment), self.weight(query, moment, moment, 1))

    async def label_names(
        self, matching: str | Sequence[str] = (), start: float | None = None, end: float | None = None
    ) -> Listing[str]:
        """Label names, sorted: of series that a selector picks, between two times. Raises a TelemetryError."""
        return Listing(self._told(lambda: self.store.label_names(matchers_of(matching), *_span(start, end))))

    async def label_values(
        self,
        label: str,
        matching: str | Sequence[str] | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> Listing[str]:
        """Values of a label; as `label_names`."""
        wanted = matching or ()
        return Listing(self._told(lambda: self.store.label_values(label, matchers_of(wanted), *_span(start, end))))

    async def series(
        self, matching: str | Sequence[str], start: float | None = None, end: float | None = None
    ) -> Listing[Labels]:
        """Label sets of the series that any of the selectors picks. Raises a TelemetryError."""

        def picked() -> list[Labels]:
            wanted = matchers_of(matching)
            return sorted({key for one in wanted for key in self.store.select(one, *_span(start, end))})

        return Listing(self._told(picked))

    async def metadata(self, metric: str | None = None) -> Listing[MetricInfo]:
        """Type, help and unit of one metric, or of all."""
        return Listing(self.store.known(metric))

    async def exemplars(self, query: str, start: float, end: float) -> Listing[Exemplar]:
        """Exemplars of the series in a query, between two times. Raises a TelemetryError."""
        return Listing(self._told(lambda: self.exemplars_of(query, start, end)))

    async def rules(self) -> Listing[Rule]:
        """Rules with their health, in the order in which they are evaluated."""
        return Listing(one.rule for group in self.groups() for one in group.rules)

    async def targets(self) -> Listing[Target]:
        """What is scraped."""
        return Listing(self.targets_now())

    async def format_query(self, query: str) -> str:
        """The query, laid out. Raises BadQuery when it is none."""
        return self._told(lambda: format_query(query))

    def exemplars_of(self, query: str, start: float, end: float) -> list[Exemplar]:
        """As `exemplars`. Raises PromqlError."""
        if end < start:
            raise PromqlError("bad_data", "end timestamp must not be before start timestamp")
        found: dict[tuple[Labels, float, Labels], Exemplar] = {}
        for one in selectors(parse(query)):
            for exemplar in self._picked(one, start, end):
                found[(exemplar.series, exemplar.at, exemplar.labels)] = exemplar
        return [found[key] for key in sorted(found)]

    def weight(self, query: str, start: float, end: float, step: float) -> float:
        """About how many values a question comes to; 0 for one that will be refused."""
        try:
            tree: Node = parse(query)
            series = sum(len(self.store.pick(one.matchers).keys) for one in selectors(tree))
            return series * min((end - start) / step + 1, MOST_POINTS)
        except (PromqlError, ValueError, ZeroDivisionError):
            return 0.0

    async def in_thread(self, work: Callable[[], Result], weight: float) -> Result:
        """The result of work, which gets a thread when it is heavy."""
        return work() if weight <= _LIGHT else await asyncio.to_thread(work)

    def _picked(self, one: Selector, start: float, end: float) -> list[Exemplar]:
        try:
            return self.store.exemplars_of(one.matchers, start, end)
        except ValueError as wrong:
            raise PromqlError("bad_data", str(wrong)) from None

    async def _asked(self, work: Callable[[], Result], weight: float) -> Result:
        try:
            return await self.in_thread(work, weight)
        except PromqlError as refused:
            raise _failure(refused) from None

    def _told(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except PromqlError as refused:
            raise _failure(refused) from None


def matchers_of(matching: str | Sequence[str]) -> list[tuple[Matcher, ...]]:
    """The matchers of selectors. Raises PromqlError for what is no selector."""
    found = []
    for text in [matching] if isinstance(matching, str) else matching:
        tree = parse(text)
        if not isinstance(tree, Selector):
            raise PromqlError("bad_data", f'invalid parameter "match[]": {text} is not a series selector')
        found.append(tree.matchers)
    return found


def _span(start: float | None, end: float | None) -> tuple[float, float]:
    return float("-inf") if start is None else start, float("inf") if end is None else end


def _failure(refused: PromqlError) -> TelemetryError:
    words = str(refused)
    heavy = refused.error_type == "timeout" or "too many samples" in words or "maximum resolution" in words
    return TooHeavy(words) if heavy else BadQuery(words)
