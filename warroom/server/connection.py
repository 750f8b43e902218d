"""One websocket: the only place that touches what the library does not document.

The library writes a frame per call and evicts no reader that stopped reading (its keepalive waits behind the very
buffer that is full, and so does its shutdown). So frames are built once for all readers and written straight to the
transport, and the reader that falls behind is measured and cut off here. `self_check` proves at start-up that the
attributes used are what they are taken for.

Invariant: every frame written here is whole, so the library's own control frames may stand between any two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Event, State
from websockets.server import ServerProtocol

TEXT = 0x81
BINARY = 0x82
PING = b"\x89\x00"
_OVERRIDDEN = (
    "pause_writing", "resume_writing", "data_received", "process_event", "connection_lost", "connection_made", "close",
    "recv",
)  # fmt: skip
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
KERNEL_BUFFER = 128 * 1024
"""Bytes the kernel is asked to hold for a reader: left alone it takes megabytes, and hides who stopped reading."""


class UnknownLibrary(RuntimeError):
    """The installed websockets library is not laid out as this server needs."""


def prepare(data: bytes, first: int = TEXT) -> bytes:
    """A whole unmasked frame (RFC 6455, 5.2) with `data` as its payload."""
    size = len(data)
    if size < 126:
        return bytes((first, size)) + data
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + data
    return struct.pack("!BBQ", first, 127, size) + data


class Wire(ServerConnection):
    """A connection that knows how far its reader is behind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.paused_at = 0.0
        self.heard_at = self.loop.time()
        self.pinged_at = self.heard_at
        self.address = ""
        self.on_evicted: Callable[[str], None] | None = None
        self.on_text: Callable[[bytes], bool] | None = None
        """Takes a whole text frame as it comes in, or returns False: then it is given out by `messages`."""
        self.most_buffered = 256 * 1024
        self.most_waiting = 4096
        self.written = 0
        self._unread = 0
        self._waiting: deque[bytes] = deque()
        self._streaming = False
        self._resumed: asyncio.Event | None = None

    # -- what the library calls ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        door = transport.get_extra_info("socket")
        if door is not None:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.loop.time()
        super().data_received(data)

    def process_event(self, event: Event) -> None:
        """Hand a message over at once when it can be, and nothing before it waits; else put it in the queue."""
        if isinstance(event, Frame) and self.request is not None and event.opcode in _DATA:
            whole = event.fin and event.opcode is Opcode.TEXT
            if whole and not self._unread and self.on_text is not None and self.on_text(bytes(event.data)):
                return
            self._unread += event.fin
        super().process_event(event)

    async def messages(self) -> AsyncIterator[str | bytes]:
        """The messages that were not taken at once, in order; a later one is taken at once only after this one's turn.

        Raises:
            ConnectionClosed: the connection ended otherwise than in order.
        """
        async for message in self:
            yield message
            self._unread -= 1

    async def first_message(self) -> str | bytes:
        """The first one, before `messages`."""
        message = await self.recv()
        self._unread -= 1
        return message

    def pause_writing(self) -> None:
        self.paused_at = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.paused_at = 0.0
        super().resume_writing()
        if self._resumed is not None:
            self._resumed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.clear()
        if self._resumed is not None:
            self._resumed.set()
        super().connection_lost(exc)

    # -- writing -------------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        return self.protocol.state is State.OPEN and not self.transport.is_closing()

    @property
    def behind(self) -> bool:
        """Whether the reader has yet to take what was written: more of what can be left out should not follow."""
        return self._streaming or bool(self.paused_at)

    @property
    def buffered(self) -> int:
        """Bytes that the network has not taken."""
        return self.transport.get_write_buffer_size()

    def write(self, frame: bytes) -> None:
        """Send a prepared frame; behind a stream that is under way, after it."""
        if self._streaming:
            self._waiting.append(frame)
            if len(self._waiting) > self.most_waiting:
                self.evict("backlog")
            return
        if self.protocol.state is not State.OPEN:
            return
        # What counts is what lay here before: one large answer makes nobody a slow reader.
        behind = self.paused_at and self.transport.get_write_buffer_size() > self.most_buffered
        self.transport.write(frame)
        self.written += len(frame)
        if behind:
            self.evict("buffer")

    def stream(self, frames: Sequence[bytes]) -> None:
        """Send frames as fast as the reader takes them and no faster; later writes wait behind them."""
        if not self._streaming and not self.paused_at:
            taken = 0
            for frame in frames:
                if self.paused_at:
                    break
                self.write(frame)
                taken += 1
            frames = frames[taken:]
        if not frames:
            return
        self._waiting.extend(frames)
        if not self._streaming:
            self._streaming = True
            self._resumed = asyncio.Event()
            if not self.paused_at:
                self._resumed.set()
            self.streamer = self.loop.create_task(self._drain(self._resumed))

    async def _drain(self, resumed: asyncio.Event) -> None:
        while self._waiting and self.open:
            await resumed.wait()
            while self._waiting and self.open and not self.paused_at:
                frame = self._waiting.popleft()
                self.transport.write(frame)
                self.written += len(frame)
            if self.paused_at:
                resumed.clear()
        self._streaming = False

    def set_max_message(self, size: int) -> None:
        """Close with 1009 on a message of more bytes."""
        self.protocol.max_message_size = size

    # -- falling behind, silence, the end ------------------------------------------------------------------------

    def is_stalled(self, now: float, longest: float) -> bool:
        """Whether the reader has taken too little for too long."""
        return bool(self.paused_at) and now - self.paused_at > longest

    def ping_if_silent(self, now: float, after: float) -> None:
        if now - self.heard_at > after and now - self.pinged_at > after and self.open and not self.paused_at:
            self.pinged_at = now
            self.transport.write(PING)

    def evict(self, reason: str) -> None:
        """Cut the connection off at once; the reader resumes from where it is."""
        if self.transport.is_closing():
            return
        if self.on_evicted is not None:
            self.on_evicted(reason)
        self.transport.abort()

    def abort(self) -> None:
        self.transport.abort()

    async def close_within(self, code: int, reason: str, seconds: float) -> None:
        """Close politely, and cut it off when the other side does not answer in time."""
        if self.paused_at:
            self.transport.abort()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.close(code, reason[:120])
        self.transport.abort()


