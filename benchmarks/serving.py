"""Processes of a benchmark: servers to measure, and loads that measure them, each in one of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from warroom.server.run import run_server
from warroom.server.settings import ServerLimits, ServerSettings
from warroom.store.sqlite import SqliteStore

FREE = ServerLimits(
    commands_per_second=1e7, command_burst=10**7, frames_per_second=1e7, frame_burst=10**7, bytes_per_second=1e10,
    byte_burst=10**10,
)  # fmt: skip


async def warroom_server(path: Path, pipe: Connection) -> None:
    """Serve the real thing until killed."""
    store = await SqliteStore.open(path / "log.db")
    settings = ServerSettings(port=0, data_dir=path, limits=FREE)
    await run_server(settings, store, ready=lambda _, port: pipe.send(port), stop=asyncio.Event())


def in_process(work: Callable[..., Awaitable[Any]], *args: Any) -> tuple[BaseProcess, Connection]:
    """Run `work(*args, pipe)` in a fresh process; the pipe's other end comes back."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(work, args, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _run(work: Callable[..., Any], args: tuple[Any, ...], pipe: Connection) -> None:
    asyncio.run(work(*args, pipe))


async def _in_pipe(work: Callable[..., Awaitable[Any]], *args: Any) -> None:
    """Run the load in this process and send its answer (last argument is the pipe)."""
    *rest, pipe = args
    pipe.send(await work(*rest))


def load(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """The answer of `work(*args)`, run in a process of its own."""
    process, pipe = in_process(_in_pipe, work, *args)
    try:
        if not pipe.poll(180):
            raise TimeoutError(f"{work.__name__} took more than three minutes")
        return pipe.recv()
    finally:
        process.kill()
        process.join()
        pipe.close()


class Serving:
    """A server's process for the length of a `with`."""

    def __init__(self, work: Callable[..., Awaitable[Any]], path: Path) -> None:
        self._process, self._pipe = in_process(work, path)
        self.port: int = self._pipe.recv()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    @property
    def resident(self) -> float:
        """MB of memory now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
