"""What the telemetry panes ask of the demo's server is answered from the moment that one comes in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from warroom.app_exercise import OpenExercise, exercise
from warroom.client.client import Client
from warroom.demo.exercise import HEAD_START, Wanted
from warroom.incident.ids import incident_id
from warroom.telemetry import shapes
from warroom.telemetry.alerts import AlertGroup
from warroom.telemetry.graph import ServiceGraph
from warroom.telemetry.logs import LogPage
from warroom.telemetry.traces import Trace

DEADLINE = 30.0
CHECKOUT = '{service_name="checkout"}'
FAILING = 'sum(rate(user_requests_total{journey="checkout",outcome="failed"}[1m]))'


@dataclass
class Desk:
    """One who asks the demo's server about the incident."""

    opened: OpenExercise
    client: Client

    async def ask(self, method: str, **params: Any) -> Any:
        return await asyncio.wait_for(self.client.request(method, incident=self.opened.incident, **params), DEADLINE)

    def range(self, seconds: float = 600.0) -> dict[str, float]:
        now = self.opened.clock.now()
        return {"start": now - seconds, "end": now}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=HEAD_START)
    plan = Wanted("jana", tmp_path).plan(incident_id(secrets.randbits(40), 6), start, tmp_path / "log")
    async with exercise(plan) as opened, Client(opened.url, opened.token) as client:
        room = await client.follow(opened.incident)
        await asyncio.wait_for(room.caught_up.wait(), DEADLINE)
        yield Desk(opened, client)


async def test_every_pane_has_something_to_show(desk: Desk) -> None:
    page = shapes.read(LogPage, await desk.ask("logs", query=f'{CHECKOUT} |= "request failed"', **desk.range()))
    traced = next(line for line in page.lines if line.value("trace_id"))
    trace = shapes.read(Trace, await desk.ask("trace", id=traced.value("trace_id")))
    assert any(span.error and span.service == "checkout" for span in trace.spans)
    groups = [shapes.read(AlertGroup, one) for one in (await desk.ask("alerts"))["groups"]]
    assert {"UsersFail", "HighErrorRatio"} <= {
        dict(one.labels)["alertname"] for group in groups for one in group.alerts
    }
    graph = shapes.read(ServiceGraph, await desk.ask("services", **desk.range()))
    assert {node.name: node.health for node in graph.nodes}["checkout"] == "red"
    sources = (await desk.ask("sources"))["sources"]
    assert {"prometheus", "loki", "jaeger", "alertmanager"} <= {one["name"] for one in sources if one["healthy"]}


async def test_the_curves_have_a_past_in_which_all_was_well(desk: Desk) -> None:
    full = await desk.ask("explore", query=FAILING, step=15, **desk.range())
    values = [value for value in full["series"][0]["values"] if value is not None]
    assert len(values) > 30
    assert max(values[:10]) < 1
    assert values[-1] > 5
