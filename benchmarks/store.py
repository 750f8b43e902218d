"""The log's store: durable appends with one sync shared, against a sync each; proof of a whole log; growth.

Run as `python -m benchmarks.store`. References are measured in the same run, on the same disk.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure
from tests.store.written import NOTHING, head_of, note, notes
from warroom.store.port import Head, Outcome
from warroom.store.sqlite import SqliteStore

CLIENTS = 50
APPENDS = 200
SMALL, LARGE = 100, 100_000
SAMPLES = 400


async def one_client(store: SqliteStore, number: int, appends: int, waits: list[float]) -> None:
    incident, head = f"INC-{number:04d}", NOTHING
    for n in range(1, appends + 1):
        record = note(incident, head, "pods restart", client=f"client-{number:02d}", n=n)
        started = time.perf_counter()
        await store.append(incident, head.seq, [record], [Outcome(record.client, n, incident, n)], summary=b"{}")
        waits.append(time.perf_counter() - started)
        head = Head(record.seq, record.hash)


async def appends_per_second(directory: Path, clients: int, appends: int) -> tuple[float, float, int]:
    """Rate, median wait in ms, and the number of transactions, for clients that each wait for their answer."""
    async with await SqliteStore.open(directory / f"{clients}.db") as store:
        waits: list[float] = []
        before = store.commits
        started = time.perf_counter()
        await asyncio.gather(*(one_client(store, number, appends, waits) for number in range(clients)))
        rate = clients * appends / (time.perf_counter() - started)
        return rate, statistics.median(waits) * 1e3, store.commits - before


async def pipelined_per_second(directory: Path, appends: int) -> float:
    """Rate of appends to one log of which `CLIENTS` are under way at once, each expecting the one before."""
    records = notes("INC-PPPP", appends)
    under_way = asyncio.Semaphore(CLIENTS)
    async with await SqliteStore.open(directory / "pipelined.db") as store:

        async def append(at: int) -> None:
            outcome = Outcome(f"client-{at % CLIENTS}", at // CLIENTS + 1, "INC-PPPP", at + 1)
            async with under_way:
                await store.append("INC-PPPP", at, records[at : at + 1], [outcome], summary=b"{}")

        started = time.perf_counter()
        await asyncio.gather(*(append(at) for at in range(appends)))
        return appends / (time.perf_counter() - started)


def bare_syncs_per_second(directory: Path, count: int = 300) -> float:
    """Write 512 bytes and fdatasync, over and over: what the disk alone allows."""
    descriptor = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    started = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, b"x" * 512)
        os.fdatasync(descriptor)
    rate = count / (time.perf_counter() - started)
    os.close(descriptor)
    return rate


async def append_cost(store: SqliteStore, incident: str, head: Head, samples: int) -> tuple[float, Head]:
    """Median ms of one more append to a log that ends at `head`."""
    waits = []
    for _ in range(samples):
        record = note(incident, head)
        started = time.perf_counter()
        await store.append(incident, head.seq, [record])
        waits.append(time.perf_counter() - started)
        head = Head(record.seq, record.hash)
    return statistics.median(waits) * 1e3, head


async def growth_and_proof(directory: Path) -> list[Figure]:
    async with await SqliteStore.open(directory / "growth.db") as store:
        records = notes("INC-SMA1", SMALL)
        await store.append("INC-SMA1", 0, records)
        small_head = head_of(records)
        records = notes("INC-BGGR", LARGE)
        for at in range(0, LARGE, 10_000):
            await store.append("INC-BGGR", at, records[at : at + 10_000])
        large_head = head_of(records)
        ratios, costs = [], []
        for _ in range(5):
            small, small_head = await append_cost(store, "INC-SMA1", small_head, SAMPLES // 5)
            large, large_head = await append_cost(store, "INC-BGGR", large_head, SAMPLES // 5)
            ratios.append(large / small)
            costs.append((small, large))
        ratio = statistics.median(ratios)
        rates = []
        for _ in range(3):
            started = time.perf_counter()
            proven = await store.prove("INC-BGGR")
            rates.append(proven.head.seq / (time.perf_counter() - started))
            if proven.broken is not None:
                raise AssertionError(proven.broken)
    small, large = costs[ratios.index(ratio)]
    rate = statistics.median(rates)
    return [
        Figure(
            "one more event in a log of 100,000, against one of 100",
            f"{large:.2f} ms",
            f"{small:.2f} ms",
            "at most 1.2x",
            ratio <= 1.2,
        ),
        Figure("proving a log of 100,000 records", f"{rate:,.0f} records/s", "-", "100,000 records/s", rate >= 100_000),
    ]


async def measure(directory: Path) -> list[Figure]:
    bare = bare_syncs_per_second(directory)
    alone, wait, _ = await appends_per_second(directory, 1, APPENDS)
    shared, shared_wait, transactions = await appends_per_second(directory, CLIENTS, APPENDS)
    pipelined = await pipelined_per_second(directory, CLIENTS * APPENDS)
    return [
        Figure(
            f"durable appends to {CLIENTS} logs at once, {CLIENTS * APPENDS / transactions:.0f} to a sync",
            f"{shared:,.0f}/s",
            f"{alone:,.0f}/s with a sync each",
            "at least 4x",
            shared >= 4 * alone,
        ),
        Figure(
            f"durable appends to one log, {CLIENTS} under way",
            f"{pipelined:,.0f}/s",
            f"{alone:,.0f}/s with a sync each",
            "at least 8x",
            pipelined >= 8 * alone,
        ),
        Figure("one client's append, median", f"{wait:.2f} ms", f"{1e3 / bare:.2f} ms for a bare fdatasync", "-", None),
        Figure(f"an append among {CLIENTS}, median", f"{shared_wait:.2f} ms", f"{wait:.2f} ms alone", "-", None),
        *await growth_and_proof(directory),
    ]


def main() -> list[Figure]:
    """Measure on the disk of the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="warroom-bench-") as directory:
        return asyncio.run(measure(Path(directory)))


if __name__ == "__main__":
    for figure in main():
        print(figure)
