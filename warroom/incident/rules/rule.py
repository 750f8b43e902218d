"""What rules share: what they are asked, how they answer, and who may ask.

A rule is asked only after `decide` has made sure that the actor may see the incident, has the access its command
requires, and that the incident is in a state where the command is possible at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from warroom.incident.events import Event
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed, Reason, Refusal, Verdict
from warroom.incident.words import UPDATE_CADENCE_MINUTES, Access, Severity


@dataclass(frozen=True, slots=True)
class Ask:
    """A command in its circumstances: the state it meets, who asks, and when."""

    state: IncidentState
    actor: Actor
    at: datetime


class Need(Enum):
    """What a command requires of the actor, beyond seeing the incident."""

    WORK = "responder access"
    """Responder access."""
    LEAD = "commander access or the duty of incident commander"
    """Commander access, or the incident commander's duty; any responder while nobody holds command."""
    COMMAND = "commander access or the duty of the incident commander, whoever holds it"
    """Commander access, or the incident commander's duty, also while nobody holds it."""
    GUARD = "commander access"
    """Commander access; no duty stands in for it."""


Rule = Callable[[Ask, Any], Verdict]

CLOCK_SKEW = timedelta(minutes=2)
"""How far ahead of the server's a responder's clock may be; such a time is taken as now."""
OLDEST = timedelta(days=3660)
"""What is said to have happened earlier than this is taken for a mistake."""


def events(*proposed: Event) -> Verdict:
    """These events, happening now."""
    return tuple(Proposed(event) for event in proposed)


def refuse(reason: Reason, words: str) -> Refusal:
    return Refusal(reason, words)


def conflict(words: str) -> Refusal:
    return Refusal(Reason.CONFLICT, words)


def not_found(words: str) -> Refusal:
    return Refusal(Reason.NOT_FOUND, words)


def invalid(words: str) -> Refusal:
    return Refusal(Reason.INVALID, words)


def limit(what: str, most: int) -> Refusal:
    return Refusal(Reason.LIMIT, f"an incident holds at most {most} {what}")


ALREADY: Verdict = ()
"""It is so already: accepted, and nothing to record."""


def commands(ask: Ask) -> bool:
    """Whether the actor holds command here, or has commander access."""
    return ask.actor.access.covers(Access.COMMANDER) or ask.state.commander == ask.actor.name


def leads(ask: Ask) -> bool:
    """As `commands`; and anybody who may work here while nobody holds command."""
    return commands(ask) or not ask.state.commander


def lacking(ask: Ask, need: Need) -> Refusal | None:
    """Why the actor may not, or None."""
    if not ask.actor.access.covers(Access.RESPONDER):
        return Refusal(Reason.NOT_ALLOWED, "an observer may read, and change nothing")
    if need is Need.WORK:
        return None
    if need is Need.GUARD:
        allowed = ask.actor.access.covers(Access.COMMANDER)
        return None if allowed else Refusal(Reason.NOT_ALLOWED, "this needs commander access")
    if commands(ask) if need is Need.COMMAND else leads(ask):
        return None
    leader = f" ({ask.state.commander})" if ask.state.commander else ""
    return Refusal(Reason.NOT_ALLOWED, f"this is for the incident commander{leader} or commander access")


def past(ask: Ask, moment: datetime | None, what: str = "the time") -> datetime | Refusal | None:
    """`moment` where it can have been: not in the future beyond clock skew, nor absurdly long ago. None stays None."""
    if moment is None:
        return None
    if moment > ask.at + CLOCK_SKEW:
        return invalid(f"{what} lies in the future: {moment:%Y-%m-%d %H:%M:%S} UTC")
    if moment < ask.at - OLDEST:
        return invalid(f"{what} lies more than ten years back: {moment:%Y-%m-%d %H:%M:%S} UTC")
    return min(moment, ask.at)


def update_due(severity: Severity, at: datetime) -> datetime | None:
    """When an update falls due that is counted from `at`, by the severity's cadence."""
    minutes = UPDATE_CADENCE_MINUTES[severity]
    return None if minutes is None else at + timedelta(minutes=minutes)


def known_as(ask: Ask, name: str) -> str:
    """`name` as that person is known here: a duty given to `Jana` is jana's, so that nobody leads under a name
    that no token carries."""
    known = (ask.actor.name, *ask.state.participants, *(held.who for held in ask.state.roles))
    if name in known:
        return name
    folded = name.casefold()
    return next((one for one in known if one.casefold() == folded), name)
