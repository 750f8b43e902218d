"""The services pane: columns by who calls whom, worst first, and the ways on from a service."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.consoles import ROOM, SIZES, screen_text, shows, until
from tests.tui.explore.answering import answering
from warroom.telemetry import shapes
from warroom.telemetry.graph import ServiceEdge, ServiceGraph, ServiceNode
from warroom.tui.explore.service_layout import columns_of, neighbours, reached

GRAPH = ServiceGraph(
    (
        ServiceNode("web", "green", 400.0, 0.001, 0.1),
        ServiceNode("checkout", "red", 84.0, 0.124, 2.41, "12.4 % errors, over 5 %"),
        ServiceNode("payments", "amber", 60.0, 0.02, 1.18, "2 % errors, over 1 %"),
        ServiceNode("provider", "unknown", words="only its callers tell of it"),
    ),
    (
        ServiceEdge("web", "checkout", 900),
        ServiceEdge("checkout", "payments", 500),
        ServiceEdge("payments", "provider", 9),
    ),
    ("jaeger",),
)
NAMES = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(NAMES, NAMES), max_size=30))
def test_every_service_has_one_place_also_in_circles(calls: list[tuple[str, str]]) -> None:
    graph = ServiceGraph(tuple(ServiceNode(name) for name in "abcdefgh"), tuple(ServiceEdge(*one, 1) for one in calls))
    columns = columns_of(graph)
    assert sorted(node.name for column in columns for node in column) == list("abcdefgh")
    turned = ServiceGraph(graph.nodes[::-1], graph.edges[::-1])
    assert columns_of(turned) == columns


def test_a_service_stands_right_of_all_that_call_it() -> None:
    assert [[node.name for node in column] for column in columns_of(GRAPH)] == [
        ["web"],
        ["checkout"],
        ["payments"],
        ["provider"],
    ]
    callers, callees = neighbours(GRAPH)
    assert reached("checkout", callees) == {"payments", "provider"}
    assert reached("payments", callers) == {"checkout", "web"}


@pytest.mark.parametrize("size", SIZES)
async def test_the_worst_is_first_and_unknown_is_no_zero(size: tuple[int, int]) -> None:
    async with answering({"services": shapes.plain(GRAPH)}, size) as (_, app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: shows(app, "RED") and shows(app, "^p palette"))
        rows = screen_text(app)
        order = [next(n for n, row in enumerate(rows) if word in row) for word in ("RED ", "AMBER ", "OK ")]
        assert order == sorted(order)
        unknown = next(row for row in rows if "provider" in row and "/s" not in row and "─" in row[-40:])
        assert "0 %" not in unknown


async def test_from_a_service_to_its_logs_and_failed_traces() -> None:
    opened: list[Any] = []
    async with answering({"services": shapes.plain(GRAPH)}) as (_, app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: shows(app, "RED"))
        app.open_pane = lambda *about: opened.append(about)  # type: ignore[method-assign]
        await pilot.press("l", "e")
        await until(pilot, lambda: len(opened) == 2)
    assert opened[0][1:2] == ("logs",)
    assert opened[0][2]["query"] == '{service_name="checkout"}'
    assert opened[1][2]["query"] == "checkout error"


async def test_a_key_before_the_services_are_known_is_heeded_when_they_are() -> None:
    opened: list[Any] = []
    later: Future[Any] = Future()
    async with answering({"services": later}) as (_, app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: shows(app, "asking which services"))
        app.open_pane = lambda *about: opened.append(about)  # type: ignore[method-assign]
        await pilot.press("l")
        later.set_result(shapes.plain(GRAPH))
        await until(pilot, lambda: len(opened) == 1)
        await pilot.press("e")
        await until(pilot, lambda: len(opened) == 2)
    assert [one[2]["query"] for one in opened] == ['{service_name="checkout"}', "checkout error"]


async def test_without_any_service_a_key_says_so() -> None:
    async with answering({"services": shapes.plain(ServiceGraph((), ()))}) as (_, app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: shows(app, "no source knows of a service"))
        await pilot.press("l")
        await until(pilot, lambda: shows(app, "t takes another"))


async def test_a_pinned_graph_needs_no_backend_and_pinning_keeps_it() -> None:
    async with answering({"services": shapes.plain(GRAPH)}) as (wire, app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: shows(app, "RED"))
        await pilot.press("p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) > 0)
        kept = list(wire.states[ROOM].evidence)[-1]
        assert (kept.kind, kept.title) == ("services", "4 services, 1 red")
        wire.answers["services"] = ValueError("jaeger at 127.0.0.1:16686 refused the connection")
        await pilot.press("escape")
        app.open_pane(ROOM, "services", {"pane": "services", "data": kept.data})
        await until(pilot, lambda: shows(app, "12.4 % errors"))
        assert not shows(app, "refused the connection")
