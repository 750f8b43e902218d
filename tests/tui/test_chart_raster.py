"""The chart's pure half: raster and drawing are total, exact about the last value, and keep peaks and gaps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from warroom.tui import glyphs
from warroom.tui.palette import Palette, build_palette
from warroom.tui.themes import NIGHT, THEMES
from warroom.tui.widgets.braille import area_masks, columns, line_masks, pixel, time_cell
from warroom.tui.widgets.chart_data import ChartData, Marker, Series, Threshold, is_breached
from warroom.tui.widgets.chart_draw import Ink, draw, marker_glyph
from warroom.tui.widgets.units import UNITS, axis_label, nice_axis, shown

END = 1_780_000_000.0


def palette() -> Palette:
    main = {"foreground": "#d6deeb", "background": "#0b0f14", "accent": "#4fd6ff"}
    return build_palette({**main, **NIGHT.variables}, NIGHT.name, ansi=False)


INK = Ink(palette(), "#0b0f14")
values = st.one_of(st.none(), st.floats(), st.floats(0, 100))
any_series = st.lists(st.tuples(st.floats() | st.floats(END - 4000, END + 100), values), max_size=40).map(
    lambda pairs: Series("s", tuple(time for time, _ in pairs), tuple(value for _, value in pairs))
)
any_data = st.builds(
    ChartData,
    title=st.text(max_size=12),
    unit=st.sampled_from([*UNITS, "msgs", ""]),
    series=st.lists(any_series, max_size=3).map(tuple),
    thresholds=st.lists(st.builds(Threshold, st.floats(), st.text(max_size=5), st.booleans()), max_size=2).map(tuple),
    markers=st.lists(
        st.builds(
            Marker,
            st.floats() | st.floats(END - 3600, END),
            st.sampled_from(["deploy", "note", "status"]),
            st.text(max_size=8),
        ),
        max_size=4,
    ).map(tuple),
    start=st.floats() | st.just(END - 3600),
    end=st.floats() | st.just(END),
    state=st.sampled_from(["ok", "loading", "empty", "stale", "error"]),
    message=st.text(max_size=60),
)


def text_of(rows: list[list[tuple[str, object]]]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def steady(count: int = 61, value: float = 1.0, **other: object) -> ChartData:
    times = tuple(END - 60 * (count - 1 - at) for at in range(count))
    return ChartData("m", series=(Series("a", times, (value,) * count),), start=END - 3600, end=END, **other)  # type: ignore[arg-type]


@given(any_data, st.integers(-1, 70), st.integers(-1, 30))
def test_drawing_never_raises_and_fills_exactly(data: ChartData, width: int, height: int) -> None:
    rows = draw(data, width, height, INK)
    assert len(rows) == max(0, height)
    for row in text_of(rows):
        assert cell_len(row) <= max(0, width)


@given(st.floats(allow_nan=False), st.sampled_from(UNITS), st.integers(12, 60), st.integers(1, 20))
def test_the_last_value_is_in_the_first_row(value: float, unit: str, width: int, height: int) -> None:
    data = ChartData("m", unit, (Series("a", (END - 30.0, END), (3.0, value)),), start=END - 3600, end=END)
    assert text_of(draw(data, width, height, INK))[0].startswith(shown(value, unit).digits)


@given(
    st.lists(st.tuples(st.floats(END - 3600, END), values), min_size=1, max_size=300),
    st.integers(1, 200),
)
def test_columns_keep_every_peak_and_invent_none(pairs: list[tuple[float, float | None]], count: int) -> None:
    pairs.sort(key=lambda pair: pair[0])
    gathered = columns([t for t, _ in pairs], [v for _, v in pairs], END - 3600, END, count)
    highs = [high for high in gathered.high if high is not None]
    width = 3600 / count
    first = math.floor(END / width) - count + 1
    seen = [v for t, v in pairs if v is not None and v == v and 0 <= math.floor(t / width) - first < count]
    assert bool(highs) == bool(seen)
    if seen:
        assert max(highs) == max(seen)
        assert min(low for low in gathered.low if low is not None) == min(seen)
    for low, high in zip(gathered.low, gathered.high, strict=True):
        assert (low is None) == (high is None)
        assert low is None or high is None or low <= high


@given(st.floats(), st.floats(), st.floats(), st.integers(1, 100))
def test_a_pixel_is_always_inside(value: float, low: float, high: float, height: int) -> None:
    assert 0 <= pixel(value, low, high, height) < height


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=2, max_size=60), st.integers(1, 12))
def test_the_area_reaches_each_columns_own_height(column: list[float | None], height: int) -> None:
    column = column[: len(column) // 2 * 2]
    from warroom.tui.widgets.braille import Columns

    masks, edges = area_masks(Columns(column, column), 0.0, 100.0, len(column) // 2, height)
    for at, value in enumerate(column):
        bits = (0x47, 0xB8)[at & 1]
        filled = sum((row[at >> 1] & bits).bit_count() for row in masks)
        assert filled == (0 if value is None else pixel(value, 0.0, 100.0, height * 4) + 1)
    assert all(0 <= edge <= height for edge in edges)


def test_a_line_is_joined_where_samples_are_and_broken_where_they_are_not() -> None:
    from warroom.tui.widgets.braille import Columns

    column: list[float | None] = [0.0, 100.0, None, None, 0.0, 0.0]
    rows = line_masks(Columns(column, column), 0.0, 100.0, 3)
    assert all(0 in row for row in rows), "from the lowest to the highest without a hole"
    assert not any(1 in row for row in rows), "nothing in the gap"
    assert 2 in rows[2]


def test_gaps_stay_gaps_and_short_distances_are_bridged() -> None:
    times = [END - 600 + 10 * at for at in range(61)]
    samples: list[float | None] = [1.0] * 61
    for at in range(20, 40):
        samples[at] = None
    got = columns(times, samples, END - 600, END, 61)
    assert got.high.count(None) >= 15
    sparse = columns(times[::3], [1.0] * 21, END - 600, END, 60)
    assert sparse.high.count(None) <= 3, "samples thirty seconds apart every time are a line, not dots"


def test_infinity_is_drawn_at_the_edge_and_said() -> None:
    data = ChartData("m", "s", (Series("a", (END - 60, END - 30, END), (1.0, 2.0, math.inf)),), start=END - 60, end=END)
    rows = text_of(draw(data, 40, 12, INK))
    assert rows[0].startswith("+Inf s")
    assert "⣿" in rows[1] or "⢸" in rows[1] or "⡇" in rows[1] or "⣸" in rows[1]


def test_the_same_sample_stays_in_its_column_while_the_window_moves() -> None:
    times = [END - 3600 + 10 * at for at in range(400)]
    samples = [5.0 if at == 200 else 1.0 for at in range(400)]
    seen = set()
    for shift in range(0, 40, 5):
        got = columns(times, samples, END - 3600 + shift, END + shift, 60)
        column = next(at for at, high in enumerate(got.high) if high == 5.0)
        width = 3600 / 60
        seen.add(math.floor((END + shift) / width) - 60 + 1 + column)
    assert len(seen) == 1


def test_threshold_breach_is_said_by_colour_only_above_it_and_dashed_beside_it() -> None:
    data = steady(thresholds=(Threshold(0.5, "SLO"),))
    assert is_breached(data)
    times = data.series[0].times
    calm = ChartData(
        "m", series=(Series("a", times, (0.2,) * 61),), thresholds=(Threshold(0.5, "SLO"),), start=END - 3600, end=END
    )
    assert not is_breached(calm)
    assert any("╌" in row for row in text_of(draw(calm, 40, 14, INK)))
    assert is_breached(steady(thresholds=(Threshold(2.0, "floor", upper=False),)))


def test_each_kind_of_marker_has_its_own_sign_at_its_own_time() -> None:
    kinds = ["deploy", "incident", "declared", "status", "note", "alert"]
    for table in (glyphs.UNICODE, glyphs.ASCII):
        assert len({marker_glyph(kind, table) for kind in kinds}) == len(kinds)
    marks = (Marker(END - 3000, "deploy", "v2"), Marker(END - 600, "note", "pinned"))
    rows = text_of(draw(steady(value=0.1, markers=marks), 80, 14, INK))
    top = next(row for row in rows if "▾" in row)
    assert top.index("▾") < top.index("◈")
    assert "v2" in top
    plot = 80 - (time_cell(END, END - 3600, END, 76) or 0)
    assert 0 < plot < 10


@pytest.mark.parametrize(
    ("state", "message", "said"),
    [
        ("stale", "Prometheus unreachable since 09:41, last value 61 %", "Prometheus unreachable since 09:41"),
        ("error", "the query has a syntax error at 12", "syntax error"),
        ("empty", "", "no data"),
        ("loading", "", "waiting"),
    ],
)
def test_states_are_said_in_words(state: str, message: str, said: str) -> None:
    series = steady().series if state == "stale" else ()
    data = ChartData("m", series=series, start=END - 3600, end=END, state=state, message=message)  # type: ignore[arg-type]
    assert said in " ".join(" ".join(text_of(draw(data, 40, 14, INK))).split())


def test_a_trailing_gap_is_said() -> None:
    times = tuple(END - 3600 + 15 * at for at in range(100))
    data = ChartData("m", series=(Series("a", times, (1.0,) * 100),), start=END - 3600, end=END)
    assert "no sample for" in text_of(draw(data, 60, 10, INK))[0]


def test_ascii_mode_draws_ascii_only() -> None:
    glyphs.use(glyphs.ASCII)
    try:
        marks = (Marker(END - 3000, "deploy"),)
        data = steady(value=0.2, markers=marks, thresholds=(Threshold(0.5, "SLO"),))
        rows = text_of(draw(data, 50, 14, INK))
    finally:
        glyphs.use(glyphs.UNICODE)
    assert all(row.isascii() for row in rows)
    assert any("::" in row for row in rows)


@given(st.floats(), st.floats(), st.integers(-1, 10), st.sampled_from(UNITS))
def test_axes_are_total_and_cover_the_data(low: float, high: float, ticks: int, unit: str) -> None:
    axis = nice_axis(low, high, ticks, unit)
    assert axis.low < axis.high
    assert axis.ticks
    if math.isfinite(low) and math.isfinite(high) and 1e-6 < high < 1e12 and -1e12 < low <= high:
        assert axis.low <= low
        assert axis.high >= high * (1 - 1e-6)
    for tick in axis.ticks:
        axis_label(tick, unit)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.41, "s", "2.41 s"), (0.0042, "s", "4.2 ms"), (90, "s", "90 s"), (240, "s", "4 min"), (812, "ms", "812 ms"),
        (1500, "ms", "1.5 s"), (0.049, "ratio", "4.9 %"), (61, "percent", "61 %"), (61, "%", "61 %"),
        (1536, "bytes", "1.5 KiB"), (1940, "ops", "1.94k /s"), (28, "none", "28"), (8100, "msgs", "8100 msgs"),
        (12_000, "msgs", "12k msgs"), (0, "s", "0 s"), (math.inf, "s", "+Inf s"), (math.nan, "none", "?"),
        (None, "s", "-"), (999.96, "ops", "1k /s"),
    ],
)  # fmt: skip
def test_values_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit).text == text


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_draws(theme: object) -> None:
    from textual.theme import Theme

    assert isinstance(theme, Theme)
    ours = build_palette({**theme.to_color_system().generate(), **theme.variables}, theme.name, ansi=theme.ansi)
    backdrop = "default" if theme.ansi else ours.background
    rows = draw(steady(thresholds=(Threshold(0.5, "SLO"),)), 40, 12, Ink(ours, backdrop))
    styles = {style for row in rows for _, style in row}
    assert all(style.bgcolor is not None for style in styles if style.color is not None)
