"""kill -9 of a real server at random moments under load: no acknowledged event is lost, none is doubled.

Clients write to two incidents, repeat what has no answer on every reconnect and send some commands twice on purpose.
WARROOM_CHAOS_ROUNDS sets the number of kills, WARROOM_CHAOS_SEED the moments. After every eighth kill comes a SIGTERM.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chaos import serving
from tests.server.house import eventually
from warroom.incident.record import Record
from warroom.incident.words import Access
from warroom.server.auth import mint
from warroom.store.sqlite import SqliteStore

ROUNDS = int(os.environ.get("WARROOM_CHAOS_ROUNDS", "40"))
SEED = int(os.environ.get("WARROOM_CHAOS_SEED", "1"))
CLIENTS = 4
WINDOW = 12

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Writer:
    """One outbox: what it asked for, what was acknowledged, what has no answer yet."""

    client: str
    incidents: list[str]
    acked: dict[int, tuple[str, int]] = field(default_factory=dict)
    pending: dict[int, dict[str, Any]] = field(default_factory=dict)
    n: int = 0
    confirmed: int = 0
    restarts: int = 0

    def ask(self, chance: random.Random) -> dict[str, Any]:
        self.n += 1
        command: dict[str, Any] = {"type": "add-note", "text": f"{self.client} {self.n}"}
        incident = chance.choice(self.incidents) if self.incidents else ""
        if len(self.incidents) < 1:
            incident, command = "", {"type": "declare-incident", "title": f"{self.client} declares"}
        frame = {"t": "command", "n": self.n, "incident": incident, "command": command}
        self.pending[self.n] = frame
        return frame

    def answered(self, said: dict[str, Any]) -> None:
        n = said["n"]
        assert said.get("reason", "") == "", said
        if n in self.acked:
            assert self.acked[n] == (said["incident"], said["seq"]), "a repeat got another answer"
        self.acked[n] = (said["incident"], said["seq"])
        self.pending.pop(n, None)
        if not self.incidents:
            self.incidents.append(said["incident"])

    async def work(self, url: str, token: str, chance: random.Random) -> None:
        """Write until the connection dies."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with connect(url, additional_headers=headers, compression=None, proxy=None) as socket:
                await self._converse(socket, chance)
        except (ConnectionClosed, InvalidHandshake, OSError, EOFError, TimeoutError):
            self.restarts += 1

    async def _converse(self, socket: ClientConnection, chance: random.Random) -> None:
        async def send(frame: dict[str, Any]) -> None:
            await socket.send(orjson.dumps(frame).decode())

        first = min(self.pending, default=self.n + 1)
        await send({"t": "hello", "protocol": [1, 1], "client": self.client, "first": first, "kind": "cli"})
        while (said := orjson.loads(await socket.recv()))["t"] != "welcome":
            continue
        for known in said["known"]:
            self.answered(known)
        for frame in list(self.pending.values()):
            await send(frame)
        while True:
            while len(self.pending) < (WINDOW if self.incidents else 1):
                frame = self.ask(chance)
                for _ in range(2 if chance.random() < 0.1 else 1):
                    await send(frame)
            for reply in self._heard(orjson.loads(await socket.recv())):
                await send(reply)

    def _heard(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        """What to say to a frame of the server's."""
        if said["t"] == "resend":
            return [self.pending[n] for n in sorted(self.pending) if n >= said["n"]]
        if said["t"] == "outcome":
            self.answered(said)
            settled = min(self.pending, default=self.n + 1) - 1
            if settled - self.confirmed > 40:
                self.confirmed = settled
                return [{"t": "confirm", "n": settled}]
        return []


async def kill_once(path: Path, writers: list[Writer], token: str, chance: random.Random, gently: bool) -> None:
    """Start a server, let everybody write, end it after a while (and after at least one new acknowledgement)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.serving"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=serving.run, args=(str(path), theirs))
    process.start()
    theirs.close()
    port = await asyncio.to_thread(ours.recv)
    ours.close()
    before = sum(len(writer.acked) for writer in writers)
    work = [asyncio.create_task(w.work(f"ws://127.0.0.1:{port}/ws", token, chance)) for w in writers]
    try:
        await eventually(lambda: sum(len(writer.acked) for writer in writers) > before, 20)
        await asyncio.sleep(chance.uniform(0.0, 0.15))
    finally:
        (process.terminate if gently else process.kill)()
        await asyncio.to_thread(process.join)
        code = process.exitcode
        process.close()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    assert code == (0 if gently else -signal.SIGKILL), code
    for task in work:
        assert task.cancelled() or task.exception() is None, task.exception()


def check(logs: dict[str, list[Record]], writers: list[Writer]) -> None:
    """All that was acknowledged is in the log where it was said to be; nothing is in it twice, or out of order."""
    where = {(r.client, r.n, incident): r.seq for incident, log in logs.items() for r in log}
    for writer in writers:
        for n, (incident, seq) in writer.acked.items():
            assert where.get((writer.client, n, incident)) == seq, (
                f"command {n} of {writer.client} was acknowledged and is lost"
            )
    notes = [(r.client, r.n) for log in logs.values() for r in log if r.tag == "note-added"]
    assert len(notes) == len(set(notes)), "a command led to two events"
    for incident, log in logs.items():
        assert [r.seq for r in log] == list(range(1, len(log) + 1)), incident
        for writer in writers:
            own = [r.n for r in log if r.client == writer.client]
            assert own == sorted(own), f"commands of {writer.client} are out of order in {incident}"


async def test_no_acknowledged_event_is_lost_by_kills(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    shared: list[str] = []
    writers = [Writer(f"writer-{number:04d}", shared) for number in range(CLIENTS)]
    async with await SqliteStore.open(tmp_path / "log.db") as store:
        token = await mint(store, "jana", Access.COMMANDER, by="test", at=datetime.now(UTC))
    for number in range(ROUNDS + ROUNDS // 8):
        await kill_once(tmp_path, writers, token, chance, gently=number % 9 == 8)
        async with await SqliteStore.open(tmp_path / "log.db") as store:
            incidents = [kept.incident for kept in await store.incidents()]
            logs: dict[str, list[Record]] = {}
            for incident in incidents:
                proven = await store.prove(incident)
                assert proven.broken is None, f"{incident}: {proven.broken} (seed {SEED})"
                logs[incident] = await store.read(incident, 0, 10**9)
        check(logs, writers)
    assert sum(len(writer.acked) for writer in writers) > ROUNDS * 2
