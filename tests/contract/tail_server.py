"""A Loki on loopback that plays recorded tails over real websockets, and answers queries from lines of the test's own.

Each connection plays the next session; a session is frames and how it ends. What is asked is kept.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Labels = dict[str, str]


@dataclass
class Session:
    """`refuse` is (status, words) before the upgrade; `close` is (code, reason) after the frames, None to stay open.

    `cut` drops the connection without a word, as a broken network does. `pings` must be answered before any frame.
    """

    frames: Sequence[Any] = ()
    close: tuple[int, str] | None = None
    refuse: tuple[int, str] | None = None
    cut: bool = False
    pings: int = 0


def recorded_session(tail: dict[str, Any], *, stay: bool = True) -> Session:
    """The frames of a recording. The recorder itself ended most sessions; those stay open here."""
    if tail["status"] != 101:
        return Session(refuse=(tail["status"], tail["body"]))
    code = tail["close"]["code"]
    ends = None if stay and code == 1000 else (code, tail["close"]["reason"])
    return Session([frame["data"] for frame in tail["frames"]], ends)


@dataclass
class TailServer:
    """`lines` are (ns, text, labels) that queries find; `queries_fail` is how many are answered with a 503 first."""

    sessions: list[Session]
    lines: list[tuple[int, str, Labels]] = field(default_factory=list)
    queries_fail: int = 0
    most: int = 5000
    tls: ssl.SSLContext | None = None
    tails: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _server: Server | None = None

    async def __aenter__(self) -> TailServer:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, compression=None, close_timeout=0.2, ssl=self.tls
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        for connection in list(self._server.connections):
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/loki/api/v1/query_range":
            self.queries.append(asked)
            return self._found(connection, asked)
        assert parts.path == "/loki/api/v1/tail", parts.path
        self.tails.append(asked)
        self.headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        session = self.sessions[0]
        if session.refuse is not None:
            self.sessions.pop(0)
            return connection.respond(HTTPStatus(session.refuse[0]), session.refuse[1])
        return None

    def _found(self, connection: ServerConnection, asked: dict[str, str]) -> Response:
        if self.queries_fail > 0:
            self.queries_fail -= 1
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
        start, end, limit = int(asked["start"]), int(asked["end"]), int(asked["limit"])
        if limit > self.most:
            words = f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {self.most})"
            return connection.respond(HTTPStatus.BAD_REQUEST, words)
        forward = asked["direction"] == "forward"
        wanted = sorted((one for one in self.lines if start <= one[0] < end), key=lambda one: one[0])
        wanted = wanted[:limit] if forward else wanted[::-1][:limit]
        streams: dict[str, Any] = {}
        for ns, text, labels in wanted:
            stream = streams.setdefault(json.dumps(labels, sort_keys=True), {"stream": labels, "values": []})
            stream["values"].append([str(ns), text])
        body = {"status": "success", "data": {"resultType": "streams", "result": list(streams.values())}}
        response = connection.respond(HTTPStatus.OK, json.dumps(body))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        session = self.sessions.pop(0)
        try:
            for _ in range(session.pings):
                await (await connection.ping())
            for frame in session.frames:
                await connection.send(json.dumps(frame))
            if session.cut:
                await asyncio.sleep(0)
                connection.transport.close()
            elif session.close is not None:
                await connection.close(*session.close)
            else:
                await connection.wait_closed()
        except ConnectionClosed:
            return
        finally:
            self.idle.set()


def frame(*lines: tuple[int, str], labels: Labels, dropped: Sequence[int] | None = None) -> dict[str, Any]:
    """A frame of live lines of one stream."""
    said: dict[str, Any] = {
        "streams": [{"stream": labels, "values": [[str(ns), text] for ns, text in lines]}] if lines else []
    }
    if dropped is not None:
        said["dropped_entries"] = [{"timestamp": str(ns), "labels": labels} for ns in dropped]
    return said


def until(lines: int) -> Callable[[list[Any]], bool]:
    """Whether that many lines were given out."""
    return lambda batches: sum(len(batch.lines) for batch in batches) >= lines
