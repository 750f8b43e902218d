"""Questions to a Jaeger, answered with typed results.

Checked against Jaeger 2.19. Times asked for are seconds since the epoch; spans keep their whole microseconds. Every
method raises a TelemetryError and nothing else.

Jaeger takes microseconds for searches and milliseconds for everything else, and answers a wrong unit with nothing at
all and no error: units are turned here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias, TypeVar

import httpx
import orjson

from warroom.telemetry import jaeger_read as read
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.prometheus_data import Matrix
from warroom.telemetry.source import Access, Limits, Source
from warroom.telemetry.traces import Operation, Trace, TraceSearch, TraceSummary
from warroom.telemetry.upstream import Answer, Params, Upstream

Result = TypeVar("Result")
SpanKind: TypeAlias = Literal["server", "client", "producer", "consumer", "internal", ""]

_VERSION = re.compile(r'"gitVersion"\s*:\s*"v?([^"]*)"')


class NotConfigured(BadQuery):
    """This Jaeger was not set up to answer such questions."""


class Jaeger:
    """One Jaeger server; a base path of its own belongs to the URL. Belongs to one event loop; `close` it there."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.upstream = Upstream(source, limits, access, words=_words, transport=transport)

    async def close(self) -> None:
        """Drop the kept connections."""
        await self.upstream.close()

    async def services(self) -> tuple[str, ...]:
        """Names of services, sorted. Jaeger traces itself, so `jaeger` is among them."""
        said = await self._ask("/api/services", ())
        return self._read(lambda: read.names_of(said["data"]))

    async def operations(self, service: str, kind: SpanKind = "") -> tuple[Operation, ...]:
        """What a service does, by name; only spans of that kind when it is given."""
        _named(service)
        asked = [("service", service), *([("spanKind", kind)] if kind else [])]
        said = await self._ask("/api/operations", asked)
        return self._read(lambda: read.operations_of(said["data"]))

    async def search(self, wanted: TraceSearch) -> tuple[TraceSummary, ...]:
        """The newest traces that fit, newest first, at most `wanted.limit`.

        A tag fits where one span has all of them, as exact texts. Errors are counted over whole traces.
        """
        asked = _search(wanted)
        said = await self._ask("/api/traces", asked)
        traces = self._read(lambda: read.traces_of(said["data"]))
        found = [read.summary_of(trace) for trace in traces]
        if wanted.errors_only:
            found = [one for one in found if one.errors]
        return tuple(sorted(found, key=lambda one: (-one.start, one.trace_id)))

    async def trace(self, trace_id: str) -> Trace:
        """One trace by its id, in any of the ways an id is written. Raises BadQuery when there is none of that id."""
        try:
            wanted = read.trace_id_of(trace_id)
        except ValueError as wrong:
            raise BadQuery(str(wrong)) from None
        said = await self._ask(f"/api/traces/{wanted}", ())
        traces = self._read(lambda: read.traces_of(said["data"]))
        complaints = self._read(lambda: read.complaints_of(said))
        if not traces:
            raise BadQuery(f"{self.upstream.source.name}: trace not found")
        if traces[0].trace_id != wanted:
            raise self.upstream.strange("another trace than the one asked for")
        return replace(traces[0], warnings=(*traces[0].warnings, *complaints))

    async def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        """Who called whom in the `lookback` seconds before `end`, and how often."""
        asked = [("endTs", _ms(end)), ("lookback", _ms(lookback))]
        said = await self._ask("/api/dependencies", asked)
        return self._read(lambda: read.edges_of(said["data"]))

    async def calls(
        self, services: Sequence[str], start: float, end: float, step: float,
        *, kind: SpanKind = "server", by_operation: bool = False,
    ) -> Matrix:  # fmt: skip
        """Calls per second. Labels: `service_name`, and `operation` when it is by operation. Raises NotConfigured."""
        return await self._metrics("calls", services, start, end, step, kind, by_operation)

    async def errors(
        self, services: Sequence[str], start: float, end: float, step: float,
        *, kind: SpanKind = "server", by_operation: bool = False,
    ) -> Matrix:  # fmt: skip
        """Failed calls as a fraction of all, 0 to 1. Raises NotConfigured."""
        return await self._metrics("errors", services, start, end, step, kind, by_operation)

    async def latencies(
        self, services: Sequence[str], start: float, end: float, step: float,
        *, quantile: float = 0.95, kind: SpanKind = "server", by_operation: bool = False,
    ) -> Matrix:  # fmt: skip
        """How long the slower ones take, in milliseconds. Raises NotConfigured."""
        if not 0 < quantile < 1:
            raise BadQuery(f"quantile: {quantile:g} is not between 0 and 1")
        more = [("quantile", f"{quantile:g}")]
        return await self._metrics("latencies", services, start, end, step, kind, by_operation, more)

    async def ready(self) -> None:
        """Return when it answers from its storage. Raises NotReady or Unreachable."""
        await self._ask("/api/services", ())

    async def version(self) -> str:
        """Version as the page of its user interface tells it; empty where there is no such page."""
        answer = await self.upstream.exchange("GET", "/", again=True)
        found = _VERSION.search(answer.text) if answer.ok else None
        return found[1] if found else ""

    async def _metrics(
        self, what: str, services: Sequence[str], start: float, end: float, step: float,
        kind: SpanKind, by_operation: bool, more: Params = (),
    ) -> Matrix:  # fmt: skip
        if not services:
            raise BadQuery("service: name at least one")
        if end <= start or step <= 0:
            raise BadQuery("a range ends after its start and has a step of more than 0 s")
        asked = [
            *(("service", one) for one in services),
            ("endTs", _ms(end)),
            ("lookback", _ms(end - start)),
            ("step", _ms(step)),
            # The window of each rate: at least a minute, so that a scrape now and then is enough.
            ("ratePer", _ms(max(step, 60.0))),
            *([("spanKind", kind)] if kind else []),
            ("groupByOperation", "true" if by_operation else "false"),
            *more,
        ]
        answer = await self.upstream.exchange("GET", f"/api/metrics/{what}", params=asked, again=True)
        if answer.status == 501:
            name = self.upstream.source.name
            raise NotConfigured(
                f"{name}: {_words(answer)}; it has no storage of metrics (jaeger_query.storage.metrics)"
            )
        said = self._object(answer)
        return self._read(lambda: read.matrix_of(said))

    async def _ask(self, path: str, params: Params) -> dict[str, Any]:
        said = self._object(await self.upstream.exchange("GET", path, params=params, again=True))
        complaints = self._read(lambda: read.complaints_of(said))
        if not self._read(lambda: said["data"]) and complaints:
            raise BadQuery(f"{self.upstream.source.name}: {self.upstream.source.clean('; '.join(complaints))}")
        return said

    def _object(self, answer: Answer) -> dict[str, Any]:
        if answer.status == 500 and "search depth" in answer.text:
            raise BadQuery(f"{self.upstream.source.name}: {_words(answer)}")
        if not answer.ok:
            raise self.upstream.refusal(answer)
        try:
            said = answer.json()
        except ValueError:
            raise self.upstream.strange("no JSON") from None
        if not isinstance(said, dict):
            raise self.upstream.strange("no object")
        return said

    def _read(self, reading: Callable[[], Result]) -> Result:
        try:
            return reading()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise self.upstream.strange(type(unexpected).__name__) from unexpected


