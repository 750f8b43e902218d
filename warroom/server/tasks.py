"""Tasks that nobody waits for: kept until they end, their failures logged.

Invariant: none is lost to the garbage collector, and none outlives `close`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from warroom.server.log import where

_LOG = logging.getLogger(__name__)


class Tasks:
    """`failed` is told of what a task raised."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._failed = failed

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.error("a task of the server failed", extra={"where": where(error)})
            self._failed(error)

    async def settle(self, seconds: float) -> None:
        """Wait until all have ended, at most `seconds`."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
