"""What the coordination server is told when it starts.

Invariant: a server that listens beyond this machine has TLS, unless the operator says that something else does it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from warroom.incident.words import Access
from warroom.wire.messages import MAX_UP


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds for one connection, and for all. Times in seconds, sizes in bytes."""

    commands_per_second: float = 50.0
    command_burst: int = 200
    frames_per_second: float = 200.0
    frame_burst: int = 800
    bytes_per_second: float = 1024 * 1024
    byte_burst: int = 4 * 1024 * 1024
    max_frame: int = MAX_UP
    hello_bytes: int = 4096
    hello_seconds: float = 5.0
    buffered: int = 256 * 1024
    stalled_seconds: float = 4.0
    backlog_frames: int = 4096
    idle_seconds: float = 25.0
    heartbeat: float = 10.0
    subscriptions: int = 200
    panels: int = 100
    tails: int = 16
    connections: int = 12_000
    failures: int = 10
    failures_per_second: float = 0.2
    invite_failures: int = 60
    invite_failures_per_second: float = 0.5


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`data_dir` holds the key that signs heads. `origins` are the web pages that may connect, none by default.

    `hosts` are further names under which a server on loopback may be addressed. `behind_proxy` says that TLS ends
    in front of this server. `fatal` is called with what makes going on unsafe and must not return.
    `explore` is the access that queries of one's own to the telemetry servers need.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    name: str = "warroom"
    data_dir: Path | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    behind_proxy: bool = False
    limits: ServerLimits = field(default_factory=ServerLimits)
    close_seconds: float = 2.0
    unload_seconds: float = 600.0
    sign_every: float = 300.0
    tokens_every: float = 5.0
    retry_store_every: float = 2.0
    clock: Callable[[], datetime] = utc_now
    fatal: Callable[[BaseException], None] | None = None
    explore: Access = Access.RESPONDER

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: the server would be reachable from other machines without TLS.
        """
        if not self.loopback and self.tls is None and not self.behind_proxy:
            raise ValueError(
                f"{self.host} can be reached from other machines: give a certificate and key for TLS, "
                "or say that a proxy in front does it"
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
