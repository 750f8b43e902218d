"""The embedded Loki on a loopback port of its own, and the lines that a real Loki 3.7.6 was recorded with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests.contract.replay import exchanges, params_of
from warroom.embedded.log_store import LogStore
from warroom.embedded.logql import LogQL
from warroom.embedded.loki_http import loki_app
from warroom.telemetry.logs import LogLine, Pairs

RECORDED = exchanges("loki-3.7.6")
NOW = 1795247298.4
"""When most of it was recorded, in seconds."""

STREAM_LABELS = ("env", "level", "service", "service_name")
_METADATA = {"checkout": ("detected_level", "pod", "trace_id")}
_BETWEEN = 1795246660_000000000
"""Later than the oldest lines that were told of, and earlier than the newest."""

_AS_THEY_CAME = frozenset({"query_range_line_format"})


@dataclass
class Served:
    """Where it answers, and what it answers from."""

    url: str
    store: LogStore
    logql: LogQL


@asynccontextmanager
async def served(now: Callable[[], float] = lambda: NOW, store: LogStore | None = None) -> AsyncIterator[Served]:
    """An embedded Loki that really listens. `now` is its clock."""
    kept = store if store is not None else LogStore()
    logql = LogQL(kept)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        loki_app(logql, now), log_config=None, access_log=False, lifespan="off", ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))
    try:
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", kept, logql)
    finally:
        server.should_exit = True
        await task
        listening.close()


def recorded_lines() -> list[LogLine]:
    """Every line of the three imaginary services that an exchange tells of, as it was pushed."""
    found: dict[tuple[int, str, Pairs], LogLine] = {}
    for name, exchange in RECORDED.items():
        if name in _AS_THEY_CAME or not isinstance(exchange["body"], dict):
            continue
        for line in _lines_of(exchange["body"]):
            found[line.ns, line.text, line.labels] = line
    for labels in RECORDED["series_no_match"]["body"]["data"]:
        # A stream may be one that no exchange tells a line of.
        own = tuple(sorted((key, value) for key, value in labels.items() if key != "service_name"))
        found[_BETWEEN, "untold", own] = LogLine(_BETWEEN, "untold", own)
    return sorted(found.values(), key=lambda line: line.ns)


def _lines_of(body: dict[str, Any]) -> Iterator[LogLine]:
    data = body.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "streams":
        return
    for stream in data["result"]:
        labels = stream["stream"]
        if labels.get("env") != "prod":
            continue
        own = tuple(sorted((key, labels[key]) for key in STREAM_LABELS if key != "service_name"))
        for ns, text, *beside in stream["values"]:
            given = {**labels, **(beside[0].get("structuredMetadata", {}) if beside else {})}
            names = _METADATA.get(labels["service"], ())
            metadata = tuple((key, given[key]) for key in names if key in given and key != "detected_level")
            yield LogLine(int(ns), text, own, metadata)


def asked_of(name: str) -> dict[str, Any]:
    """The parameters of a recorded exchange, and its path."""
    exchange = RECORDED[name]
    return {**params_of(exchange), "path": exchange["request"]["path"]}
