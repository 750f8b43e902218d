"""Looks at everything again and again, and keeps what was found.

Invariant: a check that hangs or fails is a result of its own and holds up no other; nobody who asks waits for a look.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from warroom.ops.health import Health, Histories, Result, Status, worst

EVERY = 15.0
PATIENCE = 5.0
"""Seconds: between two looks, and for one check."""

_LOG = logging.getLogger(__name__)


class Clock(Protocol):
    """Seconds since the epoch, seconds that only grow, and waiting."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    async def wait(self, seconds: float) -> None: ...


Check = Callable[[], Awaitable[Result | Sequence[Result]]]
"""Looks at one thing, or at several of a kind; may raise."""


class Monitor:
    """`checks` are by name, which a check that fails is told under."""

    def __init__(
        self, checks: dict[str, Check], clock: Clock, *, every: float = EVERY, patience: float = PATIENCE
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._every, self._patience = every, patience
        self._histories = Histories()
        self._health = Health(Status.HEALTHY, 0.0, ())
        self._looked = asyncio.Event()

    def latest(self) -> Health:
        """What was found last; `at` is 0 before the first look."""
        return self._health

    async def first(self) -> Health:
        """What was found last, after the first look."""
        await self._looked.wait()
        return self._health

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._clock.wait(self._every)

    async def look(self) -> Health:
        """Make every check once, all at the same time."""
        before = {one.name: one.status for one in self._health.results}
        found = await asyncio.gather(*(self._one(name, check) for name, check in self._checks.items()))
        results = tuple(result for some in found for result in some)
        for result in results:
            self._histories.add(result)
            self._tell(result, before.get(result.name))
        status = worst(result.status for result in results)
        self._health = Health(status, self._clock.now(), results, self._histories.all())
        self._looked.set()
        return self._health

    async def _one(self, name: str, check: Check) -> Iterable[Result]:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                found = await check()
        except TimeoutError:
            found = Result(name, Status.UNHEALTHY, f"no answer within {self._patience:g} s")
        except Exception as error:  # a check that founders is a finding itself
            _LOG.warning("the health check %s failed", name, exc_info=True)
            found = Result(name, Status.UNHEALTHY, f"could not be checked: {type(error).__name__}")
        took = (self._clock.monotonic() - began) * 1000
        several = (found,) if isinstance(found, Result) else found
        return [
            replace(one, at=self._clock.now(), response_time_ms=one.response_time_ms or round(took, 2))
            for one in several
        ]

    @staticmethod
    def _tell(result: Result, before: Status | None) -> None:
        """A change goes to the log, once."""
        if before is not None and before is not result.status:
            level = logging.INFO if result.status is Status.HEALTHY else logging.WARNING
            _LOG.log(level, "%s is %s: %s", result.name, result.status, result.message)
