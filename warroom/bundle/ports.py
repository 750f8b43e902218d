"""Who holds a port of this machine.

Invariant: a port is taken when it cannot be bound; who holds it is told as far as the system lets us see.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CONTAINER = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on the port; `pid` None where only root may see it."""

    port: int
    name: str = ""
    pid: int | None = None
    container: str = ""
    """Id of the container it runs in, or empty."""


def taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody else could listen there now. Connections that are only winding down do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def holders(ports: Iterable[int]) -> dict[int, Holder]:
    """For each port that is taken, who holds it."""
    wanted = [port for port in dict.fromkeys(ports) if taken(port)]
    if not wanted:
        return {}
    listening = _listening()
    return {port: _named(port, listening.get(port)) for port in wanted}


def _listening() -> dict[int, int | None]:
    """Ports that are listened on at an address that stands in the way of loopback, and by whom."""
    import psutil

    try:
        found: list[Any] = psutil.net_connections("tcp")
    except psutil.Error:  # not ours to see, as on macOS
        return {}
    pids: dict[int, int | None] = {}
    for one in found:
        in_way = one.laddr and one.laddr.ip in ("127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1")  # noqa: S104
        if one.status == psutil.CONN_LISTEN and in_way and pids.get(one.laddr.port) is None:
            pids[one.laddr.port] = one.pid
    return pids


def _named(port: int, pid: int | None) -> Holder:
    if pid is None:
        return Holder(port)
    import psutil

    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        name = ""
    return Holder(port, name, pid, _container_of(pid))


def _container_of(pid: int) -> str:
    """The container's id as the kernel's control groups tell it (Linux); empty elsewhere."""
    try:
        found = _CONTAINER.search(Path(f"/proc/{pid}/cgroup").read_text("utf-8"))
    except OSError:
        return ""
    return found[0] if found else ""
