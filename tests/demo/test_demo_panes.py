"""What the telemetry panes ask of the demo's server is answered, by the methods that they ask with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from warroom.client.client import Client
from warroom.client.errors import ClientError
from warroom.demo.clock import DemoClock
from warroom.demo.house import Open, Plan, house
from warroom.demo.telemetry import health, sources
from warroom.demo.world import World
from warroom.ops.health import Status
from warroom.store.sqlite import SqliteStore
from warroom.telemetry import shapes
from warroom.telemetry.alerts import AlertGroup, Silence
from warroom.telemetry.graph import ServiceGraph
from warroom.telemetry.logs import LogPage
from warroom.telemetry.relay import Relay
from warroom.telemetry.traces import Trace, TraceSummary

DEADLINE = 30.0
CHECKOUT = '{service_name="checkout-api"}'
LATENCY = 'service:request_seconds:stat{service="checkout-api"}'


@dataclass
class Desk:
    """One who asks the demo's server about the incident."""

    opened: Open
    client: Client

    async def ask(self, method: str, **params: Any) -> Any:
        return await asyncio.wait_for(self.client.request(method, incident=self.opened.incident, **params), DEADLINE)

    def range(self, seconds: float = 600.0) -> dict[str, float]:
        now = self.opened.plan.clock.now()
        return {"start": now - seconds, "end": now}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with house(Plan("jana", DemoClock())) as opened, Client(opened.url, opened.tokens["jana"]) as client:
        room = await client.follow(opened.incident)
        await asyncio.wait_for(room.caught_up.wait(), DEADLINE)
        yield Desk(opened, client)


async def test_logs_are_listed_counted_and_described(desk: Desk) -> None:
    page = shapes.read(LogPage, await desk.ask("logs", query=CHECKOUT, limit=1000, **desk.range()))
    assert len(page.lines) > 500
    counted = f"sum by (detected_level) (count_over_time({CHECKOUT} [10s]))"
    full = await desk.ask("logs.matrix", query=counted, step=10, **desk.range())
    assert {"error", "warn", "info"} <= {dict(one["labels"])["detected_level"] for one in full["series"]}
    patterns = (await desk.ask("logs.patterns", query=CHECKOUT, step=10, **desk.range()))["patterns"]
    assert any("timeout waiting for a connection" in one["pattern"] for one in patterns)
    assert "service_name" in (await desk.ask("logs.labels"))["values"]
    assert "pgbouncer" in (await desk.ask("logs.values", label="service_name"))["values"]
    assert (await desk.ask("logs.fields", query=CHECKOUT, **desk.range()))["fields"]
    assert (await desk.ask("logs.volume", query=CHECKOUT, step=60, **desk.range()))["volumes"]
    with pytest.raises(ClientError, match="this is a demo"):
        await desk.ask("logs", query=f"{CHECKOUT} | unpack", **desk.range())


async def test_a_line_opens_its_trace(desk: Desk) -> None:
    page = shapes.read(LogPage, await desk.ask("logs", query=f'{CHECKOUT} |= "error"', limit=10, **desk.range()))
    line = page.lines[0]
    trace = shapes.read(Trace, await desk.ask("trace", id=line.value("trace_id")))
    assert any(span.error and span.service == "checkout-api" for span in trace.spans)


async def test_traces_are_searched_and_services_coloured_in_either_order(desk: Desk) -> None:
    for _ in range(2):
        services = (await desk.ask("traces.services"))["values"]
        graph = shapes.read(ServiceGraph, await desk.ask("services", **desk.range(3600)))
        assert [node.name for node in graph.nodes] == services
        assert {node.health for node in graph.nodes} == {"red", "amber", "green"}
    operations = (await desk.ask("traces.operations", service="checkout-api"))["operations"]
    assert "POST /checkout" in {one["name"] for one in operations}
    found = await desk.ask("traces.search", service="checkout-api", errors_only=True, **desk.range())
    assert [shapes.read(TraceSummary, one) for one in found["traces"]]


async def test_alerts_are_shown_and_silenced(desk: Desk) -> None:
    groups = [shapes.read(AlertGroup, one) for one in (await desk.ask("alerts"))["groups"]]
    alert = groups[0].alerts[0]
    matchers = [{"name": name, "value": value} for name, value in alert.labels]
    made = (await desk.ask("silence.create", matchers=matchers, seconds=600, comment="we know"))["id"]
    assert (await desk.ask("silence.extend", id=made, seconds=1200))["id"] == made
    after = [shapes.read(AlertGroup, one) for one in (await desk.ask("alerts"))["groups"]]
    assert {one.fingerprint for group in after for one in group.alerts if one.silenced_by} == {alert.fingerprint}
    await desk.ask("silence.expire", id=made)
    silence = shapes.read(Silence, (await desk.ask("silences"))["silences"][0])
    assert (silence.created_by, silence.state) == ("jana", "expired")
    full = await desk.ask("explore", query='ALERTS{alertstate="firing"}', step=60, **desk.range(3600))
    assert len(full["series"]) == 3


async def test_metrics_have_names_and_exemplars_that_open_traces(desk: Desk) -> None:
    assert (await desk.ask("metrics.names"))["values"]
    exemplars = (await desk.ask("metrics.exemplars", query=LATENCY, **desk.range(2400)))["exemplars"]
    assert shapes.read(Trace, await desk.ask("trace", id=exemplars[0]["trace_id"])).spans
    assert {one["state"] for one in (await desk.ask("rules"))["rules"]} == {"firing"}
    assert (await desk.ask("targets"))["targets"]


async def test_each_source_is_healthy_and_says_that_it_is_made_up(desk: Desk) -> None:
    sources = (await desk.ask("sources"))["sources"]
    assert {one["name"]: one["version"] for one in sources} == dict.fromkeys(
        ("prometheus", "loki", "jaeger", "alertmanager"), "made up"
    )
    assert (await desk.ask("health"))["health"] is not None


async def test_the_health_of_the_demo_labels_what_is_made_up(tmp_path: Path) -> None:
    clock = DemoClock()
    async with (
        await SqliteStore.open(tmp_path / "log.db") as store,
        Relay(sources(World(7, clock.now() - 1400), clock), clock=clock) as relay,
    ):
        found = {one.name: one for one in (await health(relay, store, tmp_path).look()).results}
    assert found["store"].status is Status.HEALTHY
    for name in ("prometheus", "loki", "jaeger", "alertmanager"):
        assert found[name].status is Status.HEALTHY
        assert "made up" in found[name].message
