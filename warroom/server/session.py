"""One connection from its hello to its end: what each frame of a client leads to.

Invariant: commands are taken in the order of their numbers, each once; nothing is done for a connection before it
has said who it is, and nothing it sends can end more than itself.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

from websockets.exceptions import ConnectionClosed

from warroom.incident.record import stamp
from warroom.incident.state import Actor
from warroom.incident.verdict import Reason
from warroom.server.auth import Denied, Door, Identity
from warroom.server.commander import Commander
from warroom.server.connection import Wire, prepare
from warroom.server.following import Following
from warroom.server.limits import Bucket
from warroom.server.lobby import Lobby
from warroom.server.metrics import Metrics
from warroom.server.outboxes import Outbox, Outboxes, down
from warroom.server.room import Room
from warroom.server.settings import ServerSettings
from warroom.server.tasks import Tasks
from warroom.store.port import EventStore, Outcome, StoreDamaged
from warroom.telemetry.panels import PanelTemplate
from warroom.telemetry.relay import Relay
from warroom.wire import messages as m
from warroom.wire.codec import FrameError, decode_up, encode
from warroom.wire.messages import CloseCode
from warroom.wire.numbering import Take

_LOG = logging.getLogger(__name__)
_CLEAN = frozenset({1000, 1001})
MOST_QUESTIONS = 32
"""Requests of one connection that are answered at a time; some read a whole log."""
COMMAND = b'{"t":"command"'
"""How our own clients' commands begin; one spelled otherwise takes the longer way to the same place."""


