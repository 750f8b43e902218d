"""The small widgets: clock, gauges, strips and the prompt, and the goldens of how they look together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from tests.tui.grid import assert_golden, screen_rows, screen_text
from warroom.tui import glyphs
from warroom.tui.palette import Palette, build_palette, style
from warroom.tui.themes import NIGHT, register_themes
from warroom.tui.widgets.clock import BigClock, big_text, big_width
from warroom.tui.widgets.gauges import Phase, phases, progress, spark
from warroom.tui.widgets.line import Line, crop, justify, safe, strip, width_of, wrap
from warroom.tui.widgets.prompt import Completion, Prompt, Word, word_at
from warroom.tui.widgets.rows import RowList, Rows
from warroom.tui.widgets.strips import HintBar, LineBar, Notice, NoticeStrip, TabStrip

GOLDENS = Path(__file__).parent / "goldens"
MAIN = {"foreground": "#d6deeb", "background": "#0b0f14", "accent": "#4fd6ff"}
PALETTE = build_palette({**MAIN, **NIGHT.variables}, NIGHT.name, ansi=False)
INK = style(PALETTE.text)


class Holder(App[None]):
    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        register_themes(self)
        self.theme = "warroom-night"
        self.widgets = widgets
        self.sent: list[str] = []
        self.picked: list[str] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        self.sent.append(event.text)

    def on_tab_strip_picked(self, event: TabStrip.Picked) -> None:
        self.picked.append(event.key)


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


# Lines


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 50))
def test_justified_lines_fill_the_width(left: str, right: str, width: int) -> None:
    line = justify([(safe(left), INK)], [(safe(right), INK)], width)
    assert width_of(line) == width


@given(st.text(max_size=60), st.integers(1, 30))
def test_strips_fill_the_width_and_are_printable(text: str, width: int) -> None:
    made = strip([(text, INK)], width, style(PALETTE.text, PALETTE.background))
    assert made.cell_length == width == cell_len(made.text)
    assert made.text.isprintable()
    assert all(segment.style and segment.style.bgcolor for segment in made)


@given(st.text(alphabet="ab cdé漢", max_size=80), st.integers(2, 20))
def test_wrapping_loses_no_word_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split())


def test_what_is_cropped_says_so() -> None:
    assert text_of(crop([("Checkout latency", INK)], 9)) == "Checkout…"
    assert text_of(crop([("short", INK)], 9)) == "short"


# Clock and gauges


def test_big_digits_are_three_rows_of_the_same_width() -> None:
    rows = big_text("01:23:47", PALETTE)
    assert len(rows) == 3
    assert {width_of(row) for row in rows} == {big_width("01:23:47")}


def test_every_digit_looks_different_in_both_tables() -> None:
    for table in (glyphs.UNICODE, glyphs.ASCII):
        glyphs.use(table)
        try:
            assert len({glyphs.big_digit(char) for char in "0123456789:-"}) == 12
        finally:
            glyphs.use(glyphs.UNICODE)


async def test_the_clock_shows_plain_digits_where_big_ones_do_not_fit() -> None:
    clock = BigClock("01:23:47")
    app = Holder(clock)
    async with app.run_test(size=(40, 5)) as pilot:
        assert "▀" in screen_text(app)
        clock.styles.width = 12
        await pilot.pause()
        assert "01:23:47" in screen_text(app)
        clock.show("01:23:48")
        await pilot.pause()
        assert "01:23:48" in screen_text(app)


@given(st.integers(-2, 40), st.integers(-2, 30), st.integers(1, 60))
def test_progress_fits_and_counts(done: int, total: int, width: int) -> None:
    line = text_of(progress(done, total, width, PALETTE))
    real = max(0, total)
    assert f"{min(max(done, 0), real)}/{real}" in line
    assert width < 12 or cell_len(line) == width


def test_progress_of_none_and_all() -> None:
    assert "━" not in text_of(progress(0, 12, 40, PALETTE))
    assert "─" not in text_of(progress(12, 12, 40, PALETTE))


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=50), st.integers(0, 30))
def test_sparklines_are_as_wide_as_asked(values: list[float | None], width: int) -> None:
    assert width_of(spark(values, width, PALETTE, PALETTE.bad)) == width


def test_sparklines_keep_the_peak_and_the_gap() -> None:
    assert text_of(spark([0, 0, 0, 9, 0, 0, 0, 0], 4, PALETTE, PALETTE.bad)) == "▁▇▁▁"
    assert text_of(spark([None, 1, None, 2], 4, PALETTE, PALETTE.bad)) == " ▄ ▇"


WAY = [
    Phase("triage", "past", "08:58"),
    Phase("investigating", "past", "09:04"),
    Phase("identified", "now", "09:19"),
    Phase("monitoring", "ahead"),
    Phase("resolved", "ahead"),
]


@pytest.mark.parametrize("width", range(14, 130, 3))
def test_the_way_always_fits_and_always_names_where_it_is(width: int) -> None:
    line = text_of(phases(WAY, width, PALETTE))
    assert cell_len(line) <= width
    assert "◐ identified" in line


# Strips


async def test_tabs_show_the_active_one_and_answer_clicks() -> None:
    tabs = TabStrip([("1", "Board"), ("2", "Timeline"), ("3", "Chat")])
    app = Holder(tabs)
    async with app.run_test(size=(40, 3)) as pilot:
        assert screen_rows(app)[0] == " 1 Board  2 Timeline  3 Chat"
        await pilot.click(tabs, offset=(12, 0))
        await pilot.pause()
        assert app.picked == ["2"]
        tabs.active = "2"
        tabs.mark("3", 4)
        await pilot.pause()
        assert "Chat 4" in screen_rows(app)[0]
        await pilot.resize_terminal(20, 3)
        await pilot.pause()
        assert len(screen_rows(app)[0]) <= 20


async def test_hints_leave_out_the_last_ones_and_keep_the_state() -> None:
    bar = HintBar()
    app = Holder(bar)
    async with app.run_test(size=(30, 2)) as pilot:
        bar.show([("n", "note"), ("a", "ack"), ("d", "decision"), ("?", "help")], right=[("synced", INK)])
        await pilot.pause()
        row = screen_rows(app)[0]
        assert row.startswith(" n note  a ack")
        assert row.endswith("synced")
        assert "help" not in row


async def test_notices_take_a_row_only_while_there_are_any_and_the_worst_is_first() -> None:
    notices = NoticeStrip()
    app = Holder(notices, LineBar(lambda width, height, palette: [[("below", INK)]]))
    async with app.run_test(size=(60, 3)) as pilot:
        assert screen_rows(app)[0] == "below"
        notices.show([Notice("unsent 3", "warn"), Notice("reconnecting in 2 s", "bad")])
        await pilot.pause()
        assert screen_rows(app)[0] == " ▲ reconnecting in 2 s · ◆ unsent 3"
        assert screen_rows(app)[1] == "below"
        notices.show([])
        await pilot.pause()
        assert screen_rows(app)[0] == "below"


async def test_a_free_line_shows_left_and_right() -> None:
    bar = LineBar()
    app = Holder(bar)
    async with app.run_test(size=(20, 2)) as pilot:
        bar.show([([("left", INK)], [("right", INK)])])
        await pilot.pause()
        assert screen_rows(app)[0] == "left           right"


# Prompt

COMMANDS = ("/ack", "/action", "/note")
PEOPLE = ("@ana", "@marek")


def offers(word: Word) -> Sequence[Completion]:
    if word.start == 0 and word.text.startswith("/"):
        return [Completion(text, help="command") for text in COMMANDS if text.startswith(word.text)]
    if word.text.startswith("@"):
        return [Completion(text) for text in PEOPLE if text.startswith(word.text)]
    return []


async def test_tab_completes_the_chosen_offer() -> None:
    prompt = Prompt("Message", complete=offers)
    app = Holder(LineBar(), prompt)
    async with app.run_test(size=(60, 16)) as pilot:
        prompt.focus_input()
        await pilot.press("slash", "a")
        await pilot.pause()
        assert prompt.is_open
        assert "/action" in screen_text(app)
        await pilot.press("down", "tab")
        assert prompt.text == "/action "
        await pilot.press("at", "m", "tab")
        assert prompt.text == "/action @marek "
        await pilot.press("x", "enter")
        await pilot.pause()
        assert app.sent == ["/action @marek x"]
        assert prompt.text == ""
        assert not prompt.is_open


async def test_escape_closes_the_list_and_keeps_the_text() -> None:
    prompt = Prompt(complete=offers)
    app = Holder(prompt)
    async with app.run_test(size=(60, 16)) as pilot:
        prompt.focus_input()
        await pilot.press("slash", "a", "escape")
        await pilot.pause()
        assert not prompt.is_open
        assert prompt.text == "/a"
        await pilot.press("c")
        await pilot.pause()
        assert prompt.is_open


async def test_a_completion_in_the_middle_leaves_the_rest() -> None:
    prompt = Prompt(complete=offers)
    app = Holder(prompt)
    async with app.run_test(size=(60, 16)) as pilot:
        prompt.focus_input()
        prompt.text = "tell  please"
        prompt.input.cursor_position = 5
        await pilot.press("at", "a", "tab")
        assert prompt.text == "tell @ana please"
        assert prompt.input.cursor_position == len("tell @ana")


async def test_history_comes_back_and_the_unsent_line_is_kept() -> None:
    prompt = Prompt(complete=offers)
    app = Holder(prompt)
    async with app.run_test(size=(60, 16)) as pilot:
        prompt.focus_input()
        await pilot.press("o", "n", "e", "enter", "t", "w", "o", "enter", "h", "a", "l", "f")
        await pilot.press("up")
        assert prompt.text == "two"
        await pilot.press("up", "up")
        assert prompt.text == "one"
        await pilot.press("down", "down")
        assert prompt.text == "half"
        await pilot.press("down")
        assert prompt.text == "half"


async def test_a_blank_line_is_not_sent() -> None:
    prompt = Prompt()
    app = Holder(prompt)
    async with app.run_test(size=(60, 6)) as pilot:
        prompt.focus_input()
        await pilot.press("space", "enter")
        await pilot.pause()
        assert app.sent == []
        assert prompt.text == " "


@given(st.text(max_size=30), st.integers(-3, 40))
def test_the_word_at_the_cursor_has_no_blank(line: str, cursor: int) -> None:
    word = word_at(line, cursor)
    assert " " not in word.text
    assert line.startswith(line[: word.start] + word.text)


# How they look together


def entry(row: tuple[str, str, str, str], width: int, selected: bool, palette: Palette) -> Sequence[Line]:
    time, sign, text, who = row
    left = [(f"{time} ", style(palette.muted)), (f"{sign} ", style(palette.accent, bold=True)), (text, INK)]
    return [justify(left, [(who, style(palette.person(who)))], width)]


ROWS = [
    ("09:06:33", "▾", "Suspect: checkout-api v2.14.0 at 08:51", "marek"),
    ("09:11:48", "■", "pgbouncer waiting 0 → 1.9k", "sofia"),
    ("09:19:05", "▲", "Roll back checkout-api to v2.13.8", "ana"),
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_golden(size: tuple[int, int]) -> None:
    clock, hints, notices = BigClock("01:23:47"), HintBar(), NoticeStrip()
    way = LineBar(lambda width, height, palette: [phases(WAY, width, palette), progress(5, 12, width, palette)])
    way.styles.height = 3
    rows = RowList("Timeline", number="2", source=Rows(ROWS, lambda row: row[0], entry), follow=True)
    app = Holder(Horizontal(way, clock), TabStrip([("1", "Board"), ("2", "Timeline")]), notices, rows, hints)
    app.widgets[0].styles.height = 3
    async with app.run_test(size=size) as pilot:
        notices.show([Notice("unsent 3", "warn")])
        hints.show([("n", "note"), ("?", "help")], right=[("synced", style(PALETTE.good))])
        rows.set_lookers(["ana", "june"])
        rows.focus()
        await pilot.press("up")
        await pilot.pause()
        assert_golden(app, GOLDENS / f"small-{size[0]}x{size[1]}.txt")


@pytest.mark.parametrize(
    "text", ["\U0001f469\u200d\U0001f680", "\u2764\ufe0f\u200d\U0001f525", "\u0645\u200c\u0645", "\u200d"]
)
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 9])
def test_joined_characters_are_as_wide_as_they_are_drawn(text: str, width: int) -> None:
    drawn = strip([(text * 2, INK)], width, INK)
    shown = "".join(segment.text for segment in drawn)
    assert not set("\u200c\u200d") & set(shown)
    assert drawn.cell_length == cell_len(shown) == width
    assert "".join(wrap(text * 2, width)) == (text * 2).replace("\u200c", "").replace("\u200d", "")
    assert all(cell_len(row) <= max(width, 2) for row in wrap(text * 2, width))
