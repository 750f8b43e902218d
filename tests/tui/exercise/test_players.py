"""What a player of an exercise sees and does in the console."""

from __future__ import annotations

import pytest

from tests.tui.consoles import SIZES, screen_text, shows, until
from tests.tui.exercise.drill_story import DRILL, drill, drill_wire


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_says_that_it_is_an_exercise(size: tuple[int, int]) -> None:
    nothing = {"health": {"health": None}, "stack": {"stack": None}}
    async with drill(size, drill_wire(answers=nothing)) as (_, app, pilot):
        await until(pilot, lambda: shows(app, "EXERCISE") and shows(app, "T+12:42"))
        for key in ("X", "I", "M", "H", "f12"):
            await pilot.press(key)
            await until(pilot, lambda: "EXERCISE" in screen_text(app)[0] and "T+12:42" in screen_text(app)[0])
            await pilot.press("escape")
            await until(pilot, lambda: app.screen.__class__.__name__ == "BoardScreen")
        for key in ("n", "v", "s", "t", "h", "b", "question_mark", "f2", "ctrl+p"):
            await pilot.press(key)
            await until(pilot, lambda: app.screen.__class__.__name__ != "BoardScreen")
            await until(pilot, lambda: "EXERCISE" in screen_text(app)[0])
            await pilot.press("escape")
            await until(pilot, lambda: app.screen.__class__.__name__ == "BoardScreen")
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "EXERCISE  Checkout is slow"))


@pytest.mark.parametrize("size", SIZES)
async def test_an_approval_that_waits_for_me_is_told_and_given(size: tuple[int, int]) -> None:
    async with drill(size) as (wire, app, pilot):
        await until(pilot, lambda: shows(app, "1 waits for you (X)"))
        await pilot.press("X")
        await until(pilot, lambda: shows(app, "waits for you: a approves"))
        await pilot.press("a")
        await until(pilot, lambda: wire.states[DRILL].actions[2].status == "approved")
        await until(pilot, lambda: not shows(app, "for you (X)"))


async def test_an_action_is_asked_for_once_it_was_told_what_it_does() -> None:
    async with drill() as (wire, app, pilot):
        await pilot.press("X")
        await until(pilot, lambda: shows(app, "What you can do"))
        await pilot.press("G", "enter")
        await until(pilot, lambda: shows(app, "The replica becomes the primary"))
        await until(pilot, lambda: shows(app, "takes 05:00"))
        await pilot.press(*"lag is nil", "ctrl+s")
        await until(pilot, lambda: len(wire.states[DRILL].actions) == 4)
        assert wire.states[DRILL].actions[3].action == "failover"


async def test_what_is_for_another_duty_is_refused_in_words_before_it_is_sent() -> None:
    async with drill(me="sofia") as (wire, app, pilot):
        await pilot.press("X")
        await until(pilot, lambda: shows(app, "What you can do"))
        await pilot.press("G", "enter")
        await until(pilot, lambda: shows(app, "is for the incident commander"))
        assert len(wire.states[DRILL].actions) == 3


async def test_the_inbox_brings_what_was_whispered() -> None:
    async with drill() as (wire, app, pilot):
        await until(pilot, lambda: shows(app, "new (I)") or shows(app, "waits for you"))
        await pilot.press("I")
        await until(pilot, lambda: shows(app, "How much revenue is at risk"))
        assert shows(app, "in private")
        assert shows(app, "quiet Saturday")
        assert wire.asked_for("whispers")
        await pilot.press("escape")
        await until(pilot, lambda: not shows(app, "new (I)"))


async def test_a_whisper_that_comes_is_told() -> None:
    async with drill() as (wire, app, pilot):
        await pilot.press("I")
        await until(pilot, lambda: shows(app, "How much revenue"))
        before = len(wire.asked_for("whispers"))
        whisper = {"type": "deliver-inject", "inject": "two", "sender": "Legal", "to": "ana", "whispered": True}
        assert wire.act("facilitator", whisper, DRILL).accepted
        await until(pilot, lambda: shows(app, "Legal has a word for you"))
        await until(pilot, lambda: len(wire.asked_for("whispers")) > before)


async def test_the_safe_word_stops_it_from_anywhere() -> None:
    async with drill() as (wire, app, pilot):
        await pilot.press("M")
        await until(pilot, lambda: shows(app, "PromQL"))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.__class__.__name__ == "CommandPalette")
        await pilot.press(*"safe word")
        await until(pilot, lambda: shows(app, "Stop the exercise by its safe word"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "'REAL INCIDENT'"))
        await pilot.press("y")
        await until(pilot, lambda: wire.states[DRILL].exercise.running is False)  # type: ignore[union-attr]
        await until(pilot, lambda: shows(app, "STOPPED by the safe word"))


async def test_a_slash_stops_it_too() -> None:
    async with drill() as (wire, app, pilot):
        await pilot.press("colon", *"stop-exercise a real one", "enter")
        await until(pilot, lambda: shows(app, "Yes  y"))
        await pilot.press("y")
        await until(pilot, lambda: not wire.states[DRILL].exercise.running)  # type: ignore[union-attr]


async def test_hypotheses_have_a_probability_that_can_be_changed() -> None:
    async with drill((200, 55)) as (wire, app, pilot):
        await until(pilot, lambda: shows(app, "70%"))
        await pilot.press("8", "percent_sign")
        await until(pilot, lambda: shows(app, "How likely is it?"))
        await pilot.press("ctrl+u", *"85", "ctrl+s")
        await until(pilot, lambda: shows(app, "85%"))
        await pilot.press("colon", *"rate 2 5%", "enter")
        await until(pilot, lambda: wire.states[DRILL].hypotheses[1].probability == 0.05)


async def test_an_incident_that_is_no_exercise_says_so() -> None:
    from tests.tui.consoles import board

    async with board() as (_, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "is no exercise"))
        assert not any("EXERCISE" in row for row in screen_text(app))
