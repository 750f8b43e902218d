"""Tails: one upstream for all, slow readers keep nobody waiting, and nothing is lost unsaid."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.telemetry.fake_time import START, FakeClock, settle
from warroom.telemetry import errors
from warroom.telemetry.line_frames import encode_lines, read_lines
from warroom.telemetry.logs import LogBatch, LogLine
from warroom.telemetry.relay import Habits, Relay
from warroom.telemetry.tails import TailHabits

LABELS = (("app", "checkout"),)
OTHER = (("app", "payments"),)


def line(number: int, text: str = "", labels: tuple[tuple[str, str], ...] = LABELS) -> LogLine:
    return LogLine(int(START * 1e9) + number, text or f"line {number}", labels, (("trace_id", f"{number:x}"),))


class Loki:
    """Gives out what the test says, when it says so."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, float | None]] = []
        self.closed = 0
        self.trouble: Callable[[errors.TelemetryError | None], None] = lambda _: None
        self._feeds: list[asyncio.Queue[LogBatch | Exception]] = []

    async def tail(
        self, query: str, start: float | None = None, limit: int = 100, *, trouble: Any = None
    ) -> AsyncIterator[LogBatch]:
        self.opened.append((query, start))
        self.trouble = trouble
        feed: asyncio.Queue[LogBatch | Exception] = asyncio.Queue()
        self._feeds.append(feed)
        try:
            while True:
                said = await feed.get()
                if isinstance(said, Exception):
                    raise said
                yield said
        finally:
            self.closed += 1
            self._feeds.remove(feed)

    def say(self, lines: Iterable[LogLine], lost: int = 0, backfilled: int = 0) -> None:
        for feed in self._feeds:
            feed.put_nowait(LogBatch(tuple(lines), lost, backfilled))

    def fail(self, error: Exception) -> None:
        for feed in list(self._feeds):
            feed.put_nowait(error)


class Reader:
    """Reads frames from their bytes, as a console does."""

    def __init__(self) -> None:
        self.behind = False
        self.bodies: list[bytes] = []
        self.lines: list[LogLine] = []
        self.numbers: list[int] = []
        self.states: list[str] = []
        self.lost = 0
        self.dropped = 0

    def __call__(self, body: bytes, lost: int) -> None:
        assert not self.behind
        self.bodies.append(body)
        self.lost += lost
        said = orjson.loads(body)
        if said["kind"] == "lines":
            frame = read_lines(said)
            self.lines += frame.lines
            self.numbers += range(frame.first, frame.first + len(frame.lines))
            self.dropped += frame.lost
        else:
            self.states.append(said["kind"])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def loki() -> Loki:
    return Loki()


@pytest.fixture
async def relay(clock, loki) -> AsyncIterator[Relay]:
    async with Relay({"loki": loki}, clock=clock, chance=random.Random(1)) as relay:
        yield relay


def relay_with(loki: Loki, clock: FakeClock, **habits: Any) -> Relay:
    return Relay({"loki": loki}, clock=clock, habits=Habits(tails=TailHabits(**habits)), chance=random.Random(1))


async def test_all_who_follow_a_query_share_one_tail_and_one_encoding(relay, clock, loki):
    readers = [Reader() for _ in range(200)]
    for reader in readers:
        relay.tail("loki", '{app="checkout"}', reader)
    await settle()
    loki.say([line(1), line(2, labels=OTHER)])
    await clock.advance(1)
    assert len(loki.opened) == 1
    assert all(reader.lines == [line(1), line(2, labels=OTHER)] for reader in readers)
    assert all(reader.bodies[0] is readers[0].bodies[0] for reader in readers)
    assert "warroom_telemetry_tails 1" in relay.metrics()
    assert "warroom_telemetry_tail_readers 200" in relay.metrics()
    assert "warroom_telemetry_tail_lines_total 2" in relay.metrics()


async def test_other_queries_have_tails_of_their_own(relay, clock, loki):
    relay.tail("loki", "{a=1}", Reader())
    relay.tail("loki", "{b=1}", Reader())
    await settle()
    assert [query for query, _ in loki.opened] == ["{a=1}", "{b=1}"]


