"""The log of an exercise, read for the score: who did what at which second, and how things stood then.

Invariant: seconds count from the start of the exercise by the recorder's clock, so nobody can back-date a deed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from warroom.incident import events as e
from warroom.incident.decode import read_event
from warroom.incident.evolve import evolve
from warroom.incident.exercise_state import ActionState, ExerciseState
from warroom.incident.record import Record
from warroom.incident.state import Hypothesis, IncidentState
from warroom.incident.words import Status
from warroom.tabletop.score.shapes import ScoreError

E = TypeVar("E", bound=e.Event)

_OF_ACTIONS = (e.ActionRequested, e.ActionApproved, e.ActionRejected, e.ActionStarted, e.ActionFinished)
LIVE = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


@dataclass(frozen=True, slots=True)
class Told:
    """One entry: when it was recorded (seconds), by whom, what, and how things stood after it."""

    seq: int
    second: float
    actor: str
    event: e.Event | None
    state: IncidentState
    command: tuple[str, int]
    """Which outbox's command it came from, and its number there."""


class ExerciseLog:
    """An exercise's log.

    Raises:
        ScoreError: the records hold no exercise.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        state = IncidentState()
        rows: list[tuple[Record, e.Event | None, IncidentState]] = []
        for record in records:
            event = read_event(record)
            state = evolve(state, record, event)
            rows.append((record, event, state))
        if state.exercise is None:
            raise ScoreError(f"{state.id or 'this log'} is no exercise, so there is nothing to score")
        if state.opaque:
            raise ScoreError(f"{state.id} holds events that only a newer version of warroom understands")
        self.state = state
        self.exercise: ExerciseState = state.exercise
        self.records = tuple(records)
        self.hosts = frozenset(state.exercise.hosts)
        began = state.exercise.started_at
        self.told = tuple(
            Told(record.seq, (record.recorded_at - began).total_seconds(), record.actor, event, after,
                 (record.client, record.n))
            for record, event, after in rows
        )  # fmt: skip

    def second_of(self, moment: datetime) -> float:
        """Seconds from the start of the exercise."""
        return (moment - self.exercise.started_at).total_seconds()

    @cached_property
    def own(self) -> tuple[Told, ...]:
        """What the players did: everything by somebody who does not host."""
        first = self.exercise.started_seq
        return tuple(one for one in self.told if one.seq > first and one.actor not in self.hosts)

    @cached_property
    def running(self) -> tuple[Told, ...]:
        """What the players did before the exercise was stopped."""
        return tuple(one for one in self.own if one.second <= self.end)

    @cached_property
    def end(self) -> float:
        """When the exercise was stopped; while it is not, the last entry."""
        stopped = self.exercise.stopped_at
        return self.second_of(stopped) if stopped is not None else self.told[-1].second

    @cached_property
    def team(self) -> tuple[str, ...]:
        """Those who took part, in the order they first did."""
        return tuple(dict.fromkeys(one.actor for one in self.own))

    def all_of(self, *kinds: type[E]) -> Iterator[tuple[Told, E]]:
        """Entries of those kinds by anybody, in order, with their events."""
        return ((one, one.event) for one in self.told if isinstance(one.event, kinds))

    def own_of(self, *kinds: type[E]) -> Iterator[tuple[Told, E]]:
        """The same of the players alone."""
        return ((one, one.event) for one in self.own if isinstance(one.event, kinds))

    def state_at(self, second: float) -> IncidentState:
        """How things stood after everything recorded up to that second."""
        place = bisect_right(self.told, second, key=lambda one: one.second)
        return self.told[max(0, place - 1)].state

    @cached_property
    def declared(self) -> Told | None:
        """When it first was an incident: out of triage, and not declined."""
        return next((one for one in self.told if one.seq >= self.exercise.started_seq and one.state.status in
                     (*LIVE, Status.RESOLVED)), None)  # fmt: skip

    @cached_property
    def stood_down(self) -> tuple[Told, e.IncidentDeclined] | None:
        """The declining, with its reason, that still stood at the end."""
        if self.state.status is not Status.DECLINED:
            return None
        return next(reversed([(one, event) for one, event in self.own_of(e.IncidentDeclined)]), None)

    @cached_property
    def resolved(self) -> Told | None:
        """When it came to be resolved for the last time, and was left so."""
        if self.state.status not in (Status.RESOLVED, Status.CLOSED):
            return None
        found = None
        for before, after in zip(self.told, self.told[1:], strict=False):
            if after.state.status is Status.RESOLVED and before.state.status not in (Status.RESOLVED, Status.CLOSED):
                found = after
        return found

    @cached_property
    def answered(self) -> float:
        """The end of the response: resolved, stood down, or the end of the exercise, whichever came first."""
        ends = [self.end]
        if self.resolved is not None:
            ends.append(self.resolved.second)
        if self.stood_down is not None:
            ends.append(self.stood_down[0].second)
        return min(ends)

    @cached_property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The players' hypotheses as they stood at the end."""
        return tuple(one for one in self.state.hypotheses if one.proposed_by not in self.hosts)

    @cached_property
    def actions(self) -> tuple[ActionState, ...]:
        """What the players asked for, as it stood at the end."""
        return tuple(one for one in self.state.actions if one.requested_by not in self.hosts)

    def seqs_of_action(self, number: int) -> tuple[int, ...]:
        """The entries about that action, in order."""
        return tuple(one.seq for one in self.told if isinstance(one.event, _OF_ACTIONS) and one.event.number == number)

    def took_part(self, harmful: frozenset[str]) -> bool:
        """Whether the players did anything but harm: a team that was not there cannot have kept from doing harm."""
        bad = {one.number for one in self.state.actions if one.action in harmful}
        # A note that came with the request is part of it.
        harm = {one.command for one in self.own if isinstance(one.event, _OF_ACTIONS) and one.event.number in bad}
        return any(one.command not in harm for one in self.own)
