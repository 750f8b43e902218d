"""warroom's own client of Loki, and live tails, against the embedded one over real HTTP."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.contract.loki_cases import BY_NAME
from tests.contract.replay import exchanges
from tests.contract.test_loki_laws import LAWS, asked_live, place_of, selector
from tests.embedded.served_loki import NOW, served
from warroom.telemetry import errors
from warroom.telemetry.logs import LogLine
from warroom.telemetry.loki import Loki
from warroom.telemetry.source import Source

SECOND = 1_000_000_000
NOW_NS = round(NOW * SECOND)


@pytest.mark.parametrize("name", LAWS)
async def test_the_laws_of_a_loki_hold(name):
    labels = (("env", "contract"), ("service", "ours"))
    async with served() as there:
        loki = Loki(Source(there.url, "loki"))
        text = 'level=info msg="charge card" order_id={}'
        await loki.push([LogLine(NOW_NS - (60 - at) * SECOND, text.format(at), labels) for at in range(60)])
        found = {"start": NOW_NS - 3600 * SECOND, "end": NOW_NS + SECOND, "time": NOW_NS, "query": selector("ours")}
        asked = asked_live(name, found)
        LAWS[name](asked, await BY_NAME[name].ask(loki, asked))
        await loki.close()


async def test_pages_have_neither_gap_nor_repeat():
    async with served() as there:
        loki = Loki(Source(there.url, "loki"))
        labels = (("service", "ours"),)
        await loki.push([LogLine(NOW_NS - at // 3, f"line {at}", labels) for at in range(3000)])
        whole = await loki.query_range_ns(selector("ours"), 0 + NOW_NS - SECOND, NOW_NS + 1, 5000)
        assert len(whole.lines) == 3000
        for direction in ("forward", "backward"):
            pages = [page async for page in loki.pages(selector("ours"), NOW_NS - SECOND, NOW_NS + 1, direction, 700)]
            lines = [line for page in pages for line in page.lines]
            assert sorted(lines, key=place_of) == sorted(whole.lines, key=place_of)
        await loki.close()


async def test_a_mistake_is_told_by_the_client_as_one():
    async with served() as there:
        loki = Loki(Source(there.url, "loki"))
        with pytest.raises(errors.BadQuery, match="syntax error"):
            await loki.query_range_ns("{a=", NOW_NS - SECOND, NOW_NS)
        with pytest.raises(errors.TooHeavy, match="11,000 points"):
            await loki.matrix('rate({a="b"}[1m])', NOW - 86_400, NOW, 1)
        await loki.ready()
        assert await loki.version() == "3.7.6"
        await loki.close()


# -- the tail ----------------------------------------------------------------------------------------------------------


def ws(loki, query, **more):
    params = httpx.QueryParams({"query": query, **more})
    return f"ws{loki.url.removeprefix('http')}/loki/api/v1/tail?{params}"


CATEGORIZED = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}


async def frame(socket):
    async with asyncio.timeout(20):
        return json.loads(await socket.recv())


async def test_a_tail_begins_with_older_lines_and_goes_on_with_new_ones():
    labels = (("env", "lab"), ("service", "tail2"))
    async with served() as loki:
        loki.store.append([LogLine(NOW_NS - SECOND, "old", labels)])
        async with connect(ws(loki, '{service="tail2"}'), additional_headers=CATEGORIZED, proxy=None) as socket:
            first = await frame(socket)
            loki.store.append([LogLine(NOW_NS, "x", labels, (("trace_id", "bb"),))])
            second = await frame(socket)
    stream = {"env": "lab", "service": "tail2", "service_name": "tail2"}
    assert first["streams"] == [
        {
            "stream": stream,
            "values": [[str(NOW_NS - SECOND), "old", {"structuredMetadata": {"detected_level": "unknown"}}]],
        }
    ]
    beside = {"structuredMetadata": {"trace_id": "bb", "detected_level": "unknown"}}
    assert second == {
        "streams": [{"stream": stream, "values": [[str(NOW_NS), "x", beside]]}], "encodingFlags": ["categorize-labels"],
    }  # fmt: skip


async def test_a_live_tail_without_the_flag_drops_metadata_and_merges_what_it_parsed():
    labels = (("env", "lab"), ("service", "tail3"))
    async with (
        served() as loki,
        connect(ws(loki, '{service="tail3"}'), proxy=None) as bare,
        connect(ws(loki, '{service="tail3"} |= "keep" | logfmt'), proxy=None) as parsed,
    ):
        await settled(loki, 2)
        loki.store.append([LogLine(NOW_NS, "a=2 keep", labels), LogLine(NOW_NS + 1, "a=3", labels)])
        one, other = await frame(bare), await frame(parsed)
    stream = {"env": "lab", "service": "tail3", "service_name": "tail3"}
    assert [each["stream"] for each in one["streams"]] == [stream, stream]
    assert other["streams"] == [
        {"stream": {**stream, "a": "2", "detected_level": "unknown"}, "values": [[str(NOW_NS), "a=2 keep"]]}
    ]


async def settled(loki, listeners):
    """Until so many tails listen to the store."""
    async with asyncio.timeout(20):
        while len(loki.store._listeners) != listeners:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("name", ["tail_error_parse", "tail_error_delay_too_big"])
async def test_a_wrong_tail_is_refused_before_the_upgrade(name):
    recorded = exchanges("loki-3.7.6", "tails")[name]
    params = recorded["request"]["params"]
    async with served() as loki:
        more = {key: str(value) for key, value in params.items() if key != "query"}
        with pytest.raises(InvalidStatus) as refused:
            await connect(ws(loki, params["query"], **more), proxy=None)
    assert refused.value.response.status_code == recorded["status"]
    assert bytes(refused.value.response.body or b"").decode() == recorded["body"]


async def test_a_tail_of_a_metric_query_is_closed_with_the_reason():
    async with served() as loki, connect(ws(loki, 'rate({service="tail4"}[1m])'), proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await frame(socket)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "only log selector is supported")


async def test_a_tail_that_is_gone_listens_no_longer():
    async with served() as loki:
        async with connect(ws(loki, '{service="x"}'), proxy=None):
            await settled(loki, 1)
        await settled(loki, 0)


async def test_the_tail_of_warrooms_client_hears_all_of_a_burst():
    labels = (("service", "burst"),)
    async with served() as there:
        loki = Loki(Source(there.url, "loki"))
        there.store.append([LogLine(NOW_NS - SECOND, "first", labels)])
        heard = []
        async with asyncio.timeout(60), aclosing(loki.tail('{service="burst"}', NOW - 60)) as tail:
            async for batch in tail:
                if not heard:
                    for part in range(10):
                        there.store.append(
                            [LogLine(NOW_NS + part * 1000 + at, f"{part}-{at}", labels) for at in range(1000)]
                        )
                heard += [line.text for line in batch.lines]
                assert batch.lost == 0
                if len(heard) >= 10_001:
                    break
        await loki.close()
    assert sorted(heard) == sorted(["first", *(f"{part}-{at}" for part in range(10) for at in range(1000))])
