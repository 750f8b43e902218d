"""The client against the model server over real sockets: what it knows, what it keeps, how it says no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.client.waiting import soon, until
from tests.model_server import Log
from tests.socket_server import SocketServer, refuse
from warroom.client.client import Client
from warroom.client.errors import BadAddress, Refused, Unreachable
from warroom.incident import snapshot
from warroom.incident.commands import AddNote, DeclareIncident, FinishTask, RedactEntry
from warroom.wire import messages as m
from warroom.wire.messages import CloseCode

DECLARE = DeclareIncident(title="Checkout is slow")


async def declared(client: Client) -> str:
    settled = await client.submit(DECLARE).settled()
    assert settled.accepted
    return settled.incident


async def test_declare_follow_write_and_read() -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana") as jana, Client(server.url, "omar") as omar:
        await jana.live()
        assert (jana.link.status, jana.link.name, jana.link.access) == ("live", "jana", "commander")
        incident = await declared(jana)
        room = await jana.follow(incident)
        other = await omar.follow(incident)
        tickets = [jana.submit(AddNote(text=f"note {i}"), incident) for i in range(20)]
        assert [(await ticket.settled()).seq for ticket in tickets] == list(range(2, 22))
        assert room.state.seq == 21
        await until(omar, lambda: other.state.seq == 21)
        assert snapshot.encode(other.state) == snapshot.encode(room.state)
        assert jana.unsent == jana.refused == room.unsent == ()
        assert not room.stale


async def test_a_refusal_is_in_words_and_kept_until_seen(tmp_path: Path) -> None:
    async with SocketServer(Log()) as server:
        async with Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
            incident = await declared(client)
            settled = await client.submit(FinishTask(task=3), incident).settled()
            assert not settled.accepted
            assert (settled.reason, settled.words) == ("not-found", f"{incident} has no task 3")
        async with Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
            [refused] = client.refused
            assert refused.words == f"{incident} has no task 3"
            client.seen(refused.serial)
            assert client.refused == ()


@pytest.mark.parametrize(
    ("command", "incident", "words"),
    [
        ({"type": "add-note"}, "INC-7K3Q", "`add-note.text`: Field required"),
        ({"type": "add-note", "text": "x", "colour": "red"}, "INC-7K3Q", "colour"),
        ({"type": "dance"}, "INC-7K3Q", "dance"),
        ({"type": "add-note", "text": "x"}, "", "add-note needs an incident"),
        ({"type": "add-note", "text": "x"}, "INC-???", "is not an incident id"),
    ],
)
async def test_what_is_no_command_is_said_at_once(command: dict[str, str], incident: str, words: str) -> None:
    async with Client("ws://127.0.0.1:1", "jana") as client:
        with pytest.raises(ValueError, match=words):
            client.submit(command, incident)
        assert client.unsent == ()


async def test_a_command_too_large_to_send_is_said_at_once() -> None:
    series = [{"label": "x", "times": [1.5] * 2000, "values": [0.1234567890123] * 2000}] * 20
    command = {"type": "pin-evidence", "evidence": {"title": "all of it", "series": series}}
    async with Client("ws://127.0.0.1:1", "jana") as client:
        with pytest.raises(ValueError, match="at most 262144"):
            client.submit(command, "INC-7K3Q")


async def test_everything_is_readable_and_writable_while_the_server_is_away(tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        await client.submit(AddNote(text="before"), incident).settled()
        await client.follow_lobby()
        port = server.port
    async with Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
        room = await client.follow(incident)
        assert [entry.text for entry in room.state.timeline][-1] == "before"
        assert client.lobby is not None
        assert client.lobby[incident].title == "Checkout is slow"
        assert room.stale
        tickets = [client.submit(AddNote(text=f"while away {i}"), incident) for i in range(20)]
        assert [one.n for one in room.unsent] == [ticket.n for ticket in tickets]
        assert not any(one.sent for one in room.unsent)
        assert room.state.seq == 2
        with pytest.raises(Unreachable, match="nothing answers"):
            await client.live(0.3)
    async with (
        SocketServer(log, port),
        Client(server.url, "jana", outbox=tmp_path / "o.db") as client,
    ):
        assert len(client.unsent) == 20
        room = await client.follow(incident)
        await until(client, lambda: not client.unsent and room.state.seq == 22)
        texts = [entry.text for entry in room.state.timeline][2:]
        assert texts == [f"while away {i}" for i in range(20)]


async def test_a_server_that_comes_back_is_found_within_moments(tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, Client(server.url, "jana") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        for turn in range(3):
            await server.stop()
            await until(client, lambda: client.link.status == "reconnecting")
            assert room.stale
            assert client.link.words
            ticket = client.submit(AddNote(text=f"turn {turn}"), incident)
            server = SocketServer(log, server.port)
            async with server:
                await asyncio.wait_for(ticket.settled(), 10)
                await until(client, lambda: not room.stale)
        assert [entry.text for entry in room.state.timeline][1:] == ["turn 0", "turn 1", "turn 2"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_let_in_stops_the_client_with_words(status: int) -> None:
    async with SocketServer(Log()) as server:
        server.door = refuse(status)
        async with Client(server.url, "wr_secret") as client:
            with pytest.raises(Refused, match="token"):
                await client.live()
            assert client.link.status == "refused"
            assert "wr_secret" not in client.link.words
            with pytest.raises(Refused):
                await client.request("server.info")


@pytest.mark.parametrize("code", [CloseCode.UNAUTHORISED, CloseCode.FORBIDDEN, CloseCode.REPLACED, CloseCode.TOO_OLD])
async def test_close_codes_that_end_it(code: int) -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana") as client:
        await client.live()
        await server.close_all(code, "")
        await until(client, lambda: client.link.status == "refused")
        assert client.link.words


async def test_too_many_attempts_are_waited_out() -> None:
    async with SocketServer(Log()) as server:
        server.door = refuse(429, {"Retry-After": "120"})
        async with Client(server.url, "jana") as client:
            await until(client, lambda: client.link.retry_at is not None)
            assert client.link.retry_at is not None
            assert (client.link.retry_at - client.link.since).total_seconds() >= 119
            assert "too many" in client.link.words


async def test_the_server_says_when_to_come_back() -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana") as client:
        await client.live()
        server.say(m.Bye(words="restarting for an upgrade", retry_after_ms=60_000))
        await until(client, lambda: client.link.retry_at is not None)
        assert client.link.words == "restarting for an upgrade"
        assert client.link.status == "reconnecting"


async def test_another_log_under_the_same_name_is_shown_with_a_warning(tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, Client(server.url, "jana") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        await client.submit(AddNote(text="kept"), incident).settled()
        backup = log.copy()
        await client.submit(AddNote(text="lost"), incident).settled()
        await until(client, lambda: room.state.seq == 3)
        await server.stop()
        backup.epoch = "epoch-2"
        ticket = client.submit(AddNote(text="written meanwhile"), incident)
        async with SocketServer(backup, server.port):
            assert (await asyncio.wait_for(ticket.settled(), 10)).accepted
            await until(client, lambda: not room.stale)
            assert [entry.text for entry in room.state.timeline][1:] == ["kept", "written meanwhile"]
            assert any("backup" in notice.words for notice in client.notices)


async def test_a_redacted_entry_leaves_screen_and_disk(tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        await client.submit(AddNote(text="password hunter2"), incident).settled()
        cached = tmp_path / "replicas" / f"{incident}.replica"
        client.save()
        assert b"hunter2" in cached.read_bytes()
        await client.submit(RedactEntry(entry=2, reason="a secret"), incident).settled()
        await until(client, lambda: room.state.timeline[1].redacted)
        client.save()
        assert b"hunter2" not in cached.read_bytes()
        assert "hunter2" not in repr(list(room.state.timeline))


async def test_what_may_no_longer_be_seen_leaves_screen_and_disk(tmp_path: Path) -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        await until(client, lambda: room.state.seq == 1)
        client.save()
        server.say(m.Closed(incident=incident, reason="not-found", words="It has been made private"))
        await until(client, lambda: room.view.ended)
        assert room.view.ended == "It has been made private"
        assert room.state.title == ""
        assert not (tmp_path / "replicas" / f"{incident}.replica").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
async def test_a_damaged_replica_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    log = Log()
    async with SocketServer(log) as server:
        async with Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
            incident = await declared(client)
            room = await client.follow(incident)
            await until(client, lambda: room.state.seq == 1)
        cached = tmp_path / "replicas" / f"{incident}.replica"
        data = bytearray(cached.read_bytes())
        data[len(data) // 2] ^= 1
        cached.write_bytes({"cut": data[:-9], "flip": data, "empty": b""}[damage])
        async with Client(server.url, "jana", outbox=tmp_path / "o.db") as client:
            room = await client.follow(incident)
            assert room.state.seq == 0
            await until(client, lambda: room.state.seq == 1)


async def test_a_forged_record_is_not_believed() -> None:
    log = Log()
    async with SocketServer(log) as server, Client(server.url, "jana") as client:
        incident = await declared(client)
        room = await client.follow(incident)
        await client.submit(AddNote(text="true"), incident).settled()
        await until(client, lambda: room.state.seq == 2)
        true = log.records[incident][-1]
        forged = m.RecordDown(
            seq=3, tag="note-added", actor="omar", access="admin", duty="", at="2026-11-21T09:00:00.000000Z",
            occurred="2026-11-21T09:00:00.000000Z", client="someone", n=1,
            event={"type": "note-added", "text": "forged"}, salt="00" * 16, payload_hash="11" * 32, hash="22" * 32,
        )  # fmt: skip
        server.say(m.Events(incident=incident, previous=true.hash.hex(), records=[forged], head=3))
        await until(client, lambda: client.notices)
        assert "does not continue" in client.notices[-1].words
        await until(client, lambda: not room.stale)
        assert [entry.text for entry in room.state.timeline][1:] == ["true"]


async def test_questions_have_one_answer_or_none_in_words() -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana") as client:
        assert await client.request("server.info", depth=1) == {"method": "server.info", "depth": 1}
        server.mute = True
        with pytest.raises(Unreachable, match=r"no answer to server\.info in 0\.1 seconds"):
            await client.request("server.info", timeout=0.1)
        question = asyncio.create_task(client.request("server.info"))
        await soon(lambda: len(client._desk.questions))
        await server.stop()
        with pytest.raises(Unreachable, match="connection was lost"):
            await question


async def test_an_outbox_put_back_to_an_older_copy_says_that_it_cannot_know(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    async with SocketServer(Log()) as server:
        async with Client(server.url, "jana", outbox=path) as client:
            incident = await declared(client)
        old = path.read_bytes()
        async with Client(server.url, "jana", outbox=path) as client:
            await client.submit(AddNote(text="one"), incident).settled()
            await client.submit(AddNote(text="two"), incident).settled()
        path.write_bytes(old)
        async with Client(server.url, "jana", outbox=path) as client:
            settled = await client.submit(AddNote(text="three"), incident).settled()
            assert settled.reason == "uncertain"
            assert client.refused[0].command["text"] == "three"
            again = await client.submit(AddNote(text="four"), incident).settled()
            assert again.accepted
        texts = [entry.text for entry in server.model.states[incident].timeline][1:]
        assert texts == ["one", "two", "four"]


async def test_a_bad_address_is_said_at_once() -> None:
    with pytest.raises(BadAddress):
        Client("ftp://war", "jana")


async def test_a_long_backlog_goes_out_at_the_pace_the_server_allows() -> None:
    async with SocketServer(Log()) as server, Client(server.url, "jana") as client:
        server.model.limits = m.Limits(commands_per_second=400, burst=20)
        incident = await declared(client)
        tickets = [client.submit(AddNote(text=str(i)), incident) for i in range(200)]
        async with asyncio.timeout(10):
            assert [(await ticket.settled()).seq for ticket in tickets] == list(range(2, 202))
