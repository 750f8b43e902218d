"""How many durable commands a second: clients that keep a window on the way, and read all as cheaply as possible.

One of them, the meter, looks for who wrote what in the bytes that come; all others only count theirs. Each command
that the meter sees is followed by its author's next. At the end everybody must have received as much as the meter.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from benchmarks.core import command
from benchmarks.raw import masked

NAME = re.compile(rb'"client":"bench-(\d{8})"')
CARRY = 40
"""Bytes of a chunk's end in which a name may have been cut."""
WINDOW = 16
SAID = [json.dumps(command(number).model_dump(mode="json")).encode() for number in range(1, 100)]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server is spoken to: warroom's protocol, or Socket.IO 4 over a websocket alone."""

    socketio: bool
    token: str = ""
    incident: str = ""

    @property
    def path(self) -> str:
        return "/socket.io/?EIO=4&transport=websocket" if self.socketio else "/ws"

    def greeting(self, number: int) -> list[bytes]:
        """Frames with which a client begins."""
        if self.socketio:
            return [text(b"40")]
        hello = {"t": "hello", "protocol": [1, 1], "client": f"bench-{number:08d}", "kind": "automation"}
        return [masked(hello)]

    @property
    def subscribe(self) -> bytes:
        return masked({"t": "subscribe", "position": {"incident": self.incident}})

    def command(self, number: int, n: int) -> bytes:
        """Command `n` of client `number`."""
        said = SAID[n % len(SAID)]
        if self.socketio:
            return text(b'42["command",{"client":"bench-%08d","n":%d,"command":%s}]' % (number, n, said))
        return text(b'{"t":"command","n":%d,"incident":"%s","command":%s}' % (n, self.incident.encode(), said))


def text(data: bytes) -> bytes:
    """A text frame of a client, with a mask of zeros."""
    size = len(data)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + data


class Flood:
    """All clients of one run, what they have on the way, and what the meter has seen."""

    def __init__(self, dialect: Dialect, count: int) -> None:
        self.dialect = dialect
        self.members: list[Member] = []
        self.sent = [0] * count
        self.seen = 0
        self.running = False
        self._end = b""

    def meter(self, data: bytes) -> None:
        """Bytes of everybody's events: count the commands in them and let their authors go on."""
        data = self._end + data
        last, authors = 0, []
        for found in NAME.finditer(data):
            authors.append(int(found[1]))
            last = found.end()
        self._end = data[max(last, len(data) - CARRY) :]
        self.seen += len(authors)
        if not self.running:
            return
        going: dict[int, list[bytes]] = {}
        for author in authors:
            going.setdefault(author, []).append(self.next(author))
        for author, frames in going.items():
            self.members[author].transport.write(b"".join(frames))

    def next(self, number: int) -> bytes:
        self.sent[number] += 1
        return self.dialect.command(number, self.sent[number])


class Member(asyncio.BufferedProtocol):
    """One client. Reads into a buffer that all share, so a reader costs a call to the kernel and an addition."""

    buffer = bytearray(1 << 20)
    view = memoryview(buffer)

    def __init__(self, flood: Flood, number: int) -> None:
        self.flood = flood
        self.number = number
        self.received = 0
        self.ready = asyncio.Event()
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialect = self.flood.dialect
        bearer = f"Authorization: Bearer {dialect.token}\r\n" if dialect.token else ""
        self.transport.write(
            f"GET {dialect.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{bearer}\r\n".encode()
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, size: int) -> None:
        if not self.ready.is_set():
            self._head += self.view[:size]
            if b"\r\n\r\n" in self._head:
                if b" 101 " not in self._head[:30]:
                    raise RuntimeError(self._head[:200].decode())
                self.ready.set()
            return
        self.received += size
        if self.number == 0:
            self.flood.meter(bytes(self.view[:size]))


async def _quiet(flood: Flood, seconds: float = 0.3) -> None:
    """Wait until nobody receives any more."""
    before = -1
    while before != (now := sum(member.received for member in flood.members)):
        before = now
        await asyncio.sleep(seconds)


async def sustained(port: int, dialect: Dialect, count: int, seconds: float, window: int = WINDOW) -> float:
    """Durable commands a second while `count` clients each keep `window` on the way and all receive all."""
    flood = Flood(dialect, count)
    loop = asyncio.get_running_loop()
    for number in range(count):
        _, member = await loop.create_connection(partial(Member, flood, number), "127.0.0.1", port)
        await member.ready.wait()
        flood.members.append(member)
        member.transport.writelines(dialect.greeting(number))
        if not dialect.socketio:
            member.transport.write(dialect.subscribe)
    await _quiet(flood)
    before = [member.received for member in flood.members]
    flood.seen, flood.running = 0, True
    for number, member in enumerate(flood.members):
        member.transport.write(b"".join(flood.next(number) for _ in range(window)))
    await asyncio.sleep(1.0)
    seen, began = flood.seen, perf_counter()
    await asyncio.sleep(seconds)
    rate = (flood.seen - seen) / (perf_counter() - began)
    flood.running = False
    await _quiet(flood)
    got = {member.received - start for member, start in zip(flood.members, before, strict=True)}
    if not flood.seen or min(got) < 0.98 * max(got):
        raise RuntimeError(f"not everybody received the same: {min(got)} to {max(got)} bytes")
    for member in flood.members:
        member.transport.abort()
    return float(rate)


async def soon(port: int, dialect: Dialect, count: int, commands: int) -> list[float]:
    """Seconds from sending a command to the last of `count` having its event, one after the other, counted in bytes."""
    flood = Flood(dialect, count)
    loop = asyncio.get_running_loop()
    told, left = asyncio.Event(), [0]

    class Reader(Member):
        def buffer_updated(self, size: int) -> None:
            waiting = self.ready.is_set()
            super().buffer_updated(size)
            if waiting and NAME.search(self.view[:size]):
                left[0] -= 1
                if not left[0]:
                    told.set()

    for number in range(count):
        _, reader = await loop.create_connection(partial(Reader, flood, number), "127.0.0.1", port)
        await reader.ready.wait()
        flood.members.append(reader)
        reader.transport.writelines(dialect.greeting(number))
        if not dialect.socketio:
            reader.transport.write(dialect.subscribe)
    await _quiet(flood)
    times = []
    for turn in range(commands + 20):
        number = turn % count
        frame = flood.next(number)
        told.clear()
        left[0] = count
        began = perf_counter()
        flood.members[number].transport.write(frame)
        await told.wait()
        times.append(perf_counter() - began)
    for member in flood.members:
        member.transport.abort()
    return times[20:]
