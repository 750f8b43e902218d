"""The facilitator's screen: what hosts see, and what their keys ask the facilitator for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.consoles import SIZES, screen_text, shows, until
from tests.tui.exercise.drill_story import VIEW, drill, drill_wire


@pytest.mark.parametrize("size", SIZES)
async def test_a_host_sees_the_script_with_what_comes_next(size: tuple[int, int]) -> None:
    async with drill(size, me="hana") as (_, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "next in 02:18"))
        row = next(row for row in screen_text(app) if "Press desk" in row)
        assert "▸" in row
        assert shows(app, "failed 5.2%")
        assert shows(app, "late 9.5%")
        await pilot.press("2")
        await until(pilot, lambda: shows(app, "pool leak checkout") and shows(app, "72%"))
        await until(pilot, lambda: shows(app, "loki") and shows(app, "20% errors"))
        await pilot.press("3")
        await until(pilot, lambda: shows(app, "WITHHELD"))
        await pilot.press("4")
        await until(pilot, lambda: shows(app, "waits for IC") and shows(app, "palliative"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_truth_is_folded_until_the_host_wants_it(size: tuple[int, int]) -> None:
    async with drill(size, me="hana") as (_, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "next in 02:18"))
        await pilot.press("5")
        await until(pilot, lambda: shows(app, "folded; t shows 2 parts"))
        assert not shows(app, "keeps a connection with every")
        await pilot.press("t")
        await until(pilot, lambda: shows(app, "A release of checkout keeps a connection"))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["space"], {"do": "pause", "told": {}}),
        (["plus"], {"do": "pace", "told": {"speed": 2.0}}),
        (["f"], {"do": "fire", "told": {"inject_id": "press"}}),
        (["x", "y"], {"do": "skip", "told": {"inject_id": "press"}}),
        (["r", "ctrl+u", *"20:00", "ctrl+s"], {"do": "reschedule", "told": {"inject_id": "press", "second": 1200}}),
        (["h", "ctrl+s"], {"do": "hint", "told": {"inject_id": "hint-pool"}}),
        (["v", "y"], {"do": "reveal", "told": {}}),
        (["2", "D", "ctrl+s"], {"do": "end-fault", "told": {"fault_id": "F1"}}),
        (["b", "ctrl+s"], {"do": "return", "told": {"who": "tomas"}}),
        (["u", "ctrl+s"], {"do": "restore", "told": {"tool": "loki"}}),
        (["C", "ctrl+s"], {"do": "end-override", "told": {"metric": "up"}}),
        (
            ["2", "down", "down", "down", "down", "down", "C", "ctrl+s"],
            {"do": "end-override", "told": {"metric": 'http_requests_total{service="cart"}'}},
        ),
        (["F", "ctrl+s"], {"do": "begin-fault", "told": {"fault": "F3"}}),
        (["Q", "ctrl+s"], {"do": "stop", "told": {"reason": "finished", "text": ""}}),
    ],
)
async def test_a_key_asks_the_facilitator(keys: list[str], told: dict[str, Any]) -> None:
    async with drill(me="hana") as (wire, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "next in 02:18"))
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: bool(wire.asked_for("facilitate")))
        asked = wire.asked_for("facilitate")[-1]
        assert {"do": asked["do"], "told": asked["told"]} == told
        await until(pilot, lambda: shows(app, "done"))


async def test_words_that_are_in_no_script_are_said_to_whom_they_are_for() -> None:
    async with drill(me="hana") as (wire, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "next in 02:18"))
        await pilot.press("w")
        await until(pilot, lambda: shows(app, "are not on the log"))
        await pilot.press("enter", *"Legal", "enter", *"Say nothing yet", "ctrl+s")
        await until(pilot, lambda: bool(wire.asked_for("facilitate")))
        assert wire.asked_for("facilitate")[-1]["told"] == {
            "to": "ana", "sender": "Legal", "text": "Say nothing yet", "whisper": True,
        }  # fmt: skip


async def test_what_the_facilitator_refuses_is_told_in_words() -> None:
    refusing = drill_wire("hana", {"facilitate": ValueError("inject press has come already")})
    async with drill(wire=refusing, me="hana") as (_, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "next in 02:18"))
        await pilot.press("f")
        await until(pilot, lambda: shows(app, "inject press has come already"))


async def test_a_pause_is_told_and_the_same_key_goes_on() -> None:
    standing = drill_wire("hana", {"exercise": {**VIEW, "speed": 0.0}})
    async with drill(wire=standing, me="hana") as (wire, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "PAUSED: space goes on"))
        await pilot.press("space")
        await until(pilot, lambda: bool(wire.asked_for("facilitate")))
        assert wire.asked_for("facilitate")[-1]["do"] == "resume"


async def test_a_player_gets_what_can_be_done_and_not_the_script() -> None:
    async with drill() as (wire, app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: shows(app, "What you can do"))
        await pilot.press("escape", "colon", *"control", "enter")
        await until(pilot, lambda: shows(app, "for those who host the exercise"))
        assert not wire.asked_for("exercise")
