"""The embedded Jaeger answers what a real one answered, field by field, to the same questions over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.embedded.recorded_jaeger import RECORDED, store
from tests.embedded.served_app import served
from warroom.embedded.jaeger_http import jaeger_app

NOW = 1_795_248_756.714
SAME = (
    "trace", "trace_raw", "trace_uppercase_id", "trace_with_time_window", "trace_async_link_follows_from",
    "trace_orphan_parent", "trace_clock_skew", "trace_duplicate_span_sent_twice", "search_traceid_list",
    "search_operation", "search_tag_kv", "search_min_max_duration",
    "search_empty_unknown_service", "search_no_match", "search_ms_instead_of_us_empty", "operations_unknown_service",
    "dependencies_empty", "operations", "operations_span_kind",
)  # fmt: skip
REFUSED = tuple(
    name for name, one in RECORDED.items()
    if ("error" in name and not name.startswith(("metrics", "otlp"))) or name == "trace_not_found"
)  # fmt: skip
WORDS_DIFFER = frozenset({"search_error_bad_tags_json"})
"""Where the words quote a JSON parser."""


async def ask(url: str, exchange: dict[str, Any]) -> httpx.Response:
    asked = exchange["request"]
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return await client.request(
            asked["method"], asked["path"], params=asked.get("params"), json=asked.get("json"),
            content=asked.get("data"), headers=asked.get("headers"),
        )  # fmt: skip


@pytest.mark.parametrize("name", SAME)
async def test_the_answer_is_the_recorded_one(name: str) -> None:
    exchange = RECORDED[name]
    async with served(jaeger_app(store(), lambda: NOW)) as url:
        answer = await ask(url, exchange)
    assert answer.status_code == exchange["status"]
    assert answer.headers["content-type"] == exchange["headers"]["Content-Type"]
    assert _ordered(answer.json(), name) == _ordered(exchange["body"], name)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_jaeger_refuses_is_refused_in_its_words(name: str) -> None:
    exchange = RECORDED[name]
    async with served(jaeger_app(store(), lambda: NOW)) as url:
        answer = await ask(url, exchange)
    assert answer.status_code == exchange["status"]
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"
    if name in WORDS_DIFFER:
        assert "malformed 'tags' parameter, cannot unmarshal JSON" in answer.text
    else:
        assert answer.text == exchange["body"]


async def test_services_are_those_of_the_spans() -> None:
    async with served(jaeger_app(store(), lambda: NOW)) as url:
        answer = await ask(url, RECORDED["services"])
    said = answer.json()
    # The real one traces itself, and one of its traces was not recorded whole.
    assert set(said["data"]) == set(RECORDED["services"]["body"]["data"]) - {"jaeger", "batch"}
    assert said["total"] == len(said["data"])


async def test_a_pretty_answer_says_the_same() -> None:
    async with served(jaeger_app(store(), lambda: NOW)) as url:
        answer = await ask(url, RECORDED["trace_pretty"])
        plain = await ask(url, RECORDED["trace"])
    assert "\n" in answer.text
    assert answer.json() == plain.json()


async def test_without_metrics_and_an_archive_it_says_so_as_jaeger_does() -> None:
    async with served(jaeger_app(store(), lambda: NOW)) as url, httpx.AsyncClient(base_url=url) as client:
        metrics = await client.get("/api/metrics/calls", params={"service": "a"})
        archive = await client.post("/api/archive/0af7651916cd43dd8448eb211c80319c")
        unknown = await client.post("/api/archive/ffffffffffffffffffffffffffffffff")
    assert (metrics.status_code, metrics.text) == (501, RECORDED["metrics_not_configured_501"]["body"])
    assert (archive.status_code, archive.text) == (500, RECORDED["archive_not_configured"]["body"])
    assert (unknown.status_code, unknown.text) == (404, RECORDED["archive_not_found"]["body"])


def _ordered(said: Any, name: str) -> Any:
    """Without the order that Jaeger does not keep: of spans, of traces, of processes' numbers. `data_len_in_full` is
    the recording's own.
    """
    said = {key: value for key, value in said.items() if key != "data_len_in_full"}
    data = said["data"]
    if not isinstance(data, list) or not data or not isinstance(data[0], dict) or "spans" not in data[0]:
        return said | {"data": sorted(data, key=json.dumps)}
    traces = []
    for trace in data:
        spans = []
        for span in trace["spans"]:
            process = trace["processes"][span["processID"]]
            spans.append({**span, "processID": process})
        kept = {**trace, "spans": sorted(spans, key=lambda one: one["spanID"]), "processes": None}
        kept["traceID"] = kept["traceID"].zfill(32)
        traces.append(kept)
    order = name.startswith("search")
    return said | {"data": sorted(traces, key=lambda one: one["traceID"]) if order else traces}