async def test_a_newcomer_gets_the_newest_lines_at_once(clock, loki):
    async with relay_with(loki, clock, first=50) as relay:
        relay.tail("loki", "q", Reader())
        await settle()
        loki.say([line(n) for n in range(300)])
        await clock.advance(1)
        late = Reader()
        relay.tail("loki", "q", late)
        assert [one.text for one in late.lines] == [f"line {n}" for n in range(250, 300)]
        assert late.lost == 0
        loki.say([line(300)])
        await clock.advance(1)
        assert late.lines[-1] == line(300)


async def test_lines_are_merged_into_a_few_frames_a_second(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    for n in range(100):
        loki.say([line(n)])
        await clock.advance(0.01)
    await clock.advance(0.2)
    assert reader.numbers == list(range(100))
    assert len(reader.bodies) <= 12


async def test_a_slow_reader_misses_frames_is_told_how_many_lines_and_delays_nobody(clock, loki):
    async with relay_with(loki, clock, kept=100, first=10) as relay:
        fast, slow = Reader(), Reader()
        relay.tail("loki", "q", fast)
        relay.tail("loki", "q", slow)
        await settle()
        loki.say([line(0)])
        await clock.advance(1)
        slow.behind = True
        for n in range(1, 501):
            loki.say([line(n)])
            await clock.advance(0.2)
        assert fast.numbers == list(range(501))
        assert slow.numbers == [0]
        slow.behind = False
        await clock.advance(1)
        assert slow.numbers == [0, *range(401, 501)]
        assert slow.lost == 400
        loki.say([line(501)])
        await clock.advance(1)
        assert slow.numbers[-1] == fast.numbers[-1] == 501
        assert slow.lost == 400
        assert "tail_lost_total 400" in relay.metrics()


async def test_a_reader_that_fills_up_within_one_answer_gets_the_rest_later(clock, loki):
    class Narrow(Reader):
        def __call__(self, body: bytes, lost: int) -> None:
            super().__call__(body, lost)
            self.behind = True

    async with relay_with(loki, clock, frame=10) as relay:
        reader = Narrow()
        relay.tail("loki", "q", reader)
        await settle()
        loki.say([line(n) for n in range(35)])
        for _ in range(4):
            await clock.advance(0.2)
            assert reader.behind
            reader.behind = False
        await clock.advance(0.2)
        assert reader.numbers == list(range(35))
        assert reader.lost == 0


async def test_what_is_kept_is_bounded_in_bytes_and_long_lines_are_cut(clock, loki):
    async with relay_with(loki, clock, kept_bytes=10_000, longest=1000, frame_bytes=4000) as relay:
        reader = Reader()
        reader.behind = True
        relay.tail("loki", "q", reader)
        await settle()
        loki.say([line(n, "x" * 5000) for n in range(50)])
        await clock.advance(1)
        reader.behind = False
        await clock.advance(1)
        assert 5 <= len(reader.lines) <= 10
        assert reader.lost + len(reader.lines) == 50
        assert {len(one.text) for one in reader.lines} == {1001}
        assert all(len(body) < 6000 for body in reader.bodies)


async def test_what_the_source_dropped_is_told_to_everybody(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    loki.say([line(1)], lost=7, backfilled=3)
    await clock.advance(1)
    assert reader.dropped == 7
    assert orjson.loads(reader.bodies[0])["backfilled"] == 3


async def test_the_tail_ends_when_nobody_has_followed_for_the_grace_period(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    relay.untail("loki", "q", reader)
    await clock.advance(9)
    assert loki.closed == 0
    relay.tail("loki", "q", reader)
    await clock.advance(60)
    assert (loki.closed, len(loki.opened)) == (0, 1)
    relay.untail("loki", "q", reader)
    await clock.advance(11)
    assert loki.closed == 1
    loki.say([line(1)])
    await clock.advance(1)
    assert reader.lines == []
    assert "warroom_telemetry_tails 0" in relay.metrics()


async def test_an_interruption_is_trouble_and_goes_on_where_it_was(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    loki.say([line(1), line(2)])
    await clock.advance(1)
    loki.fail(errors.Unreachable("loki dropped the connection"))
    await clock.advance(0.3)
    assert reader.states == ["trouble"]
    late = Reader()
    relay.tail("loki", "q", late)
    assert late.states == ["trouble"]
    await clock.advance(3)
    assert loki.opened[-1] == ("q", pytest.approx(START, abs=1))
    loki.say([line(2), line(3)])
    await clock.advance(1)
    assert reader.states == ["trouble", "recovered"]
    assert reader.lines == [line(1), line(2), line(3)]
    trouble = next(orjson.loads(body) for body in reader.bodies if b"trouble" in body)
    assert (trouble["source"], trouble["reason"]) == ("loki", "unreachable")
    assert "dropped the connection" in trouble["message"]


async def test_a_silent_tail_counts_as_open_after_a_moment(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    loki.fail(errors.Unreachable("gone"))
    await clock.advance(6)
    assert reader.states == ["trouble", "recovered"]


async def test_what_the_client_tries_again_by_itself_is_told_too(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "q", reader)
    await settle()
    loki.trouble(errors.Unreachable("loki closed the tail"))
    await clock.advance(10)
    assert reader.states == ["trouble"]
    loki.trouble(None)
    await clock.advance(1)
    assert reader.states == ["trouble", "recovered"]
    assert len(loki.opened) == 1


async def test_a_refused_query_is_told_and_seldom_asked_again(relay, clock, loki):
    reader = Reader()
    relay.tail("loki", "{", reader)
    for _ in range(120):
        await clock.advance(1)
        loki.fail(errors.BadQuery("parse error"))
    assert set(reader.states) <= {"trouble", "recovered"}
    assert len(loki.opened) < 15


async def test_tails_are_bounded_and_those_in_grace_give_way(clock, loki):
    async with relay_with(loki, clock, most=2) as relay:
        first = Reader()
        relay.tail("loki", "1", first)
        relay.tail("loki", "2", Reader())
        with pytest.raises(errors.TooHeavy, match="2 queries"):
            relay.tail("loki", "3", Reader())
        relay.untail("loki", "1", first)
        relay.tail("loki", "3", Reader())
        await settle()
        assert "warroom_telemetry_tails 2" in relay.metrics()


async def test_a_reader_that_raises_is_dropped_and_hurts_nobody(relay, clock, loki, caplog):
    class Broken(Reader):
        def __call__(self, body: bytes, lost: int) -> None:
            raise RuntimeError("my own fault")

    good = Reader()
    relay.tail("loki", "q", Broken())
    relay.tail("loki", "q", good)
    await settle()
    loki.say([line(1)])
    await clock.advance(1)
    loki.say([line(2)])
    await clock.advance(1)
    assert good.lines == [line(1), line(2)]
    assert relay.counters.broken_subscribers == 1


async def test_a_source_without_lines_says_so(clock):
    async with Relay({"prometheus": object()}, clock=clock) as relay:
        with pytest.raises(errors.BadQuery, match="prometheus has no log lines"):
            relay.tail("prometheus", "up", Reader())


def test_frames_of_lines_come_back_equal_and_share_their_labels():
    lines = (line(1), line(2, labels=OTHER), LogLine(2**62 + 1, "no metadata", LABELS))
    from warroom.telemetry.line_frames import LineFrame

    frame = LineFrame("abc", 41, lines, 3, 2)
    body = encode_lines(frame)
    read = read_lines(orjson.loads(body))
    assert tuple(read.lines) == frame.lines
    assert read == replace(frame, lines=read.lines)
    assert read.lines[0].labels is read.lines[2].labels
    assert body.count(b"checkout") == 1


@pytest.mark.parametrize(
    "said",
    [{}, {"kind": "lines"}, {"tail": "a", "first": 0, "streams": [], "lines": [[0, "1", "x"]]},
     {"tail": "a", "first": "x", "streams": [], "lines": []}, {"tail": "a", "first": 0, "streams": [1], "lines": []},
     {"tail": "a", "first": 0, "streams": [{}], "lines": [[0, "soon", "x"]]}],
)  # fmt: skip
def test_what_is_no_frame_of_lines_is_a_value_error(said):
    with pytest.raises(ValueError, match="not a frame of lines"):
        read_lines(said)
