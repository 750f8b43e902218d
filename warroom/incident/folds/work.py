"""Folds of the work: tasks, hypotheses, decisions, evidence. Each is numbered by its place, so a lost one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from warroom.incident import events as e
from warroom.incident.folds.change import REDACTED, Changes, Fold, at_number
from warroom.incident.record import Record
from warroom.incident.state import Decision, EvidencePin, Finding, Hypothesis, IncidentState, Objection, Task


def _task_added(state: IncidentState, record: Record, event: e.TaskAdded | None) -> Changes:
    task = Task(len(state.tasks) + 1, record.seq, REDACTED, record.actor, record.occurred_at)
    if event is not None:
        box = event.time_box_minutes
        due = event.due or (record.occurred_at + timedelta(minutes=box) if box else None)
        task = replace(
            task,
            title=event.title,
            assignee=event.assignee or "",
            time_box_minutes=box,
            due_at=due,
            follow_up=event.follow_up,
        )
    return {"tasks": state.tasks.append(task)}


def _task(state: IncidentState, number: int, **changes: object) -> Changes:
    task = at_number(state.tasks, number)
    return {} if task is None else {"tasks": state.tasks.replace(number - 1, replace(task, **changes))}  # type: ignore[arg-type]


def _task_assigned(state: IncidentState, _: Record, event: e.TaskAssigned) -> Changes:
    task = at_number(state.tasks, event.task)
    if task is None or task.assignee == event.assignee:
        return {}
    # Whoever it is given to has not acknowledged it yet.
    status = "open" if task.status == "acknowledged" else task.status
    return _task(state, event.task, assignee=event.assignee, status=status)


def _task_acknowledged(state: IncidentState, record: Record, event: e.TaskAcknowledged) -> Changes:
    task = at_number(state.tasks, event.task)
    assignee = task.assignee if task is not None and task.assignee else record.actor
    return _task(state, event.task, status="acknowledged", assignee=assignee)


def _task_finished(state: IncidentState, record: Record, event: e.TaskFinished) -> Changes:
    return _task(
        state, event.task, status="done", result=event.result, ended_at=record.occurred_at, ended_by=record.actor
    )


def _task_dropped(state: IncidentState, record: Record, event: e.TaskDropped) -> Changes:
    return _task(
        state, event.task, status="dropped", result=event.reason, ended_at=record.occurred_at, ended_by=record.actor
    )


def _proposed(state: IncidentState, record: Record, event: e.HypothesisProposed | None) -> Changes:
    text = REDACTED if event is None else event.text
    made = Hypothesis(len(state.hypotheses) + 1, record.seq, text, record.actor, record.occurred_at)
    return {"hypotheses": state.hypotheses.append(made)}


_Verdict = e.HypothesisSupported | e.HypothesisRefuted | e.HypothesisConfirmed
_VERDICTS: dict[type[e.Event], str] = {
    e.HypothesisSupported: "supported",
    e.HypothesisRefuted: "refuted",
    e.HypothesisConfirmed: "confirmed",
}


def _judged(state: IncidentState, record: Record, event: _Verdict) -> Changes:
    hypothesis = at_number(state.hypotheses, event.hypothesis)
    if hypothesis is None:
        return {}
    verdict = _VERDICTS[type(event)]
    finding = Finding(record.seq, verdict, record.actor, record.occurred_at, event.evidence, event.pins)
    judged = replace(hypothesis, status=verdict, evidence=(*hypothesis.evidence, finding))
    return {"hypotheses": state.hypotheses.replace(event.hypothesis - 1, judged)}


def _opened(state: IncidentState, record: Record, event: e.DecisionOpened | None) -> Changes:
    question, options = (REDACTED, ()) if event is None else (event.question, event.options)
    made = Decision(len(state.decisions) + 1, record.seq, question, record.actor, record.occurred_at, options)
    return {"decisions": state.decisions.append(made)}


def _objected(state: IncidentState, record: Record, event: e.ObjectionRaised) -> Changes:
    decision = at_number(state.decisions, event.decision)
    if decision is None:
        return {}
    objection = Objection(record.seq, record.actor, record.occurred_at, event.text)
    changed = replace(decision, objections=(*decision.objections, objection))
    return {"decisions": state.decisions.replace(event.decision - 1, changed)}


def _taken(state: IncidentState, record: Record, event: e.DecisionTaken) -> Changes:
    decision = at_number(state.decisions, event.decision)
    if decision is None:
        return {}
    changed = replace(
        decision,
        choice=event.choice,
        reason=event.reason,
        decided_by=event.decided_by,
        decided_at=record.occurred_at,
        taken_seq=record.seq,
    )
    return {"decisions": state.decisions.replace(event.decision - 1, changed)}


def _evidence_pinned(state: IncidentState, record: Record, event: e.EvidencePinned | None) -> Changes:
    number = len(state.evidence) + 1
    pin = EvidencePin(number, record.seq, REDACTED, record.actor, record.occurred_at)
    if event is not None:
        seen = event.evidence
        pin = EvidencePin(
            number,
            record.seq,
            seen.title,
            record.actor,
            record.occurred_at,
            seen.source,
            seen.query,
            seen.unit,
            seen.start,
            seen.end,
            seen.step_seconds,
            tuple((line.label, line.times, line.values) for line in seen.series),
            seen.note,
            seen.kind,
            seen.data,
        )
    return {"evidence": state.evidence.append(pin)}


FOLDS: dict[type[e.Event], Fold] = {
    e.TaskAdded: _task_added,
    e.TaskAssigned: _task_assigned,
    e.TaskAcknowledged: _task_acknowledged,
    e.TaskFinished: _task_finished,
    e.TaskDropped: _task_dropped,
    e.HypothesisProposed: _proposed,
    e.HypothesisSupported: _judged,
    e.HypothesisRefuted: _judged,
    e.HypothesisConfirmed: _judged,
    e.DecisionOpened: _opened,
    e.ObjectionRaised: _objected,
    e.DecisionTaken: _taken,
    e.EvidencePinned: _evidence_pinned,
}

PLACEHOLDERS: dict[str, Fold] = {
    e.TaskAdded.KIND: _task_added,
    e.HypothesisProposed.KIND: _proposed,
    e.DecisionOpened.KIND: _opened,
    e.EvidencePinned.KIND: _evidence_pinned,
}
"""What a tombstone of that kind still adds, so that the numbers of those after it stay right."""
