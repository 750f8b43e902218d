"""The telemetry relay before a real Prometheus: questions asked, bytes sent, and what going through it costs.

Each figure has its reference from the same run. Needs Debian's prometheus on the PATH.
"""

import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path

import orjson
import requests

from benchmarks.report import Figure
from benchmarks.telemetry_fresh import freshness
from tests.real_servers import PROMETHEUS, RealServer, SickExporter, start_prometheus
from warroom.telemetry.panel import Panel
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import Parcel, Relay
from warroom.telemetry.series import Delta, Full, apply, encode
from warroom.telemetry.session import Source

PANELS = 8
SECONDS = 10
_RANGES = re.compile(
    r'^prometheus_http_requests_total\{code="200",handler="/api/v1/query_range"\} (\S+)$', re.MULTILINE
)


def board(variant: int) -> list[Panel]:
    """Eight panels of 300 points at 1 Hz with values of full precision, one series each (the least favourable)."""
    return [
        Panel(f"panel {index}", f"sin(vector(time() / {10 + index})) + {variant}", step=1, window=300)
        for index in range(PANELS)
    ]


def range_queries(server: RealServer) -> float:
    """Range queries that Prometheus says it has answered."""
    found = _RANGES.search(server.get("/metrics"))
    return float(found[1]) if found else 0.0


class Meter:
    """One watcher: the bytes it got, and those that whole windows at each interval would have been."""

    def __init__(self, *, compare: bool) -> None:
        self.sent = self.whole = self.intervals = 0
        self._compare = compare
        self._windows: dict[str, Full] = {}

    def __call__(self, parcel: Parcel) -> None:
        frame = parcel.frame
        if isinstance(frame, Full):
            self._windows[parcel.panel_id] = frame
            return
        if not isinstance(frame, Delta):
            raise SystemExit(f"the measurement is void, Prometheus did not answer: {frame}")
        self.sent += len(parcel.body)
        self.intervals += 1
        if self._compare:
            window = self._windows[parcel.panel_id] = apply(self._windows[parcel.panel_id], frame)
            self.whole += len(encode(window))


async def upstream_load(server: RealServer, client: Prometheus) -> Figure:
    """Range queries a second for one board with 1, 20 and 200 watchers, as Prometheus counts them."""
    rates = {}
    for watchers in (1, 20, 200):
        async with Relay({"prometheus": client}) as relay:
            for meter in [Meter(compare=False) for _ in range(watchers)]:
                for panel in board(watchers):
                    relay.watch(panel, meter)
            await asyncio.sleep(1.5)
            before, began = range_queries(server), time.monotonic()
            await asyncio.sleep(SECONDS)
            rates[watchers] = (range_queries(server) - before) / (time.monotonic() - began)
    spread = max(rates.values()) - min(rates.values())
    return Figure(
        name="range queries a second that Prometheus gets for one board, with 1, 20, 200 watchers",
        value=", ".join(f"{rate:.2f}" for rate in rates.values()),
        reference=f"{PANELS} panels at 1 Hz; asking for each watcher would be {PANELS}, {PANELS * 20}, {PANELS * 200}",
        goal="equal",
        met=spread <= 0.05 * PANELS,
    )


async def bytes_per_watcher(client: Prometheus) -> Figure:
    """Bytes a watcher gets in a minute for eight panels, against the whole window at each interval."""
    async with Relay({"prometheus": client}) as relay:
        meter = Meter(compare=True)
        for panel in board(0):
            relay.watch(panel, meter)
        await asyncio.sleep(SECONDS + 2)
    per_minute = meter.sent / meter.intervals * PANELS * 60
    whole = meter.whole / meter.intervals * PANELS * 60
    return Figure(
        name="bytes a watcher gets in a minute for 8 panels of 300 points at 1 Hz",
        value=f"{per_minute / 1000:.0f} kB",
        reference=f"{whole / 1000:.0f} kB if the whole window came each time ({whole / per_minute:.0f} times as much)",
        goal="at most 1/20",
        met=per_minute * 20 <= whole,
    )


async def explore_cost(server: RealServer, client: Prometheus) -> list[Figure]:
    """Median time of an ad-hoc range query through the relay against `requests` and orjson in the same process."""
    many = " or ".join(
        f'label_replace(sin(vector(time() / {index + 1})), "n", "{index}", "", "")' for index in range(20)
    )
    figures = []
    for what, query, points, turns in (
        ("1 series of 300 points", "sin(vector(time()))", 300, 300),
        ("20 series of 300 points", many, 300, 60),
        ("20 series of 3,000 points", many, 3000, 15),
    ):
        end = time.time() // 1
        start = end - points + 1
        through: list[float] = []
        direct: list[float] = []
        with requests.Session() as session:
            async with Relay({"prometheus": client}) as relay:

                def ask(
                    earlier: int,
                    query: str = query,
                    start: float = start,
                    end: float = end,
                    session: requests.Session = session,
                ) -> object:
                    asked = start - earlier, end - earlier
                    params: dict[str, str | float] = {"query": query, "start": asked[0], "end": asked[1], "step": 1}
                    return orjson.loads(session.get(f"{server.url}/api/v1/query_range", params=params).content)

                for turn in range(turns + 5):
                    began = time.perf_counter()
                    ask(turn)
                    middle = time.perf_counter()
                    # Another range each time: one that was asked before would be answered from what is kept.
                    await relay.explore("prometheus", query, start - turn, end - turn, 1.0)
                    if turn >= 5:
                        direct.append(middle - began)
                        through.append(time.perf_counter() - middle)
        ratio = statistics.median(through) / statistics.median(direct)
        figures.append(
            Figure(
                name=f"an explore query through the relay, {what}",
                value=f"{statistics.median(through) * 1000:.2f} ms ({ratio:.2f} times)",
                reference=f"{statistics.median(direct) * 1000:.2f} ms made directly",
                goal="at most 1.2 times",
                met=ratio <= 1.2,
            )
        )
    return figures


async def measure() -> list[Figure]:
    """All figures, before one Prometheus."""
    with tempfile.TemporaryDirectory() as folder, SickExporter() as exporter:
        scraped = {"checkout": [exporter.target]}
        # Out of step with the questions, so that a sample comes at any moment between two of them.
        with start_prometheus(Path(folder), scraped, scrape_interval="700ms") as server:
            client = Prometheus(Source(server.url))
            try:
                load = await upstream_load(server, client)
                fresh = await freshness(server, client, exporter)
                return [load, fresh, *await explore_cost(server, client), await bytes_per_watcher(client)]
            finally:
                client.close()


def main() -> list[Figure]:
    """Measure, print, and return the figures; none where Prometheus is not installed."""
    if PROMETHEUS is None:
        print("telemetry: not measured, prometheus is not installed")
        return []
    figures = asyncio.run(measure())
    for figure in figures:
        print(f"{figure.name}: {figure.value}; {figure.reference}; goal {figure.goal}: {figure.met}")
    return figures


if __name__ == "__main__":
    main()
