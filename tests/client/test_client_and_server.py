"""The client against the whole server in its own process, behind a fault proxy, both killed and restarted."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.client.served import NAMES, Served, token_of
from tests.client.waiting import until
from tests.faults import FaultProxy, Oracle
from warroom.client.client import Client
from warroom.client.room import Ticket
from warroom.incident import snapshot
from warroom.incident.commands import AddNote, AddTask, ChangeSeverity, DeclareIncident, FinishTask, PostChat
from warroom.incident.decode import fold
from warroom.incident.words import Severity

DEADLINE = 15.0


async def declared(url: str, box: Path | None = None) -> str:
    async with Client(url, token_of("jana"), outbox=box) as client:
        return (await asyncio.wait_for(client.submit(DeclareIncident(title="Checkout is slow")).settled(), 20)).incident


class Author:
    """One name at its console: writes, is cut off, restarted, and remembers what it was told."""

    def __init__(self, name: str, url: str, box: Path, oracle: Oracle) -> None:
        self.name = name
        self.url = url
        self.box = box
        self.oracle = oracle
        self.client: Client | None = None
        self.watching: set[asyncio.Task[None]] = set()

    async def open(self, incident: str) -> None:
        self.client = await Client(self.url, token_of(self.name), outbox=self.box).__aenter__()
        await self.client.follow(incident)
        for ticket in self.client.tickets.values():
            self.watch(ticket)

    async def close(self) -> None:
        assert self.client is not None
        await self.client.close()
        await asyncio.gather(*self.watching, return_exceptions=True)

    def watch(self, ticket: Ticket) -> None:
        async def hear() -> None:
            settled = await ticket.settled()
            self.oracle.ack(client, settled.n, settled.incident, settled.seq, settled.reason)

        assert self.client is not None
        client = self.client.id
        task = asyncio.create_task(hear())
        self.watching.add(task)
        task.add_done_callback(self.watching.discard)

    def write(self, incident: str, rng: random.Random, turn: int) -> None:
        assert self.client is not None
        commands = [
            AddNote(text=f"{self.name} {turn}"),
            PostChat(text=f"{self.name} {turn}"),
            AddTask(title=f"{self.name} {turn}"),
            FinishTask(task=rng.randrange(1, 5)),
            ChangeSeverity(severity=rng.choice(list(Severity))),
        ]
        ticket = self.client.submit(rng.choice(commands), incident)
        self.oracle.send(self.client.id, ticket.n)
        self.watch(ticket)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_loses_doubles_and_reorders_nothing(seed: int, tmp_path: Path) -> None:
    rng, oracle = random.Random(seed), Oracle()
    async with Served(tmp_path) as served, FaultProxy(served.port, seed) as proxy:
        incident = await declared(served.url)
        proxy.faults.duplicate, proxy.faults.swap, proxy.faults.delay = 0.1, 0.1, 0.002
        url = f"ws://127.0.0.1:{proxy.port}"
        authors = [Author(name, url, tmp_path / f"{name}.db", oracle) for name in NAMES]
        for author in authors:
            await author.open(incident)
        for turn in range(60):
            for author in authors:
                author.write(incident, rng, turn)
            await asyncio.sleep(rng.uniform(0, 0.02))
            if turn % 20 == 13:
                await served.kill()
                await served.start()
            if turn % 9 == 4:
                proxy.cut()
            if turn % 15 == 7:
                author = rng.choice(authors)
                await author.close()
                await author.open(incident)
        proxy.faults.duplicate = proxy.faults.swap = 0.0
        for author in authors:
            assert author.client is not None
            client = author.client
            await until(client, lambda c=client: not c.unsent and not c.rooms[incident].stale, DEADLINE)
        # The last event of one comes to the others a moment later: all of them must get to the same end by themselves.
        end = max(one.client.rooms[incident].state.seq for one in authors if one.client is not None)
        states = []
        for author in authors:
            assert author.client is not None
            await until(author.client, lambda c=author.client: c.rooms[incident].state.seq >= end, DEADLINE)
            states.append(author.client.rooms[incident].state)
            assert not [notice for notice in author.client.notices if notice.level == "error"]
            await author.close()
        assert proxy.duplicated
        assert proxy.swapped
        await served.stop()
        logs = await served.logs()
        for key, _ in list(oracle.sent.items()):
            assert key in oracle.acked, f"{key} was never answered"
        for record in logs[incident]:
            oracle.sent.setdefault((record.client, record.n), 0)
        oracle.check(logs, states)
        truth = fold(logs[incident])
        assert {state.seq for state in states} == {truth.seq}
        assert {snapshot.encode(state) for state in states} == {snapshot.encode(truth)}


async def test_twenty_commands_while_cut_off_and_both_ends_restarted(tmp_path: Path) -> None:
    box = tmp_path / "jana.db"
    async with Served(tmp_path) as served, FaultProxy(served.port) as proxy:
        incident = await declared(served.url, box)
        url = f"ws://127.0.0.1:{proxy.port}"
        async with Client(url, token_of("jana"), outbox=box) as client:
            room = await client.follow(incident)
            await until(client, lambda: not room.stale)
            proxy.faults.refuse = True
            proxy.cut()
            for i in range(20):
                client.submit(AddNote(text=f"cut off {i}"), incident)
        await served.kill()
        await served.start()
        async with Client(served.url, token_of("omar")) as other:
            await other.submit(AddNote(text="meanwhile"), incident).settled()
        proxy.faults.refuse = False
        proxy.faults.duplicate = 0.5
        async with Client(url, token_of("jana"), outbox=box) as client:
            room = await client.follow(incident)
            assert [entry.seq for entry in room.state.timeline] == [1]
            assert len(room.unsent) == 20
            await until(client, lambda: not client.unsent and room.state.seq == 22, 20)
            texts = [entry.text for entry in room.state.timeline][1:]
            assert texts == ["meanwhile", *(f"cut off {i}" for i in range(20))]
            assert client.refused == ()


async def test_what_no_longer_applies_is_refused_in_words_by_the_real_server(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        incident = await declared(served.url)
        async with Client("ws://127.0.0.1:1", token_of("jana"), outbox=tmp_path / "jana.db") as away:
            away.submit(FinishTask(task=1, result="by jana"), incident)
            away.submit(AddNote(text="after it"), incident)
        async with Client(served.url, token_of("omar")) as omar:
            await omar.submit(AddTask(title="Roll back"), incident).settled()
            await omar.submit(FinishTask(task=1, result="by omar"), incident).settled()
        async with Client(served.url, token_of("jana"), outbox=tmp_path / "jana.db") as jana:
            await until(jana, lambda: not jana.unsent)
            [refused] = jana.refused
            assert refused.command["result"] == "by jana"
            assert "1" in refused.words
            room = await jana.follow(incident)
            await until(jana, lambda: not room.stale)
            assert list(room.state.timeline)[-1].text == "after it"


async def test_lobby_people_and_spotlight_of_the_real_server(tmp_path: Path) -> None:
    async with (
        Served(tmp_path) as served,
        Client(served.url, token_of("jana")) as jana,
        Client(served.url, token_of("omar")) as omar,
    ):
        assert await jana.follow_lobby() == {}
        incident = (await omar.submit(DeclareIncident(title="Checkout is slow")).settled()).incident
        await until(jana, lambda: jana.lobby and incident in jana.lobby)
        room, other = await jana.follow(incident), await omar.follow(incident)
        room.present("timeline", idle=3, typing=True)
        await until(
            omar, lambda: any(p.name == "jana" and p.looking_at == "timeline" and p.typing for p in other.people)
        )
        await omar.submit({"type": "take-command"}, incident).settled()
        other.light("entry:1")
        await until(jana, lambda: room.spotlight is not None)
        assert room.spotlight is not None
        assert (room.spotlight.target, room.spotlight.by) == ("entry:1", "omar")
        assert (await jana.request("server.info"))["name"]


async def test_a_redaction_reaches_who_was_away(tmp_path: Path) -> None:
    box = tmp_path / "jana.db"
    async with Served(tmp_path) as served:
        incident = await declared(served.url)
        async with Client(served.url, token_of("jana"), outbox=box) as jana:
            room = await jana.follow(incident)
            await jana.submit(AddNote(text="password hunter2"), incident).settled()
            await until(jana, lambda: room.state.seq == 2)
        cached = tmp_path / "replicas" / f"{incident}.replica"
        assert b"hunter2" in cached.read_bytes()
        async with Client(served.url, token_of("omar")) as omar:
            settled = await omar.submit({"type": "redact-entry", "entry": 2, "reason": "a secret"}, incident).settled()
            assert settled.accepted, settled.words
        async with Client(served.url, token_of("jana"), outbox=box) as jana:
            room = await jana.follow(incident)
            await until(jana, lambda: room.state.seq >= 3 and not room.stale and room.state.timeline[1].redacted)
            jana.save()
            assert b"hunter2" not in cached.read_bytes()


async def test_an_outbox_of_another_name_is_left_to_them_and_ours_is_sent(tmp_path: Path) -> None:
    box = tmp_path / "o.db"
    async with Served(tmp_path) as served:
        incident = await declared(served.url, box)
        async with Client("ws://127.0.0.1:1", token_of("jana"), outbox=box) as jana:
            jana.submit(AddNote(text="by jana"), incident)
        async with Client(served.url, token_of("omar"), outbox=box) as omar:
            room = await omar.follow(incident)
            settled = await asyncio.wait_for(omar.submit(AddNote(text="by omar"), incident).settled(), 20)
            assert settled.accepted
            assert omar.unsent == ()
            await until(omar, lambda: room.state.seq == 2)
            assert room.state.timeline[1].actor == "omar"
        async with Client(served.url, token_of("jana"), outbox=box) as jana:
            room = await jana.follow(incident)
            await until(jana, lambda: not jana.unsent and room.state.seq == 3)
            assert (room.state.timeline[2].actor, room.state.timeline[2].text) == ("jana", "by jana")
        async with Client(served.url, token_of("wei"), outbox=box) as wei:
            first = wei.submit(AddNote(text="one"), incident)
            second = wei.submit(AddNote(text="two"), incident)
            assert [(await asyncio.wait_for(one.settled(), 20)).seq for one in (first, second)] == [4, 5]
