"""An application served on a loopback port within this process.

Invariant: it takes no signal handlers, writes no log of its own, listens on loopback only, and answers nobody who got
here by a name that is not this machine's (a web page that rebinds a name, for one).
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from warroom.listening import QuietServer

_NAMES = (b"localhost", b"127.0.0.1", b"[::1]")


class CannotListen(OSError):
    """A port cannot be had; one sentence."""


class Listening:
    """A port that answers. `port` is the real one, also when 0 was asked for."""

    def __init__(self, server: QuietServer, port: int) -> None:
        self._server, self.port = server, port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Take no more questions, let those under way finish (2 seconds at most), and close."""
        await self._server.stop()


def bound(port: int, what: str) -> socket.socket:
    """A socket on a loopback port; 0 takes a free one. Raises CannotListen."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # asyncio does this for sockets it made itself; without it, each answer on a kept connection waits 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        sock.close()
        said = getattr(error, "strerror", None) or error
        raise CannotListen(f"{what} cannot listen on 127.0.0.1:{port}: {said}; --port-base takes others") from None
    return sock


async def listen(app: ASGIApp, sock: socket.socket) -> Listening:
    """Serve on a bound socket, and return once it takes connections."""
    config = uvicorn.Config(
        _local_only(app),
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=2,
    )
    server = QuietServer(config)
    port = int(sock.getsockname()[1])
    await server.begin(sock, f"embedded-{port}")
    return Listening(server, port)


def _local_only(app: ASGIApp) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"localhost")
            name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
            if name.lower() not in _NAMES:
                head = [(b"content-type", b"text/plain; charset=utf-8")]
                await send({"type": "http.response.start", "status": 403, "headers": head})
                await send({"type": "http.response.body", "body": b"only this machine is answered, by its own names\n"})
                return
        await app(scope, receive, send)

    return guarded
