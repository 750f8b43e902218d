"""Every category's items together: weighed as the scenario says, judged by hosts where they did, less hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from warroom.incident.record import stamp
from warroom.tabletop.score.clocks import clocks, spans
from warroom.tabletop.score.comms import comms
from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.decay import points
from warroom.tabletop.score.detection import detection
from warroom.tabletop.score.diagnosis import diagnosis
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.outcome import outcome
from warroom.tabletop.score.review import review
from warroom.tabletop.score.roles import roles
from warroom.tabletop.score.safety import safety
from warroom.tabletop.score.shapes import STOPPED, Category, Item, Lost, Milestone, Remark, Score
from warroom.tabletop.score.terms import Terms
from warroom.tabletop.score.unscored import unscored

TITLES = {
    "outcome": "Outcome",
    "detection": "Detection",
    "roles": "Roles",
    "comms": "Communication",
    "diagnosis": "Diagnosis",
    "safety": "Safety",
    "review": "Review",
}
_ENDS = {"finished": "finished", "hard_stop": "ran out of time", **STOPPED}


def judged(log: ExerciseLog, terms: Terms, curves: Curves, expected: Sequence[Milestone] = ()) -> Score:
    """The score from a log that was read, its terms, and the compared runs."""
    took_part = log.took_part(terms.harmful)
    items = {
        "outcome": outcome(log, terms, curves, took_part=took_part),
        "detection": detection(log, terms),
        "roles": roles(log, terms),
        "comms": comms(log, terms),
        "diagnosis": diagnosis(log, terms),
        "safety": safety(log, terms, curves, took_part=took_part),
        "review": review(log, terms),
    }
    categories = tuple(
        _category(name, _weighed(_judged_by_hosts(log, found), terms.weights.get(name, 0.0)))
        for name, found in items.items()
    )
    hints = round(log.exercise.hints, 2)
    total = points(sum(one.points for one in categories) - hints, 100.0)
    found = clocks(log, terms, curves)
    known = {item.id for found in items.values() for item in found}
    return Score(
        incident=log.state.id,
        scenario=terms.scenario,
        title=terms.title,
        version=terms.version,
        seed=log.exercise.seed,
        started_at=stamp(log.exercise.started_at),
        ended=_ENDS.get(log.exercise.stop_reason, "still running"),
        team=log.team,
        took_part=took_part,
        total=total,
        hints=hints,
        categories=categories,
        clocks=found,
        spans=spans(found),
        milestones=tuple(expected),
        lost=Lost(*(round(one, 3) for one in (curves.team.asked, curves.team.lost, curves.nothing.lost,
                                              curves.reference.lost))),
        unscored=unscored(log, terms),
        remarks=tuple(
            Remark(mark.rubric, mark.points, mark.text, mark.seq, mark.rubric in known)
            for mark in log.exercise.marks
            if not mark.verdict
        ),
    )  # fmt: skip


def _judged_by_hosts(log: ExerciseLog, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """A host's mark on an item's id stands in place of its points; the last one, if there are several."""
    marks = {mark.rubric: mark for mark in log.exercise.marks if not mark.verdict}
    judged = []
    for item in items:
        mark = marks.get(item.id)
        if mark is not None:
            because = f" ({mark.text})" if mark.text else ""
            why = f"judged by a host{because}; computed {item.points:g}: {item.why}"
            item = replace(item, points=points(mark.points, item.of), why=why, entries=(*item.entries, mark.seq))
        judged.append(item)
    return tuple(judged)


def _weighed(items: tuple[Item, ...], weight: float) -> tuple[Item, ...]:
    """The items, so that what they are worth together is `weight`."""
    whole = sum(one.of for one in items)
    by = weight / whole if whole else 0.0
    if by == 1.0:
        return items
    return tuple(replace(one, points=round(one.points * by, 2), of=round(one.of * by, 2)) for one in items)


def _category(name: str, items: tuple[Item, ...]) -> Category:
    won, of = (round(sum(values), 2) for values in ([one.points for one in items], [one.of for one in items]))
    return Category(name, TITLES[name], won, of, items)
