"""Fold of a redaction: takes the erased words out of the state, wherever they were copied to.

Invariant: what is wiped here is what a fold over the tombstone leaves out, so that the live state and one folded again
from the log agree, but for words that stood before the erased ones (a summary, a correction): those only come back
when the log is folded again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from warroom.incident import events as e
from warroom.incident.folds.change import REDACTED, Changes, Fold, at_number
from warroom.incident.record import Record
from warroom.incident.state import Change, Entry, EvidencePin, IncidentState, Link, Task, Update
from warroom.incident.vector import Vector


def _redacted(state: IncidentState, _: Record, event: e.EntryRedacted) -> Changes:
    """Blank the entry and, as well as a fold that only looks forward can, what came from it."""
    entry = at_number(state.timeline, event.entry)
    if entry is None:
        return {}
    number = entry.ref if entry.kind in NUMBERED else None
    blank = replace(entry, text=REDACTED, redacted=True, ref=number)
    changes: Changes = {"timeline": state.timeline.replace(event.entry - 1, blank)}
    wipe = _WIPES.get(entry.kind)
    if wipe is not None:
        changes = {**changes, **wipe(state, entry, changes["timeline"])}
    return changes


def _wipe_correction(_: IncidentState, entry: Entry, timeline: Vector[Entry]) -> Changes:
    target = at_number(timeline, entry.ref or 0)
    if target is None or target.correction_seq != entry.seq:
        return {}
    plain = replace(target, correction="", corrected_by="", correction_seq=0)
    return {"timeline": timeline.replace(target.seq - 1, plain)}


_Wipe = Callable[[IncidentState, Entry, Vector[Entry]], Changes]


def _wipe_source(field: str) -> _Wipe:
    def wipe(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
        return {field: REDACTED} if state.sources.get(field) == entry.seq else {}

    return wipe


def _wipe_task(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    task = at_number(state.tasks, entry.ref or 0)
    if task is None:
        return {}
    plain = Task(
        task.number,
        task.seq,
        REDACTED,
        task.added_by,
        task.added_at,
        assignee=task.assignee,
        status=task.status,
        result=task.result,
        ended_at=task.ended_at,
        ended_by=task.ended_by,
    )
    return {"tasks": state.tasks.replace(task.number - 1, plain)}


def _wipe_hypothesis(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    item = at_number(state.hypotheses, entry.ref or 0)
    if item is None:
        return {}
    return {"hypotheses": state.hypotheses.replace(item.number - 1, replace(item, text=REDACTED))}


def _wipe_decision(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    item = at_number(state.decisions, entry.ref or 0)
    if item is None:
        return {}
    plain = replace(item, question=REDACTED, options=())
    return {"decisions": state.decisions.replace(item.number - 1, plain)}


def _wipe_objection(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    item = at_number(state.decisions, entry.ref or 0)
    if item is None:
        return {}
    kept = tuple(o for o in item.objections if o.seq != entry.seq)
    return {"decisions": state.decisions.replace(item.number - 1, replace(item, objections=kept))}


def _wipe_evidence(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    pin = at_number(state.evidence, entry.ref or 0)
    if pin is None:
        return {}
    plain = EvidencePin(pin.number, pin.seq, REDACTED, pin.who, pin.at)
    return {"evidence": state.evidence.replace(pin.number - 1, plain)}


_Sourced = TypeVar("_Sourced", Link, Change, Update)


def _without(items: Vector[_Sourced], seq: int) -> Vector[_Sourced]:
    return Vector(item for item in items if item.seq != seq)


def _wipe_link(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    return {"links": _without(state.links, entry.seq)}


def _wipe_panel(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    kept = tuple(panel for panel in state.board if panel.seq != entry.seq)
    return {"board": kept} if len(kept) < len(state.board) else {}


def _wipe_change(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    return {"changes": _without(state.changes, entry.seq)}


def _wipe_update(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    return {"updates": _without(state.updates, entry.seq)}


def _wipe_result(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    task = at_number(state.tasks, entry.ref or 0)
    if task is None or not task.result:
        return {}
    return {"tasks": state.tasks.replace(task.number - 1, replace(task, result=REDACTED))}


def _wipe_finding(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    item = at_number(state.hypotheses, entry.ref or 0)
    if item is None:
        return {}
    kept = tuple(finding for finding in item.evidence if finding.seq != entry.seq)
    status = kept[-1].verdict if kept else "proposed"
    return {"hypotheses": state.hypotheses.replace(item.number - 1, replace(item, evidence=kept, status=status))}


def _wipe_choice(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    item = at_number(state.decisions, entry.ref or 0)
    if item is None or item.taken_seq != entry.seq:
        return {}
    plain = replace(item, choice="", reason="", decided_by="", decided_at=None, taken_seq=None)
    return {"decisions": state.decisions.replace(item.number - 1, plain)}


def _wipe_alert(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    kept = Vector(alert for alert in state.alerts if alert.seq != entry.seq)
    index = {(alert.source, alert.fingerprint): place for place, alert in enumerate(kept)}
    return {"alerts": kept, "alert_index": index}


def _wipe_step(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    for place, book in enumerate(state.playbooks):
        for number, step in enumerate(book.steps):
            if step.seq == entry.seq:
                plain = replace(step, words=REDACTED)
                changed = replace(book, steps=(*book.steps[:number], plain, *book.steps[number + 1 :]))
                return {"playbooks": (*state.playbooks[:place], changed, *state.playbooks[place + 1 :])}
    return {}


_WIPES: dict[str, _Wipe] = {
    e.EntryCorrected.KIND: _wipe_correction,
    e.TitleChanged.KIND: _wipe_source("title"),
    e.SummaryChanged.KIND: _wipe_source("summary"),
    e.ImpactDescribed.KIND: _wipe_source("impact"),
    e.TaskAdded.KIND: _wipe_task,
    e.HypothesisProposed.KIND: _wipe_hypothesis,
    e.DecisionOpened.KIND: _wipe_decision,
    e.ObjectionRaised.KIND: _wipe_objection,
    e.EvidencePinned.KIND: _wipe_evidence,
    e.LinkAdded.KIND: _wipe_link,
    e.PanelAdded.KIND: _wipe_panel,
    e.ChangeRecorded.KIND: _wipe_change,
    e.UpdatePublished.KIND: _wipe_update,
    e.TaskFinished.KIND: _wipe_result,
    e.TaskDropped.KIND: _wipe_result,
    e.HypothesisSupported.KIND: _wipe_finding,
    e.HypothesisRefuted.KIND: _wipe_finding,
    e.HypothesisConfirmed.KIND: _wipe_finding,
    e.DecisionTaken.KIND: _wipe_choice,
    e.AlertAttached.KIND: _wipe_alert,
    e.StepCompleted.KIND: _wipe_step,
    e.StepSkipped.KIND: _wipe_step,
    e.StepReopened.KIND: _wipe_step,
}

NUMBERED = frozenset({e.TaskAdded.KIND, e.HypothesisProposed.KIND, e.DecisionOpened.KIND, e.EvidencePinned.KIND})
"""Kinds of the events that count something, and whose number outlives their words."""

REDACTABLE = frozenset({*_WIPES, e.NoteAdded.KIND, e.ChatPosted.KIND})
"""Kinds of the events that can be erased: they carry words, and what else hangs on them can be said again."""

FOLDS: dict[type[e.Event], Fold] = {e.EntryRedacted: _redacted}
