"""A TCP proxy that breaks things on purpose, and an oracle that remembers what was promised.

Everything random is drawn from one seeded generator, so that a failing run can be run again.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from warroom.incident.chain import verify
from warroom.incident.decode import fold
from warroom.incident.record import GENESIS, Record
from warroom.incident.state import IncidentState


@dataclass
class Faults:
    """What the proxy does to new and existing connections; change it at any time.

    `delay` is the longest wait per chunk in seconds, `split` the largest chunk in bytes, `rate` bytes per second
    (0: as fast as it goes). `duplicate` and `swap` are probabilities per command frame from client to server.
    """

    refuse: bool = False
    hole_up: bool = False
    hole_down: bool = False
    delay: float = 0.0
    split: int = 0
    rate: int = 0
    duplicate: float = 0.0
    swap: float = 0.0


class FaultProxy:
    """Listens on a loopback port and forwards to `target` (a port, which may change while it runs)."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.faults = Faults()
        self.rng = random.Random(seed)
        self.accepted = 0
        self.duplicated = 0
        self.swapped = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection, as when a cable is pulled and the router answers."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.faults.refuse:
                return
            back, upstream = await asyncio.open_connection("127.0.0.1", self.target)
            self._open.add(upstream)
            pumps = [
                asyncio.create_task(self._up(reader, upstream)),
                asyncio.create_task(self._down(back, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            return
        finally:
            for end in (writer, upstream):
                if end is not None:
                    self._open.discard(end)
                    end.transport.abort()
                    try:
                        await end.wait_closed()
                    except OSError:
                        continue

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meddler = Meddler(self)
        while data := await self._chunk(reader, meddler):
            if self.faults.hole_up:
                continue
            for frame in meddler.feed(data):
                await self._send(writer, frame)

    async def _chunk(self, reader: asyncio.StreamReader, meddler: Meddler) -> bytes:
        """The next bytes, or a pause in them, which lets a held frame go."""
        try:
            async with asyncio.timeout(0.05 if meddler.held else None):
                return await reader.read(65536)
        except TimeoutError:
            return meddler.PAUSE

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.faults.hole_down:
                await self._send(writer, data)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        faults = self.faults
        size = faults.split or len(data)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            if faults.delay:
                await asyncio.sleep(self.rng.uniform(0, faults.delay))
            if faults.rate:
                await asyncio.sleep(len(part) / faults.rate)
            writer.write(part)
            await writer.drain()


class Meddler:
    """Cuts a client's byte stream into websocket frames, and repeats and swaps those that carry commands."""

    PAUSE = b"\xffpause"

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self._buffer = b""
        self._upgraded = False
        self.held: bytes | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Bytes in, bytes out."""
        if data is self.PAUSE:
            held, self.held = self.held, None
            return [held] if held else []
        self._buffer += data
        out: list[bytes] = []
        if not self._upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return []
            self._upgraded = True
            self._buffer = rest
            out.append(head + end)
        while (frame := self._next()) is not None:
            out += self._meddle(frame)
        return out

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            start += width
            size = int.from_bytes(buffer[2:start], "big")
        whole = start + 4 + size
        if len(buffer) < whole:
            return None
        self._buffer = buffer[whole:]
        return buffer[:whole]

    def _meddle(self, frame: bytes) -> list[bytes]:
        proxy, faults = self._proxy, self._proxy.faults
        if not is_command(frame):
            held, self.held = self.held, None
            return [held, frame] if held else [frame]
        out = [frame]
        if proxy.rng.random() < faults.duplicate:
            proxy.duplicated += 1
            out *= 2
        if self.held is not None:
            proxy.swapped += 1
            held, self.held = self.held, None
            return [*out, held]
        if proxy.rng.random() < faults.swap:
            self.held = out.pop()
        return out


def is_command(frame: bytes) -> bool:
    """Whether a masked websocket frame is a text frame with a command in it."""
    if frame[0] != 0x81 or not frame[1] & 0x80:
        return False
    start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bool(json.loads(text).get("t") == "command")


@dataclass
class Oracle:
    """What clients sent and were told, in the order in which it happened."""

    clock: int = 0
    sent: dict[tuple[str, int], int] = field(default_factory=dict)
    acked: dict[tuple[str, int], tuple[int, str, int, str]] = field(default_factory=dict)

    def send(self, client: str, n: int) -> None:
        self.clock += 1
        self.sent[client, n] = self.clock

    def ack(self, client: str, n: int, incident: str, seq: int, reason: str = "") -> None:
        """An answer: a second one must be the first again."""
        self.clock += 1
        before = self.acked.get((client, n))
        if before is not None:
            assert before[1:] == (incident, seq, reason), f"{client} {n}: answered {before[1:]}, then {seq} {reason}"
            return
        self.acked[client, n] = (self.clock, incident, seq, reason)

    def check(self, logs: dict[str, list[Record]], replicas: Iterable[IncidentState] = ()) -> None:
        """The history is one that a room without faults could have had."""
        found: dict[tuple[str, int], tuple[str, list[int]]] = {}
        for incident, records in logs.items():
            assert [record.seq for record in records] == list(range(1, len(records) + 1)), "a gap in the log"
            assert verify(records, GENESIS) is None
            last: dict[str, int] = {}
            for record in records:
                assert record.n >= last.get(record.client, 0), f"{record.client}: {record.n} after {last}"
                last[record.client] = record.n
                where, seqs = found.setdefault((record.client, record.n), (incident, []))
                assert where == incident, "one command wrote two logs"
                seqs.append(record.seq)
        for key, (_, seqs) in found.items():
            assert key in self.sent or key[0] == "other", f"{key} was never sent"
            assert seqs == list(range(seqs[0], seqs[-1] + 1)), f"{key} was recorded twice: {seqs}"
        for key, (_, incident, seq, reason) in self.acked.items():
            if seq and not reason:
                assert key in found, f"{key} was acknowledged as {seq} and is not in the log"
                assert found[key][0] == incident
                assert found[key][1][-1] == seq
            else:
                assert key not in found, f"{key} was refused and is in the log"
        self._check_real_time(found)
        for state in replicas:
            prefix = fold(logs.get(state.id, [])[: state.seq])
            assert (prefix.seq, prefix.head_hash) == (state.seq, state.head_hash or prefix.head_hash)

    def _check_real_time(self, found: dict[tuple[str, int], tuple[str, list[int]]]) -> None:
        """What was sent after an answer was known stands behind it in the same log."""
        for key, (when, incident, seq, _) in self.acked.items():
            for other, sent_at in self.sent.items():
                if sent_at > when and other in found and found[other][0] == incident and seq:
                    assert found[other][1][0] > seq, f"{other} was sent after {key} was known and stands before it"
