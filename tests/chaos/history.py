"""The judge of a crash: what was acknowledged against what the log holds afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.chaos.appender import INCIDENTS
from warroom.incident.record import Record
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_incident


@dataclass(frozen=True)
class Ack:
    client: str
    n: int
    incident: str
    seq: int
    hash: str


def acks_in(text: bytes) -> list[Ack]:
    """The acknowledgements said on a pipe; a last line cut by a kill is not one."""
    acks = []
    for line in text.decode().split("\n")[:-1]:
        fields = line.split()
        if len(fields) == 5:
            acks.append(Ack(fields[0], int(fields[1]), fields[2], int(fields[3]), fields[4]))
    return acks


async def check(path: Path, acks: list[Ack]) -> int:
    """Everything that must hold after a crash; returns the number of records in the log."""
    async with await SqliteStore.open(path) as store:
        logs: dict[str, list[Record]] = {}
        for incident in INCIDENTS:
            proof = await verify_incident(store, incident)
            assert proof.whole, proof
            logs[incident] = await store.read(incident, limit=10**6)
            assert [record.seq for record in logs[incident]] == list(range(1, len(logs[incident]) + 1))
        for ack in acks:
            found = logs[ack.incident][ack.seq - 1]
            assert (found.client, found.n, found.hash.hex()) == (ack.client, ack.n, ack.hash)
        numbers: dict[str, list[int]] = {}
        for record in (record for log in logs.values() for record in log):
            numbers.setdefault(record.client, []).append(record.n)
        for client, seen in numbers.items():
            assert seen == list(range(1, len(seen) + 1)), f"{client} is doubled, lost or out of order"
            assert [outcome.n for outcome in await store.outcomes(client)] == seen
        return sum(map(len, logs.values()))
