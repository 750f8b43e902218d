"""The services, who calls whom, and how each of them is: from Jaeger's dependencies and service performance, or where
it has none, from the span metrics that a Prometheus has.

    red       5 % of its calls or more failed
    amber     1 % or more failed, or 95 of 100 calls took a second or longer
    green     neither; at least one call was measured
    unknown   nothing told how its calls went

Invariant: every colour can be traced to a number shown beside it, and what could not be asked is a warning, not green.
Names of span metrics: OpenTelemetry's span metrics connector with its default namespace, as Prometheus spells them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import orjson

from warroom.telemetry.errors import TelemetryError
from warroom.telemetry.graph import Health, ServiceEdge, ServiceGraph, ServiceNode
from warroom.telemetry.prometheus_data import Matrix, Vector

if TYPE_CHECKING:
    from warroom.telemetry.relay import By, Relay

RED_ERRORS = 0.05
AMBER_ERRORS = 0.01
AMBER_SECONDS = 1.0
FRESH = 10.0
MOST_SERVICES = 200

_KINDS = 'span_kind=~"SPAN_KIND_(SERVER|CONSUMER)"'
_QUERIES = {
    "rate": f"sum by (service_name) (rate(traces_span_metrics_calls_total{{{_KINDS}}}[{{range}}]))",
    "errors": (
        f'sum by (service_name) (rate(traces_span_metrics_calls_total{{{_KINDS},status_code="STATUS_CODE_ERROR"}}'
        "[{range}]))"
    ),
    "p95": (
        "histogram_quantile(0.95, sum by (service_name, le) "
        f"(rate(traces_span_metrics_duration_milliseconds_bucket{{{_KINDS}}}[{{range}}])))"
    ),
}


@dataclass(slots=True)
class Facts:
    """By service: calls a second, the fraction of them that failed, seconds that 95 of 100 stay below."""

    rate: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    p95: dict[str, float] = field(default_factory=dict)
    source: str = ""

    @property
    def any(self) -> bool:
        """Whether anything was measured."""
        return bool(self.rate)


async def service_graph(relay: Relay, start: float, end: float, by: By) -> ServiceGraph:
    """All that the sources tell of the services in that range (seconds since the epoch).

    Raises:
        TelemetryError: no source could be asked at all.
    """
    return await _Survey(relay, start, end, by).graph()


def compose(
    edges: Sequence[ServiceEdge], facts: Facts, names: Sequence[str], sources: Sequence[str], warnings: Sequence[str]
) -> ServiceGraph:
    """The graph of what was told; services that only one of the sources knows are in it too."""
    known = {*names, *facts.rate, *(edge.parent for edge in edges), *(edge.child for edge in edges)}
    nodes = tuple(_node(name, facts) for name in sorted(known))
    ordered = tuple(sorted(edges, key=lambda edge: (edge.parent, edge.child)))
    return ServiceGraph(nodes, ordered, tuple(sources), tuple(warnings))


def health_of(rate: float | None, error_ratio: float | None, p95: float | None) -> tuple[Health, str]:
    """The colour of a service by the rules above, and the words for it; no words where it is green."""
    if not rate or error_ratio is None:
        return "unknown", "no calls were measured" if rate == 0 else "nothing tells how its calls went"
    if error_ratio >= RED_ERRORS:
        return "red", f"{error_ratio:.1%} of its calls fail (red from {RED_ERRORS:.0%})"
    if error_ratio >= AMBER_ERRORS:
        return "amber", f"{error_ratio:.1%} of its calls fail (amber from {AMBER_ERRORS:.0%})"
    if p95 is not None and p95 >= AMBER_SECONDS:
        return "amber", f"one call in 20 takes {p95:.2g} s or longer (amber from {AMBER_SECONDS:g} s)"
    return "green", ""


def _node(name: str, facts: Facts) -> ServiceNode:
    rate, p95 = facts.rate.get(name), facts.p95.get(name)
    # Where calls are counted and no failed one is, none failed.
    errors = facts.errors.get(name, 0.0) if rate else None
    health, words = health_of(rate, errors, p95)
    return ServiceNode(name, health, rate, errors, p95, words)


class _Survey:
    """One gathering of everything, each question shared with whoever asks the same."""

    def __init__(self, relay: Relay, start: float, end: float, by: By) -> None:
        self._relay = relay
        self._start = start
        self._end = end
        self._by = by
        self._sources: list[str] = []
        self._warnings: list[str] = []
        self._failures: list[TelemetryError] = []

    async def graph(self) -> ServiceGraph:
        edges: tuple[ServiceEdge, ...] = ()
        names: tuple[str, ...] = ()
        facts = Facts()
        if self._relay.has("jaeger"):
            names, edges = await asyncio.gather(self._names(), self._edges())
            if names:
                facts = await self._performance(names[:MOST_SERVICES])
        if not facts.any and self._relay.has("prometheus"):
            facts = await self._span_metrics()
        if self._failures and not (names or edges or facts.any):
            raise self._failures[0]
        if facts.source:
            self._sources.append(facts.source)
        elif not self._failures:
            self._warnings.append("neither Jaeger's service performance nor span metrics in Prometheus are there")
        return compose(edges, facts, names, self._sources, self._warnings)

    async def _names(self) -> tuple[str, ...]:
        async def ask(client: Any) -> Any:
            return await client.services()

        # The list of services by itself is asked elsewhere, with an answer of another shape.
        return tuple(await self._ask("jaeger", "graph-services", "", ask) or ())

    async def _edges(self) -> tuple[ServiceEdge, ...]:
        lookback = max(1.0, self._end - self._start)

        async def ask(client: Any) -> Any:
            return [[one.parent, one.child, one.calls] for one in await client.dependencies(self._end, lookback)]

        said = await self._ask("jaeger", "dependencies", (self._end, lookback), ask)
        if said:
            self._sources.append("calls: Jaeger's dependencies")
        return tuple(ServiceEdge(parent, child, calls) for parent, child, calls in said or ())

    async def _performance(self, names: Sequence[str]) -> Facts:
        step = max(60.0, (self._end - self._start) / 10)

        async def ask(client: Any) -> Any:
            ranged = names, self._start, self._end, step
            rate, errors, slow = await asyncio.gather(
                client.calls(*ranged), client.errors(*ranged), client.latencies(*ranged)
            )
            return [means(rate), means(errors), {name: value / 1000 for name, value in means(slow).items()}]

        said = await self._ask("jaeger", "performance", (tuple(names), self._start, self._end), ask, quiet=True)
        facts = Facts(*said) if said else Facts()
        facts.source = "rates, errors, latency: Jaeger's service performance" if facts.any else ""
        return facts

    async def _span_metrics(self) -> Facts:
        seconds = max(60, round(self._end - self._start))

        async def ask(client: Any) -> Any:
            queries = [text.replace("{range}", f"{seconds}s") for text in _QUERIES.values()]
            rate, errors, slow = await asyncio.gather(*(client.instant(query, self._end) for query in queries))
            return [values(rate), values(errors), {name: value / 1000 for name, value in values(slow).items()}]

        said = await self._ask("prometheus", "span-metrics", (self._end, seconds), ask)
        facts = Facts(*said) if said else Facts()
        facts.errors = {
            name: failed / facts.rate[name] for name, failed in facts.errors.items() if facts.rate.get(name)
        }
        facts.source = "rates, errors, latency: span metrics in Prometheus" if facts.any else ""
        return facts

    async def _ask(
        self, source: str, kind: str, key: Any, ask: Callable[[Any], Awaitable[Any]], *, quiet: bool = False
    ) -> Any:
        """What was told, or None; `quiet` for what another source may know as well."""

        async def encoded(client: Any) -> bytes:
            return orjson.dumps(await ask(client))

        try:
            return orjson.loads(await self._relay.ask(source, kind, key, FRESH, encoded, self._by))
        except TelemetryError as failed:
            self._failures.append(failed)
            if not quiet:
                self._warnings.append(str(failed))
            return None


def means(matrix: Matrix) -> dict[str, float]:
    """The mean of each line's numbers, by service."""
    found: dict[str, float] = {}
    for line in matrix.lines:
        name = _service(line.labels)
        numbers = [value for value in line.values if isfinite(value)]
        if name and numbers:
            found[name] = sum(numbers) / len(numbers)
    return found


def values(vector: Vector) -> dict[str, float]:
    """Each sample's number, by service."""
    return {
        name: sample.value for sample in vector.samples if (name := _service(sample.labels)) and isfinite(sample.value)
    }


def _service(labels: Sequence[tuple[str, str]]) -> str:
    return cast(Mapping[str, str], dict(labels)).get("service_name", "")
