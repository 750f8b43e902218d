"""What is taken straight from the socket keeps its order with what is not, and is held to the same rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.frames import Frame, Opcode

from tests.server.house import House, Raw, house
from warroom.server.commander import Commander
from warroom.server.connection import UnknownLibrary, self_check


def frame(fin: bool = True, opcode: Opcode = Opcode.TEXT, /, data: bytes = b"", **said: Any) -> bytes:
    return Frame(opcode, data or orjson.dumps(said), fin).serialize(mask=True, extensions=[])


def note(n: int, incident: str) -> dict[str, Any]:
    return {"t": "command", "n": n, "incident": incident, "command": {"type": "add-note", "text": f"note {n}"}}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What `take_at_once` answered, call by call."""
    answers: list[bool] = []
    whole = Commander.take_at_once

    def watched(self: Commander, *args: Any) -> bool:
        answers.append(whole(self, *args))
        return answers[-1]

    monkeypatch.setattr(Commander, "take_at_once", watched)
    return answers


async def _answers(raw: Raw, count: int) -> list[int]:
    return [(await raw.until("outcome"))["n"] for _ in range(count)]


async def _written(home: House, incident: str) -> list[str]:
    records = await home.store.read(incident)
    return [orjson.loads(record.payload)["text"] for record in records if record.tag == "note-added"]


async def test_both_ways_keep_one_order(tmp_path: Path, at_once: list[bool]) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        one, two = await raw.declare(1), await raw.declare(2)
        declare = {"t": "command", "n": 5, "incident": "", "command": {"type": "declare-incident", "title": "Third"}}
        told = [note(3, one), note(4, two), declare, note(6, one), note(7, one), note(8, two)]
        raw.socket.transport.write(b"".join(frame(**said) for said in told))
        assert await _answers(raw, 6) == [3, 4, 5, 6, 7, 8]
        assert (await _written(home, one), await _written(home, two)) == (
            ["note 3", "note 6", "note 7"],
            ["note 4", "note 8"],
        )
        for n in (9, 10):
            await raw.send(**note(n, one))
            assert await _answers(raw, 1) == [n]
        assert at_once[:2] == [False, False]  # to declare is awaited
        assert True in at_once[2:]
        assert at_once[-2:] == [True, True]
        await raw.close()


async def test_a_command_in_fragments_waits_for_its_end(tmp_path: Path, at_once: list[bool]) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        text = orjson.dumps(note(2, incident))
        raw.socket.transport.write(frame(False, data=text[:40]))
        raw.socket.transport.write(frame(True, Opcode.CONT, data=text[40:]) + frame(**note(3, incident)))
        assert await _answers(raw, 2) == [2, 3]
        await raw.send(**note(4, incident))
        assert await _answers(raw, 1) == [4]
        assert at_once[-1] is True
        await raw.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"t":"command","n":2,"incident":"","command":{"type":"\xff"}}', 1007),
        (b'{"t":"command","n":2', 4400),
        (b'{"t":"command","n":"2","incident":"","command":{}}', 4400),
        (b'{"t":"command","n":2,"incident":"","command":{},"more":1}', 4400),
    ],
)
async def test_what_is_malformed_ends_the_connection_as_ever(tmp_path: Path, data: bytes, code: int) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        await raw.declare()
        raw.socket.transport.write(frame(data=data))
        assert (await raw.closed())[0] == code


async def test_the_limits_hold_for_what_is_taken_at_once(tmp_path: Path) -> None:
    limits = {"commands_per_second": 1.0, "command_burst": 5}
    async with house(tmp_path, limits=limits) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        raw.socket.transport.write(b"".join(frame(**note(n, incident)) for n in range(2, 40)))
        assert (await raw.closed())[0] == 4429
        assert any(said["t"] == "notice" for said in raw.seen) or len(await _written(home, incident)) < 12


def test_a_library_that_gives_messages_out_in_another_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    self_check()
    monkeypatch.setattr("websockets.server.ServerProtocol.events_received", lambda self: [])
    with pytest.raises(UnknownLibrary, match="version 17"):
        self_check()
