"""A client in its own thread and loop, so that a terminal that stops reading never stops the heartbeat.

Invariant: `latest` is immutable and always whole; no call here waits for the network or a disk. Importing this
module loads neither pydantic nor websockets: the thread does, while the first screen is painted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.client.errors import ClientError, Unreachable
from warroom.client.view import Link, Settled, View

if TYPE_CHECKING:
    import ssl

    from warroom.client.client import Client
    from warroom.client.room import PanelFeed
    from warroom.client.tail import TailFeed
    from warroom.incident.commands import Command
    from warroom.tracing.spans import Tracer

_log = logging.getLogger(__name__)

SHORTEST_BETWEEN_WAKES = 0.05
"""Seconds: at most 20 wakes a second."""


class ClientThread:
    """`latest` is the newest `View`; `wake` is called with it from the network thread, at most 20 times a second.

    All methods may be called from any thread, before and after the link is live. What is asked is carried out in
    the order it was asked in. `wake` must not wait for the thread that draws: post a message and return.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        outbox: Path | None = None,
        cache: Path | None = None,
        kind: str = "console",
        agent: str = "",
        tls: ssl.SSLContext | None = None,
        name: str = "",
        wake: Callable[[View], None] | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.latest = View(Link("connecting", datetime.now(UTC)))
        self.failure: Exception | None = None
        """Why the thread ended by itself: a bad address, a disk that cannot be used."""
        self._options: dict[str, Any] = {
            "outbox": outbox,
            "cache": cache,
            "kind": kind,
            "agent": agent,
            "tls": tls,
            "name": name,
            "tracer": tracer,
        }
        self._url = url
        self._token = token
        self._wake = wake
        self._feeds: dict[str, PanelFeed] = {}
        self._tails: dict[str, TailFeed] = {}
        self._watched = 0
        self._guard = threading.Lock()
        self._early: list[Callable[[Client], None]] = []
        self._futures: set[Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._stopping = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="warroom-client", daemon=True)

    def start(self) -> None:
        """Start the thread; the first `latest` with what is cached comes within moments, server or not."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """End within `timeout` seconds, whatever the server does; what is unsent stays in the outbox."""
        self._stopping.set()
        with self._guard:
            loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            # The loop may be closed: the thread has ended already.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        self._abandon(Unreachable("the client has been stopped"))

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(
        self, command: Command | Mapping[str, Any], incident: str = "", *, pressed: float = 0.0
    ) -> Future[Settled]:
        """Queue a command; the future has the answer, or ValueError when it is no valid command.

        `pressed` is when the person gave it (`time.monotonic()`), 0 when nobody pressed a key.
        """
        future: Future[Settled] = Future()

        def queue(client: Client) -> None:
            ticket = client.submit(command, incident, pressed=pressed)
            self._follow_up(ticket.settled(), future)

        self._call(queue, future)
        return future

    def request(self, method: str, *, timeout: float = 10.0, **params: object) -> Future[Any]:
        """Ask one question; the future raises Unreachable or Refused."""
        future: Future[Any] = Future()
        self._call(lambda client: self._follow_up(client.request(method, timeout=timeout, **params), future), future)
        return future

    def follow(self, incident: str) -> None:
        """Follow an incident: it appears in `latest.rooms`."""

        def follow(client: Client) -> None:
            client.enter(incident)

        self._call(follow)

    def leave(self, incident: str) -> None:
        def leave(client: Client) -> None:
            room = client.rooms.get(incident)
            if room is not None:
                room.leave()

        self._call(leave)

    def follow_lobby(self) -> None:
        """Follow the list of incidents: it appears in `latest.lobby`."""
        self._call(lambda client: self._task(client.follow_lobby()))

    def present(self, incident: str, looking_at: str = "", idle: int = 0, typing: bool = False) -> None:
        """Tell the others in that room what this person looks at; `idle` in seconds."""

        def present(client: Client) -> None:
            if incident in client.rooms:
                client.rooms[incident].present(looking_at, idle, typing)

        self._call(present)

    def light(self, incident: str, target: str, shown: Mapping[str, Any] | None = None) -> None:
        """Point at something for everybody in that room, with what is shown there; empty ends it."""

        def light(client: Client) -> None:
            if incident in client.rooms:
                client.rooms[incident].light(target, shown)

        self._call(light)

    def watch(self, incident: str, panel: Mapping[str, Any]) -> str:
        """Follow a panel of a followed incident; returns its key in `latest.panels`."""
        with self._guard:
            self._watched += 1
            key = f"t{self._watched}"

        def watch(client: Client) -> None:
            if incident in client.rooms:
                self._feeds[key] = client.rooms[incident].watch(panel, key)

        self._call(watch)
        return key

    def unwatch(self, panel: str) -> None:
        def unwatch(_: Client) -> None:
            feed = self._feeds.pop(panel, None)
            if feed is not None:
                feed.stop()

        self._call(unwatch)

    def tail(self, incident: str, query: str) -> str:
        """Follow the new lines of a log query in a followed incident; returns its key in `latest.tails`."""
        with self._guard:
            self._watched += 1
            key = f"t{self._watched}"

        def tail(client: Client) -> None:
            if incident in client.rooms:
                self._tails[key] = client.rooms[incident].tail(query, key)

        self._call(tail)
        return key

    def untail(self, key: str) -> None:
        """Follow that tail no longer."""

        def untail(_: Client) -> None:
            feed = self._tails.pop(key, None)
            if feed is not None:
                feed.stop()

        self._call(untail)

    def seen(self, serial: int) -> None:
        """The person has seen the refusal with that serial."""
        self._call(lambda client: client.seen(serial))

    # -- between the threads -------------------------------------------------------------------------------------

    def _call(self, work: Callable[[Client], None], future: Future[Any] | None = None) -> None:
        """Do `work` in the thread, in order, once there is a client; its failure goes to `future` or a notice."""

        def guarded(client: Client) -> None:
            try:
                work(client)
            except (ValueError, ClientError, OSError) as failure:
                if future is not None:
                    _fail(future, failure)
                else:
                    client.notify("error", str(failure))

        with self._guard:
            if self._stopping.is_set() or self.failure is not None:
                if future is not None:
                    _fail(future, self.failure or Unreachable("the client has been stopped"))
                return
            if future is not None:
                self._futures.add(future)
                future.add_done_callback(self._futures.discard)
            if self._client is None or self._loop is None:
                self._early.append(guarded)
            else:
                self._loop.call_soon_threadsafe(guarded, self._client)

    def _abandon(self, failure: Exception) -> None:
        for future in list(self._futures):
            _fail(future, failure)

    # -- inside the thread ---------------------------------------------------------------------------------------

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except (ClientError, ValueError, OSError) as failure:
            self.failure = failure
            now = datetime.now(UTC)
            self.latest = View(Link("refused", now, words=str(failure)))
            self._abandon(failure)
            self._call_wake()

    async def _run(self) -> None:
        from warroom.client.client import Client

        loop = asyncio.get_running_loop()
        stop, changed = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        async with Client(self._url, self._token, **self._options) as client:
            client.on_change(lambda _: changed.set())
            with self._guard:
                self._loop, self._stop, self._client = loop, stop, client
                early, self._early = self._early, []
                if self._stopping.is_set():
                    stop.set()
                for work in early:
                    loop.call_soon(work, client)
            changed.set()
            publisher = asyncio.create_task(self._publish(client, changed))
            await stop.wait()
            publisher.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(publisher, *self._tasks, return_exceptions=True)
        self.latest = client.view()

    async def _publish(self, client: Client, changed: asyncio.Event) -> None:
        last = 0.0
        while True:
            await changed.wait()
            wait = last + SHORTEST_BETWEEN_WAKES - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            changed.clear()
            last = time.monotonic()
            self.latest = client.view()
            self._call_wake()

    def _call_wake(self) -> None:
        if self._wake is None:
            return
        try:
            self._wake(self.latest)
        except Exception:
            # Whoever is woken may be gone already; the link has to live on.
            _log.warning("the wake callback failed", exc_info=True)

    def _task(self, work: Any) -> None:
        async def run() -> None:
            try:
                await work
            except (ValueError, ClientError) as failure:
                if self._client is not None:
                    self._client.notify("error", str(failure))

        self._keep(asyncio.get_running_loop().create_task(run()))

    def _follow_up(self, work: Any, future: Future[Any]) -> None:
        async def run() -> None:
            try:
                result = await work
            except (ValueError, ClientError) as failure:
                _fail(future, failure)
            else:
                if not future.done():
                    future.set_result(result)

        self._keep(asyncio.get_running_loop().create_task(run()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _fail(future: Future[Any], failure: Exception) -> None:
    if not future.done():
        future.set_exception(failure)
