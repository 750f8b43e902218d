"""Answers that are still fresh, and questions on their way: equal ones are asked once.

Invariant: what is kept is bounded in entries and bytes, the longest unused goes first; a failure is never kept; and
an asker who gives up takes the answer from nobody else.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Literal

from warroom.telemetry.clock import Clock

How = Literal["asked", "cached", "joined"]
"""Whether an answer cost a question, was kept, or came from a question of somebody else."""


class Answers:
    """Belongs to one event loop. `entries` and `size` (bytes) bound what is kept."""

    def __init__(self, clock: Clock, *, entries: int = 1000, size: int = 64 * 1024 * 1024) -> None:
        self.size = 0
        self._clock = clock
        self._most_entries = entries
        self._most_size = size
        self._kept: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()
        self._open: dict[Hashable, asyncio.Task[bytes]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def how(self, key: Hashable) -> How:
        """What `get` with this key would do now."""
        if self._fresh(key) is not None:
            return "cached"
        return "joined" if key in self._open else "asked"

    async def get(self, key: Hashable, fresh: float, ask: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer for `key`: kept, on its way, or from `ask`; then it is fresh for `fresh` seconds.

        Raises what `ask` raises, to everybody who waits for it.
        """
        kept = self._fresh(key)
        if kept is not None:
            return kept
        task = self._open.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(key, fresh, ask))
            self._open[key] = task
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def forget(self, source: str) -> None:
        """Something of that source was changed: what is kept of it may not be true. Keys begin with their source."""
        for key in [key for key in self._kept if isinstance(key, tuple) and key[0] == source]:
            self._drop(key)

    async def close(self) -> None:
        """Abandon what is on its way."""
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()
        self.size = 0

    async def _ask(self, key: Hashable, fresh: float, ask: Callable[[], Awaitable[bytes]]) -> bytes:
        body = await ask()
        if fresh > 0 and len(body) <= self._most_size // 8:
            self._keep(key, self._clock.monotonic() + fresh, body)
        return body

    def _ended(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        if self._open.get(key) is task:
            del self._open[key]
        if not task.cancelled():
            # All who waited may have gone: then nobody else hears of a failure.
            task.exception()

    def _fresh(self, key: Hashable) -> bytes | None:
        found = self._kept.get(key)
        if found is None:
            return None
        until, body = found
        if self._clock.monotonic() >= until:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return body

    def _keep(self, key: Hashable, until: float, body: bytes) -> None:
        self._drop(key)
        self._kept[key] = until, body
        self.size += len(body)
        while len(self._kept) > self._most_entries or self.size > self._most_size:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= len(found[1])
