"""Blocking calls beside the event loop, which a hanging server can never hold up.

Invariant: every await here ends within its limit, and neither the loop's end nor the process's waits for a thread.
(The threads are daemons: an executor's are joined at exit, for as long as the slowest server likes.)
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Abandoned(Exception):
    """The call did not end in time; its thread goes on alone until its own limits end it."""


class DaemonCalls:
    """Runs blocking calls, at most `at_once` together; an abandoned call keeps its thread until it really ends."""

    def __init__(self, at_once: int, name: str) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = self._busy = 0

    async def run(self, call: Callable[[], Result], limit: float) -> Result:
        """What `call` returns or raises. Raises Abandoned after `limit` seconds, waiting for a place included."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def settle(result: Result | None, failed: BaseException | None) -> None:
            self._busy -= 1
            self._places.release()
            if done.done():
                return
            if failed is not None:
                done.set_exception(failed)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            result, failed = None, None
            try:
                result = call()
            except BaseException as caught:
                failed = caught
            # A loop that ended meanwhile has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, result, failed)

        try:
            async with asyncio.timeout(limit):
                await self._places.acquire()
                self._start(work)
                return await done
        except TimeoutError:
            raise Abandoned from None

    def close(self) -> None:
        """Let the threads end, each after the call that it is at."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _start(self, work: Callable[[], None]) -> None:
        self._busy += 1
        self._jobs.put(work)
        if self._busy > self._threads:
            self._threads += 1
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()

    def _serve(self) -> None:
        while (work := self._jobs.get()) is not None:
            work()
