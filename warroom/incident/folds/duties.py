"""Folds of the duties: assigned, released, offered, handed over. A duty that is not shared has one holder at most."""

from __future__ import annotations

from datetime import datetime

from warroom.incident import events as e
from warroom.incident.folds.change import Changes, Fold
from warroom.incident.record import Record
from warroom.incident.state import CommandOffer, Holding, IncidentState
from warroom.incident.words import Duty

_ORDER = {duty: place for place, duty in enumerate(Duty)}


def _ended(state: IncidentState, duty: Duty, who: str | None, at: datetime) -> tuple[list[Holding], list[Holding]]:
    """The holdings that stay, and those of `duty` (by `who`, or by anybody) that end at `at`."""
    stay: list[Holding] = []
    end: list[Holding] = []
    for held in state.roles:
        if held.duty is duty and who in (None, held.who):
            end.append(Holding(held.duty, held.who, held.since, at))
        else:
            stay.append(held)
    return stay, end


def _given(state: IncidentState, duty: Duty, who: str, at: datetime) -> Changes:
    if any(held.duty is duty and held.who == who for held in state.roles):
        return {}
    stay, end = (list(state.roles), []) if duty.is_shared else _ended(state, duty, None, at)
    roles = sorted([*stay, Holding(duty, who, at)], key=lambda held: _ORDER[held.duty])
    changes: Changes = {"roles": tuple(roles)}
    if end:
        changes["past_roles"] = (*state.past_roles, *end)
    if duty is Duty.INCIDENT_COMMANDER and state.offer is not None:
        changes["offer"] = None
    return changes


def _assigned(state: IncidentState, record: Record, event: e.RoleAssigned) -> Changes:
    return _given(state, event.duty, event.who, record.occurred_at)


def _released(state: IncidentState, record: Record, event: e.RoleReleased) -> Changes:
    stay, end = _ended(state, event.duty, event.who, record.occurred_at)
    if not end:
        return {}
    changes: Changes = {"roles": tuple(stay), "past_roles": (*state.past_roles, *end)}
    if event.duty is Duty.INCIDENT_COMMANDER and state.offer is not None:
        changes["offer"] = None
    return changes


def _handed_over(state: IncidentState, record: Record, event: e.RoleHandedOver) -> Changes:
    return _given(state, event.duty, event.taker, record.occurred_at)


def _offered(state: IncidentState, record: Record, event: e.CommandOffered) -> Changes:
    offer = CommandOffer(record.seq, record.actor, event.to, event.brief, record.occurred_at)
    return {"offer": offer, "sources": {**state.sources, "offer": record.seq}}


def _offer_ended(state: IncidentState, _: Record, __: e.CommandOfferEnded) -> Changes:
    return {} if state.offer is None else {"offer": None}


FOLDS: dict[type[e.Event], Fold] = {
    e.RoleAssigned: _assigned,
    e.RoleReleased: _released,
    e.RoleHandedOver: _handed_over,
    e.CommandOffered: _offered,
    e.CommandOfferEnded: _offer_ended,
}
