"""What reached a player of an exercise: injects, hints, parts of the truth, and whispers that are not on the log.

Invariant: only the words of a whisper come from a question to the server; all else stands on the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Duty

KINDS = {"inject-delivered": "inject", "hint-given": "hint", "truth-revealed": "truth"}
_PRIVATE = " in private ("


@dataclass(frozen=True, slots=True)
class Letter:
    """`kind` is inject, whisper, hint or truth. `to` is empty for everybody. `key` holds on to it."""

    key: str
    kind: str
    at: datetime
    sender: str
    to: str
    text: str

    @property
    def words(self) -> str:
        """What is copied to the clipboard."""
        return self.text


def is_private(entry: Entry) -> bool:
    """Whether an entry says only that somebody was spoken to in private."""
    return entry.kind == "inject-delivered" and " spoke to " in entry.text and _PRIVATE in entry.text


def private_to(entry: Entry) -> str:
    """Whom it was said to: a person, a duty, or all."""
    _, _, rest = entry.text.partition(" spoke to ")
    return rest.partition(_PRIVATE)[0]


def is_for(entry: Entry, state: IncidentState, me: str) -> bool:
    """Whether a private word is for this person, by name or by a duty they hold or held."""
    to = private_to(entry)
    if to in ("all", me):
        return True
    if to not in set(Duty):
        return False
    held = (one.duty for one in (*state.roles, *state.past_roles) if one.who == me)
    return Duty(to) in held


def concerns(entry: Entry, state: IncidentState, me: str) -> bool:
    """Whether an entry is something in this person's inbox."""
    return entry.kind in KINDS and (not is_private(entry) or is_for(entry, state, me))


def letters(state: IncidentState, whispers: Iterable[Mapping[str, Any]]) -> list[Letter]:
    """Everything in the inbox, newest first. `whispers` is the server's answer, one mapping for each."""
    found = [_of_entry(entry) for entry in state.timeline if entry.kind in KINDS and not is_private(entry)]
    found += [_of_whisper(number, one) for number, one in enumerate(whispers)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _of_entry(entry: Entry) -> Letter:
    kind = KINDS[entry.kind]
    if kind != "inject":
        return Letter(f"entry:{entry.seq}", kind, entry.recorded_at, entry.actor, "", entry.words)
    # `Sender to duty (method): words`, as the log tells an inject.
    head, _, text = entry.words.partition("): ")
    who, _, method = head.rpartition(" (")
    sender, _, to = who.partition(" to ")
    if not text:
        return Letter(f"entry:{entry.seq}", kind, entry.recorded_at, entry.actor, "", entry.words)
    by = f"{sender} by {method}" if method and method != "channel" else sender
    return Letter(f"entry:{entry.seq}", kind, entry.recorded_at, by, to, text)


def _of_whisper(number: int, one: Mapping[str, Any]) -> Letter:
    at = datetime.fromisoformat(str(one["at"]))
    return Letter(f"whisper:{number}", "whisper", at, str(one["sender"]), str(one["to"]), str(one["text"]))


class Inbox:
    """What this console's person has read of it, by incident; lasts as long as the console."""

    def __init__(self, me: Callable[[], str]) -> None:
        self._me = me
        self._read: dict[str, int] = {}
        self._counted: dict[str, tuple[int, int, int]] = {}

    def unread(self, state: IncidentState) -> int:
        """How many came since the inbox was open last."""
        exercise = state.exercise
        me = self._me()
        if exercise is None or me in exercise.hosts:
            return 0
        read = self._read.get(state.id, 0)
        since, seq, count = self._counted.get(state.id, (read, read, 0))
        if since != read or seq > state.seq:
            seq, count = read, 0
        entries = (state.entry(one) for one in range(seq + 1, state.seq + 1))
        count += sum(entry is not None and concerns(entry, state, me) for entry in entries)
        self._counted[state.id] = (read, state.seq, count)
        return count

    def read(self, state: IncidentState) -> None:
        """Everything of it has been seen."""
        self._read[state.id] = state.seq

    def seen(self, incident: str) -> int:
        """The last entry that was there when it was open."""
        return self._read.get(incident, 0)
