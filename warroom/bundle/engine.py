"""The Docker engine: which one is meant, whether it answers, and its errors in words.

Invariant: the SDK is imported when an engine is first asked, never before; the engine is one of this machine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warroom.bundle.compose_file import LOOPBACK
from warroom.bundle.errors import StackError
from warroom.bundle.text import shortened

STANDARD = "unix:///var/run/docker.sock"
START_IT = "start it (`systemctl start docker`, or Docker Desktop) or install it"
ANSWER_WITHIN = 30.0
"""Seconds that the engine may take for one answer, statistics and a slow disk included."""

AT_ONCE = 16
"""Questions that may be with the engine at the same time."""


def address(env: Mapping[str, str] = os.environ) -> str:
    """The engine's address: DOCKER_HOST, else that of the Docker context in use, else the standard socket.

    Raises:
        StackError: it is on another machine; the stack's servers are to be reached on this one's loopback.
    """
    host = env.get("DOCKER_HOST") or _of_context(env) or STANDARD
    parts = urlsplit(host)
    if parts.scheme in ("unix", "npipe") or parts.hostname in LOOPBACK:
        return host
    raise StackError(
        "elsewhere",
        f"the Docker engine {parts.scheme}://{parts.hostname or ''} is on another machine; "
        "unset DOCKER_HOST or `docker context use default`: the stack runs on this one",
    )


def _of_context(env: Mapping[str, str]) -> str:
    """The address of the context in use; empty for the default context, or where contexts cannot be read."""
    if not _names_a_context(env):
        return ""
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name
    from docker.errors import DockerException

    try:
        name = env.get("DOCKER_CONTEXT") or get_current_context_name()
        found = ContextAPI.get_context(name) if name != "default" else None
    except (DockerException, OSError, ValueError):
        return ""
    return str(found.Host or "") if found is not None else ""


def _names_a_context(env: Mapping[str, str]) -> bool:
    """Whether a context may be in use at all: told without loading the SDK, which a server keeps in memory for ever."""
    if env.get("DOCKER_CONTEXT"):
        return True
    file = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME", "~")).expanduser() / ".docker") / "config.json"
    try:
        return "currentContext" in file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def connect(env: Mapping[str, str] = os.environ) -> Any:
    """A `docker.APIClient`; the caller closes it.

    Raises:
        StackError: no engine answers, or it may not be asked.
    """
    host = address(env)
    knock(host)
    import docker
    from docker.errors import DockerException

    try:
        return docker.APIClient(base_url=host, version="auto", timeout=ANSWER_WITHIN, max_pool_size=AT_ONCE)
    except DockerException as error:
        raise StackError("no-engine", f"no Docker engine answers at {host} ({_first(error)}); {START_IT}") from None


def knock(host: str) -> None:
    """Raises StackError when no engine opens, or not to us: the SDK reports the two alike, and drops a socket that
    could not connect without closing it.
    """
    parts = urlsplit(host)
    if parts.scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(ANSWER_WITHIN)
        try:
            door.connect(parts.path)
        except PermissionError:
            raise StackError(
                "denied",
                f"you may not use the Docker engine at {parts.path}; join its group (`sudo usermod -aG docker "
                "$USER`, then log in again), or use rootless Docker",
            ) from None
        except FileNotFoundError:
            raise StackError("no-engine", f"no Docker engine runs on this machine ({parts.path}); {START_IT}") from None
        except OSError as error:
            words = f"the Docker engine at {parts.path} does not answer ({error.strerror or error}); {START_IT}"
            raise StackError("no-engine", words) from None


def in_words(error: Exception) -> StackError | None:
    """The engine's error as ours; None for what the engine has nothing to do with."""
    if isinstance(error, StackError):
        return error
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    if isinstance(error, NotFound):
        return StackError("not-running", f"the engine knows no such thing ({_first(error)}); `warroom stack status`")
    if isinstance(error, APIError):
        return failure(error.explanation or str(error))
    if isinstance(error, RequestException | HTTPError | DockerException):
        words = f"the Docker engine stopped answering ({type(error).__name__}); see whether it runs, then try again"
        return StackError("no-engine", words)
    return None


_SIGNS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("port is already allocated", "address already in use", "ports are not available"),
        "port-taken",
        "a port is taken ({}); end what holds it, then `warroom stack up`",
    ),
    (
        (
            "no such host", "dial tcp", "pull access denied", "manifest unknown", "failed to resolve reference",
            "error pulling image", "i/o timeout", "tls handshake", "proxyconnect", "toomanyrequests", "lookup ",
        ),
        "no-registry",
        "no registry gives the image ({}); check the network and the proxy, or `docker load` the image",
    ),
    (
        ("no space left on device",),
        "disk",
        "the disk of the Docker engine is full ({}); make room (`docker system df` tells what holds it)",
    ),
    (
        ("permission denied while trying to connect",),
        "denied",
        "you may not use the Docker engine ({}); join its group `docker`, then log in again",
    ),
    (
        ("cannot connect to the docker daemon", "is the docker daemon running"),
        "no-engine",
        "the Docker engine does not answer ({}); " + START_IT,
    ),
)  # fmt: skip


def failure(text: str) -> StackError:
    """What an engine or compose said in its own words, recognised where it can be."""
    said = shortened(text)
    for signs, kind, words in _SIGNS:
        if any(sign in text.lower() for sign in signs):
            return StackError(kind, words.format(said))  # type: ignore[arg-type]
    return StackError("failed", f"Docker says: {said}")


def _first(error: Exception) -> str:
    return shortened(str(getattr(error, "explanation", None) or error), 160)
