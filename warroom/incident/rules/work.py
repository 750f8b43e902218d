"""Rules of the work: tasks, hypotheses, decisions, evidence pins."""

from __future__ import annotations

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.folds.change import at_number
from warroom.incident.rules.rule import (
    ALREADY,
    Ask,
    Need,
    Rule,
    conflict,
    events,
    invalid,
    known_as,
    limit,
    not_found,
    refuse,
)
from warroom.incident.state import Decision, Hypothesis, Task
from warroom.incident.verdict import Reason, Refusal, Verdict

MOST_TASKS = 500
MOST_HYPOTHESES = 200
MOST_DECISIONS = 200
MOST_EVIDENCE = 200
MOST_FINDINGS = 100
MOST_OBJECTIONS = 50
MOST_SAMPLES = 4000
MOST_DATA = 8 * 1024 * 1024
"""Bytes of the data of all evidence but metrics: a snapshot carries them to everybody who comes."""


def _task(ask: Ask, number: int) -> Task | Refusal:
    task = at_number(ask.state.tasks, number)
    return not_found(f"{ask.state.id} has no task {number}") if task is None else task


def _open_task(ask: Ask, number: int) -> Task | Refusal:
    task = _task(ask, number)
    if isinstance(task, Task) and task.status in ("done", "dropped"):
        return conflict(f"task {number} is {task.status} already, by {task.ended_by}")
    return task


def _add_task(ask: Ask, command: c.AddTask) -> Verdict:
    state = ask.state
    if state.status.is_over and not command.follow_up:
        return refuse(Reason.OVER, f"{state.id} is {state.status}: only follow-up tasks are added now")
    if command.due is not None and command.due <= ask.at:
        return invalid(f"the task would be due in the past: {command.due:%Y-%m-%d %H:%M} UTC")
    if len(state.tasks) >= MOST_TASKS:
        return limit("tasks", MOST_TASKS)
    return events(
        e.TaskAdded(
            task=len(state.tasks) + 1,
            title=command.title,
            assignee=known_as(ask, command.assignee) if command.assignee else None,
            time_box_minutes=command.time_box_minutes,
            follow_up=command.follow_up,
            due=command.due,
        )
    )


def _assign_task(ask: Ask, command: c.AssignTask) -> Verdict:
    task = _open_task(ask, command.task)
    if isinstance(task, Refusal):
        return task
    assignee = known_as(ask, command.assignee)
    if task.assignee == assignee:
        return ALREADY
    return events(e.TaskAssigned(task=command.task, assignee=assignee))


def _acknowledge_task(ask: Ask, command: c.AcknowledgeTask) -> Verdict:
    task = _open_task(ask, command.task)
    if isinstance(task, Refusal):
        return task
    if task.assignee not in ("", ask.actor.name):
        return refuse(Reason.NOT_ALLOWED, f"task {task.number} is {task.assignee}'s to acknowledge")
    return ALREADY if task.status == "acknowledged" else events(e.TaskAcknowledged(task=command.task))


def _finish_task(ask: Ask, command: c.FinishTask) -> Verdict:
    task = _open_task(ask, command.task)
    if isinstance(task, Refusal):
        return task
    return events(e.TaskFinished(task=command.task, result=command.result))


def _drop_task(ask: Ask, command: c.DropTask) -> Verdict:
    task = _open_task(ask, command.task)
    if isinstance(task, Refusal):
        return task
    return events(e.TaskDropped(task=command.task, reason=command.reason))


def _propose(ask: Ask, command: c.ProposeHypothesis) -> Verdict:
    number = len(ask.state.hypotheses) + 1
    if number > MOST_HYPOTHESES:
        return limit("hypotheses", MOST_HYPOTHESES)
    proposed = e.HypothesisProposed(hypothesis=number, text=command.text)
    if command.probability is None:
        return events(proposed)
    return events(proposed, e.HypothesisRated(hypothesis=number, probability=command.probability))


_Judgement = c.SupportHypothesis | c.RefuteHypothesis | c.ConfirmHypothesis
_JUDGED: dict[
    type[c.Command], tuple[str, type[e.HypothesisSupported | e.HypothesisRefuted | e.HypothesisConfirmed]]
] = {
    c.SupportHypothesis: ("supported", e.HypothesisSupported),
    c.RefuteHypothesis: ("refuted", e.HypothesisRefuted),
    c.ConfirmHypothesis: ("confirmed", e.HypothesisConfirmed),
}


def _hypothesis(ask: Ask, number: int) -> Hypothesis | Refusal:
    found = at_number(ask.state.hypotheses, number)
    return not_found(f"{ask.state.id} has no hypothesis {number}") if found is None else found


