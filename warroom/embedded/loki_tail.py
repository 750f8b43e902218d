"""The live end of a Loki: a websocket that lines come out of as they are kept.

Invariant: a peer that does not read costs a bounded number of lines; what it misses is named in `dropped_entries`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from warroom.embedded import loki_answers as answers
from warroom.embedded.log_tail import TailQueue
from warroom.embedded.logql import LogQL, LogqlError
from warroom.embedded.loki_answers import FLAG
from warroom.telemetry.logs import LogLine


async def follow(socket: WebSocket, following: Following) -> None:
    """Send frames over an accepted socket until the peer goes."""
    told = asyncio.create_task(following.run(socket))
    gone = asyncio.create_task(_until_gone(socket))
    try:
        await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (told, gone):
            task.cancel()
        ends = await asyncio.gather(told, gone, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


@dataclass(slots=True)
class Following:
    """One tail: its query, the nanosecond from which on older lines are wanted, and how many of them."""

    logql: LogQL
    query: str
    start: int
    limit: int = 100
    categorized: bool = False

    async def run(self, socket: WebSocket) -> None:
        """Send what there is and what comes; ends when it is cancelled or the peer is gone."""
        queue = TailQueue(asyncio.get_running_loop())
        stop = self.logql.store.subscribe(queue.heard)
        try:
            older = await asyncio.to_thread(self.logql.newest, self.query, self.start, self.limit)
            if older:
                await self._send(socket, answers.streams(older, self.categorized), [])
            known = {(line.ns, line.text, line.labels) for line in older}
            through = self.logql.matching(self.query)
            bare = "|" not in self.query
            while True:
                await queue.news.wait()
                fresh, dropped, _ = queue.take()
                lines = [line for line in through(fresh) if (line.ns, line.text, line.labels) not in known]
                known = set()
                lost = through(dropped)
                if lines or lost:
                    await self._send(socket, self._each(lines, bare), lost)
        except WebSocketDisconnect:
            return
        except LogqlError as refused:
            await socket.close(1011, refused.words[:120])
        finally:
            stop()

    def _each(self, lines: list[LogLine], bare: bool) -> list[dict[str, Any]]:
        """A stream for each line, as a live tail sends them; without stages and flag their metadata is left out."""
        lines.sort(key=lambda line: line.ns)
        if self.categorized:
            return [
                {"stream": dict(line.labels), "values": [[str(line.ns), line.text, answers.beside(line)]]}
                for line in lines
            ]
        return [
            {"stream": dict(line.labels if bare else answers.merged(line)), "values": [[str(line.ns), line.text]]}
            for line in lines
        ]

    async def _send(self, socket: WebSocket, streams: list[dict[str, Any]], lost: list[LogLine]) -> None:
        frame: dict[str, Any] = {"streams": streams}
        if lost:
            frame["dropped_entries"] = [{"labels": dict(one.labels), "timestamp": str(one.ns)} for one in lost]
        if self.categorized:
            frame["encodingFlags"] = [FLAG]
        await socket.send_text(orjson.dumps(frame).decode())


async def _until_gone(socket: WebSocket) -> None:
    """Until the peer closes; what it says is not listened to."""
    with contextlib.suppress(KeyError, RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
