"""What the relay does not let anybody do to it: numbers, sizes, and watchers that fail."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.telemetry.fake_time import FakeClock, FakeSource, settle
from tests.telemetry.watcher import Watcher
from warroom.telemetry import errors
from warroom.telemetry.panel import Panel
from warroom.telemetry.relay import Habits, Parcel, Relay, UnknownSource
from warroom.telemetry.series import Full, decode
from warroom.telemetry.session import Source

PANEL = Panel("x", "up", step=10.0, window=100.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
async def relay(clock, source) -> AsyncIterator[Relay]:
    async with Relay({"prometheus": source}, clock=clock, chance=random.Random(1)) as relay:
        yield relay


async def test_a_watcher_that_raises_is_dropped_and_hurts_nobody(relay, clock, caplog):
    def broken(_parcel: Parcel) -> None:
        raise RuntimeError("my own fault")

    good = Watcher()
    relay.watch(PANEL, broken)
    relay.watch(PANEL, good)
    await clock.advance(30)
    assert good.kinds == ["Full", "Delta", "Delta", "Delta"]
    assert relay.counters.broken_subscribers == 1
    assert "warroom_telemetry_watchers 1" in relay.metrics()


async def test_panels_are_bounded_and_those_in_grace_give_way(clock, source):
    async with Relay({"prometheus": source}, clock=clock, habits=Habits(max_panels=2)) as relay:
        first, watcher = Panel("1", "up"), Watcher()
        relay.watch(first, watcher)
        relay.watch(Panel("2", "up"), Watcher())
        with pytest.raises(errors.TooHeavy, match="2 panels"):
            relay.watch(Panel("3", "up"), Watcher())
        relay.unwatch(first.id, watcher)
        relay.watch(Panel("3", "up"), Watcher())
        await clock.advance(100)
        assert relay.state(first.id) == ()
        assert "warroom_telemetry_panels 2" in relay.metrics()


async def test_an_unknown_source_is_named_with_those_there_are(relay):
    with pytest.raises(UnknownSource, match=r"'loki'.*prometheus"):
        relay.watch(Panel("x", "up", source="loki"), Watcher())


async def test_explore_lays_the_answer_on_its_own_grid(relay, source):
    full = decode(await relay.explore("prometheus", "up", 100.5, 104.5, 1.0))
    assert isinstance(full, Full)
    assert full.series[0].times == (100.5, 101.5, 102.5, 103.5, 104.5)
    assert full.series[0].values == full.series[0].times
    assert source.asked == [("up", 100.5, 104.5, 1.0)]
    for start, end, step in ((5.0, 1.0, 1.0), (1.0, 5.0, 0.0), (1.0, 5.0, float("nan"))):
        with pytest.raises(errors.BadQuery):
            await relay.explore("prometheus", "up", start, end, step)


async def test_explore_is_limited_in_number_and_says_so():
    gate = asyncio.Event()
    open_now = most = 0

    class Slow(FakeSource):
        async def range(self, query, start, end, step):
            nonlocal open_now, most
            open_now += 1
            most = max(most, open_now)
            await gate.wait()
            open_now -= 1
            return await super().range(query, start, end, step)

    habits = Habits(explore_at_once=2, explore_waiting=3)
    async with Relay({"prometheus": Slow()}, clock=FakeClock(), habits=habits) as relay:
        asked = [asyncio.ensure_future(relay.explore("prometheus", f"up + {n}", 0, 1, 1)) for n in range(6)]
        await settle()
        gate.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert most == 2
    assert [type(answer).__name__ for answer in answers] == ["bytes"] * 5 + ["TooHeavy"]


async def test_the_relay_counts_what_it_does(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    relay.watch(PANEL, Watcher())
    await clock.advance(10)
    source.fail = errors.Unreachable("gone")
    await clock.advance(10)
    page = relay.metrics()
    assert 'queries_total{source="prometheus",kind="panel",outcome="ok"} 2' in page
    failures = relay.counters.queries["prometheus", "panel", "unreachable"]
    paused = relay.counters.queries["prometheus", "panel", "paused"]
    assert failures >= 3
    assert failures + paused == watcher.kinds.count("Trouble")
    assert 'breaker_open{source="prometheus"} 1' in page
    assert f"warroom_telemetry_query_seconds_count {2 + failures}" in page
    assert f"warroom_telemetry_deliveries_total {2 * len(watcher.frames)}" in page
    assert "warroom_telemetry_watchers 2" in page


def test_a_source_shows_no_secret():
    assert "s3cret" not in repr(Source("http://h", token="s3cret"))
