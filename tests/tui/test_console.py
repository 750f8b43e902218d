"""The console as a whole: what is loaded before its first paint, its pace, the mouse, sizes, and how screens look."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.tui.consoles import ROOM, SIZES, board, screen_text, shows, until
from tests.tui.grid import assert_golden
from tests.tui.story import tell
from warroom.client.view import PanelView
from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.board_panes import TimelinePane
from warroom.tui.screens.form import FormScreen
from warroom.tui.screens.lobby import LobbyScreen
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import HintBar

GOLDENS = Path(__file__).parent / "goldens"
LATER = ("pydantic", "httpx", "numpy", "websockets", "orjson", "cryptography", "apsw", "sqlite3", "jinja2", "yaml")

_FIRST_PAINT = """
import json, sys
opened = []
sys.addaudithook(lambda event, details: opened.append(str(details[0])) if event == "open" else None)
from pathlib import Path
import warroom.cli.commands.console
from warroom.client.thread import ClientThread
from warroom.settings.load import load
from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.keymap import load_keymap
load_keymap(Path(sys.argv[1]) / "keymap.toml")
opened.clear()
def opener(wake):
    found = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
    print(json.dumps({"loaded": found, "opened": opened, "text": text_of(app)}))
    app.call_from_thread(app.exit)
    raise OSError("the test needs no server")
def text_of(app):
    return "".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)
