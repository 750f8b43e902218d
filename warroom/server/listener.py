"""The coordination server as a whole: it listens, lets in, watches over what is open, and goes without losing anything.

Invariant: when the log cannot be trusted any more the process ends at once, with nothing acknowledged on hope.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

from warroom.playbooks.load import Library
from warroom.server.asking import Facilitation
from warroom.server.auth import Door, is_live
from warroom.server.clock import Steady
from warroom.server.connection import Wire, self_check
from warroom.server.heads import HeadSigner
from warroom.server.http import Front
from warroom.server.lobby import Lobby
from warroom.server.log import where
from warroom.server.metrics import Metrics
from warroom.server.outboxes import Outboxes
from warroom.server.request_spans import answered, around
from warroom.server.session import Session
from warroom.server.settings import ServerSettings
from warroom.server.tasks import Tasks
from warroom.server.traces import CommandTraces
from warroom.store.port import EventStore, StoreError, StoreFailed
from warroom.telemetry.panels import PanelTemplate
from warroom.telemetry.relay import Relay
from warroom.tracing.spans import Tracer
from warroom.wire import messages as m
from warroom.wire.messages import CloseCode

BACKLOG = 4096
"""Connections the kernel holds for us when everybody comes back at once."""
TICK = 0.5
RETRY_MS = (200, 2500)
EXIT_STORE_FAILED = 70

_LOG = logging.getLogger(__name__)


class CoordinationServer:
    """`start` listens; `drain` ends politely. Belongs to one event loop. The store is closed by whoever opened it."""

    def __init__(
        self,
        settings: ServerSettings,
        store: EventStore,
        *,
        relay: Relay | None = None,
        playbooks: Library | None = None,
        panel_templates: tuple[PanelTemplate, ...] = (),
        tracer: Tracer | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.relay = relay
        self.playbooks = playbooks
        self.panel_templates = panel_templates
        self.reports: Mapping[str, Callable[[], Any]] = {}
        self.facilitation: Facilitation | None = None
        self.metrics = Metrics()
        self.tasks = Tasks(self._task_failed)
        self.steady = Steady(settings.clock)
        self.door = Door(store, self.steady, settings.limits)
        self.outboxes = Outboxes(store)
        self.lobby = Lobby(store, self.metrics, self.outboxes, self, self.tasks)
        self.tracer = tracer
        self.lobby.traces = CommandTraces(tracer) if tracer is not None else None
        self.more_metrics: Callable[[], str] = str
        if tracer is not None and relay is not None:
            relay.around = around(tracer)
        self.signer = HeadSigner(store, settings)
        self.sessions: dict[Wire, Session] = {}
        self.draining = False
        self.port = settings.port
        self._wires: set[Wire] = set()
        self._full = ""
        self._revoked: set[bytes] = set()
        self._server: Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._front = Front(
            settings,
            self.door,
            self.metrics,
            not_ready=self.not_ready,
            more_metrics=self._more_metrics,
            crowded=lambda: len(self._wires) >= settings.limits.connections,
        )

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the list of incidents and listen.

        Raises:
            OSError: the address cannot be listened on.
            UnknownLibrary, StoreError: it would not work.
        """
        self_check()
        await self.lobby.open()
        quiet = logging.getLogger("warroom.server.websockets")
        quiet.setLevel(logging.CRITICAL + 1)
        settings = self.settings
        self._server = await serve(
            self._serve,
            settings.host,
            settings.port,
            compression=None,
            process_request=self._front.answer,
            server_header="warroom",
            open_timeout=settings.limits.hello_seconds,
            ping_interval=None,
            close_timeout=settings.close_seconds,
            max_size=settings.limits.max_frame,
            max_queue=64,
            write_limit=64 * 1024,
            logger=quiet,
            create_connection=Wire,
            ssl=settings.tls,
            backlog=BACKLOG,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._ticking = asyncio.create_task(self._tick_for_ever())
        _LOG.info("listening", extra={"host": settings.host, "port": self.port})

    async def drain(self) -> None:
        """Take nothing new, finish what was taken, tell everybody to come back, sign the heads. Bounded in time."""
        if self.draining:
            return
        self.draining = True
        server = self._server
        if server is None:
            return
        server.close(close_connections=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10.0):
                await self.lobby.settle()
        await self.tasks.settle(2.0)
        for session in list(self.sessions.values()):
            retry = random.randint(*RETRY_MS)  # noqa: S311 (jitter, no secret)
            session.say(m.Bye(words="the server is restarting; come back in a moment", retry_after_ms=retry))
        seconds = self.settings.close_seconds
        await asyncio.gather(
            *(wire.close_within(CloseCode.RESTART, "the server is restarting", seconds) for wire in self._wires)
        )
        for wire in list(self._wires):
            wire.abort()
        await server.wait_closed()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self.tasks.close()
        with contextlib.suppress(StoreError):
            await self.signer.sign_all(self.lobby.heads())
        await self.lobby.close()
        _LOG.info("drained", extra={"count": len(self.lobby.lines)})

    async def _serve(self, connection: ServerConnection) -> None:
        if not isinstance(connection, Wire):
            raise TypeError("the listener makes connections of its own kind only")
        wire = connection
        session = Session(self, wire, self._front.admitted.pop(connection, None))
        wire.on_evicted = self.metrics.evicted.add
        wire.most_buffered = self.settings.limits.buffered
        wire.most_waiting = self.settings.limits.backlog_frames
        self._wires.add(wire)
        try:
            await session.run()
        except StoreFailed as error:
            self.fatal(error)
        except StoreError as error:
            _LOG.error("a session ended with the store", extra={"session": session.id, "where": where(error)})
        except Exception as error:  # a fault of ours ends this connection and is logged, no other
            _LOG.error("a session failed", extra={"session": session.id, "where": where(error)})
            await wire.close_within(1011, "the server failed on this connection", self.settings.close_seconds)
        finally:
            self._wires.discard(wire)
            self.metrics.sent.add(amount=wire.written)
            if self.sessions.pop(wire, None) is not None:
                self.metrics.connections.add(session.kind, amount=-1)

    def entered(self, session: Session) -> None:
        """A session was welcomed."""
        self.sessions[session.wire] = session
        self.metrics.connections.add(session.kind)
        self.metrics.opened.add()

    async def answer(self, session: Session, frame: m.Request) -> bytes:
        return await answered(self, session, frame)

    # -- what parts of the server tell it ------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.settings.clock()

    def store_refused(self, error: StoreError) -> None:
        """Nothing can be written for now."""
        if not self._full:
            _LOG.error("the log takes no records", extra={"reason": type(error).__name__})
        self._full = "the log takes no records: its disk is full"
        self.metrics.writable.set(to=0)

    def store_works(self) -> None:
        if self._full:
            self._full = ""
            self.metrics.writable.set(to=1)
            _LOG.info("the log takes records again")

    def fatal(self, error: BaseException) -> None:
        """Stop at once: what was written is unknown, and the next start finds out."""
        _LOG.critical("the log failed; the server stops", extra={"where": where(error)})
        if self.settings.fatal is not None:
            self.settings.fatal(error)
            return
        sys.stderr.flush()
        os._exit(EXIT_STORE_FAILED)

    def _task_failed(self, error: BaseException) -> None:
        if isinstance(error, StoreFailed):
            self.fatal(error)

    def token_revoked(self, digest: bytes) -> None:
        self._revoked.add(digest)
        self._check_tokens()

    def counts(self) -> dict[str, int]:
        return {"connections": len(self.sessions), "rooms": len(self.lobby.rooms)}

    def skews(self) -> dict[str, float]:
        """By how many seconds the clock of each connected client is ahead of ours, the worst of each name."""
        found: dict[str, float] = {}
        for session in self.sessions.values():
            if session.skew is not None and session.identity is not None:
                name = session.actor.name
                found[name] = max(found.get(name, 0.0), session.skew, key=abs)
        return found

    def commits(self) -> tuple[int, float]:
        """How many batches went onto stable storage, and the mean of the seconds each took."""
        commit = self.metrics.commit
        return commit.count, commit.mean

    def not_ready(self) -> str:
        """Why commands are not taken; empty while they are."""
        return "the server is draining" if self.draining else self._full

    def _more_metrics(self) -> str:
        return (self.relay.metrics() if self.relay is not None else "") + self.more_metrics()

    # -- time ----------------------------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        tokens_at = signed_at = unload_at = now = loop.time()
        while True:
            await asyncio.sleep(TICK)
            before, now = now, loop.time()
            self._excuse(now - before - TICK)
            self._tick(now)
            try:
                if now - tokens_at >= self.settings.tokens_every:
                    tokens_at = now
                    await self._read_tokens()
                if now - signed_at >= self.settings.sign_every:
                    signed_at = now
                    await self.signer.sign_all(self.lobby.heads())
                if now - unload_at >= min(30.0, self.settings.unload_seconds):
                    unload_at = now
                    await self.lobby.unload(self.settings.unload_seconds)
            except StoreFailed as error:
                self.fatal(error)
            except StoreError as error:
                self.store_refused(error)

    def _excuse(self, late: float) -> None:
        """Nobody was heard while this loop itself stood still: that is not held against them."""
        if late < TICK:
            return
        _LOG.warning("the server stood still", extra={"seconds": round(late, 1)})
        for wire in self._wires:
            wire.heard_at += late
            if wire.paused_at:
                wire.paused_at += late

    def _tick(self, now: float) -> None:
        limits = self.settings.limits
        for wire in list(self._wires):
            if wire.is_stalled(now, limits.stalled_seconds):
                wire.evict("stalled")
            elif now - wire.heard_at > limits.idle_seconds:
                wire.evict("silent")
            else:
                wire.ping_if_silent(now, limits.heartbeat)
        for box in self.outboxes.stalled():
            if now - box.stalled_at >= self.settings.retry_store_every:
                box.retry()
        for room in list(self.lobby.rooms.values()):
            here = room.presence.here
            room.presence.tick()
            if room.presence.here != here:
                self.lobby.here_changed(room.incident)

    async def _read_tokens(self) -> None:
        """Which tokens have ended since: another process may have revoked them."""
        at = self.steady()
        self._revoked |= {row.digest for row in await self.store.tokens() if not is_live(row, at)}
        self._check_tokens()

    def _check_tokens(self) -> None:
        at = self.steady()
        for session in list(self.sessions.values()):
            digest = session.identity.digest if session.identity is not None else b""
            session.check_token(at, revoked=digest in self._revoked)
