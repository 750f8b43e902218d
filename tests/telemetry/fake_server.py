"""An HTTP server on loopback that answers whatever bytes a test wants, also broken ones, and plays recordings."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

VERSIONS = ("2.42.0", "3.5.3", "3.14.0")
_FOLDER = Path(__file__).parent / "recorded"


def recorded(version: str) -> dict[str, dict[str, Any]]:
    """Exchanges with a real Prometheus: name -> {request, status, headers, body}."""
    exchanges: dict[str, dict[str, Any]] = json.loads((_FOLDER / f"prometheus-{version}.json").read_text())
    return exchanges


@dataclass
class Asked:
    """One request as it came in; `params` are those of the URL and of the form."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    in_url: bool


@dataclass
class Reply:
    """`raw` in place of a whole HTTP answer; `hang` keeps the connection open and silent after it."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang: bool = False
    drop: bool = False

    def encode(self, accepts: str) -> bytes:
        if self.raw is not None:
            return self.raw
        body, more = self.body, dict(self.headers)
        if "gzip" in accepts and self.kind == "application/json":
            body = gzip.compress(body, mtime=0)
            more["Content-Encoding"] = "gzip"
        head = {"Content-Type": self.kind, "Content-Length": str(len(body)), **more}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {self.status} Said\r\n{lines}\r\n".encode() + body


def replay(exchange: dict[str, Any]) -> Reply:
    """The answer of a recorded exchange."""
    kind = exchange["headers"].get("Content-Type", "text/plain")
    body = exchange["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(exchange["status"], text.encode(), kind)


def success(data: Any, **more: Any) -> Reply:
    """A Prometheus success with that data."""
    return Reply(body=json.dumps({"status": "success", "data": data, **more}).encode())


Answer = Callable[[Asked], Reply | Awaitable[Reply]]


class FakeServer:
    """`answer` is called for each request; what was asked is kept in `asked`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.met = asyncio.Event()
        self.url = ""
        self._over = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "FakeServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._over.set()
        self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the peer left, or the server ends
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        parts = urlsplit(target)
        params = dict(parse_qsl(parts.query)) | dict(parse_qsl(body))
        asked = Asked(method, parts.path, params, headers, in_url=bool(parts.query))
        self.asked.append(asked)
        self.met.set()
        said = self.answer(asked)
        reply = said if isinstance(said, Reply) else await said
        if reply.drop:
            return False
        writer.write(reply.encode(headers.get("accept-encoding", "")))
        await writer.drain()
        if reply.hang:
            await self._over.wait()
        return reply.raw is None
