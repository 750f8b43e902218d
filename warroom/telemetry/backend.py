"""One telemetry server as the relay sees it: its client behind a breaker, with so many places, and counted.

Invariant: every exchange with the server goes through here, so the breaker has seen all of them; and while it is
open, something asks by itself whether the server is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from warroom.telemetry.breaker import Breaker, Paused, State
from warroom.telemetry.clock import Clock
from warroom.telemetry.counters import Counters
from warroom.telemetry.errors import NotReady, TelemetryError, TooHeavy

Result = TypeVar("Result")

_LOG = logging.getLogger(__name__)
_LOOK_EVERY = 5.0
_LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one telemetry server is. `since` is seconds since the epoch; `url_shown` has no credential in it."""

    name: str
    kind: str
    state: State
    healthy: bool
    words: str
    since: float
    latency_ms: float | None = None
    version: str = ""
    url_shown: str = ""


class Backend:
    """`back` is called when the server answers again after it had been left alone."""

    def __init__(
        self,
        name: str,
        client: Any,
        *,
        clock: Clock,
        counters: Counters,
        at_once: int,
        waiting: int,
        back: Callable[[str], None],
    ) -> None:
        self.name = name
        self.client = client
        self.breaker = Breaker(name, clock)
        self._clock = clock
        self._counters = counters
        self._back = back
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._waiting = 0
        self._prober: asyncio.Task[None] | None = None
        self._looked: tuple[float, SourceState] | None = None
        self._version = ""

    async def call(self, kind: str, ask: Callable[[Any], Awaitable[Result]], *, panel: bool = False) -> Result:
        """What `ask` gets from the client. A panel's question needs no place: there is one per panel as it is.

        Raises:
            Paused: the server does not answer at present and is left alone.
            TooHeavy: too many questions wait already; or the client said so.
            TelemetryError: any other.
        """
        if panel:
            return await self._ask(kind, ask)
        if self.breaker.state == "open":
            self.admit(kind)
        await self._take_place()
        try:
            return await self._ask(kind, ask)
        finally:
            self._places.release()

    def admit(self, kind: str) -> None:
        """Let an exchange begin that is followed by `answered` or `failed`. Raises Paused."""
        try:
            self.breaker.admit()
        except Paused:
            self._counters.paused(self.name, kind)
            raise

    def answered(self) -> None:
        """The server is alive."""
        if self.breaker.answered():
            _LOG.info("a telemetry source answers again", extra={"reason": self.name})
            self._back(self.name)

    def failed(self, error: TelemetryError) -> None:
        """An exchange failed."""
        was_open = self.breaker.state == "open"
        is_open = self.breaker.failed(error)
        if is_open and not was_open and self._prober is None and _can_tell(self.client):
            self._prober = asyncio.get_running_loop().create_task(self._probe(), name=f"probe-{self.name}")

    async def look(self) -> SourceState:
        """How the server is, looked at now or within the last seconds; one that is left alone is not asked."""
        now = self._clock.monotonic()
        recent = self._looked is not None and now - self._looked[0] < _LOOK_EVERY
        if recent and self._looked is not None and self._looked[1].state == self.breaker.state:
            return self._looked[1]
        latency: float | None = None
        words, healthy = "", False
        try:
            if _can_tell(self.client):
                await self.call("health", _is_ready, panel=True)
                latency = round((self._clock.monotonic() - now) * 1000, 1)
                if not self._version and hasattr(self.client, "version"):
                    self._version = await self.call("health", lambda client: client.version(), panel=True)
            healthy = True
        except TelemetryError as error:
            words = str(error)
        told = self.breaker.told
        found = SourceState(
            name=self.name,
            kind=self.name,
            state=told.state,
            healthy=healthy,
            words=words or told.words,
            since=told.since if healthy or told.state != "closed" else self._clock.now(),
            latency_ms=latency,
            version=self._version,
            url_shown=self._url(),
        )
        self._looked = now, found
        return found

    async def close(self) -> None:
        """Stop asking by itself."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)

    async def _take_place(self) -> None:
        if self._places.locked() and self._waiting >= self._most_waiting:
            raise TooHeavy(f"{self._waiting} questions wait for {self.name} already; ask again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await self._places.acquire()
        except TimeoutError:
            raise TooHeavy(f"{self.name} is busy with other questions; ask again in a moment") from None
        finally:
            self._waiting -= 1

    async def _ask(self, kind: str, ask: Callable[[Any], Awaitable[Result]]) -> Result:
        self.admit(kind)
        began, outcome = self._clock.monotonic(), "broken"
        try:
            result = await ask(self.client)
            outcome = "ok"
            self.answered()
            return result
        except TelemetryError as error:
            outcome = error.reason
            self.failed(error)
            raise
        finally:
            self._counters.asked(self.name, kind, outcome, self._clock.monotonic() - began)

    async def _probe(self) -> None:
        """Ask whether the server is there, until it is; then whoever waits may try."""
        try:
            while self.breaker.state != "closed":
                await self._clock.wait(self.breaker.wait)
                if await self._is_back():
                    return
        finally:
            self._prober = None

    async def _is_back(self) -> bool:
        try:
            self.breaker.admit()
        except Paused:
            # A question finds out just now: look again when it has been judged.
            await self._clock.wait(1.0)
            return self.breaker.state == "closed"
        try:
            await _is_ready(self.client)
        except TelemetryError as error:
            self.breaker.failed(error)
            return False
        except Exception:
            _LOG.exception("the readiness of %s could not be asked", self.name)
            return True
        self.breaker.looks_alive()
        self._back(self.name)
        return True

    def _url(self) -> str:
        source = getattr(self.client, "source", None) or getattr(getattr(self.client, "upstream", None), "source", None)
        parts = urlsplit(str(getattr(source, "url", "")))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/") if parts.scheme else ""


def _can_tell(client: Any) -> bool:
    """Whether the server has a way to say that it is ready."""
    return hasattr(client, "ready") or hasattr(client, "health")


async def _is_ready(client: Any) -> None:
    """Return when the server says so. Raises a TelemetryError."""
    if hasattr(client, "ready"):
        await client.ready()
        return
    health = await client.health()
    if not health.ok:
        raise NotReady("it answers, and its database does not work")
