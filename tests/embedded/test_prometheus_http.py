"""The embedded Prometheus over HTTP: our client's contract holds, and answers and refusals are those of a real one."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.contract.lab import STEP
from tests.contract.prometheus_checks import PROMETHEUS
from tests.contract.suite import Ask, outcome
from tests.embedded.promql_samples import END, SERIES, filled_store
from tests.embedded.real_prometheus import plain, program, real_prometheus, same
from tests.embedded.served_prometheus import lab_metrics, served
from warroom.embedded.metrics import EmbeddedMetrics
from warroom.embedded.promql import Engine
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.source import Source

NATIVE = [name for name in PROMETHEUS.checks if "native_histogram" in name]

ALIKE = (
    ("/api/v1/query", {"query": "sum(up"}),
    ("/api/v1/query", {"query": ""}),
    ("/api/v1/query", {"query": "nosuchfunc(up)"}),
    ("/api/v1/query", {"query": "up", "time": "notatime"}),
    ("/api/v1/query", {"query": "up + on(job) up", "time": END}),
    ("/api/v1/query", {"query": "up * on(job) group_left http_requests_total", "time": END}),
    ("/api/v1/query", {"query": "rate({__name__=~\"same_.\"}[5m])", "time": END}),
    ("/api/v1/query", {"query": "up", "time": END, "limit": "2"}),
    ("/api/v1/query", {"query": "up", "limit": "-1"}),
    ("/api/v1/query", {"query": "quantile(2, up)", "time": END}),
    ("/api/v1/query", {"query": "sum(rate(queue_depth[5m]))", "time": END}),
    ("/api/v1/query", {"query": '"words"', "time": END}),
    ("/api/v1/query", {"query": "1.5", "time": "2023-11-15T00:00:00Z"}),
    ("/api/v1/query_range", {"query": "up[5m]", "start": END - 60, "end": END, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": END - 60, "end": END, "step": 0}),
    ("/api/v1/query_range", {"query": "up", "start": END - 60, "end": END}),
    ("/api/v1/query_range", {"query": "up", "start": END, "end": END - 60, "step": 15}),
    ("/api/v1/query_range", {"query": "up", "start": END - 86400, "end": END, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "start": "x", "end": END, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "end": END, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "start": END - 60, "end": END, "step": "1m30s"}),
    ("/api/v1/query_range", {"query": "special", "start": END - 60, "end": END, "step": "15s"}),
    ("/api/v1/series", {}),
    ("/api/v1/series", {"match[]": "up", "start": END - 60, "end": END}),
    ("/api/v1/labels", {"start": END - 60, "end": END}),
    ("/api/v1/labels", {"match[]": "up", "start": END - 60, "end": END}),
    ("/api/v1/label/job/values", {"start": END - 60, "end": END}),
    ("/api/v1/label/U____name____/values", {"match[]": '{job="api"}', "start": END - 60, "end": END}),
    ("/api/v1/query_exemplars", {"query": "up", "start": END, "end": END - 60}),
    ("/api/v1/format_query", {"query": "sum(up)by(job)/count(up)by(job)"}),
    ("/api/v1/rules", {"type": "odd"}),
    ("/api/v1/status/walreplay", {}),
    ("/api/v1/nothing", {}),
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PROMETHEUS.checks if name not in NATIVE])
async def test_our_client_finds_a_prometheus(name):
    end = float(int(time.time()))
    async with served(lab_metrics(end)) as url:
        prometheus = Prometheus(Source(url))
        try:
            await outcome(PROMETHEUS.checks[name], prometheus, Ask(end - 12 * STEP, end, STEP, end))
        finally:
            await prometheus.aclose()


@pytest.mark.servers
async def test_answers_and_refusals_are_those_of_a_real_one(tmp_path):
    different = []
    metrics = EmbeddedMetrics(Engine(filled_store()), lambda: END)
    with real_prometheus(program(), tmp_path, SERIES) as server:
        async with served(metrics) as url, httpx.AsyncClient(trust_env=False, timeout=30) as client:
            for path, params in ALIKE:
                theirs = await client.get(server.url + path, params=params)
                ours = await client.get(url + path, params=params)
                if theirs.status_code != ours.status_code or not _alike(theirs, ours):
                    different.append(f"{path} {params}: {theirs.text[:300]} against {ours.text[:300]}")
    assert not different, "\n".join(different)


async def test_what_may_not_be_asked_is_refused():
    async with served(lab_metrics(END)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.delete("/api/v1/query")).status_code == 405
        assert (await client.get("/-/ready")).text == "Prometheus Server is Ready.\n"
        form = b"query=up&x=" + b"a" * (5 * 1024 * 1024)
        answer = await client.post("/api/v1/query", content=form)
        assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")


async def test_a_heavy_question_gets_a_thread_and_the_same_answer():
    metrics = EmbeddedMetrics(Engine(filled_store()), lambda: END)
    query = "sum by (job) (http_requests_total)"
    assert metrics.weight(query, END - 7200, END, 1) > 20_000
    heavy = await metrics.range(query, END - 7200, END, 1)
    assert heavy == metrics.engine.range(query, END - 7200, END, 1)


def _alike(theirs: httpx.Response, ours: httpx.Response) -> bool:
    if "json" not in theirs.headers["content-type"]:
        return theirs.text == ours.text
    first, second = theirs.json(), ours.json()
    if first["status"] == "success" and "resultType" in str(first["data"]):
        notes: list[Any] = [(one.get("warnings"), one.get("infos")) for one in (first, second)]
        return notes[0] == notes[1] and not same(plain(first), plain(second), ordered=False)
    if first["status"] == "success" and isinstance(first["data"], list):
        # A real one lists series as they came.
        return sorted(map(str, first["data"])) == sorted(map(str, second["data"]))
    return bool(first == second)
