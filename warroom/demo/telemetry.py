"""The demo's telemetry servers, all of them made up, and what the health pane says of them.

Invariant: they all tell of one world by one clock, and each says that it is made up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
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
from warroom.telemetry.backend import SourceState
from warroom.telemetry.clients import Alerts, Logs, Metrics, Traces
from warroom.telemetry.clock import SystemClock
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


def health(relay: Relay, store: EventStore, directory: Path) -> Monitor:
    """What the health pane shows: the log, where it is kept, memory, and the sources, labelled as made up.

    How busy the processor is says nothing of the demo, and is left out.
    """

    async def looked() -> list[Result]:
        return [machine.memory(), await asyncio.to_thread(machine.disk, directory)]

    async def log() -> Result:
        await store.tokens()
        return Result("store", Status.HEALTHY, "takes records; it goes with the demo unless --keep names a place")

    async def backends() -> list[Result]:
        return [_backend(one) for one in await relay.sources()]

    return Monitor({"machine": looked, "store": log, "backends": backends}, SystemClock())


def _backend(one: SourceState) -> Result:
    status = Status.HEALTHY if one.healthy else Status.DEGRADED
    words = "made up by the demo: no server is asked" if one.healthy else one.words
    details = {"kind": one.kind, "breaker": one.state, "version": one.version}
    return Result(one.name, status, words, one.latency_ms or 0.0, details=details)


@asynccontextmanager
async def watching(monitor: Monitor) -> AsyncIterator[None]:
    """Look for as long as the context is entered."""
    looking = asyncio.create_task(monitor.run(), name="demo-health")
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
