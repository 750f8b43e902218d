"""Panels as they are drawn: every kind, any data, any size; and what must be read without a colour."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.dashboards.paper import (
    END,
    INK,
    START,
    a_chart,
    a_line,
    a_reading,
    a_tile,
    drawn,
    plain_glyphs,
    shows,
    texts,
)
from warroom.dashboards.data import (
    Axis,
    Bin,
    Box,
    Cell,
    Chart,
    Column,
    Heat,
    Histogram,
    Limit,
    Line,
    Listing,
    LogRow,
    Logs,
    Mark,
    PanelData,
    Reading,
    Readings,
    RowTitle,
    Segment,
    StateRow,
    States,
    Table,
    Tile,
    Words,
)
from warroom.tui.dashboards.panel import Look, draw_panel, wanted_height
from warroom.tui.dashboards.texts import ListRow

BAD, WARN, GOOD = Mark("critical", "red"), Mark("warning", "orange"), Mark("ok", "green")

NUMBERS = st.one_of(st.none(), st.floats(), st.floats(-1e3, 1e3), st.sampled_from([0.0, 1e308, -1e308, 5e-324]))
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("aä漢🔥 \n\x1b\u202e")), max_size=24)
MARKS = st.builds(
    Mark,
    st.sampled_from(["", "ok", "warning", "critical"]),
    st.sampled_from(["", "red", "orange", "yellow", "green", "blue", "purple", "grey"]),
)
UNITS = st.sampled_from(["", "s", "bytes", "percent", "percentunit", "reqps", "dateTimeAsIso", "no such"])
READINGS = st.builds(Reading, TEXTS, NUMBERS, TEXTS, MARKS)


@st.composite
def lines(draw: Any) -> Line:
    count = draw(st.integers(0, 30))
    times = sorted(draw(st.lists(st.floats(START - 600, END + 600), min_size=count, max_size=count)))
    return Line(
        draw(TEXTS), tuple(times), tuple(draw(st.lists(NUMBERS, min_size=count, max_size=count))), draw(UNITS),
        axis=draw(st.integers(0, 2)), draw=draw(st.sampled_from(["line", "steps", "bars", "points"])),
        fill=draw(st.sampled_from([0.0, 0.2, 1.0])), dashed=draw(st.booleans()), stack=draw(st.sampled_from(["", "A"])),
        joins_gaps=draw(st.booleans()), below=draw(st.sampled_from([None, 0, 7])), in_legend=draw(st.booleans()),
        legend=tuple(draw(st.lists(READINGS, max_size=2))),
    )  # fmt: skip


SHARES = st.one_of(st.none(), st.floats(0, 1))
TILES = st.builds(Tile, READINGS, SHARES, st.one_of(st.none(), lines()), TEXTS)
LIMITS = st.builds(Limit, NUMBERS, MARKS)
AXES = st.builds(Axis, UNITS, st.none(), NUMBERS, NUMBERS, st.sampled_from([0, 2, 10]), TEXTS, st.booleans())
TIMES = st.one_of(st.just((START, END)), st.tuples(st.floats(), st.floats()))
CELLS = st.builds(Cell, TEXTS, st.one_of(NUMBERS, TEXTS), MARKS, SHARES)


def _tuples(of: st.SearchStrategy[Any], most: int = 5) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=most).map(tuple)


@st.composite
def tables(draw: Any) -> Table:
    styles = st.sampled_from(["text", "tint", "background", "gauge"])
    aligns = st.sampled_from(["auto", "left", "center", "right"])
    columns = draw(_tuples(st.builds(Column, TEXTS, st.booleans(), st.just(0), aligns, styles)))
    row = st.lists(CELLS, min_size=len(columns), max_size=len(columns)).map(tuple)
    return Table(columns, draw(_tuples(row, 12)), draw(_tuples(TEXTS)), draw(st.booleans()))


@st.composite
def heats(draw: Any) -> Heat:
    count, buckets = draw(st.integers(0, 12)), draw(st.integers(0, 30))
    times = tuple(sorted(draw(st.lists(st.floats(START, END), min_size=count, max_size=count))))
    cells = tuple(tuple(draw(st.lists(NUMBERS, min_size=count, max_size=count))) for _ in range(buckets))
    start, end = draw(TIMES)
    return Heat(times, tuple("b" * (at % 12) for at in range(buckets)), (None,) * buckets, cells, 0.0, 1.0, start, end)


@st.composite
def histograms(draw: Any) -> Histogram:
    names = draw(_tuples(TEXTS, 3))
    counts = st.lists(st.floats(0, 1e6), min_size=len(names), max_size=len(names)).map(tuple)
    return Histogram(names, draw(_tuples(st.builds(Bin, st.just(0.0), st.just(1.0), TEXTS, counts), 90)))


SEGMENTS = st.builds(Segment, st.floats(START - 99, END + 99), st.floats(START - 99, END + 99), TEXTS, MARKS)
BODIES = st.one_of(
    st.builds(
        lambda found, axes, span, stacking, limits, show, legend, side: Chart(
            found, axes, span[0], span[1], stacking, limits, show, legend, side
        ),
        _tuples(lines(), 12), _tuples(AXES, 3), TIMES, st.sampled_from(["", "normal", "percent"]), _tuples(LIMITS, 3),
        st.sampled_from(["", "lines", "areas"]), st.sampled_from(["", "list", "table"]),
        st.sampled_from(["bottom", "right"]),
    ),
    st.builds(
        Readings, st.sampled_from(["stat", "gauge", "bars", "slices"]), _tuples(TILES, 9), _tuples(LIMITS, 3),
        NUMBERS, NUMBERS, UNITS, st.none(), st.sampled_from(["auto", "value", "value_and_name", "name", "none"]),
        st.sampled_from(["", "value", "background"]), st.booleans(),
    ),
    tables(),
    heats(),
    histograms(),
    st.builds(
        lambda rows, span, merged, said: States(rows, span[0], span[1], merged, said),
        _tuples(st.builds(StateRow, TEXTS, _tuples(SEGMENTS, 6))), TIMES, st.booleans(), st.booleans(),
    ),
    st.builds(
        Logs,
        _tuples(st.builds(LogRow, st.floats(), TEXTS, st.sampled_from(["info", "error", "unknown"])), 9),
        st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    ),
    st.builds(Words, TEXTS, st.one_of(st.just(""), TEXTS)),
    st.builds(Listing, st.sampled_from(["alerts", "annotations", "dashboards", "news"])),
    st.builds(RowTitle, st.booleans(), st.integers(0, 9)),
    st.builds(Box, TEXTS),
)  # fmt: skip
PANELS = st.builds(
    PanelData, TEXTS, TEXTS, BODIES, TEXTS, st.just(()), st.booleans(), TEXTS, _tuples(TEXTS, 2), _tuples(TEXTS, 2),
    TEXTS,
)  # fmt: skip
LOOKS = st.builds(
    Look, st.none(), st.booleans(), st.booleans(),
    st.one_of(st.none(), _tuples(st.builds(ListRow, TEXTS, st.sampled_from(["", "critical"]), TEXTS))), st.booleans(),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(PANELS, st.integers(0, 130), st.integers(0, 40), LOOKS, st.booleans())
def test_any_panel_fills_exactly_its_room(data: PanelData, width: int, height: int, look: Look, ascii_: bool) -> None:
    if ascii_:
        with plain_glyphs():
            rows = texts(draw_panel(data, width, height, INK, look))
        assert all(row.isascii() for row in rows)
    else:
        rows = texts(draw_panel(data, width, height, INK, look))
    assert len(rows) == height
    for row in rows:
        assert cell_len(row) == width
        assert row.isprintable()
    assert wanted_height(data, max(1, width), height) >= height


def test_a_chart_has_its_axis_in_the_panels_unit_and_clock_times() -> None:
    rows = drawn(a_chart(a_line("used", 1.0 * 2**30, 3.0 * 2**30, 2.0 * 2**30, unit="bytes")))
    assert any(row.split()[1].startswith(("3G", "4G")) for row in rows[1:4] if len(row.split()) > 1)
    assert shows(rows, "09:00")
    assert shows(rows, "10:00")
    assert shows(rows, "used 2 GiB")


def test_lines_are_told_apart_by_letters_on_the_plot_and_in_the_legend() -> None:
    rows = drawn(a_chart(a_line("GET", *range(9)), a_line("POST", *range(9, 0, -1))))
    legend = next(row for row in rows if "GET" in row)
    assert "a GET" in legend
    assert "b POST" in legend
    plot = [row for row in rows[1:-3] if row != legend]
    assert any("a" in row for row in plot)
    assert any("b" in row for row in plot)


def test_a_stack_is_as_high_as_its_sum() -> None:
    alone = a_chart(*(a_line(name, 50.0, 50.0, 50.0) for name in "xy"))
    stacked = a_chart(*(a_line(name, 50.0, 50.0, 50.0, stack="A") for name in "xy"), stacking="normal")
    assert not shows(drawn(alone), "100")
    assert shows(drawn(stacked), "100")
    percent = a_chart(*(a_line(name, 5.0, 5.0, 5.0, stack="A") for name in "xy"), stacking="percent")
    assert shows(drawn(percent), "100%")


def test_a_band_without_height_is_not_drawn() -> None:
    with_nothing = a_chart(a_line("x", 5.0, 5.0, stack="A"), a_line("zero", 0.0, 0.0, stack="A"), stacking="normal")
    plot = drawn(with_nothing)[1:-3]
    assert any("a" in row for row in plot)
    assert not any(" b" in row or "⣿b" in row for row in plot)


def test_thresholds_have_the_sign_of_what_lies_above_them() -> None:
    limits = (Limit(None, GOOD), Limit(5.0, WARN), Limit(9.0, BAD))
    rows = drawn(a_chart(a_line("load", 1.0, 10.0), limits=limits, show_limits="lines"))
    dashed = [row for row in rows if "╌" in row]
    assert ["◆" in row or "▲" in row for row in dashed] == [True, True]


def test_a_gap_is_a_gap_unless_its_author_joins_it() -> None:
    def cells(line: Line) -> int:
        inside = drawn(a_chart(line), 60, 12)[1:-3]
        return sum("\u2800" < char <= "\u28ff" for char in "".join(row[8:] for row in inside))

    values = [1.0] * 20 + [None] * 20 + [1.0] * 20
    assert cells(a_line("x", *values, joins_gaps=True)) > cells(a_line("x", *values)) * 1.3


def test_the_legend_counts_what_it_leaves_out() -> None:
    rows = drawn(a_chart(*(a_line(f"series number {at}", 1.0, 2.0) for at in range(40))), 60, 12)
    assert any("+3" in row for row in rows)


def test_a_legend_as_a_table_has_the_authors_numbers() -> None:
    numbers = (Reading("Mean", 1.5, "1.50 s"), Reading("Max", 2.0, "2 s"))
    chart = a_chart(a_line("p99", 1.0, 2.0, legend=numbers), legend="table")
    rows = drawn(chart, 80, 20)
    at = next(n for n, row in enumerate(rows) if "Mean" in row and "Max" in row)
    assert "p99" in rows[at + 1]
    assert "1.50 s" in rows[at + 1]
    assert "2 s" in rows[at + 1]


@pytest.mark.parametrize(("mark", "sign"), [(BAD, "▲"), (WARN, "◆"), (GOOD, "●")])
@pytest.mark.parametrize("style", ["stat", "gauge", "bars"])
@pytest.mark.parametrize("size", [(14, 5), (40, 12)])
def test_a_level_has_its_sign_beside_the_value(mark: Mark, sign: str, style: str, size: tuple[int, int]) -> None:
    body = a_reading(style, a_tile("pool", 91.0, "91%", mark, 0.91), low=0.0, high=100.0)
    rows = drawn(PanelData("", "stat", body), *size)
    assert any(sign in row for row in rows[1:-1])


def test_a_big_number_is_big_only_where_there_is_room() -> None:
    body = a_reading("stat", a_tile("", 42.0, "42 ms"))
    assert shows(drawn(body, 30, 4), "42 ms")
    big = drawn(body, 40, 12)
    assert not shows(big, "42")
    assert shows(big, "ms")
    assert any("█" in row for row in big)


def test_bars_are_as_long_as_their_share_and_say_their_value() -> None:
    body = a_reading("bars", a_tile("one", 1.0, "1", share=0.25), a_tile("two", 4.0, "4", share=1.0))
    rows = drawn(body, 60, 8)
    lengths = [row.count("█") for row in rows if "one" in row or "two" in row]
    assert lengths[1] == pytest.approx(lengths[0] * 4, abs=4)


def test_slices_are_percentages_the_greatest_first() -> None:
    body = a_reading("slices", a_tile("small", 1.0, "1 GiB", share=0.2), a_tile("large", 4.0, "4 GiB", share=0.8))
    rows = [row for row in drawn(body, 60, 8) if "%" in row]
    assert "large" in rows[0]
    assert "80%" in rows[0]
    assert "4 GiB" in rows[0]
    assert "small" in rows[1]
    assert "20%" in rows[1]


def test_a_table_fits_and_says_what_it_leaves_out() -> None:
    columns = (Column("service"), Column("errors", numeric=True))
    body = Table(columns, tuple((Cell(f"s{at}"), Cell(f"{at}", at, BAD)) for at in range(30)))
    rows = drawn(body, 40, 10)
    assert "service" in rows[1]
    assert rows[1].rstrip("│ ").endswith("errors")
    assert rows[2].rstrip("│ ").endswith("▲ 0")
    assert shows(rows, "24 more rows")
    wide = Table(tuple(Column(f"column {at}") for at in range(30)), ((Cell("x"),) * 30,))
    assert shows(drawn(wide, 60, 8), "columns")


def test_a_heatmap_says_density_by_its_signs_and_has_a_scale() -> None:
    times = tuple(START + at * 600 for at in range(6))
    cells = ((1.0,) * 6, (0.0, 100.0, 0.0, 0.0, 0.0, 0.0))
    body = Heat(times, ("0.1", "0.5"), (0.1, 0.5), cells, 0.0, 100.0, START, END)
    rows = drawn(body, 60, 8)
    top = next(row for row in rows if " 0.5 " in row)
    low = next(row for row in rows if " 0.1 " in row)
    assert "█" in top
    assert "█" not in low
    assert "░" in low
    assert shows(rows, "100")
    with plain_glyphs():
        assert any("@" in row for row in drawn(body, 60, 8))


def test_a_histogram_stands_highest_where_most_values_are() -> None:
    bins = tuple(Bin(at, at + 1, f"{at}", (float(count),)) for at, count in enumerate((1, 9, 3)))
    rows = drawn(Histogram(("x",), bins), 40, 10)
    tops = [next((n for n, row in enumerate(rows) if row[8 + at * 10] in "▁▂▃▄▅▆▇█"), 99) for at in range(3)]
    assert tops[1] < tops[2] < tops[0]


def test_states_say_their_words_or_their_letter_with_a_legend() -> None:
    up, down = Segment(START, END - 200, "UP", GOOD), Segment(END - 200, END, "DOWN", BAD)
    rows = drawn(States((StateRow("db", (up, down)),), START, END), 70, 8)
    row = next(row for row in rows if row.startswith("│ db"))
    assert "● UP" in row
    assert row.rstrip("│ ").endswith("b")
    assert shows(rows, "b ▲ DOWN")


def test_markdown_is_text_with_nothing_of_its_marks_left() -> None:
    body = Words(
        "", "# Runbook\nCheck **pool** with `pgbouncer`.\n- [docs](https://x.example)\n<script>alert(1)</script>"
    )
    rows = drawn(body, 60, 10)
    assert shows(rows, "Runbook")
    assert not shows(rows, "# Runbook")
    assert shows(rows, "Check pool with pgbouncer.")
    assert shows(rows, "docs (https://x.example)")
    assert not shows(rows, "<script>")


def test_log_lines_say_their_level_as_a_word() -> None:
    rows = drawn(Logs((LogRow(START, "pool\nexhausted", "error"),)), 60, 6)
    assert shows(rows, "09:00:00 ERROR pool exhausted")


def test_what_cannot_be_drawn_says_why() -> None:
    rows = drawn(PanelData("Where", "geomap", Box("a map has no shape in a terminal")), 60, 8)
    assert shows(rows, "a map has no shape in a terminal")
    assert shows(rows, "geomap")


def test_a_failure_stands_in_the_panel_beside_what_came() -> None:
    data = PanelData("p99", "timeseries", a_chart(a_line("x", 1.0, 2.0)), errors=("query B: bad_data: parse error",))
    rows = drawn(data, 60, 14)
    assert "✗ p99" in rows[0]
    assert shows(rows, "✗ query B: bad_data: parse error")
    assert any("\u2800" < char <= "\u28ff" for row in rows for char in row)


def test_no_data_says_what_its_author_wanted_said() -> None:
    assert shows(drawn(PanelData("x", "stat", Readings("stat", ()), empty=True, no_value="all quiet")), "all quiet")
    waiting = drawn(PanelData("x", "stat", Readings("stat", ()), empty=True), look=Look(waiting=True))
    assert shows(waiting, "asking")
    assert not shows(waiting, "No data")


def test_a_folded_row_says_how_many_panels_are_under_it() -> None:
    data = PanelData("Network", "row", RowTitle(collapsed=True, hidden=15))
    assert drawn(data, 60, 1)[0].startswith("▸ Network 15 panels ─")


def test_a_list_has_its_rows_and_says_when_there_is_none() -> None:
    data = PanelData("Alerts", "alertlist", Listing("alerts", most=2))
    rows = (ListRow("CheckoutP99High", "critical", "12m"), ListRow("b"), ListRow("c"))
    shown = drawn(data, 60, 8, Look(rows=rows))
    assert shows(shown, "▲ CheckoutP99High")
    assert shows(shown, "12m")
    assert shows(shown, "1 more")
    assert shows(drawn(data, 60, 8, Look(rows=())), "no alerts")


def test_values_that_are_no_numbers_leave_the_axis_finite() -> None:
    rows = drawn(a_chart(a_line("x", math.inf, 1.0, math.nan, -math.inf)))
    assert not shows(rows, "nan")
