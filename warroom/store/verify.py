"""Proof that a log is what was written: every hash, the head, and the signatures of heads.

Invariant: a `Verification` with nothing broken means that every record was hashed, none skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from warroom.incident.chain import Broken, head_signed_by
from warroom.incident.record import Record
from warroom.store.port import EventStore, Head, StoreDamaged


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head and its Ed25519 signature, as the server made it."""

    seq: int
    hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """The proof of one incident's log, or what refutes it.

    `records` were followed up to `head`; `broken` names the first that is not what was written. `signatures` counts
    the signed heads by the key that agree with the log (0 when no key was given); `others` those by other keys, as an
    imported log has them, which prove nothing here.
    """

    incident: str
    records: int
    head: Head
    broken: Broken | None
    redacted: int = 0
    signatures: int = 0
    others: int = 0

    @property
    def whole(self) -> bool:
        return self.broken is None


async def verify_incident(store: EventStore, incident: str, public_key: bytes | None = None) -> Verification:
    """Prove one incident's log in a store that may be in use; with the key (32 bytes), its signed heads too."""
    try:
        proven = await store.prove(incident)
        checked = others = 0
        broken = proven.broken
        for seq, digest, signature, _at in await store.signed_heads(incident) if public_key and not broken else ():
            signed = SignedHead(seq, digest, signature)
            if not signed_by(public_key or b"", incident, signed):
                others += 1
                continue
            broken = contradicted(signed, await store.read(incident, seq - 1, 1))
            if broken is not None:
                break
            checked += 1
    except StoreDamaged as damage:
        return Verification(incident, 0, await store.head(incident), Broken(damage.seq, f"{damage}"))
    return Verification(incident, proven.head.seq, proven.head, broken, proven.redacted, checked, others)


async def verify_all(store: EventStore, public_key: bytes | None = None) -> AsyncIterator[Verification]:
    """Prove every incident of a store, one after the other."""
    for summary in await store.incidents():
        yield await verify_incident(store, summary.incident, public_key)


def signed_by(public_key: bytes, incident: str, signed: SignedHead) -> bool:
    """Whether the key's holder signed it."""
    return head_signed_by(public_key, incident, signed.seq, signed.hash, signed.signature)


def contradicted(signed: SignedHead, found: Iterable[Record]) -> Broken | None:
    """None when the record at the signed seq (in `found`) has the signed hash, else how the log differs from it."""
    for record in found:
        if record.seq == signed.seq:
            if record.hash == signed.hash:
                return None
            return Broken(signed.seq, "a head was signed here that this log does not have: the log was rewritten")
    return Broken(signed.seq, "a head was signed here, and the log ends before it: it was cut")
