"""The floor: a bare asyncio.Protocol that appends, calls fdatasync on a thread and writes to everybody."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

FRAME = struct.Struct("!I")


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
