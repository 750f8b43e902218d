"""An HTTP application served inside a process that has other things to do, on uvicorn.

Invariant: it takes no signal handlers, does nothing while idle, and after `stop` no connection of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn


class QuietServer(uvicorn.Server):
    """Leaves signals to its host, and waits for its end instead of asking ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()
        self.ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.ending.wait()

    async def begin(self, sock: socket.socket, name: str) -> None:
        """Serve on a bound socket in a task of that name, and return once it takes connections.

        Raises:
            OSError: it cannot be listened on; the socket is closed then.
        """
        task = self._task = asyncio.create_task(self.serve([sock]), name=name)
        ready = asyncio.create_task(self.ready.wait())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            sock.close()
            await task

    async def stop(self) -> None:
        """Take no more requests, let those under way finish, and close. May be called twice."""
        self.ending.set()
        if self._task is not None:
            await asyncio.shield(self._task)
