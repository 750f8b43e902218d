"""Where the session's effects meet outbox, replicas and rooms: the inside of a client, free of any socket.

Invariant: everything happens in one thread, in the order it arrived; what changed is told once per turn of the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from warroom.client.changes import Changes
from warroom.client.outbox import Answer, Outbox
from warroom.client.questions import Questions
from warroom.client.replica import ReplicaCache
from warroom.client.room import PanelFeed, Room, Ticket
from warroom.client.transport import Transport
from warroom.client.view import Link, LobbyLine, Notice, RefusedCommand, Settled, Spotlight, Unsent
from warroom.incident import snapshot
from warroom.incident.decode import fold
from warroom.incident.state import IncidentState
from warroom.wire import effects as x
from warroom.wire import messages as m
from warroom.wire import session as s
from warroom.wire.codec import FrameError, decode_down, encode

_log = logging.getLogger(__name__)

UNCERTAIN = (
    "This outbox was put back to an older copy: whether this command was recorded cannot be known; "
    "look before repeating it"
)
_REDACTED = "entry-redacted"


class Desk(Changes):
    """Drives one session over a transport (`Driver`) and serves its rooms (`Speaker`)."""

    def __init__(self, outbox: Outbox, cache: ReplicaCache | None, kind: str, agent: str) -> None:
        super().__init__()
        self.outbox = outbox
        self.cache = cache
        self.transport: Transport | None = None
        self.kind = kind
        self.agent = agent
        self.link = Link("connecting", _now())
        self.rooms: dict[str, Room] = {}
        self.feeds: dict[str, PanelFeed] = {}
        self.tickets: dict[int, Ticket] = {}
        self.lobby: Mapping[str, LobbyLine] | None = cache.load_lobby() if cache else None
        self.lobby_came = asyncio.Event()
        self.notices: deque[Notice] = deque(maxlen=100)
        self.refused: tuple[RefusedCommand, ...] = tuple(outbox.refused())
        self._waiting = {one.n: one for one in outbox.unsent()}
        self.unsent: tuple[Unsent, ...] = tuple(self._waiting.values())
        self.settled_link = asyncio.Event()
        self.unsaved: set[str] = set()
        self.granted: m.TokenDown | None = None
        self.questions = Questions()
        self._panels = 0
        self._said = 0
        self._first_own = outbox.next_n
        self.session = self._new_session()
        self.tickets = {one.n: Ticket(one) for one in self.unsent}

    def _new_session(self) -> s.ClientSession:
        pending = [
            m.CommandFrame(t="command", n=one.n, incident=one.incident, command=dict(one.command))
            for one in self.outbox.unsent()
        ]
        kind: Any = self.kind
        return s.ClientSession(
            self.outbox.client, kind=kind, agent=self.agent, next_n=self.outbox.next_n, pending=pending
        )

    # -- what the transport tells --------------------------------------------------------------------------------

    def on_connecting(self) -> None:
        if self.link.status == "reconnecting":
            self._set_link(retry_at=None)

    def on_connected(self) -> None:
        self.act(self.session.connected(_clock()))

    def on_text(self, data: str) -> None:
        try:
            frame = decode_down(data)
        except FrameError as wrong:
            self._drop(f"the server sent something that cannot be read: {wrong}", 1.0)
            return
        if frame is not None:
            self.act(self.session.heard(frame, _clock()))

    def on_binary(self, data: bytes) -> None:
        self.act(self.session.heard_binary(data, _clock()))

    def on_tick(self) -> None:
        self.act(self.session.tick(_clock()))

    def due(self) -> float:
        return self.session.due()

    def on_lost(self, words: str, retry_in: float) -> None:
        self._lost("connecting" if self.link.status == "connecting" else "reconnecting", words, retry_in)

    def on_refused(self, words: str) -> None:
        self._lost("refused", words)

    def on_foreign(self) -> bool:
        """The outbox belongs to another name: leave it to them, with what they wrote in it, and take our own along.

        Returns whether there is another outbox to go on with.
        """
        mine = {n: self.tickets[n] for n in self._waiting if n >= self._first_own}
        old = self.outbox
        try:
            if len(mine) == len(self._waiting):
                old.renew()
            else:
                self.outbox = old.hand_over(sorted(mine))
        except OSError as failure:
            self.say("error", str(failure))
            return False
        self._waiting = {one.n: one for one in self.outbox.unsent()}
        self.tickets = {}
        for ticket, n in zip(mine.values(), self._waiting, strict=True):
            ticket.n = n
            self.tickets[n] = ticket
        self._first_own = 1
        self._replace_session()
        self.recount()
        return True

    def _replace_session(self) -> None:
        before, self.session = self.session, self._new_session()
        self.session.adopt(before)

    def _lost(self, status: Literal["connecting", "reconnecting", "refused"], words: str, wait: float = 0.0) -> None:
        self.session.disconnected()
        retry_at = _now() + timedelta(seconds=wait) if status != "refused" else None
        since = self.link.since if self.link.status == status else _now()
        self._set_link(status=status, since=since, retry_at=retry_at, words=words, latency_ms=None, session="")
        self.lobby_came.clear()
        for room in self.rooms.values():
            room.lost()
        self.questions.lost(words)
        if status == "refused":
            self.settled_link.set()
        else:
            self.settled_link.clear()
        self.recount()

    def _set_link(self, **changes: Any) -> None:
        self.link = replace(self.link, **changes)
        self.touch("link")

    def _drop(self, words: str, retry_after: float = 0.0) -> None:
        self.session.disconnected()
        if self.transport is not None:
            self.transport.drop(words, retry_after)

    # -- what the session wants ----------------------------------------------------------------------------------

    def act(self, effects: list[x.Effect]) -> None:
        """Carry out effects, in their order; answers leave the outbox together, before anything after them."""
        answers = [effect for effect in effects if isinstance(effect, x.Answered)]
        if answers:
            self._settle(answers)
        for effect in effects:
            self._carry_out(effect)
        if self.transport is not None:
            self.transport.poke()

    def _carry_out(self, effect: x.Effect) -> None:
        match effect:
            case x.Send(frame):
                if self.transport is not None:
                    self.transport.write(encode(frame))
            case x.Tail(incident, records, caught_up):
                self._tail(incident, records, caught_up)
            case x.Fresh():
                self._fresh(effect)
            case x.Live(welcome):
                self._live(welcome)
            case x.Latency(seconds):
                self._set_link(latency_ms=round(seconds * 1000, 1))
            case x.Say(level, words):
                self.say(level, words)
            case x.Passed(frame):
                self._pass(frame)
            case x.Rewound(upto):
                self._rewound(upto)
            case x.Drop(words, retry_after):
                self._drop(words, retry_after)

    def _settle(self, answers: list[x.Answered]) -> None:
        try:
            self.outbox.settle([Answer(one.n, one.reason, one.words) for one in answers], _now())
        except OSError as failure:
            # They stay on disk, go out again with the next start, and get the same answers.
            self.say("error", str(failure))
        for one in answers:
            self._waiting.pop(one.n, None)
        if any(one.reason for one in answers):
            self.refused = tuple(self.outbox.refused())
        self.recount()
        for one in answers:
            ticket = self.tickets.pop(one.n, None)
            if ticket is not None:
                ticket.settle(Settled(one.n, one.incident or ticket.incident, one.seq, one.reason, one.words))

    def recount(self) -> None:
        """The outbox, or what of it is on its way, has changed."""
        for one in self._waiting.values():
            if one.sent != self.session.is_sent(one.n):
                self._waiting[one.n] = replace(one, sent=not one.sent)
        self.unsent = tuple(self._waiting.values())
        for room in self.rooms.values():
            room.hold(tuple(one for one in self.unsent if one.incident == room.incident))
        self.touch("outbox")

    def _live(self, welcome: m.Welcome) -> None:
        self._set_link(
            status="live",
            since=_now(),
            retry_at=None,
            words="",
            session=welcome.session,
            name=welcome.name,
            access=welcome.access,
            server=welcome.server,
            epoch=welcome.epoch,
        )
        self.settled_link.set()

    def _tail(self, incident: str, records: tuple[Any, ...], caught_up: bool) -> None:
        room = self.rooms.get(incident)
        if room is None:
            return
        # A log that is told from its first record takes the place of whatever was known.
        afresh = bool(records) and records[0].seq == 1
        state = fold(records, IncidentState() if afresh else room.state)
        room.fold(state, caught_up=caught_up)
        if not afresh and any(record.tag == _REDACTED for record in records):
            self.forget(incident)
            self.act(self.session.refetch(incident))
        elif records:
            self.unsaved.add(incident)

    def _fresh(self, effect: x.Fresh) -> None:
        room = self.rooms.get(effect.incident)
        if room is None:
            return
        try:
            state = snapshot.decode(effect.data)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as wrong:
            _log.warning("a snapshot of %s cannot be read: %r", effect.incident, wrong)
            self._drop(f"the server sent a state of {effect.incident} that cannot be read", 2.0)
            return
        if (state.id, state.seq, state.head_hash) != (effect.incident, effect.seq, effect.hash):
            self._drop(f"the server sent a state of {effect.incident} that is not what it announced", 2.0)
            return
        if effect.reason == "redacted":
            self.forget(effect.incident)
        self.unsaved.add(effect.incident)
        room.fold(state, caught_up=effect.caught_up)

    def _rewound(self, upto: int) -> None:
        """This outbox is an old copy: its commands come back as uncertain, and it starts again under a new id."""
        unsure = [x.Answered(one.n, one.incident, 0, "uncertain", UNCERTAIN) for one in self.outbox.unsent()]
        self._settle(unsure)
        self.outbox.renew()
        self._replace_session()
        self.say("warning", "This outbox was put back to an older copy of itself; it goes on under a new name")
        _log.warning("the server knows commands up to %d, the outbox does not", upto)

    def _pass(self, frame: m.Down) -> None:
        match frame:
            case m.Incidents():
                self._hear_lobby(frame)
            case m.PresenceDown():
                if frame.incident in self.rooms:
                    self.rooms[frame.incident].hear_people(frame)
            case m.SpotlightDown():
                if frame.incident in self.rooms:
                    spotlight = Spotlight(frame.target, frame.by) if frame.target else None
                    self.rooms[frame.incident].hear_spotlight(spotlight)
            case m.PanelDown():
                if frame.id in self.feeds:
                    self.feeds[frame.id].hear(frame.body)
            case m.Response():
                self.questions.hear(frame)
            case m.Closed():
                self.forget(frame.incident)
                if frame.incident in self.rooms:
                    self.rooms[frame.incident].end(frame.words or frame.reason)
            case m.TokenDown():
                self.granted = frame

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
        self.touch("lobby")

    # -- what rooms and the client want --------------------------------------------------------------------------

    def tell(self, frame: m.Up) -> None:
        if self.session.phase == "live":
            self.act([x.Send(frame)])

    def stand(self, key: str, frame: m.Up) -> None:
        self.act(self.session.stand(key, frame))

    def drop_standing(self, key: str, goodbye: m.Up | None = None) -> None:
        self.act(self.session.drop_standing(key, goodbye))

    def panel_id(self) -> str:
        self._panels += 1
        return f"p{self._panels}"

    def add_feed(self, feed: PanelFeed) -> None:
        self.feeds[feed.id] = feed
        self.touch(("panel", feed.id))

    def drop_feed(self, feed: PanelFeed) -> None:
        if self.feeds.pop(feed.id, None) is not None:
            self.touch(("panel", feed.id))

    def room(self, incident: str) -> Room:
        """The room of an incident, followed from what is cached."""
        room = self.rooms.get(incident)
        if room is None or room.view.ended:
            cached = self.cache.load(incident) if self.cache else None
            at, state = cached or (s.At(), IncidentState())
            room = self.rooms[incident] = Room(self, incident, state)
            self.act(self.session.follow(incident, at))
            self.recount()
            self.touch(("state", incident))
        return room

    def forget_room(self, room: Room) -> None:
        if self.rooms.get(room.incident) is not room:
            return
        for feed in [feed for feed in self.feeds.values() if feed.incident == room.incident]:
            feed.stop()
        self.drop_standing(f"presence {room.incident}")
        self.save(room.incident)
        self.act(self.session.unfollow(room.incident))
        del self.rooms[room.incident]
        self.touch(("state", room.incident))

    def submit(self, incident: str, command: Mapping[str, Any]) -> Ticket:
        """Store a valid command, then send it when it can be."""
        at = _now()
        n = self.outbox.add(incident, command, at)
        self._waiting[n] = Unsent(n, incident, command, at)
        ticket = self.tickets[n] = Ticket(self._waiting[n])
        self.act(self.session.submit(incident, command, _clock()))
        self.recount()
        return ticket

    def seen(self, serial: int) -> None:
        try:
            self.outbox.seen([serial])
        except OSError as failure:
            self.say("error", str(failure))
        self.refused = tuple(self.outbox.refused())
        self.touch("outbox")

    def say(self, level: Literal["information", "warning", "error"], words: str) -> None:
        """Put a notice up."""
        self._said += 1
        self.notices.append(Notice(self._said, level, words, _now()))
        self.touch("notice")

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
            elif incident in self.rooms:
                state = self.rooms[incident].state
                at = self.session.positions.get(incident)
                if at is not None and (at.seq, at.hash) == (state.seq, state.head_hash):
                    self.cache.store(incident, at, state)
        except OSError as failure:
            _log.warning("the replica of %s was not kept: %s", incident, failure)

    def save_all(self) -> None:
        for incident in list(self.unsaved):
            self.save(incident)

    def close(self) -> None:
        """No more will come: keep what is known, let waiting ones go, give the outbox back."""
        self.save_all()
        self.session.disconnected()
        self.link = replace(self.link, status="closed", since=_now(), retry_at=None)
        self.questions.lost("the client was closed")
        for ticket in self.tickets.values():
            ticket.abandon()
        self.outbox.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _clock() -> float:
    return asyncio.get_running_loop().time()
