"""Who wants to know that something changed.

Invariant: however much changes within one turn of the loop, each callback is called once after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

Topic: TypeAlias = str | tuple[str, str]
"""`link`, `lobby`, `outbox`, `notice`, or ("state" | "people", incident id), ("panel" | "tail", id)."""


class Changes:
    """Collects topics and tells them together."""

    def __init__(self) -> None:
        self._changed: set[Topic] = set()
        self._callbacks: list[Callable[[frozenset[Topic]], None]] = []

    def on_change(self, callback: Callable[[frozenset[Topic]], None]) -> Callable[[], None]:
        """Call back in this loop with what changed; returns how to stop that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def touch(self, *topics: Topic) -> None:
        """These have changed."""
        if not self._callbacks:
            return
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._ring)
        self._changed.update(topics)

    def _ring(self) -> None:
        topics, self._changed = frozenset(self._changed), set()
        for callback in list(self._callbacks):
            callback(topics)