def _judge(ask: Ask, command: _Judgement) -> Verdict:
    found = _hypothesis(ask, command.hypothesis)
    if isinstance(found, Refusal):
        return found
    for pin in command.pins:
        if pin > len(ask.state.evidence):
            return not_found(f"{ask.state.id} has no evidence {pin}")
    verdict, event = _JUDGED[type(command)]
    if found.status == verdict and not command.evidence and not command.pins:
        return ALREADY
    if len(found.evidence) >= MOST_FINDINGS:
        return limit("findings for one hypothesis", MOST_FINDINGS)
    pins = tuple(dict.fromkeys(command.pins))
    return events(event(hypothesis=command.hypothesis, evidence=command.evidence, pins=pins))


def _open_decision(ask: Ask, command: c.OpenDecision) -> Verdict:
    number = len(ask.state.decisions) + 1
    if number > MOST_DECISIONS:
        return limit("decisions", MOST_DECISIONS)
    options = tuple(dict.fromkeys(command.options))
    return events(e.DecisionOpened(decision=number, question=command.question, options=options))


def _undecided(ask: Ask, number: int) -> Decision | Refusal:
    decision = at_number(ask.state.decisions, number)
    if decision is None:
        return not_found(f"{ask.state.id} has no decision {number}")
    if decision.choice:
        return conflict(f"decision {number} is taken, by {decision.decided_by}")
    return decision


def _object(ask: Ask, command: c.RaiseObjection) -> Verdict:
    decision = _undecided(ask, command.decision)
    if isinstance(decision, Refusal):
        return decision
    if len(decision.objections) >= MOST_OBJECTIONS:
        return limit("objections to one decision", MOST_OBJECTIONS)
    return events(e.ObjectionRaised(decision=command.decision, text=command.text))


def _decide(ask: Ask, command: c.TakeDecision) -> Verdict:
    me = ask.actor.name
    if command.decision is not None:
        decision = _undecided(ask, command.decision)
        if isinstance(decision, Refusal):
            return decision
        return events(
            e.DecisionTaken(decision=command.decision, choice=command.choice, reason=command.reason, decided_by=me)
        )
    if not command.question:
        return invalid("name the decision's number, or the question that is decided")
    number = len(ask.state.decisions) + 1
    if number > MOST_DECISIONS:
        return limit("decisions", MOST_DECISIONS)
    return events(
        e.DecisionOpened(decision=number, question=command.question),
        e.DecisionTaken(decision=number, choice=command.choice, reason=command.reason, decided_by=me),
    )


def _pin_evidence(ask: Ask, command: c.PinEvidence) -> Verdict:
    evidence = command.evidence
    for line in evidence.series:
        if len(line.times) != len(line.values):
            return invalid(f"series {line.label!r} has {len(line.times)} times and {len(line.values)} values")
    if sum(len(line.times) for line in evidence.series) > MOST_SAMPLES:
        return refuse(Reason.LIMIT, f"one evidence pin holds at most {MOST_SAMPLES} samples; widen the step")
    if evidence.start is not None and evidence.end is not None and evidence.end < evidence.start:
        return invalid("the evidence ends before it starts")
    if evidence.kind not in ("metric", "text") and not evidence.data:
        return invalid(f"evidence of kind {evidence.kind} needs what was seen in `data`")
    if evidence.kind != "metric" and evidence.series:
        return invalid(f"evidence of kind {evidence.kind} keeps what was seen in `data`, not in `series`")
    if evidence.data and len(evidence.data) + sum(len(pin.data) for pin in ask.state.evidence) > MOST_DATA:
        return refuse(Reason.LIMIT, f"all evidence of an incident holds at most {MOST_DATA} bytes of data")
    number = len(ask.state.evidence) + 1
    if number > MOST_EVIDENCE:
        return limit("evidence pins", MOST_EVIDENCE)
    return events(e.EvidencePinned(number=number, evidence=evidence))


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.AddTask: (Need.WORK, _add_task),
    c.AssignTask: (Need.WORK, _assign_task),
    c.AcknowledgeTask: (Need.WORK, _acknowledge_task),
    c.FinishTask: (Need.WORK, _finish_task),
    c.DropTask: (Need.WORK, _drop_task),
    c.ProposeHypothesis: (Need.WORK, _propose),
    c.SupportHypothesis: (Need.WORK, _judge),
    c.RefuteHypothesis: (Need.WORK, _judge),
    c.ConfirmHypothesis: (Need.WORK, _judge),
    c.OpenDecision: (Need.WORK, _open_decision),
    c.RaiseObjection: (Need.WORK, _object),
    c.TakeDecision: (Need.WORK, _decide),
    c.PinEvidence: (Need.WORK, _pin_evidence),
}
