"""The room's figures: how soon everybody has an event, how many a second, how soon a newcomer has everything.

The reference is a floor: a bare asyncio.Protocol that appends, calls fdatasync on a thread and writes to everybody.
Server, reference and load each run in a process of their own; the load speaks raw websocket frames.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import shutil
import socket
import statistics
import struct
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.core import best, command, grow
from benchmarks.report import Figure
from warroom.incident.snapshot import decode
from warroom.incident.state import IncidentState
from warroom.incident.words import Access
from warroom.server import summary
from warroom.server.auth import mint
from warroom.server.run import run_server
from warroom.server.settings import ServerLimits, ServerSettings
from warroom.store.sqlite import SqliteStore

FREE = ServerLimits(
    commands_per_second=1e7, command_burst=10**7, frames_per_second=1e7, frame_burst=10**7, bytes_per_second=1e10,
    byte_burst=10**10,
)  # fmt: skip
CLIENTS = 50
COMMANDS = 300
SECONDS = 4.0
NEWCOMERS = 200
EVENTS = 10_000
FRAME = struct.Struct("!I")
NAME = re.compile(rb'"client":"(bench-[^"]+)"')
SAID = [command(number).model_dump(mode="json") for number in range(1, 100)]


# -- servers, each in its own process ---------------------------------------------------------------------------


class Floor(asyncio.Protocol):
    """The least that could be called a durable room: length-prefixed messages, one log, one sync for all that wait."""

    everybody: set[Floor]
    waiting: list[bytes]
    wake: asyncio.Event

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""
        self.everybody.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.everybody.discard(self)

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data
        while len(data) >= 4 and len(data) >= 4 + (size := FRAME.unpack_from(data)[0]):
            self.waiting.append(data[: 4 + size])
            data = data[4 + size :]
            self.wake.set()
        self.buffer = data


async def floor(path: Path, pipe: Connection) -> None:
    """Serve the floor until killed."""
    Floor.everybody, Floor.waiting, Floor.wake = set(), [], asyncio.Event()
    log = os.open(path / "floor.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def keep(data: bytes) -> None:
        os.write(log, data)
        os.fdatasync(log)

    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    while True:
        await Floor.wake.wait()
        Floor.wake.clear()
        batch, Floor.waiting[:] = b"".join(Floor.waiting), []
        await asyncio.to_thread(keep, batch)
        for one in list(Floor.everybody):
            one.transport.write(batch)  # type: ignore[attr-defined]


async def warroom_server(path: Path, pipe: Connection) -> None:
    """Serve the real thing until killed."""
    store = await SqliteStore.open(path / "log.db")
    settings = ServerSettings(port=0, data_dir=path, limits=FREE)
    await run_server(settings, store, ready=lambda _, port: pipe.send(port), stop=asyncio.Event())


def in_process(work: Callable[..., Awaitable[Any]], *args: Any) -> tuple[BaseProcess, Connection]:
    """Run `work(*args, pipe)` in a fresh process; the pipe's other end comes back."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(work, args, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _run(work: Callable[..., Any], args: tuple[Any, ...], pipe: Connection) -> None:
    asyncio.run(work(*args, pipe))


# -- clients, raw -----------------------------------------------------------------------------------------------


def masked(frame: dict[str, Any]) -> bytes:
    """A text frame of a client, with a mask of zeros."""
    data = json.dumps(frame).encode()
    size = len(data)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + data