app = WarroomApp(opener, ConsoleOptions("ana", incident="INC-7K30", memory=Path(sys.argv[1]) / "memory.json"))
app.run(headless=True, size=(120, 40))
"""


def test_nothing_of_the_network_is_loaded_and_no_file_read_before_the_first_paint(tmp_path: Path) -> None:
    (tmp_path / "memory.json").write_text('{"seen": {"INC-7K30": 3}}')
    ran = subprocess.run(
        [sys.executable, "-c", _FIRST_PAINT, str(tmp_path), json.dumps(LATER)],
        capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert "Timeline" in found["text"], "the opener comes after the first frame"
    assert found["loaded"] == []
    own = [path for path in found["opened"] if path.endswith((".json", ".toml")) or "warroom" in Path(path).suffix]
    assert own == []


async def test_a_wrong_keymap_is_told_and_keys_can_be_changed() -> None:
    words = "keymap.toml: 'entry.ad-note' is not an action"
    async with board(keymap={"entry.add-note": "f7"}, complaints=(words,)) as (_, app, pilot):
        await until(pilot, lambda: shows(app, words))
        await pilot.press("n")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("f7")
        await until(pilot, lambda: shows(app, "What you see, or did"))


async def test_esc_never_ends_the_console() -> None:
    async with board() as (_, app, pilot):
        for _ in range(8):
            await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LobbyScreen))
        assert app.is_running
        await pilot.press("slash", *"zzz", "escape")
        await until(pilot, lambda: shows(app, "Checkout latency"))


async def test_the_palette_offers_the_likely_first_and_what_may_not_be_last() -> None:
    wire = tell()
    wire.latest = replace(wire.latest, link=replace(wire.latest.link, access="observer"))
    async with board(wire=wire) as (_, app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: shows(app, "Catch up"))
        assert not shows(app, "Put on record"), "an observer's palette begins with what they may"
    async with board() as (_, app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: shows(app, "Put on record"))
        rows = [row for row in screen_text(app) if "Note" in row or "Severity" in row]
        assert "Note" in rows[0]


async def test_low_bandwidth_draws_with_a_slow_beat_but_news_at_once() -> None:
    async with board((200, 55), calm=True) as (wire, app, pilot):
        wire.clock += timedelta(seconds=30)
        screen = app.screen
        assert isinstance(screen, BoardScreen)
        screen.tick()
        before = screen_text(app)
        wire.clock += timedelta(seconds=4)
        person = replace(wire.people[ROOM][0], looking_at="alerts")
        wire.people[ROOM] = (person, *wire.people[ROOM][1:])
        wire.show(replace(wire.latest, panels={**wire.latest.panels, "other": PanelView("other", ROOM)}))
        screen.tick()
        await pilot.pause()
        assert screen_text(app) == before, "not a cell within five seconds without news"
        wire.act("marek", {"type": "add-note", "text": "news comes at once"}, ROOM)
        await until(pilot, lambda: shows(app, "news comes at once"))
        wire.clock += timedelta(seconds=1)
        screen.tick()
        await until(pilot, lambda: shows(app, "09:43:05"))
        await pilot.press("f8")
        wire.clock += timedelta(seconds=1)
        screen.tick()
        await until(pilot, lambda: shows(app, "09:43:06"))


async def test_a_second_that_goes_by_paints_a_few_lines_not_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with board((200, 55)) as (wire, app, pilot):
        await pilot.pause()
        full: list[object] = []
        looked: list[object] = []
        compositor = app.screen._compositor
        whole = compositor.render_full_update
        monkeypatch.setattr(compositor, "render_full_update", lambda **how: full.append(how) or whole(**how))
        monkeypatch.setattr(LobbyScreen, "refresh_view", lambda *_: looked.append(1))
        wire.clock += timedelta(seconds=1)
        screen = app.screen
        assert isinstance(screen, BoardScreen)
        screen.tick()
        wire.act("marek", {"type": "add-note", "text": "and one more"}, ROOM)
        await until(pilot, lambda: shows(app, "and one more") and shows(app, "09:42:31"))
        assert full == []
        assert looked == [], "what lies under the board is out of sight"


async def test_the_mouse_reaches_lists_and_tabs() -> None:
    async with board((80, 24)) as (_, app, pilot):
        await pilot.click("#alerts", offset=(4, 2))
        alerts = app.screen.query_one("#alerts", RowList)
        await until(pilot, lambda: alerts.selected_key is not None and alerts.has_focus)
        await pilot.click("#tabs", offset=(40, 0))
        await until(pilot, lambda: app.screen.query_one("#chat").display)  # the fifth tab
        await pilot.click("#tabs", offset=(2, 0))
        await until(pilot, lambda: app.screen.query_one("#timeline").size.width > 0)
        timeline = app.screen.query_one("#timeline", RowList)
        await pilot.click("#timeline", offset=(10, 4))
        await until(pilot, lambda: timeline.selected_key is not None)


async def test_a_storm_of_sizes_leaves_every_answer_in_place() -> None:
    async with board() as (_, app, pilot):
        for width, height in [(200, 55), (20, 5), (80, 24), (103, 30), (104, 30), (168, 50), (60, 16), (120, 40)] * 3:
            await pilot.resize_terminal(width, height)
        await until(pilot, lambda: shows(app, "IC ana") and shows(app, "SEV1") and shows(app, "2 Timeline"))
        assert app.screen.query_one("#timeline", RowList).following


async def test_a_list_alone_on_the_screen_still_follows_the_end() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("2", "z")
        timeline = app.screen.query_one("#timeline", TimelinePane)
        await until(pilot, lambda: timeline.size.width > 100)
        for number in range(60):
            wire.act("marek", {"type": "add-note", "text": f"line {number}"}, ROOM)
        await until(pilot, lambda: shows(app, "line 59"))
        assert timeline.following
        await pilot.press("z")
        await until(pilot, lambda: timeline.size.width < 100 and shows(app, "line 59"))


async def test_merged_and_private_incidents_say_so() -> None:
    wire = tell()
    wire.act("ana", {"type": "change-privacy", "private": True}, ROOM)
    for size in ((80, 24), (120, 40)):
        async with board(size, wire) as (_, app, pilot):
            await until(pilot, lambda app=app: shows(app, "private"))
    wire.act("ana", {"type": "merge-incident", "into": "INC-7K31", "reason": "one cause"}, ROOM)
    for size in ((80, 24), (120, 40)):
        async with board(size, wire) as (_, app, pilot):
            await until(pilot, lambda app=app: shows(app, "INC-7K31"))


async def test_declaring_can_begin_in_a_room() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("colon", *"declare", "enter")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press(*"Another one", "ctrl+s")
        await until(pilot, lambda: len(wire.states) == 3)


async def test_steps_are_named_by_their_titles_and_phases_survive_any_reason() -> None:
    wire = tell()
    wire.act("ana", {"type": "change-status", "status": "monitoring", "reason": "closed, resolved, identified"}, ROOM)
    async with board((200, 55), wire) as (_, app, pilot):
        await until(pilot, lambda: shows(app, "Freeze deploys in eu-west-1: done"))
        assert any("monitoring" in row and "── " in row and "Freeze" not in row for row in screen_text(app)[8:])


async def test_the_footer_keeps_help_in_sight_at_every_size() -> None:
    for size in SIZES:
        async with board(size) as (_, app, _pilot):
            assert app.screen.query_one("#footer", HintBar).size.width == size[0]
            assert shows(app, "? help")
            assert shows(app, "^p palette")


@pytest.mark.parametrize(
    ("name", "size", "incident", "theme"),
    [
        ("board-80x24", (80, 24), ROOM, "warroom-night"),
        ("board-120x40", (120, 40), ROOM, "warroom-light"),
        ("board-200x55", (200, 55), ROOM, "warroom-night"),
        ("board-80x24-mono", (80, 24), ROOM, "warroom-mono"),
        ("lobby-80x24", (80, 24), "", "warroom-night"),
    ],
)
async def test_goldens(
    name: str, size: tuple[int, int], incident: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if theme == "warroom-mono":
        monkeypatch.setenv("NO_COLOR", "1")
    wire = tell()
    app = WarroomApp(wire.opener, ConsoleOptions("ana", incident=incident, clock=wire.now, theme=theme))
    app.memory.see(ROOM, wire.states[ROOM].seq)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "Checkout latency"))
        if incident:
            await until(pilot, lambda: shows(app, "DB pool") and shows(app, "following"))
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        assert_golden(app, GOLDENS / f"{name}.txt")
