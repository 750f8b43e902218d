"""Who is called, what is told once, who is barred, and that refused words come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.tui.consoles import ROOM, board, shows, until
from tests.tui.local_wire import LocalWire, minutes
from tests.tui.story import tell
from warroom.client.view import RefusedCommand, RoomView, Settled, Unsent
from warroom.incident.commands import COMMAND
from warroom.incident.words import Status
from warroom.tui.access import barred
from warroom.tui.actions import ACTIONS, BY_ID
from warroom.tui.acts import FORMS
from warroom.tui.attention import BETWEEN_BELLS, Bell, calls_for, desktop_notification
from warroom.tui.forms import Context
from warroom.tui.panes.chat import mentions
from warroom.tui.screens.arrivals import Arrivals
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.board_panes import ChatPane
from warroom.tui.screens.form import FormScreen
from warroom.tui.screens.outbox import OutboxScreen
from warroom.tui.taking_back import taken_back

CALLS = [
    ("marek", {"type": "post-chat", "text": "@ana the gate is yours"}, "marek: @ana the gate is yours"),
    ("marek", {"type": "add-note", "text": "asked @Ana."}, "marek: asked @Ana."),
    ("marek", {"type": "add-task", "title": "drain", "assignee": "ana"}, "marek gives you task 4: drain"),
    ("marek", {"type": "assign-task", "task": 2, "assignee": "ana"}, "gives you task 2"),
]
NO_CALLS = [
    ("ana", {"type": "post-chat", "text": "@ana note to myself"}),
    ("marek", {"type": "post-chat", "text": "@anabel is not ana"}),
    ("marek", {"type": "add-task", "title": "drain", "assignee": "sofia"}),
]


@pytest.mark.parametrize(("who", "command", "words"), CALLS)
def test_a_person_is_called_when_they_are_asked_for(who: str, command: dict[str, Any], words: str) -> None:
    wire = tell()
    before = wire.states[ROOM]
    wire.act(who, command, ROOM)
    found = calls_for(before, wire.states[ROOM], "ana")
    assert len(found) == 1
    assert words in found[0]
    assert calls_for(wire.states[ROOM], wire.states[ROOM], "ana") == ()


@pytest.mark.parametrize(("who", "command"), NO_CALLS)
def test_nobody_is_called_by_themselves_or_for_somebody_else(who: str, command: dict[str, Any]) -> None:
    wire = tell()
    before = wire.states[ROOM]
    wire.act(who, command, ROOM)
    assert calls_for(before, wire.states[ROOM], "ana") == ()


def test_an_offer_of_command_and_a_sev1_call() -> None:
    wire = tell()
    before = wire.states[ROOM]
    wire.act("ana", {"type": "offer-command", "to": "marek", "brief": "all is said"}, ROOM)
    assert calls_for(before, wire.states[ROOM], "marek") == (f"Command of {ROOM} is offered to you",)
    quiet = replace(before, severity=type(before.severity).SEV2)
    assert "SEV1 now" in calls_for(quiet, wire.states[ROOM], "june")[0]


def test_the_bell_rings_at_most_once_in_a_while() -> None:
    bell = Bell()
    rings = [bell.may_ring(at / 10) for at in range(200)]
    assert rings.count(True) == 200 / 10 / BETWEEN_BELLS
    assert rings[0]


def test_foreign_words_cannot_leave_the_notification() -> None:
    made = desktop_notification("evil\x07\x1b]0;title\x9c words" + "x" * 500)
    assert made.count("\x07") == 1
    assert made.count("\x1b") == 1
    assert len(made) < 220


def _room(wire: LocalWire, **changes: Any) -> RoomView:
    base = RoomView(ROOM, wire.states[ROOM], stale=False, caught_up=True)
    return replace(base, **changes)


def test_what_came_while_the_line_was_down_is_told_once() -> None:
    wire, arrivals = tell(), Arrivals()
    assert arrivals.take(_room(wire), wire.states[ROOM].seq, "ana") == []
    known = wire.states[ROOM].seq
    assert arrivals.take(_room(wire, stale=True), None, "ana") == []
    wire.act("ana", {"type": "add-note", "text": "written offline"}, ROOM)
    wire.act("marek", {"type": "add-note", "text": "one"}, ROOM)
    wire.act("june", {"type": "post-chat", "text": "@ana two"}, ROOM)
    assert arrivals.take(_room(wire, stale=True), None, "ana") == [], "while it catches up nothing is told"
    told = arrivals.take(_room(wire), None, "ana")
    assert [one.how for one in told] == ["tell", "call"]
    assert "2 entries came while the line was down" in told[0].words
    assert arrivals.since == known
    assert arrivals.take(_room(wire), None, "ana") == []


def test_a_newcomer_gets_the_brief() -> None:
    wire, arrivals = tell(), Arrivals()
    assert [one.how for one in arrivals.take(_room(wire), None, "ana")] == ["brief"]
    assert arrivals.take(_room(wire), None, "ana") == []


def test_only_what_is_sure_to_be_refused_is_barred() -> None:
    state = tell().states[ROOM]
    note, private = BY_ID["entry.add-note"], BY_ID["incident.change-privacy"]
    assert "needs responder access; yours is observer" in barred(note, "observer", "x", state)
    assert "incident commander (ana)" in barred(private, "responder", "x", state)
    assert barred(private, "responder", "ana", state) == ""
    assert barred(private, "commander", "x", state) == ""
    for action in ACTIONS:
        # What is for exercises alone is sure to be refused in a real incident, whatever the token allows.
        drilled = barred(action, "admin", "x", state).endswith("is no exercise")
        assert barred(action, "", "x", state) == "" or drilled, "before the server has said what the token allows"
        assert barred(action, "admin", "x", state) == "" or drilled
        if action.access == "observer":
            assert barred(action, "observer", "x", state) == "" or drilled


async def test_an_observer_is_told_and_nothing_is_sent() -> None:
    wire = tell()
    wire.latest = replace(wire.latest, link=replace(wire.latest.link, access="observer"))
    async with board(wire=wire) as (_, app, pilot):
        before = wire.states[ROOM].seq
        await pilot.press("n")
        await until(pilot, lambda: shows(app, "needs responder access; yours is observer"))
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("5", *"hello", "enter")
        await until(pilot, lambda: app.screen.query_one("#chat").prompt.text == "hello")
        await pilot.press("escape", ":", *"severity 3", "enter")
        await pilot.pause()
        assert wire.states[ROOM].seq == before
        assert not shows(app, "v severity")


@pytest.mark.parametrize("text", ["@ana", "hello @Ana.", "(@ana) look", "@ana, @june: now"])
def test_a_mention_ends_where_the_sentence_does(text: str) -> None:
    assert mentions(text, "ana")
    assert not mentions(text, "an")


async def test_a_mention_rings_unless_it_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    async with board() as (wire, app, pilot):
        monkeypatch.setattr(app, "bell", lambda: rung.append("bell"))
        wire.act("june", {"type": "post-chat", "text": "@ana are you there"}, ROOM)
        await until(pilot, lambda: rung == ["bell"])
        wire.act("june", {"type": "post-chat", "text": "@ana hello"}, ROOM)
        await until(pilot, lambda: shows(app, "june: @ana hello"))
        assert rung == ["bell"], "not twice within seconds"


@pytest.mark.parametrize(
    "command",
    [
        {"type": "add-note", "text": "pool is full"},
        {"type": "propose-hypothesis", "text": "pool is full"},
        {"type": "add-task", "title": "pool is full", "follow_up": True},
        {"type": "add-task", "title": "pool is full", "assignee": "june"},
        {"type": "take-decision", "choice": "pool is full", "question": "what", "reason": "so"},
        {"type": "publish-update", "text": "pool is full"},
        {"type": "finish-task", "task": 1, "result": "pool is full"},
        {"type": "support-hypothesis", "hypothesis": 1, "evidence": "pool is full"},
        {"type": "correct-entry", "entry": 3, "text": "pool is full"},
        {"type": "change-title", "title": "pool is full"},
    ],
    ids=lambda command: str(command["type"]),
)
def test_refused_words_stand_in_the_form_again(command: dict[str, Any]) -> None:
    wire = tell()
    COMMAND.validate_python(command)
    found = taken_back(command)
    assert found is not None
    action, values = found
    form = FORMS[action](Context(wire.states[ROOM], "ana", wire.now(), wire.clock.tzinfo))  # type: ignore[arg-type]
    assert set(values) <= {field.name for field in form.fields}
    assert "pool is full" in values.values()
    filled = {field.name: values.get(field.name, field.value) for field in form.fields}
    assert form.build(filled)["type"] == command["type"]


async def test_a_refusal_from_before_can_be_taken_back() -> None:
    wire = tell()
    refused = RefusedCommand(
        3,
        9,
        ROOM,
        {"type": "add-note", "text": "words of an hour ago"},
        wire.now(),
        wire.now(),
        "conflict",
        "it is over",
    )
    wire.latest = replace(wire.latest, refused=(refused,))
    seen: list[int] = []
    wire.seen = seen.append  # type: ignore[method-assign]
    async with board(wire=wire) as (_, app, pilot):
        await until(pilot, lambda: shows(app, "1 refused: it is over"))
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, OutboxScreen) and shows(app, "words of an hour ago"))
        assert seen == [3]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert isinstance(app.screen, FormScreen)
        await until(pilot, lambda: app.screen.values()["text"] == "words of an hour ago")  # type: ignore[attr-defined]


async def test_a_refused_message_stands_in_the_line_again() -> None:
    async with board() as (wire, app, pilot):
        wire.act = lambda *_, **__: Settled(1, ROOM, reason="conflict", words="not now")  # type: ignore[method-assign]
        await pilot.press("c", *"one more", "enter")
        await until(pilot, lambda: shows(app, "not now"))
        prompt = app.screen.query_one("#chat", ChatPane).prompt
        await until(pilot, lambda: prompt.text == "one more")


async def test_what_is_half_written_outlives_the_room_on_screen() -> None:
    async with board() as (_, app, pilot):
        await pilot.press("c", *"half a thou")
        app.show_room("INC-7K31")
        app.show_room(ROOM)
        app.show_room("INC-7K31")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and app.screen.incident == "INC-7K31")
        app.show_room(ROOM)
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and app.screen.incident == ROOM)
        await until(pilot, lambda: shows(app, "half a thou"))
        assert len(app.screen_stack) == 3, "one room at a time"


async def test_what_waits_is_shown_in_its_place() -> None:
    async with board() as (wire, app, pilot):
        note = Unsent(7, ROOM, {"type": "add-note", "text": "pool at 70 %"}, wire.now())
        severity = Unsent(8, ROOM, {"type": "change-severity", "severity": "SEV2"}, wire.now())
        room = replace(wire.latest.rooms[ROOM], unsent=(note, severity))
        link = replace(wire.latest.link, status="reconnecting", retry_at=wire.now() + minutes(0.1))
        wire.show(replace(wire.latest, link=link, unsent=(note, severity), rooms={ROOM: room}))
        await until(pilot, lambda: shows(app, "pool at 70 %"))
        assert shows(app, "change severity SEV2")
        wire.show(replace(wire.latest, unsent=(), rooms={ROOM: replace(room, unsent=())}))
        await until(pilot, lambda: not shows(app, "pool at 70 %"))


async def test_a_room_that_ended_says_why_and_takes_nothing() -> None:
    async with board() as (wire, app, pilot):
        room = replace(wire.latest.rooms[ROOM], ended="you may not see this incident any more")
        wire.show(replace(wire.latest, rooms={ROOM: room}))
        await until(pilot, lambda: shows(app, "you may not see this incident any more"))
        before = wire.states[ROOM].seq
        await pilot.press("a")
        await pilot.pause()
        assert wire.states[ROOM].seq == before


@pytest.mark.parametrize(
    ("now", "offered", "first"),
    [
        ("triage", ["investigating", "identified", "monitoring", "resolved"], "investigating"),
        ("investigating", ["identified", "monitoring", "resolved"], "identified"),
        ("monitoring", ["investigating", "identified", "resolved"], "resolved"),
        ("resolved", ["closed"], "closed"),
    ],
)
def test_only_statuses_that_may_come_next_are_offered(now: str, offered: list[str], first: str) -> None:
    wire = tell()
    state = replace(wire.states[ROOM], status=Status(now))
    form = FORMS["incident.change-status"](Context(state, "ana", wire.now(), wire.clock.tzinfo))  # type: ignore[arg-type]
    field = form.fields[0]
    assert [one.value for one in field.choices] == offered
    assert field.value == first


def test_what_speaks_for_a_hypothesis_is_linked_with_what_was_pinned() -> None:
    wire = tell()
    for title in ("pool in use", "errors by version"):
        wire.act("marek", {"type": "pin-evidence", "evidence": {"title": title, "kind": "text", "note": title}}, ROOM)
    state = wire.states[ROOM]
    form = FORMS["hypothesis.support"](Context(state, "ana", wire.now(), wire.clock.tzinfo))  # type: ignore[arg-type]
    said = {"number": "1", "evidence": "the pool is full", "pin": form.fields[-1].value}
    command = form.build(said)
    assert COMMAND.validate_python(command).pins == (state.evidence[-1].number,)  # type: ignore[union-attr]
    assert "pins" not in form.build({**said, "pin": ""})
    bare = FORMS["hypothesis.support"](Context(replace(state, evidence=()), "ana", wire.now(), wire.clock.tzinfo))  # type: ignore[arg-type]
    assert [one.name for one in bare.fields] == ["number", "evidence"]
