"""What the compose file says of each service: image, profiles, where it is probed, which ports it listens on.

Invariant: names and ports are said once, in the file; nothing here knows a service by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warroom.bundle.errors import StackError

FILE_NAME = "docker-compose.observability.yml"
PROBE_LABEL = "warroom.probe"
PORTS_LABEL = "warroom.ports"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<other>[^}]*))?\})"
)


@dataclass(frozen=True, slots=True)
class Service:
    """`probe` is a URL on loopback that answers 200 when the service is ready, or empty; `built` says that its image
    is made here and not pulled.
    """

    name: str
    image: str
    profiles: tuple[str, ...] = ()
    probe: str = ""
    ports: tuple[int, ...] = ()
    built: bool = False

    def is_in(self, profiles: tuple[str, ...]) -> bool:
        """Whether it is started with these profiles; a service without any is always."""
        return not self.profiles or bool(set(self.profiles) & set(profiles))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The stack as written: the file, the project's name, its services in order, its volumes."""

    file: Path
    project: str
    services: tuple[Service, ...]
    volumes: tuple[str, ...] = ()

    @property
    def profiles(self) -> tuple[str, ...]:
        """Every profile that any service is in."""
        return tuple(sorted({profile for one in self.services for profile in one.profiles}))

    def service(self, name: str) -> Service:
        """Raises StackError when there is none of that name."""
        for one in self.services:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.services)
        raise StackError("no-service", f"{name!r} is no service of the stack; it has {known}")


def shipped_file() -> Path:
    """The file that came with the product: inside an installed wheel, or at the root of a checkout.

    Raises:
        StackError: the installation is incomplete.
    """
    package = Path(str(files("warroom")))
    for candidate in (package / "_data" / FILE_NAME, package.parent / FILE_NAME):
        if candidate.is_file():
            return candidate
    raise StackError("no-file", f"{FILE_NAME} is missing under {package}; install warroom again")


def read_bundle(file: Path, variables: Mapping[str, str]) -> Bundle:
    """The stack of a compose file (compose-spec), with `variables` put in.

    Raises:
        StackError: it cannot be read, is no compose file, or a probe leads off this machine.
    """
    import yaml

    try:
        whole = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise StackError("no-file", f"{file} cannot be read: {error.strerror}; install warroom again") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())[:200]
        raise StackError("no-file", f"{file} is not YAML ({words}); install warroom again") from None
    services = whole.get("services") if isinstance(whole, dict) else None
    if not isinstance(services, dict) or not services:
        raise StackError("no-file", f"{file} names no services; install warroom again")
    return Bundle(
        file=file,
        project=str(whole.get("name") or "warroom"),
        services=tuple(_service(file, str(name), body or {}, variables) for name, body in services.items()),
        volumes=tuple(map(str, whole.get("volumes") or {})),
    )


def _service(file: Path, name: str, body: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    labels = _labels(body.get("labels"))
    probe = interpolated(labels.get(PROBE_LABEL, ""), variables)
    if probe and (urlsplit(probe).scheme != "http" or urlsplit(probe).hostname not in LOOPBACK):
        raise StackError("no-file", f"{file}: {PROBE_LABEL} of {name} must be http on 127.0.0.1, not {probe!r}")
    ports = re.split(r"[\s,]+", interpolated(labels.get(PORTS_LABEL, ""), variables).strip())
    try:
        numbers = tuple(int(port) for port in ports if port)
    except ValueError:
        raise StackError("no-file", f"{file}: {PORTS_LABEL} of {name} must be numbers, not {ports}") from None
    return Service(
        name=name,
        image=interpolated(str(body.get("image") or ""), variables),
        profiles=tuple(map(str, body.get("profiles") or ())),
        probe=probe,
        ports=numbers,
        built="build" in body,
    )


def _labels(said: Any) -> dict[str, str]:
    """A mapping, or a list of NAME=VALUE: the specification allows both."""
    if isinstance(said, Mapping):
        return {str(name): "" if value is None else str(value) for name, value in said.items()}
    pairs = (str(one).partition("=") for one in said or ())
    return {name: value for name, _, value in pairs}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME`, `${NAME}`, `${NAME:-other}`, `${NAME-other}`, `${NAME:?..}`, `${NAME:+..}` and `$$`, by compose-spec."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        name, how, other = found["bare"] or found["name"], found["how"] or "", found["other"] or ""
        known = variables.get(name)
        is_there = bool(known) if how.startswith(":") else known is not None
        if how.endswith("+"):
            return other if is_there else ""
        if is_there or not how.endswith("-"):
            return known or ""
        return other

    return _VARIABLE.sub(value, text)
