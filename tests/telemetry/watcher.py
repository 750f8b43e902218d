"""One who watches panels in a test."""

import asyncio
from collections.abc import Callable

from warroom.telemetry.relay import Parcel
from warroom.telemetry.series import Delta, Frame, Full, apply, decode

DEADLINE = 60.0


class Watcher:
    """Keeps what it was sent, folds it as a console would, from the bytes, and waits for what is to come."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.window: Full | None = None
        self._news = asyncio.Event()

    def __call__(self, parcel: Parcel) -> None:
        frame = decode(parcel.body)
        self.frames.append(frame)
        if isinstance(frame, Full):
            self.window = frame
        elif isinstance(frame, Delta):
            assert self.window is not None
            self.window = apply(self.window, frame)
        self._news.set()

    @property
    def kinds(self) -> list[str]:
        return [type(frame).__name__ for frame in self.frames]

    @property
    def newest(self) -> float:
        assert self.window is not None
        return self.window.newest

    def count(self, *kinds: type) -> int:
        return sum(isinstance(frame, kinds) for frame in self.frames)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; it is looked at after each frame."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self._news.clear()
                await self._news.wait()
