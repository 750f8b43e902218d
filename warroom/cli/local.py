"""The server on this machine: how it is found, started in the background, and ended.

It is found by a file in the runtime directory that only its owner can read. Invariant: whatever that file says, it is
believed only when it is ours, private, and the process it names lives.
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from warroom.cli.exits import Exit, Stop
from warroom.settings.places import Places

START_SECONDS = 20.0
STOP_SECONDS = 15.0
_LOOK_AGAIN = 0.05
_COMING_UP = 2.0
"""Seconds that a server which holds the log may take to say where it is."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """What the runtime file holds; `token` is its owner's."""

    url: str
    token: str
    pid: int
    started_at: str
    intake_url: str = ""
    ca_file: str = ""
    born: str = ""
    """When the process began, as the kernel counts, so that another one with the same pid is not taken for it."""

    def __repr__(self) -> str:
        return f"LocalServer({self.url}, pid {self.pid})"


def write_runtime(path: Path, server: LocalServer) -> None:
    """Say where the server is, 0600 from the first moment, whole or not at all.

    Raises:
        OSError: the runtime directory cannot be used.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise PermissionError(f"{path.parent} belongs to somebody else")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        json.dump(asdict(server), file)
    fresh.replace(path)


def remove_runtime(path: Path, pid: int) -> None:
    """Take the file away if it still is that process's."""
    found = read_runtime(path)
    if found is not None and found.pid == pid:
        path.unlink(missing_ok=True)


def read_runtime(path: Path) -> LocalServer | None:
    """What the runtime file says, if it is ours and private; whether the process lives is not asked."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as file:
            about = os.fstat(file.fileno())
            if about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077:
                return None
            said = json.loads(file.read(64 * 1024))
        return LocalServer(
            str(said["url"]),
            str(said["token"]),
            int(said["pid"]),
            str(said["started_at"]),
            str(said["intake_url"]),
            str(said["ca_file"]),
            str(said["born"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def find(where: Places) -> LocalServer | None:
    """The running local server, or None."""
    found = read_runtime(where.runtime_file)
    if found is None or not is_alive(found.pid) or found.born != born(found.pid):
        return None
    return found


def born(pid: int) -> str:
    """When that process began, in the kernel's own count; empty where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def is_alive(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def is_healthy(server: LocalServer, timeout: float = 2.0) -> bool:
    """Whether it answers on its port."""
    return health(server, "/readyz", timeout)[0] == 200


def health(server: LocalServer, path: str, timeout: float = 2.0) -> tuple[int, str]:
    """Status and body of a probe; status 0 with the reason when there is no answer."""
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(server.url)
    if parts.scheme == "wss":
        import ssl

        # Loopback and our own process: whom the certificate names does not matter for a probe.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def find_or_start(where: Places, say: Callable[[str], None] | None = None) -> LocalServer:
    """The running local server, or one started now in the background.

    Raises:
        Stop: it cannot be started; says why and where its log is.
    """
    found = find(where)
    if found is not None and is_healthy(found):
        return found
    if say is not None:
        say("starting a server on this machine ...")
    return start(where)


def start(where: Places, seconds: float = START_SECONDS) -> LocalServer:
    """Start a server that outlives us and wait until it is ready. Of two that start at once, one wins for both.

    Raises:
        Stop: it ended, or was not ready in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        words = _spawn(where, deadline)
        if words and words != "ready" and not words.startswith("locked"):
            raise Stop(Exit.UNREACHABLE, f"the server did not start: {words}")
        # Locked: another one holds the log. It is coming up, and ours as well, or going down, and then we try again.
        found = _ready(where, deadline, going_down=words.startswith("locked"))
        if found is not None:
            return found
    raise Stop(Exit.UNREACHABLE, f"the server was not ready in time; its log is {where.server_log}")


def _spawn(where: Places, deadline: float) -> str:
    """Start one process in the background; returns what it says when it is up, or why it is not."""
    try:
        where.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(where.server_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Stop(Exit.USAGE, f"cannot write {where.server_log}: {error.strerror}") from None
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "warroom", "serve", "--ready-fd", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path))},
        )
    finally:
        os.close(log)
        os.close(writing)
    try:
        words = _words_from(reading, deadline)
    finally:
        os.close(reading)
    if words == "ready":
        # It is not ours to wait for: it lives on when we are gone.
        child.returncode = 0
    else:
        child.wait(max(0.1, deadline - time.monotonic()) if not words else None)
        words = words or f"it ended with status {child.returncode}; its log is {where.server_log}"
    return words


def _words_from(reading: int, deadline: float) -> str:
    """What the child says before it closes the pipe: `ready` or a sentence; empty when it dies or is late."""
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([reading], [], [], left)[0]:
            break
        part = os.read(reading, 4096)
        said += part
        if not part or said.endswith(b"\n"):
            break
    return said.decode("utf-8", "replace").strip()


def _ready(where: Places, deadline: float, *, going_down: bool) -> LocalServer | None:
    """The server that is ready; None when who held the log has gone, or when time is up."""
    patience = time.monotonic() + _COMING_UP
    while time.monotonic() < deadline:
        found = find(where)
        if found is not None and is_healthy(found):
            return found
        if going_down and found is None and time.monotonic() > patience:
            return None
        select.select([], [], [], _LOOK_AGAIN)
    return None


def stop(where: Places, seconds: float = STOP_SECONDS) -> LocalServer | None:
    """End the local server and wait until it has gone; None when there is none.

    Raises:
        Stop: it does not end in time, or is not ours to end.
    """
    found = find(where)
    if found is None:
        return None
    try:
        os.kill(found.pid, signal.SIGTERM)
    except PermissionError:
        raise Stop(Exit.REFUSED, f"process {found.pid} is not yours to end") from None
    except ProcessLookupError:
        return found
    deadline = time.monotonic() + seconds
    while is_alive(found.pid) and born(found.pid) == found.born:
        if time.monotonic() > deadline:
            raise Stop(Exit.TIMEOUT, f"the server (pid {found.pid}) has not ended in {seconds:g} seconds")
        select.select([], [], [], _LOOK_AGAIN)
    return found
