"""Something with a loop of its own, in a thread beside the console: opened, used, and ended with the console.

Invariant: after `stop` its thread has ended or is no longer waited for, and nothing it raised while opening is lost.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from typing import Generic, TypeVar

Opened = TypeVar("Opened")


class HouseThread(Generic[Opened]):
    """`house` makes the asynchronous context that is entered in the thread; `name` is the thread's."""

    def __init__(
        self, house: Callable[[], AbstractAsyncContextManager[Opened]], name: str, *, start_seconds: float,
        end_seconds: float,
    ) -> None:  # fmt: skip
        self._house, self._start_seconds, self._end_seconds = house, start_seconds, end_seconds
        self._opened: Future[Opened] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> Opened:
        """Open it and wait until it is.

        Raises:
            TimeoutError: it took too long.
            Exception: whatever kept it from opening.
        """
        self._thread.start()
        return self._opened.result(self._start_seconds)

    def stop(self) -> None:
        """End it and wait for that."""
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(self._end_seconds)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as failure:
            if self._opened.done():
                raise
            self._opened.set_exception(failure)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._house() as opened:
            self._opened.set_result(opened)
            await self._stop.wait()