class Client(asyncio.Protocol):
    """A websocket client that hands each message to `heard`. `ready` is set when the handshake is done."""

    def __init__(self, token: str, heard: Callable[[Client, bytes], None]) -> None:
        self._token = token
        self._heard = heard
        self._buffer = bytearray()
        self._open = False
        self.ready = asyncio.Event()
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Authorization: Bearer %s\r\n\r\n" % self._token.encode()
        )

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        buffer = self._buffer
        buffer += data
        if not self._open:
            head, found, rest = bytes(buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head[:30]:
                raise RuntimeError(head[:200].decode())
            self._open = True
            buffer[:] = rest
            self.ready.set()
        while (frame := _frame(buffer)) is not None:
            self._heard(self, frame)

    def send(self, **frame: Any) -> None:
        self.transport.write(masked(frame))


def _frame(buffer: bytearray) -> bytes | None:
    """Take the first whole frame's payload off the buffer."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1] & 0x7F, 2
    if size == 126:
        if len(buffer) < 4:
            return None
        size, at = int.from_bytes(buffer[2:4], "big"), 4
    elif size == 127:
        if len(buffer) < 10:
            return None
        size, at = int.from_bytes(buffer[2:10], "big"), 10
    if len(buffer) < at + size:
        return None
    payload = bytes(buffer[at : at + size])
    del buffer[: at + size]
    return payload


class FloorClient(asyncio.Protocol):
    """A client of the floor."""

    def __init__(self, heard: Callable[[FloorClient, bytes], None]) -> None:
        self._heard = heard
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        while len(data) >= 4 and len(data) >= 4 + (size := FRAME.unpack_from(data)[0]):
            self._heard(self, data[4 : 4 + size])
            data = data[4 + size :]
        self._buffer = data


# -- what is measured -------------------------------------------------------------------------------------------


async def connected(port: int, token: str, count: int, heard: Callable[[Client, bytes], None]) -> list[Client]:
    """Clients that said hello."""
    loop = asyncio.get_running_loop()
    clients = []
    for number in range(count):
        _, client = await loop.create_connection(partial(Client, token, heard), "127.0.0.1", port)
        await client.ready.wait()
        client.send(t="hello", protocol=[1, 1], client=f"bench-{os.getpid()}-{number:05d}", kind="automation")
        clients.append(client)
    return clients


async def latency(port: int, token: str, count: int, commands: int, incident: str = "") -> list[float]:
    """Seconds from sending a command to the last of `count` clients having its event, one after the other."""
    told = asyncio.Event()
    seen: dict[str, Any] = {"incident": incident, "left": 0, "snapshots": 0}

    def heard(client: Client, data: bytes) -> None:
        if data.startswith(b'{"t":"events"'):
            seen["left"] -= 1
            if seen["left"] == 0:
                told.set()
        elif data.startswith(b'{"t":"outcome"') and not seen["incident"]:
            seen["incident"] = json.loads(data)["incident"]
            told.set()
        elif data.startswith(b'{"t":"snapshot"'):
            seen["snapshots"] += 1
            if seen["snapshots"] == count:
                told.set()

    clients = await connected(port, token, count, heard)
    if not incident:
        title = {"type": "declare-incident", "title": "Checkout is down"}
        clients[0].send(t="command", n=1, incident="", command=title)
        await told.wait()
        told.clear()
    for client in clients:
        client.send(t="subscribe", position={"incident": seen["incident"]})
    await told.wait()
    await asyncio.sleep(0.5)
    times = []
    for number in range(commands + 20):
        who = clients[number % count]
        n = number // count + (2 if number % count == 0 and not incident else 1)
        told.clear()
        seen["left"] = count
        began = perf_counter()
        who.send(t="command", n=n, incident=seen["incident"], command={"type": "add-note", "text": f"note {number}"})
        await told.wait()
        times.append(perf_counter() - began)
    for client in clients:
        client.transport.abort()
    return times[20:]


async def floor_latency(port: int, count: int, commands: int) -> list[float]:
    """The same of the floor, with messages of the same size as warroom's."""
    told = asyncio.Event()
    left = [0]

    def heard(_client: FloorClient, _data: bytes) -> None:
        left[0] -= 1
        if left[0] == 0:
            told.set()

    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: FloorClient(heard), "127.0.0.1", port))[1] for _ in range(count)]
    message = b"x" * 500
    times = []
    for number in range(commands + 20):
        told.clear()
        left[0] = count
        began = perf_counter()
        clients[number % count].transport.write(FRAME.pack(len(message)) + message)
        await told.wait()
        times.append(perf_counter() - began)
    for client in clients:
        client.transport.abort()
    return times[20:]