def self_check() -> None:
    """Make sure that the library is laid out as `Wire` takes it to be.

    Raises:
        UnknownLibrary: names what differs.
    """
    for name in _OVERRIDDEN:
        if not callable(getattr(ServerConnection, name, None)):
            raise UnknownLibrary(f"websockets has no ServerConnection.{name}; version 17 is needed")
    protocol = ServerProtocol(max_size=4096)
    if getattr(protocol, "max_message_size", None) != 4096:
        raise UnknownLibrary("websockets keeps the largest message elsewhere; version 17 is needed")
    if not hasattr(protocol, "state") or not hasattr(State, "OPEN"):
        raise UnknownLibrary("websockets keeps the state of a connection elsewhere; version 17 is needed")
    _check_events()
    for size in (5, 200, 70_000):
        for opcode, first in ((Opcode.TEXT, TEXT), (Opcode.BINARY, BINARY)):
            payload = b"x" * size
            if Frame(opcode, payload).serialize(mask=False, extensions=[]) != prepare(payload, first):
                raise UnknownLibrary("websockets writes frames in another way; version 17 is needed")


def _check_events() -> None:
    """That a message from a client comes out of the protocol as a frame with its kind, its end and its bytes."""
    protocol = ServerProtocol(max_size=4096, logger=logging.Logger("unheard", logging.CRITICAL + 1))
    protocol.receive_data(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for request in protocol.events_received():
        protocol.send_response(protocol.accept(cast(Request, request)))
    protocol.receive_data(Frame(Opcode.TEXT, b"{}").serialize(mask=True, extensions=[]))
    events = protocol.events_received()
    if len(events) != 1 or not isinstance(events[0], Frame):
        raise UnknownLibrary("websockets gives messages out in another way; version 17 is needed")
    if (events[0].opcode, events[0].fin, bytes(events[0].data)) != (Opcode.TEXT, True, b"{}"):
        raise UnknownLibrary("websockets lays frames out in another way; version 17 is needed")
