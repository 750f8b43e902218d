"""Health in three words, as data: what was looked at, what was found, and how it was before. No I/O, no clock.

Invariant: the whole is never better than its worst part that matters, and a check that could not be made is told as
one, never as a good one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Details: TypeAlias = Mapping[str, str | float | int | bool | None]

HISTORY = 240
"""Results kept of each check: an hour at one in 15 seconds."""


class Status(StrEnum):
    """In the order of badness."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"

    @property
    def badness(self) -> int:
        """0 is well."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Result:
    """One look at one thing. `at` is seconds since the epoch; `response_time_ms` how long the look took."""

    name: str
    status: Status
    message: str
    response_time_ms: float = 0.0
    at: float = 0.0
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """What a check said at an earlier moment."""

    at: float
    status: Status
    response_time_ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """Everything at one moment. `history` has the earlier results of each check, oldest first."""

    status: Status
    at: float
    results: tuple[Result, ...]
    history: Mapping[str, tuple[Past, ...]] = field(default_factory=dict)


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; HEALTHY without any."""
    return max(statuses, key=lambda one: one.badness, default=Status.HEALTHY)


def by_level(value: float, degraded: float, unhealthy: float) -> Status:
    """What a value that should stay low means: from `degraded` on it is that, from `unhealthy` on worse."""
    if value != value or value >= unhealthy:
        return Status.UNHEALTHY
    return Status.DEGRADED if value >= degraded else Status.HEALTHY


class Histories:
    """The last results of each check."""

    def __init__(self, most: int = HISTORY) -> None:
        self._most = most
        self._known: dict[str, deque[Past]] = {}

    def add(self, result: Result) -> None:
        """Keep a result; the oldest gives way."""
        kept = self._known.setdefault(result.name, deque(maxlen=self._most))
        kept.append(Past(result.at, result.status, round(result.response_time_ms, 2)))

    def all(self) -> dict[str, tuple[Past, ...]]:
        """Everything kept, oldest first."""
        return {name: tuple(kept) for name, kept in self._known.items()}

    def since(self, name: str, status: Status) -> float | None:
        """Since when the check has said this without a break; None when its last word was another."""
        start = None
        for past in reversed(self._known.get(name, ())):
            if past.status is not status:
                break
            start = past.at
        return start