class Load:
    """Clients that each keep a window of commands on the way, in one incident that all follow."""

    def __init__(self) -> None:
        self.incident = ""
        self.records = 0
        self.following = 0
        self.running = False
        self.told = asyncio.Event()
        self.wanted = 0
        self.names: dict[bytes, Client] = {}
        self._numbers: dict[Client, int] = {}
        self._seen: dict[bytes, int] = {}

    def ask(self, client: Client) -> None:
        n = self._numbers[client] = self._numbers.get(client, 0) + 1
        client.send(t="command", n=n, incident=self.incident, command=SAID[n % len(SAID)])

    def heard(self, client: Client, data: bytes) -> None:
        if data.startswith(b'{"t":"events"'):
            self._events(data)
        elif data.startswith(b'{"t":"outcome"') and not self.incident:
            self.incident = json.loads(data)["incident"]
            self.told.set()
        elif data.startswith(b'{"t":"snapshot"'):
            self.following += 1
            if self.following == self.wanted:
                self.told.set()

    def _events(self, data: bytes) -> None:
        """Everybody gets the same frame; its senders go on when the last of them has it."""
        key = data[:130]
        copies = self._seen[key] = self._seen.get(key, 0) + 1
        if copies < self.wanted:
            return
        del self._seen[key]
        names = NAME.findall(data)
        self.records += len(names)
        if self.running:
            for name in names:
                self.ask(self.names[name])


async def sustained(port: int, token: str, count: int, seconds: float, window: int = 16) -> float:
    """Durable commands a second while `count` clients each keep `window` on the way and receive all."""
    load = Load()
    load.wanted = count
    clients = await connected(port, token, count, load.heard)
    for number, client in enumerate(clients):
        load.names[f"bench-{os.getpid()}-{number:05d}".encode()] = client
    clients[0].send(t="command", n=1, incident="", command={"type": "declare-incident", "title": "Checkout is down"})
    await load.told.wait()
    load.told.clear()
    load._numbers[clients[0]] = 1
    for client in clients:
        client.send(t="subscribe", position={"incident": load.incident})
    await load.told.wait()
    load.running = True
    for client in clients:
        for _ in range(window):
            load.ask(client)
    await asyncio.sleep(1.0)
    before, began = load.records, perf_counter()
    await asyncio.sleep(seconds)
    rate = (load.records - before) / (perf_counter() - began)
    for client in clients:
        client.transport.abort()
    return float(rate)


async def newcomers(port: int, token: str, incident: str, count: int) -> tuple[float, bytes]:
    """Seconds until all of `count`, asking at once, have the whole state's bytes; and those bytes."""
    told = asyncio.Event()
    parts: dict[Client, list[bytes]] = {}
    sizes: dict[Client, int] = {}
    done: list[Client] = []

    def heard(client: Client, data: bytes) -> None:
        if client in sizes and not data.startswith(b'{"t":'):
            parts[client].append(data)
            sizes[client] -= len(data)
            if sizes[client] == 0:
                done.append(client)
                if len(done) == count:
                    told.set()
        elif data.startswith(b'{"t":"snapshot"'):
            parts[client] = []
            sizes[client] = int(json.loads(data)["size"])

    clients = await connected(port, token, count, heard)
    await asyncio.sleep(0.3)
    began = perf_counter()
    for client in clients:
        client.send(t="subscribe", position={"incident": incident})
    await told.wait()
    took = perf_counter() - began
    state = b"".join(parts[clients[0]])
    for client in clients:
        client.transport.abort()
    return took, state


async def in_pipe(work: Callable[..., Awaitable[Any]], *args: Any) -> None:
    """Run the load in this process and send its answer (last argument is the pipe)."""
    *rest, pipe = args
    pipe.send(await work(*rest))


