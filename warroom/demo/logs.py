"""Made-up logs behind the real relay: what a Loki answers, from the imaginary production.

Invariant: nothing is kept that was given out; the same question about the past has the same answer each time.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from warroom.demo import logql
from warroom.demo.clock import DemoClock
from warroom.demo.lines import SERVICES, Form, LogBook, Written
from warroom.demo.logql import Counting, Fields, LogQuery
from warroom.demo.series import REMARK
from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.logs import LogBatch, LogField, LogLine, LogPage, LogPattern, LogVolume, Pairs
from warroom.telemetry.prometheus_data import Line, Matrix, Sample, Vector

_HOUR = 3600.0
_EVERY = 0.3
_BUSY = 0.1
"""A tail looks for new lines each so many seconds of the demo, and of the machine, whichever is longer."""


class MadeUpLogs:
    """A `Logs` source and one to tail."""

    def __init__(self, book: LogBook, clock: DemoClock) -> None:
        self._book, self._clock = book, clock

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return "made up"

    async def query_range(
        self,
        query: str,
        start: float,
        end: float,
        limit: int = 1000,
        direction: Literal["forward", "backward"] = "backward",
    ) -> LogPage:
        """As `Loki.query_range`. Raises BadQuery for what the demo does not know."""
        wanted = logql.log_query(query)

        def work() -> LogPage:
            lines = list[LogLine]()
            for one, fields in self._passing(wanted, _ns(start), _ns(end), direction):
                if len(lines) >= limit:
                    return LogPage(tuple(lines), full=True)
                lines.append(_with(one.line, fields))
            return LogPage(tuple(lines), full=len(lines) == limit)

        return await asyncio.to_thread(work)

    async def matrix(self, query: str, start: float, end: float, step: float) -> Matrix:
        """As `Loki.matrix`."""
        wanted = logql.counting(query)
        times = [round(start + number * step, 3) for number in range(int((end - start) / step + 1e-6) + 1)]
        return await asyncio.to_thread(self._count, wanted, times)

    async def instant(self, query: str, at: float) -> Vector:
        """As `Loki.instant`."""
        counted = await asyncio.to_thread(self._count, logql.counting(query), [at])
        return Vector(tuple(Sample(line.labels, at, line.values[0]) for line in counted.lines), infos=(REMARK,))

    async def labels(
        self,
        start: float | None = None,  # noqa: ARG002 (the streams are always there)
        end: float | None = None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Names of stream labels."""
        return tuple(name for name, _ in _stream(SERVICES[0]))

    async def label_values(
        self,
        name: str,
        query: str = "",
        start: float | None = None,  # noqa: ARG002 (as above)
        end: float | None = None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Values of a stream label."""
        wanted = logql.log_query(query) if query else None
        picked = [_stream(service) for service in SERVICES]
        return tuple(sorted({dict(one)[name] for one in picked
                             if name in dict(one) and (wanted is None or wanted.picks(one))}))  # fmt: skip

    async def patterns(self, query: str, start: float, end: float, step: float | None = None) -> tuple[LogPattern, ...]:
        """Forms of the lines that a query lists, the most frequent first."""
        wanted, every = logql.log_query(query), max(1.0, step or 10.0)

        def work() -> tuple[LogPattern, ...]:
            found: dict[Form, Counter[float]] = {}
            for one, _ in self._passing(wanted, _ns(start), _ns(end), "forward"):
                found.setdefault(one.form, Counter())[one.line.ns / 1e9 // every * every] += 1
            made = [LogPattern(form.pattern, form.level, tuple(counts.items())) for form, counts in found.items()]
            return tuple(sorted(made, key=lambda one: (-one.count, one.pattern)))

        return await asyncio.to_thread(work)

    async def detected_fields(
        self, query: str, start: float, end: float, line_limit: int = 1000
    ) -> tuple[LogField, ...]:
        """Fields in the newest lines, by name."""
        page = await self.query_range(query, start, end, line_limit)
        values: dict[str, set[str]] = {}
        parsers: dict[str, set[str]] = {}
        for line in page.lines:
            for parser in ("json", "logfmt"):
                for name, value in logql.fields_of(line.text, parser).items():
                    values.setdefault(name, set()).add(value)
                    parsers.setdefault(name, set()).add(parser)
            for name, value in line.metadata:
                values.setdefault(name, set()).add(value)
        return tuple(
            LogField(name, _kind(said), len(said), tuple(sorted(parsers.get(name, ()))))
            for name, said in sorted(values.items())
        )

    async def volume(
        self, query: str, start: float, end: float, step: float, by: Sequence[str] = ()
    ) -> tuple[LogVolume, ...]:
        """Bytes by step and by labels, the largest group first."""
        wanted, names = logql.log_query(query), tuple(by)

        def work() -> tuple[LogVolume, ...]:
            found: dict[Pairs, Counter[float]] = {}
            for one, fields in self._passing(wanted, _ns(start), _ns(end), "forward"):
                group = _group(one.line, fields, names or tuple(name for name, _ in wanted.selector))
                found.setdefault(group, Counter())[one.line.ns / 1e9 // step * step] += len(one.line.text.encode())
            made = [LogVolume(group, tuple((at, float(size)) for at, size in sizes.items()))
                    for group, sizes in found.items()]  # fmt: skip
            return tuple(sorted(made, key=lambda one: (-sum(size for _, size in one.samples), one.labels)))

        return await asyncio.to_thread(work)

    async def tail(
        self,
        query: str,
        start: float | None = None,
        limit: int = 100,
        *,
        trouble: Callable[[TelemetryError | None], None] | None = None,  # noqa: ARG002 (it has none)
    ) -> AsyncGenerator[LogBatch, None]:
        """As `Loki.tail`: older lines first, then what is written as the demo's time goes on."""
        wanted = logql.log_query(query)
        seen = _ns(self._clock.now())
        since = _ns(self._clock.now() - _HOUR if start is None else start)
        older = await self.query_range(query, since / 1e9, seen / 1e9, max(1, limit))
        yield LogBatch(older.lines[::-1])
        while True:
            await self._clock.wait(max(_EVERY, _BUSY * self._clock.speed))
            now = _ns(self._clock.now())
            fresh = [_with(one.line, fields) for one, fields in self._passing(wanted, seen, now, "forward")]
            seen = now
            if fresh:
                yield LogBatch(tuple(fresh))

    def _passing(self, query: LogQuery, start: int, end: int, way: str) -> Iterator[tuple[Written, Fields]]:
        """The lines that a query lists, in order of time, with what its parsers found in each."""
        picked = {service for service in SERVICES if query.picks(_stream(service))}
        parts = self._book.forward(start, end) if way == "forward" else self._book.backward(start, end)
        for part in parts:
            for one in part:
                if one.form.service in picked and (fields := query.passes(one.line)) is not None:
                    yield one, fields

    def _count(self, wanted: Counting, times: Sequence[float]) -> Matrix:
        """A value at each time at which there is one: the lines of so many seconds before it and at it."""
        found: dict[Pairs, list[int]] = {}
        if times:
            first = _ns(times[0] - wanted.seconds) + 1
            for one, fields in self._passing(wanted.query, first, _ns(times[-1]) + 1, "forward"):
                found.setdefault(_group(one.line, fields, wanted.by), []).append(one.line.ns)
        lines = list[Line]()
        for labels, at in sorted(found.items()):
            counts = [(when, bisect_right(at, _ns(when)) - bisect_right(at, _ns(when - wanted.seconds)))
                      for when in times]  # fmt: skip
            kept = [(when, count) for when, count in counts if count]
            share = wanted.seconds if wanted.how == "rate" else 1.0
            lines.append(Line(labels, tuple(when for when, _ in kept), tuple(count / share for _, count in kept)))
        return Matrix(tuple(line for line in lines if line.times), infos=(REMARK,))


def _ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1000


def _stream(service: str) -> Pairs:
    return Form(service, "", "").labels


def _with(line: LogLine, fields: Fields) -> LogLine:
    """The line with what was found in it beside it."""
    if not fields:
        return line
    return replace(line, metadata=tuple(sorted({**fields, **dict(line.metadata)}.items())))


def _group(line: LogLine, fields: Fields, by: tuple[str, ...] | None) -> Pairs:
    if by is None:
        return tuple(sorted({**fields, **dict(line.metadata), **dict(line.labels)}.items()))
    return tuple((name, value) for name in sorted(by) if (value := logql.value_of(line, fields, name)))


def _kind(values: set[str]) -> str:
    for kind, read in (("int", int), ("float", float)):
        try:
            for value in values:
                read(value)
        except ValueError:
            continue
        return kind
    return "string"
