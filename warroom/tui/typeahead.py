"""Keys that come faster than the screen can follow: each acts where it would have acted had the person waited.

Over a slow line several keys arrive at once, also those meant for the form or the line that the first of them opens,
or for the empty line after an Enter. Invariant: a key is handled when all that came of the one before has been, in
the order they came; none is lost, and none acts as a key of what lies beneath.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.events import Key, Paste
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

_ROUNDS = 2
"""The first follows the key to where it is used; the second follows the messages that were sent because of it."""
_LOST_AFTER = 0.5
"""Seconds after which a key counts as handled although what followed it did not come back: its widget has gone."""


class Passed(Message):
    """Goes the same way as a key, right behind it: once it is back, the key has been handled."""

    def __init__(self, serial: int, rounds: int) -> None:
        super().__init__()
        self.serial, self.rounds = serial, rounds


class OpeningScreen:
    """A screen that keeps the keys that come before its fields are there."""

    early: list[Key] | None

    def keep_early(self) -> None:
        """From now on keys are kept."""
        self.early = []

    def release_early(self, focused: Widget) -> None:
        """The fields are there and this one has the focus: it gets what was kept."""
        kept, self.early = self.early or (), None
        for event in kept:
            focused._forward_event(event.copy())


def kept_early(event: Key, app: App[None]) -> bool:
    """Whether the screen on top keeps this key, which nothing has used, for the fields it is about to have."""
    screen = app.screen
    if isinstance(screen, OpeningScreen) and screen.early is not None:
        screen.early.append(event)
        return True
    return False


class TypeAhead:
    """Hands keys to an app one by one, through `forward`, which gives one to what has the focus."""

    def __init__(self, app: App[None], forward: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app, self._forward = app, forward
        self._waiting: deque[Key | Paste] = deque()
        self._serial = 0
        self._busy = False

    async def come(self, event: Key | Paste) -> None:
        """A key came in; it is handed on now, or after those before it."""
        self._waiting.append(event)
        if not self._busy:
            await self._next()

    async def passed(self, message: Passed) -> None:
        """What followed a key is back."""
        if message.serial != self._serial or not self._busy:
            return
        if message.rounds > 1:
            self._follow(message.rounds - 1)
        else:
            await self._next()

    async def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            self._serial += 1
            target = self._target
            await self._forward(self._waiting.popleft())
            self._follow(_ROUNDS, target)

    @property
    def _target(self) -> Widget:
        return self._app.focused or self._app.screen

    def _follow(self, rounds: int, target: Widget | None = None) -> None:
        target = target or self._target
        serial = self._serial
        message = Passed(serial, rounds)
        message.set_sender(target)
        if target.post_message(message):
            self._app.set_timer(_LOST_AFTER, lambda: self._app.call_later(self.passed, Passed(serial, 1)))
        else:
            self._app.call_later(self.passed, Passed(serial, 1))
