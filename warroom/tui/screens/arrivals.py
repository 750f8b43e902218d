"""What a person is told about what came while they looked, while they were away, and while the line was down.

Invariant: each thing is told once; what a person did themselves is never news to them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from warroom.client.view import RoomView
from warroom.incident.state import IncidentState
from warroom.tui.attention import calls_for

_NEW_HERE = 12
"""A log of more entries than this is a reason to show a newcomer the brief."""


class Told(NamedTuple):
    """`brief` opens it, `tell` says the words, `call` says that they ask for this very person."""

    how: Literal["brief", "tell", "call"]
    words: str = ""


class Arrivals:
    """Follows one room. `since` is the last entry this person knew before they, or their line, were away."""

    def __init__(self) -> None:
        self.since = 0
        self._welcomed = False
        self._away: int | None = None
        self._known: IncidentState | None = None

    def take(self, room: RoomView, seen: int | None, me: str) -> list[Told]:
        """What to tell on this view. `seen` is the last entry seen in an earlier session, None if never here."""
        told: list[Told] = []
        if room.stale and self._welcomed and self._away is None and self._known is not None:
            self._away = self._known.seq
        if not room.caught_up or room.state.seq == 0 or (room.stale and self._welcomed):
            return told
        state = room.state
        if not self._welcomed or self._known is None:
            self._welcomed, self._known, self.since = True, state, seen or 0
            if seen is None and state.seq > _NEW_HERE:
                told.append(Told("brief"))
            elif seen is not None and 0 < seen < state.seq:
                told.append(Told("tell", f"{state.seq - seen} entries since you left; b tells them"))
            return told
        if self._away is not None:
            entries = (state.entry(seq) for seq in range(self._away + 1, state.seq + 1))
            missed = sum(one is not None and one.actor != me for one in entries)
            if missed:
                self.since = self._away
                told.append(Told("tell", f"{missed} entries came while the line was down; b tells them"))
            self._away = None
        told += [Told("call", words) for words in calls_for(self._known, state, me)]
        self._known = state
        return told
