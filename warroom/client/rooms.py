"""The rooms a client has open, their panels and the lobby: what they are told, and what is kept of them on disk.

Invariant: a replica is written only at the position the session holds for it, so a start never follows from a guess.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from warroom.client.changes import Topic
from warroom.client.replica import ReplicaCache
from warroom.client.room import PanelFeed, Room
from warroom.client.tail import TailFeed
from warroom.client.view import LobbyLine, Spotlight, Unsent
from warroom.incident import snapshot
from warroom.incident.decode import fold
from warroom.incident.state import IncidentState
from warroom.wire import effects as x
from warroom.wire import messages as m
from warroom.wire import session as s

_log = logging.getLogger(__name__)

_REDACTED = "entry-redacted"


class Driving(Protocol):
    """What the rooms need of the desk that drives the session."""

    session: s.ClientSession

    def act(self, effects: list[x.Effect]) -> None: ...
    def drop(self, words: str, retry_after: float = 0.0) -> None: ...
    def recount(self) -> None: ...
    def touch(self, *topics: Topic) -> None: ...


class Rooms:
    """Serves its rooms (`Speaker`) over the session of a desk."""

    def __init__(self, desk: Driving, cache: ReplicaCache | None) -> None:
        self._desk = desk
        self.cache = cache
        self.open: dict[str, Room] = {}
        self.feeds: dict[str, PanelFeed] = {}
        self.tails: dict[str, TailFeed] = {}
        self.lobby: Mapping[str, LobbyLine] | None = cache.load_lobby() if cache else None
        self.lobby_came = asyncio.Event()
        self.unsaved: set[str] = set()
        self._panels = self._tailed = 0

    # -- what the session tells ----------------------------------------------------------------------------------

    def tail(self, incident: str, records: tuple[Any, ...], caught_up: bool) -> None:
        room = self.open.get(incident)
        if room is None:
            return
        # A log that is told from its first record takes the place of whatever was known.
        afresh = bool(records) and records[0].seq == 1
        state = fold(records, IncidentState() if afresh else room.state)
        room.fold(state, caught_up=caught_up)
        if not afresh and any(record.tag == _REDACTED for record in records):
            self.forget(incident)
            self._desk.act(self._desk.session.refetch(incident))
        elif records:
            self.unsaved.add(incident)

    def fresh(self, effect: x.Fresh) -> None:
        room = self.open.get(effect.incident)
        if room is None:
            return
        try:
            state = snapshot.decode(effect.data)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as wrong:
            _log.warning("a snapshot of %s cannot be read: %r", effect.incident, wrong)
            self._desk.drop(f"the server sent a state of {effect.incident} that cannot be read", 2.0)
            return
        if (state.id, state.seq, state.head_hash) != (effect.incident, effect.seq, effect.hash):
            self._desk.drop(f"the server sent a state of {effect.incident} that is not what it announced", 2.0)
            return
        if effect.reason == "redacted":
            self.forget(effect.incident)
        self.unsaved.add(effect.incident)
        room.fold(state, caught_up=effect.caught_up)

    def hear(self, frame: m.Down) -> None:
        """Hand on what is not of the log: the lobby, who is there, panels, an end."""
        match frame:
            case m.Incidents():
                self._hear_lobby(frame)
            case m.PresenceDown():
                if frame.incident in self.open:
                    self.open[frame.incident].hear_people(frame)
            case m.SpotlightDown():
                if frame.incident in self.open:
                    spotlight = Spotlight(frame.target, frame.by, frame.shown) if frame.target else None
                    self.open[frame.incident].hear_spotlight(spotlight)
            case m.PanelDown():
                if frame.id in self.feeds:
                    self.feeds[frame.id].hear(frame.body)
            case m.LinesDown():
                if frame.id in self.tails:
                    self.tails[frame.id].hear(frame.body, frame.lost)
            case m.Closed():
                self.forget(frame.incident)
                if frame.incident in self.open:
                    self.open[frame.incident].end(frame.words or frame.reason)

    def _hear_lobby(self, frame: m.Incidents) -> None:
        lines = dict(self.lobby or {}) if not frame.whole else {}
        for line in frame.lines:
            lines[line.incident] = LobbyLine(**line.model_dump())
        for gone in frame.gone:
            lines.pop(gone, None)
            self.forget(gone)
        if frame.whole and self.cache is not None:
            for kept in self.cache.incidents():
                if kept not in lines:
                    self.forget(kept)
        self.lobby = lines
        self.unsaved.add("lobby")
        self.lobby_came.set()
        self._desk.touch("lobby")

    def lost(self) -> None:
        """The link is gone: what is only true now is not known any more."""
        self.lobby_came.clear()
        for room in self.open.values():
            room.lost()

    def hold(self, unsent: tuple[Unsent, ...]) -> None:
        """Give each room the commands of it that are not answered."""
        for room in self.open.values():
            room.hold(tuple(one for one in unsent if one.incident == room.incident))

    # -- what rooms and the client want --------------------------------------------------------------------------

    def touch(self, *topics: Topic) -> None:
        """These have changed."""
        self._desk.touch(*topics)

    def tell(self, frame: m.Up) -> None:
        if self._desk.session.phase == "live":
            self._desk.act([x.Send(frame)])

    def stand(self, key: str, frame: m.Up) -> None:
        self._desk.act(self._desk.session.stand(key, frame))

    def drop_standing(self, key: str, goodbye: m.Up | None = None) -> None:
        self._desk.act(self._desk.session.drop_standing(key, goodbye))

    def panel_id(self) -> str:
        self._panels += 1
        return f"p{self._panels}"

    def add_feed(self, feed: PanelFeed) -> None:
        self.feeds[feed.id] = feed
        self._desk.touch(("panel", feed.id))

    def drop_feed(self, feed: PanelFeed) -> None:
        if self.feeds.pop(feed.id, None) is not None:
            self._desk.touch(("panel", feed.id))

    def tail_id(self) -> str:
        self._tailed += 1
        return f"l{self._tailed}"

    def add_tail(self, feed: TailFeed) -> None:
        self.tails[feed.id] = feed
        self._desk.touch(("tail", feed.id))

    def drop_tail(self, feed: TailFeed) -> None:
        if self.tails.pop(feed.id, None) is not None:
            self._desk.touch(("tail", feed.id))

    def room(self, incident: str) -> Room:
        """The room of an incident, followed from what is cached."""
        room = self.open.get(incident)
        if room is None or room.view.ended:
            cached = self.cache.load(incident) if self.cache else None
            at, state = cached or (s.At(), IncidentState())
            room = self.open[incident] = Room(self, incident, state)
            self._desk.act(self._desk.session.follow(incident, at))
            self._desk.recount()
            self._desk.touch(("state", incident))
        return room

    def forget_room(self, room: Room) -> None:
        if self.open.get(room.incident) is not room:
            return
        for feed in [feed for feed in self.feeds.values() if feed.incident == room.incident]:
            feed.stop()
        for tail in [tail for tail in self.tails.values() if tail.incident == room.incident]:
            tail.stop()
        self.drop_standing(f"presence {room.incident}")
        self.save(room.incident)
        self._desk.act(self._desk.session.unfollow(room.incident))
        del self.open[room.incident]
        self._desk.touch(("state", room.incident))

    # -- what is kept --------------------------------------------------------------------------------------------

    def forget(self, incident: str) -> None:
        """Remove a replica from disk."""
        self.unsaved.discard(incident)
        if self.cache is not None:
            self.cache.drop(incident)

    def save(self, incident: str) -> None:
        """Write a changed replica to disk; a disk that does not take it costs only the next start some time."""
        if self.cache is None or incident not in self.unsaved:
            return
        self.unsaved.discard(incident)
        try:
            if incident == "lobby":
                self.cache.store_lobby((self.lobby or {}).values())
            elif incident in self.open:
                state = self.open[incident].state
                at = self._desk.session.positions.get(incident)
                if at is not None and (at.seq, at.hash) == (state.seq, state.head_hash):
                    self.cache.store(incident, at, state)
        except OSError as failure:
            _log.warning("the replica of %s was not kept: %s", incident, failure)

    def save_all(self) -> None:
        for incident in list(self.unsaved):
            self.save(incident)
