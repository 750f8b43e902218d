"""Equal questions are one question, while it is open and while its answer is fresh."""

from __future__ import annotations

import asyncio

import pytest

from tests.telemetry.fake_time import FakeClock, FakeSource, settle
from warroom.telemetry import errors
from warroom.telemetry.ask_limits import MINUTE, Cap, Caps, OverCap
from warroom.telemetry.cache import Answers
from warroom.telemetry.relay import LIVE, PAST, By, Habits, Relay


class Oracle:
    """Answers when it is let to."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.fail: Exception | None = None
        self.size = 10

    async def __call__(self) -> bytes:
        self.asked += 1
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        return b"x" * self.size


async def test_many_who_ask_the_same_share_one_question_and_its_very_bytes():
    oracle, answers = Oracle(), Answers(FakeClock())
    asked = [asyncio.ensure_future(answers.get("q", 2.0, oracle)) for _ in range(200)]
    await settle()
    oracle.gate.set()
    bodies = await asyncio.gather(*asked)
    assert oracle.asked == 1
    assert all(body is bodies[0] for body in bodies)


async def test_an_answer_is_kept_while_it_is_fresh_and_no_longer():
    clock = FakeClock()
    oracle, answers = Oracle(), Answers(clock)
    oracle.gate.set()
    await answers.get("q", 2.0, oracle)
    await clock.advance(1.9)
    assert answers.how("q") == "cached"
    await answers.get("q", 2.0, oracle)
    assert oracle.asked == 1
    await clock.advance(0.2)
    await answers.get("q", 2.0, oracle)
    assert oracle.asked == 2


async def test_a_failure_reaches_all_who_wait_and_is_not_kept():
    oracle, answers = Oracle(), Answers(FakeClock())
    oracle.fail = errors.Unreachable("gone")
    asked = [asyncio.ensure_future(answers.get("q", 60.0, oracle)) for _ in range(3)]
    await settle()
    oracle.gate.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(result) for result in results] == ["gone"] * 3
    oracle.fail = None
    assert await answers.get("q", 60.0, oracle)
    assert oracle.asked == 2


async def test_who_gives_up_takes_the_answer_from_nobody_else():
    oracle, answers = Oracle(), Answers(FakeClock())
    first, second = (asyncio.ensure_future(answers.get("q", 2.0, oracle)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    oracle.gate.set()
    assert await second == b"x" * 10
    assert oracle.asked == 1


async def test_what_is_kept_is_bounded_in_entries_and_bytes():
    oracle, answers = Oracle(), Answers(FakeClock(), entries=10, size=1000)
    oracle.gate.set()
    for n in range(50):
        await answers.get(n, 60.0, oracle)
    assert len(answers) == 10
    assert answers.how(49) == "cached"
    assert answers.how(39) == "asked"
    oracle.size = 120
    for n in range(50):
        await answers.get(f"large {n}", 60.0, oracle)
    assert answers.size <= 1000
    oracle.size = 500
    await answers.get("too large to keep", 60.0, oracle)
    assert answers.how("too large to keep") == "asked"


async def test_the_longest_unused_goes_first():
    oracle, answers = Oracle(), Answers(FakeClock(), entries=2)
    oracle.gate.set()
    await answers.get("a", 60.0, oracle)
    await answers.get("b", 60.0, oracle)
    await answers.get("a", 60.0, oracle)
    await answers.get("c", 60.0, oracle)
    assert (answers.how("a"), answers.how("b")) == ("cached", "asked")


async def test_a_person_and_a_room_may_ask_so_much_and_the_sentence_says_when_again():
    clock = FakeClock()
    caps = Caps(clock, Cap(at_once=2, a_minute=3), Cap(at_once=3, a_minute=5))
    with caps.taken("ana", "INC-1"), caps.taken("ana", "INC-1"):
        with pytest.raises(OverCap, match="you have 2 questions on their way"), caps.taken("ana", "INC-1"):
            pass
        with caps.taken("bo", "INC-1"):
            with pytest.raises(OverCap, match="this room has 3 questions"), caps.taken("cy", "INC-1"):
                pass
            with caps.taken("cy", "INC-2"):
                pass
    with caps.taken("ana", ""):
        pass
    sentence = "you have asked 3 questions within a minute, the most; wait 60 s"
    with pytest.raises(OverCap, match=sentence), caps.taken("ana", ""):
        pass
    await clock.advance(MINUTE)
    with caps.taken("ana", "INC-1"):
        pass


async def test_caps_remember_a_bounded_number_of_people():
    caps = Caps(FakeClock(), Cap(1, 10), Cap(1, 10))
    for n in range(20_000):
        with caps.taken(f"person {n}", f"room {n}"):
            pass
    assert len(caps._uses) <= 5001


async def test_shared_answers_count_towards_no_cap():
    source, clock = FakeSource(), FakeClock()
    habits = Habits(person=Cap(at_once=5, a_minute=2))
    async with Relay({"prometheus": source}, clock=clock, habits=habits) as relay:
        ana = By("ana", "INC-1")
        for _ in range(30):
            await relay.explore("prometheus", "up", 0, 1, 1, ana)
        await relay.explore("prometheus", "down", 0, 1, 1, ana)
        with pytest.raises(OverCap):
            await relay.explore("prometheus", "other", 0, 1, 1, ana)
        await relay.explore("prometheus", "other", 0, 1, 1, By("bo", "INC-1"))
        assert len(source.asked) == 3
        page = relay.metrics()
        assert 'shared_answers_total{source="prometheus",how="cached"} 29' in page
        assert "over_cap_total 1" in page


async def test_answers_about_the_present_are_fresh_for_less_than_those_about_the_past():
    source, clock = FakeSource(), FakeClock()
    async with Relay({"prometheus": source}, clock=clock) as relay:
        now = clock.now()

        async def ask(end: float) -> None:
            await relay.explore("prometheus", "up", end - 60, end, 10)

        for end in (now, now - 600):
            await ask(end)
            await ask(end)
        assert len(source.asked) == 2
        await clock.advance(LIVE)
        await ask(now)
        await ask(now - 600)
        assert len(source.asked) == 3
        await clock.advance(PAST)
        await ask(now - 600)
        assert len(source.asked) == 4
