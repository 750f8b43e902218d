"""Telemetry servers for tests of the server's own rules: each answers from plain data, and counts what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Silence
from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.logs import LogBatch, LogLine, LogPage
from warroom.telemetry.prometheus import Line, Matrix, Sample, Vector
from warroom.telemetry.traces import Operation, Span, Trace, TraceSearch, TraceSummary

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Counting:
    """`asked` has (method, what) for each question; `gate`, once set to an event, holds answers back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.fail: Exception | None = None

    async def note(self, method: str, what: Any) -> None:
        self.asked.append((method, what))
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail

    async def ready(self) -> None:
        await self.note("ready", "")

    async def version(self) -> str:
        return "1.2.3"


class Prometheus(Counting):
    series = 1

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        await self.note("range", (query, start, end, step))
        times = tuple(round(start + n * step, 3) for n in range(int((end - start) / step + 1e-9) + 1))
        return Matrix(
            tuple(Line((("n", f"{n:05}"),), times, tuple(float(at) for at in times)) for n in range(self.series))
        )

    async def instant(self, query: str, at: float | None = None) -> Vector:
        await self.note("instant", query)
        return Vector((Sample((("job", "a"),), 5.0, float("inf")), Sample((("job", "b"),), 5.0, 2.5)))

    async def label_names(self) -> tuple[str, ...]:
        await self.note("labels", "")
        return ("__name__", "job")

    async def label_values(self, label: str, matching: str | None = None) -> tuple[str, ...]:
        await self.note("values", (label, matching))
        return ("a", "b")

    async def metadata(self, metric: str | None = None) -> tuple[Any, ...]:
        return ()


class Loki(Counting):
    def __init__(self, lines: int = 3, text: str = "it failed") -> None:
        super().__init__()
        self.lines = [LogLine(10**18 + n, f"{text} {n}", (("app", "checkout"),)) for n in range(lines)]
        self.tails: list[str] = []
        self._feeds: list[asyncio.Queue[LogBatch]] = []

    async def query_range(
        self, query: str, start: float, end: float, limit: int = 1000, direction: str = "backward"
    ) -> LogPage:
        await self.note("query_range", (query, start, end, limit, direction))
        return LogPage(tuple(self.lines[:limit]))

    async def matrix(self, query: str, start: float, end: float, step: float) -> Matrix:
        await self.note("matrix", (query, start, end, step))
        return Matrix((Line((), (start,), (1.0,)),))

    async def labels(self, start: float | None = None, end: float | None = None) -> tuple[str, ...]:
        return ("app",)

    async def tail(
        self, query: str, start: float | None = None, limit: int = 100, *, trouble: Any = None
    ) -> AsyncIterator[LogBatch]:
        self.tails.append(query)
        feed: asyncio.Queue[LogBatch] = asyncio.Queue()
        self._feeds.append(feed)
        try:
            while True:
                yield await feed.get()
        finally:
            self._feeds.remove(feed)

    def say(self, *lines: LogLine) -> None:
        for feed in self._feeds:
            feed.put_nowait(LogBatch(lines))


class Jaeger(Counting):
    spans = 2

    async def services(self) -> tuple[str, ...]:
        return ("checkout", "payments")

    async def operations(self, service: str) -> tuple[Operation, ...]:
        return (Operation(f"GET /{service}", "server"),)

    async def search(self, wanted: TraceSearch) -> tuple[TraceSummary, ...]:
        await self.note("search", wanted)
        return (TraceSummary(TRACE_ID, wanted.service, "GET /", 1, 2, 2, 0),)

    async def trace(self, trace_id: str) -> Trace:
        await self.note("trace", trace_id)
        process = tuple((f"key{n}", "v" * 40) for n in range(10))
        spans = tuple(
            Span(f"{n:016x}", "", "checkout", "GET /", n, 5, tags=(("http.status", "200"),) * 8, process=process)
            for n in range(self.spans)
        )
        return Trace(trace_id, spans)

    async def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        await self.note("dependencies", (end, lookback))
        return (ServiceEdge("checkout", "payments", 40),)

    async def _facts(self, *values: float) -> Matrix:
        names = ("checkout", "payments")
        return Matrix(
            tuple(Line((("service_name", name),), (1.0, 2.0), (v, v)) for name, v in zip(names, values, strict=False))
        )

    async def calls(self, services: Any, start: float, end: float, step: float) -> Matrix:
        return await self._facts(2.0, 4.0)

    async def errors(self, services: Any, start: float, end: float, step: float) -> Matrix:
        return await self._facts(0.0, 0.25)

    async def latencies(self, services: Any, start: float, end: float, step: float) -> Matrix:
        return await self._facts(120.0, 300.0)


class Alertmanager(Counting):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[Any] = []

    async def groups(self) -> tuple[AlertGroup, ...]:
        await self.note("groups", "")
        alert = ActiveAlert("f", (("alertname", "Slow"),), (), 1.0, 0.0, "active")
        return (AlertGroup((("alertname", "Slow"),), "warroom", (alert,)),)

    async def silences(self) -> tuple[Silence, ...]:
        return ()

    async def create_silence(
        self, matchers: Any, starts_at: float, ends_at: float, created_by: str, comment: str
    ) -> str:
        self.made.append((matchers, ends_at - starts_at, created_by, comment))
        return "s-1"
