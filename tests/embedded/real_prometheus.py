"""A real Prometheus 3 with given samples in it, and what it answers, in a shape that can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.remote_write import Written, write
from tests.newer_servers import NO_NEWER, CannotBeHad, newer_prometheus
from tests.real_servers import RealServer, free_port
from warroom.telemetry.block import SeriesKey

AT_ONCE = 1800.0
"""Seconds of samples in one request: a head takes nothing that is more than an hour older than its newest."""


def program() -> str:
    """The newest there is. Skips loudly where there is none: 2.x has ranges that are closed on the left."""
    try:
        return str(newer_prometheus())
    except CannotBeHad as reason:
        pytest.skip(f"{NO_NEWER}: {reason}")


@contextmanager
def real_prometheus(
    found: str, folder: Path, series: Mapping[SeriesKey, tuple[Sequence[float], Sequence[float]]]
) -> Iterator[RealServer]:
    """A server with the samples, written in order of time."""
    config = folder / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1m, evaluation_interval: 1m}\n")
    port = free_port()
    command = (
        found, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=warn",
    )  # fmt: skip
    with RealServer(command, port, folder / "log").start() as server:
        fill(server.url, series)
        yield server


def fill(url: str, series: Mapping[SeriesKey, tuple[Sequence[float], Sequence[float]]]) -> None:
    """Write samples to a server, in order of time."""
    first = min(times[0] for times, _ in series.values())
    last = max(times[-1] for times, _ in series.values())
    at = first
    while at <= last:
        part = []
        for labels, (times, values) in series.items():
            inside = [(time, value) for time, value in zip(times, values, strict=True) if at <= time < at + AT_ONCE]
            if inside:
                part.append(Written(dict(labels), inside))
        answer = write(url, part)
        assert answer.status_code in (200, 204), answer.text
        at += AT_ONCE


class Asked:
    """Questions to the HTTP API of a server."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def instant(self, query: str, at: float) -> Any:
        """The answer in the shape of `plain`."""
        return plain(self._client.post("/api/v1/query", data={"query": query, "time": f"{at:.3f}"}).json())

    def range(self, query: str, start: float, end: float, step: float) -> Any:
        """The answer in the shape of `plain`."""
        form = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return plain(self._client.post("/api/v1/query_range", data=form).json())

    def close(self) -> None:
        self._client.close()


def plain(said: Any) -> Any:
    """("error", type, words), or (result type, series in order), a series being (labels, [(time, value)...])."""
    if said["status"] != "success":
        return "error", said["errorType"], said["error"]
    data = said["data"]
    kind, result = data["resultType"], data["result"]
    if kind == "string":
        return kind, result[1]
    if kind == "scalar":
        return "vector", [((), [(result[0], float(result[1]))])]
    lines = []
    for one in result:
        points = one["values"] if "values" in one else [one["value"]]
        lines.append((tuple(sorted(one["metric"].items())), [(at, float(value)) for at, value in points]))
    return kind, lines


def same(theirs: Any, ours: Any, *, ordered: bool) -> str:
    """Empty when two answers agree, else what is different."""
    if theirs[0] != ours[0]:
        return f"{_brief(theirs)} against {_brief(ours)}"
    if theirs[0] == "error":
        return "" if theirs[1] == ours[1] else f"{_brief(theirs)} against {_brief(ours)}"
    if theirs[0] == "string":
        return "" if theirs[1] == ours[1] else f"{theirs[1]!r} against {ours[1]!r}"
    first, second = theirs[1], ours[1]
    if not ordered:
        first, second = sorted(first, key=lambda line: line[0]), sorted(second, key=lambda line: line[0])
    if [labels for labels, _ in first] != [labels for labels, _ in second]:
        return f"series {[line[0] for line in first][:4]} against {[line[0] for line in second][:4]}"
    for (labels, points), (_, others) in zip(first, second, strict=True):
        if [at for at, _ in points] != [at for at, _ in others]:
            first, second = [at for at, _ in points][:3], [at for at, _ in others][:3]
            return f"{labels}: times {first}.. {len(points)} against {second}.. {len(others)}"
        for (at, value), (_, other) in zip(points, others, strict=True):
            if not close(value, other):
                return f"{labels} at {at}: {value!r} against {other!r}"
    return ""


def close(one: float, other: float) -> bool:
    """Equal but for the last digits."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-300)


def empty(answer: Any) -> bool:
    """Whether an answer has no values."""
    return answer[0] != "error" and not answer[1]


def _brief(answer: Any) -> str:
    return str(answer)[:200]
