"""What holds for every Jaeger: tried on the recordings, and on a live one with `--jaeger-url http://host:16686`.

A live one is only read: it traces itself, so there is always something to find.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, suppress

import pytest

from tests.contract.jaeger_cases import search_of
from tests.contract.replay import Replay, exchanges, params_of
from warroom.telemetry.errors import BadQuery
from warroom.telemetry.jaeger import Jaeger, NotConfigured
from warroom.telemetry.source import Source
from warroom.telemetry.trace_shape import shape_of
from warroom.telemetry.traces import TraceSearch

RECORDED = exchanges("jaeger-2.19.0")


def law_of_trace(trace):
    assert len(trace.trace_id) == 32
    known = {span.span_id for span in trace.spans}
    starts = [span.start for span in trace.spans]
    assert starts == sorted(starts)
    for span in trace.spans:
        assert len(span.span_id) == 16
        assert span.parent in known or span.parent == ""
        assert span.duration >= 0
        assert span.service
        assert span.start > 10**15, "microseconds"
    shape = shape_of(trace)
    assert sum(len(below) for below in shape.children.values()) + len(shape.roots) == len(trace.spans)


def law_of_search(wanted, found):
    assert 0 < len(found) <= wanted.limit
    assert [one.start for one in found] == sorted((one.start for one in found), reverse=True)
    for one in found:
        assert one.spans == sum(count for _, count in one.services) >= one.errors
        assert wanted.service in dict(one.services)
        assert (wanted.start - 3600) * 1_000_000 <= one.start <= wanted.end * 1_000_000


@asynccontextmanager
async def playing(name):
    jaeger = Jaeger(Source("http://jaeger:16686", "jaeger"), transport=Replay(RECORDED[name]))
    try:
        yield jaeger
    finally:
        await jaeger.close()


async def test_laws_hold_for_the_recordings():
    for name in ("trace", "trace_async_link_follows_from", "trace_clock_skew"):
        async with playing(name) as jaeger:
            law_of_trace(await jaeger.trace(RECORDED[name]["request"]["path"].split("/")[-1]))
    for name in ("search_service_limit2", "search_operation", "search_tags_json"):
        wanted = search_of(params_of(RECORDED[name]))
        async with playing(name) as jaeger:
            law_of_search(wanted, await jaeger.search(wanted))


async def test_laws_hold_for_a_live_one(jaeger_url):
    jaeger = Jaeger(Source(jaeger_url, "jaeger"))
    try:
        await jaeger.ready()
        services = await jaeger.services()
        assert list(services) == sorted(set(services))
        now = time.time()
        wanted = TraceSearch(services[0], now - 7200.0, now + 60.0, limit=5)
        found = await jaeger.search(wanted)
        law_of_search(wanted, found)
        law_of_trace(await jaeger.trace(found[0].trace_id.upper()))
        assert await jaeger.operations(services[0])
        assert all(edge.calls > 0 for edge in await jaeger.dependencies(now, 7200.0))
        with pytest.raises(BadQuery, match="trace not found"):
            await jaeger.trace("f" * 31 + "e")
        with suppress(NotConfigured):
            await jaeger.latencies([services[0]], now - 600.0, now, 60.0)
    finally:
        await jaeger.close()
