"""What holds for every Loki: tried on the recordings, and on a live one with `--loki-url http://host:3100`.

A live one is only read, unless `--contract-write` allows to push a few lines of a stream of its own.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

import pytest

from tests.contract.loki_cases import BY_NAME
from tests.contract.replay import Replay, exchanges, params_of
from warroom.telemetry.clock import SystemClock
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki import Loki
from warroom.telemetry.source import Source

RECORDED = exchanges("loki-3.7.6")


def law_of_lines(asked, answer):
    lines, full, _ = answer
    times = [line.ns for line in lines]
    assert times == sorted(times, reverse=asked.get("direction") != "forward")
    assert all(asked["start"] <= at < asked["end"] for at in times)
    assert full == (len(lines) == asked["limit"])
    assert all(list(line.labels) == sorted(line.labels) and line.service for line in lines)
    assert len(lines) > 0


def law_of_matrix(asked, answer):
    step = float(asked["step"].removesuffix("s"))
    assert answer
    for labels, times, values in answer:
        assert list(labels) == sorted(labels)
        assert len(times) == len(values) > 0
        assert all(later > sooner and (later - sooner) % step == 0 for sooner, later in pairwise(times))


def law_of_vector(asked, answer):
    assert answer
    assert all(abs(at - asked["time"] / 1e9) < 1 and value > 0 for _, at, value in answer)


def law_of_names(asked, answer):
    assert list(answer) == sorted(set(answer))
    assert "service_name" in answer


def law_of_values(asked, answer):
    assert list(answer) == sorted(set(answer))
    assert len(answer) > 0


def law_of_series(asked, answer):
    assert answer
    assert all(dict(one)["service_name"] for one in answer)


def law_of_fields(asked, answer):
    names = [name for name, *_ in answer]
    assert names == sorted(names)
    assert all(cardinality > 0 and kind for _, kind, cardinality, _ in answer)


def law_of_text(asked, answer):
    assert answer.startswith(("sum by", "3.", "2."))


LAWS = {
    "query_range_streams_backward": law_of_lines,
    "query_range_streams_forward": law_of_lines,
    "query_range_parsed_categorized": law_of_lines,
    "metric_rate": law_of_matrix,
    "instant_metric_vector": law_of_vector,
    "labels": law_of_names,
    "label_values": law_of_values,
    "series": law_of_series,
    "detected_fields": law_of_fields,
    "format_query": law_of_text,
    "buildinfo": law_of_text,
}


@asynccontextmanager
async def live(url, may_write):
    """A live Loki and the parameters under which lines are found: 60 of its own where writing is allowed, else those
    of some service of the last hour.
    """
    now = time.time_ns()
    start, end = now - 3_600_000_000_000, now + 1_000_000_000
    loki = Loki(Source(url, "loki"))
    try:
        service = await pushed(loki, now) if may_write else await somebody(loki, now)
        yield loki, {"start": start, "end": end, "time": now, "service": service, "query": selector(service)}
    finally:
        await loki.close()


def selector(service):
    return f'{{service_name="{service}"}}'


async def pushed(loki, now):
    service = f"warroom-contract-{uuid.uuid4().hex[:8]}"
    labels = (("env", "contract"), ("service", service))
    text = 'level=info msg="charge card" order_id={}'
    await loki.push([LogLine(now - (60 - at) * 1_000_000_000, text.format(at), labels) for at in range(60)])
    # A query may reach an ingester that has not got them yet.
    for _ in range(50):
        if len((await loki.query_range_ns(selector(service), now - 120 * 1_000_000_000, now)).lines) == 60:
            return service
        await SystemClock().wait(0.1)
    raise AssertionError("lines that were pushed are not found within 5 s")


async def somebody(loki, now):
    names = await loki.label_values("service_name", start=now / 1e9 - 3600, end=now / 1e9)
    for name in names:
        if (await loki.query_range(selector(name), now / 1e9 - 3600, now / 1e9, 1)).lines:
            return name
    pytest.skip("no service has lines in the last hour, and --contract-write is not given")


def asked_live(name, found):
    recorded = {**params_of(RECORDED[name]), "path": RECORDED[name]["request"]["path"]}
    for key in ("start", "end", "time"):
        if key in recorded:
            recorded[key] = found[key]
    if "match[]" in recorded:
        recorded["match[]"] = found["query"]
    if "query" in recorded and name != "format_query":
        for service in ("payment", "cart"):
            recorded["query"] = recorded["query"].replace(f'{{service="{service}"}}', found["query"])
        recorded["query"] = recorded["query"].replace('{env="prod"}', found["query"])
    return recorded


@pytest.mark.parametrize("name", LAWS)
async def test_law_holds_for_the_recording(name):
    asked = {**params_of(RECORDED[name]), "path": RECORDED[name]["request"]["path"]}
    loki = Loki(Source("http://loki:3100", "loki"), transport=Replay(RECORDED[name]))
    LAWS[name](asked, await BY_NAME[name].ask(loki, asked))
    await loki.close()


@pytest.mark.parametrize("name", LAWS)
async def test_law_holds_for_a_live_one(name, loki_url, may_write):
    async with live(loki_url, may_write) as (loki, found):
        asked = asked_live(name, found)
        LAWS[name](asked, await BY_NAME[name].ask(loki, asked))


async def test_a_live_one_tells_its_errors_and_pages_without_gap_or_repeat(loki_url, may_write):
    async with live(loki_url, may_write) as (loki, found):
        await loki.ready()
        with pytest.raises(BadQuery, match="syntax error"):
            await loki.query_range_ns(found["query"][:-1], found["start"], found["end"])
        for direction in ("forward", "backward"):
            pages = [page async for page in loki.pages(found["query"], found["start"], found["end"], direction, 700)]
            lines = [line for page in pages for line in page.lines]
            whole = await loki.query_range_ns(found["query"], found["start"], found["end"], 5000)
            assert sorted(lines, key=place_of) == sorted(whole.lines, key=place_of)


def place_of(line):
    return line.ns, line.labels, line.text, line.metadata


async def test_a_live_tail_says_what_is_pushed(loki_url, may_write):
    if not may_write:
        pytest.skip("--contract-write is not given")
    async with live(loki_url, may_write) as (loki, found):
        labels = (("env", "contract"), ("service", found["service"]))
        heard = []
        async with asyncio.timeout(30), aclosing(loki.tail(found["query"], limit=60)) as tail:
            async for batch in tail:
                heard += [line.text for line in batch.lines]
                if len(heard) == 60:
                    await loki.push([LogLine(time.time_ns(), "pushed while tailing", labels)])
                if "pushed while tailing" in heard:
                    break
        assert len(heard) == 61
