"""The time of an exercise as a console tells it that has no part in the exercise's clock."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.consoles import shows, until
from tests.tui.exercise.drill_story import DRILL, drill, drill_wire, tell_drill
from tests.tui.local_wire import START, LocalWire, minutes
from warroom.incident.state import IncidentState
from warroom.tui.exercise.time import ExerciseTime, second_of


class Monotonic:
    """Seconds that go on by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def pace(wire: LocalWire, speed: float, at: float) -> IncidentState:
    """The state after a host set the pace, so many minutes in."""
    assert wire.act("hana", {"type": "set-pace", "speed": speed}, DRILL, at=START + minutes(at)).accepted
    return wire.states[DRILL]


def test_it_goes_on_at_the_pace_of_the_log_and_stands_in_a_pause() -> None:
    wire, monotonic = tell_drill(), Monotonic()
    time = ExerciseTime(monotonic)
    state = pace(wire, 60.0, 13)
    assert time.now(state) == START + minutes(13)
    monotonic.at += 2
    assert time.now(state) == START + minutes(15)
    state = pace(wire, 0.0, 15)
    assert time.now(state) == START + minutes(15)
    monotonic.at += 600
    assert time.now(state) == START + minutes(15)
    assert second_of(state, START + minutes(15)) == 900


def test_a_pace_that_changed_is_known_from_its_record_and_time_is_taken_back_to_it() -> None:
    wire, monotonic = tell_drill(), Monotonic()
    time = ExerciseTime(monotonic)
    time.now(pace(wire, 60.0, 13))
    monotonic.at += 10  # the pause came on the wire when this console had gone on already
    assert time.now(wire.states[DRILL]) == START + minutes(23)
    assert time.now(pace(wire, 0.0, 20)) == START + minutes(20)


@given(st.lists(st.tuples(st.floats(0.01, 50.0), st.floats(0.0, 5.0)), min_size=2, max_size=20))
def test_at_one_pace_it_never_goes_back_and_never_ahead_of_the_server(steps: list[tuple[float, float]]) -> None:
    wire, monotonic = tell_drill(), Monotonic()
    time = ExerciseTime(monotonic)
    began, server = monotonic.at, START + minutes(13)
    last = time.now(pace(wire, 10.0, 13))
    for wait, late in steps:
        monotonic.at += wait
        recorded = server + timedelta(seconds=(monotonic.at - began) * 10)
        wire.act("ana", {"type": "add-note", "text": "a note"}, DRILL, at=recorded)
        monotonic.at += late
        told = time.now(wire.states[DRILL])
        now = server + timedelta(seconds=(monotonic.at - began) * 10)
        assert told is not None
        assert last is not None
        assert told >= last
        assert told <= now + timedelta(milliseconds=1)
        last = told


def test_what_is_no_exercise_has_no_time_of_its_own() -> None:
    wire = LocalWire()
    wire.act("ana", {"type": "declare-incident", "title": "a real one"})
    assert ExerciseTime(Monotonic()).now(wire.states[DRILL]) is None


async def test_a_console_from_another_terminal_shows_the_exercises_time_and_not_its_own() -> None:
    wire = drill_wire()
    wire.act("hana", {"type": "set-pace", "speed": 0}, DRILL, at=START + minutes(12.7))
    later = wire.clock + timedelta(days=300)
    async with drill(wire=wire, clock=lambda: later, clock_is_exercises=False) as (_, app, pilot):
        await until(pilot, lambda: shows(app, "T+12:42") and shows(app, "PAUSED"))
        assert shows(app, "UTC 09:10:42")
        await pilot.press("X")
        await until(pilot, lambda: shows(app, "running, 01:18 left"))


async def test_from_the_end_on_what_is_shown_stands_and_what_is_written_goes_on() -> None:
    wire = drill_wire()
    wire.act("hana", {"type": "stop-exercise", "reason": "finished"}, DRILL, at=START + minutes(13))
    later = wire.clock + timedelta(minutes=45)
    async with drill(wire=wire, clock=lambda: later) as (_, app, pilot):
        await until(pilot, lambda: shows(app, "T+13:00") and shows(app, "finished"))
        assert shows(app, "UTC 09:11:00")
        assert app.now() == START + minutes(13)
        assert app.written_at(DRILL) == later


def test_when_it_has_ended_the_log_goes_on_in_real_time() -> None:
    wire, monotonic = tell_drill(), Monotonic()
    time = ExerciseTime(monotonic)
    time.now(pace(wire, 60.0, 13))
    assert wire.act("hana", {"type": "stop-exercise", "reason": "finished"}, DRILL, at=START + minutes(14)).accepted
    assert time.now(wire.states[DRILL]) == START + minutes(14)
    monotonic.at += 60
    assert time.now(wire.states[DRILL]) == START + minutes(15)


async def test_both_consoles_tell_the_same_time() -> None:
    told = []
    for own in (True, False):
        wire = drill_wire()
        wire.act("hana", {"type": "set-pace", "speed": 0}, DRILL, at=START + minutes(12.7))
        async with drill(wire=wire, clock_is_exercises=own) as (_, app, pilot):
            await until(pilot, lambda: shows(app, "PAUSED"))
            told.append(app.now())
    assert told[0] == told[1]
