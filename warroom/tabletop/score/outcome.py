"""Outcome: what users lost, between what they lose if nobody acts and what they lose when the reference is followed.

`of * clip((L_nothing - L) / (L_nothing - L_reference))`, L in user-minutes over the same seconds of the same seed.
Where users notice next to nothing even if nobody acts, L is the time that what is wrong stood instead.
"""

from __future__ import annotations

from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.decay import clip, clock, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

OF = 30.0
NOTICED = 0.001
"""The share of all user-minutes that has to be at stake for users to be the measure."""
TOLERATED = 0.01
"""Where nothing is wrong: the share of all user-minutes that the team may cost before nothing is left."""
SILENT, WITHOUT_A_WORD, SAID_SO = 0.1, 0.25, 1.0
"""Where nothing is wrong, production fares well by itself. Most of the points are for saying so."""


def outcome(log: ExerciseLog, terms: Terms, curves: Curves, *, took_part: bool) -> tuple[Item, ...]:
    """One item; 30 points."""
    if terms.nothing_wrong:
        return (_nothing_wrong(log, curves, took_part=took_part),)
    stake = curves.nothing.lost - curves.reference.lost
    if stake <= NOTICED * curves.nothing.asked:
        return (_stood(log, terms),)
    worth = clip((curves.nothing.lost - curves.lost) / stake)
    harm = ""
    if curves.without_harm is not None and curves.without_harm.lost > curves.team.lost:
        harm = "; what harmful actions saved is not counted"
    why = (
        f"users lost {_minutes(curves.lost)} user-minutes; {_minutes(curves.nothing.lost)} if nobody acts, "
        f"{_minutes(curves.reference.lost)} in the reference run{harm}"
    )
    return (Item("outcome.users", "What users lost", points(OF * worth, OF), OF, why, _deeds(log)),)


def mitigated(log: ExerciseLog, terms: Terms) -> tuple[float, tuple[int, ...]] | None:
    """When one of the accepted sets of actions was wholly done (seconds), and the entries of their ends."""
    done: dict[str, tuple[float, int]] = {}
    for action in log.actions:
        if action.status == "done" and action.second is not None:
            seqs = log.seqs_of_action(action.number)
            done.setdefault(action.action, (float(action.second), seqs[-1]))
    ends = [
        (max(done[name][0] for name in wanted), tuple(sorted(done[name][1] for name in wanted)))
        for wanted in terms.accepted
        if wanted and wanted <= done.keys()
    ]
    return min(ends, default=None)


def _stood(log: ExerciseLog, terms: Terms) -> Item:
    """What is wrong hurts no user that the service's promises count, so the time it stood is what was lost."""
    nothing = terms.horizon - terms.onset
    best = max((second for second, _ in terms.reference), default=terms.expected) - terms.onset
    ended = mitigated(log, terms)
    stood = nothing if ended is None else clip(ended[0] - terms.onset, 0.0, nothing)
    worth = clip((nothing - stood) / (nothing - best)) if nothing > best else float(ended is not None)
    until = "was never ended" if ended is None else f"was ended {clock(stood)} after it began"
    why = f"users hardly notice, so the time counts: what is wrong {until}, {clock(best)} in the reference run"
    return Item("outcome.users", "How long it stood", points(OF * worth, OF), OF, why, ended[1] if ended else ())


def _nothing_wrong(log: ExerciseLog, curves: Curves, *, took_part: bool) -> Item:
    cost = max(0.0, curves.lost - curves.nothing.lost)
    tolerated = TOLERATED * curves.nothing.asked
    unhurt = clip(1 - cost / tolerated) if tolerated else 1.0
    entries = _deeds(log)
    if log.stood_down is not None:
        said, words = SAID_SO, "the team said that nothing is wrong"
        entries = (*entries, log.stood_down[0].seq)
    elif took_part:
        said, words = WITHOUT_A_WORD, "the team never said that nothing is wrong"
    else:
        said, words = SILENT, "nobody was there"
    hurt = f"the team's actions cost users {cost:,.0f} user-minutes" if cost >= 0.5 else "no user was hurt"
    why = f"{hurt}, and {words}"
    return Item("outcome.users", "Production left in peace", points(OF * unhurt * said, OF), OF, why, entries)


def _minutes(value: float) -> str:
    """As the score keeps it, so that two texts never differ by a rounding."""
    return f"{round(value, 3):,.0f}"


def _deeds(log: ExerciseLog) -> tuple[int, ...]:
    """The entries by which the players changed production."""
    done = [one for one in log.actions if one.status == "done"]
    return tuple(sorted(log.seqs_of_action(one.number)[-1] for one in done))
