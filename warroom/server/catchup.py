"""What a newcomer gets: the tail of the log, or a snapshot, as frames built once for all who ask.

Invariant: parts of a snapshot are shared, so two hundred newcomers at once hold one copy of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from warroom.incident import snapshot
from warroom.incident.decode import fold
from warroom.incident.record import GENESIS, Record
from warroom.incident.state import IncidentState
from warroom.server.connection import BINARY, prepare
from warroom.store.port import EventStore
from warroom.wire.codec import encode, encode_events
from warroom.wire.messages import SnapshotHeader

PART = 64 * 1024
"""Bytes of one binary frame: a reader that takes less than this in the time it is given is too slow."""
FRAME_BYTES = 384 * 1024
"""Bytes of payloads in one `events` frame."""
PAGE = 1000
IN_THREAD = 400
"""Entries from which a state is encoded off the event loop."""

Why = Literal["new", "behind", "epoch", "mismatch", "redacted"]


@dataclass(slots=True)
class Snapshot:
    """A state ready to be sent. `generation` counts refolds: one of another generation shows what was redacted."""

    incident: str
    epoch: str
    seq: int
    hash: str
    size: int
    parts: list[bytes]
    generation: int
    _headers: dict[tuple[Why, int], bytes] = field(default_factory=dict)

    def frames(self, why: Why, head: int) -> list[bytes]:
        """Header and parts, as prepared frames."""
        header = self._headers.get((why, head))
        if header is None:
            header = self._headers[why, head] = prepare(
                encode(
                    SnapshotHeader(
                        incident=self.incident,
                        epoch=self.epoch,
                        seq=self.seq,
                        hash=self.hash,
                        size=self.size,
                        parts=len(self.parts),
                        reason=why,
                        head=head,
                    )
                )
            )
        return [header, *self.parts]


async def build(state: IncidentState, epoch: str, generation: int) -> Snapshot:
    """Encode a state, large ones in a thread."""
    data = await asyncio.to_thread(snapshot.encode, state) if state.seq > IN_THREAD else snapshot.encode(state)
    parts = [prepare(data[at : at + PART], BINARY) for at in range(0, len(data), PART)]
    return Snapshot(state.id, epoch, state.seq, state.head_hash.hex(), len(data), parts, generation)


def event_frames(
    incident: str, records: Sequence[Record], previous: bytes, head: int, traces: Sequence[str] = ()
) -> list[bytes]:
    """Records as prepared `events` frames of bounded size, at least one (which may be empty). The last has `traces`."""
    frames: list[bytes] = []
    group: list[Record] = []
    size = 0
    for record in records:
        length = len(record.payload or b"") + 400
        if group and size + length > FRAME_BYTES:
            frames.append(prepare(encode_events(incident, group, previous, head)))
            previous = group[-1].hash
            group, size = [], 0
        group.append(record)
        size += length
    if group or not frames:
        frames.append(prepare(encode_events(incident, group, previous, head, traces)))
    return frames


async def load(
    store: EventStore, incident: str, state: IncidentState | None = None
) -> tuple[IncidentState, list[Record]]:
    """Fold what the store has after `state`; returns the state and the last records read.

    Raises:
        StoreDamaged: the log is not what was written.
    """
    now = IncidentState(id=incident) if state is None else state
    last: list[Record] = []
    while True:
        page = await store.read(incident, now.seq, PAGE)
        if not page:
            return now, last
        before = now.seq
        now = await asyncio.to_thread(fold, page, now)
        if now.seq == before:
            return now, last
        last = page
        if len(page) < PAGE:
            return now, last


async def hash_at(store: EventStore, incident: str, seq: int) -> bytes | None:
    """The hash of record `seq`, None when there is none."""
    if seq == 0:
        return GENESIS
    found = await store.read(incident, seq - 1, 1)
    return found[0].hash if found and found[0].seq == seq else None
