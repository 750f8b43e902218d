"""The door served over HTTP inside a process that has other things to do.

One invariant: it takes no signal handlers, writes no log of its own, does nothing while idle, and after `stop` no
connection of it is left.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from warroom.listening import QuietServer

HEADER_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 256


class DoorError(OSError):
    """The door cannot be opened; the text says where and why."""


class _Impatient(H11Protocol):
    """Closes a connection whose request head does not come: uvicorn itself waits for it without end."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._arm()
        else:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class Listener:
    """A running door. `port` is the real one, also when 0 was asked for."""

    def __init__(self, server: QuietServer, host: str, port: int) -> None:
        self._server = server
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, with brackets round an IPv6 address."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    async def stop(self) -> None:
        """Take no more requests, let those under way finish (5 seconds at most), and close. May be called twice."""
        await self._server.stop()


async def serve_door(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, sock: socket.socket | None = None
) -> Listener:
    """Open the door and return once it takes connections. `sock` is a bound socket that replaces host and port.

    Raises:
        DoorError: the address cannot be had.
    """
    own = sock if sock is not None else _bound(host, port)
    config = uvicorn.Config(
        app,
        http=_Impatient,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16 * 1024,
        backlog=512,
    )
    server = QuietServer(config)
    await server.begin(own, "intake-door")
    name = own.getsockname()
    return Listener(server, str(name[0]), int(name[1]))


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise DoorError(f"the intake cannot use {host}:{port}: {error.strerror or error}") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise DoorError(f"the intake cannot listen on {host}:{port}: {error.strerror or error}") from None
    return sock
