"""Where the commander points is told once, and gone to by itself only where that is wanted and nobody types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.tui.consoles import ROOM, board, shows, until
from tests.tui.local_wire import LocalWire
from tests.tui.story import tell
from warroom.client.view import Spotlight
from warroom.tui.explore.metrics import MetricsScreen
from warroom.tui.guide import pointed_words
from warroom.tui.screens.board import BoardScreen

METRIC = {"pane": "metrics", "queries": ["up"], "start": 1_795_253_000.0, "end": 1_795_253_600.0, "live": True}


def point(wire: LocalWire, target: str, shown: dict[str, Any] | None = None, by: str = "marek") -> None:
    """Let somebody point the spotlight."""
    view = wire.latest
    room = replace(view.rooms[ROOM], spotlight=Spotlight(target, by, shown or {}) if target else None)
    wire.show(replace(view, rooms={**view.rooms, ROOM: room}))


@pytest.mark.parametrize(
    ("target", "shown", "words"),
    [
        ("entry:12", {}, "ana points at entry 12"),
        ("tasks", {}, "ana points at tasks"),
        ("logs", {"query": '{app="shop"}\n  |= "x"'}, 'ana points at logs: {app="shop"} |= "x"'),
        ("traces", {"id": "0af7651916cd43dd8448eb211c80319c", "span": "b"}, "ana points at traces: trace 0af76519"),
        ("metrics", {"queries": ["up", "down"]}, "ana points at metrics: up and 1 more"),
        ("logs", {"evidence": 3}, "ana points at logs: evidence 3"),
        ("services", {"service": ""}, "ana points at services"),
    ],
)
def test_who_points_at_what_is_told_in_a_few_words(target: str, shown: dict[str, Any], words: str) -> None:
    assert pointed_words(Spotlight(target, "ana", shown)) == words


def test_a_long_query_is_cut() -> None:
    assert len(pointed_words(Spotlight("logs", "ana", {"query": "x" * 5000}))) < 90


async def test_a_spotlight_is_told_once_also_in_a_pane_and_nothing_moves() -> None:
    async with board() as (wire, app, pilot):
        point(wire, "metrics", METRIC)
        await until(pilot, lambda: shows(app, "marek points at metrics: up"))
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("M")
        point(wire, "tasks")
        await until(pilot, lambda: shows(app, "marek points at tasks"))
        told = len(app._notifications)
        point(wire, "tasks")
        app.guide.look()
        await pilot.pause()
        assert len(app._notifications) == told, "an equal one is no news"


async def test_whoever_follows_is_taken_there_when_they_have_typed() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("W")
        await until(pilot, lambda: shows(app, "you follow the spotlight"))
        await pilot.press("c", "h", "i")
        point(wire, "metrics", METRIC)
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen), "nothing moves under somebody who types"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MetricsScreen) and app.screen.queries == ["up"])
        await pilot.press("W")
        point(wire, "tasks")
        await until(pilot, lambda: shows(app, "marek points at tasks"))
        assert isinstance(app.screen, MetricsScreen), "off is off"


async def test_a_pinned_curve_is_opened_zoomed_and_left_without_a_question() -> None:
    wire = tell()
    evidence = {
        "title": "Pool in use", "query": "pool_in_use", "source": "prometheus", "unit": "ratio",
        "start": "2026-11-21T09:00:00Z", "end": "2026-11-21T09:10:00Z", "step_seconds": 60.0,
        "series": [{"label": "pool", "times": [1_795_251_600.0 + 60 * n for n in range(10)], "values": [0.5] * 10}],
    }  # fmt: skip
    wire.act("marek", {"type": "pin-evidence", "evidence": evidence}, ROOM)
    async with board(wire=wire) as (_, app, pilot):
        number = len(wire.states[ROOM].evidence)
        await pilot.press("2", "end", "enter")
        await until(pilot, lambda: shows(app, f"evidence {number}"))
        await until(pilot, lambda: shows(app, "Pool in use"))
        await until(pilot, lambda: shows(app, "50 %"))
        asked = [one for one in wire.asked if one[0] in ("explore", "logs.matrix")]
        screen = app.screen
        assert isinstance(screen, MetricsScreen)
        span = screen.range.span
        await pilot.press("plus")
        assert screen.range.span == span / 2
        assert [one for one in wire.asked if one[0] in ("explore", "logs.matrix")] == asked
        await pilot.press("0")
        assert screen.pinned is None
        assert screen.range.live
        assert screen.queries == ["pool_in_use"]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_enter_on_another_entry_says_what_opens() -> None:
    async with board() as (_, app, pilot):
        await pilot.press("2", "home", "enter")
        await until(pilot, lambda: shows(app, "select an entry of pinned evidence"))
        assert isinstance(app.screen, BoardScreen)
