"""An exercise played from the command line: what is on offer, asked for, approved, and stopped by anybody."""

from __future__ import annotations

import asyncio
import json

from tests.cli.cli_home import CliHome
from tests.cli.conftest import Here
from warroom.cli.schemas import SCHEMAS
from warroom.client.client import Client

EXERCISE = {
    "scenario": "edge", "title": "Edge", "seed": 7, "truth": "ab" * 32, "hosts": ["facilitator"],
    "actions": [
        {"id": "roll-back", "title": "Roll it back", "takes_seconds": 60, "approval": "incident_commander"},
        {"id": "look", "title": "Look again"},
    ],
}  # fmt: skip


def declared(served: CliHome) -> str:
    """The id of an exercise on the server."""
    told = served.runtime()

    async def declare() -> str:
        async with Client(told["url"], told["token"], kind="automation") as client:
            command = {"type": "declare-incident", "title": "Slow", "triage": True, "exercise": EXERCISE}
            settled = await client.submit(command).settled()
            assert settled.accepted, settled.words
            return settled.incident

    return asyncio.run(declare())


def test_what_is_on_offer_is_asked_for_and_approved_by_its_duty(at_server: Here, served: CliHome) -> None:
    inc = declared(served)
    status, out, _ = at_server("exercise", "show", inc)
    assert status == 0
    assert out.startswith("EXERCISE: nothing here is real")
    row = next(line for line in out.splitlines() if line.startswith("roll-back"))
    assert all(word in row for word in ("offered", "01:00", "incident_commander", "Roll it back"))
    assert at_server("exercise", "act", inc, "roll-back", "--note", "it began with it")[0] == 0
    status, _, err = at_server("exercise", "approve", inc, "1")
    assert status == 1
    assert "waits for the incident commander" in err
    assert at_server("command", "take", inc)[0] == 0
    assert at_server("exercise", "approve", inc, "1")[0] == 0
    assert at_server("exercise", "act", inc, "look")[0] == 0
    assert at_server("exercise", "reject", inc, "2", "not now")[0] == 0
    out = at_server("exercise", "show", inc)[1]
    assert "1 approved" in out
    assert "2 rejected" in out
    said = json.loads(at_server("exercise", "show", inc, "--json")[1])
    assert said.pop("schema") == "warroom.exercise/1"
    assert set(said) == set(SCHEMAS["exercise"][1])
    assert [one["status"] for one in said["asked"]] == ["approved", "rejected"]
    status, _, err = at_server("exercise", "act", inc, "lok")
    assert status == 1
    assert "it offers roll-back, look" in err


def test_anybody_stops_it_and_everything_says_that_it_is_one(at_server: Here, served: CliHome) -> None:
    inc = declared(served)
    for words in (("show", inc), ("list",), ("log", inc), ("postmortem", inc), ("catchup", inc)):
        status, out, err = at_server(*words)
        assert status == 0, err
        first = out.splitlines()[0] if words[0] != "list" else out
        assert "EXERCISE" in first, words
    assert at_server("exercise", "hint", inc)[0] == 0
    assert at_server("exercise", "stop", inc, "--text", "the real pager")[0] == 0
    assert "STOPPED by the safe word" in at_server("exercise", "show", inc)[1].splitlines()[0]


def test_without_a_facilitator_and_without_an_exercise_there_is_a_sentence(at_server: Here, served: CliHome) -> None:
    inc = declared(served)
    for words in (("inbox", inc), ("host", inc, "pause")):
        status, _, err = at_server("exercise", *words)
        assert status == 1
        assert "no exercise of this server" in err
    real = at_server("declare", "a real one")[1].strip()
    status, _, err = at_server("exercise", "show", real)
    assert status == 1
    assert "is no exercise" in err
    status, _, err = at_server("exercise", "host", inc, "fire", "I1")
    assert status == 2
    assert "no NAME=VALUE" in err
