"""The logs pane as a reader uses it: following, pausing, a place that nothing moves, filters, detail, evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.consoles import ROOM, SIZES, board, screen_text, shows, until
from tests.tui.explore.logs_wire import TRACE, LogsWire, lines_until
from tests.tui.story import tell
from warroom.incident.fields import Evidence
from warroom.telemetry import shapes
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogPattern
from warroom.telemetry.series import Trouble
from warroom.tui.app import WarroomApp
from warroom.tui.explore.logs import LogsScreen
from warroom.tui.explore.logs_detail import Field
from warroom.tui.explore.logs_patterns import PatternRow


@asynccontextmanager
async def logs(
    size: tuple[int, int] = (120, 40), lines: int = 400, answers: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[LogsWire, LogsScreen, Pilot[None]]]:
    """A console on the logs pane, with its page there."""
    told = tell()
    wire = LogsWire(told, lines_until(told.now().timestamp(), lines), answers)
    async with board(size, wire, **options) as (_, app, pilot):
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LogsScreen) and app.screen.is_mounted)
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        if lines:
            await until(pilot, lambda: screen.view.count > 0)
        yield wire, screen, pilot


def top(screen: LogsScreen) -> str:
    """The first line in view."""
    return screen.view.in_view()[0].text


async def typed(pilot: Pilot[None], text: str) -> None:
    names = {" ": "space", '"': "quotation_mark", "{": "left_curly_bracket", "}": "right_curly_bracket"}
    await pilot.press(*(names.get(char, char) for char in text))


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_tells_time_level_service_and_the_counts(size: tuple[int, int]) -> None:
    async with logs(size) as (wire, screen, pilot):
        await until(pilot, lambda: shows(screen.console, "ERROR "))
        await until(pilot, lambda: shows(screen.console, "following"))
        text = "\n".join(screen_text(screen.console))
        for said in ("checkout-api", "WARN", '{service_name="checkout-api"}', "last 1h", "09:42:30", "400 lines"):
            assert said in text
        assert wire.asked_for("logs")[0]["query"] == '{service_name="checkout-api"}'
        assert list(wire.tailed.values()) == ['{service_name="checkout-api"}']


async def test_what_comes_is_followed_until_the_reader_scrolls_and_again_at_the_end() -> None:
    async with logs() as (wire, screen, pilot):
        wire.come(wire.new_lines(10))
        await until(pilot, lambda: shows(screen.console, "n=9"))
        await pilot.press("g")
        await until(pilot, lambda: not screen.view.following)
        first = top(screen)
        wire.come(wire.new_lines(30))
        await until(pilot, lambda: shows(screen.console, "paused, 30 new"))
        assert top(screen) == first
        await pilot.press("G")
        await until(pilot, lambda: screen.view.following and shows(screen.console, "n=29"))


async def test_space_pauses_and_goes_on_without_asking_anew() -> None:
    async with logs() as (wire, screen, pilot):
        asked = len(wire.asked_for("logs"))
        await pilot.press("space")
        await until(pilot, lambda: not screen.range.live)
        wire.come(wire.new_lines(12))
        await until(pilot, lambda: shows(screen.console, "paused, 12 new"))
        await pilot.press("0")
        await until(pilot, lambda: screen.range.live and screen.view.following)
        assert len(wire.asked_for("logs")) == asked
        assert len(wire.tailed) == 1


async def test_the_ring_giving_lines_up_does_not_move_what_is_read() -> None:
    async with logs(lines=0) as (wire, screen, pilot):
        (key,) = wire.tailed
        small = LogBuffer(capacity=800)
        wire.show(replace(wire.latest, tails={key: replace(wire.latest.tails[key], buffer=small)}))
        await until(pilot, lambda: screen.view.lines.buffer is small)
        wire.come(wire.new_lines(800))
        await until(pilot, lambda: screen.view.count == 800)
        await pilot.press(*["pageup"] * 5)
        await until(pilot, lambda: not screen.view.following)
        seen = [line.text for line in screen.view.in_view()]
        for _ in range(3):
            wire.come(wire.new_lines(150))
            await until(pilot, lambda: screen.view._known[1] == small.end)
            assert [line.text for line in screen.view.in_view()] == seen
        assert small.first > 0
        wire.come(wire.new_lines(2000))
        await until(pilot, lambda: screen.view._known[1] == small.end)
        assert screen.view.in_view(), "what was read is gone: the oldest there is shows"


async def test_a_tail_that_begins_with_the_page_shows_each_line_once() -> None:
    async with logs(lines=50) as (wire, screen, pilot):
        wire.come(wire.lines[-20:])
        wire.come(wire.new_lines(1))
        await until(pilot, lambda: screen.view.count == 51)


async def test_older_pages_come_when_the_reader_reaches_the_start() -> None:
    async with logs(lines=2500) as (_, screen, pilot):
        await until(pilot, lambda: screen.view.count == 1000)
        await pilot.press("g")
        await until(pilot, lambda: screen.view.count > 1900)
        await pilot.press("g")
        await until(pilot, lambda: screen.view.count == 2500)


async def test_only_rows_in_view_are_drawn_however_many_come() -> None:
    async with logs(lines=0) as (wire, screen, pilot):
        before = screen.view.rows_drawn
        wire.come(wire.new_lines(20_000))
        await until(pilot, lambda: screen.view._known[1] == 20_000)
        await pilot.pause()
        assert screen.view.rows_drawn - before <= 3 * screen.size.height


async def test_enter_opens_a_line_with_all_it_has_and_its_trace() -> None:
    async with logs() as (_, screen, pilot):
        await pilot.press("E", "E", "E", "enter")
        await until(pilot, lambda: screen.focused is screen.detail)
        line = screen.view.selected_line
        assert line is not None
        assert line.level == "error"
        rows = list(screen.detail.source.rows)
        assert {row.name for row in rows if isinstance(row, Field)} >= {"service_name", "trace_id", "detected_level"}
        await until(pilot, lambda: shows(screen.console, "beside the line"))
        await pilot.press("escape")
        await until(pilot, lambda: not screen.detail.display and screen.focused is screen.view)


async def test_the_trace_of_a_line_opens_in_its_pane() -> None:
    async with logs(answers={"traces.services": {"values": []}, "trace": ValueError("gone")}) as (wire, screen, pilot):
        number = next(n for n, line in enumerate(wire.lines) if line.value("trace_id") == TRACE) - len(wire.lines)
        screen.view.select(number)
        await pilot.press("w")
        await until(pilot, lambda: getattr(screen.console.screen, "PANE", "") == "traces")
        await until(pilot, lambda: wire.tailed == {})


async def test_in_and_out_rewrite_the_query() -> None:
    async with logs() as (wire, screen, pilot):
        await pilot.press("i")
        assert screen.query_text == '{service_name="checkout-api"}', "nothing is selected yet"
        await pilot.press("E", "enter")
        await until(pilot, lambda: screen.focused is screen.detail)
        screen.detail.select("label namespace")
        await pilot.press("i")
        await until(
            pilot, lambda: wire.asked_for("logs")[-1]["query"] == '{service_name="checkout-api", namespace="shop"}'
        )
        await until(pilot, lambda: list(wire.tailed.values()) == [screen.query_text])
        await pilot.press("E", "enter")
        await until(pilot, lambda: screen.focused is screen.detail)
        screen.detail.select("metadata detected_level")
        await pilot.press("x")
        await until(pilot, lambda: screen.query_text.endswith('| detected_level!="error"'))


async def test_a_filter_counts_each_letter_and_escape_gives_back() -> None:
    async with logs() as (wire, screen, pilot):
        await pilot.press("f")
        await typed(pilot, "exhausted")
        await until(pilot, lambda: screen.view.hiding and all("exhausted" in one.text for one in screen.view.in_view()))
        few = screen.view.count
        assert 0 < few < 400
        await pilot.press("enter")
        wire.come(wire.new_lines(18))
        await until(pilot, lambda: screen.view.count == few + 2)
        await pilot.press("F")
        await until(pilot, lambda: screen.view.count == 418)
        await pilot.press("g", "n")
        line = screen.view.selected_line
        assert line is not None
        assert "exhausted" in line.text
        await pilot.press("escape")
        await until(pilot, lambda: screen.view.keep is None)


async def test_a_level_there_is_none_of_is_said() -> None:
    async with logs() as (_, screen, pilot):
        await pilot.press("f")
        await typed(pilot, "level>=loud")
        await pilot.press("enter")
        await until(pilot, lambda: shows(screen.console, "there is no level"))


async def test_patterns_are_mined_where_the_server_has_none_and_new_ones_lead() -> None:
    async with logs() as (_, screen, pilot):
        await pilot.press("P")
        await until(
            pilot, lambda: bool(len(screen.patterns.source)) and isinstance(screen.patterns.source.row(0), PatternRow)
        )
        await until(pilot, lambda: shows(screen.console, "NEW"))
        row = screen.patterns.source.row(0)
        assert row.new
        await pilot.press("enter")
        await until(pilot, lambda: not screen.patterns.display and 0 < screen.view.count == row.count)


async def test_patterns_that_the_server_counts_become_a_pattern_filter() -> None:
    now = tell().now().timestamp()
    counted = LogPattern("pool exhausted <_>", "error", ((now - 60, 7),))
    async with logs(answers={"logs.patterns": {"patterns": [shapes.plain(counted)]}}) as (_, screen, pilot):
        await pilot.press("P")
        await until(pilot, lambda: shows(screen.console, "pool exhausted <_>"))
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_text == '{service_name="checkout-api"} |> "pool exhausted <_>"')


async def test_context_shows_the_stream_around_a_line_and_comes_back() -> None:
    async with logs() as (wire, screen, pilot):
        await pilot.press("E")
        line, count = screen.view.selected_line, screen.view.count
        assert line is not None
        await pilot.press("c")
        await until(pilot, lambda: shows(screen.console, "around"))
        assert wire.asked_for("logs")[-1]["query"] == f'{{env="prod", namespace="shop", service_name="{line.service}"}}'
        assert screen.view.selected_line == line
        await pilot.press("escape")
        await until(pilot, lambda: screen.view.count == count and screen.view.selected_line == line)


async def test_what_is_pinned_opens_again_without_a_server() -> None:
    async with logs() as (wire, screen, pilot):
        await pilot.press("E", "p")
        await until(pilot, lambda: bool(wire.states[ROOM].evidence))
        pinned = screen.evidence()
        assert pinned is not None
        evidence = Evidence.model_validate(pinned)
        wire.answers["logs"] = ValueError("Loki is gone")
        screen.take({"pane": "logs", "evidence": 1, "query": evidence.query, "data": evidence.data})
        await until(pilot, lambda: shows(screen.console, "evidence 1"))
        assert screen.view.count == 200
        assert not wire.tailed


async def test_another_console_shows_the_same() -> None:
    async with logs() as (_, screen, pilot):
        await pilot.press("f")
        await typed(pilot, "pool")
        await pilot.press("enter", "E")
        shown = screen.shown()
    async with logs() as (_, other, pilot):
        other.take(shown)
        await until(pilot, lambda: other.view.keep is not None and other.view.selected_line is not None)
        assert {**other.shown(), "live": True} == {**shown, "live": True}


async def test_what_went_wrong_is_said_and_lines_stay() -> None:
    async with logs() as (wire, screen, pilot):
        wire.answers["logs"] = ValueError("Loki: too many outstanding requests")
        await pilot.press("r")
        await until(pilot, lambda: shows(screen.console, "too many outstanding requests"))
        since = wire.now().timestamp()
        wire.come(
            wire.new_lines(1),
            lost=12,
            trouble=Trouble("", "loki", "unreachable", "no Loki since 09:42", since, 1, since + 1),
        )
        await until(pilot, lambda: shows(screen.console, "12 lost") and shows(screen.console, "no Loki since"))


async def test_a_metric_query_is_no_log_query() -> None:
    async with logs() as (_, screen, pilot):
        screen.set_query('rate({a="b"}[5m])')
        await until(pilot, lambda: shows(screen.console, "this counts lines"))
        assert screen.query_one("#prompt-row").display, "what was typed can be mended"


async def test_the_query_line_completes_labels_values_and_stages() -> None:
    async with logs() as (_, screen, pilot):
        await pilot.press("slash", "ctrl+u")
        await typed(pilot, "{serv")
        await until(pilot, lambda: shows(screen.console, "service_name  "))
        await pilot.press("tab")
        prompt = screen.query_one("#prompt")
        await until(pilot, lambda: shows(screen.console, "edge-gateway"))
        await typed(pilot, "paym")
        await pilot.press("tab")
        await until(pilot, lambda: prompt.text == '{service_name="payments"')
        await typed(pilot, "} | js")
        await pilot.press("tab")
        await until(pilot, lambda: prompt.text.strip() == '{service_name="payments"} | json')
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_text == '{service_name="payments"} | json')
        await pilot.press("slash", "ctrl+u", "up")
        await until(pilot, lambda: prompt.text == '{service_name="payments"} | json')


async def test_leaving_hears_no_more_and_coming_back_finds_the_same() -> None:
    async with logs() as (wire, screen, pilot):
        screen.set_query('{env="prod"}')
        await until(pilot, lambda: list(wire.tailed.values()) == ['{env="prod"}'])
        await pilot.press("escape")
        await until(pilot, lambda: not wire.tailed)
        app: WarroomApp = screen.console if screen.is_attached else pilot.app  # type: ignore[assignment]
        await pilot.press("L")
        await until(pilot, lambda: getattr(app.screen, "query_text", "") == '{env="prod"}')


async def test_an_older_range_is_not_tailed() -> None:
    async with logs() as (wire, screen, pilot):
        wire.clock += timedelta(hours=2)
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: not screen.range.live and not wire.tailed)
        asked = wire.asked_for("logs")[-1]
        assert asked["end"] < wire.now().timestamp()


@pytest.mark.parametrize("size", [(20, 5), (60, 16)])
async def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    async with logs() as (wire, screen, pilot):
        await pilot.resize_terminal(*size)
        await pilot.press("E", "enter", "j", "escape", "P", "escape", "f", "a", "escape")
        wire.come(wire.new_lines(5))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: shows(screen.console, "lines"))
