"""The time of an exercise, told from its log: the server's clock may run fast or stand, and this machine's knows not.

Invariant: never ahead of the server's clock at a pace that is known, and never back but where the pace changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from warroom.incident.state import IncidentState


class _Anchor(NamedTuple):
    seq: int
    speed: float
    at: datetime
    arrived: float


class ExerciseTime:
    """One for each incident. `monotonic` gives seconds of this machine that only go on."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._anchor: _Anchor | None = None

    def now(self, state: IncidentState) -> datetime | None:
        """The exercise's time, aware: at its log's pace, once it has ended at that of real time. None when the incident
        is no exercise or nothing of it is known yet.
        """
        exercise = state.exercise
        newest = state.entry(state.seq)
        if exercise is None or newest is None:
            return None
        here, anchor = self._monotonic(), self._anchor
        if anchor is None or state.seq != anchor.seq:
            at = newest.recorded_at
            speed = exercise.speed if exercise.running else 1.0
            if anchor is not None and speed == anchor.speed:
                # A record comes late, never early: of two that tell the time, the one that says it is later is right.
                at = max(at, _told(anchor, here))
            self._anchor = anchor = _Anchor(state.seq, speed, at, here)
        return _told(anchor, here)


def _told(anchor: _Anchor, here: float) -> datetime:
    return anchor.at + timedelta(seconds=max(0.0, here - anchor.arrived) * anchor.speed)


def second_of(state: IncidentState, now: datetime) -> float:
    """Seconds since the start of the exercise, until it was stopped; 0 for what is no exercise."""
    exercise = state.exercise
    if exercise is None:
        return 0.0
    return max(0.0, exercise.second_at(exercise.stopped_at or now))
