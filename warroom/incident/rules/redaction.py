"""Rule of redaction: what can be erased, and what of it is said again so that it is not lost with the words.

Once erased, an event counts for nothing when the log is folded again. So whatever it did besides saying something, and
that still holds, follows the redaction as events of its own: an assignee, a time, a task done, a decision taken, an
alert by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.fields import Alert
from warroom.incident.folds.change import REDACTED, at_number
from warroom.incident.folds.redaction import REDACTABLE
from warroom.incident.rules.rule import ALREADY, Ask, Need, Rule, conflict
from warroom.incident.rules.words import entry_at
from warroom.incident.state import Entry, IncidentState, StepState
from warroom.incident.verdict import Proposed, Refusal, Verdict


def _redact(ask: Ask, command: c.RedactEntry) -> Verdict:
    entry = entry_at(ask, command.entry)
    if isinstance(entry, Refusal):
        return entry
    if entry.redacted:
        return ALREADY
    if entry.kind == e.EntryRedacted.KIND:
        return conflict("a redaction stays on the record")
    if entry.kind not in REDACTABLE:
        return conflict(f"entry {entry.seq} ({entry.kind}) is part of what the incident is, and cannot be erased")
    said_again = _AGAIN.get(entry.kind)
    kept = said_again(ask.state, entry) if said_again else []
    return (Proposed(e.EntryRedacted(entry=command.entry, reason=command.reason)), *kept)


def _correction(state: IncidentState, entry: Entry) -> list[Proposed]:
    target = state.entry(entry.ref or 0)
    if target is None or target.occurred_at == target.recorded_at:
        return []
    return [Proposed(e.EntryCorrected(entry=target.seq, occurred_at=target.occurred_at))]


def _task(state: IncidentState, entry: Entry) -> list[Proposed]:
    task = at_number(state.tasks, entry.ref or 0)
    if task is None or not task.assignee:
        return []
    return [Proposed(e.TaskAssigned(task=task.number, assignee=task.assignee))]


def _task_end(state: IncidentState, entry: Entry) -> list[Proposed]:
    task = at_number(state.tasks, entry.ref or 0)
    if task is None:
        return []
    if task.status == "dropped":
        return [Proposed(e.TaskDropped(task=task.number, reason=REDACTED), task.ended_at)]
    return [Proposed(e.TaskFinished(task=task.number, result=REDACTED), task.ended_at)]


def _finding(state: IncidentState, entry: Entry) -> list[Proposed]:
    item = at_number(state.hypotheses, entry.ref or 0)
    if item is None or not item.evidence or item.evidence[-1].seq != entry.seq:
        return []
    last = item.evidence[-1]
    event = _VERDICTS[last.verdict](hypothesis=item.number, evidence=REDACTED, pins=last.pins)
    return [Proposed(event, last.at)]


_VERDICTS: dict[str, type[e.HypothesisSupported | e.HypothesisRefuted | e.HypothesisConfirmed]] = {
    "supported": e.HypothesisSupported,
    "refuted": e.HypothesisRefuted,
    "confirmed": e.HypothesisConfirmed,
}


def _decision(state: IncidentState, entry: Entry) -> list[Proposed]:
    item = at_number(state.decisions, entry.ref or 0)
    if item is None or item.taken_seq != entry.seq:
        return []
    event = e.DecisionTaken(decision=item.number, choice=REDACTED, decided_by=item.decided_by)
    return [Proposed(event, item.decided_at)]


def _update(state: IncidentState, _: Entry) -> list[Proposed]:
    return [Proposed(e.NextUpdateSet(due=state.next_update_due))]


def _alert(state: IncidentState, entry: Entry) -> list[Proposed]:
    found = next((alert for alert in state.alerts if alert.seq == entry.seq), None)
    if found is None:
        return []
    source, fingerprint, name = found.source, found.fingerprint, found.name
    bare = Alert(
        fingerprint=fingerprint,
        source=source,
        name=found.name,
        severity=found.severity,
        service=found.service,
        starts_at=found.starts_at,
    )
    again = [Proposed(e.AlertAttached(alert=bare), entry.occurred_at)]
    if found.status == "acknowledged":
        again.append(Proposed(e.AlertAcknowledged(source=source, fingerprint=fingerprint, name=name)))
    if found.status == "resolved":
        again.append(
            Proposed(e.AlertResolved(source=source, fingerprint=fingerprint, name=name, ended_at=found.ended_at))
        )
    return again


def _step(state: IncidentState, entry: Entry) -> list[Proposed]:
    for book in state.playbooks:
        for step in book.steps:
            if step.seq == entry.seq:
                return [Proposed(_STEP_EVENTS[step.status](book.id, step), step.at)]
    return []


_STEP_EVENTS: dict[str, Callable[[str, StepState], e.Event]] = {
    "done": lambda book, step: e.StepCompleted(playbook=book, step=step.id, result=REDACTED),
    "skipped": lambda book, step: e.StepSkipped(playbook=book, step=step.id, reason=REDACTED),
    "open": lambda book, step: e.StepReopened(playbook=book, step=step.id, reason=REDACTED),
}

_AGAIN: dict[str, Callable[[IncidentState, Entry], list[Proposed]]] = {
    e.EntryCorrected.KIND: _correction,
    e.TaskAdded.KIND: _task,
    e.TaskFinished.KIND: _task_end,
    e.TaskDropped.KIND: _task_end,
    e.HypothesisSupported.KIND: _finding,
    e.HypothesisRefuted.KIND: _finding,
    e.HypothesisConfirmed.KIND: _finding,
    e.DecisionTaken.KIND: _decision,
    e.UpdatePublished.KIND: _update,
    e.AlertAttached.KIND: _alert,
    e.StepCompleted.KIND: _step,
    e.StepSkipped.KIND: _step,
    e.StepReopened.KIND: _step,
}

RULES: dict[type[c.Command], tuple[Need, Rule]] = {c.RedactEntry: (Need.GUARD, _redact)}
