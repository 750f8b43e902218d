"""Asking for a board of panels: many questions, so many at once, and the next when one is answered.

Invariant: a question is on its way once; what was asked for an earlier time is dropped, not queued behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from warroom.tui.dashboards.questions import Question

AT_ONCE = 8


class Asker:
    """`ask` sends one question and calls back with its future, or gives False while there is no connection;
    `took` gets each answer, or the exception in its place.
    """

    def __init__(self, ask: Callable[..., bool], took: Callable[[Question, Any], None]) -> None:
        self._ask = ask
        self._took = took
        self._queue: deque[Question] = deque()
        self._open: set[Question] = set()
        self.asked = 0
        """How many questions were sent since it was made."""

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return bool(self._open or self._queue)

    def put(self, questions: Iterable[Question], *, first: bool = False) -> bool:
        """Ask these when there is room. `first` forgets what was not sent yet. False while not connected."""
        if first:
            self._queue.clear()
        self._queue.extend(one for one in questions if one not in self._open and one not in self._queue)
        return self._go()

    def stop(self) -> None:
        """Forget everything that was not sent."""
        self._queue.clear()

    def _go(self) -> bool:
        while self._queue and len(self._open) < AT_ONCE:
            question = self._queue.popleft()
            self._open.add(question)
            if not self._ask(question.method, self._answered(question), **question.as_params()):
                self._open.discard(question)
                self._queue.clear()
                return False
            self.asked += 1
        return True

    def _answered(self, question: Question) -> Callable[[Future[Any]], None]:
        def came(future: Future[Any]) -> None:
            self._open.discard(question)
            error = future.exception()
            self._took(question, future.result() if error is None else error)
            self._go()

        return came
