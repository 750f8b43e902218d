"""Folds of what is written: notes, chat, corrections, pins."""

from __future__ import annotations

from dataclasses import replace

from warroom.incident import events as e
from warroom.incident.folds.change import Changes, Fold, at_number
from warroom.incident.record import Record
from warroom.incident.state import IncidentState


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


FOLDS: dict[type[e.Event], Fold] = {
    e.NoteAdded: _nothing,
    e.ChatPosted: _chat_posted,
    e.EntryCorrected: _corrected,
    e.EntryPinned: _pinned,
    e.EntryUnpinned: _unpinned,
}

PLACEHOLDERS: dict[str, Fold] = {e.ChatPosted.KIND: _chat_posted}
"""What a tombstone of that kind still adds."""
