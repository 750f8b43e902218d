"""Made-up traces behind the real relay: what a Jaeger answers, from the imaginary production.

Invariant: a trace that a log line or a search names can be opened; nothing is kept of those that were given out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from warroom.demo.series import REMARK
from warroom.demo.spans import OPERATIONS, SEEN_IN, trace_of
from warroom.demo.topology import Fare, edges, fares
from warroom.demo.traffic import Request, Traffic
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.jaeger_read import trace_id_of
from warroom.telemetry.prometheus_data import Line, Matrix
from warroom.telemetry.traces import Operation, Span, Trace, TraceSearch, TraceSummary

PERFORMANCE_KEPT = 1200.0
"""Seconds for which rates, failures and latencies of services are kept, as of a small span-metrics store."""
_SAMPLES = 60


class MadeUpTraces:
    """A `Traces` source, with dependencies and service performance."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return "made up"

    async def services(self) -> tuple[str, ...]:
        """Names of services, sorted."""
        return tuple(sorted(OPERATIONS))

    async def operations(self, service: str) -> tuple[Operation, ...]:
        """What a service does, by name."""
        return OPERATIONS.get(service, ())

    async def search(self, wanted: TraceSearch) -> tuple[TraceSummary, ...]:
        """The newest traces that fit, newest first. A tag fits where one span of the service has all of them."""
        if wanted.end <= wanted.start:
            raise BadQuery("a range ends after its start")
        if wanted.shortest and wanted.longest and wanted.longest <= wanted.shortest:
            raise BadQuery("the longest duration must be more than the shortest")

        def work() -> tuple[TraceSummary, ...]:
            found = list[TraceSummary]()
            for request in self._over(wanted):
                if request.failed or not wanted.errors_only:
                    trace = trace_of(request)
                    if any(_fits(span, wanted) for span in trace.spans):
                        found.append(_summary(trace))
                if len(found) >= wanted.limit:
                    break
            return tuple(found)

        return await asyncio.to_thread(work)

    async def trace(self, trace_id: str) -> Trace:
        """One trace. Raises BadQuery when there is none of that id."""
        try:
            found = self._traffic.find(trace_id_of(trace_id))
        except ValueError as wrong:
            raise BadQuery(str(wrong)) from None
        if found is None:
            raise BadQuery("jaeger: trace not found; the demo knows the traces that its logs and searches name")
        return trace_of(found)

    async def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        """Who called whom in the `lookback` seconds before `end`, and how often."""
        end = min(end, self._traffic.now())
        start = max(end - lookback, float(self._traffic.first))
        if end <= start:
            return ()
        step = (end - start) / _SAMPLES
        calls: dict[tuple[str, str], float] = {}
        for number in range(_SAMPLES):
            for pair, rate in edges(self._traffic.moment(start + (number + 0.5) * step)).items():
                calls[pair] = calls.get(pair, 0.0) + rate * step
        return tuple(ServiceEdge(parent, child, round(count)) for (parent, child), count in sorted(calls.items()))

    async def calls(self, services: Sequence[str], start: float, end: float, step: float) -> Matrix:
        """Calls per second, by `service_name`."""
        return self._performance(services, start, end, step, lambda fare: fare.rate)

    async def errors(self, services: Sequence[str], start: float, end: float, step: float) -> Matrix:
        """Failed calls as a fraction of all, 0 to 1."""
        return self._performance(services, start, end, step, lambda fare: fare.errors)

    async def latencies(self, services: Sequence[str], start: float, end: float, step: float) -> Matrix:
        """Milliseconds within which 95 of 100 are answered."""
        return self._performance(services, start, end, step, lambda fare: fare.p95 * 1000)

    def _performance(
        self, services: Sequence[str], start: float, end: float, step: float, figure: Callable[[Fare], float]
    ) -> Matrix:
        if end <= start or step <= 0:
            raise BadQuery("a range ends after its start and has a step of more than 0 s")
        now = self._traffic.now()
        first = max(start, now - PERFORMANCE_KEPT, float(self._traffic.first))
        every = min(step, 30.0)
        times = [end - number * every for number in range(int(max(0.0, end - first) / every) + 1)]
        times = [at for at in reversed(times) if first <= at <= now]
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in services}
        for at in times:
            for name, fare in fares(self._traffic.moment(at)).items():
                if name in found:
                    found[name][0].append(at)
                    found[name][1].append(figure(fare))
        lines = (Line((("service_name", name),), tuple(when), tuple(values))
                 for name, (when, values) in found.items() if when)  # fmt: skip
        return Matrix(tuple(lines), infos=(REMARK,))

    def _over(self, wanted: TraceSearch) -> Iterator[Request]:
        """The requests of the service that are over, the newest first."""
        kinds, now = SEEN_IN.get(wanted.service, ()), self._traffic.now() * 1e6
        for cell in reversed(self._traffic.cells(wanted.start, wanted.end)):
            for request in reversed(self._traffic.of(cell)):
                inside = wanted.start * 1e6 <= request.start < wanted.end * 1e6
                if inside and request.kind in kinds and request.end <= now:
                    yield request


def _fits(span: Span, wanted: TraceSearch) -> bool:
    if span.service != wanted.service or (wanted.operation and span.operation != wanted.operation):
        return False
    if not wanted.shortest <= span.duration / 1e6 <= (wanted.longest or float("inf")):
        return False
    return all((name, value) in span.tags or (name, value) in span.process for name, value in wanted.tags)


def _summary(trace: Trace) -> TraceSummary:
    root = next(span for span in trace.spans if not span.parent)
    counts: dict[str, int] = {}
    for span in trace.spans:
        counts[span.service] = counts.get(span.service, 0) + 1
    return TraceSummary(
        trace.trace_id, root.service, root.operation, trace.start, trace.duration, len(trace.spans),
        sum(span.error for span in trace.spans), tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
    )  # fmt: skip
