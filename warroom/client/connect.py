"""Where a server is, who we are there, and where this machine keeps what belongs to it.

Invariant: a token lies in a file that only its owner can read, and never in an address.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from platformdirs import user_state_path

from warroom.client.errors import BadAddress, Refused

DEFAULT_PORT = 8765
TOKEN_FILE = "token.json"  # noqa: S105 - a file's name
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})


@dataclass(frozen=True, slots=True)
class Invitation:
    """What `warroom join` is given: the server's address and the single-use code."""

    url: str
    code: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What an invite was traded for."""

    token: str
    name: str
    access: str


def socket_url(text: str) -> str:
    """The websocket address of a server given as HOST, HOST:PORT, [IPV6]:PORT or a ws, wss, http or https URL.

    Raises:
        BadAddress: says what is wrong and what an address looks like.
    """
    looks = "an address looks like war.example.org, 10.0.0.7:8765 or wss://war.example.org"
    given = text.strip()
    try:
        parts = urlsplit(given if "://" in given else f"ws://{given}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadAddress(f"{given!r} is not an address; {looks}") from None
    if parts.username is not None or parts.password is not None or parts.query:
        raise BadAddress("an address holds no name, password or question mark: give the token separately")
    if parts.scheme not in _SCHEMES or not host or re.search(r"[\s\x00-\x1f]", given) or parts.fragment:
        raise BadAddress(f"{given!r} is not an address; {looks}")
    scheme = _SCHEMES[parts.scheme]
    if port is None:
        port = DEFAULT_PORT if "://" not in given or parts.scheme == "ws" else 443 if scheme == "wss" else 80
    path = parts.path.rstrip("/")
    path = path if path.endswith("/ws") else path + "/ws"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"


def read_invitation(text: str) -> Invitation:
    """Read `HOST[:PORT]#CODE`; the code as people type it: lower case, with or without the hyphen, O for 0.

    Raises:
        BadAddress: says what is wrong; the code is not repeated.
    """
    address, hash_sign, code = text.strip().partition("#")
    if not hash_sign:
        raise BadAddress("the invite code is missing: HOST:PORT#CODE, such as 10.0.0.7:8765#7K3Q-9TZM")
    bare = re.sub(r"[\s-]", "", code).upper().translate(_MISREAD)
    code = f"{bare[:4]}-{bare[4:]}"
    if not _CODE.fullmatch(code):
        raise BadAddress("the invite code is two groups of four letters and digits, such as 7K3Q-9TZM")
    return Invitation(socket_url(address), code)


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """What to trust for wss: the system's authorities, or only those in `ca_file` (PEM).

    Raises:
        BadAddress: the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as failure:
        raise BadAddress(f"{ca_file} holds no certificates that can be read: {failure}") from None


async def trade(
    invitation: Invitation, name: str, *, tls: ssl.SSLContext | None = None, timeout: float = 10.0
) -> Grant:
    """Trade an invite code for a token of one's own; the code is used up.

    Raises:
        Refused: the code is unknown, used or expired.
        Unreachable: no answer in time.
    """
    from warroom.client.client import Client

    async with Client(invitation.url, invite=invitation.code, name=name, tls=tls) as client:
        await client.live(timeout)
        granted = client.granted
    if granted is None:
        raise Refused("not-allowed", "the server let us in but gave no token for the invite")
    return Grant(granted.token, granted.name, granted.access)


class Home:
    """What this machine keeps for one server: tokens, outboxes, replicas; in a directory of its own, mode 0700.

    `base` is `~/.local/state/warroom/servers` on Linux unless given. Each name has its own token and outbox, so that
    several people can share an account; `name` says whose are meant, without one those of who joined last.
    """

    def __init__(self, url: str, base: Path | None = None, name: str = "") -> None:
        """
        Raises:
            BadAddress: `url` is no address.
        """
        self.url = socket_url(url)
        parts = urlsplit(self.url)
        base = base or user_state_path("warroom", appauthor=False) / "servers"
        place = f"{parts.hostname}_{parts.port}{parts.path.removesuffix('/ws')}"
        self.directory = base / re.sub(r"[^0-9A-Za-z._-]", "_", place)
        self._name = name

    @property
    def outbox(self) -> Path:
        """The outbox of whoever the token names; replicas lie beside it.

        A server binds an outbox to the first name it hears from it, so each name has its own.
        """
        return self.outbox_of(grant.name if (grant := self.grant()) else "local")

    def outbox_of(self, name: str) -> Path:
        """The outbox of `name`."""
        return self._of(name) / "outbox.db"

    def grant(self) -> Grant | None:
        """The token kept for this server: of the name that is meant, else of who joined last; None without any."""
        own = _read_grant(self._of(self._name) / TOKEN_FILE) if self._name else None
        return own if own and own.name == self._name else _read_grant(self.directory / TOKEN_FILE)

    def keep(self, grant: Grant) -> None:
        """Keep a token as that of its name, in place of the one before, and as the last; readable by its owner only.

        Raises:
            OSError: the disk does not take it.
        """
        said = {"url": self.url, "token": grant.token, "name": grant.name, "access": grant.access}
        own = self._of(grant.name)
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        own.mkdir(exist_ok=True, mode=0o700)
        for directory in (own, self.directory):
            write_whole(directory / TOKEN_FILE, orjson.dumps(said))

    def forget(self) -> None:
        """Remove the token of the name that is meant; where none is meant or it has none, all tokens."""
        grant, own = self.grant(), self._of(self._name) / TOKEN_FILE
        last = self.directory / TOKEN_FILE
        if not self._name or grant is None or grant.name != self._name:
            for path in (last, *self.directory.glob(f"as-*/{TOKEN_FILE}")):
                path.unlink(missing_ok=True)
            return
        own.unlink(missing_ok=True)
        if (kept := _read_grant(last)) and kept.name == self._name:
            last.unlink(missing_ok=True)

    def _of(self, name: str) -> Path:
        return self.directory / f"as-{re.sub(r'[^0-9A-Za-z._-]', '_', name)}"


def _read_grant(path: Path) -> Grant | None:
    try:
        said = orjson.loads(path.read_bytes())
        return Grant(str(said["token"]), str(said["name"]), str(said["access"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for its owner only, whole or not at all, also while others write it.

    Raises:
        OSError: the disk does not take it.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
