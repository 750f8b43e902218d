"""The stack's state as data: frozen, comparable, JSON-able as it is.

Invariant: no Docker and no I/O here; a server sends it to consoles and a console draws it. It holds no environment of
a container, so no secret can be in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Condition = Literal["running", "restarting", "paused", "created", "exited", "dead", "removing", "absent"]
"""Docker's word for a container's state; absent when there is none."""

Health = Literal["healthy", "starting", "unhealthy", "unknown", "none"]
"""By the container's own check, else by a probe from outside; none while it does not run."""

Engine = Literal["ok", "none", "denied", "unknown"]
"""none: no engine answers; denied: it may not be asked; unknown: nobody looked yet."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service of the stack.

    `words` says how it is in a clause; `since` is when it started or ended (RFC 3339, UTC, or empty); `restarts` are
    those by the restart policy; `cpu` is in percent of one core, `memory` and `memory_limit` in bytes, None where not
    measured; `ports` are those of this machine that it listens on.
    """

    name: str
    state: Condition
    health: Health
    words: str
    since: str = ""
    restarts: int = 0
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    image: str = ""
    ports: tuple[int, ...] = ()
    profiles: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Running, and not known to be unwell: where nothing tells of its health, running is all there is."""
        return self.state == "running" and self.health in ("healthy", "unknown")

    @property
    def absent(self) -> bool:
        return self.state == "absent"


@dataclass(frozen=True, slots=True)
class StackState:
    """All services in the order of the compose file, at one moment (`at`, RFC 3339, UTC).

    Without an engine there are no services, and `words` says what is missing and what to do.
    """

    engine: Engine = "unknown"
    words: str = ""
    at: str = ""
    services: tuple[ServiceState, ...] = ()

    @property
    def started(self) -> tuple[ServiceState, ...]:
        """The services that have a container."""
        return tuple(one for one in self.services if not one.absent)

    @property
    def unwell(self) -> tuple[ServiceState, ...]:
        """The services that were started and are not well."""
        return tuple(one for one in self.started if not one.well)

    def service(self, name: str) -> ServiceState | None:
        return next((one for one in self.services if one.name == name), None)


NOT_LOOKED = StackState(words="nobody has looked yet")


def summary(services: tuple[ServiceState, ...]) -> str:
    """How the stack is, in a clause."""
    started = [one for one in services if not one.absent]
    if not started:
        return "not started"
    unwell = [one for one in started if not one.well]
    if not unwell:
        return f"{len(started)} of {len(started)} services are well"
    named = ", ".join(f"{one.name} {one.words}" for one in unwell[:3])
    return f"{len(started) - len(unwell)} of {len(started)} services are well; {named}"
