"""The metrics pane as a reader uses it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.tui.consoles import ROOM, SIZES, screen_text, shows, until
from tests.tui.explore.answering import answering
from warroom.telemetry.series import Full, Series, encode
from warroom.tui.explore.metrics import MetricsScreen
from warroom.tui.explore.range import TimeRange

QUERY = "sum by (service) (rate(http_requests_total[5m]))"
TRACE = "ab" * 16


def full(start: float, end: float, step: float) -> Full:
    count = round((end - start) / step) + 1
    series = tuple(
        Series(
            (("service", name),),
            name,
            start,
            step,
            tuple(10.0 * (place + 1) + math.sin((start + at * step) / 300) for at in range(count)),
        )
        for place, name in enumerate(("checkout", "payments"))
    )
    return Full("p", 1, start, step, count, series)


def explore(params: Mapping[str, Any]) -> Any:
    if "bad(" in params["query"]:
        raise ValueError("prometheus: 1:5: parse error: unexpected end of input")
    return orjson.loads(encode(full(params["start"], params["end"], params["step"])))


ANSWERS: dict[str, Any] = {
    "panels.for": {"panels": []},
    "explore": explore,
    "metrics.names": {"values": ["http_requests_total", "up"], "kinds": {}},
    "metrics.exemplars": lambda asked: {
        "exemplars": [
            {
                "series": [],
                "labels": [["trace_id", TRACE]],
                "value": 12.0,
                "at": asked["end"] - 1500.0,
                "trace_id": TRACE,
            }
        ]
    },
}


async def paused(app: Any, pilot: Any) -> MetricsScreen:
    """The pane with the range standing still, so that everything is asked and nothing watched."""
    await pilot.press("M", "space")
    await until(pilot, lambda: isinstance(app.screen, MetricsScreen) and shows(app, "paused"))
    screen = app.screen
    assert isinstance(screen, MetricsScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_query_is_asked_drawn_and_listed(size: tuple[int, int]) -> None:
    async with answering(ANSWERS, size) as (wire, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        text = "\n".join(screen_text(app))
        assert "payments" in text
        assert "21 /s" in text
        asked = wire.asked_for("explore")[-1]
        assert (asked["query"], asked["step"]) == (QUERY, 15.0)
        assert asked["end"] % asked["step"] == 0


async def test_a_live_query_is_watched_as_a_panel_and_not_asked_again() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        now = wire.clock.timestamp() // 15 * 15
        wire.fulls[QUERY[:100]] = full(now - 3600 + 15, now, 15)
        await pilot.press("M", "slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        assert wire.asked_for("explore") == []


async def test_zoom_pan_and_the_typed_range_ask_for_other_times() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        screen = await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        await pilot.press("plus")
        await until(pilot, lambda: wire.asked_for("explore")[-1]["step"] == 10.0)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.range.end is not None and screen.range.end < screen.now() - 500)
        await pilot.press("t", *"09:00-09:30", "enter")
        await until(pilot, lambda: shows(app, "09:00 to 09:30"))
        await pilot.press("t", *"soon", "enter")
        await until(pilot, lambda: shows(app, "09:00 to 09:30"))
        await pilot.press("0")
        await until(pilot, lambda: screen.range.live)


async def test_the_cursor_reads_values_and_an_exemplar_opens_its_trace() -> None:
    opened: list[Any] = []
    async with answering(ANSWERS) as (_, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        await pilot.press("left")
        await until(pilot, lambda: shows(app, "cursor"))
        await pilot.press("escape", "x")
        await until(pilot, lambda: shows(app, "◆"))
        await pilot.press("e")
        await until(pilot, lambda: shows(app, "cursor 09:"))
        app.open_pane = lambda *about: opened.append(about)  # type: ignore[method-assign]
        await pilot.press("enter")
        await until(pilot, lambda: bool(opened))
    assert opened[0][1:] == ("traces", {"pane": "traces", "id": TRACE})


async def test_a_week_ago_lies_beside_now() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        now = wire.asked_for("explore")[-1]
        await pilot.press("c", "c", "c")
        await until(pilot, lambda: shows(app, "beside 1w ago"))
        assert any(one["end"] == now["end"] - 604_800 for one in wire.asked_for("explore"))
        await until(pilot, lambda: len(app.screen.query_one("#explore-chart").data.series) == 4)  # type: ignore[attr-defined]


async def test_a_query_that_fails_says_so_and_hides_no_other() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        await pilot.press("a", *"bad(", "enter")
        await until(pilot, lambda: shows(app, "B: prometheus: 1:5: parse error"))
        assert shows(app, "2 series")
        await pilot.press("d")
        await until(pilot, lambda: not shows(app, "parse error"))


async def test_views_change_and_a_panel_goes_onto_the_board() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter", "w")
        await until(pilot, lambda: not app.screen.query_one("#explore-chart").display)
        await pilot.press("w")
        await until(pilot, lambda: shows(app, "▁") or shows(app, "▂") or shows(app, "▇"))
        await pilot.press("w", "b")
        await until(pilot, lambda: len(wire.states[ROOM].board) == 1)
        assert wire.states[ROOM].board[0].query == QUERY


async def test_what_is_pinned_holds_the_samples() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        await pilot.press("p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) > 0)


async def test_another_console_shows_the_same() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        screen = await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        shown = screen.shown()
        before = wire.asked_for("explore")[-1]
        await pilot.press("escape")
        app.shared_of(ROOM).range = TimeRange(60)
        app.shared_of(ROOM).last.clear()
        app.open_pane(ROOM, "metrics", shown)
        await until(pilot, lambda: shows(app, "2 series"))
        assert wire.asked_for("explore")[-1] == before


async def test_it_begins_with_the_first_panel_of_the_incident_s_services() -> None:
    panels = [{"title": "Errors", "query": QUERY, "unit": "ratio"}, {"title": "Other", "query": "up"}]
    async with answering(ANSWERS | {"panels.for": {"panels": panels}}) as (_, app, pilot):
        await pilot.press("M")
        await until(pilot, lambda: shows(app, QUERY))
        screen = app.screen
        assert isinstance(screen, MetricsScreen)
        assert (screen.queries, screen.unit) == ([QUERY], "ratio")


async def test_enter_opens_the_exemplar_s_trace_also_from_the_list_of_series() -> None:
    opened: list[Any] = []
    async with answering(ANSWERS) as (_, app, pilot):
        await paused(app, pilot)
        await pilot.press("slash", *QUERY, "enter")
        await until(pilot, lambda: shows(app, "2 series"))
        await pilot.press("x")
        await until(pilot, lambda: shows(app, "◆"))
        await pilot.press("e")
        await until(pilot, lambda: shows(app, "cursor 09:"))
        app.screen.query_one("#series").focus()
        await pilot.press("j")
        app.open_pane = lambda *about: opened.append(about)  # type: ignore[method-assign]
        await pilot.press("enter")
        await until(pilot, lambda: bool(opened))
    assert opened[0][1:] == ("traces", {"pane": "traces", "id": TRACE})
