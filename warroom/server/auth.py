"""Who is at the door: tokens, invites, and how often one may be wrong.

Tokens are 256 random bits and kept as SHA-256, so a copy of the log's file lets nobody in. Invite codes are short
enough to say aloud and therefore single-use, short-lived, and guarded against guessing.

Invariant: neither a token nor a code is ever part of an error, a log line or an event.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from pydantic import TypeAdapter, ValidationError

from warroom.incident.fields import Person
from warroom.incident.ids import ALPHABET
from warroom.incident.state import Actor
from warroom.incident.words import Access
from warroom.server.limits import Failures
from warroom.server.settings import ServerLimits
from warroom.store.port import EventStore, TokenRow

PREFIX = "wr_"
TOKEN = re.compile(r"wr_[A-Za-z0-9_-]{43}")
TOKEN_TTL = 30 * 86_400
"""Seconds that the token of an invite lives, where the invite does not say."""
_PERSON: TypeAdapter[str] = TypeAdapter(Person)
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who was let in. `digest` names the token; `granted` is the text of one made just now, to be told once."""

    actor: Actor
    digest: bytes
    expires_at: datetime | None
    granted: str = ""


@dataclass(frozen=True, slots=True)
class Denied:
    """`status` as HTTP says it; `reason` for the metrics, `words` for the one at the door."""

    status: int
    reason: str
    words: str


def digest_of(text: str) -> bytes:
    """What is kept of a token or a code."""
    return hashlib.sha256(text.encode()).digest()


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def new_code() -> str:
    """Eight letters and digits in two groups, `7K3Q-9TZM`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def read_code(text: str) -> str:
    """A code as people type it, in the one form that is hashed; empty when it is none."""
    bare = re.sub(r"[\s-]", "", text).upper().translate(_MISREAD)
    return f"{bare[:4]}-{bare[4:]}" if len(bare) == 8 and all(letter in ALPHABET for letter in bare) else ""


def person(text: str) -> str:
    """A name as the room takes it, or empty when it is none."""
    try:
        return _PERSON.validate_python(text)
    except ValidationError:
        return ""


async def mint(
    store: EventStore,
    name: str,
    access: Access,
    *,
    by: str,
    at: datetime,
    ttl_seconds: int | None = None,
    scopes: Iterable[str] = (),
    label: str = "",
) -> str:
    """Make a token for `name` and return its text, which is kept nowhere."""
    text = new_token()
    await store.put_token(
        TokenRow(
            digest=digest_of(text),
            name=name,
            access=access.value,
            scopes=tuple(scopes),
            created_at=at,
            created_by=by,
            expires_at=None if ttl_seconds is None else at + timedelta(seconds=ttl_seconds),
            label=label,
        )
    )
    return text


async def invite(
    store: EventStore,
    access: Access,
    *,
    by: str,
    at: datetime,
    code_seconds: int,
    ttl_seconds: int = TOKEN_TTL,
    name: str = "",
    scopes: Iterable[str] = (),
) -> str:
    """Make an invite code, good for `code_seconds`, for one token that lives `ttl_seconds`."""
    code = new_code()
    await store.put_token(
        TokenRow(
            digest=digest_of(code),
            name=name,
            access=access.value,
            scopes=tuple(scopes),
            created_at=at,
            created_by=by,
            expires_at=at + timedelta(seconds=code_seconds),
            single_use=True,
            ttl_seconds=ttl_seconds,
        )
    )
    return code


class Door:
    """Decides on credentials. `clock` is the wall clock; guesses are counted by the machine's own."""

    def __init__(self, store: EventStore, clock: Callable[[], datetime], limits: ServerLimits) -> None:
        self._store = store
        self._clock = clock
        self._failures = Failures(limits.failures_per_second, limits.failures)
        self._guesses = Failures(limits.invite_failures_per_second, limits.invite_failures)

    async def let_in(self, header: str, address: str, name: str = "") -> Identity | Denied:
        """Judge an `Authorization` header: `Bearer TOKEN`, or `Invite CODE` with the proposed `name`."""
        scheme, _, credential = header.partition(" ")
        credential = credential.strip()
        match scheme.lower():
            case "bearer":
                return await self.by_token(credential, address)
            case "invite":
                return await self._by_invite(credential, address, name)
        return Denied(401, "no-token", "a token is needed: Authorization: Bearer wr_...")

    async def by_token(self, text: str, address: str) -> Identity | Denied:
        """Judge a token. A right one is let in whatever others on the same address got wrong."""
        now = monotonic()
        digest = digest_of(text)
        row = await self._store.token(digest) if TOKEN.fullmatch(text) else None
        if row is not None and hmac.compare_digest(row.digest, digest) and not row.single_use:
            if is_live(row, self._clock()):
                return Identity(actor_of(row), digest, row.expires_at)
            self._failures.failed(("address", address), now)
            ended = "was revoked" if row.revoked_at is not None else "has expired"
            return Denied(401, "expired", f"this token {ended}; ask for a new invite")
        keys = (("address", address), ("prefix", text[:8]))
        blocked = any(self._failures.blocked(key, now) for key in keys)
        for key in keys:
            self._failures.failed(key, now)
        if blocked:
            return Denied(429, "guessing", "too many wrong tokens; wait a minute")
        return Denied(401, "unknown-token", "the server does not know this token")

    async def _by_invite(self, text: str, address: str, proposed: str) -> Identity | Denied:
        now = monotonic()
        if self._failures.blocked(("invite", address), now) or self._guesses.blocked("all", now):
            return Denied(429, "guessing", "too many wrong invite codes; wait a minute")
        at = self._clock()
        code = read_code(text)
        row = await self._store.use_invite(digest_of(code), at) if code else None
        if row is None:
            self._failures.failed(("invite", address), now)
            self._guesses.failed("all", now)
            return Denied(401, "unknown-invite", "the server does not know this invite, or it was used or has expired")
        name = row.name or await self._free_name(person(proposed) or "guest")
        access = Access(row.access)
        ttl = TOKEN_TTL if row.ttl_seconds is None else row.ttl_seconds
        token = await mint(
            self._store, name, access, by=row.created_by, at=at, ttl_seconds=ttl, scopes=row.scopes, label="invite"
        )
        actor = Actor(name, access, frozenset(row.scopes))
        return Identity(actor, digest_of(token), at + timedelta(seconds=ttl), token)

    async def _free_name(self, wanted: str) -> str:
        """`wanted`, or with a number behind where somebody has or had that name: nobody may pass for another.

        Duties and memberships outlive a token, so its end does not free the name; an admin's invite gives it again.
        """
        taken = {row.name.casefold() for row in await self._store.tokens() if not row.single_use}
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted[:60]}-{number}"
        return name


async def is_anothers(store: EventStore, name: str, actor: Actor, at: datetime) -> bool:
    """Whether `actor` may not invite under that name, for it is, or was, somebody else's.

    Duties are held by name and outlive a token, so whoever could hand out names could act as the incident commander.
    """
    wanted = person(name).casefold()
    if not wanted or actor.access is Access.ADMIN or wanted == actor.name.casefold():
        return False
    return any(
        row.name.casefold() == wanted and (not row.single_use or (row.used_at is None and is_live(row, at)))
        for row in await store.tokens()
    )


def is_live(row: TokenRow, at: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > at)


def actor_of(row: TokenRow) -> Actor:
    return Actor(row.name, Access(row.access), frozenset(row.scopes))
