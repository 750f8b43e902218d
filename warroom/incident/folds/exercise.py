"""Folds of exercises: what is on offer, what reached the players, how far their actions are, how it ended."""

from __future__ import annotations

from dataclasses import replace

from warroom.incident import events as e
from warroom.incident.exercise_state import ActionState, ExerciseState, Mark, OfferedAction
from warroom.incident.folds.change import Changes, Fold, at_number
from warroom.incident.record import Record
from warroom.incident.state import IncidentState


def _started(_: IncidentState, record: Record, event: e.ExerciseStarted) -> Changes:
    told = event.exercise
    offered = tuple(
        OfferedAction(
            one.id, one.title, one.kind, one.target, one.takes_seconds, one.needs or "", one.approval or "", one.text
        )
        for one in told.actions
    )
    exercise = ExerciseState(
        told.scenario, told.version, told.title, told.seed, told.truth, told.safe_word, told.hosts, offered,
        told.roles, record.recorded_at, record.seq, told.speed, told.branch_of or "", told.branch_second,
    )  # fmt: skip
    return {"exercise": exercise}


def _edit(state: IncidentState, **changes: object) -> Changes:
    exercise = state.exercise
    return {} if exercise is None else {"exercise": replace(exercise, **changes)}  # type: ignore[arg-type]


def _inject(state: IncidentState, _: Record, event: e.InjectDelivered) -> Changes:
    return {} if state.exercise is None else _edit(state, injects=(*state.exercise.injects, event.inject))


def _hint(state: IncidentState, _: Record, event: e.HintGiven) -> Changes:
    if state.exercise is None:
        return {}
    told = (*state.exercise.injects, event.inject)
    return _edit(state, hints=state.exercise.hints + event.cost, injects=told)


def _withheld(state: IncidentState, _: Record, event: e.PersonWithheld) -> Changes:
    return {} if state.exercise is None else _edit(state, withheld=state.exercise.withheld | {event.who})


def _returned(state: IncidentState, _: Record, event: e.PersonReturned) -> Changes:
    return {} if state.exercise is None else _edit(state, withheld=state.exercise.withheld - {event.who})


def _pace(state: IncidentState, _: Record, event: e.PaceSet) -> Changes:
    return _edit(state, speed=event.speed)


def _world(state: IncidentState, _: Record, event: e.WorldChanged) -> Changes:
    return _edit(state, world_changes=event.number)


def _marked(state: IncidentState, record: Record, event: e.ExerciseMarked) -> Changes:
    if state.exercise is None:
        return {}
    mark = Mark(record.seq, event.rubric, event.points, event.text, event.hypothesis, event.verdict)
    return _edit(state, marks=(*state.exercise.marks, mark))


def _stopped(state: IncidentState, record: Record, event: e.ExerciseStopped) -> Changes:
    exercise = state.exercise
    if exercise is None:
        return {}
    first = exercise.stopped_at is None
    return _edit(
        state,
        stopped_at=record.recorded_at if first else exercise.stopped_at,
        stop_reason=event.reason if first else exercise.stop_reason,
        key=event.key or exercise.key,
        withheld=frozenset(),
    )


def _requested(state: IncidentState, record: Record, event: e.ActionRequested) -> Changes:
    asked = ActionState(
        event.number, record.seq, event.action, event.title, event.target, event.approval or "", record.actor,
        record.recorded_at,
    )  # fmt: skip
    return {"actions": state.actions.append(asked)}


def _action(state: IncidentState, number: int, **changes: object) -> Changes:
    found = at_number(state.actions, number)
    if found is None:
        return {}
    return {"actions": state.actions.replace(number - 1, replace(found, **changes))}  # type: ignore[arg-type]


def _approved(state: IncidentState, record: Record, event: e.ActionApproved) -> Changes:
    return _action(state, event.number, status="approved", approved_by=record.actor)


def _rejected(state: IncidentState, record: Record, event: e.ActionRejected) -> Changes:
    return _action(state, event.number, status="rejected", words=event.reason, ended_at=record.recorded_at)


def _action_started(state: IncidentState, record: Record, event: e.ActionStarted) -> Changes:
    return _action(state, event.number, status="running", started_at=record.recorded_at, ends_at=event.ends)


def _finished(state: IncidentState, record: Record, event: e.ActionFinished) -> Changes:
    return _action(
        state, event.number, status=event.outcome, ended_at=record.recorded_at, second=event.second, words=event.result
    )


def _rated(state: IncidentState, _: Record, event: e.HypothesisRated) -> Changes:
    found = at_number(state.hypotheses, event.hypothesis)
    if found is None:
        return {}
    rated = replace(found, probability=event.probability)
    return {"hypotheses": state.hypotheses.replace(event.hypothesis - 1, rated)}


def _said(_: IncidentState, __: Record, ___: e.Event) -> Changes:
    """The entry is all there is to it."""
    return {}


FOLDS: dict[type[e.Event], Fold] = {
    e.ExerciseStarted: _started,
    e.InjectDelivered: _inject,
    e.HintAsked: _said,
    e.HintGiven: _hint,
    e.PersonWithheld: _withheld,
    e.PersonReturned: _returned,
    e.PaceSet: _pace,
    e.WorldChanged: _world,
    e.ExerciseMarked: _marked,
    e.TruthRevealed: _said,
    e.ExerciseStopped: _stopped,
    e.ActionRequested: _requested,
    e.ActionApproved: _approved,
    e.ActionRejected: _rejected,
    e.ActionStarted: _action_started,
    e.ActionFinished: _finished,
    e.HypothesisRated: _rated,
}
