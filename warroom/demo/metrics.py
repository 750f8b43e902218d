"""The made-up Prometheus with all that the metrics pane asks of one: names, a moment, exemplars, rules, targets.

Invariant: it knows the expressions of the demo's panels, the alerts that fire, and nothing else; an exemplar is a
request whose trace can be opened.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from warroom.demo.alerts import WATCHED, Firing
from warroom.demo.series import CHARTS, REMARK, SICK_SERVICE, WELL_SERVICES, MadeUp
from warroom.demo.traffic import Traffic
from warroom.telemetry.alerts import Exemplar, Rule, Target
from warroom.telemetry.panels import resolve_all
from warroom.telemetry.prometheus_data import Line, Listing, Matrix, MetricInfo, Sample, Vector

FIRING = 'ALERTS{alertstate="firing"}'
_EXEMPLARS = 40
_LOOKED_AT = 6
_NAME = re.compile(r"[a-z_]+(?::[a-z_]+)+|[a-z_]+(?=\{)")
_SERVICES = (SICK_SERVICE, *WELL_SERVICES)


class MadeUpMetrics(MadeUp):
    """A `RangeSource` and a `Metrics`."""

    def __init__(self, traffic: Traffic, firing: Firing) -> None:
        super().__init__(traffic.world)
        self._traffic, self._firing = traffic, firing

    async def ready(self) -> None:
        """It always is."""

    async def version(self) -> str:
        return "made up"

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """As `MadeUp.range`, and when the alerts fired."""
        if query.strip() != FIRING:
            return await super().range(query, start, end, step)
        now = self._traffic.now()
        times = [round(start + number * step, 3) for number in range(int((end - start) / step + 1e-6) + 1)]
        lines = list[Line]()
        for rule in WATCHED:
            fired = tuple(at for at in times if at <= now and self._firing.at(rule, at))
            labels = tuple(sorted((("__name__", "ALERTS"), ("alertstate", "firing"), *rule.labels)))
            lines += [Line(labels, fired, (1.0,) * len(fired))] if fired else []
        return Matrix(tuple(lines), infos=(REMARK,))

    async def instant(self, query: str, at: float | None = None) -> Vector:
        """The last value of each line of `range`."""
        at = self._traffic.now() if at is None else at
        matrix = await self.range(query, at, at, 1.0)
        return Vector(tuple(Sample(line.labels, at, line.values[-1]) for line in matrix.lines), infos=(REMARK,))

    async def label_names(self) -> Sequence[str]:
        """The labels of the panels' expressions."""
        return Listing(("__name__", "service", "stat", "version"))

    async def label_values(
        self,
        label: str,
        matching: str | None = None,  # noqa: ARG002 (there is one label to each metric)
    ) -> Sequence[str]:
        """Values of a label; of a metric's name, those of the panels."""
        values: dict[str, Sequence[str]] = {
            "__name__": sorted({name for chart in CHARTS for name in _NAME.findall(chart.panel.expr)}),
            "service": sorted(_SERVICES),
            "stat": ("p99", "typical"),
        }
        return Listing(values.get(label, ()))

    async def metadata(self, metric: str | None = None) -> Sequence[MetricInfo]:
        """A word on each metric of the panels."""
        names = await self.label_values("__name__")
        return Listing(MetricInfo(name, "gauge", "made up by the demo", "") for name in names if metric in (None, name))

    async def exemplars(self, query: str, start: float, end: float) -> Sequence[Exemplar]:
        """Slow checkouts behind the latency of the sick service; other expressions have none."""
        latency = resolve_all((CHARTS[0].panel,), {"service": SICK_SERVICE})[0].expr
        if query.strip() != latency:
            return Listing()
        return Listing(await asyncio.to_thread(self._slow, start, end))

    async def rules(self) -> Sequence[Rule]:
        """The rules behind the alerts."""
        return Listing(self._firing.rules())

    async def targets(self) -> Sequence[Target]:
        """What would be scraped."""
        at = self._traffic.now() // 15 * 15
        return Listing(Target(name, f"{name}:9100", "up", "", at, (("job", name),)) for name in _SERVICES)

    def _slow(self, start: float, end: float) -> list[Exemplar]:
        """The slowest checkout of a few seconds in each of equal parts of the range."""
        now = self._traffic.now()
        first, last = max(start, float(self._traffic.first)), min(end, now)
        found: dict[str, Exemplar] = {}
        for number in range(_EXEMPLARS):
            at = int(first + (last - first) * number / _EXEMPLARS)
            seen = [one for cell in range(at, min(at + _LOOKED_AT, int(last) + 1)) for one in self._traffic.of(cell)
                    if one.kind == "checkout" and one.end / 1e6 <= now and start <= one.start / 1e6 <= end]  # fmt: skip
            if seen:
                slowest = max(seen, key=lambda one: one.duration)
                found[slowest.trace_id] = Exemplar(
                    (("service", SICK_SERVICE), ("stat", "p99")),
                    (("trace_id", slowest.trace_id),),
                    slowest.duration / 1e6,
                    slowest.start / 1e6,
                    slowest.trace_id,
                )
        return list(found.values())
