"""Clients of the room that speak raw websocket frames: how soon, and how much for a newcomer.

Nothing of warroom's own client is used, so what is measured is the server and not its reader.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

PING = 0x89
PONG = b"\x8a\x80\0\0\0\0"


def greeting(token: str) -> bytes:
    """The request that opens a websocket."""
    return (
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Authorization: Bearer %s\r\n\r\n" % token.encode()
    )


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
        self.transport.write(greeting(self._token))

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
        while True:
            kind = buffer[0] if buffer else 0
            frame = _frame(buffer)
            if frame is None:
                return
            if kind == PING:
                self.transport.write(PONG)
            else:
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


async def connected(port: int, token: str, count: int, heard: Callable[[Client, bytes], None]) -> list[Client]:
    """Clients that said hello."""
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(50)

    async def one(number: int) -> Client:
        async with room:
            _, client = await loop.create_connection(partial(Client, token, heard), "127.0.0.1", port)
            await client.ready.wait()
        client.send(t="hello", protocol=[1, 1], client=f"bench-{os.getpid()}-{number:05d}", kind="automation")
        return client

    return list(await asyncio.gather(*map(one, range(count))))


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
