"""What a real Prometheus counts while many look at the same: one question, however many ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.real_servers import PROMETHEUS, RealServer, SickExporter, start_prometheus
from tests.telemetry.test_relay_prometheus import range_queries
from tests.telemetry.watcher import Watcher
from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.errors import Unreachable
from warroom.telemetry.panel import Panel
from warroom.telemetry.panels import resolve_all
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import By, Relay
from warroom.telemetry.series import Delta, Full, Recovered, decode
from warroom.telemetry.session import Limits, Source

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with SickExporter(rate=200, error_ratio=0.25) as exporter:
        targets = {"checkout": [exporter.target]}
        with start_prometheus(tmp_path_factory.mktemp("servers"), targets, scrape_interval="200ms") as server:
            yield server


@pytest.fixture
async def client(server: RealServer) -> AsyncIterator[Prometheus]:
    client = Prometheus(Source(server.url))
    yield client
    client.close()


async def test_two_hundred_who_ask_the_same_cost_prometheus_one_query(client, server):
    end = time.time()
    async with Relay({"prometheus": client}) as relay:
        before = range_queries(server)
        asked = [relay.explore("prometheus", "up", end - 60, end, 1, By(f"p{n}", "INC-1")) for n in range(200)]
        answers = await asyncio.gather(*asked)
        assert range_queries(server) - before == 1
        assert all(answer is answers[0] for answer in answers)
        await relay.explore("prometheus", "up", end - 60, end, 1)
        assert range_queries(server) - before == 1
        await relay.explore("prometheus", "up", end - 61, end, 1)
        assert range_queries(server) - before == 2
        page = relay.metrics()
    assert 'queries_total{source="prometheus",kind="explore",outcome="ok"} 2' in page
    assert 'shared_answers_total{source="prometheus",how="joined"} 199' in page
    assert 'shared_answers_total{source="prometheus",how="cached"} 1' in page


async def test_a_board_that_two_hundred_watch_costs_what_it_costs_for_one(client, server):
    panels = resolve_all(DEFAULT_PANELS, {"service": "checkout"}, scrape_interval=0.2, step=0.5, window=20)

    async def asked_by(crowd: int) -> tuple[int, int]:
        """Queries that Prometheus counted, and frames of new values that each of the crowd got."""
        async with Relay({"prometheus": client}) as relay:
            before = range_queries(server)
            boards = [[Watcher() for _ in panels] for _ in range(crowd)]
            for board in boards:
                for panel, watcher in zip(panels, board, strict=True):
                    relay.watch(panel, watcher)
            for watcher in boards[-1]:
                await watcher.until(lambda watcher=watcher: watcher.count(Full, Delta) >= 1)
            one = boards[-1][0]
            await one.until(lambda: one.count(Delta) >= 4)
            queries = range_queries(server) - before
            frames = [sum(watcher.count(Full, Delta) for watcher in board) for board in boards]
            assert len(set(frames)) == 1
            return queries, frames[0]

    for crowd in (1, 200):
        queries, frames = await asked_by(crowd)
        # One question a column for each panel; an answer without a change is no frame.
        assert frames <= queries <= len(panels) * 12


async def test_a_killed_prometheus_opens_the_breaker_and_is_found_again_by_itself(tmp_path):
    with (
        SickExporter(rate=1, error_ratio=0.0) as exporter,
        start_prometheus(tmp_path, {"checkout": [exporter.target]}, scrape_interval="200ms") as server,
    ):
        client = Prometheus(Source(server.url), Limits(connect=1, total=2))
        async with Relay({"prometheus": client}) as relay:
            watcher = Watcher()
            relay.watch(Panel("Up", "up", step=0.5, window=20), watcher)
            await watcher.until(lambda: watcher.count(Full) == 1)
            assert await relay.explore("prometheus", "up", 1, 2, 1)
            await asyncio.to_thread(server.kill)
            for n in range(5):
                with pytest.raises(Unreachable, match="refused"):
                    await relay.explore("prometheus", f"up + {n}", 1, 2, 1)
            (state,) = await relay.sources()
            assert state.state != "closed"
            assert not state.healthy
            await asyncio.to_thread(server.start)
            await watcher.until(lambda: watcher.count(Recovered) == 1)
            body = await relay.explore("prometheus", "up", 1, 2, 1)
            assert isinstance(decode(body), Full)
            assert (await relay.sources())[0].state == "closed"
        client.close()
