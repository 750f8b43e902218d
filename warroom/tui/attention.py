"""What calls for a person: a mention, an offer of command, a task, a SEV1; and how often it may ring.

Invariant: nothing here takes the focus or the screen; whatever comes, the bell rings at most once in five seconds.
"""

from __future__ import annotations

import math

from warroom.incident.state import IncidentState
from warroom.incident.words import Severity
from warroom.tui.panes.chat import mentions

BETWEEN_BELLS = 5.0
"""Seconds."""
_SPOKEN = frozenset({"chat-posted", "note-added", "update-published"})
_MOST = 50


def calls_for(before: IncidentState, after: IncidentState, me: str) -> tuple[str, ...]:
    """What came between two states that asks for this person, one sentence each; never what they did themselves."""
    found = []
    offer = after.offer
    if offer is not None and offer.to == me and (before.offer is None or before.offer.to != me):
        found.append(f"Command of {after.id} is offered to you")
    if after.severity is Severity.SEV1 and before.severity is not Severity.SEV1 and before.seq:
        found.append(f"{after.id} is SEV1 now: {after.title}")
    had = {task.number for task in before.tasks if task.assignee == me}
    for seq in range(max(before.seq, after.seq - _MOST) + 1, after.seq + 1):
        entry = after.entry(seq)
        if entry is None or entry.actor == me:
            continue
        if entry.kind in _SPOKEN and mentions(entry.words, me):
            found.append(f"{entry.actor}: {entry.words}")
        elif entry.kind in ("task-added", "task-assigned") and entry.ref is not None and entry.ref not in had:
            task = next((one for one in after.tasks if one.number == entry.ref and one.assignee == me), None)
            found += [f"{entry.actor} gives you task {task.number}: {task.title}"] if task is not None else []
    return tuple(found)


class Bell:
    """Says whether it may ring now."""

    def __init__(self) -> None:
        self._last = -math.inf

    def may_ring(self, now: float) -> bool:
        """Whether enough time has gone by; `now` in seconds of a clock that does not jump. Counts as a ring if so."""
        if now - self._last < BETWEEN_BELLS:
            return False
        self._last = now
        return True


def desktop_notification(words: str) -> str:
    """The escape sequence OSC 9 by which many terminals show a notification of the desktop.

    Source: iTerm2's proprietary escape codes, taken over by Windows Terminal, WezTerm, Ghostty and others. What is
    not printable is left out, since it could end the sequence early.
    """
    clean = "".join(char for char in words if char.isprintable())[:200]
    return f"\x1b]9;{clean}\x07"
