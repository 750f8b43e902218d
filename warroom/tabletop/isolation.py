"""An exercise reaches nothing outside: while it runs, this process opens no connection but to its own server.

It stands beneath every library: Python's own audit events tell of each connection before it is made, whoever makes it.

Invariant: what is refused is refused before a packet leaves, and kept in `refused` for whoever proves it.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_CONNECTING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKING_UP: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_NEAR: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


class OutsideRefused(ConnectionRefusedError):
    """Something tried to reach outside while an exercise ran."""


class Isolation:
    """What may be reached: `ports` of our own server on loopback. `refused` are the addresses that were not."""

    def __init__(self) -> None:
        self.ports: set[int] = set()
        self.refused: list[str] = []

    def allows(self, address: Any) -> bool:
        """Whether a socket may be connected to that address: our own server, or a file on this machine."""
        if isinstance(address, (str, bytes)):
            return True
        if not isinstance(address, tuple) or len(address) < 2:
            return False
        host, port = address[0], address[1]
        try:
            near = host == "localhost" or ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
        except ValueError:
            near = False
        return near and port in self.ports


_guard = threading.Lock()
_running: list[Isolation] = []
_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _running:
        return
    if event in _CONNECTING:
        address = arguments[1] if len(arguments) > 1 else None
        # A datagram on a socket that is connected already names no address.
        if address is None or any(one.allows(address) for one in _running):
            return
    elif event in _LOOKING_UP:
        address = arguments[0]
        if address is None or str(address) in _NEAR or _is_number(address):
            return
    else:
        return
    for one in _running:
        one.refused.append(str(address))
    raise OutsideRefused(f"an exercise reaches nothing outside of itself: {address} is refused")


def _is_number(host: Any) -> bool:
    """An address needs no server to be looked up."""
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


@contextmanager
def isolated() -> Iterator[Isolation]:
    """Refuse every connection of this process but those to `ports`, for as long as the context is entered."""
    global _hooked
    mine = Isolation()
    with _guard:
        if not _hooked:
            # An audit hook cannot be taken away again; it looks at nothing while no exercise runs.
            sys.addaudithook(_hook)
            _hooked = True
        _running.append(mine)
    try:
        yield mine
    finally:
        with _guard:
            _running.remove(mine)
