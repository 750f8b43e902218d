"""Who is here, what they look at, and who is away: never stored, never replayed.

Invariant: one frame an incident at most every `EVERY` seconds, whatever people do; above `MOST` people observers
are a number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from warroom.incident.state import Actor
from warroom.incident.words import Access
from warroom.wire import messages as m

EVERY = 0.2
MOST = 200
IDLE_SECONDS = 120
LOST_SECONDS = 35.0
TYPING_SECONDS = 8.0


class Visitor(Protocol):
    """A session as presence sees it."""

    @property
    def actor(self) -> Actor: ...
    @property
    def kind(self) -> str: ...


@dataclass(slots=True)
class Mark:
    """What one session last said of itself. `lost_at` is set when its connection broke."""

    name: str
    access: str
    kind: str
    since: str
    looking_at: str = ""
    idle: int = 0
    typing_until: float = 0.0
    lost_at: float = 0.0

    def person(self, now: float) -> m.Person:
        state = "lost" if self.lost_at else "idle" if self.idle >= IDLE_SECONDS else "here"
        return m.Person(
            name=self.name,
            access=self.access,
            kind=self.kind,
            state=state,
            looking_at=self.looking_at,
            typing=now < self.typing_until,
            since=self.since,
        )


class Presence:
    """The people in one incident. `publish` is called with a frame for all who follow."""

    def __init__(self, incident: str, publish: Callable[[m.PresenceDown], None]) -> None:
        self._incident = incident
        self._publish = publish
        self._marks: dict[Visitor, Mark] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._said: m.PresenceDown | None = None
        self._built: m.PresenceDown | None = None
        self._built_at = 0.0
        self._loop = asyncio.get_running_loop()

    def enter(self, who: Visitor, since: str) -> None:
        """A session follows the incident; it takes the place of one of the same person that was lost."""
        name = who.actor.name
        for visitor in [v for v, mark in self._marks.items() if mark.name == name and mark.lost_at]:
            del self._marks[visitor]
        self._marks[who] = Mark(name, who.actor.access.value, who.kind, since)
        self._said = None
        self._changed()

    def says(self, who: Visitor, frame: m.PresenceUp) -> None:
        mark = self._marks.get(who)
        if mark is None:
            return
        mark.looking_at = frame.looking_at
        mark.idle = frame.idle
        mark.typing_until = self._loop.time() + TYPING_SECONDS if frame.typing else 0.0
        self._changed()

    def leave(self, who: Visitor) -> None:
        """The session left on purpose."""
        if self._marks.pop(who, None) is not None:
            self._changed()

    def lose(self, who: Visitor) -> None:
        """The session's connection broke; it is shown as lost for a while."""
        mark = self._marks.get(who)
        if mark is not None:
            mark.lost_at = self._loop.time()
            self._changed()

    def tick(self) -> None:
        """Time has passed: forget the lost, end stale typing."""
        now = self._loop.time()
        gone = [who for who, mark in self._marks.items() if mark.lost_at and now - mark.lost_at > LOST_SECONDS]
        for who in gone:
            del self._marks[who]
        if gone or any(mark.typing_until and mark.typing_until <= now for mark in self._marks.values()):
            for mark in self._marks.values():
                mark.typing_until = mark.typing_until if mark.typing_until > now else 0.0
            self._changed()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def here(self) -> int:
        """People (not sessions) who are not lost."""
        return len({mark.name for mark in self._marks.values() if not mark.lost_at})

    def recent(self) -> m.PresenceDown:
        """Everybody as of at most `EVERY` seconds ago: thousands who come at once do not each cost a list of all."""
        if self._built is None or self._loop.time() - self._built_at > EVERY:
            return self.frame()
        return self._built

    def frame(self) -> m.PresenceDown:
        """Everybody now, one line a person: the liveliest of their sessions."""
        now = self._loop.time()
        people: dict[str, m.Person] = {}
        for mark in self._marks.values():
            person = mark.person(now)
            other = people.get(person.name)
            if other is None or _liveliness(person) > _liveliness(other):
                people[person.name] = person
        shown = sorted(people.values(), key=lambda p: (p.access == Access.OBSERVER.value, p.since, p.name))
        spectators = 0
        if len(shown) > MOST:
            responders = [person for person in shown if person.access != Access.OBSERVER.value][:MOST]
            spectators = len(shown) - len(responders)
            shown = responders
        self._built = m.PresenceDown(incident=self._incident, people=shown, spectators=spectators)
        self._built_at = now
        return self._built

    def _changed(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(EVERY, self._flush)

    def _flush(self) -> None:
        self._timer = None
        frame = self.frame()
        if frame != self._said:
            self._said = frame
            self._publish(frame)


def _liveliness(person: m.Person) -> tuple[int, bool, bool]:
    return (("lost", "idle", "here").index(person.state), person.typing, bool(person.looking_at))