def _search(wanted: TraceSearch) -> list[tuple[str, str]]:
    """Parameters of a search. Raises BadQuery for what Jaeger would refuse, or take for something else."""
    _named(wanted.service)
    if wanted.limit < 1:
        raise BadQuery(f"limit: {wanted.limit} traces cannot be asked for; ask for 1 or more")
    if wanted.end <= wanted.start:
        raise BadQuery("a range ends after its start")
    if wanted.shortest and wanted.longest and wanted.longest <= wanted.shortest:
        raise BadQuery("the longest duration must be more than the shortest")
    tags = dict(wanted.tags)
    if len(tags) < len(wanted.tags):
        raise BadQuery("a tag can be asked for once only")
    if wanted.errors_only:
        tags.setdefault("error", "true")
    asked = [
        ("service", wanted.service),
        ("start", str(round(wanted.start * 1_000_000))),
        ("end", str(round(wanted.end * 1_000_000))),
        ("limit", str(wanted.limit)),
    ]
    if wanted.operation:
        asked.append(("operation", wanted.operation))
    if wanted.shortest:
        asked.append(("minDuration", f"{round(wanted.shortest * 1_000_000)}us"))
    if wanted.longest:
        asked.append(("maxDuration", f"{round(wanted.longest * 1_000_000)}us"))
    if tags:
        asked.append(("tags", orjson.dumps(tags).decode()))
    return asked


def _named(service: str) -> None:
    if not service:
        raise BadQuery("service: name one; Jaeger searches within a service")


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))


def _words(answer: Answer) -> str:
    """Jaeger's errors are JSON that is called plain text; beside its base path it has no words of its own."""
    try:
        said = answer.json()
        if "error" in said:
            return str(said["error"]["message"])
        return "; ".join(read.complaints_of(said))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if answer.status == 404 and "page not found" in answer.text:
        return f"{answer.text.strip()}; is its base path missing in the URL?"
    return answer.text
