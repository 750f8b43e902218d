"""One outbox, one connection, and all that is known through it: what every participant stands on.

Invariant: a submitted command is on disk before `submit` returns and leaves it only with its answer; state comes
from verified records alone, never from what is unsent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal

from pydantic import ValidationError

from warroom.client.changes import Topic
from warroom.client.connect import socket_url
from warroom.client.desk import Desk
from warroom.client.errors import Refused, Unreachable
from warroom.client.outbox import Outbox
from warroom.client.replica import ReplicaCache
from warroom.client.room import Room, Ticket
from warroom.client.transport import Transport
from warroom.client.view import Link, LobbyLine, Notice, RefusedCommand, Unsent, View
from warroom.incident.commands import COMMAND, Command
from warroom.incident.ids import parse_incident_id
from warroom.tracing.context import LONGEST
from warroom.tracing.spans import Tracer
from warroom.wire import messages as m
from warroom.wire.codec import encode, first_complaint

SAVE_EVERY = 5.0
"""Seconds between writings of changed replicas."""
_GOODBYE = 0.2


class Client:
    """`async with Client(url, token) as client`: entered at once, connected or not; `await client.live()` waits.

    It is used from one event loop. `url` is ws://HOST:PORT or wss://...; `outbox` a file (None: in memory, so
    unsent commands die with the process); `cache` a directory of replicas, by default beside the outbox; `kind` is
    console, cli or automation; `name` what to be called where the token leaves it open. With `invite` instead of a
    token, the token it was traded for is in `granted` once live. `tracer` tells the way of each command.
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
        invite: str = "",
        tracer: Tracer | None = None,
    ) -> None:
        """
        Raises:
            BadAddress: `url` is no address of a server.
            OSError: the outbox's or the cache's directory cannot be used.
        """
        self._url = socket_url(url)
        self._credential = f"Invite {invite}" if invite else f"Bearer {token}" if token else ""
        self._name = name
        box = Outbox.open(outbox) if outbox is not None else Outbox.in_memory()
        if cache is None and outbox is not None:
            cache = outbox.parent / "replicas"
        try:
            self._desk = Desk(box, ReplicaCache(cache) if cache is not None else None, kind, agent, tracer)
        except OSError:
            box.close()
            raise
        if tls is None and self._url.startswith("wss:"):
            tls = ssl.create_default_context()
        self._transport = self._desk.transport = Transport(self._url, self._headers, self._desk, tls=tls)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Client:
        if self._desk.outbox.damaged is not None:
            words = f"The outbox could not be read and was put aside as {self._desk.outbox.damaged}; a new one is used"
            self._desk.say("error", words)
        self._tasks = [asyncio.create_task(self._transport.run()), asyncio.create_task(self._save())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye, keep the replicas, give the outbox back; within half a second whatever the server does."""
        desk = self._desk
        if desk.link.is_live:
            desk.act(desk.session.goodbye())
            await self._transport.flush(_GOODBYE)
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        desk.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def id(self) -> str:
        """The id of the outbox, which numbers the commands in the log."""
        return self._desk.outbox.client

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def link(self) -> Link:
        return self._desk.link

    @property
    def lobby(self) -> Mapping[str, LobbyLine] | None:
        """The incidents, by id; None until the list has come once (or was found in the cache)."""
        return self._desk.rooms.lobby

    @property
    def rooms(self) -> Mapping[str, Room]:
        return MappingProxyType(self._desk.rooms.open)

    @property
    def unsent(self) -> tuple[Unsent, ...]:
        """The commands without an answer, by number, also those an earlier process left behind."""
        return self._desk.unsent

    @property
    def tickets(self) -> Mapping[int, Ticket]:
        """The tickets of the unsent commands, by number."""
        return MappingProxyType(self._desk.tickets)

    @property
    def refused(self) -> tuple[RefusedCommand, ...]:
        """The commands that came back and that nobody has `seen`, oldest first."""
        return self._desk.refused

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The last hundred things a person has to know."""
        return tuple(self._desk.notices)

    @property
    def granted(self) -> m.TokenDown | None:
        """The token an invite was traded for."""
        return self._desk.granted

    def view(self) -> View:
        """Everything at this moment, immutable."""
        desk = self._desk
        return View(
            link=desk.link,
            lobby=desk.rooms.lobby,
            rooms=MappingProxyType({incident: room.view for incident, room in desk.rooms.open.items()}),
            panels=MappingProxyType({key: feed.view for key, feed in desk.rooms.feeds.items()}),
            tails=MappingProxyType({key: feed.view for key, feed in desk.rooms.tails.items()}),
            unsent=desk.unsent,
            refused=desk.refused,
            notices=tuple(desk.notices),
        )

    def on_change(self, callback: Callable[[frozenset[Topic]], None]) -> Callable[[], None]:
        """Call back in this loop, at most once per turn of it, with what changed; returns how to stop that."""
        return self._desk.on_change(callback)

    # -- what is wanted ------------------------------------------------------------------------------------------

    async def live(self, timeout: float = 10.0) -> None:
        """Wait until the link is live.

        Raises:
            Unreachable: not in time; says what the last attempt met.
            Refused: the server does not let us in.
        """
        self._transport.hurry()
        try:
            async with asyncio.timeout(timeout):
                await self._desk.settled_link.wait()
        except TimeoutError:
            raise Unreachable(self.link.words or f"no answer from {self._url} in {timeout:g} seconds") from None
        if self.link.status == "refused":
            raise Refused("not-allowed", self.link.words)

    def submit(self, command: Command | Mapping[str, Any], incident: str = "", *, pressed: float = 0.0) -> Ticket:
        """Queue a command (a model or its JSON); on disk before this returns. Declaring has no incident.

        `pressed` is when a person gave it (`time.monotonic()`): where its trace begins.

        Raises:
            ValueError: it is no valid command, or too large; names the field.
            OSError: the disk does not take it; nothing was queued.
        """
        if isinstance(command, Command):
            body = command.model_dump(mode="json")
        else:
            try:
                body = COMMAND.validate_python(dict(command)).model_dump(mode="json")
            except ValidationError as wrong:
                raise ValueError(f"not a command: {first_complaint(wrong)}") from None
        where = parse_incident_id(incident) if incident else ""
        if not where and body.get("type") != "declare-incident":
            raise ValueError(f"{body.get('type')} needs an incident, such as INC-7K3Q")
        trace = LONGEST if self._desk.traces is not None else ""
        size = len(encode(m.CommandFrame(t="command", n=2**53, incident=where, command=body, trace=trace)))
        if size > m.MAX_UP:
            raise ValueError(f"the command has {size} bytes; at most {m.MAX_UP} can be sent")
        return self._desk.submit(where, body, pressed)

    async def follow(self, incident: str) -> Room:
        """Follow an incident; returns at once with what is cached. `await room.caught_up.wait()` for the rest.

        Raises:
            ValueError: it is no incident id.
        """
        return self.enter(incident)

    def enter(self, incident: str) -> Room:
        """As `follow`, for callers that do not await."""
        return self._desk.rooms.room(parse_incident_id(incident))

    async def follow_lobby(self, timeout: float = 5.0) -> Mapping[str, LobbyLine] | None:
        """Follow the list of incidents; returns it when it has come, or what is cached when that takes too long."""
        self._desk.rooms.stand("lobby", m.Lobby(t="lobby", follow=True))
        try:
            async with asyncio.timeout(timeout):
                await self._desk.rooms.lobby_came.wait()
        except TimeoutError:
            return self.lobby
        return self.lobby

    async def request(self, method: str, *, timeout: float = 10.0, **params: object) -> Any:
        """Ask one question and wait for its answer.

        Raises:
            Unreachable: no live link or no answer in time; whether it was carried out is not known then.
            Refused: the server said no.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        await self.live(timeout)
        question, future = self._desk.questions.new(method, params)
        self._desk.rooms.tell(question)
        try:
            async with asyncio.timeout_at(deadline):
                return await future
        except TimeoutError:
            raise Unreachable(f"no answer to {method} in {timeout:g} seconds") from None
        finally:
            self._desk.questions.give_up(question.id)

    def seen(self, serial: int) -> None:
        """The person has seen the refusal with that serial; it is forgotten."""
        self._desk.seen(serial)

    def save(self) -> None:
        """Write changed replicas to disk now; otherwise it is done every few seconds and at the end."""
        self._desk.rooms.save_all()

    def notify(self, level: Literal["information", "warning", "error"], words: str) -> None:
        """Put a notice up beside those of the server."""
        self._desk.say(level, words)

    # -- inside --------------------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        granted = self._desk.granted
        credential = f"Bearer {granted.token}" if granted is not None else self._credential
        if credential:
            headers["Authorization"] = credential
        if self._name:
            headers["X-Warroom-Name"] = self._name
        return headers

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY)
            self._desk.rooms.save_all()
