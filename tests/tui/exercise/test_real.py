"""The console on a real exercise: its server, its imaginary production and its facilitator, with nothing made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tui.consoles import screen_text, shows, until
from warroom.app_exercise import ExercisePlan
from warroom.app_show import Show
from warroom.tabletop.headless import run_headless
from warroom.tabletop.library import installed
from warroom.tui.app import WarroomApp
from warroom.tui.screens.board import BoardScreen


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Show]:
    """A short exercise that a host has opened, standing at its first second."""
    found = installed().find("first-drill")
    assert found is not None
    plan = ExercisePlan(
        found.scenario, found.scenario.world.seed, "hana", tmp_path / "log", datetime(2026, 11, 21, 9, tzinfo=UTC),
        speed=20.0,
    )  # fmt: skip
    with Show(plan) as show:
        yield show


async def test_a_host_starts_it_speeds_it_up_says_a_word_and_stops_it(hosted: Show) -> None:
    hosted.open()
    app = WarroomApp(hosted.opener, hosted.options(theme="warroom-night"))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and shows(app, "PAUSED"))
        await until(pilot, lambda: shows(app, "E, then space starts it"))
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "PAUSED: space starts it") and shows(app, "Milestones"))
        await pilot.press("space")
        await until(pilot, lambda: not shows(app, "PAUSED: space"))
        await until(pilot, lambda: not shows(app, "T+00:00"))
        await pilot.press("space")
        await until(pilot, lambda: shows(app, "PAUSED: space goes on"))
        await pilot.press("a")
        await until(pilot, lambda: shows(app, "What they say"))
        await pilot.press("enter", *"Support", "enter", *"Customers call", "ctrl+s")
        await until(pilot, lambda: any(one.startswith("by-hand") for one in _state(app).exercise.injects))
        await pilot.press("v")
        await until(pilot, lambda: shows(app, "Reveal part 1"))
        await pilot.press("y")
        await until(pilot, lambda: any(one.kind == "truth-revealed" for one in _state(app).timeline))
        await pilot.press("Q")
        await until(pilot, lambda: shows(app, "Stop the exercise for everybody?"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not _state(app).exercise.running)
        await until(pilot, lambda: "finished" in screen_text(app)[0])
        assert _state(app).exercise.key
        await until(pilot, lambda: app.now() == _state(app).exercise.stopped_at)


async def test_who_goes_on_from_an_exercise_has_its_time_stand_until_they_are_there_and_then_run_as_they_asked(
    tmp_path: Path,
) -> None:
    found = installed().find("first-drill")
    assert found is not None
    played = run_headless(found.scenario, found.scenario.world.seed, "nothing", seconds=20)
    plan = ExercisePlan(
        found.scenario, found.scenario.world.seed, "ana", tmp_path / "log", played.start, speed=20.0,
        branch=(tuple(played.records), 10),
    )  # fmt: skip
    with Show(plan) as show:
        opened = show.open()
        assert opened.facilitator.state.exercise is not None
        assert (opened.facilitator.state.exercise.speed, opened.clock.monotonic()) == (0.0, 10.0)
        app = WarroomApp(show.opener, show.options(theme="warroom-night"))
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, BoardScreen) and shows(app, "20x"))
            app.exit()


async def test_a_host_sees_how_many_players_it_waits_for_and_may_start_without_them(tmp_path: Path) -> None:
    found = installed().find("first-drill")
    assert found is not None
    plan = ExercisePlan(
        found.scenario, found.scenario.world.seed, "hana", tmp_path / "log", datetime(2026, 11, 21, 9, tzinfo=UTC),
        players=2,
    )  # fmt: skip
    with Show(plan) as show:
        show.open()
        app = WarroomApp(show.opener, show.options(theme="warroom-night"))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, BoardScreen) and shows(app, "PAUSED"))
            await pilot.press("E")
            await until(pilot, lambda: shows(app, "PAUSED: waits for 2 players, space starts now"))
            await pilot.press("3")
            await until(pilot, lambda: shows(app, "has not opened the exercise"))
            await pilot.press("space")
            await until(pilot, lambda: shows(app, "1x") and not shows(app, "has not opened the exercise"))
            app.exit()


def _state(app: WarroomApp) -> Any:
    state = app.state_of(app.shown_incident)
    assert state is not None
    return state
