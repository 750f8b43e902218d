"""The long list: it holds still under its reader, repaints only what changed, and stays quick with many rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widget import Widget

from tests.tui.grid import screen_rows, screen_text
from warroom.tui.glyphs import glyphs
from warroom.tui.palette import Palette, style
from warroom.tui.themes import register_themes
from warroom.tui.widgets.heights import Heights
from warroom.tui.widgets.line import Line, wrap
from warroom.tui.widgets.pane import Pane
from warroom.tui.widgets.rows import RowList, Rows


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    text: str


def one_line(row: Entry, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
    return [[(f"{row.number} {row.text}", style(palette.text))]]


def wrapped(row: Entry, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
    return [[(line, style(palette.text))] for line in wrap(f"{row.number} {row.text}", width)]


def entries(count: int, text: str = "entry") -> list[Entry]:
    return [Entry(number, text) for number in range(count)]


def source(rows: list[Entry], *, lines: int | None = 1) -> Rows:
    return Rows(rows, lambda row: row.number, one_line if lines == 1 else wrapped, lines)


class Lists(App[None]):
    def __init__(self, widget: Widget) -> None:
        super().__init__()
        register_themes(self)
        self.theme = "warroom-night"
        self.widget = widget
        self.chosen: list[Any] = []
        self.highlighted: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.chosen.append(event.key)

    def on_row_list_highlighted(self, event: RowList.Highlighted) -> None:
        self.highlighted.append(event.key)


def inside(app: App[Any]) -> list[str]:
    """What is in the frame, without the scrollbar."""
    return [line[1:-2] for line in screen_rows(app)[1:-1]]


async def test_keys_move_the_selection_and_the_view() -> None:
    rows = RowList("Timeline", number="2", source=source(entries(50)))
    app = Lists(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        await pilot.press("down")
        assert rows.selected_key == 0
        await pilot.press("j", "down", "k")
        assert rows.selected_key == 1
        await pilot.press("pagedown")
        assert rows.selected_key == 10
        await pilot.press("G")
        assert rows.selected_key == 49
        assert "49 entry" in screen_rows(app)[-2]
        await pilot.press("pageup", "home", "k")
        assert rows.selected_key == 0
        await pilot.press("enter")
        await pilot.pause()
        assert app.chosen == [0]
        assert app.highlighted[-1] == 0
        assert screen_rows(app)[1].startswith("│▌0 entry")


async def test_the_mouse_selects_opens_and_scrolls() -> None:
    rows = RowList("Timeline", source=source(entries(50)))
    app = Lists(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        await pilot.click(rows, offset=(5, 3))
        assert rows.selected_key == 2
        await pilot.click(rows, offset=(5, 4), times=2)
        await pilot.pause()
        assert app.chosen == [3]
        await pilot._post_mouse_events([MouseScrollDown], rows, offset=(5, 5), button=0)
        await pilot.pause()
        assert "0 entry" not in screen_rows(app)[1]
        await pilot._post_mouse_events([MouseScrollUp], rows, offset=(5, 5), button=0)
        await pilot.pause()
        assert "0 entry" in screen_rows(app)[1]
        assert rows.selected_text == "3 entry"


async def test_selection_and_view_stay_with_their_rows() -> None:
    data = entries(40)
    rows = RowList("Timeline", source=source(data))
    app = Lists(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        rows.select(20)
        await pilot.pause()
        before = screen_rows(app)[1:-1]
        data[:0] = [Entry(100 + at, "older") for at in range(7)]
        rows.sync()
        await pilot.pause()
        assert rows.selected_key == 20
        assert screen_rows(app)[1:-1] == before
        data[:] = sorted(data, key=lambda row: -row.number)
        rows.sync()
        await pilot.pause()
        assert rows.selected_row == Entry(20, "entry")


async def test_follows_the_end_until_the_reader_scrolls() -> None:
    data = entries(30)
    rows = RowList("Timeline", source=source(data), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert "following" in screen_rows(app)[-1]
        data.append(Entry(30, "new"))
        rows.sync()
        await pilot.pause()
        assert "30 new" in screen_rows(app)[-2]
        rows.scroll_up(animate=False)
        await pilot.pause()
        assert "paused" in screen_rows(app)[-1]
        before = inside(app)
        data.extend(Entry(31 + at, "new") for at in range(12))
        rows.sync()
        await pilot.pause()
        assert inside(app) == before
        assert "paused, 12 new" in screen_rows(app)[-1]
        await pilot.press("end")
        await pilot.pause()
        assert "following" in screen_rows(app)[-1]
        assert "42 new" in screen_rows(app)[-2]


async def test_a_picked_row_is_never_pushed_out_of_view() -> None:
    data = entries(30)
    rows = RowList("Timeline", source=source(data, lines=None), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("up", "up", "up")
        picked = rows.selected_key
        assert picked == 27
        for number in range(30, 50):
            data.append(Entry(number, "a long one that wraps " * 3))
            rows.sync()
            await pilot.pause()
            assert any(row.startswith("│▌27 ") for row in screen_rows(app))
        assert rows.selected_key == picked
        assert "new" in screen_rows(app)[-1]


async def test_one_event_repaints_only_its_rows() -> None:
    data = entries(8)
    rows = RowList("Alerts", source=source(data))
    app = Lists(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        await pilot.pause()
        drawn, painted = rows.rows_rendered, rows.lines_painted
        rows.sync()
        await pilot.pause()
        assert (rows.rows_rendered, rows.lines_painted) == (drawn, painted)
        data[3] = Entry(3, "acknowledged")
        rows.sync()
        await pilot.pause()
        assert (rows.rows_rendered - drawn, rows.lines_painted - painted) == (1, 1)
        data.append(Entry(8, "one more"))
        rows.sync()
        await pilot.pause()
        assert (rows.rows_rendered - drawn, rows.lines_painted - painted) == (2, 2)
        assert "3 acknowledged" in screen_text(app)


async def test_an_event_out_of_view_repaints_no_row() -> None:
    data = entries(100)
    rows = RowList("Timeline", source=source(data), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("g")
        await pilot.pause()
        drawn, painted = rows.rows_rendered, rows.lines_painted
        data.append(Entry(100, "new"))
        rows.sync()
        await pilot.pause()
        assert (rows.rows_rendered, rows.lines_painted) == (drawn, painted)
        assert "paused, 1 new" in screen_rows(app)[-1]


async def test_a_filter_keeps_the_selected_row_and_takes_new_ones() -> None:
    data = entries(60)
    rows = RowList("Timeline", source=source(data), empty="no entry matches")
    app = Lists(rows)
    async with app.run_test(size=(30, 12)) as pilot:
        rows.select(42)
        rows.set_filter(lambda row: row.number % 7 == 0)
        await pilot.pause()
        assert rows.count == 9
        assert rows.selected_row == Entry(42, "entry")
        data.extend([Entry(60, "x"), Entry(63, "x")])
        rows.sync()
        assert rows.count == 10
        rows.set_filter(lambda row: False)
        await pilot.pause()
        assert "no entry matches" in screen_text(app)
        assert rows.selected_row is None
        rows.set_filter(None)
        await pilot.pause()
        assert rows.count == 62
        assert rows.selected_row == Entry(42, "entry")


async def test_a_hundred_thousand_rows_draw_a_screenful() -> None:
    rows = RowList("Timeline", source=source(entries(100_000)), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "99999 entry" in screen_rows(app)[-2]
        assert rows.rows_rendered <= 2 * 24
        await pilot.press("pageup", "pageup", "pageup")
        await pilot.pause()
        assert rows.rows_rendered <= 6 * 24
        rows.set_filter(lambda row: row.number % 1000 == 0)
        await pilot.pause()
        assert rows.count == 100


async def test_wrapped_rows_of_a_long_list_measure_only_what_is_near() -> None:
    rows = RowList("Chat", source=source(entries(100_000, "word " * 30), lines=None), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert rows.rows_rendered <= 4 * 24
        await pilot.press("home")
        await pilot.pause()
        assert screen_rows(app)[1].startswith("│▌0 word")
        assert rows.rows_rendered <= 12 * 24


async def test_reading_upwards_through_wrapped_rows_misses_no_line() -> None:
    random.seed(5)
    data = [Entry(number, "word " * random.randint(1, 40)) for number in range(60)]
    rows = RowList("Chat", source=source(data, lines=None), follow=True)
    app = Lists(rows)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        for _ in range(60):
            before = inside(app)
            rows.scroll_up(animate=False)
            await pilot.pause()
            after = inside(app)
            assert after[1:] == before[:-1], "one line up is one line up, whatever was measured above"


async def test_a_resize_keeps_the_row_that_was_read() -> None:
    data = [Entry(number, "word " * (number % 9 + 1)) for number in range(200)]
    rows = RowList("Chat", source=source(data, lines=None))
    app = Lists(rows)
    async with app.run_test(size=(60, 20)) as pilot:
        rows.select(120)
        await pilot.pause()
        top = int(screen_rows(app)[1][2:].split()[0]) if screen_rows(app)[1][2].isdigit() else None
        await pilot.resize_terminal(34, 16)
        await pilot.pause()
        text = screen_text(app)
        assert top is None or f"{top} word" in text
        assert rows.selected_key == 120


async def test_bare_list_writes_its_state_into_the_pane_around_it() -> None:
    data = entries(40)
    rows = RowList(source=source(data), follow=True, classes="-bare")

    class Chat(Pane):
        def compose(self) -> ComposeResult:
            yield rows

    app = Lists(Chat("Chat", number="5"))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert "5 Chat" in screen_rows(app)[0]
        assert "following" in screen_rows(app)[-1]
        assert screen_text(app).count("╭") == 1
        rows.focus()
        await pilot.pause()
        assert app.widget.has_class("-active")


async def test_every_cell_has_a_background_and_no_control_reaches_the_terminal() -> None:
    rows = RowList("T", source=source([Entry(1, "a\x1b[2Jb\u202ec\td")]))
    app = Lists(rows)
    async with app.run_test(size=(30, 6)):
        strips = app.screen._compositor.render_strips()
        for strip in strips:
            for segment in strip:
                assert segment.style is not None
                assert segment.style.bgcolor is not None
                assert segment.text.isprintable()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=80), st.integers(0, 30))
@settings(max_examples=60)
def test_heights_agree_with_counting(lines: list[int], more: int) -> None:
    heights = Heights(len(lines))
    order = list(range(len(lines)))
    random.Random(1).shuffle(order)
    for row in order:
        heights.set(row, lines[row])
    heights.append(more)
    every = [*lines, *[1] * more]
    assert heights.total == sum(every)
    expected = [(row, inside) for row, height in enumerate(every) for inside in range(height)]
    assert [heights.find(line) for line in range(heights.total)] == expected
    assert [heights.offset(row) for row in range(len(every))] == [sum(every[:row]) for row in range(len(every))]
    assert heights.find(10_000) == expected[-1]
    assert heights.find(-5) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_screen_shows_the_rows(seed: int) -> None:
    """Rows come, go, change and move, the reader scrolls, filters and resizes: no line is ever out of date."""
    chance = random.Random(seed)
    data = [Entry(number, "word " * chance.randint(0, 12)) for number in range(30)]
    rows = RowList("Chat", source=source(data, lines=None), follow=bool(seed % 2))
    app = Lists(rows)
    fresh = iter(range(1000, 9000))

    def change() -> None:
        kind = chance.choice(["append", "insert", "remove", "replace", "shuffle", "filter", "clear"])
        if kind == "append":
            data.extend(Entry(next(fresh), "new " * chance.randint(1, 20)) for _ in range(chance.randint(1, 5)))
        elif kind == "insert":
            data.insert(chance.randint(0, len(data)), Entry(next(fresh), "in between"))
        elif kind == "remove" and data:
            data.pop(chance.randrange(len(data)))
        elif kind == "replace" and data:
            at = chance.randrange(len(data))
            data[at] = Entry(data[at].number, "changed " * chance.randint(1, 15))
        elif kind == "shuffle":
            chance.shuffle(data)
        elif kind == "filter":
            divisor = chance.choice([1, 1, 2, 3])
            rows.set_filter(None if divisor == 1 else lambda row: row.number % divisor == 0)
            return
        elif kind == "clear" and chance.random() < 0.2:
            data.clear()
        rows.sync()

    async with app.run_test(size=(40, 14)) as pilot:
        for _ in range(60):
            if chance.random() < 0.6:
                change()
            elif chance.random() < 0.85:
                await pilot.press(chance.choice(["up", "down", "pageup", "pagedown", "home", "end"]))
            else:
                await pilot.resize_terminal(chance.choice([24, 40, 60]), chance.choice([6, 14, 20]))
            await pilot.pause()
            shown = inside(app)
            expected = expected_lines(rows, len(shown[0]), len(shown))
            assert [line.rstrip() for line in shown] == expected


def expected_lines(rows: RowList, width: int, height: int) -> list[str]:
    """The view, drawn anew from the source: every line from the row at the top on."""
    if not rows.count:
        return [" nothing here yet", *[""] * (height - 1)]
    lines, top = list[str](), None
    for at in range(rows.count):
        row = rows.row_at(at)
        sign = glyphs().cursor if row.number == rows.selected_key else " "
        drawn = wrap(f"{row.number} {row.text}", width - 1)
        if rows._top is not None and row.number == rows._top[0]:
            top = len(lines) + rows._top[1]
        lines += [f"{sign}{line}".rstrip() for line in drawn]
    assert top is not None, "the row at the top is one of the rows"
    view = lines[top : top + height]
    assert len(view) == min(height, len(lines)), "no blank lines at the end while there are rows above"
    return [*view, *[""] * (height - len(view))]
