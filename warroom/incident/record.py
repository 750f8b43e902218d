"""The recorded event: an envelope, its payload, and the hash that chains it to the one before.

hash = SHA-256(previous hash, canonical envelope, payload hash); payload hash = SHA-256(salt, payload).
The chain covers the payload's hash, not the payload, so a redaction erases payload and salt and the chain
still verifies. The salt keeps an erased short payload from being guessed from its hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

GENESIS = b"\x00" * 32
"""The previous hash of the first record."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The command a record came from: the outbox that numbered it, and its number there."""

    client: str
    n: int


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it stands in the log. `payload` is the event's JSON, None (with `salt`) once redacted.

    `recorded_at` is the server's clock, `occurred_at` what the responder said; both UTC.
    `access` is the actor's access level and `duty` the duties held then (comma separated), empty for none.
    """

    incident: str
    seq: int
    tag: str
    actor: str
    access: str
    duty: str
    recorded_at: datetime
    occurred_at: datetime
    client: str
    n: int
    payload: bytes | None
    salt: bytes | None
    payload_hash: bytes
    previous: bytes
    hash: bytes


def kind_of(tag: str) -> str:
    """The tag of a fact whatever its version: `evidence-pinned` for `evidence-pinned.2`."""
    return tag.partition(".")[0]


def payload_hash(salt: bytes, payload: bytes) -> bytes:
    """32 bytes that commit to the payload without telling it."""
    return hashlib.sha256(salt + payload).digest()


def framed(text: str) -> bytes:
    """A field of the envelope: the length of its UTF-8 bytes (4 bytes, big-endian), then the bytes."""
    data = text.encode()
    return len(data).to_bytes(4, "big") + data


_framed_word = lru_cache(4096)(framed)
"""For fields that few distinct texts fill; a log is proven record by record, so this is most of its cost."""


def envelope_bytes(record: Record) -> bytes:
    """The canonical bytes of everything but payload and hashes: each field's length, then its UTF-8 bytes."""
    return envelope_of(
        record.incident,
        record.seq,
        record.tag,
        record.actor,
        record.access,
        record.duty,
        stamp(record.recorded_at),
        stamp(record.occurred_at),
        record.client,
        record.n,
    )


def envelope_of(
    incident: str,
    seq: int,
    tag: str,
    actor: str,
    access: str,
    duty: str,
    recorded_at: str,
    occurred_at: str,
    client: str,
    n: int,
) -> bytes:
    """`envelope_bytes` for one whose times are stamped texts already, as a store keeps them."""
    return b"".join(
        (
            _framed_word(incident),
            framed(str(seq)),
            _framed_word(tag),
            _framed_word(actor),
            _framed_word(access),
            _framed_word(duty),
            framed(recorded_at),
            framed(occurred_at),
            _framed_word(client),
            framed(str(n)),
        )
    )


def chain_hash(previous: bytes, envelope: bytes, payload_digest: bytes) -> bytes:
    """The hash of a record from the hash before, its canonical envelope and its payload's hash."""
    return hashlib.sha256(previous + envelope + payload_digest).digest()


@lru_cache(1024)
def stamp(moment: datetime) -> str:
    """A UTC time as `2026-11-21T03:04:05.678901Z`, always with microseconds."""
    return moment.isoformat("T", "microseconds")[:26] + "Z"
