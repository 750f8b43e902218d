"""What is looked at on a running server: the machine, the log, the backends, the intake, clocks and the stack.

Telemetry that is away degrades the product and never makes it unhealthy: an incident is run without it. What stands
at its default address and has never answered is not there, which is no fault.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from warroom.bundle.errors import StackError
from warroom.bundle.life import open_stack
from warroom.bundle.state import NOT_LOOKED, StackState, summary
from warroom.bundle.watch import StackWatch
from warroom.ops import machine
from warroom.ops.health import Result, Status
from warroom.ops.monitor import Check, Monitor
from warroom.settings.fields import Settings
from warroom.store.port import EventStore
from warroom.telemetry.clock import SystemClock
from warroom.telemetry.relay import Relay

SKEW = 2.0
"""Seconds by which a clock may be wrong before times on the log mislead."""


class Server(Protocol):
    """What is looked at of the coordination server."""

    def skews(self) -> Mapping[str, float]: ...
    def not_ready(self) -> str: ...
    def commits(self) -> tuple[int, float]: ...
    def counts(self) -> dict[str, int]: ...


class Watcher:
    """Makes the checks of one server and hands out what they found. `attach` gives it the server once there is one."""

    def __init__(
        self, settings: Settings, data_dir: Path, store: EventStore, relay: Relay | None, secrets: Path
    ) -> None:
        """`secrets` is the folder of the bundled stack's secrets."""
        self._settings, self._data_dir = settings, data_dir
        self._store, self._relay = store, relay
        self._server: Server | None = None
        self._answered: set[str] = set()
        self.intake_url = ""
        try:
            self.stack: StackWatch | None = StackWatch(open_stack(secrets))
        except StackError:
            self.stack = None
        checks: dict[str, Check] = {"machine": self._machine, "store": self._log, "clocks": self._clocks}
        if relay is not None:
            checks["backends"] = self._backends
        checks |= {"intake": self._intake, "stack": self._stack}
        self.monitor = Monitor(checks, SystemClock())

    def attach(self, server: Server) -> Mapping[str, Callable[[], Any]]:
        """The reports that this server hands out from now on."""
        self._server = server
        return {"health": self.monitor.latest, "stack": self.stack_state}

    def stack_state(self) -> StackState:
        """The bundled stack as its engine has it."""
        return NOT_LOOKED if self.stack is None else self.stack.latest()

    async def _machine(self) -> list[Result]:
        return [machine.processor(), machine.memory(), await asyncio.to_thread(machine.disk, self._data_dir)]

    async def _log(self) -> Result:
        """The log takes records, and can be read."""
        server = self._server
        why = "the server has not begun" if server is None else server.not_ready()
        await self._store.tokens()
        count, seconds = (0, 0.0) if server is None else server.commits()
        details = {"commits": count, "mean_commit_ms": round(seconds * 1000, 2)}
        if why:
            return Result("store", Status.UNHEALTHY, why, details=details)
        words = f"takes records; {count} commits, {seconds * 1000:.1f} ms each" if count else "takes records"
        return Result("store", Status.HEALTHY, words, details=details)

    async def _clocks(self) -> Result:
        """The clocks of those who are connected, against the server's."""
        skews = {} if self._server is None else self._server.skews()
        wrong = {name: skew for name, skew in skews.items() if abs(skew) > SKEW}
        details = {name: round(skew, 2) for name, skew in sorted(skews.items())[:50]}
        if wrong:
            words = ", ".join(f"{name} is {skew:+.1f} s off" for name, skew in sorted(wrong.items())[:5])
            return Result("clocks", Status.DEGRADED, f"{words}; their times on the log mislead", details=details)
        return Result("clocks", Status.HEALTHY, f"{len(skews)} connected, all within {SKEW:g} s", details=details)

    async def _backends(self) -> list[Result]:
        assert self._relay is not None  # noqa: S101 - the check exists only with a relay
        return [self._backend(one) for one in await self._relay.sources()]

    def _backend(self, one: Any) -> Result:
        details = {"kind": one.kind, "breaker": one.state, "url": one.url_shown, "version": one.version}
        took = one.latency_ms or 0.0
        if one.healthy:
            self._answered.add(one.name)
            return Result(one.name, Status.HEALTHY, one.words or "answers", took, details=details)
        absent = one.name not in self._answered and _is_default(self._settings, one.name)
        if absent:
            words = f"not there: nothing answers at its default address ({one.url_shown})"
            return Result(one.name, Status.HEALTHY, words, took, details=details | {"present": False})
        return Result(one.name, Status.DEGRADED, one.words, took, details=details)

    async def _intake(self) -> Result:
        """The door for alerts answers on its own port."""
        if not self.intake_url:
            closed = not self._settings.intake.enabled
            words = "closed by the settings" if closed else "not open: its port was in use when the server began"
            return Result("intake", Status.HEALTHY if closed else Status.DEGRADED, words)
        base = self.intake_url.partition("//")[2].partition("/")[0]
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                answer = await client.get(f"http://{base}/healthz")
        except httpx.HTTPError:
            return Result("intake", Status.DEGRADED, "the door for alerts does not answer")
        status = Status.HEALTHY if answer.status_code == 200 else Status.DEGRADED
        words = "alerts reach the room" if status is Status.HEALTHY else "alerts are taken and wait for the room"
        return Result("intake", status, words)

    async def _stack(self) -> Result:
        """The bundled servers, if somebody started them."""
        state = self.stack_state()
        details = {one.name: one.words for one in state.started}
        if state.engine != "ok" or not state.started:
            return Result("stack", Status.HEALTHY, "not used: no bundled server runs", details=details)
        status = Status.DEGRADED if state.unwell else Status.HEALTHY
        return Result("stack", status, summary(state.services), details=details)


def _is_default(settings: Settings, name: str) -> bool:
    told, usual = getattr(settings, name, None), getattr(Settings(), name, None)
    return told is not None and told.url == getattr(usual, "url", None)


@asynccontextmanager
async def watching(watcher: Watcher) -> AsyncIterator[None]:
    """Look for as long as the context is entered."""
    if watcher.stack is not None:
        watcher.stack.start()
    looking = asyncio.create_task(watcher.monitor.run(), name="health")
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        if watcher.stack is not None:
            await asyncio.to_thread(watcher.stack.close)
