"""The people a bot plays, and what every bot asks of a view.

Invariant: who speaks for a duty is read from the room, so that a hand-over, or somebody out of reach, is respected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from warroom.incident.exercise_state import OfferedAction
from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.deeds import Act
from warroom.tabletop.look import PlayerView

COMMANDER, OPERATIONS, COMMS, SCRIBE = "iris", "omar", "cleo", "sven"
INVESTIGATORS = ("omar", "nadia", "piet")
TEAM = (COMMANDER, OPERATIONS, COMMS, SCRIBE, "nadia", "piet")
SEATS: tuple[tuple[Duty, str], ...] = (
    (Duty.OPERATIONS_LEAD, OPERATIONS),
    (Duty.COMMUNICATIONS_LEAD, COMMS),
    (Duty.SCRIBE, SCRIBE),
    (Duty.SME, "nadia"),
    (Duty.DEPUTY, "piet"),
    (Duty.INTERNAL_LIAISON, COMMS),
    (Duty.PLANNING_LEAD, SCRIBE),
)
"""Who takes which duty after the commander's."""


class Bot(Protocol):
    """Somebody who plays: asked once a second, in order, with what a team can know by then."""

    @property
    def name(self) -> str: ...
    @property
    def team(self) -> tuple[str, ...]: ...

    def act(self, view: PlayerView) -> Sequence[Act]: ...


def over(state: IncidentState) -> bool:
    """Whether there is nothing more to play."""
    exercise = state.exercise
    return exercise is None or not exercise.running or state.status.is_over


def reachable(state: IncidentState, who: str) -> bool:
    """Whether the facilitator has not taken them out."""
    return state.exercise is None or who not in state.exercise.withheld


def speaker(state: IncidentState, duty: Duty, team: Sequence[str]) -> str:
    """Who of the team acts for a duty: its holder, or the first who is in reach."""
    held = next((one.who for one in state.roles if one.duty is duty and one.who in team), "")
    if held and reachable(state, held):
        return held
    return next((who for who in team if reachable(state, who)), "")


def offered(state: IncidentState) -> tuple[OfferedAction, ...]:
    """What the exercise lets the players do."""
    return state.exercise.actions if state.exercise is not None else ()


def fresh(state: IncidentState, since: int, kind: str) -> Iterator[Entry]:
    """The entries of that kind that came after entry `since`, in order."""
    for seq in range(since + 1, state.seq + 1):
        entry = state.entry(seq)
        if entry is not None and entry.kind == kind:
            yield entry
