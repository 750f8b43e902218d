"""A server that does not answer is left alone, and found again by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.telemetry.fake_time import FakeClock, FakeSource, settle
from tests.telemetry.watcher import Watcher
from warroom.telemetry import errors
from warroom.telemetry.breaker import FAILURES, MOST, TRIAL, Breaker, Paused
from warroom.telemetry.panel import Panel
from warroom.telemetry.relay import Relay

GONE = errors.Unreachable("loki refused the connection")


def opened(clock: FakeClock) -> Breaker:
    breaker = Breaker("loki", clock)
    for _ in range(FAILURES):
        breaker.admit()
        breaker.failed(GONE)
    return breaker


async def test_some_failures_in_a_row_open_it_and_an_answer_in_between_does_not():
    breaker = Breaker("loki", FakeClock())
    for _ in range(3 * FAILURES):
        breaker.admit()
        breaker.failed(GONE)
        breaker.admit()
        breaker.answered()
    assert breaker.state == "closed"


async def test_open_it_says_at_once_since_when_and_the_last_words():
    clock = FakeClock()
    breaker = opened(clock)
    assert breaker.state == "open"
    with pytest.raises(Paused, match=r"loki has not answered since 13:46:40 UTC .*refused") as paused:
        breaker.admit()
    assert paused.value.reason == "unreachable"
    assert paused.value.last_words == str(GONE)
    told = breaker.told
    assert (told.state, told.since, told.words) == ("open", clock.now(), str(GONE))
    assert told.retry_at > clock.now()


@pytest.mark.parametrize("answer", [errors.BadQuery("parse error"), errors.Denied("no"), errors.TooHeavy("much")])
async def test_a_refusal_of_the_question_is_a_sign_of_life(answer):
    breaker = Breaker("loki", FakeClock())
    for _ in range(3 * FAILURES):
        breaker.admit()
        breaker.failed(answer)
    assert breaker.state == "closed"


async def test_half_open_one_question_finds_out_for_all():
    clock = FakeClock()
    breaker = opened(clock)
    await clock.advance(breaker.wait)
    assert breaker.state == "half-open"
    breaker.admit()
    with pytest.raises(Paused):
        breaker.admit()
    assert breaker.answered()
    assert breaker.state == "closed"
    breaker.admit()
    breaker.admit()


async def test_a_failed_trial_opens_it_for_longer_up_to_a_most():
    clock = FakeClock()
    breaker = opened(clock)
    waits = [breaker.wait]
    for _ in range(8):
        await clock.advance(breaker.wait)
        breaker.admit()
        breaker.failed(GONE)
        waits.append(breaker.wait)
    assert waits == sorted(waits)
    assert waits[1] > waits[0]
    assert waits[-1] == MOST


async def test_a_trial_that_was_given_up_keeps_the_place_only_for_a_while():
    clock = FakeClock()
    breaker = opened(clock)
    await clock.advance(breaker.wait)
    breaker.admit()
    await clock.advance(TRIAL)
    breaker.admit()


class Ready(FakeSource):
    """One that can say whether it is ready; `asked_ready` counts."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_ready = 0

    async def ready(self) -> None:
        self.asked_ready += 1
        if self.fail is not None:
            raise self.fail


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source() -> Ready:
    return Ready()


@pytest.fixture
async def relay(clock, source) -> AsyncIterator[Relay]:
    async with Relay({"prometheus": source}, clock=clock, chance=random.Random(1)) as relay:
        yield relay


async def fail(relay: Relay, count: int) -> list[BaseException]:
    asked = [relay.explore("prometheus", f"up + {n}", 0, 1, 1) for n in range(count)]
    return [error for error in await asyncio.gather(*asked, return_exceptions=True) if isinstance(error, Exception)]


async def test_while_it_is_open_a_dead_source_is_asked_nothing_but_whether_it_is_back(relay, clock, source):
    source.fail = GONE
    await fail(relay, FAILURES)
    asked = len(source.asked)
    for error in await fail(relay, 50):
        assert isinstance(error, Paused)
    assert len(source.asked) == asked
    await clock.advance(120)
    assert len(source.asked) == asked
    assert 120 / MOST <= source.asked_ready <= 120 / MOST + 6
    (state,) = await relay.sources()
    assert (state.name, state.state, state.healthy) == ("prometheus", "open", False)
    assert "refused" in state.words


async def test_its_return_is_found_without_anybody_asking_and_whoever_waits_is_told_at_once(relay, clock, source):
    panels = [Panel(str(n), f"up + {n}", step=10.0, window=100.0) for n in range(5)]
    watchers = [Watcher() for _ in panels]
    for panel, watcher in zip(panels, watchers, strict=True):
        relay.watch(panel, watcher)
    await clock.advance(10)
    source.fail = GONE
    await clock.advance(300)
    assert 'breaker_open{source="prometheus"} 1' in relay.metrics()
    source.fail = None
    await clock.advance(MOST + 2)
    assert 'breaker_open{source="prometheus"} 0' in relay.metrics()
    for watcher in watchers:
        assert "Recovered" in watcher.kinds
        assert watcher.kinds[-1] in ("Full", "Delta")
    (state,) = await relay.sources()
    assert (state.state, state.healthy, state.words) == ("closed", True, "")


async def test_the_trouble_of_a_panel_tells_the_sources_words_and_not_the_breakers(relay, clock, source):
    source.fail = GONE
    watcher = Watcher()
    relay.watch(Panel("x", "up", step=10.0, window=100.0), watcher)
    await clock.advance(60)
    assert len(watcher.frames) > FAILURES
    assert {frame.message for frame in watcher.frames} == {str(GONE)}


async def test_one_dead_source_pauses_no_other(clock):
    dead, alive = Ready(), Ready()
    dead.fail = GONE
    async with Relay({"prometheus": alive, "loki": dead}, clock=clock) as relay:
        for n in range(FAILURES):
            with pytest.raises(errors.Unreachable):
                await relay.explore("loki", f"x{n}", 0, 1, 1)
        await settle()
        assert await relay.explore("prometheus", "up", 0, 1, 1)
        assert [source.state for source in await relay.sources()] == ["closed", "open"]
