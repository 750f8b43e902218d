"""The embedded Prometheus against a real one: the same samples and questions, over HTTP, each in its own process.

The questions are those of the tests' corpus that have an answer, and the panels of a dashboard over the 650 series of
a small shop. Each is asked of both in turn over kept connections; what counts is the median of the ratios.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks.report import Figure
from benchmarks.serving import in_process
from tests.embedded.corpus import QUERIES
from tests.embedded.promql_samples import END, SERIES, START, Samples
from tests.embedded.real_prometheus import real_prometheus
from tests.newer_servers import CannotBeHad, newer_prometheus
from warroom.embedded.series_store import SeriesStore
from warroom.telemetry.block import Block, SeriesKey

GOAL = 3.0
ROUNDS = 5
BLOCKS = 200
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

DASHBOARD = (
    "sum by (job) (rate(shop_requests_total[5m]))",
    'sum by (job) (rate(shop_requests_total{code="500"}[5m])) / sum by (job) (rate(shop_requests_total[5m]))',
    "histogram_quantile(0.99, sum by (job, le) (rate(shop_seconds_bucket[5m])))",
    "topk(5, rate(shop_requests_total[5m]))",
    "shop_requests_total",
    "max_over_time(shop_queue[10m])",
    "avg by (job) (shop_queue)",
    "increase(shop_requests_total[1h])",
    "quantile_over_time(0.9, shop_queue[5m])",
    "shop_queue > 50",
)


def shop() -> dict[SeriesKey, Samples]:
    """About 650 series of twelve services, a sample every five seconds for two hours."""
    draw = np.random.Generator(np.random.PCG64(11))
    times = [float(at) for at in np.arange(START, END, 5)]
    bounds = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf")
    found: dict[SeriesKey, Samples] = {}

    def add(name: str, values: np.ndarray, **labels: str) -> None:
        key = tuple(sorted({"__name__": name, **labels}.items()))
        found[key] = (times, [float(value) for value in values])

    for number in range(12):
        for instance in range(3):
            place = {"job": f"service-{number}", "instance": f"10.0.{number}.{instance}:8080"}
            for code in ("200", "404", "500"):
                add("shop_requests_total", np.cumsum(draw.poisson(40, len(times))), code=code, **place)
            for bound in bounds:
                add("shop_seconds_bucket", np.cumsum(draw.poisson(20, len(times))), le=bound, **place)
            for queue in ("in", "out", "db", "cache"):
                add("shop_queue", draw.random(len(times)) * 100, queue=queue, **place)
    return found


async def embedded(which: str, pipe: Connection) -> None:
    """Serve the embedded one with the samples of that name until killed."""
    import asyncio

    from tests.embedded.served_prometheus import served
    from warroom.embedded.metrics import EmbeddedMetrics
    from warroom.embedded.promql import Engine

    store = SeriesStore(retention=0)
    for key, (times, values) in (SERIES if which == "corpus" else shop()).items():
        store.append_samples(key, times, values)
    async with served(EmbeddedMetrics(Engine(store), lambda: END)) as url:
        pipe.send(url)
        await asyncio.Event().wait()


class Caller:
    """A kept connection to a server."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)

    def took(self, path: str, form: str) -> float | None:
        """Seconds until the whole answer is there, the best of some; None for a refusal."""
        best = float("inf")
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self._connection.request("POST", path, form, _FORM)
            answer = self._connection.getresponse()
            answer.read()
            best = min(best, time.perf_counter() - began)
            if answer.status != 200:
                return None
        return best


def compared(which: str, questions: list[tuple[str, str]]) -> list[tuple[float, float]]:
    """Seconds of ours and of the real one, for each question that both answer."""
    process, pipe = in_process(embedded, which)
    try:
        with tempfile.TemporaryDirectory() as folder:
            series = SERIES if which == "corpus" else shop()
            with real_prometheus(str(newer_prometheus()), Path(folder), series) as server:
                ours, theirs = Caller(pipe.recv()), Caller(server.url)
                pairs = [(ours.took(*one), theirs.took(*one)) for one in questions]
    finally:
        process.kill()
        process.join()
        pipe.close()
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def instant(query: str) -> tuple[str, str]:
    """A question about the end."""
    return "/api/v1/query", urlencode({"query": query, "time": END})


def ranged(query: str, step: int = 15) -> tuple[str, str]:
    """A question about the last hour, as a panel asks it."""
    return "/api/v1/query_range", urlencode({"query": query, "start": END - 3600, "end": END, "step": step})


def figure(name: str, pairs: list[tuple[float, float]], goal: float | None) -> Figure:
    """The median of the ratios, and the medians of both."""
    ratio = statistics.median(one / other for one, other in pairs)
    worst = max(one / other for one, other in pairs)
    medians = [statistics.median(part) * 1000 for part in zip(*pairs, strict=True)]
    return Figure(
        f"{name}: {len(pairs)} questions",
        f"{ratio:.2f}x, the worst {worst:.1f}x ({medians[0]:.1f} ms at the median)",
        f"Prometheus 3.5, the same samples: {medians[1]:.1f} ms at the median",
        f"at most {goal:g}x at the median" if goal else "",
        ratio <= goal if goal else None,
    )


def appended() -> Figure:
    """Milliseconds to take one scrape of the shop's series, after six hours of history."""
    keys = tuple(shop())
    draw = np.random.Generator(np.random.PCG64(5))
    store = SeriesStore()
    store.append(Block(keys, START + np.arange(1440) * 15.0, draw.random((1440, len(keys)))))
    values = draw.random((BLOCKS, 1, len(keys)))
    began = time.perf_counter()
    for number in range(BLOCKS):
        store.append(Block(keys, np.array([START + 1440 * 15 + number * 5.0]), values[number]))
    each = (time.perf_counter() - began) / BLOCKS * 1000
    return Figure(f"a scrape of {len(keys)} series appended", f"{each:.2f} ms", "", "at most 5 ms", each <= 5)


def main() -> list[Figure]:
    """The figures of the embedded Prometheus."""
    try:
        newer_prometheus()
    except CannotBeHad as reason:
        return [Figure("PromQL against a real Prometheus", "not measured", str(reason), "at most 3x", None), appended()]
    queries = [query for _, query in QUERIES]
    both = compared("corpus", [ask(query) for query in queries for ask in (instant, ranged)])
    panels = compared("shop", [ranged(query) for query in DASHBOARD])
    return [
        figure("the corpus, at one moment and over an hour", both, GOAL),
        figure("panels over the shop's series, an hour of 240 steps", panels, GOAL),
        appended(),
    ]
