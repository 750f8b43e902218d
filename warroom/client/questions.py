"""Requests on their way, each with one answer or none.

Invariant: a question ends with its answer, with the connection it was asked on, or when its asker gives up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from warroom.client.errors import Refused, Unreachable
from warroom.wire import messages as m


class Questions:
    """Numbers questions and brings the answers back."""

    def __init__(self) -> None:
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    def __len__(self) -> int:
        return len(self._open)

    def new(self, method: str, params: Mapping[str, Any]) -> tuple[m.Request, asyncio.Future[Any]]:
        """The frame to send, and where its answer will be."""
        self._asked += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[self._asked] = future
        return m.Request(t="request", id=self._asked, method=method, params=dict(params)), future

    def hear(self, frame: m.Response) -> None:
        """An answer has come."""
        future = self._open.pop(frame.id, None)
        if future is None or future.done():
            return
        if frame.ok:
            future.set_result(frame.result)
        else:
            future.set_exception(Refused(frame.reason, frame.words))

    def give_up(self, question: int) -> None:
        self._open.pop(question, None)

    def lost(self, words: str) -> None:
        """The connection is gone: whether they were carried out is not known."""
        for future in self._open.values():
            if not future.done():
                future.set_exception(Unreachable(f"the connection was lost before the answer came: {words}"))
        self._open.clear()
