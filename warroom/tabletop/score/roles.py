"""Roles: how soon somebody led, whether the other seats were taken, and whether any stood empty later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from warroom.incident import events as e
from warroom.incident.words import Duty
from warroom.tabletop.score.decay import clock, count, fading, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

LEAD, SEATS, VACANT, HANDED = 4.0, 3.0, 2.0, 1.0
LEAD_DUE, LEAD_HALF = 120.0, 180.0
SEAT_DUE, SEAT_HALF = 600.0, 600.0
EMPTY = 180.0
"""Seconds that a seat may stand empty before it counts."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A seat's occupation from one second to another, by somebody who was in reach."""

    who: str
    start: float
    end: float
    seq: int


def roles(log: ExerciseLog, terms: Terms) -> tuple[Item, ...]:
    """Four items; 10 points."""
    seats = terms.seats or (Duty.INCIDENT_COMMANDER,)
    held = {duty: tuple(_tenures(log, duty)) for duty in seats}
    lead = held.get(Duty.INCIDENT_COMMANDER) or tuple(_tenures(log, Duty.INCIDENT_COMMANDER))
    others: dict[Duty, tuple[Tenure, ...]] = {
        duty: tenures for duty, tenures in held.items() if duty is not Duty.INCIDENT_COMMANDER
    }
    return (
        _lead(log, terms, lead),
        _seated(log, terms, others, lead),
        _vacancies(log, held, lead),
        _handed(log, tuple(held), lead),
    )


def started(log: ExerciseLog, terms: Terms) -> float:
    """From when a team is expected to organise itself: it said what this is, or by then should have."""
    declared = log.declared.second if log.declared else log.stood_down[0].second if log.stood_down else None
    return terms.declare_by if declared is None else min(declared, terms.declare_by)


def _lead(log: ExerciseLog, terms: Terms, held: tuple[Tenure, ...]) -> Item:
    due = terms.due("role.assigned:incident_commander", started(log, terms) + LEAD_DUE)
    title = "Time until somebody led"
    if not held:
        why = f"nobody took command; due by {clock(due)}"
        return Item("roles.lead", title, 0.0, LEAD, why)
    late = held[0].start - due
    worth = points(LEAD * fading(late, LEAD_HALF), LEAD)
    delay = f", {clock(late)} late" if late > 0 else ""
    why = f"{held[0].who} led from {clock(held[0].start)}, due by {clock(due)}{delay}"
    return Item("roles.lead", title, worth, LEAD, why, (held[0].seq,))


def _seated(log: ExerciseLog, terms: Terms, held: dict[Duty, tuple[Tenure, ...]], lead: tuple[Tenure, ...]) -> Item:
    due = started(log, terms) + SEAT_DUE
    title = "The other seats taken"
    if not held:
        return Item("roles.seats", title, SEATS if lead else 0.0, SEATS,
                    "no other seat is required" if lead else "nobody took any seat")  # fmt: skip
    worth = sum(fading(one[0].start - due, SEAT_HALF) for one in held.values() if one) / len(held)
    empty = [duty.label.lower() for duty, one in held.items() if not one]
    late = [
        f"{duty.label.lower()} at {clock(one[0].start)}" for duty, one in held.items() if one and one[0].start > due
    ]
    why = f"{len(held) - len(empty)} of {count(len(held), 'required seat')} taken, due by {clock(due)}"
    why += f"; never taken: {', '.join(empty)}" if empty else ""
    why += f"; late: {', '.join(late)}" if late else ""
    entries = tuple(sorted(one[0].seq for one in held.values() if one))
    return Item("roles.seats", title, points(SEATS * worth, SEATS), SEATS, why, entries)


def _vacancies(log: ExerciseLog, held: dict[Duty, tuple[Tenure, ...]], lead: tuple[Tenure, ...]) -> Item:
    title = "No seat left empty"
    if not lead:
        return Item("roles.vacant", title, 0.0, VACANT, "nobody led, so there was no team to keep together")
    gaps = [(duty, *gap) for duty, tenures in held.items() for gap in _gaps(tenures, log.answered)]
    if not gaps:
        why = f"no seat that was taken stood empty for more than {clock(EMPTY)}"
        return Item("roles.vacant", title, VACANT, VACANT, why)
    told = ", ".join(f"{duty.label.lower()} from {clock(start)} to {clock(end)}" for duty, start, end, _ in gaps)
    entries = tuple(sorted(seq for _, _, _, seq in gaps))
    return Item("roles.vacant", title, points(VACANT - len(gaps), VACANT), VACANT, f"empty: {told}", entries)


def _handed(log: ExerciseLog, seats: tuple[Duty, ...], lead: tuple[Tenure, ...]) -> Item:
    """A change of a seat's holder is recorded when it was one step; of the command, when words went with it."""
    title = "Hand-overs recorded"
    if not lead:
        return Item("roles.handed", title, 0.0, HANDED, "nobody led, so nothing could be handed over")
    good: list[int] = []
    bad: list[int] = []
    before: dict[Duty, str] = {}
    for one in log.told:
        event = one.event
        if not isinstance(event, e.RoleAssigned | e.RoleHandedOver):
            continue
        if event.duty not in seats or event.duty.is_shared:
            continue
        if isinstance(event, e.RoleHandedOver):
            spoken = bool(event.brief) or event.duty is not Duty.INCIDENT_COMMANDER
            (good if spoken else bad).append(one.seq)
            before[event.duty] = event.taker
        else:
            if before.get(event.duty, event.who) != event.who:
                bad.append(one.seq)
            before[event.duty] = event.who
    changes = len(good) + len(bad)
    if not changes:
        return Item("roles.handed", title, HANDED, HANDED, "no seat changed hands")
    why = f"{len(good)} of {count(changes, 'change')} of hands recorded as a hand-over"
    why += " with words" if not bad else "; entries " + ", ".join(map(str, bad)) + " were none"
    entries = tuple(sorted((*good, *bad)))
    return Item("roles.handed", title, points(HANDED * len(good) / changes, HANDED), HANDED, why, entries)


def _tenures(log: ExerciseLog, duty: Duty) -> Iterator[Tenure]:
    """When the seat was held by a player in reach, one after the other, to the end of the response."""
    now: Tenure | None = None
    for told in log.told:
        state = told.state
        exercise = state.exercise
        withheld = exercise.withheld if exercise is not None else frozenset()
        names = [held.who for held in state.roles if held.duty is duty]
        holder = next((who for who in names if who not in log.hosts and who not in withheld), "")
        if now is not None and holder != now.who:
            yield Tenure(now.who, now.start, told.second, now.seq)
            now = None
        if holder and now is None and told.second <= log.answered:
            now = Tenure(holder, told.second, told.second, told.seq)
    if now is not None:
        yield Tenure(now.who, now.start, max(now.start, log.end), now.seq)


def _gaps(tenures: tuple[Tenure, ...], until: float) -> Iterator[tuple[float, float, int]]:
    for place, tenure in enumerate(tenures):
        after = tenures[place + 1].start if place + 1 < len(tenures) else until
        if min(after, until) - tenure.end > EMPTY:
            yield tenure.end, min(after, until), tenure.seq
