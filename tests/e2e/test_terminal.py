"""The console in a real terminal, before a real `warroom serve`: what keys, sizes, losses and ends do to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import Person, Served
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WORDS = "Grüße aus 東京: ½ fertig ✓"


@pytest.fixture
def owner(tmp_path: Path) -> Person:
    return Person("olga", tmp_path, {"WARROOM_PROMETHEUS__URL": ""})


@pytest.fixture
def room(owner: Person) -> Iterator[Served]:
    with Served(owner).start() as served:  # type: ignore[attr-defined]
        yield served


@pytest.fixture
def incident(owner: Person, room: Served) -> str:
    return owner.run("declare", "Checkout is slow", "--severity", "SEV2", "--service", "shop").strip()


def at_the_board(person: Person, incident: str, columns: int = 120, rows: int = 40, **env: str) -> Terminal:
    """A console that shows the incident, all of it known."""
    return person.console("console", incident, columns=columns, rows=rows, **env).until("Declared")


def records(owner: Person, incident: str) -> list[dict[str, Any]]:
    """The incident's log."""
    return [json.loads(line) for line in owner.run("log", incident, "--json").splitlines()]


def texts(owner: Person, incident: str, tag: str) -> list[str]:
    """The words of the entries of one kind, in their order."""
    return [str(one["event"]["text"]) for one in records(owner, incident) if one["tag"] == tag]


def joined(room: Served, name: str, folder: Path, incident: str) -> Terminal:
    """Somebody else's console, let in by an invitation, at the incident's board."""
    screen = Person(name, folder).console("join", room.invite("responder"))
    screen.until("Checkout is slow").press("enter")
    return screen.until("Declared")


def test_a_note_in_any_letters_stands_as_it_was_typed(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident) as screen:
        screen.press("n")
        screen.until("What you see").type(WORDS)
        screen.press("ctrl+s")
        screen.until("Cancel", gone=True).until("½ fertig ✓")
    assert texts(owner, incident, "note-added") == [WORDS]


def test_keys_that_come_at_once_go_where_they_were_meant(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident) as screen:
        screen.type("nhands off the vacuum\x13")
        screen.until("Cancel", gone=True).until("hands off the vacuum")
        screen.type(":note also by command\r")
        screen.until("also by command")
    assert [one["tag"] for one in records(owner, incident)] == ["incident-declared", "note-added", "note-added"]
    assert texts(owner, incident, "note-added") == ["hands off the vacuum", "also by command"]


def test_all_lines_of_what_is_pasted_are_kept(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident) as screen:
        screen.press("c")
        screen.type("look: \x1b[200~first line\n  second line\nthird line\x1b[201~")
        screen.until("third line").press("enter")
        screen.until(lambda _: texts(owner, incident, "chat-posted"))
    assert texts(owner, incident, "chat-posted") == ["look: first line second line third line"]


def test_every_size_says_how_bad_and_who_leads(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident, 200, 55) as screen:
        for columns, rows in ((80, 24), (200, 55), (120, 40), (80, 24), (200, 55)):
            screen.resize(columns, rows)
            screen.until(lambda now, columns=columns: _fills(now, columns))  # type: ignore[misc]
            assert len(screen.rows) == rows
            for words in ("SEV2", "investigating", "nobody leads", "Checkout is slow"):
                screen.until(words)
        screen.press("n")
        screen.until("What you see").type("half a thought")
        screen.resize(80, 24)
        screen.until("half a thought").press("ctrl+s")
        screen.until("Cancel", gone=True).until("half a thought")


def _fills(screen: Terminal, columns: int) -> bool:
    """the board as wide as the window"""
    return any(len(row.rstrip()) == columns and row.rstrip().endswith("╮") for row in screen.rows)


