"""The clocks of a drill, from the onset to the resolution, each beside the reference run and beside nobody acting.

They are the drill's own, named apart from an incident's MTTD, MTTA, MTTM and MTTR: those are read off milestones that
people set, these off the simulator and the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from warroom.incident import events as e
from warroom.tabletop.score.beliefs import true_ones
from warroom.tabletop.score.curves import HELD, Curves, breach, limit, restored
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.roles import LEAD_DUE
from warroom.tabletop.score.shapes import Clock, Span
from warroom.tabletop.score.terms import Terms


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened first of its kind: when, and by which entry."""

    second: float | None
    entry: int | None = None


NEVER = Seen(None)


def clocks(log: ExerciseLog, terms: Terms, curves: Curves) -> tuple[Clock, ...]:
    """Ten clocks, in the order in which they are expected."""
    seen = dict(_seen(log, terms))
    allowed = limit(curves, terms.target)
    last = terms.horizon - 1
    wrong = not terms.nothing_wrong
    broke = [breach(curve, allowed) if wrong else None for curve in (curves.team, curves.reference, curves.nothing)]
    well = [
        restored(curves.team, allowed, min(last, int(log.end))) if wrong else None,
        restored(curves.reference, allowed, last) if wrong else None,
        restored(curves.nothing, allowed, last) if wrong else None,
    ]
    onset = terms.onset if wrong else None
    lead = terms.due("role.assigned:incident_commander", terms.declare_by + LEAD_DUE)
    named = terms.milestone("hypothesis.names")
    acted = min((second for second, _ in terms.reference), default=None) if wrong else None
    solved = None if well[1] is None else float(well[1] + HELD)

    def clock(name: str, title: str, reference: float | None = None, nothing: float | None = None) -> Clock:
        found = seen.get(name, NEVER)
        return Clock(name, title, found.second, found.entry, reference, nothing)

    return (
        Clock("onset", "What is wrong begins", onset, None, onset, onset),
        Clock("first_sli_breach", "An objective is first missed", broke[0], None, broke[1], broke[2]),
        clock("first_alert", "First alert"),
        clock("ack", "Somebody is on it"),
        clock("declared", "Stood down" if terms.nothing_wrong else "Declared", terms.declare_by),
        clock("ic_assigned", "Somebody leads", lead),
        clock("first_true_hypothesis", "The truth first proposed", named.due if named else None),
        clock("mitigation_started", "The right mitigation begins", acted),
        Clock("sli_restored", "All objectives are met again (held 3 min)", well[0], None, well[1], well[2]),
        clock("resolved", "Resolved", solved),
    )


def _seen(log: ExerciseLog, terms: Terms) -> Iterator[tuple[str, Seen]]:
    def first(rows: Iterator[tuple[object, object]]) -> Seen:
        for told, _ in rows:
            return Seen(told.second, told.seq)  # type: ignore[attr-defined]
        return NEVER

    yield "first_alert", first(log.all_of(e.AlertAttached))
    yield "ack", first(log.own_of(e.IncidentAcknowledged, e.AlertAcknowledged))
    if terms.nothing_wrong:
        down = log.stood_down
        yield "declared", Seen(down[0].second, down[0].seq) if down else NEVER
    else:
        yield "declared", Seen(log.declared.second, log.declared.seq) if log.declared else NEVER
    leads = (one for one in log.told if one.state.commander and one.state.commander not in log.hosts)
    yield "ic_assigned", first((one, None) for one in leads)
    true = true_ones(log, terms)
    yield (
        "first_true_hypothesis",
        first((told, event) for told, event in log.own_of(e.HypothesisProposed) if event.hypothesis in true),
    )
    right = {one.number for one in log.actions if one.action in terms.mitigations}
    yield (
        "mitigation_started",
        first((told, event) for told, event in log.all_of(e.ActionStarted) if event.number in right),
    )
    yield "resolved", Seen(log.resolved.second, log.resolved.seq) if log.resolved else NEVER


_SPANS = (
    ("declare", "Time to declare", "declared", "onset"),
    ("acknowledge", "Time to answer the alert", "ack", "first_alert"),
    ("lead", "Time to a leader", "ic_assigned", "declared"),
    ("find", "Time to the true hypothesis", "first_true_hypothesis", "onset"),
    ("act", "Time to the right mitigation", "mitigation_started", "onset"),
    ("restore", "Time until users were well", "sli_restored", "onset"),
    ("resolve", "Time to resolve", "resolved", "onset"),
)


def spans(found: tuple[Clock, ...]) -> tuple[Span, ...]:
    """The times between them, each with its formula."""
    by_id = {one.id: one for one in found}
    return tuple(
        Span(
            name,
            title,
            f"{end} - {start}",
            _between(by_id[start].second, by_id[end].second),
            _between(by_id[start].reference, by_id[end].reference),
            _between(by_id[start].nothing, by_id[end].nothing),
        )
        for name, title, end, start in _SPANS
    )


def _between(start: float | None, end: float | None) -> float | None:
    """None where one never came; whoever was there before it was needed took no time."""
    return None if start is None or end is None else max(0.0, end - start)
