"""The embedded Jaeger as a client of this process: what the relay and the panes ask, answered from the trace store.

Invariant: what it answers is what our client of a real Jaeger would read from the same spans over HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence

from warroom.embedded.promql import Engine, PromqlError
from warroom.embedded.trace_store import TraceStore
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.jaeger_read import summary_of, trace_id_of
from warroom.telemetry.prometheus_data import Line, Matrix
from warroom.telemetry.traces import Operation, Trace, TraceSearch, TraceSummary

VERSION = "embedded"


class EmbeddedTraces:
    """A `telemetry.clients.Traces` with dependencies and service performance. `metrics` has the span metrics."""

    def __init__(self, store: TraceStore, metrics: Engine | None = None) -> None:
        self.store = store
        self._metrics = metrics

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return VERSION

    async def services(self) -> tuple[str, ...]:
        """Names of services, sorted."""
        return self.store.services()

    async def operations(self, service: str, kind: str = "") -> tuple[Operation, ...]:
        """What a service does, by name. Raises BadQuery without a service."""
        _named(service)
        return self.store.operations(service, kind)

    async def search(self, wanted: TraceSearch) -> tuple[TraceSummary, ...]:
        """The newest traces that fit, newest first. Raises BadQuery for what Jaeger refuses."""
        _named(wanted.service)
        if wanted.limit < 1:
            raise BadQuery(f"limit: {wanted.limit} traces cannot be asked for; ask for 1 or more")
        if wanted.end <= wanted.start:
            raise BadQuery("a range ends after its start")
        if wanted.shortest and wanted.longest and wanted.longest <= wanted.shortest:
            raise BadQuery("the longest duration must be more than the shortest")
        return tuple(summary_of(trace) for trace in self.store.search(wanted))

    async def trace(self, trace_id: str) -> Trace:
        """One trace by its id, in any of the ways an id is written. Raises BadQuery when there is none of that id."""
        try:
            found = self.store.trace(trace_id_of(trace_id))
        except ValueError as wrong:
            raise BadQuery(str(wrong)) from None
        if found is None:
            raise BadQuery("jaeger: trace not found")
        return found

    async def dependencies(self, end: float, lookback: float) -> tuple[ServiceEdge, ...]:
        """Who called whom in the `lookback` seconds before `end`, and how often."""
        return self.store.dependencies(end, lookback)

    async def calls(self, services: Sequence[str], start: float, end: float, step: float) -> Matrix:
        """Calls per second, by `service_name`."""
        return self._performance("calls", services, start, end, step)

    async def errors(self, services: Sequence[str], start: float, end: float, step: float) -> Matrix:
        """Failed calls as a fraction of all, 0 to 1."""
        return self._performance("errors", services, start, end, step)

    async def latencies(
        self, services: Sequence[str], start: float, end: float, step: float, *, quantile: float = 0.95
    ) -> Matrix:
        """How long the slower ones take, in milliseconds."""
        return self._performance("latencies", services, start, end, step, quantile)

    def _performance(
        self, what: str, services: Sequence[str], start: float, end: float, step: float, quantile: float = 0.95
    ) -> Matrix:
        if not services:
            raise BadQuery("service: name at least one")
        if end <= start or step <= 0:
            raise BadQuery("a range ends after its start and has a step of more than 0 s")
        if self._metrics is None:
            raise BadQuery("jaeger: metrics querying is currently disabled")
        expr = performance_query(what, services, max(step, 60.0), quantile=quantile)
        return performance(self._metrics, expr, start, end, step)


def performance(metrics: Engine, expr: str, start: float, end: float, step: float) -> Matrix:
    """The answer to a question of service performance. Raises BadQuery."""
    try:
        found = metrics.range(expr, start, end, step)
    except PromqlError as wrong:
        raise BadQuery(f"jaeger: {wrong}") from None
    renamed = (
        Line(tuple(sorted(("operation" if name == "span_name" else name, value) for name, value in line.labels)),
             line.times, line.values)
        for line in found.lines
    )  # fmt: skip
    return Matrix(tuple(renamed), found.warnings, found.infos)


def performance_query(
    what: str, services: Sequence[str], window: float, *,
    kind: str = "server", by_operation: bool = False, quantile: float = 0.95,
) -> str:  # fmt: skip
    """The PromQL of a question of service performance over the series of the collector's span metrics: `calls` per
    second, `errors` as a fraction, or `latencies` in milliseconds; `window` is the seconds of each rate.

    As Jaeger's metric store writes it (internal/storage/metricstore/prometheus of github.com/jaegertracing/jaeger),
    for both units that the collector may count durations in.
    """
    names = "|".join(_escaped(one) for one in services)
    chosen = f'service_name=~"{names}"' + (f', span_kind="SPAN_KIND_{kind.upper()}"' if kind else "")
    by = "service_name, span_name" if by_operation else "service_name"
    over = f"[{max(1, round(window))}s]"
    calls = f"sum(rate(traces_span_metrics_calls_total{{{chosen}}}{over})) by ({by})"
    if what == "calls":
        return calls
    if what == "errors":
        failed = (
            f'sum(rate(traces_span_metrics_calls_total{{{chosen}, status_code="STATUS_CODE_ERROR"}}{over})) by ({by})'
        )
        # Without a failure there is no series of them: that is none, not nothing known.
        return f"({failed} or 0 * {calls}) / ({calls} > 0)"
    parts = [
        f"{scale}histogram_quantile({quantile:g}, "
        f"sum(rate(traces_span_metrics_duration_{unit}_bucket{{{chosen}}}{over})) by ({by}, le))"
        for unit, scale in (("milliseconds", ""), ("seconds", "1000 * "))
    ]
    return " or ".join(parts)


def _escaped(name: str) -> str:
    """A name within a regular expression within a PromQL string."""
    quoted = "".join("\\" + one if one in r"\.+*?()|[]{}^$" else one for one in name)
    return quoted.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _named(service: str) -> None:
    if not service:
        raise BadQuery("service: name one; Jaeger searches within a service")
