"""Questions about traces, and the services that call each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import orjson
from pydantic import Field

from warroom.incident.words import Access
from warroom.server.asked import MONTH_SECONDS, OfSource, Ranged, by, checked, on_beat, put, relay_of
from warroom.server.asking import LARGEST, Method, Question
from warroom.telemetry.clients import Traces
from warroom.telemetry.service_graph import service_graph
from warroom.telemetry.traces import Trace, TraceSearch

NAMES_FRESH = 30.0
TRACE_FRESH = 60.0
JAEGER = "jaeger"

Name = Annotated[str, Field(max_length=500)]
Pair = tuple[Annotated[str, Field(min_length=1, max_length=200)], Annotated[str, Field(max_length=1000)]]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Search(Ranged):
    service: Annotated[str, Field(min_length=1, max_length=500)]
    operation: Name = ""
    tags: Annotated[tuple[Pair, ...], Field(max_length=20)] = ()
    shortest: Seconds = 0.0
    longest: Seconds = 0.0
    errors_only: bool = False
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class OfService(OfSource):
    service: Annotated[str, Field(min_length=1, max_length=500)]


class TraceId(OfSource):
    id: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{1,32}$")]


async def _services(ask: Question, params: OfSource) -> bytes:
    async def call(jaeger: Traces) -> Any:
        return {"values": (await jaeger.services())[:5000]}

    return await put(ask, params, JAEGER, "services", "", NAMES_FRESH, call)


async def _operations(ask: Question, params: OfService) -> bytes:
    async def call(jaeger: Traces) -> Any:
        return {"operations": (await jaeger.operations(params.service))[:5000]}

    return await put(ask, params, JAEGER, "operations", params.service, NAMES_FRESH, call)


async def _search(ask: Question, params: Search) -> bytes:
    checked(params, MONTH_SECONDS)
    start, end = on_beat(params.start, params.end)
    search = TraceSearch(
        service=params.service,
        start=start,
        end=end,
        operation=params.operation,
        tags=tuple(sorted(params.tags)),
        shortest=params.shortest,
        longest=params.longest,
        errors_only=params.errors_only,
        limit=params.limit,
    )

    async def call(jaeger: Traces) -> Any:
        return {"traces": await jaeger.search(search)}

    return await put(ask, params, JAEGER, "search", search, relay_of(ask).freshness(end), call)


async def _trace(ask: Question, params: TraceId) -> bytes:
    trace_id = params.id.lower()

    async def call(jaeger: Traces) -> bytes:
        return fitting(await jaeger.trace(trace_id))

    return await put(ask, params, JAEGER, "trace", trace_id, TRACE_FRESH, call)


def fitting(trace: Trace) -> bytes:
    """The trace as JSON, without what one answer does not carry: first repeated facts of a process, then logs, then
    tags, then spans; a warning says so.
    """
    body = orjson.dumps(trace)
    total = len(trace.spans)
    for spare in (_without_processes, _without_logs, _without_tags):
        if len(body) <= LARGEST:
            return body
        trace, words = spare(trace)
        trace = replace(trace, warnings=(*trace.warnings, words))
        body = orjson.dumps(trace)
    while len(body) > LARGEST:
        kept = max(1, int(len(trace.spans) * LARGEST / len(body) * 0.95))
        words = f"{kept} of {total} spans are shown: there are too many for one answer"
        trace = Trace(trace.trace_id, trace.spans[:kept], (*trace.warnings, words))
        body = orjson.dumps(trace)
    return body


def _without_processes(trace: Trace) -> tuple[Trace, str]:
    told: set[tuple[str, Any]] = set()
    spans = []
    for span in trace.spans:
        known = (span.service, span.process)
        spans.append(replace(span, process=()) if known in told else span)
        told.add(known)
    return replace(trace, spans=tuple(spans)), "process details stand at the first span of each process only"


def _without_logs(trace: Trace) -> tuple[Trace, str]:
    spans = tuple(replace(span, logs=()) if not span.error else span for span in trace.spans)
    return replace(trace, spans=spans), "events are shown for spans with errors only: the trace is too large"


def _without_tags(trace: Trace) -> tuple[Trace, str]:
    spans = tuple(replace(span, tags=span.tags[:4], logs=span.logs[:1]) for span in trace.spans)
    return replace(trace, spans=spans), "most tags are left out: the trace is too large"


async def _graph(ask: Question, params: Ranged) -> bytes:
    checked(params, MONTH_SECONDS)
    start, end = on_beat(params.start, params.end)
    return orjson.dumps(await service_graph(relay_of(ask), start, end, by(ask, params)))


METHODS: dict[str, Method] = {
    "traces.services": Method(Access.OBSERVER, OfSource, _services, telemetry=True),
    "traces.operations": Method(Access.OBSERVER, OfService, _operations, telemetry=True),
    "traces.search": Method(Access.OBSERVER, Search, _search, telemetry=True, free=True),
    "trace": Method(Access.OBSERVER, TraceId, _trace, telemetry=True),
    "services": Method(Access.OBSERVER, Ranged, _graph, telemetry=True),
}
"""What is asked of Jaeger."""
