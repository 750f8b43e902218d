"""A client without a network that also answers telemetry questions, from a table of answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.tui.consoles import board
from tests.tui.local_wire import LocalWire
from tests.tui.story import tell
from warroom.tui.app import WarroomApp

Answer = Callable[[Mapping[str, Any]], Any]


class AnsweringWire(LocalWire):
    """Takes over a story that was told, and answers by method; an exception as an answer is the question's failure.

    A future is an answer that comes when the test says so.
    """

    def __init__(self, told: LocalWire, answers: Mapping[str, Any]) -> None:
        self.__dict__.update(told.__dict__)
        self.answers = dict(answers)

    def request(self, method: str, *, timeout: float = 10.0, **params: Any) -> Future[Any]:
        if method not in self.answers:
            return super().request(method, timeout=timeout, **params)
        self.asked.append((method, params))
        if isinstance(self.answers[method], Future):
            return self.answers[method]  # type: ignore[no-any-return]
        future: Future[Any] = Future()
        answer = self.answers[method]
        try:
            said = answer(params) if callable(answer) else answer
        except ValueError as error:
            future.set_exception(error)
        else:
            if isinstance(said, Exception):
                future.set_exception(said)
            else:
                future.set_result(said)
        return future

    def asked_for(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every question by that name."""
        return [params for name, params in self.asked if name == method]


@asynccontextmanager
async def answering(
    answers: Mapping[str, Any], size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[tuple[AnsweringWire, WarroomApp, Pilot[None]]]:
    """A console on the story's board whose questions have answers."""
    wire = AnsweringWire(tell(), answers)
    async with board(size, wire, **options) as (_, app, pilot):
        yield wire, app, pilot
