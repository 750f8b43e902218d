"""The board as a reader uses it: keys, panes, forms, what must always be visible, and what is redrawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.consoles import ROOM, SIZES, board, screen_text, until
from tests.tui.local_wire import LocalWire, minutes
from tests.tui.story import tell
from warroom.client.view import Unsent
from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.form import FormScreen
from warroom.tui.screens.lobby import LobbyScreen
from warroom.tui.screens.reading import ReadingScreen
from warroom.tui.widgets.rows import RowList


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_answers_how_bad_since_when_who_leads_and_what_is_owed(size: tuple[int, int]) -> None:
    async with board(size) as (_, app, _pilot):
        text = "\n".join(screen_text(app))
        for answer in (ROOM, "SEV1", "Checkout latency", "IC ana", "identified", "in 24:00", "FIRING", "5.1"):
            assert answer in text
        assert "00:44:30" in text or app.screen.query_one("#clock").display


@pytest.mark.parametrize("size", [(20, 5), (60, 16), (300, 80)])
async def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    wire = tell()
    app = WarroomApp(wire.opener, ConsoleOptions("ana", incident=ROOM, clock=wire.now))
    async with app.run_test(size=size) as pilot:
        for key in ("1", "2", "3", "4", "5", "escape", "6", "7", "8", "escape", "z", "question_mark"):
            await pilot.press(key)
        await pilot.resize_terminal(120, 40)
        await pilot.pause()


async def test_a_note_by_somebody_else_appears() -> None:
    async with board() as (wire, app, pilot):
        wire.act("marek", {"type": "add-note", "text": "rollback at thirty of thirty"}, ROOM)
        await until(pilot, lambda: any("thirty of thirty" in row for row in screen_text(app)))


async def test_the_alerts_say_how_many_fire_or_that_somebody_has_them() -> None:
    async with board() as (wire, app, pilot):
        await until(pilot, lambda: any("1 firing of 3" in row for row in screen_text(app)))
        firing = next(one for one in wire.states[ROOM].alerts if one.status == "firing")
        command = {"type": "acknowledge-alert", "source": firing.source, "fingerprint": firing.fingerprint}
        wire.act("marek", command, ROOM)
        await until(pilot, lambda: any("acknowledged of 3" in row for row in screen_text(app)))


async def test_keys_become_commands_of_the_core() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press(*"seen it", "ctrl+s")
        await until(pilot, lambda: wire.states[ROOM].timeline[-1].text == "seen it")
        await pilot.press("v", "down", "enter", "ctrl+s")
        await until(pilot, lambda: wire.states[ROOM].severity.value == "SEV2")
        await pilot.press("s", "enter", "ctrl+s")
        await until(pilot, lambda: wire.states[ROOM].status.value == "monitoring")
        await pilot.press("t", *"watch the pool", "enter", *"sofia", "ctrl+s")
        await until(pilot, lambda: wire.states[ROOM].tasks[-1].assignee == "sofia")
        await pilot.press("3", "enter")
        await until(pilot, lambda: wire.states[ROOM].playbooks[0].steps[0].status == "done")


async def test_the_chat_line_speaks_and_commands_and_completes() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("c", *"hello all", "enter")
        await until(pilot, lambda: wire.states[ROOM].timeline[-1].text == "hello all")
        await pilot.press(*"/impact customers 99", "enter")
        await until(pilot, lambda: wire.states[ROOM].counters[0].value == 99)
        await pilot.press(*"/sev", "tab", *" 3", "enter")
        await until(pilot, lambda: wire.states[ROOM].severity.value == "SEV3")
        await pilot.press(*"/nonsense", "enter")
        await until(pilot, lambda: any("there is no /nonsense" in row for row in screen_text(app)))
        assert app.screen.query_one("#chat").prompt.text == "/nonsense", "what was typed is not lost"


async def test_what_was_typed_and_not_sent_is_there_again() -> None:
    async with board() as (wire, app, pilot):
        await pilot.press("n", *"half a thought", "escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        wire.act("marek", {"type": "add-note", "text": "meanwhile"}, ROOM)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert isinstance(app.screen, FormScreen)
        assert app.screen.values()["text"] == "half a thought"


async def test_a_refusal_comes_back_in_words() -> None:
    async with board() as (_, app, pilot):
        await pilot.press(*":", *"role ic marek", "enter")
        await until(pilot, lambda: any("command" in row.casefold() and "ana" in row for row in screen_text(app)))


async def test_unsent_reconnecting_and_stale_are_always_visible() -> None:
    async with board() as (wire, app, pilot):
        unsent = Unsent(7, ROOM, {"type": "post-chat", "text": "still here"}, wire.now())
        room = replace(wire.latest.rooms[ROOM], unsent=(unsent,), stale=True)
        link = replace(wire.latest.link, status="reconnecting", retry_at=wire.now() + minutes(0.05))
        wire.show(replace(wire.latest, link=link, unsent=(unsent,), rooms={ROOM: room}))
        await until(pilot, lambda: any("1 unsent" in row for row in screen_text(app)))
        text = "\n".join(screen_text(app))
        assert "no server since" in text
        assert "next try in 3 s" in text
        assert "still here" in text
        assert "stale" in text


async def test_a_late_joiner_gets_the_brief_and_one_who_was_away_what_is_new() -> None:
    async with board(seen=None) as (_, app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert any("Incident commander: ana" in row for row in screen_text(app))
    async with board(seen=36) as (_, app, pilot):
        await until(pilot, lambda: any("4 entries since you left" in row for row in screen_text(app)))
        await pilot.press("b")
        await until(pilot, lambda: any("Since you left" in row for row in screen_text(app)))


async def test_filter_and_back() -> None:
    async with board() as (_, app, pilot):
        await pilot.press("slash", *"#decisions", "enter")
        timeline = app.screen.query_one("#timeline", RowList)
        await until(pilot, lambda: timeline.count == 2)
        await pilot.press("escape")
        await until(pilot, lambda: timeline.count > 20)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LobbyScreen))


async def test_an_event_redraws_only_what_changed() -> None:
    async with board((200, 55)) as (wire, app, pilot):
        await pilot.pause()
        lists = {name: app.screen.query_one(f"#{name}", RowList) for name in ("timeline", "alerts", "tasks", "roles")}
        before = {name: rows.rows_rendered for name, rows in lists.items()}
        wire.act("marek", {"type": "add-note", "text": "one more line"}, ROOM)
        await until(pilot, lambda: any("one more line" in row for row in screen_text(app)))
        drawn = {name: rows.rows_rendered - before[name] for name, rows in lists.items()}
        assert drawn["timeline"] <= 3
        assert drawn["alerts"] == drawn["tasks"] == drawn["roles"] == 0


async def test_evidence_is_pinned_with_its_data() -> None:
    async with board() as (wire, _, pilot):
        await pilot.press("1", "p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) == 1)
        pin = wire.states[ROOM].evidence[0]
        assert pin.title == "p99 latency"
        assert len(pin.series[0][1]) == 61


async def test_declaring_from_the_lobby_opens_the_room() -> None:
    wire = LocalWire()
    app = WarroomApp(wire.opener, ConsoleOptions("ana", clock=wire.now))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LobbyScreen) and app.view.lobby is not None)
        await pilot.press("D", *"Pool is full", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        await until(pilot, lambda: any("Pool is full" in row for row in screen_text(app)))
        assert any("nobody leads" in row for row in screen_text(app))


async def test_a_playbook_is_chosen_among_those_that_match() -> None:
    wire = tell()
    wire.act("ana", {"type": "declare-incident", "title": "Slow again"})
    fresh = list(wire.states)[-1]
    app = WarroomApp(wire.opener, ConsoleOptions("ana", incident=fresh, clock=wire.now))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: any("Slow again" in row for row in screen_text(app)))
        await pilot.press("P")
        await until(pilot, lambda: any("service checkout-api" in row for row in screen_text(app)))
        await pilot.press("enter")
        await until(pilot, lambda: [one.id for one in wire.states[fresh].playbooks] == ["latency"])
