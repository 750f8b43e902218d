"""One connection to a server, what is known through it, and what waits to be sent. (Signatures first.)"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from warroom.client.view import (
    Link,
    LobbyLine,
    Notice,
    PanelView,
    RefusedCommand,
    RoomView,
    Settled,
    Unsent,
    View,
)
from warroom.incident.commands import Command
from warroom.incident.state import IncidentState

Topic = str | tuple[str, str]
"""`link`, `lobby`, `outbox`, `notice`, or ("state" | "people", incident id), ("panel", id)."""


class Ticket:
    """One submitted command."""

    n: int
    incident: str
    command: Mapping[str, Any]

    async def settled(self) -> Settled:
        """Wait for the answer, for ever: put a timeout around it. `.accepted` tells; a refusal has `.words`."""
        raise NotImplementedError


class PanelFeed:
    """A watched panel; `view` is its newest state, `stop()` ends it."""

    id: str
    view: PanelView

    def stop(self) -> None:
        raise NotImplementedError


class Room:
    """One followed incident. `view` is the newest immutable state of all of it."""

    incident: str
    view: RoomView
    state: IncidentState
    caught_up: asyncio.Event

    def present(self, looking_at: str = "", idle: int = 0, typing: bool = False) -> None:
        """Tell the others what this person looks at; `idle` in seconds."""
        raise NotImplementedError

    def light(self, target: str) -> None:
        """Point at something for everybody; empty ends it."""
        raise NotImplementedError

    def watch(self, panel: Mapping[str, Any]) -> PanelFeed:
        """Follow a panel (fields of `wire.messages.PanelSpec`)."""
        raise NotImplementedError

    def leave(self) -> None:
        """Stop following."""
        raise NotImplementedError


class Client:
    """`async with Client(url, token) as client`: returns at once, connected or not; `await client.live()` waits."""

    link: Link
    lobby: Mapping[str, LobbyLine] | None
    rooms: Mapping[str, Room]
    unsent: tuple[Unsent, ...]
    refused: tuple[RefusedCommand, ...]
    notices: tuple[Notice, ...]

    def __init__(
        self,
        url: str,
        token: str,
        *,
        outbox: Path | None = None,
        cache: Path | None = None,
        kind: str = "console",
        agent: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`url` is ws://HOST:PORT or wss://...; `outbox` a file (None: in memory), `cache` a directory of replicas."""
        raise NotImplementedError

    async def __aenter__(self) -> Client:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def live(self, timeout: float = 10.0) -> None:
        """Wait until the link is live. Raises Unreachable in time, Refused when the server said no."""
        raise NotImplementedError

    def submit(self, command: Command | Mapping[str, Any], incident: str = "") -> Ticket:
        """Queue a command: on disk before this returns. Raises ValueError when it is no valid command."""
        raise NotImplementedError

    async def follow(self, incident: str) -> Room:
        """Follow an incident; returns at once with what is cached. `await room.caught_up.wait()` for the rest."""
        raise NotImplementedError

    async def follow_lobby(self) -> None:
        """Follow the list of incidents; returns when it has come once or the link is not live."""
        raise NotImplementedError

    async def request(self, method: str, *, timeout: float = 10.0, **params: object) -> Any:
        """Ask one question. Raises Unreachable, Refused."""
        raise NotImplementedError

    def seen(self, n: int) -> None:
        """The person has seen the refusal of command `n`; it is forgotten."""
        raise NotImplementedError

    def on_change(self, callback: Callable[[frozenset[Topic]], None]) -> Callable[[], None]:
        """Call back in this loop, at most once per turn of it, with what changed; returns how to stop that."""
        raise NotImplementedError

    def view(self) -> View:
        """Everything at this moment, immutable."""
        raise NotImplementedError
