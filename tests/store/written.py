"""Records for tests of the store: a chain made of plain notes, as the core seals them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from warroom.incident.record import GENESIS, Record, chain_hash, envelope_bytes, payload_hash
from warroom.store.port import Head

START = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
NOTHING = Head(0, GENESIS)


def note(
    incident: str, head: Head, text: str = "pods restart", *, client: str = "client-aa", n: int = 0, actor: str = "jana"
) -> Record:
    """The record of a note that follows `head`."""
    seq = head.seq + 1
    payload = b'{"type":"note-added","text":"%s"}' % text.encode()
    salt = hashlib.sha256(f"{incident}{seq}{text}".encode()).digest()[:16]
    record = Record(
        incident=incident,
        seq=seq,
        tag="note-added",
        actor=actor,
        access="responder",
        duty="scribe",
        recorded_at=START + timedelta(seconds=seq),
        occurred_at=START + timedelta(seconds=seq - 30),
        client=client,
        n=n or seq,
        payload=payload,
        salt=salt,
        payload_hash=payload_hash(salt, payload),
        previous=head.hash,
        hash=b"",
    )
    return replace(record, hash=chain_hash(record.previous, envelope_bytes(record), record.payload_hash))


def notes(incident: str, count: int, head: Head = NOTHING, text: str = "pods restart") -> list[Record]:
    """`count` records that follow `head`."""
    made: list[Record] = []
    for _ in range(count):
        made.append(note(incident, head, f"{text} {head.seq + 1}"))
        head = head_of(made)
    return made


def head_of(records: Sequence[Record]) -> Head:
    return Head(records[-1].seq, records[-1].hash) if records else NOTHING


def redacted(record: Record) -> Record:
    return replace(record, payload=None, salt=None)
