"""The client behind a proxy that cuts, swallows, delays, splits, repeats and swaps: nothing lost, doubled or moved."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.waiting import soon, until
from tests.faults import FaultProxy, Oracle
from tests.model_server import Log
from tests.socket_server import SocketServer
from warroom.client.client import Client
from warroom.client.room import Room
from warroom.incident.commands import AddNote, AddTask, DeclareIncident, FinishTask


async def declared(url: str) -> str:
    async with Client(url, "jana") as client:
        return (await client.submit(DeclareIncident(title="Checkout is slow")).settled()).incident


def notes(room: Room, author: str) -> list[str]:
    return [entry.text for entry in room.state.timeline if entry.actor == author and entry.kind == "note-added"]


async def test_cut_off_for_twenty_commands_it_converges(tmp_path: Path) -> None:
    log, oracle = Log(), Oracle()
    async with SocketServer(log) as server, FaultProxy(server.port) as proxy:
        incident = await declared(server.url)
        url = f"ws://127.0.0.1:{proxy.port}"
        async with Client(url, "jana", outbox=tmp_path / "o.db") as jana, Client(server.url, "omar") as omar:
            mine, other = await jana.follow(incident), await omar.follow(incident)
            await until(jana, lambda: not mine.stale)
            proxy.faults.refuse = True
            proxy.cut()
            await until(jana, lambda: jana.link.status == "reconnecting")
            tickets = [jana.submit(AddNote(text=f"cut off {i}"), incident) for i in range(20)]
            for ticket in tickets:
                oracle.send(jana.id, ticket.n)
            await omar.submit(AddNote(text="meanwhile"), incident).settled()
            assert len(mine.unsent) == 20
            assert mine.state.seq == 1
            proxy.faults.refuse = False
            for ticket in tickets:
                settled = await asyncio.wait_for(ticket.settled(), 10)
                oracle.ack(jana.id, settled.n, settled.incident, settled.seq, settled.reason)
            await until(omar, lambda: other.state.seq == 22)
            await until(jana, lambda: mine.state.seq == 22)
            assert notes(other, "jana") == notes(mine, "jana") == [f"cut off {i}" for i in range(20)]
            own = {incident: [one for one in log.records[incident] if one.client == jana.id]}
            assert len(own[incident]) == 20
            assert mine.unsent == ()


@pytest.mark.parametrize("seed", range(4))
async def test_repeats_and_swaps_on_the_way_change_nothing(seed: int, tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, FaultProxy(server.port, seed) as proxy:
        incident = await declared(server.url)
        proxy.faults.duplicate, proxy.faults.swap = 0.4, 0.4
        proxy.faults.split = 7 if seed % 2 else 0
        url = f"ws://127.0.0.1:{proxy.port}"
        async with Client(url, "jana", outbox=tmp_path / "o.db") as client:
            room = await client.follow(incident)
            tickets = [client.submit(AddNote(text=str(i)), incident) for i in range(60)]
            seqs = [(await asyncio.wait_for(ticket.settled(), 20)).seq for ticket in tickets]
            assert seqs == list(range(2, 62))
            await until(client, lambda: room.state.seq == 61)
            assert notes(room, "jana") == [str(i) for i in range(60)]
        assert proxy.duplicated > 5
        assert proxy.swapped > 5


async def test_cut_again_and_again_while_it_writes(tmp_path: Path) -> None:
    log = Log()
    async with SocketServer(log) as server, FaultProxy(server.port, 7) as proxy:
        incident = await declared(server.url)
        url = f"ws://127.0.0.1:{proxy.port}"
        proxy.faults.delay = 0.002
        async with Client(url, "jana", outbox=tmp_path / "o.db") as client:
            room = await client.follow(incident)
            tickets = []
            for turn in range(6):
                tickets += [client.submit(AddNote(text=f"{turn}.{i}"), incident) for i in range(10)]
                await asyncio.wait_for(tickets[-proxy.rng.randrange(1, 10)].settled(), 20)
                proxy.cut()
            for ticket in tickets:
                assert (await asyncio.wait_for(ticket.settled(), 20)).accepted
            await until(client, lambda: room.state.seq == 61)
            assert notes(room, "jana") == [f"{turn}.{i}" for turn in range(6) for i in range(10)]


@pytest.mark.parametrize("way", ["hole_up", "hole_down", "both"])
async def test_a_black_hole_is_noticed_and_left(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warroom.wire.session.PING_EVERY", 0.1)
    monkeypatch.setattr("warroom.wire.session.SILENCE", 0.5)
    async with SocketServer(Log()) as server, FaultProxy(server.port) as proxy:
        incident = await declared(server.url)
        async with Client(f"ws://127.0.0.1:{proxy.port}", "jana") as client:
            await client.live()
            for hole in ("hole_up", "hole_down") if way == "both" else (way,):
                setattr(proxy.faults, hole, True)
            ticket = client.submit(AddNote(text="into the hole"), incident)
            await until(client, lambda: client.link.status == "reconnecting")
            assert "no sign of life" in client.link.words
            proxy.faults.hole_up = proxy.faults.hole_down = False
            proxy.cut()
            assert (await asyncio.wait_for(ticket.settled(), 10)).accepted


async def test_both_ends_restarted_while_commands_are_on_their_way(tmp_path: Path) -> None:
    log = Log()
    box = tmp_path / "o.db"
    server = SocketServer(log)
    async with server, FaultProxy(server.port) as proxy:
        incident = await declared(server.url)
        url = f"ws://127.0.0.1:{proxy.port}"
        for turn in range(5):
            proxy.faults.delay = 0.001
            async with Client(url, "jana", outbox=box) as client:
                tickets = [client.submit(AddNote(text=f"{turn}.{i}"), incident) for i in range(20)]
                await asyncio.wait_for(tickets[turn * 3].settled(), 10)
                if turn % 2:
                    await server.stop()
            if turn % 2:
                server = SocketServer(log)
                await server.__aenter__()
                proxy.target = server.port
        proxy.faults.delay = 0
        async with Client(url, "jana", outbox=box) as client:
            room = await client.follow(incident)
            await until(client, lambda: not client.unsent and room.state.seq == 101)
            assert notes(room, "jana") == [f"{turn}.{i}" for turn in range(5) for i in range(20)]
        await server.stop()


async def test_what_no_longer_applies_comes_back_in_words(tmp_path: Path) -> None:
    async with SocketServer(Log()) as server, FaultProxy(server.port) as proxy, Client(server.url, "omar") as omar:
        incident = await declared(server.url)
        await omar.submit(AddTask(title="Roll back"), incident).settled()
        async with Client(f"ws://127.0.0.1:{proxy.port}", "jana", outbox=tmp_path / "o.db") as jana:
            await jana.live()
            proxy.faults.refuse = True
            proxy.cut()
            await until(jana, lambda: not jana.link.is_live)
            ticket = jana.submit(FinishTask(task=1, result="by me"), incident)
            await omar.submit(FinishTask(task=1, result="by omar"), incident).settled()
            proxy.faults.refuse = False
            settled = await asyncio.wait_for(ticket.settled(), 10)
            assert not settled.accepted
            assert "done" in settled.words
            assert [one.words for one in jana.refused] == [settled.words]


KILLED = """
import asyncio, os, sys
from pathlib import Path
from warroom.client.client import Client
from warroom.client.outbox import Outbox

