"""The exercise's time: it stands, runs at any pace, pauses, and never goes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.tabletop.clock import ExerciseClock

START = datetime(2026, 3, 3, 13, 42, tzinfo=UTC)


class Ticks:
    """Real time, by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_it_stands_until_it_is_started_and_again_while_paused():
    ticks = Ticks()
    clock = ExerciseClock(START, ticks)
    ticks.at += 50
    assert clock.moment() == START
    clock.pace(10)
    ticks.at += 6
    assert clock.moment() == START + timedelta(seconds=60)
    clock.pace(0)
    ticks.at += 1000
    assert clock.monotonic() == 60
    clock.pace(1)
    ticks.at += 5
    assert clock.monotonic() == 65


def test_from_its_end_on_charts_stand_and_talk_takes_its_real_time():
    ticks = Ticks()
    clock = ExerciseClock(START, ticks)
    clock.pace(20)
    ticks.at += 3.5
    stopped = clock.moment()
    ticks.at += 0.1
    clock.end(stopped)
    ended = clock.moment()
    ticks.at += 600
    assert clock.now() == stopped.timestamp()
    assert clock.moment() == ended + timedelta(minutes=10)


@given(st.lists(st.tuples(st.sampled_from((0.0, 0.5, 1.0, 7.0, 60.0)), st.floats(0, 100)), max_size=20))
def test_its_time_never_goes_back(paces):
    ticks = Ticks()
    clock = ExerciseClock(START, ticks)
    before = clock.monotonic()
    for speed, seconds in paces:
        clock.pace(speed)
        ticks.at += seconds
        assert clock.monotonic() >= before
        before = clock.monotonic()


@pytest.mark.parametrize("speed", [-1, 0.01, 601, float("nan")])
def test_a_pace_at_which_nothing_could_be_followed_is_refused(speed):
    with pytest.raises(ValueError, match="speed is"):
        ExerciseClock(START).pace(speed)


async def test_who_waits_is_not_left_behind_by_another_pace():
    clock = ExerciseClock(START)
    waiting = asyncio.create_task(clock.until(600))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.pace(0.1)
    await asyncio.sleep(0)
    clock.go_on_from(599.9)
    clock.pace(600)
    async with asyncio.timeout(20):
        await waiting
    assert clock.monotonic() >= 600
