"""The dashboards pane: a list, a board of drawn panels, variables, and the ways on from a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from textual.pilot import Pilot

from tests.tui.consoles import ROOM, SIZES, screen_text, shows, until
from tests.tui.explore.answering import AnsweringWire, answering
from warroom.telemetry.series import Full, Series, encode
from warroom.tui.app import WarroomApp
from warroom.tui.explore.dashboards import DashboardsScreen
from warroom.tui.explore.dashboards_ask import AT_ONCE, Asker
from warroom.tui.explore.dashboards_board import neighbour

PROMETHEUS = {"type": "prometheus", "uid": "p"}


def panel(kind: str, title: str, x: int, y: int, *exprs: str, **more: Any) -> dict[str, Any]:
    """A panel of half the width."""
    targets = [{"refId": chr(65 + at), "expr": expr, "legendFormat": "{{job}}"} for at, expr in enumerate(exprs)]
    place = {"x": x, "y": y, "w": 12, "h": 7}
    return {"type": kind, "title": title, "gridPos": place, "datasource": PROMETHEUS, "targets": targets, **more}


MODEL = {
    "title": "Checkout",
    "uid": "checkout",
    "panels": [
        {"type": "row", "title": "Golden signals", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
        panel("timeseries", "Latency of $job", 0, 1, 'latency{job="$job"}', 'slo{job="$job"}',
              fieldConfig={"defaults": {"unit": "s"}, "overrides": []}),
        panel("timeseries", "Broken", 12, 1, "rate("),
        {"type": "text", "title": "Notes", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 30},
         "options": {"mode": "markdown", "content": "# Runbook"}},
        panel("timeseries", "Far below", 0, 90, "far"),
        {"type": "row", "title": "Folded", "collapsed": True, "gridPos": {"x": 0, "y": 98, "w": 24, "h": 1},
         "panels": [panel("timeseries", "Inner", 0, 99, "inner")]},
    ],
    "templating": {"list": [
        {"name": "job", "type": "query", "query": "label_values(up, job)", "datasource": PROMETHEUS,
         "current": {"text": "api", "value": "api"}},
        {"name": "search", "type": "textbox", "query": ""},
    ]},
}  # fmt: skip
FOUND = [
    {"uid": "checkout", "title": "Checkout", "folder": "Shop", "tags": ["slo"]},
    {"uid": "nodes", "title": "Nodes", "folder": "Infra", "tags": []},
]


def explored(params: Mapping[str, Any]) -> Any:
    """One series that rises over the range; the broken query fails as a server says it."""
    if params["query"] == "rate(":
        raise ValueError("bad_data: 1:6: parse error: unclosed left parenthesis")
    count = int((params["end"] - params["start"]) / params["step"]) + 1
    line = Series((("job", "api"),), "api", params["start"], params["step"], tuple(at * 0.01 for at in range(count)))
    return orjson.loads(encode(Full("p", 1, params["start"], params["step"], count, (line,))))


ANSWERS: dict[str, Any] = {
    "dashboards": lambda params: {
        "dashboards": [one for one in FOUND if params["query"].casefold() in str(one["title"]).casefold()]
    },
    "dashboard": {"dashboard": MODEL, "url": "http://grafana.example/d/checkout"},
    "metrics.values": {"values": ["api", "web"]},
    "explore": explored,
}


async def opened(app: WarroomApp, pilot: Pilot[None]) -> DashboardsScreen:
    """The dashboard on screen, with its panels drawn."""
    await pilot.press("B")
    await until(pilot, lambda: shows(app, "Nodes"))
    screen = app.screen
    assert isinstance(screen, DashboardsScreen)
    screen.query_one("#dashboard-list").select("checkout")  # type: ignore[attr-defined]
    await pilot.press("enter")
    await until(pilot, lambda: shows(app, "Latency of api") and not screen.busy)
    return screen


def queries(wire: AnsweringWire) -> list[str]:
    """The expressions that were asked for, in their order."""
    return [params["query"] for params in wire.asked_for("explore")]


@pytest.mark.parametrize("size", SIZES)
async def test_a_dashboard_is_opened_and_drawn(size: tuple[int, int]) -> None:
    async with answering(ANSWERS, size) as (_, app, pilot):
        await opened(app, pilot)
        await until(pilot, lambda: any("\u2800" < char <= "\u28ff" for row in screen_text(app) for char in row))
        assert shows(app, "Golden signals")
        assert shows(app, "V job api")
        assert len(app.screen.query("*")) < 40


async def test_one_panels_error_stands_in_that_panel_and_hides_no_other() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        screen = await opened(app, pilot)
        await until(pilot, lambda: shows(app, "query A: bad_data"))
        assert shows(app, "✗ Broken")
        assert screen.words == ""
        assert shows(app, "1 with errors")


async def test_only_what_is_in_sight_is_asked_for_and_each_question_once() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await opened(app, pilot)
        assert sorted(queries(wire)) == ['latency{job="api"}', "rate(", 'slo{job="api"}']
        await pilot.press("G")
        await until(pilot, lambda: "far" in queries(wire))
        assert len(queries(wire)) == 4
        assert "inner" not in queries(wire)


async def test_a_folded_row_opens_on_enter_and_is_asked_for_then() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        screen = await opened(app, pilot)
        screen.board.choose("panels[5]")
        await pilot.press("enter")
        await until(pilot, lambda: "inner" in queries(wire))
        assert shows(app, "Inner")
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "1 panel "))
        assert not shows(app, "Inner")


async def test_another_value_of_a_variable_is_picked_and_asked_with() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await opened(app, pilot)
        await pilot.press("V")
        await until(pilot, lambda: shows(app, "one of 2"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "pick one"))
        await pilot.press("j", "enter")
        await until(pilot, lambda: shows(app, "Latency of web"))
        assert 'latency{job="web"}' in queries(wire)


async def test_a_typed_variable_is_typed() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("V", "j", "enter")
        await pilot.press(*"pool", "enter")
        await until(pilot, lambda: screen.picked.get("search") == ["pool"])
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "search pool"))


async def test_a_panel_alone_and_back() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("j", "z")
        await until(pilot, lambda: not shows(app, "Golden signals"))
        assert shows(app, "Latency of api")
        assert screen.board.zoomed == "panels[1]"
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "Golden signals"))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "Nodes"))


async def test_a_panels_query_goes_onto_the_rooms_board() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await opened(app, pilot)
        await pilot.press("j", "b")
        await until(pilot, lambda: len(wire.states[ROOM].board) == 1)
        put = wire.states[ROOM].board[0]
        assert (put.title, put.query, put.unit) == ("Latency of api", 'latency{job="api"}', "seconds")
        await until(pilot, lambda: shows(app, "the first of its 2 queries"))


async def test_a_panel_is_pinned_with_its_samples() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await opened(app, pilot)
        await pilot.press("j", "p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) > 0)
        kept = list(wire.states[ROOM].evidence)[-1]
        assert (kept.kind, kept.title, kept.query) == ("metric", "Latency of api", 'latency{job="api"}; slo{job="api"}')
        assert kept.series
        assert len(kept.series[0][2]) > 10


async def test_a_panels_query_is_explored_at_the_same_time() -> None:
    went: list[Any] = []
    async with answering(ANSWERS) as (_, app, pilot):
        await opened(app, pilot)
        app.open_pane = lambda *about: went.append(about)  # type: ignore[method-assign]
        await pilot.press("j", "m")
        await until(pilot, lambda: went != [])
    assert went[0][1] == "metrics"
    assert went[0][2]["queries"] == ['latency{job="api"}', 'slo{job="api"}']
    assert went[0][2]["end"] - went[0][2]["start"] == pytest.approx(6 * 3600)


async def test_what_one_console_shows_another_shows_too() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("j")
        screen.picked = {"job": ["web"]}
        screen.choose_values()
        await until(pilot, lambda: shows(app, "Latency of web"))
        shown = screen.shown()
        assert len(orjson.dumps(shown)) < 8192
    async with answering(ANSWERS) as (_, app, pilot):
        app.open_pane(ROOM, "dashboards", shown)
        await until(pilot, lambda: shows(app, "Latency of web"))
        other = app.screen
        assert isinstance(other, DashboardsScreen)
        await until(pilot, lambda: other.board.chosen == "panels[1]")
        assert other.shown() == shown


async def test_dashboards_are_looked_for_by_a_part_of_their_title() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        await pilot.press("B")
        await until(pilot, lambda: shows(app, "Checkout") and shows(app, "Nodes"))
        await pilot.press("slash", *"node", "enter")
        await until(pilot, lambda: not shows(app, "Shop"))
        assert shows(app, "Nodes")


async def test_without_grafana_the_list_says_so() -> None:
    none = {**ANSWERS, "dashboards": ValueError("there is no Grafana: set grafana.url")}
    async with answering(none) as (_, app, pilot):
        await pilot.press("B")
        await until(pilot, lambda: shows(app, "there is no Grafana: set grafana.url"))


async def test_a_changed_panel_is_drawn_again_and_no_other() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        screen = await opened(app, pilot)
        board = screen.board
        await until(pilot, lambda: board.panels_drawn >= 4)
        await pilot.pause()
        before = board.panels_drawn
        board.changed(list(board.in_sight()))
        await pilot.pause()
        assert board.panels_drawn == before
        await pilot.press("j")
        await until(pilot, lambda: board.chosen == "panels[1]")
        assert board.panels_drawn == before + 2


def test_so_many_questions_are_on_their_way_at_once() -> None:
    from concurrent.futures import Future

    from warroom.tui.dashboards.questions import Question

    open_: list[tuple[Any, Future[Any]]] = []
    came: list[Question] = []

    def ask(_method: str, then: Any, **_params: Any) -> bool:
        open_.append((then, Future()))
        return True

    asker = Asker(ask, lambda question, _: came.append(question))
    asker.put(Question("explore", (("query", f"q{at}"),)) for at in range(AT_ONCE * 3))
    assert len(open_) == AT_ONCE
    while open_:
        then, future = open_.pop(0)
        future.set_result({})
        then(future)
        assert len(open_) <= AT_ONCE
    assert len(came) == AT_ONCE * 3
    assert not asker.busy


def test_the_keys_go_to_the_nearest_panel_in_their_direction() -> None:
    places = {"a": (0, 0, 60, 10), "b": (60, 0, 60, 10), "c": (0, 10, 40, 8), "d": (60, 10, 60, 8)}
    assert neighbour(places, "a", 1, 0) == "b"
    assert neighbour(places, "b", 0, 1) == "d"
    assert neighbour(places, "d", -1, 0) == "c"
    assert neighbour(places, "c", 0, -1) == "a"
    assert neighbour(places, "a", -1, 0) == ""