async def main(url, box, incident, doomed):
    if doomed:
        Outbox.settle = lambda *_: os._exit(137)
    async with Client(url, "jana", outbox=Path(box)) as client:
        waiting = list(client.tickets.values())
        if doomed:
            waiting = [client.submit({"type": "add-note", "text": "once"}, incident)]
        for ticket in waiting:
            print((await ticket.settled()).seq, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "doomed"))
"""


async def test_killed_between_the_answer_and_taking_the_command_off(tmp_path: Path) -> None:
    async with SocketServer(Log()) as server:
        incident = await declared(server.url)

        async def run(how: str) -> tuple[int | None, str]:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", KILLED, server.url, str(tmp_path / "o.db"), incident, how,
                stdout=subprocess.PIPE,
            )  # fmt: skip
            out, _ = await process.communicate()
            return process.returncode, out.decode()

        assert await run("doomed") == (137, "")
        assert len(server.log.records[incident]) == 2
        assert await run("saved") == (0, "2\n")
        assert len(server.log.records[incident]) == 2


WRITER = """
import asyncio, sys
from pathlib import Path
from warroom.client.client import Client

async def main(url, box, incident):
    async with Client(url, "jana", outbox=Path(box)) as client:
        for number in range(1_000_000):
            ticket = client.submit({"type": "add-note", "text": str(ticket_number(client))}, incident)
            print(ticket.n, flush=True)
            if number % 5 == 0:
                await ticket.settled()

def ticket_number(client):
    return client._desk.outbox.next_n

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_at_any_moment_what_was_queued_arrives_once(tmp_path: Path) -> None:
    box = tmp_path / "o.db"
    async with SocketServer(Log()) as server, FaultProxy(server.port, 3) as proxy:
        incident = await declared(server.url)
        proxy.faults.duplicate = 0.3
        url = f"ws://127.0.0.1:{proxy.port}"
        queued = 0
        for turn in range(4):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", WRITER, url, str(box), incident, stdout=subprocess.PIPE
            )
            assert process.stdout is not None
            for _ in range(13 + 7 * turn):
                queued = int(await asyncio.wait_for(process.stdout.readline(), 20))
            process.send_signal(signal.SIGKILL)
            rest = (await process.communicate())[0]
            if rest.split():
                queued = int(rest.split()[-1])
        async with Client(url, "jana", outbox=box) as client:
            room = await client.follow(incident)
            await until(client, lambda: not client.unsent and not room.stale)
            texts = [int(text) for text in notes(room, "jana")]
        assert texts == list(range(1, len(texts) + 1))
        assert len(texts) >= queued


async def test_a_slow_and_splitting_line_is_only_slow() -> None:
    async with SocketServer(Log(), snapshot_after=5) as server, FaultProxy(server.port) as proxy:
        incident = await declared(server.url)
        async with Client(server.url, "omar") as omar:
            tickets = [omar.submit(AddNote(text=f"{i} " + "x" * 200), incident) for i in range(40)]
            await tickets[-1].settled()
        proxy.faults.split = 97
        proxy.faults.rate = 200_000
        async with Client(f"ws://127.0.0.1:{proxy.port}", "jana") as client:
            room = await client.follow(incident)
            await until(client, lambda: not room.stale)
            assert room.state.seq == 41


async def test_a_proxy_that_is_told_to_cut_does() -> None:
    async with (
        SocketServer(Log()) as server,
        FaultProxy(server.port) as proxy,
        Client(f"ws://127.0.0.1:{proxy.port}", "jana") as client,
    ):
        await client.live()
        proxy.cut()
        await until(client, lambda: client.link.status == "reconnecting")
        await client.live()
        await soon(lambda: proxy.accepted == 2)