class Ended(Exception):
    """The connection has to be closed with this code; the words say why."""

    def __init__(self, code: int, reason: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.reason = reason
        self.words = words


class Server(Protocol):
    """What a session stands on."""

    settings: ServerSettings
    store: EventStore
    metrics: Metrics
    door: Door
    lobby: Lobby
    outboxes: Outboxes
    tasks: Tasks
    relay: Relay | None
    panel_templates: tuple[PanelTemplate, ...]
    draining: bool

    def entered(self, session: Session) -> None: ...
    async def answer(self, session: Session, frame: m.Request) -> bytes: ...


class Session:
    """One connection. `actor`, `kind` and `box` are set by the hello."""

    def __init__(self, server: Server, wire: Wire, identity: Identity | None) -> None:
        self.id = secrets.token_hex(6)
        self.server = server
        self.wire = wire
        self.identity = identity
        self.kind = "console"
        self.skew: float | None = None
        self.box: Outbox | None = None
        self.rooms: dict[str, Room] = {}
        self._metrics = server.metrics
        self._traces = server.lobby.traces
        limits = server.settings.limits
        now = asyncio.get_running_loop().time()
        self._commands = Bucket(limits.commands_per_second, limits.command_burst, now)
        self._frames = Bucket(limits.frames_per_second, limits.frame_burst, now)
        self._bytes = Bucket(limits.bytes_per_second, limits.byte_burst, now)
        self._warned = False
        self._asked = 0
        self._commander = Commander(server.lobby, server.tasks)
        self._following = Following(server, self.id, wire, lambda: self.actor, self.say)
        self._loop = asyncio.get_running_loop()
        self._lost = True
        self._handlers: dict[type[m.Up], Callable[[Any], Awaitable[None]]] = {
            m.Confirm: self._confirm,
            m.Subscribe: self._subscribe,
            m.Unsubscribe: self._unsubscribe,
            m.Lobby: self._lobby,
            m.PresenceUp: self._presence,
            m.SpotlightUp: self._spotlight,
            m.Watch: self._following.watch,
            m.Unwatch: self._following.unwatch,
            m.Tail: self._following.tail,
            m.Untail: self._following.untail,
            m.Request: self._request,
        }

    # -- what others see of it -----------------------------------------------------------------------------------

    @property
    def actor(self) -> Actor:
        if self.identity is None:
            raise RuntimeError("a session has no actor before its hello")
        return self.identity.actor

    @property
    def alive(self) -> bool:
        return self.wire.open

    def write(self, frame: bytes) -> None:
        self.wire.write(frame)

    def stream(self, frames: list[bytes]) -> None:
        self.wire.stream(frames)

    def say(self, frame: m.Down) -> None:
        self.wire.write(prepare(encode(frame)))

    def tell(self, outcome: Outcome) -> None:
        self.say(down(outcome))

    def ask_again(self, n: int) -> None:
        self.say(m.Resend(n=n))

    def warn(self, words: str) -> None:
        self.say(m.Notice(level="warning", words=words))

    def drop(self) -> None:
        self.wire.evict("fault")

    def cut(self, incident: str, reason: str, words: str) -> None:
        self.rooms.pop(incident, None)
        self._following.forget(incident)
        self.say(m.Closed(incident=incident, reason=reason, words=words))

    # -- its life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the connection ends, by either side."""
        code = 1006
        try:
            await self._hello()
            self.wire.on_text = self._hear_at_once
            async for message in self.wire.messages():
                await self._hear(message)
            code = 1000
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 1006
        except Ended as ended:
            code = ended.code
            self._metrics.refused.add(ended.reason)
            _LOG.info(
                "connection ended by the server", extra={"session": self.id, "reason": ended.reason, "code": code}
            )
            await self.wire.close_within(ended.code, ended.words, self.server.settings.close_seconds)
        finally:
            self.wire.on_text = None
            received = self.wire.close_code
            code = received if received is not None else code
            self._metrics.closed.add(str(code if 1000 <= code < 5000 else 1006))
            self._leave(lost=code not in _CLEAN)

    def _leave(self, *, lost: bool) -> None:
        self._following.close()
        for room in self.rooms.values():
            room.leave(self, lost=lost)
            self.server.lobby.here_changed(room.incident)
        self.rooms.clear()
        self.server.lobby.leave(self)
        box = self.box
        if box is not None:
            if box.holder is self:
                box.holder = None
            self.server.outboxes.release(box)
            self.box = None

    async def _hello(self) -> None:
        """The first frame: who, which outbox, which protocol. In time and small, or the connection ends."""
        limits = self.server.settings.limits
        self.wire.set_max_message(limits.hello_bytes)
        try:
            async with asyncio.timeout(limits.hello_seconds):
                message = await self.wire.first_message()
        except TimeoutError:
            raise Ended(CloseCode.TOO_LATE, "no-hello", "no hello arrived in time") from None
        frame = self._read(message)
        if not isinstance(frame, m.Hello):
            raise Ended(CloseCode.MALFORMED, "no-hello", "the first frame must be a hello")
        if not frame.protocol[0] <= m.PROTOCOL <= frame.protocol[1]:
            words = f"this server speaks protocol {m.PROTOCOL}, the client {frame.protocol[0]} to {frame.protocol[1]}"
            raise Ended(CloseCode.TOO_OLD, "protocol", words)
        await self._identify(frame)
        self.kind = frame.kind
        if frame.wall:
            self.skew = frame.wall - self.server.settings.clock().timestamp()
        box = await self.server.outboxes.claim(frame.client, self.actor.name)
        if box is None:
            raise Ended(CloseCode.FOREIGN, "foreign-outbox", "this client id belongs to somebody else")
        self.box = box
        other, box.holder = box.holder, self
        if isinstance(other, Session):
            other.replaced()
        self.wire.set_max_message(limits.max_frame)
        self._welcome(box)
        box.numbering.opened(frame.first)
        self.server.entered(self)
        if frame.first > 1:
            await box.confirm(frame.first - 1, self.server.store)

    async def _identify(self, frame: m.Hello) -> None:
        if self.identity is None:
            verdict = await self.server.door.by_token(frame.token, self.wire.address)
            if isinstance(verdict, Denied):
                raise Ended(CloseCode.UNAUTHORISED, verdict.reason, verdict.words)
            self.identity = verdict
        elif frame.token:
            raise Ended(CloseCode.MALFORMED, "two-tokens", "`token`: was given in the Authorization header already")
        if self.identity.granted:
            granted, actor = self.identity.granted, self.identity.actor
            self.say(m.TokenDown(token=granted, name=actor.name, access=actor.access.value))
            self.identity = Identity(actor, self.identity.digest, self.identity.expires_at)

    def _welcome(self, box: Outbox) -> None:
        settings = self.server.settings
        limits = settings.limits
        self.say(
            m.Welcome(
                server=settings.name,
                epoch=self.server.store.epoch,
                session=self.id,
                name=self.actor.name,
                access=self.actor.access.value,
                now=stamp(settings.clock()),
                floor=box.numbering.floor,
                known=box.known(),
                limits=m.Limits(
                    max_frame=limits.max_frame,
                    commands_per_second=limits.commands_per_second,
                    burst=limits.command_burst,
                ),
                heartbeat=limits.heartbeat,
                traces=self._traces is not None,
            )
        )

    def replaced(self) -> None:
        """The same outbox connected again."""
        words = "another client connected with the same outbox"
        self.server.tasks.start(self.close(CloseCode.REPLACED, words))

    async def close(self, code: int, words: str) -> None:
        await self.wire.close_within(code, words, self.server.settings.close_seconds)

    def check_token(self, now: datetime, *, revoked: bool) -> None:
        """End the session when its token has ended."""
        if self.identity is None:
            return
        ends = self.identity.expires_at
        if revoked or (ends is not None and ends <= now):
            words = "this token was revoked" if revoked else "this token has expired"
            self._metrics.refused.add("expired")
            self.server.tasks.start(self.close(CloseCode.UNAUTHORISED, words))

    # -- frames --------------------------------------------------------------------------------------------------

    def _read(self, message: str | bytes) -> m.AnyUp:
        if isinstance(message, bytes):
            raise Ended(CloseCode.MALFORMED, "binary", "binary frames are not read")
        try:
            return decode_up(message)
        except FrameError as wrong:
            raise Ended(CloseCode.MALFORMED, "malformed", str(wrong)) from None

    async def _hear(self, message: str | bytes) -> None:
        now = self._loop.time()
        size = len(message)
        self._metrics.received.add(amount=size)
        left = min(self._frames.spend(1, now), self._bytes.spend(size, now))
        burst = self.server.settings.limits.frame_burst
        if left < 0:
            self._flood(left < -burst / 2)
        frame = self._read(message)
        if isinstance(frame, m.CommandFrame):
            await self._command(frame, now)
        elif isinstance(frame, m.Ping):
            self.say(m.Pong(at=frame.at))
        else:
            handler = self._handlers.get(type(frame))
            if handler is None:
                raise Ended(CloseCode.MALFORMED, "second-hello", "there was a hello already")
            await handler(frame)

    def _hear_at_once(self, data: bytes) -> bool:
        """Take a command that nothing has to be awaited for, straight from the socket. False: nothing was done."""
        box = self.box
        if not data.startswith(COMMAND) or box is None or box.holder is not self or self.server.draining:
            return False
        now, size = self._loop.time(), len(data)
        if min(self._frames.left(now), self._commands.left(now)) < 1 or self._bytes.left(now) < size:
            return False
        traces = self._traces
        began = traces.now() if traces is not None else 0
        try:
            frame = decode_up(data)
        except FrameError:
            return False
        if not isinstance(frame, m.CommandFrame) or not self._commander.take_at_once(frame, box, self.actor):
            return False
        if traces is not None:
            traces.heard(box.client, frame, began)
        self._metrics.received.add(amount=size)
        self._frames.spend(1, now)
        self._bytes.spend(size, now)
        self._commands.spend(1, now)
        return True

    def _flood(self, enough: bool) -> None:
        """Too fast: say so once, and end it when it goes on."""
        if enough:
            raise Ended(CloseCode.FLOODING, "flood", "more than the limits in the welcome, although warned")
        if not self._warned:
            self._warned = True
            self.warn("You are sending more than this server takes; slow down or the connection is closed")

    async def _command(self, frame: m.CommandFrame, now: float) -> None:
        left = self._commands.spend(1, now)
        if left < 0:
            self._flood(left < -self.server.settings.limits.command_burst / 2)
        box = self.box
        if box is None or box.holder is not self or self.server.draining:
            return  # it comes again on the next connection
        match box.take(frame.n):
            case Take.NEW:
                if self._traces is not None:
                    self._traces.heard(box.client, frame, self._traces.now())
                await self._commander.take(frame, box, self.actor)
            case Take.REPEAT:
                self._metrics.commands.add("repeat")
                outcome = box.outcomes.get(frame.n)
                if outcome is not None:
                    self.tell(outcome)
            case Take.GAP:
                self._metrics.commands.add("gap")
                self.ask_again(box.numbering.expected)
            case Take.SETTLED | Take.WAIT:
                return

    async def _confirm(self, frame: m.Confirm) -> None:
        box = self.box
        if box is None:
            return
        if frame.n > box.numbering.last or any(n <= frame.n for n in box.in_flight):
            raise Ended(CloseCode.MALFORMED, "confirm", "`n`: confirms a command that has no answer yet")
        if frame.n > box.numbering.floor:
            self.server.tasks.start(box.confirm(frame.n, self.server.store))

    async def _subscribe(self, frame: m.Subscribe) -> None:
        position = frame.position
        incident = position.incident
        if incident not in self.rooms and len(self.rooms) >= self.server.settings.limits.subscriptions:
            return self.say(
                m.Closed(incident=incident, reason="limit", words="too many incidents are followed at once")
            )
        try:
            bytes.fromhex(position.hash)
        except ValueError:
            raise Ended(CloseCode.MALFORMED, "malformed", "`position.hash`: must be hexadecimal") from None
        self._drop(incident)
        try:
            room = await self.server.lobby.room(incident)
        except StoreDamaged:
            words = f"the log of {incident} is damaged; run `warroom verify {incident}`"
            return self.say(m.Closed(incident=incident, reason="damaged", words=words))
        since = stamp(self.server.settings.clock())
        if room is None or not await room.follow(self, position, since):
            words = f"there is no incident {incident}"
            return self.say(m.Closed(incident=incident, reason="not-found", words=words))
        self.rooms[incident] = room
        self.server.lobby.here_changed(incident)
        return None

    async def _unsubscribe(self, frame: m.Unsubscribe) -> None:
        self._drop(frame.incident)

    def _drop(self, incident: str) -> None:
        room = self.rooms.pop(incident, None)
        if room is not None:
            room.leave(self)
            self.server.lobby.here_changed(incident)

    async def _lobby(self, frame: m.Lobby) -> None:
        if frame.follow:
            self.server.lobby.follow(self)
        else:
            self.server.lobby.leave(self)

    async def _presence(self, frame: m.PresenceUp) -> None:
        room = self.rooms.get(frame.incident)
        if room is not None:
            room.presence.says(self, frame)

    async def _spotlight(self, frame: m.SpotlightUp) -> None:
        room = self.rooms.get(frame.incident)
        if room is None:
            return
        if room.may_light(self.actor.name):
            room.light(frame.target, self.actor.name, frame.shown)
        else:
            self.warn("Only the incident commander or the deputy points the spotlight")

    async def _request(self, frame: m.Request) -> None:
        if self._asked >= MOST_QUESTIONS:
            words = f"at most {MOST_QUESTIONS} requests are answered at a time; wait for answers"
            return self.say(m.Response(id=frame.id, ok=False, reason=Reason.LIMIT, words=words))
        self._asked += 1
        self.server.tasks.start(self._reply(frame))
        return None

    async def _reply(self, frame: m.Request) -> None:
        try:
            response = await self.server.answer(self, frame)
        finally:
            self._asked -= 1
        if self.alive:
            self.wire.write(prepare(response))
