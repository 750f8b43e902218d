"""Time that a test owns, and a source whose data is a function of time."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from warroom.telemetry.prometheus import Line, Matrix
from warroom.telemetry.series import Labels

START = 1_000_000.0


class FakeClock:
    """Stands still until `advance`; whoever waits wakes in order of time."""

    def __init__(self) -> None:
        self.wall = START
        self.elapsed = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    @property
    def next_wake(self) -> float:
        """Seconds until the next one who waits wakes; those of the same moment wake together."""
        return self._waiting[0][0] - self.elapsed

    async def wait(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.elapsed + max(0.0, seconds), next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, and everything happen that is due in it."""
        end = self.elapsed + seconds
        await settle()
        while self._waiting and self._waiting[0][0] <= end:
            at = self._waiting[0][0]
            self._go_to(max(at, self.elapsed))
            while self._waiting and self._waiting[0][0] <= at + 1e-6:
                future = heapq.heappop(self._waiting)[2]
                if not future.done():
                    future.set_result(None)
            await settle()
        self._go_to(end)

    def _go_to(self, elapsed: float) -> None:
        self.wall += elapsed - self.elapsed
        self.elapsed = elapsed


async def settle() -> None:
    """Let every task that can go on do so; nothing here does real input or output."""
    for _ in range(10):
        await asyncio.sleep(0)


class FakeSource:
    """`lines` maps labels to value(time) or None for a gap; `fail` is raised instead while it is set."""

    def __init__(self, lines: dict[Labels, Callable[[float], float | None]] | None = None) -> None:
        self.lines = lines if lines is not None else {(): lambda at: at}
        self.fail: Exception | None = None
        self.asked: list[tuple[str, float, float, float]] = []
        self.warnings: tuple[str, ...] = ()

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        self.asked.append((query, start, end, step))
        if self.fail is not None:
            raise self.fail
        times = [round(start + index * step, 3) for index in range(round((end - start) / step) + 1)]
        lines = []
        for labels, value in self.lines.items():
            points = [(at, found) for at in times if (found := value(at)) is not None]
            if points:
                lines.append(Line(labels, *zip(*points, strict=True)))
        return Matrix(tuple(lines), self.warnings)
