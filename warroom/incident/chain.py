"""Making records that follow a head, proving that a log is whole, and signing heads.

Invariant: a record sealed here verifies, and stays verifiable after its payload and salt are erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from warroom.incident.decode import payload_of
from warroom.incident.evolve import evolve
from warroom.incident.record import GENESIS, Record, chain_hash, envelope_bytes, envelope_of, payload_hash, stamp
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Broken:
    """The first record that is not what was written: its place, and what is wrong with it in words."""

    seq: int
    what: str

    def __str__(self) -> str:
        return f"record {self.seq}: {self.what}"


def seal(
    state: IncidentState, proposed: Proposed, actor: Actor, at: datetime, client: str, n: int, salt: bytes
) -> Record:
    """The record that follows `state` for `proposed`, by `actor` at `at` (the server's clock), for command (client, n).

    For an incident that is being declared, `state` is `IncidentState(id=...)`. `salt` is 16 random bytes.
    """
    payload = payload_of(proposed.event)
    digest = payload_hash(salt, payload)
    seq, previous, occurred_at = state.seq + 1, state.head_hash or GENESIS, proposed.occurred_at or at
    tag, access, duty = proposed.event.TAG, actor.access.value, ",".join(state.duties_of(actor.name))
    envelope = envelope_of(
        state.id, seq, tag, actor.name, access, duty, stamp(at), stamp(occurred_at), client, n
    )  # fmt: skip
    return Record(
        incident=state.id,
        seq=seq,
        tag=tag,
        actor=actor.name,
        access=access,
        duty=duty,
        recorded_at=at,
        occurred_at=occurred_at,
        client=client,
        n=n,
        payload=payload,
        salt=salt,
        payload_hash=digest,
        previous=previous,
        hash=chain_hash(previous, envelope, digest),
    )


def seal_all(
    state: IncidentState,
    proposed: Sequence[Proposed],
    actor: Actor,
    at: datetime,
    client: str,
    n: int,
    salts: Sequence[bytes],
) -> tuple[tuple[Record, ...], IncidentState]:
    """Seal one command's events in order; also returns the state after them.

    Raises:
        ValueError: not one salt for each event, or the state has no id.
    """
    if not state.id:
        raise ValueError("an incident needs its id before its first record is sealed")
    records = []
    for event, salt in zip(proposed, salts, strict=True):
        record = seal(state, event, actor, at, client, n, salt)
        records.append(record)
        state = evolve(state, record, event.event)
    return tuple(records), state


def verify(records: Iterable[Record], previous: bytes = GENESIS, after: int = 0) -> Broken | None:
    """None when records follow each other from `previous`, the hash of record `after`; else the first that does not."""
    incident = ""
    for record in records:
        what = _fault(record, previous, after, incident)
        if what:
            return Broken(after + 1 if record.seq > after + 1 else record.seq, what)
        incident = record.incident
        previous = record.hash
        after = record.seq
    return None


def _fault(record: Record, previous: bytes, after: int, incident: str) -> str:
    """What is wrong with a record that should follow `after`, or nothing."""
    if record.seq != after + 1:
        return f"missing; {record.seq} follows {after}" if record.seq > after + 1 else f"out of order after {after}"
    if incident and record.incident != incident:
        return f"belongs to {record.incident}"
    if record.previous != previous:
        return "does not follow the record before it"
    if record.payload is not None:
        if record.salt is None or payload_hash(record.salt, record.payload) != record.payload_hash:
            return "the payload is not what was written"
    elif record.salt is not None:
        return "the payload is gone but its salt is not"
    if chain_hash(previous, envelope_bytes(record), record.payload_hash) != record.hash:
        return "the hash does not match"
    return ""


def head_statement(incident: str, seq: int, head: bytes) -> bytes:
    """The bytes that a signature of a head covers."""
    return b"warroom-head-1\0" + incident.encode() + b"\0" + str(seq).encode() + b"\0" + head


def sign_head(key: Ed25519PrivateKey, incident: str, seq: int, head: bytes) -> bytes:
    """The Ed25519 signature (64 bytes) that says: this log had this head."""
    return key.sign(head_statement(incident, seq, head))


def head_signed_by(public_key: bytes, incident: str, seq: int, head: bytes, signature: bytes) -> bool:
    """Whether the holder of the key (raw 32 bytes) signed that head."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, head_statement(incident, seq, head))
    except (InvalidSignature, ValueError):
        return False
    return True
