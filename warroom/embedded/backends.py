"""All embedded backends as one: telemetry goes in, and clients of a Prometheus, Loki, Jaeger and Alertmanager come out.

Invariant: nothing here reads a clock, opens a socket or draws by chance: the same telemetry and the same ticks give the
same answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from warroom.embedded.alert_store import AlertStore, Routing
from warroom.embedded.alerts import EmbeddedAlerts
from warroom.embedded.degraded import TOOLS, Behind, Degradation, Gates, Wait
from warroom.embedded.log_store import LogLimits, LogStore
from warroom.embedded.logql import LogQL
from warroom.embedded.logs import EmbeddedLogs
from warroom.embedded.metrics import EmbeddedMetrics
from warroom.embedded.promql import Engine
from warroom.embedded.rule_files import RuleGroup
from warroom.embedded.ruler import Ruler
from warroom.embedded.series_store import SeriesStore
from warroom.embedded.trace_store import TraceStore
from warroom.embedded.traces import EmbeddedTraces
from warroom.telemetry.alerts import Exemplar, Target
from warroom.telemetry.block import Block
from warroom.telemetry.logs import LogLine
from warroom.telemetry.prometheus_data import MetricInfo
from warroom.telemetry.traces import Trace

__all__ = ["TOOLS", "Backends", "Degradation", "Keep"]

_TRIM_EVERY = 300.0


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept: seconds of metrics, logs and traces against the newest, and traces in number."""

    metrics: float = 86_400.0
    logs: float = 86_400.0
    traces: float = 7200.0
    most_traces: int = 20_000


class Backends:
    """A `telemetry.block.Sink`. `now` tells the time that the telemetry is stamped with.

    `rules` are evaluated by `tick`, those that name no interval each `interval` seconds; `seed` decides which answers
    of a degraded tool fail, and `wait` is how its askers wait.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        rules: Sequence[RuleGroup] = (),
        seed: int = 0,
        interval: float = 15.0,
        keep: Keep | None = None,
        routing: Routing | None = None,
        wait: Wait = asyncio.sleep,
        targets: Callable[[], Sequence[Target]] = tuple,
    ) -> None:
        keep = keep or Keep()
        self.now = now
        self.series_store = SeriesStore(keep.metrics)
        self.log_store = LogStore(LogLimits(retention=keep.logs))
        self.trace_store = TraceStore(keep.most_traces, keep.traces)
        self.alert_store = AlertStore(now, routing, seed=seed)
        self.promql = Engine(self.series_store)
        self.logql = LogQL(self.log_store)
        self.ruler = Ruler(self.promql, self.series_store, self.alert_store, rules, interval=interval)
        self.metrics = EmbeddedMetrics(self.promql, now, groups=self.ruler.groups, targets=targets)
        self.logs = EmbeddedLogs(self.logql, now)
        self._gates, self._wait = Gates(seed), wait
        self._trimmed = now()

    def append(self, block: Block) -> None:
        """Keep samples."""
        self.series_store.append(block)

    def lines(self, lines: Sequence[LogLine]) -> None:
        """Keep log lines."""
        self.log_store.append(lines)

    def traces(self, traces: Sequence[Trace]) -> None:
        """Keep traces."""
        self.trace_store.add(traces)

    def exemplars(self, exemplars: Sequence[Exemplar]) -> None:
        """Keep exemplars."""
        self.series_store.exemplars(exemplars)

    def metadata(self, infos: Sequence[MetricInfo]) -> None:
        """Keep what metrics say of themselves."""
        self.series_store.metadata(infos)

    def tick(self, now: float) -> None:
        """Evaluate the rules that are due up to `now`, and let go of what is too old."""
        self.ruler.tick(now)
        if now - self._trimmed >= _TRIM_EVERY:
            self._trimmed = now
            self.series_store.trim(now)

    def clients(self) -> dict[str, Any]:
        """A client for each kind of server, by the name that panels and panes call it by."""
        made = {
            "prometheus": self.metrics,
            "loki": self.logs,
            "jaeger": EmbeddedTraces(self.trace_store, self.promql),
            "alertmanager": EmbeddedAlerts(self.alert_store),
        }
        return {tool: Behind(client, tool, self._gates, self._wait) for tool, client in made.items()}

    @property
    def degraded(self) -> dict[str, Degradation]:
        """The tools that are not as they should be."""
        return self._gates.degraded

    def degrade(
        self, tool: str, *, latency: float = 0.0, latency_x: float = 1.0, error_rate: float = 0.0, down: bool = False
    ) -> None:
        """Make a tool of `TOOLS` worse from now on: so many seconds slower, or times as slow as usual, with so many of
        its answers failing, or unreachable. Raises ValueError.
        """
        self._gates.degrade(tool, latency=latency, latency_x=latency_x, error_rate=error_rate, down=down)

    def restore(self, tool: str) -> None:
        """Let a tool be well again. Raises ValueError for an unknown one."""
        self._gates.restore(tool)

    def gate(self, tool: str) -> float:
        """For whoever asks the stores directly and is to feel what people feel: seconds that an answer takes longer.
        Raises Unreachable or NotReady where the tool would not answer.
        """
        return self._gates.pass_through(tool)
