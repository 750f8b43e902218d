"""A real server on a loopback port for a test: real store, real sockets, real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from warroom.client.client import Client
from warroom.incident.words import Access
from warroom.server.auth import mint
from warroom.server.listener import CoordinationServer
from warroom.server.settings import ServerLimits, ServerSettings
from warroom.store.sqlite import SqliteStore

DEADLINE = 10.0


@dataclass
class House:
    """A server that listens, and tokens for it."""

    server: CoordinationServer
    store: Any
    fatal: list[BaseException]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/ws"

    async def token(self, name: str = "jana", access: Access = Access.COMMANDER, **more: Any) -> str:
        return await mint(self.store, name, access, by="test", at=datetime.now(UTC), **more)

    async def raw(self, token: str = "", *, client: str = "", hello: bool = True, **more: Any) -> Raw:
        """A connection that speaks the protocol by hand."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        socket = await connect(
            self.url, additional_headers=headers, compression=None, proxy=None, ping_interval=None, **more
        )
        raw = Raw(socket)
        if hello:
            raw.welcome = await raw.hello(client or f"client-{id(raw):x}")
        return raw

    @asynccontextmanager
    async def client(self, name: str = "jana", access: Access = Access.COMMANDER, **more: Any) -> AsyncIterator[Client]:
        async with Client(self.url, await self.token(name, access), **more) as client:
            await client.live(DEADLINE)
            yield client


class Raw:
    """Frames by hand. `seen` keeps all that arrived."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}
        self.seen: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        await self.socket.send(orjson.dumps(frame).decode())

    async def next(self) -> dict[str, Any]:
        """The next text frame."""
        while True:
            message = await asyncio.wait_for(self.socket.recv(), DEADLINE)
            if isinstance(message, str):
                said: dict[str, Any] = orjson.loads(message)
                self.seen.append(said)
                return said

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next frame of that kind with these values."""
        while True:
            said = await self.next()
            if said["t"] == kind and all(said.get(key) == value for key, value in fields.items()):
                return said

    async def hello(self, client: str, **more: Any) -> dict[str, Any]:
        await self.send(t="hello", protocol=[1, 1], client=client, kind="cli", **more)
        return await self.until("welcome")

    async def command(self, n: int, incident: str = "", **command: Any) -> None:
        await self.send(t="command", n=n, incident=incident, command=command)

    async def declare(self, n: int = 1, title: str = "Checkout is down", **more: Any) -> str:
        await self.command(n, "", type="declare-incident", title=title, **more)
        outcome = await self.until("outcome", n=n)
        assert outcome["reason"] == "", outcome
        return str(outcome["incident"])

    async def follow(self, incident: str) -> None:
        await self.send(t="subscribe", position={"incident": incident})
        await self.until("snapshot", incident=incident)

    async def closed(self) -> tuple[int, str]:
        """Wait for the end; its code and reason."""
        await asyncio.wait_for(self.socket.wait_closed(), DEADLINE)
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def close(self) -> None:
        await self.socket.close()


@asynccontextmanager
async def house(
    path: Path,
    *,
    store: Any = None,
    limits: dict[str, Any] | None = None,
    relay: Any = None,
    playbooks: Any = None,
    tracer: Any = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """A server over `store` (a fresh log under `path` unless given)."""
    fatal: list[BaseException] = []
    told = ServerSettings(
        port=0,
        data_dir=path,
        limits=replace(ServerLimits(), **(limits or {})),
        close_seconds=0.5,
        fatal=fatal.append,
    )
    told = replace(told, **settings)
    path.mkdir(parents=True, exist_ok=True)
    log = store if store is not None else await SqliteStore.open(path / "log.db")
    server = CoordinationServer(told, log, relay=relay, playbooks=playbooks, tracer=tracer)
    try:
        await server.start()
        yield House(server, log, fatal)
    finally:
        await server.drain()
        await log.close()


async def eventually(check: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Wait until `check` is true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not check():
        assert loop.time() < end, "it did not come true in time"
        await asyncio.sleep(0.01)
