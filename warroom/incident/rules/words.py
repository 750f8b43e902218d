"""Rules of what is written: notes, chat, corrections, pins."""

from __future__ import annotations

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.rules.rule import ALREADY, Ask, Need, Rule, events, invalid, limit, not_found, past
from warroom.incident.state import Entry
from warroom.incident.verdict import Proposed, Refusal, Verdict

MOST_PINS = 200


def entry_at(ask: Ask, seq: int) -> Entry | Refusal:
    """The entry with that number, or the refusal that there is none."""
    entry = ask.state.entry(seq)
    return not_found(f"{ask.state.id} has no entry {seq}") if entry is None else entry


def _note(ask: Ask, command: c.AddNote) -> Verdict:
    at = past(ask, command.occurred_at)
    if isinstance(at, Refusal):
        return at
    return (Proposed(e.NoteAdded(text=command.text), at),)


def _chat(_: Ask, command: c.PostChat) -> Verdict:
    return events(e.ChatPosted(text=command.text))


def _correct(ask: Ask, command: c.CorrectEntry) -> Verdict:
    entry = entry_at(ask, command.entry)
    if isinstance(entry, Refusal):
        return entry
    if not command.text and command.occurred_at is None:
        return invalid("a correction gives the right text, the right time, or both")
    at = past(ask, command.occurred_at)
    if isinstance(at, Refusal):
        return at
    same_text = not command.text or command.text == entry.words
    if same_text and at in (None, entry.occurred_at):
        return ALREADY
    return events(e.EntryCorrected(entry=command.entry, text=command.text, occurred_at=at, reason=command.reason))


def _pin(ask: Ask, command: c.PinEntry) -> Verdict:
    entry = entry_at(ask, command.entry)
    if isinstance(entry, Refusal):
        return entry
    if entry.pinned:
        return ALREADY
    if len(ask.state.pins) >= MOST_PINS:
        return limit("pinned entries", MOST_PINS)
    return events(e.EntryPinned(entry=command.entry))


def _unpin(ask: Ask, command: c.UnpinEntry) -> Verdict:
    entry = entry_at(ask, command.entry)
    if isinstance(entry, Refusal):
        return entry
    return events(e.EntryUnpinned(entry=command.entry)) if entry.pinned else ALREADY


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.AddNote: (Need.WORK, _note),
    c.PostChat: (Need.WORK, _chat),
    c.CorrectEntry: (Need.WORK, _correct),
    c.PinEntry: (Need.WORK, _pin),
    c.UnpinEntry: (Need.WORK, _unpin),
}
