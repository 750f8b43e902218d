"""Made-up telemetry behind the real relay: it answers range queries from the imaginary production.

Invariant: it knows the expressions of its own panels and answers nothing else, with words that say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from warroom.demo import world as w
from warroom.demo.world import Measure, World
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.panels import PanelTemplate, ThresholdModel, resolve_all
from warroom.telemetry.prometheus import Line, Matrix

SICK_SERVICE = "checkout-api"
WELL_SERVICES = ("billing", "search")
STEP, WINDOW = 5.0, 2400.0
REMARK = "made-up data: no server was asked"


@dataclass(frozen=True)
class Chart:
    """A panel and the lines in it: the labels of each, and how it is made up."""

    panel: PanelTemplate
    lines: tuple[tuple[Mapping[str, str], Measure], ...]


def _panel(title: str, expr: str, unit: str, legend: str, *thresholds: ThresholdModel) -> PanelTemplate:
    return PanelTemplate.model_validate(
        {"title": title, "expr": expr, "unit": unit, "legend": legend, "step": STEP, "window": WINDOW,
         "thresholds": thresholds}
    )  # fmt: skip


CHARTS: tuple[Chart, ...] = (
    Chart(
        _panel(
            "Latency", 'service:request_seconds:stat{service="$service"}', "seconds", "{{stat}}",
            ThresholdModel(value=0.8),
        ),
        (({"stat": "p99"}, w.p99), ({"stat": "typical"}, w.p50)),
    ),
    Chart(
        _panel("5xx ratio", 'service:errors:ratio{service="$service"}', "ratio", "5xx", ThresholdModel(value=0.01)),
        (({}, w.errors),),
    ),
    Chart(
        _panel("Checkouts", 'sum(rate(orders_completed_total{service="$service"}[1m]))', "per_second", "orders"),
        (({}, w.requests),),
    ),
    Chart(
        _panel(
            "DB pool in use", 'pgbouncer:pool:used_ratio{service="$service"}', "ratio", "pool",
            ThresholdModel(value=0.8, level="warning"),
        ),
        (({}, w.pool),),
    ),
    Chart(
        _panel("Payments waiting", 'max(payment_queue_depth{service="$service"})', "count", "waiting"),
        (({}, w.queue),),
    ),
    Chart(
        _panel("Pods ready", 'sum by (version) (kube_pod_ready{service="$service"})', "count", "{{version}}"),
        (({"version": w.BAD_VERSION}, w.new_pods), ({"version": w.GOOD_VERSION}, w.old_pods)),
    ),
)  # fmt: skip
PANELS: tuple[PanelTemplate, ...] = tuple(chart.panel for chart in CHARTS)


class MadeUp:
    """A `RangeSource` over the imaginary production. `wells` are services on which nothing happened."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def _known(self) -> dict[str, tuple[Chart, World]]:
        well = World(self.world.seed + 1, deployed_at=float("inf"))
        known = {}
        for service in (SICK_SERVICE, *WELL_SERVICES):
            for chart, panel in zip(CHARTS, resolve_all(PANELS, {"service": service}), strict=True):
                known[panel.expr] = (chart, self.world if service == SICK_SERVICE else well)
        return known

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """As `Prometheus.range`, out of thin air.

        Raises:
            BadQuery: it is not the expression of one of the demo's panels.
        """
        found = self._known.get(query.strip())
        if found is None:
            raise BadQuery("this is a demo: it only answers the expressions of its own panels")
        chart, world = found
        times = tuple(round(start + number * step, 3) for number in range(int((end - start) / step + 1e-6) + 1))
        lines = tuple(
            Line(tuple(sorted(labels.items())), times, tuple(measure(world, at) for at in times))
            for labels, measure in chart.lines
        )
        return Matrix(lines, infos=(REMARK,))
