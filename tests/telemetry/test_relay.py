"""The relay in a time that the test owns, before a source whose data is known."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.fake_time import START, FakeClock, FakeSource, settle
from tests.telemetry.watcher import Watcher
from warroom.telemetry import errors
from warroom.telemetry.panel import Panel
from warroom.telemetry.relay import Habits, Parcel, Relay
from warroom.telemetry.series import Delta, Full, Recovered, Trouble

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


async def test_a_watcher_gets_the_window_at_once_and_then_increments(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await settle()
    assert watcher.kinds == ["Full"]
    assert watcher.window.count == PANEL.columns == 10
    await clock.advance(30)
    assert watcher.kinds == ["Full", "Delta", "Delta", "Delta"]
    assert all(frame.count == 1 for frame in watcher.frames[1:])
    assert watcher.window.series[0].values == watcher.window.series[0].times


async def test_a_new_column_is_told_at_the_very_time_it_stands_for(relay, clock):
    """So a sample is with the watcher at most one interval after the source has it."""
    told: list[float] = []
    relay.watch(PANEL, lambda parcel: told.append(clock.now() - decode_newest(parcel)))
    await clock.advance(200)
    assert len(told) == 21
    assert all(0 <= late < 0.01 for late in told[1:])


def decode_newest(parcel: Parcel) -> float:
    frame = parcel.frame
    assert isinstance(frame, Full | Delta)
    step = PANEL.step
    return frame.start + (frame.count - 1) * step


@pytest.mark.parametrize("watchers", [1, 20, 200])
async def test_the_questions_do_not_depend_on_how_many_watch(relay, clock, source, watchers):
    crowd = [Watcher() for _ in range(watchers)]
    for watcher in crowd:
        relay.watch(PANEL, watcher)
    await clock.advance(100)
    assert len(source.asked) == 11
    assert all(watcher.kinds == ["Full"] + ["Delta"] * 10 for watcher in crowd)


async def test_equal_panels_are_one_and_others_are_asked_at_other_moments(relay, clock, source):
    panels = [Panel(str(index), f"up + {index}", step=10, window=100) for index in range(8)]
    moments: list[float] = []
    for panel in (*panels, *(Panel(p.title, p.expr, step=10, window=100) for p in panels)):
        relay.watch(panel, lambda parcel: moments.append(round(clock.now(), 3)))
    await settle()
    assert len(source.asked) == 8
    moments.clear()
    await clock.advance(10)
    assert len(source.asked) == 16
    assert len(set(moments)) == 8


async def test_a_question_for_the_tail_overlaps_and_late_samples_are_caught(clock):
    late: set[float] = set()
    source = FakeSource({(): lambda at: None if at in late else 1.0})
    async with Relay({"prometheus": source}, clock=clock) as relay:
        watcher = Watcher()
        late.add(PANEL.time_of(PANEL.column_at(START)))
        relay.watch(PANEL, watcher)
        await settle()
        assert watcher.window.series[0].values[-1] is None
        late.clear()
        await clock.advance(10)
        assert watcher.kinds == ["Full", "Delta"]
        assert watcher.window.series[0].values == (1.0,) * 10
        _, start, end, step = source.asked[-1]
        assert (end - start, step) == (10, 10)


async def test_what_changed_long_ago_is_noticed_when_all_is_asked_again(clock):
    old = PANEL.time_of(PANEL.column_at(START))
    value = {old: 1.0}
    source = FakeSource({(): lambda at: value.get(at, 0.0)})
    async with Relay({"prometheus": source}, clock=clock, habits=Habits(resync=60)) as relay:
        watcher = Watcher()
        relay.watch(PANEL, watcher)
        await clock.advance(30)
        value[old] = 2.0
        await clock.advance(40)
        assert dict(zip(watcher.window.series[0].times, watcher.window.series[0].values, strict=True))[old] == 2.0
        assert "Full" not in watcher.kinds[1:]


async def test_a_newcomer_gets_the_window_from_memory(relay, clock, source):
    relay.watch(PANEL, Watcher())
    await clock.advance(50)
    asked = len(source.asked)
    late = Watcher()
    relay.watch(PANEL, late)
    assert late.kinds == ["Full"]
    assert len(source.asked) == asked
    await clock.advance(10)
    assert late.kinds == ["Full", "Delta"]


async def test_many_newcomers_share_one_encoding(relay, clock):
    relay.watch(PANEL, Watcher())
    await clock.advance(10)
    parcels: list[Parcel] = []
    for _ in range(3):
        relay.watch(PANEL, lambda parcel: parcels.append(parcel))
    assert parcels[0].body is parcels[1].body is parcels[2].body


async def test_watching_again_sends_the_window_again(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(20)
    relay.watch(PANEL, watcher)
    assert watcher.kinds == ["Full", "Delta", "Delta", "Full"]
    await clock.advance(10)
    assert watcher.kinds[4:] == ["Delta"]


async def test_nobody_watching_ends_the_questions_after_the_grace_period(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(10)
    relay.unwatch(PANEL.id, watcher)
    await clock.advance(29)
    during = len(source.asked)
    assert during >= 3
    await clock.advance(500)
    assert len(source.asked) <= during + 1
    assert watcher.kinds == ["Full", "Delta"]
    assert relay.state(PANEL.id) == ()
    assert "warroom_telemetry_panels 0" in relay.metrics()
    relay.watch(PANEL, watcher)
    await settle()
    assert watcher.kinds[-1] == "Full"


async def test_coming_back_within_the_grace_period_costs_no_question(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(10)
    relay.leave(watcher)
    await clock.advance(20)
    asked = len(source.asked)
    relay.watch(PANEL, watcher)
    assert watcher.kinds[-1] == "Full"
    assert len(source.asked) == asked
    await clock.advance(100)
    assert len(source.asked) == asked + 10


async def test_coming_back_in_the_moment_the_grace_period_ends_is_not_lost(relay, clock, source):
    """The panel's task has ended by then, and its end is not yet known to the relay."""
    first, second = Watcher(), Watcher()
    relay.watch(PANEL, first)
    await clock.advance(10)
    relay.leave(first)
    await clock.advance(clock.next_wake + 20)

    async def come_back() -> None:
        await clock.wait(clock.next_wake)
        relay.watch(PANEL, second)

    back = asyncio.ensure_future(come_back())
    await clock.advance(100)
    await back
    assert second.kinds[0] == "Full"
    assert second.kinds.count("Delta") >= 8


