"""The embedded Prometheus on a loopback port of its own, with the data of the contract suite in it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn

from tests.contract.lab import written_until
from warroom.embedded.metrics import EmbeddedMetrics
from warroom.embedded.prometheus_http import prometheus_app
from warroom.embedded.promql import Engine
from warroom.embedded.rules_now import AlertNow, GroupNow, RuleNow
from warroom.embedded.series_store import SeriesStore
from warroom.telemetry.alerts import Exemplar, Rule, Target
from warroom.telemetry.prometheus_data import MetricInfo


@asynccontextmanager
async def served(metrics: EmbeddedMetrics) -> AsyncIterator[str]:
    """Its URL while it really listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    # asyncio does so by itself only for sockets that it made; else each answer waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        prometheus_app(metrics), log_config=None, access_log=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))
    try:
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def lab_metrics(end: float) -> EmbeddedMetrics:
    """What the contract suite's laboratory holds, but for native histograms."""
    store = SeriesStore()
    for one in written_until(end):
        key = tuple(sorted(one.labels.items()))
        if one.samples:
            store.append_samples(key, *zip(*one.samples, strict=True))
        store.exemplars([
            Exemplar(key, tuple(labels.items()), value, at, labels.get("trace_id", labels.get("traceID", "")))
            for labels, value, at in one.exemplars
        ])  # fmt: skip
    for job, up in (("prometheus", 1.0), ("down", 0.0)):
        store.append_samples((("__name__", "up"), ("instance", f"{job}:9090"), ("job", job)), [end], [up])
    store.metadata([MetricInfo("queue_depth", "gauge", "waiting", "")])
    return EmbeddedMetrics(Engine(store), lambda: end, groups=_groups(end), targets=_targets(end))


def _groups(end: float) -> Callable[[], Sequence[GroupNow]]:
    down = (("instance", "down:9090"), ("job", "down"))

    def rule(name: str, state: str, lasting: float = 0.0) -> RuleNow:
        said = Rule("lab", name, "up == 0", "alerting", state, "ok", "", lasting, (("severity", "critical"),))
        labels = tuple(sorted((("alertname", name), ("severity", "critical"), *down)))
        alerts = (AlertNow(labels, (), state, end - 60, 0.0),) if state != "inactive" else ()  # type: ignore[arg-type]
        return RuleNow(said, alerts, end)

    recorded = RuleNow(Rule("lab", "job:up:sum", "sum by (job) (up)", "recording", health="ok"), (), end)
    rules = (
        recorded,
        rule("TargetDown", "firing"),
        rule("PendingForever", "pending", 86400.0),
        rule("Quiet", "inactive"),
    )
    return lambda: (GroupNow("lab", "rules.yml", 15.0, rules),)


def _targets(end: float) -> Callable[[], Sequence[Target]]:
    return lambda: (
        Target("prometheus", "prometheus:9090", "up", "", end, (("job", "prometheus"),)),
        Target("down", "down:9090", "down", "connection refused", end, (("job", "down"),)),
    )
