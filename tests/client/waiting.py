"""Waiting for a condition itself, with a deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from warroom.client.client import Client


async def until(client: Client, condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Wait until `condition` holds, looking whenever the client says that something changed."""
    changed = asyncio.Event()
    stop = client.on_change(lambda _: changed.set())
    try:
        async with asyncio.timeout(timeout):
            while not condition():
                await changed.wait()
                changed.clear()
    finally:
        stop()


async def soon(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Wait until `condition` holds, looking again and again, where nothing tells of it."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def soon_here(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """As `soon`, in a thread without a loop."""
    deadline = time.monotonic() + timeout
    gate = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        gate.wait(0.005)
