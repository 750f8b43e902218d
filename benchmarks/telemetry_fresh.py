"""How long a new sample takes from Prometheus to a console: a real server and a real client between them."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import requests

from benchmarks.report import Figure
from benchmarks.room import prepared
from tests.real_servers import RealServer, SickExporter
from warroom.client.client import Client
from warroom.client.room import PanelFeed
from warroom.server.run import run_server
from warroom.server.settings import ServerSettings
from warroom.store.sqlite import SqliteStore
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import Relay

REFRESH = 1.0
"""Seconds between two questions of the panel."""
ROUNDS = 12
QUERY = "sick_error_ratio"


@asynccontextmanager
async def followed(prometheus: Prometheus) -> AsyncIterator[tuple[Client, PanelFeed]]:
    """A client that watches the panel through a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, stop = Path(folder), asyncio.Event()
        token, incident = await prepared(path, 1)
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with Relay({"prometheus": prometheus}) as relay:
            store = await SqliteStore.open(path / "log.db")
            settings = ServerSettings(port=0, data_dir=path)
            work = run_server(settings, store, relay=relay, ready=lambda _, port: ready.set_result(port), stop=stop)
            serving = asyncio.create_task(work)
            async with Client(f"ws://127.0.0.1:{await ready}/ws", token) as client:
                await client.live()
                room = await client.follow(incident)
                yield client, room.watch({"title": "ratio", "query": QUERY, "step": int(REFRESH), "window": 300})
            stop.set()
            await serving


def has(server: RealServer, value: float) -> float:
    """When Prometheus had not yet that value, for the last time: what is measured from here is rather too long."""
    before = time.perf_counter()
    with requests.Session() as session:
        while True:
            asked = time.perf_counter()
            said = orjson.loads(session.get(f"{server.url}/api/v1/query", params={"query": QUERY}).content)
            found = said["data"]["result"]
            if found and float(found[0]["value"][1]) == value:
                return before
            before = asked
            time.sleep(0.002)


async def seen(client: Client, feed: PanelFeed, value: float) -> float:
    """When the client has that value as the newest of its window."""
    came: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def look(_: object = None) -> None:
        full = feed.view.full
        if not came.done() and full is not None and full.series and full.series[0].values[-1] == value:
            came.set_result(time.perf_counter())

    stop = client.on_change(look)
    try:
        look()
        return await asyncio.wait_for(came, 30)
    finally:
        stop()


async def freshness(server: RealServer, prometheus: Prometheus, exporter: SickExporter) -> Figure:
    """The longest of some changes, from Prometheus having one to the client having it."""
    delays = []
    async with followed(prometheus) as (client, feed):
        await seen(client, feed, exporter.error_ratio)
        for turn in range(ROUNDS):
            value = (turn + 1) / 64
            exporter.error_ratio = value
            had, came = await asyncio.gather(asyncio.to_thread(has, server, value), seen(client, feed, value))
            delays.append(came - had)
    return Figure(
        name="a new sample, from Prometheus having it to a client of the room having it, longest of 12",
        value=f"{max(delays):.2f} s",
        reference=f"median {statistics.median(delays):.2f} s; the panel is asked for every {REFRESH:g} s",
        goal="at most the interval and 100 ms",
        met=max(delays) <= REFRESH + 0.1,
    )
