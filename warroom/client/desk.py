"""Where the session's effects meet the outbox and the rooms: the inside of a client, free of any socket.

Invariant: everything happens in one thread, in the order it arrived; what changed is told once per turn of the loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from warroom.client.changes import Changes
from warroom.client.outbox import Answer, Outbox
from warroom.client.questions import Questions
from warroom.client.replica import ReplicaCache
from warroom.client.room import Ticket
from warroom.client.rooms import Rooms
from warroom.client.traces import ClientTraces
from warroom.client.transport import Transport
from warroom.client.view import Link, Notice, RefusedCommand, Settled, Unsent
from warroom.tracing.spans import Tracer
from warroom.wire import effects as x
from warroom.wire import messages as m
from warroom.wire import session as s
from warroom.wire.codec import Batch, FrameError, decode_down, encode

_log = logging.getLogger(__name__)

UNCERTAIN = (
    "This outbox was put back to an older copy: whether this command was recorded cannot be known; "
    "look before repeating it"
)


class Desk(Changes):
    """Drives one session over a transport (`Driver`), and keeps what was written until it is answered."""

    def __init__(
        self, outbox: Outbox, cache: ReplicaCache | None, kind: str, agent: str, tracer: Tracer | None = None
    ) -> None:
        super().__init__()
        self.traces = ClientTraces(tracer) if tracer is not None else None
        self.outbox = outbox
        self.transport: Transport | None = None
        self.kind = kind
        self.agent = agent
        self.link = Link("connecting", _now())
        self.rooms = Rooms(self, cache)
        self.tickets: dict[int, Ticket] = {}
        self.notices: deque[Notice] = deque(maxlen=100)
        self.refused: tuple[RefusedCommand, ...] = tuple(outbox.refused())
        self._waiting = {one.n: one for one in outbox.unsent()}
        self.unsent: tuple[Unsent, ...] = tuple(self._waiting.values())
        self.settled_link = asyncio.Event()
        self.granted: m.TokenDown | None = None
        self.questions = Questions()
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
        self.act(self.session.connected(_clock(), time.time()))

    def on_text(self, data: str) -> None:
        traces = self.traces
        began = traces.now() if traces is not None else 0
        try:
            frame = decode_down(data)
        except FrameError as wrong:
            self.drop(f"the server sent something that cannot be read: {wrong}", 1.0)
            return
        if frame is not None:
            self.act(self.session.heard(frame, _clock()))
        if traces is not None and isinstance(frame, Batch):
            traces.applied(frame.traces, frame.incident, began)

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
        if self.traces is not None:
            self.traces.forget()
        before, self.session = self.session, self._new_session()
        self.session.adopt(before)

    def _lost(self, status: Literal["connecting", "reconnecting", "refused"], words: str, wait: float = 0.0) -> None:
        self.session.disconnected()
        retry_at = _now() + timedelta(seconds=wait) if status != "refused" else None
        since = self.link.since if self.link.status == status else _now()
        self._set_link(status=status, since=since, retry_at=retry_at, words=words, latency_ms=None, session="")
        self.rooms.lost()
        self.questions.lost(words)
        if status == "refused":
            self.settled_link.set()
        else:
            self.settled_link.clear()
        self.recount()

    def _set_link(self, **changes: Any) -> None:
        self.link = replace(self.link, **changes)
        self.touch("link")

    def drop(self, words: str, retry_after: float = 0.0) -> None:
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
                if self.traces is not None and isinstance(frame, m.CommandFrame):
                    self.traces.sent(frame.n)
                if self.transport is not None:
                    self.transport.write(encode(frame))
            case x.Tail(incident, records, caught_up):
                self.rooms.tail(incident, records, caught_up)
            case x.Fresh():
                self.rooms.fresh(effect)
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
                self.drop(words, retry_after)

    def _pass(self, frame: m.Down) -> None:
        match frame:
            case m.Response():
                self.questions.hear(frame)
            case m.TokenDown():
                self.granted = frame
            case _:
                self.rooms.hear(frame)

    def _settle(self, answers: list[x.Answered]) -> None:
        heard = self.traces.now() if self.traces is not None else 0
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
        if self.traces is not None:
            for one in answers:
                self.traces.answered(one.n, one.incident, one.reason, heard)

    def recount(self) -> None:
        """The outbox, or what of it is on its way, has changed."""
        for one in self._waiting.values():
            if one.sent != self.session.is_sent(one.n):
                self._waiting[one.n] = replace(one, sent=not one.sent)
        self.unsent = tuple(self._waiting.values())
        self.rooms.hold(self.unsent)
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

    def _rewound(self, upto: int) -> None:
        """This outbox is an old copy: its commands come back as uncertain, and it starts again under a new id."""
        unsure = [x.Answered(one.n, one.incident, 0, "uncertain", UNCERTAIN) for one in self.outbox.unsent()]
        self._settle(unsure)
        self.outbox.renew()
        self._replace_session()
        self.say("warning", "This outbox was put back to an older copy of itself; it goes on under a new name")
        _log.warning("the server knows commands up to %d, the outbox does not", upto)

    # -- what the client wants --------------------------------------------------------------------------------------

    def submit(self, incident: str, command: Mapping[str, Any], pressed: float = 0.0) -> Ticket:
        """Store a valid command, then send it when it can be. `pressed` as `Client.submit` has it."""
        at, traces = _now(), self.traces
        began = traces.now() if traces is not None else 0
        n = self.outbox.add(incident, command, at)
        trace = "" if traces is None else traces.stored(n, str(command["type"]), incident, pressed, began)
        self._waiting[n] = Unsent(n, incident, command, at)
        ticket = self.tickets[n] = Ticket(self._waiting[n])
        self.act(self.session.submit(incident, command, _clock(), trace))
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

    def close(self) -> None:
        """No more will come: keep what is known, let waiting ones go, give the outbox back."""
        self.rooms.save_all()
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