async def test_trouble_says_since_when_what_was_tried_and_the_last_value(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(20)
    last = watcher.newest
    source.fail = errors.Unreachable("prometheus refused the connection")
    await clock.advance(10)
    trouble = next(frame for frame in watcher.frames if isinstance(frame, Trouble))
    assert (trouble.source, trouble.reason, trouble.attempts) == ("prometheus", "unreachable", 1)
    assert trouble.message == "prometheus refused the connection"
    assert [(known.at, known.value) for known in trouble.last] == [(last, last)]
    since = trouble.since
    await clock.advance(60)
    trouble = watcher.frames[-1]
    assert isinstance(trouble, Trouble)
    assert trouble.since == since
    assert trouble.attempts > 3
    assert clock.now() < trouble.retry_at < clock.now() + 15


async def test_recovery_is_announced_and_no_point_is_lost_or_doubled(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(20)
    source.fail = errors.NotReady("starting")
    await clock.advance(40)
    source.fail = None
    await clock.advance(20)
    after = watcher.kinds[watcher.kinds.index("Recovered") :]
    assert after[:2] == ["Recovered", "Full"]
    assert "Trouble" not in after
    recovered = next(frame for frame in watcher.frames if isinstance(frame, Recovered))
    assert recovered.attempts == watcher.kinds.count("Trouble")
    assert watcher.window.series[0].values == watcher.window.series[0].times
    assert len(set(watcher.window.series[0].times)) == 10


async def test_a_newcomer_during_trouble_gets_the_window_and_the_trouble(relay, clock, source):
    relay.watch(PANEL, Watcher())
    await clock.advance(10)
    source.fail = errors.Unreachable("gone")
    await clock.advance(10)
    late = Watcher()
    relay.watch(PANEL, late)
    assert late.kinds == ["Full", "Trouble"]
    assert [type(frame).__name__ for frame in relay.state(PANEL.id)] == ["Full", "Trouble"]


async def test_pauses_grow_to_a_most_and_a_refused_question_waits_longer(relay, clock, source):
    source.fail = errors.Unreachable("gone")
    relay.watch(PANEL, Watcher())
    await clock.advance(600)
    unreachable = len(source.asked)
    assert 600 / 15 <= unreachable <= 600 / 7.5 + 6
    source.asked.clear()
    source.fail = errors.BadQuery("parse error")
    other = Watcher()
    relay.watch(Panel("y", "up +", step=1, window=10), other)
    relay.leave(other)
    relay.watch(Panel("y", "up +", step=1, window=10), other)
    await clock.advance(600)
    refused = [query for query, *_ in source.asked if query == "up +"]
    assert 600 / 60 <= len(refused) <= 600 / 30 + 8


async def test_a_first_question_that_fails_is_trouble_without_a_last_value(relay, clock, source):
    source.fail = errors.BadQuery("1:4: parse error")
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await settle()
    (trouble,) = watcher.frames
    assert isinstance(trouble, Trouble)
    assert (trouble.reason, trouble.last) == ("bad-query", ())


async def test_a_source_that_breaks_its_promise_is_trouble_and_not_silence(relay, clock, source, caplog):
    source.fail = ZeroDivisionError("bug")
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await settle()
    assert [frame.reason for frame in watcher.frames if isinstance(frame, Trouble)] == ["protocol"]
    source.fail = None
    await clock.advance(5)
    assert watcher.kinds[-1] == "Full"
    assert "ZeroDivisionError" in caplog.text


async def test_no_data_is_a_window_without_series_and_data_may_come_later(relay, clock, source):
    source.lines = {}
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(20)
    assert watcher.kinds == ["Full", "Delta", "Delta"]
    assert watcher.window.series == ()
    source.lines = {(("job", "a"),): lambda at: 1.0}
    await clock.advance(10)
    assert watcher.window.series[0].values[-1] == 1.0
    assert watcher.window.series[0].values[0] is None


async def test_a_series_that_ended_leaves_the_window_with_its_last_sample(relay, clock, source):
    source.lines = {(("i", "a"),): lambda at: 1.0, (("i", "b"),): lambda at: 2.0 if at <= START else None}
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(80)
    assert [series.legend for series in watcher.window.series] == ["i=a", "i=b"]
    await clock.advance(20)
    assert [series.legend for series in watcher.window.series] == ["i=a"]


async def test_a_clock_that_jumps_is_answered_with_a_whole_window(relay, clock, source):
    watcher = Watcher()
    relay.watch(PANEL, watcher)
    await clock.advance(20)
    for jump in (-3600, 7200):
        clock.wall += jump
        await clock.advance(20)
        assert "Full" in watcher.kinds[-2:]
        assert watcher.window.series[0].values == watcher.window.series[0].times
        assert abs(watcher.newest - clock.now()) <= 10
    assert "Trouble" not in watcher.kinds


async def test_a_slow_answer_skips_columns_and_is_followed_by_one_with_all_of_them(clock):
    gate = asyncio.Event()

    class Slow(FakeSource):
        async def range(self, query, start, end, step):
            answer = await super().range(query, start, end, step)
            if len(self.asked) == 2:
                await gate.wait()
            return answer

    source = Slow()
    async with Relay({"prometheus": source}, clock=clock) as relay:
        watcher = Watcher()
        relay.watch(PANEL, watcher)
        await clock.advance(55)
        assert len(source.asked) == 2
        gate.set()
        await clock.advance(10)
        assert [frame.count for frame in watcher.frames if isinstance(frame, Delta)] == [1, 5]
        assert watcher.window.series[0].values == watcher.window.series[0].times


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["pass", "fail", "join", "leave", "jump"]), st.integers(1, 60)), max_size=15))
def test_whatever_happens_who_watches_ends_with_the_truth(story):
    async def live() -> None:
        clock, source = FakeClock(), FakeSource()
        async with Relay({"prometheus": source}, clock=clock) as relay:
            watchers = [Watcher()]
            relay.watch(PANEL, watchers[0])
            for what, amount in story:
                source.fail = errors.Unreachable("gone") if what == "fail" else None
                if what == "join":
                    watchers.append(Watcher())
                    relay.watch(PANEL, watchers[-1])
                if what == "leave" and len(watchers) > 1:
                    relay.leave(watchers.pop())
                if what == "jump":
                    clock.wall += amount * 7 - 200
                await clock.advance(amount)
            source.fail = None
            await clock.advance(40.5)
            truth = PANEL.time_of(PANEL.column_at(clock.now()))
            for watcher in watchers:
                assert watcher.window is not None
                assert watcher.window.newest == truth
                assert watcher.window.series[0].values == watcher.window.series[0].times
                assert watcher.window.count == 10

    asyncio.run(live())
