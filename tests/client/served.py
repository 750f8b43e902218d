"""The whole server in a process of its own, to be killed: `python -m tests.client.served DIR PORT`.

It says its port on stdout when it listens, and serves until its stdin is closed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from warroom.incident.record import Record
from warroom.server.auth import digest_of
from warroom.server.run import run_server
from warroom.server.settings import ServerSettings
from warroom.store.port import TokenRow
from warroom.store.sqlite import SqliteStore

NAMES = ("jana", "omar", "wei")


def token_of(name: str) -> str:
    return "wr_" + name.ljust(43, "x")


async def main(directory: Path, port: int) -> None:
    store = await SqliteStore.open(directory / "log.db")
    for name in NAMES:
        if await store.token(digest_of(token_of(name))) is None:
            now = datetime.now(UTC)
            await store.put_token(TokenRow(digest_of(token_of(name)), name, "commander", (), now, "test"))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def closed() -> None:
        loop.remove_reader(sys.stdin.fileno())
        stop.set()

    loop.add_reader(sys.stdin.fileno(), closed)
    settings = ServerSettings(port=port, data_dir=directory)
    await run_server(settings, store, stop=stop, ready=lambda _, listening: print(json.dumps(listening), flush=True))


class Served:
    """That process, started, killed and started again over the same directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Served:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.client.served", str(self.directory), str(self.port),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        self.port = json.loads(line)

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()
        self._process = None

    async def stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await asyncio.wait_for(self._process.communicate(), 30)
            self._process = None

    async def logs(self) -> dict[str, list[Record]]:
        """What is on its disk, once it is stopped."""
        async with await SqliteStore.open(self.directory / "log.db") as store:
            return {line.incident: await store.read(line.incident, limit=10**6) for line in await store.incidents()}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
