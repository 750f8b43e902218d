"""Where a telemetry server is, how to be let in, and how much of it may be asked for: settings only, no network.

Invariant: no secret is in a repr, and `Source.clean` strikes them out of whatever a server says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """`connect` and `total` are seconds, `body` is bytes after decompression, `samples` are values of one answer,
    `at_once` is how many questions may be open at the same time.
    """

    connect: float = 3.0
    total: float = 10.0
    body: int = 32 * 1024 * 1024
    samples: int = 500_000
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Where a telemetry server is and how to be let in. Secrets are not in its repr.

    `name` is what people see ("prometheus"); `url` has no user, password or query in it; give either a bearer
    `token` or `username` and `password`. `verify` is True, False, or the path of a CA file.
    Raises ValueError with one sentence about the field that cannot work.
    """

    url: str
    name: str = "prometheus"
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url of {self.name}: it must look like http://host:9090 or https://host/prefix")
        if parts.username is not None or parts.password is not None:
            raise ValueError(f"url of {self.name}: user and password have settings of their own")
        if parts.query or parts.fragment:
            raise ValueError(f"url of {self.name}: it must not have a query or a fragment")
        if self.token is not None and self.username is not None:
            raise ValueError(f"credentials of {self.name}: give a token or a username, not both")
        for word in (self.token, self.username, self.password):
            if word is not None and not word.isprintable():
                raise ValueError(f"credentials of {self.name}: there is a line break or control character in them")

    @property
    def base(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    def clean(self, text: str) -> str:
        """`text` on one line, of bounded length, with every secret of these settings struck out."""
        for secret in (self.token, self.password):
            if secret:
                text = text.replace(secret, "***")
        line = " ".join(text.split())
        return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


@dataclass(frozen=True, slots=True)
class Access:
    """How to be let in beyond what `Source` says. Paths are of PEM files; `tenant` goes out as X-Scope-OrgID."""

    client_cert: str = ""
    client_key: str = field(default="", repr=False)
    tenant: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