def load(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """The answer of `work(*args)`, run in a process of its own."""
    process, pipe = in_process(in_pipe, work, *args)
    try:
        if not pipe.poll(180):
            raise TimeoutError(f"{work.__name__} took more than three minutes")
        return pipe.recv()
    finally:
        process.kill()
        process.join()
        pipe.close()


class Serving:
    """A server's process for the length of a `with`."""

    def __init__(self, work: Callable[..., Awaitable[Any]], path: Path) -> None:
        self._process, self._pipe = in_process(work, path)
        self.port: int = self._pipe.recv()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    @property
    def resident(self) -> float:
        """MB of memory now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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


def soon_and_often(path: Path) -> list[Figure]:
    """Latency and throughput beside the floor's."""
    token, _ = asyncio.run(prepared(path, 0))
    rounds = []
    for _ in range(3):
        with Serving(floor, path) as bare:
            reference = percentiles(load(floor_latency, bare.port, CLIENTS, COMMANDS))
        with Serving(warroom_server, path) as server:
            rounds.append((percentiles(load(latency, server.port, token, CLIENTS, COMMANDS)), reference))
    ours, reference = sorted(rounds, key=lambda one: one[0][0] / one[1][0])[1]
    with Serving(warroom_server, path) as server:
        rate = load(sustained, server.port, token, CLIENTS, SECONDS)
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
        Figure("Durable commands a second, 50 clients receiving all", f"{rate:,.0f}/s", "none in this run", "", None),
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
    clients = await connected(port, token, count, lambda _client, _data: None)
    for client in clients:
        client.send(t="subscribe", position={"incident": incident})
    await asyncio.sleep(2.0)
    pipe.send(len(clients))
    await asyncio.to_thread(pipe.recv)


def memory(path: Path) -> list[Figure]:
    """What the server's process holds with 200 responders."""
    token, incident = asyncio.run(prepared(path, 1000))
    with Serving(warroom_server, path) as server:
        empty = server.resident
        process, pipe = in_process(_crowd, server.port, token, incident, 200)
        pipe.recv()
        full = server.resident
        process.kill()
        process.join()
        pipe.close()
    return [
        Figure(
            "Server's memory with 200 responders", f"{full:.0f} MB", f"{empty:.0f} MB with none", "at most 80 MB",
            full <= 80,
        )
    ]  # fmt: skip


async def _stall(port: int, token: str, incident: str, pipe: Connection) -> None:
    """Follow an incident and stop reading; says how long it was until the server gave up on it."""
    gone = asyncio.Event()

    class Stalled(Client):
        def connection_lost(self, exc: Exception | None) -> None:
            gone.set()

    loop = asyncio.get_running_loop()
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    door.setblocking(False)
    await loop.sock_connect(door, ("127.0.0.1", port))
    transport, client = await loop.create_connection(partial(Stalled, token, lambda _client, _data: None), sock=door)
    await client.ready.wait()
    client.send(t="hello", protocol=[1, 1], client="bench-that-stalls", kind="console")
    client.send(t="subscribe", position={"incident": incident})
    transport.pause_reading()
    pipe.send(True)
    began = perf_counter()
    while not gone.is_set() and perf_counter() - began < 30:
        client.send(t="ping")
        await asyncio.sleep(0.05)
    pipe.send(perf_counter() - began)


def stalled(path: Path) -> list[Figure]:
    """What one reader that stopped reading does to the others."""
    token, incident = asyncio.run(prepared(path, 5000))
    with Serving(warroom_server, path) as server:
        load(newcomers, server.port, token, incident, 1)
        alone = percentiles(load(latency, server.port, token, CLIENTS, 600, incident))
        before = server.resident
        process, pipe = in_process(_stall, server.port, token, incident)
        pipe.recv()
        beside = percentiles(load(latency, server.port, token, CLIENTS, 600, incident))
        gone = pipe.recv() if pipe.poll(30) else 30.0
        grown = server.resident - before
        process.kill()
        process.join()
        pipe.close()
    ratio = beside[1] / alone[1]
    return [
        Figure(
            "99th percentile of 50 others beside a stalled reader", f"{beside[1]:.2f} ms ({ratio:.2f}x)",
            f"{alone[1]:.2f} ms without", "at most 1.2x", ratio <= 1.2,
        ),
        Figure("A stalled reader is cut off after", f"{gone:.1f} s", "", "at most 5 s", gone <= 5),
        Figure("Memory grown meanwhile", f"{grown:.1f} MB", "", "bounded", grown < 20),
    ]  # fmt: skip


def main() -> list[Figure]:
    """Measure everything; takes about a minute."""
    figures: list[Figure] = []
    for part in (soon_and_often, newcomer, memory, stalled):
        path = Path(tempfile.mkdtemp(prefix="warroom-bench-"))
        try:
            figures += part(path)
        finally:
            shutil.rmtree(path)
    return figures


if __name__ == "__main__":
    for figure in main():
        print(figure)
