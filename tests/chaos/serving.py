"""A coordination server in a process of its own, to be killed: says its port on the pipe and serves until the end."""

from __future__ import annotations

import asyncio
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from warroom.server.run import run_server
from warroom.server.settings import ServerLimits, ServerSettings
from warroom.store.sqlite import SqliteStore


async def serve(path: Path, pipe: Connection) -> None:
    store = await SqliteStore.open(path / "log.db")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    limits = ServerLimits(commands_per_second=1e6, command_burst=10**6, frames_per_second=1e6, frame_burst=10**6)
    settings = ServerSettings(port=0, data_dir=path, limits=limits, close_seconds=0.5)
    await run_server(settings, store, ready=lambda _, port: pipe.send(port), stop=stop)


def run(path: str, pipe: Connection) -> None:
    asyncio.run(serve(Path(path), pipe))
