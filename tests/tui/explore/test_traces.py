"""The traces pane as a reader uses it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.consoles import ROOM, SIZES, screen_text, shows, until
from tests.tui.explore.answering import answering
from warroom.telemetry import shapes
from warroom.telemetry.traces import Span, SpanLog, Trace, TraceSummary
from warroom.tui.explore.traces import TracesScreen

START = 1_795_253_640_000_000
ID = "7f1c9a3be02e7f1c9a3be02e7f1c9a3b"


def span(name: str, parent: str, service: str, operation: str, at: int, took: int, **more: Any) -> Span:
    return Span(name, parent, service, operation, START + at * 1000, took * 1000, **more)


TRACE = Trace(
    ID,
    (
        span("a", "", "edge", "POST /checkout", 0, 4820, error=True, tags=(("http.status_code", "503"),)),
        span("b", "a", "checkout", "Submit", 20, 4760, logs=(SpanLog(START + 9000, (("event", "pool timeout"),)),)),
        *(span(f"q{n}", "b", "postgres", "SELECT", 30 + n * 10, 8) for n in range(6)),
        span("p", "b", "payments", "Authorize", 3600, 1100, error=True),
    ),
)
FOUND = tuple(
    TraceSummary(f"{n:032x}", "edge", "POST /checkout", START - n * 1_000_000, 1000 * (n + 1), 9, n % 3, (("edge", 9),))
    for n in range(30)
)
ANSWERS: dict[str, Any] = {
    "traces.services": {"values": ["checkout", "edge", "payments"]},
    "traces.operations": {"operations": [{"name": "POST /checkout", "kind": "server"}]},
    "traces.search": {"traces": shapes.plain(FOUND)},
    "trace": shapes.plain(TRACE),
}


@pytest.mark.parametrize("size", SIZES)
async def test_a_trace_is_found_opened_and_read(size: tuple[int, int]) -> None:
    async with answering(ANSWERS, size) as (wire, app, pilot):
        await pilot.press("T")
        await until(pilot, lambda: shows(app, "Traces"))
        await pilot.press("slash", *"edge min=1ms", "enter")
        await until(pilot, lambda: shows(app, "ERROR"))
        asked = wire.asked_for("traces.search")[-1]
        assert (asked["service"], asked["shortest"], asked["incident"]) == ("edge", 0.001, ROOM)
        assert asked["end"] - asked["start"] == pytest.approx(3600)
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "4.82 s"))
        assert wire.asked_for("trace")[-1]["id"] == FOUND[0].trace_id
        text = "\n".join(screen_text(app))
        assert "6x postgres SELECT" in text
        assert "payments Authorize" in text
        await pilot.press("e")
        await until(pilot, lambda: shows(app, "payments: Authorize"))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "ERROR"))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, TracesScreen))


async def test_repeats_open_and_a_span_folds() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        await pilot.press("T", "slash", *ID, "enter")
        await until(pilot, lambda: shows(app, "6x postgres"))
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: not shows(app, "6x postgres") and shows(app, "postgres SELECT"))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: shows(app, "Submit +7"))


async def test_the_logs_of_a_trace_are_one_key_away() -> None:
    opened: list[Any] = []
    async with answering(ANSWERS) as (_, app, pilot):
        app.open_pane(ROOM, "traces", {"pane": "traces", "id": ID})
        await until(pilot, lambda: shows(app, "4.82 s"))
        app.open_pane = lambda *about: opened.append(about)  # type: ignore[method-assign]
        await pilot.press("l")
        await until(pilot, lambda: bool(opened))
    incident, pane, shown = opened[0]
    assert (incident, pane) == (ROOM, "logs")
    assert shown["query"] == f'{{service_name=~"checkout|edge|payments|postgres"}} |= "{ID}"'
    assert shown["start"] < START / 1e6 < shown["end"]


async def test_a_pinned_trace_is_read_from_the_log_without_asking() -> None:
    async with answering(ANSWERS | {"trace": ValueError("jaeger at 127.0.0.1:16686 refused the connection")}) as (
        wire,
        app,
        pilot,
    ):
        data = shapes.orjson.dumps(TRACE).decode()
        app.open_pane(ROOM, "traces", {"pane": "traces", "id": ID, "data": data})
        await until(pilot, lambda: shows(app, "payments Authorize"))
        assert wire.asked_for("trace") == []


async def test_a_list_of_traces_tells_how_one_is_pinned() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("T", "slash", *"edge", "enter")
        await until(pilot, lambda: shows(app, "ERROR"))
        await pilot.press("p")
        await until(pilot, lambda: shows(app, "enter opens one, then p"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "4.82 s"))
        before = len(wire.states[ROOM].evidence)
        await pilot.press("p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) > before)
        assert list(wire.states[ROOM].evidence)[-1].kind == "trace"


async def test_what_cannot_be_asked_is_told_in_words() -> None:
    words = "jaeger at 127.0.0.1:16686 refused the connection"
    async with answering(ANSWERS | {"traces.search": ValueError(words)}) as (_, app, pilot):
        await pilot.press("T", "slash", *"edge", "enter")
        await until(pilot, lambda: shows(app, words))


async def test_a_line_that_cannot_be_stays_to_be_mended() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("T", "slash", *"edge min=5", "enter")
        await until(pilot, lambda: shows(app, "edge min=5"))
        assert wire.asked_for("traces.search") == []


async def test_the_same_is_shown_to_whoever_takes_it_over() -> None:
    async with answering(ANSWERS) as (_, app, pilot):
        await pilot.press("T", "slash", *"edge error", "enter")
        await until(pilot, lambda: shows(app, "30 traces"))
        screen = app.screen
        assert isinstance(screen, TracesScreen)
        shown = screen.shown()
        assert (shown["pane"], shown["query"], shown["live"]) == ("traces", "edge error", True)
        await pilot.press("escape")
        app.open_pane(ROOM, "traces", shown)
        await until(pilot, lambda: shows(app, "30 traces"))
        assert isinstance(app.screen, TracesScreen)
        assert app.screen.shown()["query"] == "edge error"
