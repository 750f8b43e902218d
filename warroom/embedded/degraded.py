"""Telemetry servers of this process that are made slow, unreliable or unreachable, as real ones become in an incident.

Invariant: which answers fail depends on the seed, the tool and the count of questions, and on nothing else.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

from warroom.telemetry.errors import NotReady, Unreachable

TOOLS = ("prometheus", "loki", "jaeger", "alertmanager", "dashboards")
"""What can be degraded. `dashboards` is the metrics again, under the name that people know them by."""

USUAL = 0.2
"""Seconds that an answer of a server of a usual size takes: what `latency_x` multiplies."""

LONGEST = 10.0
"""Seconds after which whoever asks gives up, as our clients of real servers do."""

Wait: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Degradation:
    """`latency` is seconds that an answer takes longer, `error_rate` the fraction of answers that fail; `down` means
    that nothing answers at all.
    """

    latency: float = 0.0
    error_rate: float = 0.0
    down: bool = False


class Gates:
    """How each tool is, and whether a question gets through. `seed` decides which questions fail."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._state: dict[str, Degradation] = {}
        self._dice = {tool: random.Random(f"{seed}/degraded/{tool}") for tool in TOOLS}  # noqa: S311 (no secret)

    @property
    def degraded(self) -> dict[str, Degradation]:
        """The tools that are not as they should be."""
        return dict(self._state)

    def degrade(
        self, tool: str, *, latency: float = 0.0, latency_x: float = 1.0, error_rate: float = 0.0, down: bool = False
    ) -> None:
        """Make a tool worse from now on; what was said of it before counts no longer.

        Raises:
            ValueError: there is no such tool, or a figure is out of its bounds.
        """
        _known(tool)
        if not 0 <= latency <= 3600:
            raise ValueError(f"latency {latency:g}: seconds from 0 to 3600")
        if not 1 <= latency_x <= 1000:
            raise ValueError(f"latency_x {latency_x:g}: a factor from 1 to 1000")
        if not 0 <= error_rate <= 1:
            raise ValueError(f"error_rate {error_rate:g}: a fraction from 0 to 1")
        self._state[tool] = Degradation(latency + (latency_x - 1) * USUAL, error_rate, down)

    def restore(self, tool: str) -> None:
        """Let a tool be well again. Raises ValueError for an unknown one."""
        _known(tool)
        self._state.pop(tool, None)

    def pass_through(self, tool: str) -> float:
        """Seconds that an answer of this tool takes longer now.

        Raises:
            Unreachable: it is down, or so slow that nobody waits.
            NotReady: this answer fails.
        """
        _known(tool)
        waited = 0.0
        for name in ("dashboards", "prometheus") if tool in ("dashboards", "prometheus") else (tool,):
            state = self._state.get(name)
            if state is None:
                continue
            if state.down:
                raise Unreachable(f"{tool} does not answer: connection refused")
            if state.error_rate and self._dice[name].random() < state.error_rate:
                raise NotReady(f"{tool} answered 503 Service Unavailable")
            waited += state.latency
        if waited >= LONGEST:
            raise Unreachable(f"{tool} did not answer within {LONGEST:g} s")
        return waited

    def down(self, tool: str) -> bool:
        """Whether nothing of this tool answers at all."""
        names = ("dashboards", "prometheus") if tool in ("dashboards", "prometheus") else (tool,)
        return any(self._state[name].down for name in names if name in self._state)


class Behind:
    """A client whose questions pass a gate first: it answers what the client answers, later, or not at all."""

    def __init__(self, client: Any, tool: str, gates: Gates, wait: Wait) -> None:
        self._client, self._tool, self._gates, self._wait = client, tool, gates, wait

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name.startswith("_") or not callable(found):
            return found
        if inspect.isasyncgenfunction(found):
            return self._stream(found)
        return self._question(name, found) if inspect.iscoroutinefunction(found) else found

    def _question(self, name: str, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(ask)
        async def asked(*args: Any, **kwargs: Any) -> Any:
            if name == "version" and not self._gates.down(self._tool):
                return await ask(*args, **kwargs)
            try:
                late = self._gates.pass_through(self._tool)
            except Unreachable:
                if not self._gates.down(self._tool):
                    await self._wait(LONGEST)
                raise
            if late:
                await self._wait(late)
            return await ask(*args, **kwargs)

        return asked

    def _stream(self, ask: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., AsyncGenerator[Any, None]]:
        @wraps(ask)
        async def streamed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            late = self._gates.pass_through(self._tool)
            if late:
                await self._wait(late)
            stream = ask(*args, **kwargs)
            try:
                async for one in stream:
                    if self._gates.down(self._tool):
                        raise Unreachable(f"{self._tool} does not answer: connection reset")
                    yield one
            finally:
                await stream.aclose()

        return streamed


def _known(tool: str) -> None:
    if tool not in TOOLS:
        raise ValueError(f"there is no tool {tool!r}; there are {', '.join(TOOLS)}")
