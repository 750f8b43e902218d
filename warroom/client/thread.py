"""A client in its own thread and loop, so that a terminal that stops reading never stops the heartbeat.
(Signatures first.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.client.view import Settled, View

if TYPE_CHECKING:
    import ssl

    from warroom.incident.commands import Command


class ClientThread:
    """`latest` is the newest immutable `View`; `wake` is called from the network thread, at most 20 times a second."""

    latest: View

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
        wake: Callable[[View], None] | None = None,
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread; `latest` has the cached replicas of followed incidents before any network."""
        raise NotImplementedError

    def stop(self, timeout: float = 1.0) -> None:
        """End within `timeout` seconds, whatever the server does."""
        raise NotImplementedError

    def submit(self, command: Command | Mapping[str, Any], incident: str = "") -> Future[Settled]:
        """Queue a command (on disk within milliseconds); the future has the answer. Never blocks."""
        raise NotImplementedError

    def follow(self, incident: str) -> None:
        raise NotImplementedError

    def leave(self, incident: str) -> None:
        raise NotImplementedError

    def follow_lobby(self) -> None:
        raise NotImplementedError

    def present(self, incident: str, looking_at: str = "", idle: int = 0, typing: bool = False) -> None:
        raise NotImplementedError

    def light(self, incident: str, target: str) -> None:
        raise NotImplementedError

    def watch(self, incident: str, panel: Mapping[str, Any]) -> str:
        """Follow a panel; returns its key in `latest.panels`."""
        raise NotImplementedError

    def unwatch(self, panel: str) -> None:
        raise NotImplementedError

    def request(self, method: str, *, timeout: float = 10.0, **params: object) -> Future[Any]:
        """Ask one question; the future raises Unreachable or Refused."""
        raise NotImplementedError

    def seen(self, n: int) -> None:
        raise NotImplementedError
