"""The demo's telemetry servers, all of them made up, and what the health pane says of them.

Invariant: they all tell of one world by one clock, and each says that it is made up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from warroom.demo.alerts import Firing, MadeUpAlerts
from warroom.demo.clock import DemoClock
from warroom.demo.lines import LogBook
from warroom.demo.logs import MadeUpLogs
from warroom.demo.metrics import MadeUpMetrics
from warroom.demo.traces import MadeUpTraces
from warroom.demo.traffic import Traffic
from warroom.demo.world import World
from warroom.ops import machine
from warroom.ops.health import Result, Status
from warroom.ops.monitor import Monitor
from warroom.store.port import EventStore
from warroom.telemetry.clients import Alerts, Logs, Metrics, Traces
from warroom.telemetry.relay import Relay


def sources(world: World, clock: DemoClock) -> dict[str, Any]:
    """A client for each kind of server, by the name that panels and panes call it by. Nothing is made up yet."""
    traffic = Traffic(world, clock.now)
    firing = Firing(traffic)
    metrics: Metrics = MadeUpMetrics(traffic, firing)
    logs: Logs = MadeUpLogs(LogBook(traffic), clock)
    traces: Traces = MadeUpTraces(traffic)
    alerts: Alerts = MadeUpAlerts(firing, traffic)
    return {"prometheus": metrics, "loki": logs, "jaeger": traces, "alertmanager": alerts}


@asynccontextmanager
async def watched(
    relay: Relay, store: EventStore, directory: Path, clock: DemoClock
) -> AsyncIterator[Mapping[str, Callable[[], Any]]]:
    """What the server reports of itself: looked at for as long as the context is entered."""

    async def looked() -> list[Result]:
        return [machine.processor(), machine.memory(), await asyncio.to_thread(machine.disk, directory)]

    async def log() -> Result:
        await store.tokens()
        return Result("store", Status.HEALTHY, "takes records; it goes with the demo unless --keep names a place")

    async def backends() -> list[Result]:
        return [
            Result(one.name, Status.HEALTHY if one.healthy else Status.DEGRADED,
                   "made up by the demo: no server is asked" if one.healthy else one.words, one.latency_ms or 0.0,
                   details={"kind": one.kind, "breaker": one.state, "version": one.version})
            for one in await relay.sources()
        ]  # fmt: skip

    monitor = Monitor({"machine": looked, "store": log, "backends": backends}, clock)
    looking = asyncio.create_task(monitor.run(), name="demo-health")
    try:
        yield {"health": monitor.latest}
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
