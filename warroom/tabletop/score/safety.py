"""Safety: no harm done, nothing risky without the one who has to agree, and mitigations checked on users.

Points for not doing harm are for a team that took part; whoever was not there kept from nothing.
"""

from __future__ import annotations

from warroom.incident import events as e
from warroom.incident.exercise_state import ActionState
from warroom.incident.words import Status
from warroom.tabletop.score.curves import HELD, Curves, limit, restored
from warroom.tabletop.score.decay import clock, count, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.outcome import mitigated
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

HARM, APPROVED, VERIFIED = 6.0, 2.0, 2.0
EACH_HARM = 3.0
"""What one harmful action costs."""


def safety(log: ExerciseLog, terms: Terms, curves: Curves, *, took_part: bool) -> tuple[Item, ...]:
    """Three items; 10 points."""
    return (_harm(log, terms, took_part=took_part), _approved(log, terms), _verified(log, terms, curves))


def begun(log: ExerciseLog) -> tuple[ActionState, ...]:
    """The players' actions that were started."""
    return tuple(one for one in log.actions if one.started_at is not None)


def harmful(log: ExerciseLog, terms: Terms) -> tuple[ActionState, ...]:
    """Those that make it worse."""
    return tuple(one for one in begun(log) if one.action in terms.harmful)


def _harm(log: ExerciseLog, terms: Terms, *, took_part: bool) -> Item:
    title = "No harm done"
    if not took_part:
        return Item("safety.harm", title, 0.0, HARM, "nobody took part, so nobody kept from doing harm")
    bad = harmful(log, terms)
    if not bad:
        return Item("safety.harm", title, HARM, HARM, "no harmful action was begun")
    told = ", ".join(f"{one.title} at {clock(log.second_of(one.started_at))}" for one in bad if one.started_at)
    entries = tuple(log.seqs_of_action(one.number)[0] for one in bad)
    worth = points(HARM - EACH_HARM * len(bad), HARM)
    return Item("safety.harm", title, worth, HARM, f"{count(len(bad), 'harmful action')}: {told}", entries)


def _approved(log: ExerciseLog, terms: Terms) -> Item:
    """What needs agreement was agreed to by somebody else than who asked for it; harm should not have been at all."""
    title = "Agreed before it was done"
    done = begun(log)
    if not done:
        if terms.nothing_wrong and log.stood_down is not None:
            return Item("safety.approved", title, APPROVED, APPROVED, "nothing was done to production, rightly")
        return Item("safety.approved", title, 0.0, APPROVED, "nothing was done to production")
    alone = [one for one in done if one.approval and (not one.approved_by or one.approved_by == one.requested_by)]
    harm = [one for one in harmful(log, terms) if one not in alone]
    good = len(done) - len(alone) - len(harm)
    why = f"{good} of {count(len(done), 'action')} were agreed to by another, or need no agreement"
    why += f"; alone: {', '.join(one.title for one in alone)}" if alone else ""
    why += f"; nobody should have agreed to: {', '.join(one.title for one in harm)}" if harm else ""
    entries = tuple(sorted(log.seqs_of_action(one.number)[0] for one in [*alone, *harm] or done))
    return Item("safety.approved", title, points(APPROVED * good / len(done), APPROVED), APPROVED, why, entries)


def _verified(log: ExerciseLog, terms: Terms, curves: Curves) -> Item:
    """Resolved only after users had been well for three minutes; or, unresolved, somebody looked again and said so."""
    title = "Checked on users"
    if terms.nothing_wrong:
        pins = tuple(pin.seq for pin in log.state.evidence if pin.who not in log.hosts)
        right = log.stood_down is not None and bool(pins)
        why = "stood down on pinned evidence" if right else "not stood down on pinned evidence"
        return Item("safety.verified", title, VERIFIED if right else 0.0, VERIFIED, why, pins)
    ended = mitigated(log, terms)
    if ended is None:
        resolved = log.resolved
        if resolved is None:
            return Item(
                "safety.verified", title, 0.0, VERIFIED, "what is wrong was never ended, so nothing was checked"
            )
        why = f"resolved at {clock(resolved.second)}, and what is wrong had not been ended"
        return Item("safety.verified", title, 0.0, VERIFIED, why, (resolved.seq,))
    if log.resolved is not None:
        return _resolved_well(log, terms, curves, ended[0])
    looked = [pin.seq for pin in log.state.evidence if log.second_of(pin.at) > ended[0] and pin.who not in log.hosts]
    looked += [told.seq for told, event in log.own_of(e.StatusChanged)
               if event.status is Status.MONITORING and told.second > ended[0]]  # fmt: skip
    if looked:
        why = f"looked again after {clock(ended[0])}, when the mitigation was done; never resolved"
        return Item("safety.verified", title, VERIFIED / 2, VERIFIED, why, tuple(sorted(looked)))
    why = f"nobody looked again after {clock(ended[0])}, when the mitigation was done"
    return Item("safety.verified", title, 0.0, VERIFIED, why, ended[1])


def _resolved_well(log: ExerciseLog, terms: Terms, curves: Curves, done: float) -> Item:
    title = "Checked on users"
    resolved = log.resolved
    assert resolved is not None  # noqa: S101
    allowed = limit(curves, terms.target)
    well = restored(curves.team, allowed, min(terms.horizon - 1, int(max(log.end, resolved.second + HELD))))
    since = max(done, float(well) if well is not None else done)
    if resolved.second - since >= HELD:
        why = f"resolved at {clock(resolved.second)}, users well since {clock(since)}"
        return Item("safety.verified", title, VERIFIED, VERIFIED, why, (resolved.seq,))
    why = f"resolved at {clock(resolved.second)}, before users had been well for {clock(HELD)} (since {clock(since)})"
    return Item("safety.verified", title, 0.0, VERIFIED, why, (resolved.seq,))
