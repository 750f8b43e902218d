"""The model server behind real websockets, for the client where a whole server would say no more."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.model_server import Line, Log, ModelServer
from warroom.wire import messages as m
from warroom.wire.codec import encode

Door = Callable[[ServerConnection, Request], Response | None]


class SocketServer:
    """`async with SocketServer(log)`: serves on a loopback port; `name_of` maps tokens to names.

    `mute` swallows everything the server would say, as a hung process does.
    """

    def __init__(self, log: Log, port: int = 0, *, snapshot_after: int = 8, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.log = log
        self.model = ModelServer(log, snapshot_after=snapshot_after, part=4096)
        self.port = port
        self.mute = False
        self.door: Door | None = None
        self.invites: dict[str, str] = {}
        self.connections = 0
        self.headers: list[dict[str, str]] = []
        self.lines: list[Line] = []
        self._sockets: list[ServerConnection] = []
        self._server: Server | None = None

    async def __aenter__(self) -> SocketServer:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._admit,
            compression=None,
            close_timeout=0.2,
            ssl=self.tls,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for connection in list(self._sockets):
                connection.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def say(self, frame: m.Down) -> None:
        """Tell everybody."""
        for line in self.lines:
            line.send(encode(frame))

    async def close_all(self, code: int, reason: str) -> None:
        for connection in list(self._sockets):
            await connection.close(code, reason)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.headers.append(dict(request.headers.raw_items()))
        if self.door is not None:
            return self.door(connection, request)
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        outgoing: asyncio.Queue[tuple[bool, bytes]] = asyncio.Queue()
        credential = connection.request.headers.get("Authorization", "") if connection.request else ""
        name = credential.removeprefix("Bearer ") or "nobody"
        if credential.startswith("Invite "):
            name = self.invites[credential.removeprefix("Invite ")]
            token = m.TokenDown(token=f"wr_{os.urandom(8).hex()}", name=name, access="responder")
            await connection.send(encode(token), text=True)
        line = Line(
            self.model,
            name,
            lambda data: outgoing.put_nowait((True, data)),
            lambda data: outgoing.put_nowait((False, data)),
        )
        self.lines.append(line)
        self._sockets.append(connection)
        writer = asyncio.create_task(self._write(connection, outgoing))
        try:
            async for data in connection:
                assert isinstance(data, str)
                line.hear(data.encode())
        except ConnectionClosed:
            return
        finally:
            line.close()
            self.lines.remove(line)
            self._sockets.remove(connection)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _write(self, connection: ServerConnection, outgoing: asyncio.Queue[tuple[bool, bytes]]) -> None:
        while True:
            text, data = await outgoing.get()
            if not self.mute:
                await connection.send(data, text=text)


def refuse(status: int, headers: dict[str, str] | None = None) -> Door:
    """A door that answers every handshake with `status`."""

    def door(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(HTTPStatus(status), "no\n")
        for name, value in (headers or {}).items():
            response.headers[name] = value
        return response

    return door
