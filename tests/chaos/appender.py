"""A process that appends without pause and says on a pipe what was acknowledged, to be killed or starved.

Each acknowledged append is one line on the given descriptor: client, n, incident, seq and hash. As a program:

    appender.py LOG CLIENTS APPENDS [--one-by-one]

writes those lines to stdout; APPENDS 0 goes on until killed. Exit code 3: the store failed and the process stopped.
"""

from __future__ import annotations

import asyncio
import os
import sys
from multiprocessing.connection import Connection

from tests.store.written import note
from warroom.store.port import AlreadyAnswered, Appended, Outcome, StoreFailed, StoreFull
from warroom.store.sqlite import SqliteStore

INCIDENTS = ("INC-7K3Q", "INC-9TZM")
FAILED = 3


async def work(store: SqliteStore, client: str, appends: int, descriptor: int) -> None:
    """Number commands from where the log has this client, repeating the last as a client that heard no answer would."""
    known = [outcome.n for outcome in await store.outcomes(client)]
    n = max(known, default=0) + 1
    if known:
        await repeat(store, client, n - 1)
    last = n + appends
    incident = INCIDENTS[int(client[-2:]) % len(INCIDENTS)]
    while not appends or n < last:
        head = await store.head(incident)
        record = note(incident, head, f"{client} {n} " + "x" * (n % 900), client=client, n=n)
        try:
            answer = await store.append(incident, head.seq, [record], [Outcome(client, n, incident, record.seq)])
        except StoreFull:
            os.write(descriptor, f"full {client} {n}\n".encode())
            return
        if isinstance(answer, Appended):
            os.write(descriptor, f"{client} {n} {incident} {record.seq} {record.hash.hex()}\n".encode())
            n += 1


async def repeat(store: SqliteStore, client: str, n: int) -> None:
    while True:
        head = await store.head(INCIDENTS[0])
        record = note(INCIDENTS[0], head, "again", client=client, n=n)
        try:
            answer = await store.append(INCIDENTS[0], head.seq, [record], [Outcome(client, n)])
        except AlreadyAnswered:
            return
        assert not isinstance(answer, Appended), f"command {n} of {client} was taken twice"


async def append_all(path: str, clients: int, appends: int, descriptor: int) -> None:
    async with await SqliteStore.open(path) as store:
        await asyncio.gather(*(work(store, f"client-{number:02d}", appends, descriptor) for number in range(clients)))


def run(path: str, clients: int, appends: int, pipe: Connection) -> None:
    """The same, in a process made by multiprocessing."""
    asyncio.run(append_all(path, clients, appends, pipe.fileno()))


def main() -> int:
    path, clients, appends = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        asyncio.run(append_all(path, clients, appends, 1))
    except StoreFailed as failure:
        print(failure, file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
