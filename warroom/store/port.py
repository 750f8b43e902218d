"""The port every event store implements, and what passes through it.

Invariant: `append` returns only after the records and outcomes are on stable storage, or nothing was written.
Any failure to make them durable that is not a full disk ends the process (`StoreFailed`): nothing is acked on hope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from warroom.incident.chain import Broken
from warroom.incident.record import Record


class StoreError(Exception):
    """Root of what a store raises.

    StoreError
     +-- StoreFull      nothing was written; the same append may succeed when there is room again
     +-- StoreBusy      nothing was written; another program holds the file for now
     +-- AlreadyAnswered  nothing was written; an outcome of this (client, n) is kept, or was confirmed
     +-- StoreFailed    whether it was written is unknown; the process must stop and let recovery decide
     +-- StoreLocked    another process holds this store
     +-- StoreDamaged   the file is not what was written; `where` names the first broken record
     +-- StoreTooNew    written by a newer version of warroom
    """


class StoreFull(StoreError): ...


class StoreBusy(StoreError): ...


class StoreFailed(StoreError): ...


class StoreLocked(StoreError): ...


class StoreTooNew(StoreError): ...


class AlreadyAnswered(StoreError):
    """Command `n` of `client` has its first answer; read it with `outcomes` (none is kept once it was confirmed)."""

    def __init__(self, client: str, n: int) -> None:
        super().__init__(f"command {n} of {client} has been answered before")
        self.client = client
        self.n = n


class StoreDamaged(StoreError):
    """`where` is the incident and seq of the first broken record, as words; `seq` is that seq, 0 when it has none."""

    def __init__(self, message: str, where: str = "", seq: int = 0) -> None:
        super().__init__(message)
        self.where = where
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: seq 0 and the genesis hash for an incident that has none."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first answer to command `n` of `client`, given again to every repeat.

    `incident` and `seq` name the last record it led to (seq 0: no event); `reason` and `words` a refusal.
    """

    client: str
    n: int
    incident: str = ""
    seq: int = 0
    reason: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Appended:
    head: Head


@dataclass(frozen=True, slots=True)
class Conflict:
    """The log was not at the expected head; `head` is where it is. Nothing was written."""

    head: Head


@dataclass(frozen=True, slots=True)
class Proven:
    """How far a chain was followed, how many records on the way are redacted, and what stopped it, if anything did."""

    head: Head
    redacted: int
    broken: Broken | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is kept: never the token, only its SHA-256. `scopes` empty means everything."""

    digest: bytes
    name: str
    access: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    label: str = ""
    single_use: bool = False
    """An invite code: traded once for a token."""
    used_at: datetime | None = None
    ttl_seconds: int | None = None
    """For an invite: how long the token it is traded for lives."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of incidents, kept beside the log in the same transaction and derivable from it."""

    incident: str
    head: Head
    body: bytes = field(default=b"")
    """Canonical JSON of the lobby line."""


class EventStore(Protocol):
    """An append-only log per incident, outcomes, tokens, and the log's epoch (its identity, new after a restore)."""

    @property
    def epoch(self) -> str: ...

    async def append(
        self,
        incident: str,
        expected: int,
        records: Sequence[Record],
        outcomes: Sequence[Outcome] = (),
        *,
        erase: Sequence[int] = (),
        summary: bytes = b"",
    ) -> Appended | Conflict:
        """Append `records` (seq = expected + 1, ...) and `outcomes` in one durable transaction.

        `erase` names seqs of this incident whose payload and salt are erased for good in the same transaction.
        With no records, only the outcomes are stored; the expected head is checked all the same. A store may commit
        many calls together; one that fails never fails another. An empty `summary` leaves the kept one.

        Raises:
            AlreadyAnswered: one of `outcomes` repeats an answer; nothing was written.
            ValueError: the records do not follow the head, or `erase` names a record that is not there.
            StoreFull: no room; nothing was written.
            StoreBusy: the file is held by another program; nothing was written.
            StoreFailed: durability is unknown; stop the process.
        """
        ...

    async def read(self, incident: str, after: int = 0, limit: int = 1000) -> list[Record]:
        """Records with seq > `after`, in order, at most `limit`; payload None where redacted.

        Raises:
            StoreDamaged: what is stored is not what was written; such a record is never returned.
        """
        ...

    async def prove(self, incident: str) -> Proven:
        """Check the hash of every record of one incident, from the first to the head, while the store is in use.

        Raises:
            StoreDamaged: some of it cannot even be read.
        """
        ...

    async def head(self, incident: str) -> Head: ...

    async def incidents(self) -> list[Summary]: ...

    async def outcomes(self, client: str) -> list[Outcome]:
        """The outcomes kept for `client`, by n."""
        ...

    async def forget_outcomes(self, client: str, upto: int) -> None:
        """Drop the outcomes with n <= `upto`, which the client has confirmed, and remember `upto` as its floor."""
        ...

    async def client_floor(self, client: str) -> int:
        """The highest n the client has confirmed; 0 for a new one."""
        ...

    async def claim_client(self, client: str, owner: str) -> str:
        """Bind a client id to the name that first used it; returns the name it is bound to."""
        ...

    async def put_token(self, row: TokenRow) -> None:
        """Keep a new token or invite.

        Raises:
            ValueError: one with this digest is there already.
        """
        ...

    async def token(self, digest: bytes) -> TokenRow | None: ...

    async def tokens(self) -> list[TokenRow]: ...

    async def revoke_token(self, digest: bytes, at: datetime) -> bool:
        """End a token's life; False when there is none, or it was revoked before."""
        ...

    async def use_invite(self, digest: bytes, at: datetime) -> TokenRow | None:
        """Mark a single-use code used and return it; None if unknown, used, revoked or expired. Atomic."""
        ...

    async def put_signed_head(self, incident: str, seq: int, head: bytes, signature: bytes, at: datetime) -> None: ...

    async def signed_heads(self, incident: str) -> list[tuple[int, bytes, bytes, datetime]]: ...

    async def backup(self, path: str) -> None:
        """A consistent copy while the store is in use.

        Raises:
            StoreError: `path` exists, or cannot be written; nothing of the copy stays.
        """
        ...

    def on_append(self, ring: Callable[[str, int], None]) -> None:
        """A doorbell: called with (incident, seq) after an append; may ring twice or not at all."""
        ...

    async def close(self) -> None: ...
