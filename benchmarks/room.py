"""The room's figures: how soon everybody has an event, how many a second, how soon a newcomer has everything.

References of the same run are a floor (a bare asyncio.Protocol that appends, calls fdatasync on a thread and writes to
everybody) and Socket.IO with SQLite. Server, reference and load each run in a process of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
import socket
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from benchmarks.core import best, grow
from benchmarks.flood import Dialect, soon, sustained
from benchmarks.floor import floor, floor_latency
from benchmarks.raw import Client, connected, greeting, latency, masked, newcomers
from benchmarks.report import Figure
from benchmarks.rival import Mode, Rival, Unavailable, installed
from benchmarks.serving import Serving, in_process, load, warroom_server
from warroom.incident.snapshot import decode
from warroom.incident.state import IncidentState
from warroom.incident.words import Access
from warroom.server import summary
from warroom.server.auth import mint
from warroom.store.sqlite import SqliteStore

CLIENTS = 50
MANY = 200
COMMANDS = 300
SECONDS = 4.0
ROUNDS = 3
NEWCOMERS = 200
SPECTATORS = 5000
EVENTS = 10_000


async def prepared(path: Path, events: int) -> tuple[str, str]:
    """A log in `path` with one incident of so many events; its token and id."""
    async with await SqliteStore.open(path / "log.db") as store:
        token = await mint(store, "jana", Access.COMMANDER, by="benchmark", at=datetime.now(UTC))
        if not events:
            return token, ""
        records, state = grow(IncidentState(id="INC-BENC"), events)
        for at in range(0, len(records), 1000):
            await store.append("INC-BENC", at, records[at : at + 1000])
        await store.append("INC-BENC", state.seq, (), summary=summary.encode(summary.line_of(state)))
    return token, "INC-BENC"


def percentiles(times: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    ordered = sorted(times)
    return statistics.median(ordered) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3


def beside_the_floor(path: Path) -> list[Figure]:
    """Latency beside the floor's: the median round of a few, each with both."""
    token, _ = asyncio.run(prepared(path, 0))
    rounds = []
    for _ in range(ROUNDS):
        with Serving(floor, path) as bare:
            reference = percentiles(load(floor_latency, bare.port, CLIENTS, COMMANDS))
        with Serving(warroom_server, path) as server:
            rounds.append((percentiles(load(latency, server.port, token, CLIENTS, COMMANDS)), reference))
    ours, reference = sorted(rounds, key=lambda one: one[0][0] / one[1][0])[ROUNDS // 2]
    half, tail = ours[0] / reference[0], ours[1] / reference[1]
    return [
        Figure(
            "Command to the last of 50 clients, median", f"{ours[0]:.2f} ms ({half:.2f}x)", f"{reference[0]:.2f} ms",
            "at most 1.4x the floor", half <= 1.4,
        ),
        Figure(
            "Command to the last of 50 clients, 99th percentile", f"{ours[1]:.2f} ms ({tail:.2f}x)",
            f"{reference[1]:.2f} ms", "at most 2x the floor", tail <= 2,
        ),
    ]  # fmt: skip


def _fresh(path: Path) -> tuple[Path, Dialect]:
    """A new log with one incident, and how its server is spoken to."""
    place = Path(tempfile.mkdtemp(dir=path))
    token, incident = asyncio.run(prepared(place, 1))
    return place, Dialect(socketio=False, token=token, incident=incident)


def _ours_soon(path: Path) -> tuple[float, float]:
    place, dialect = _fresh(path)
    with Serving(warroom_server, place) as server:
        return percentiles(load(soon, server.port, dialect, MANY, COMMANDS))


def _ours_often(path: Path) -> float:
    place, dialect = _fresh(path)
    with Serving(warroom_server, place) as server:
        return float(load(sustained, server.port, dialect, CLIENTS, SECONDS))


def _theirs_soon(installation: Path, path: Path) -> tuple[float, float]:
    with Rival(installation, Path(tempfile.mkdtemp(dir=path)) / "events.db", "each") as rival:
        return percentiles(load(soon, rival.port, Dialect(socketio=True), MANY, COMMANDS))


def _theirs_often(installation: Path, path: Path, mode: Mode) -> float:
    with Rival(installation, Path(tempfile.mkdtemp(dir=path)) / "events.db", mode) as rival:
        return float(load(sustained, rival.port, Dialect(socketio=True), CLIENTS, SECONDS))


def beside_socketio(path: Path) -> list[Figure]:
    """The same clients against Socket.IO with SQLite, in turns with warroom."""
    names = ("Command to the last of 200 clients, median", "Durable commands a second, 50 clients receiving all")
    try:
        installation = installed()
    except Unavailable as why:
        alone, rate = _ours_soon(path)[0], _ours_often(path)
        return [
            Figure(names[0], f"{alone:.2f} ms", str(why), "at most Socket.IO's, insert then emit", None),
            Figure(names[1], f"{rate:,.0f}/s", str(why), "10x Socket.IO's, insert then emit", None),
        ]
    pairs = [(_ours_soon(path)[0], _theirs_soon(installation, path)[0]) for _ in range(ROUNDS)]
    ours, theirs = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    runs = [
        (_ours_often(path), _theirs_often(installation, path, "each"), _theirs_often(installation, path, "group"))
        for _ in range(ROUNDS)
    ]
    rate, each, group = (statistics.median(side) for side in zip(*runs, strict=True))
    return [
        Figure(
            names[0], f"{ours:.2f} ms ({ours / theirs:.2f}x)", f"Socket.IO, insert then emit: {theirs:.2f} ms",
            "at most Socket.IO's", ours <= theirs,
        ),
        Figure(
            names[1], f"{rate:,.0f}/s ({rate / each:.1f}x)", f"Socket.IO, insert then emit: {each:,.0f}/s",
            "at least 10x", rate >= 10 * each,
        ),
        Figure(
            f"{names[1]}, beside group commit", f"{rate:,.0f}/s ({rate / group:.1f}x)",
            f"Socket.IO, group commit: {group:,.0f}/s", "at least 4x", rate >= 4 * group,
        ),
    ]  # fmt: skip


def newcomer(path: Path) -> list[Figure]:
    """Catching up with a long incident, alone and with two hundred at once."""
    token, incident = asyncio.run(prepared(path, EVENTS))
    with Serving(warroom_server, path) as server:
        began, data = load(newcomers, server.port, token, incident, 1)
        cached = min(load(newcomers, server.port, token, incident, 1)[0] for _ in range(3))
        fold = best(lambda: decode(data), 3)
        all_at_once, _ = load(newcomers, server.port, token, incident, NEWCOMERS)
    whole = cached + fold
    size = f"{len(data) / 1e6:.1f} MB of state"
    return [
        Figure("Newcomer to 10,000 events, the first after a start", f"{began * 1e3:.0f} ms", size, "", None),
        Figure(
            "The same from cache: bytes asked to the last byte",
            f"{cached * 1e3:.1f} ms",
            "",
            "at most 5 ms",
            cached <= 0.005,
        ),
        Figure("The same to the whole state folded", f"{whole * 1e3:.0f} ms", "", "at most 300 ms", whole <= 0.3),
        Figure("200 newcomers at once, all have it", f"{all_at_once:.2f} s", "", "at most 1.5 s", all_at_once <= 1.5),
    ]


async def _crowd(port: int, token: str, incident: str, count: int, pipe: Connection) -> None:
    """Hold `count` followers until told to go."""
    following: set[Client] = set()
    told = asyncio.Event()

    def heard(client: Client, data: bytes) -> None:
        if data.startswith(b'{"t":"snapshot"'):
            following.add(client)
            if len(following) == count:
                told.set()

    clients = await connected(port, token, count, heard)
    for client in clients:
        client.send(t="subscribe", position={"incident": incident})
    async with asyncio.timeout(100):
        await told.wait()
    await asyncio.sleep(1.0)
    pipe.send(sum(not client.transport.is_closing() for client in following))
    await asyncio.to_thread(pipe.recv)


def _held(path: Path, events: int, count: int) -> tuple[float, float, int]:
    """Memory of the server (MB) without and with `count` followers, and how many there were."""
    token, incident = asyncio.run(prepared(path, events))
    with Serving(warroom_server, path) as server:
        load(newcomers, server.port, token, incident, 1)
        empty = server.resident
        process, pipe = in_process(_crowd, server.port, token, incident, count)
        try:
            alive = int(pipe.recv()) if pipe.poll(120) else 0
            return empty, server.resident, alive
        finally:
            process.kill()
            process.join()
            pipe.close()


def memory(path: Path) -> list[Figure]:
    """What the server's process holds with 200 responders."""
    empty, full, count = _held(path, 1000, 200)
    return [
        Figure(
            f"Server's memory with {count} responders", f"{full:.0f} MB", f"{empty:.0f} MB with none",
            "at most 80 MB", full <= 80,
        )
    ]  # fmt: skip


def spectators(path: Path) -> list[Figure]:
    """What each of thousands of spectators costs."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = min(SPECTATORS, files - 300)
    empty, full, count = _held(path, 100, wanted)
    each = (full - empty) * 1e6 / 1024 / max(count, 1)
    limit = "" if wanted == SPECTATORS else f" (the limit of {files} open files)"
    return [
        Figure(
            f"Server's memory for each of {count:,} spectators{limit}", f"{each:.1f} KiB", f"{full:.0f} MB in all",
            "at most 24 KiB", count > 0 and each <= 24,
        )
    ]  # fmt: skip


async def _slow(port: int, token: str, incident: str, pace: int, name: str) -> float:
    """Follow an incident and read `pace` bytes a second; seconds until the server gave up on it."""
    loop = asyncio.get_running_loop()
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    door.setblocking(False)
    with door:
        await loop.sock_connect(door, ("127.0.0.1", port))
        await loop.sock_sendall(door, greeting(token))
        while b"\r\n\r\n" not in await loop.sock_recv(door, 2048):
            continue
        hello = {"t": "hello", "protocol": [1, 1], "client": name, "kind": "console"}
        subscribe = {"t": "subscribe", "position": {"incident": incident}}
        await loop.sock_sendall(door, masked(hello) + masked(subscribe))
        began = perf_counter()
        with contextlib.suppress(OSError):
            while perf_counter() - began < 30:
                await loop.sock_sendall(door, masked({"t": "ping"}))
                if pace and not await loop.sock_recv(door, max(1, pace // 10)):
                    break
                await asyncio.sleep(0.1)
        return perf_counter() - began


async def _slow_ones(port: int, token: str, incident: str, pipe: Connection) -> None:
    """One that reads nothing and one that reads 1 KiB a second; says when each was given up on."""
    pipe.send(True)
    stalls = _slow(port, token, incident, 0, "bench-that-stalls")
    crawls = _slow(port, token, incident, 1024, "bench-that-crawls")
    pipe.send(await asyncio.gather(stalls, crawls))


def stalled(path: Path) -> list[Figure]:
    """What a reader that stopped reading and one that reads 1 KiB a second do to the others."""
    token, incident = asyncio.run(prepared(path, 5000))
    rounds: list[tuple[float, float]] = []
    cut: list[float] = []
    grown = 0.0
    with Serving(warroom_server, path) as server:
        load(newcomers, server.port, token, incident, 1)
        for _ in range(ROUNDS):
            alone = percentiles(load(latency, server.port, token, CLIENTS, 600, incident))[1]
            before = server.resident
            process, pipe = in_process(_slow_ones, server.port, token, incident)
            pipe.recv()
            rounds.append((percentiles(load(latency, server.port, token, CLIENTS, 600, incident))[1], alone))
            grown = max(grown, server.resident - before)
            cut += pipe.recv() if pipe.poll(40) else [30.0]
            process.kill()
            process.join()
            pipe.close()
    beside, alone = sorted(rounds, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    ratio = beside / alone
    return [
        Figure(
            "99th percentile of 50 others beside a reader that stalled and one at 1 KiB/s",
            f"{beside:.2f} ms ({ratio:.2f}x)", f"{alone:.2f} ms without", "at most 1.2x", ratio <= 1.2,
        ),
        Figure("Both are cut off after, at most", f"{max(cut):.1f} s", "", "at most 5 s", max(cut) <= 5),
        Figure("Memory grown meanwhile", f"{grown:.1f} MB", "", "bounded", grown < 20),
    ]  # fmt: skip


def main() -> list[Figure]:
    """Measure everything; takes about three minutes, and more when the reference has to be compiled first."""
    figures: list[Figure] = []
    parts: tuple[Callable[[Path], list[Figure]], ...] = (
        beside_the_floor, beside_socketio, newcomer, memory, spectators, stalled,
    )  # fmt: skip
    for part in parts:
        path = Path(tempfile.mkdtemp(prefix="warroom-bench-"))
        try:
            figures += part(path)
        finally:
            shutil.rmtree(path)
    return figures


if __name__ == "__main__":
    for figure in main():
        print(figure)
