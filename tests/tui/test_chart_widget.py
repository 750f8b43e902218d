"""The chart as a widget: it repaints what changed, says its state in its frame, and follows the theme."""

from __future__ import annotations

import dataclasses
from typing import Any

from textual.app import App, ComposeResult

from tests.tui.grid import screen_rows, screen_text
from warroom.tui.themes import register_themes
from warroom.tui.widgets.chart import ChartData, MetricChart, Series, Threshold

END = 1_780_000_000.0
TIMES = tuple(END - 3600 + 60 * at for at in range(61))
CALM = ChartData(
    "5xx ratio", "percent", (Series("5xx", TIMES, (0.4,) * 61),), (Threshold(1, "SLO"),), (), END - 3600, END
)


class Charts(App[None]):
    def __init__(self, *charts: MetricChart) -> None:
        super().__init__()
        register_themes(self)
        self.theme = "warroom-night"
        self.charts = charts

    def compose(self) -> ComposeResult:
        yield from self.charts


async def test_shows_title_value_threshold_and_axes() -> None:
    chart = MetricChart("not yet", hue="orange")
    async with Charts(chart).run_test(size=(40, 14)) as pilot:
        assert "waiting for the first samples" in screen_text(pilot.app)
        chart.show(CALM)
        await pilot.pause()
        rows = screen_rows(pilot.app)
        assert "● 5xx ratio" in rows[0]
        assert "0.4 %" in rows[1]
        assert "steady" in rows[1]
        assert "SLO 1%" in rows[-1]
        assert "-60m" in rows[-2]
        assert "now" in rows[-2]


async def test_equal_data_paint_nothing_and_another_value_only_its_rows() -> None:
    chart = MetricChart("5xx ratio")
    async with Charts(chart).run_test(size=(40, 14)) as pilot:
        chart.show(CALM)
        await pilot.pause()
        before = chart.rows_drawn
        chart.show(dataclasses.replace(CALM))
        await pilot.pause()
        assert chart.rows_drawn == before
        times = (*TIMES[1:], END + 5)
        chart.show(dataclasses.replace(CALM, series=(Series("5xx", times, (0.4,) * 60 + (0.41,)),), end=END + 5))
        await pilot.pause()
        assert 1 <= chart.rows_drawn - before <= 4


async def test_a_breach_shows_as_sign_and_class_and_ends() -> None:
    chart = MetricChart("5xx ratio")
    async with Charts(chart).run_test(size=(40, 14)) as pilot:
        chart.show(dataclasses.replace(CALM, series=(Series("5xx", TIMES, (0.4,) * 60 + (12.0,)),)))
        await pilot.pause()
        assert "▲ 5xx ratio" in screen_rows(pilot.app)[0]
        assert chart.has_class("-bad")
        chart.show(CALM)
        await pilot.pause()
        assert "● 5xx ratio" in screen_rows(pilot.app)[0]
        assert not chart.has_class("-bad")


async def test_stale_is_words_and_keeps_the_last_samples() -> None:
    chart = MetricChart("DB pool")
    async with Charts(chart).run_test(size=(44, 14)) as pilot:
        words = "Prometheus unreachable since 09:41, last value 61 %"
        chart.show(dataclasses.replace(CALM, title="DB pool", state="stale", message=words))
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "Prometheus unreachable since 09:41" in text
        assert "⣿" in text
        assert "◇ DB pool" in text


async def test_foreign_text_in_a_title_is_neither_markup_nor_control() -> None:
    chart = MetricChart("x")
    async with Charts(chart).run_test(size=(50, 10)) as pilot:
        chart.show(dataclasses.replace(CALM, title="[red]a[/] \x1b[31mb"))
        await pilot.pause()
        assert "[red]a[/]" in screen_rows(pilot.app)[0]
        assert "\x1b" not in screen_text(pilot.app)


async def test_survives_every_size_and_theme() -> None:
    chart = MetricChart("5xx ratio")
    app = Charts(chart)
    async with app.run_test(size=(40, 14)) as pilot:
        chart.show(CALM)
        for size in ((3, 3), (1, 1), (8, 2), (20, 5), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        for theme in ("warroom-light", "warroom-mono", "warroom-ansi", "nord", "ansi-dark"):
            app.theme = theme
            await pilot.pause()
            assert "0.4 %" in screen_text(app)


async def test_rows_follow_the_theme_at_once() -> None:
    chart = MetricChart("5xx ratio")
    app = Charts(chart)
    async with app.run_test(size=(40, 14)) as pilot:
        chart.show(CALM)
        await pilot.pause()
        dark = _colours(app)
        app.theme = "warroom-light"
        await pilot.pause()
        assert not dark & _colours(app)


def _colours(app: App[Any]) -> set[str]:
    strips = app.screen._compositor.render_strips()
    return {
        segment.style.bgcolor.name for strip in strips for segment in strip if segment.style and segment.style.bgcolor
    }