def test_two_who_type_at_the_same_time_lose_no_letter(
    owner: Person, room: Served, incident: str, tmp_path: Path
) -> None:
    lines = {name: [f"{name} says {number} {WORDS}" for number in range(12)] for name in ("olga", "pavel")}
    with at_the_board(owner, incident) as olga, joined(room, "pavel", tmp_path, incident) as pavel:
        for screen in (olga, pavel):
            screen.press("c")
            screen.until("Chat")
        for first, second in zip(*lines.values(), strict=True):
            # Letter by letter in turn, so that what one writes comes in while the other is in the middle of a word.
            for place in range(max(len(first), len(second))):
                olga.type(first[place : place + 1])
                pavel.type(second[place : place + 1])
            olga.press("enter")
            pavel.press("enter")
        for screen in (olga, pavel):
            screen.until(lambda now: all(f"{name} says 11 Grüße" in now.text for name in lines))
    said = texts(owner, incident, "chat-posted")
    for name, own in lines.items():
        assert [text for text in said if text.startswith(name)] == own


def test_two_who_share_an_account_are_who_they_joined_as(
    owner: Person, room: Served, incident: str, tmp_path: Path
) -> None:
    shared = Person("guest", tmp_path)
    del shared.env["WARROOM_NAME"]
    invitations = {name: owner.run("invite", "--name", name).strip() for name in ("ana", "bo")}
    screens = [shared.console("join", one) for one in invitations.values()]
    for name, screen in zip(invitations, screens, strict=True):
        with screen:
            screen.until(f"{name} (responder)").press("enter")
            screen.until("Declared").press("n")
            screen.until("What you see").type(f"from {name}")
            screen.press("ctrl+s")
            screen.until("Cancel", gone=True).until(f"from {name}")
    for name in invitations:
        shared.env["WARROOM_NAME"] = name
        shared.run("note", incident, f"again {name}")
    notes = {str(one["event"]["text"]): one["actor"] for one in records(owner, incident) if one["tag"] == "note-added"}
    assert notes == {"from ana": "ana", "from bo": "bo", "again ana": "ana", "again bo": "bo"}


def test_what_is_written_while_the_server_is_dead_is_shown_and_delivered(
    owner: Person, room: Served, incident: str
) -> None:
    with at_the_board(owner, incident) as screen:
        room.kill()
        screen.until("live", gone=True)
        for number in range(3):
            screen.press("n")
            screen.until("What you see").type(f"offline {number}")
            screen.press("ctrl+s")
            screen.until("Cancel", gone=True)
        screen.until("3 unsent")
        room.start()
        screen.until("unsent", gone=True).until("● live").until("offline 2")
        assert texts(owner, incident, "note-added") == ["offline 0", "offline 1", "offline 2"]
        owner.run("verify", incident)


def test_what_was_not_sent_outlives_the_console(owner: Person, room: Served, incident: str) -> None:
    with at_the_board(owner, incident) as screen:
        room.kill()
        screen.until("live", gone=True).press("n")
        screen.until("What you see").type("before the battery died")
        screen.press("ctrl+s")
        screen.until("1 unsent").press("ctrl+q")
        assert screen.ends() == 0
    room.start()
    with at_the_board(owner, incident) as screen:
        screen.until("before the battery died").until("unsent", gone=True)
    assert texts(owner, incident, "note-added") == ["before the battery died"]


def test_without_colour_the_words_are_all_there(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident, NO_COLOR="1") as screen:
        for words in ("SEV2", "investigating", "nobody leads", "live"):
            screen.until(words)
        colours = {cell.fg for row in range(40) for cell in screen.cells(row)}
        assert all(colour == "default" or len({colour[0:2], colour[2:4], colour[4:6]}) == 1 for colour in colours)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_told_what_works(owner: Person, incident: str, term: str) -> None:
    with owner.console("console", incident, TERM=term) as screen:
        assert screen.ends() == 2
        assert "warroom follow" in " ".join(screen.text.split())
        assert screen.mode(1049) is None


def test_the_terminal_is_as_it_was_after_the_end(owner: Person, incident: str) -> None:
    with at_the_board(owner, incident) as screen:
        assert screen.mode(1049) is True
        screen.press("ctrl+q")
        assert screen.ends() == 0
        left_on = [number for number in (1049, 1000, 1002, 1003, 1006, 2004, 1004) if screen.mode(number)]
        assert left_on == []
        assert screen.mode(25) is True
