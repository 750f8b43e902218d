"""Folds of what is written: notes, chat, corrections, pins, and the redaction of any of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from warroom.incident import events as e
from warroom.incident.folds.change import REDACTED, Changes, Fold, at_number
from warroom.incident.record import Record
from warroom.incident.state import (
    Change,
    Entry,
    EvidencePin,
    IncidentState,
    Link,
    Task,
    Update,
)
from warroom.incident.vector import Vector


def _nothing(_: IncidentState, __: Record, ___: e.NoteAdded) -> Changes:
    return {}


def _chat_posted(state: IncidentState, record: Record, _: e.ChatPosted | None) -> Changes:
    return {"chat": state.chat.append(record.seq)}


def _corrected(state: IncidentState, record: Record, event: e.EntryCorrected) -> Changes:
    entry = at_number(state.timeline, event.entry)
    if entry is None:
        return {}
    if event.text:
        entry = replace(entry, correction=event.text, corrected_by=record.actor, correction_seq=record.seq)
    if event.occurred_at is not None:
        entry = replace(entry, occurred_at=event.occurred_at)
    return {"timeline": state.timeline.replace(event.entry - 1, entry)}


def _pinned(state: IncidentState, _: Record, event: e.EntryPinned) -> Changes:
    entry = at_number(state.timeline, event.entry)
    if entry is None or entry.pinned:
        return {}
    return {
        "timeline": state.timeline.replace(event.entry - 1, replace(entry, pinned=True)),
        "pins": (*state.pins, event.entry),
    }


def _unpinned(state: IncidentState, _: Record, event: e.EntryUnpinned) -> Changes:
    entry = at_number(state.timeline, event.entry)
    if entry is None or not entry.pinned:
        return {}
    return {
        "timeline": state.timeline.replace(event.entry - 1, replace(entry, pinned=False)),
        "pins": tuple(pin for pin in state.pins if pin != event.entry),
    }


def _redacted(state: IncidentState, _: Record, event: e.EntryRedacted) -> Changes:
    """Blank the entry and, as well as a fold that only looks forward can, what came from it.

    The words go everywhere they were copied to. What an earlier event had said in their place (the summary before,
    the correction before) does not come back here: whoever can read the log folds it again from its tombstones.
    """
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


def _wipe_change(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    return {"changes": _without(state.changes, entry.seq)}


def _wipe_update(state: IncidentState, entry: Entry, _: Vector[Entry]) -> Changes:
    return {"updates": _without(state.updates, entry.seq)}


_WIPES: dict[str, _Wipe] = {
    e.EntryCorrected.TAG: _wipe_correction,
    e.TitleChanged.TAG: _wipe_source("title"),
    e.SummaryChanged.TAG: _wipe_source("summary"),
    e.ImpactDescribed.TAG: _wipe_source("impact"),
    e.TaskAdded.TAG: _wipe_task,
    e.HypothesisProposed.TAG: _wipe_hypothesis,
    e.DecisionOpened.TAG: _wipe_decision,
    e.ObjectionRaised.TAG: _wipe_objection,
    e.EvidencePinned.TAG: _wipe_evidence,
    e.LinkAdded.TAG: _wipe_link,
    e.ChangeRecorded.TAG: _wipe_change,
    e.UpdatePublished.TAG: _wipe_update,
}

NUMBERED = frozenset({e.TaskAdded.TAG, e.HypothesisProposed.TAG, e.DecisionOpened.TAG, e.EvidencePinned.TAG})
"""Tags of the events that count something, and whose number outlives their words."""

REDACTABLE = frozenset({*_WIPES, e.NoteAdded.TAG, e.ChatPosted.TAG})
"""Tags of the events that can be erased: they carry words, and nothing else hangs on them."""

FOLDS: dict[type[e.Event], Fold] = {
    e.NoteAdded: _nothing,
    e.ChatPosted: _chat_posted,
    e.EntryCorrected: _corrected,
    e.EntryPinned: _pinned,
    e.EntryUnpinned: _unpinned,
    e.EntryRedacted: _redacted,
}

PLACEHOLDERS: dict[str, Fold] = {e.ChatPosted.TAG: _chat_posted}
"""What a tombstone of that tag still adds."""
