"""The lines of a store as a Loki client gives them: what the relay and its tails ask of a log server.

A question is answered in a thread of its own, so the loop goes on meanwhile; a tail hears of new lines from the store
itself. Invariant: every method raises a TelemetryError and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Literal, TypeVar

from warroom.embedded.log_tail import TailQueue
from warroom.embedded.logql import LogQL, LogqlError
from warroom.embedded.logql.engine import EARLIEST, LATEST, plain
from warroom.telemetry.errors import BadQuery, TelemetryError, TooHeavy
from warroom.telemetry.logs import LogBatch, LogField, LogPage, LogPattern, LogVolume, Pairs
from warroom.telemetry.loki_read import ns_of
from warroom.telemetry.prometheus_data import Matrix, Vector

Answer = TypeVar("Answer")

VERSION = "3.7.6"
"""The Loki whose answers these are."""

_HOUR = 3600.0
_SLAB = 5000
_HEAVY = ("limit", "exceed", "maximum number of series", "timed out")


class EmbeddedLogs:
    """A `Logs` source and one to tail, over a `LogQL`. `now` is the clock that the lines are stamped with."""

    def __init__(self, logql: LogQL, now: Callable[[], float]) -> None:
        self.logql = logql
        self._now = now

    async def close(self) -> None:
        """There is nothing to close."""

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        """Version of the Loki that it answers like."""
        return VERSION

    async def query_range(
        self,
        query: str,
        start: float,
        end: float,
        limit: int = 1000,
        direction: Literal["forward", "backward"] = "backward",
    ) -> LogPage:
        """As `Loki.query_range`."""
        return await self.query_range_ns(query, ns_of(start), ns_of(end), limit, direction)

    async def query_range_ns(
        self,
        query: str,
        start: int,
        end: int,
        limit: int = 1000,
        direction: Literal["forward", "backward"] = "backward",
    ) -> LogPage:
        """As `query_range`, between whole nanoseconds."""

        def work() -> LogPage:
            if self.logql.is_metric(query):
                raise LogqlError("the query counts lines and does not list them: draw it as a chart")
            return self.logql.query_range(query, start, end, limit, direction)

        return await self._answer(work)

    async def matrix(self, query: str, start: float, end: float, step: float) -> Matrix:
        """As `Loki.matrix`."""
        return await self._answer(lambda: self.logql.matrix(query, start, end, step))

    async def instant(self, query: str, at: float) -> Vector:
        """As `Loki.instant`."""
        return await self._answer(lambda: self.logql.instant(query, at))

    async def labels(self, start: float | None = None, end: float | None = None) -> tuple[str, ...]:
        """As `Loki.labels`."""
        return await self._answer(lambda: self.logql.labels(*_between(start, end)))

    async def label_values(
        self, name: str, query: str = "", start: float | None = None, end: float | None = None
    ) -> tuple[str, ...]:
        """As `Loki.label_values`."""
        return await self._answer(lambda: self.logql.label_values(name, query, *_between(start, end)))

    async def series(
        self, matchers: Sequence[str] = (), start: float | None = None, end: float | None = None
    ) -> tuple[Pairs, ...]:
        """As `Loki.series`."""
        return await self._answer(lambda: self.logql.series(matchers, *_between(start, end)))

    async def patterns(self, query: str, start: float, end: float, step: float | None = None) -> tuple[LogPattern, ...]:
        """As `Loki.patterns`."""
        return await self._answer(lambda: self.logql.patterns(query, start, end, step))

    async def detected_fields(
        self, query: str, start: float, end: float, line_limit: int = 1000
    ) -> tuple[LogField, ...]:
        """As `Loki.detected_fields`."""
        return await self._answer(lambda: self.logql.detected_fields(query, start, end, line_limit))

    async def detected_field_values(
        self, name: str, query: str, start: float, end: float, limit: int = 100
    ) -> tuple[str, ...]:
        """As `Loki.detected_field_values`."""
        return await self._answer(lambda: self.logql.detected_field_values(name, query, start, end, limit))

    async def volume(
        self, query: str, start: float, end: float, step: float, by: Sequence[str] = ()
    ) -> tuple[LogVolume, ...]:
        """As `Loki.volume`."""
        return await self._answer(lambda: self.logql.volume(query, start, end, step, by))

    async def format_query(self, query: str) -> str:
        """As `Loki.format_query`."""
        return await self._answer(lambda: self.logql.format_query(query))

    async def tail(
        self,
        query: str,
        start: float | None = None,
        limit: int = 100,
        delay_for: int = 0,  # noqa: ARG002 (nothing comes late here)
        *,
        trouble: Callable[[TelemetryError | None], None] | None = None,  # noqa: ARG002 (it has none)
    ) -> AsyncGenerator[LogBatch, None]:
        """As `Loki.tail`: up to `limit` lines since `start` (default: an hour ago), then lines as they are kept."""
        through = _told(lambda: self.logql.matching(query))
        since = self._now() - _HOUR if start is None else start
        waiting = TailQueue(asyncio.get_running_loop())
        stop = self.logql.store.subscribe(waiting.heard)
        try:
            older = await self._answer(lambda: tuple(map(plain, self.logql.newest(query, ns_of(since), limit))))
            known = frozenset(older)
            yield LogBatch(older)
            while True:
                await waiting.news.wait()
                fresh, _, lost = waiting.take()
                lines = [line for line in map(plain, through(fresh)) if line not in known]
                known = frozenset()
                lines.sort(key=lambda line: line.ns)
                for at in range(0, len(lines), _SLAB):
                    yield LogBatch(tuple(lines[at : at + _SLAB]))
                if lost:
                    yield LogBatch((), lost)
        finally:
            stop()

    async def _answer(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.to_thread(_told, work)


def _told(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except LogqlError as refused:
        raise _as_telemetry(refused) from None


def _as_telemetry(refused: LogqlError) -> TelemetryError:
    said = " ".join(refused.words.split())
    if refused.status == 504 or any(word in said for word in _HEAVY):
        return TooHeavy(said)
    return BadQuery(said)


def _between(start: float | None, end: float | None) -> tuple[int, int]:
    return EARLIEST if start is None else ns_of(start), LATEST if end is None else ns_of(end)
