"""How a follower gets from where it is to the present: the tail of the log, or a snapshot and the tail after it.

Invariant: between the last look at the state and the frames' return nothing is awaited, so no record falls between
what is returned and what is fanned out next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from warroom.incident.decide import may_see
from warroom.incident.events import EntryRedacted
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.server import catchup
from warroom.server.catchup import Snapshot, Why
from warroom.server.metrics import Metrics
from warroom.store.port import EventStore
from warroom.wire.messages import Position

RECENT = 1024
"""Records kept in memory for those who resume."""
TAIL = 3000
"""Records behind which a newcomer gets a snapshot instead of the tail."""
STALE_SNAPSHOT = 300
"""Records that a cached snapshot may lack; they follow it as a tail."""


class Newcomer(Protocol):
    """Who asks to be brought up to date."""

    @property
    def actor(self) -> Actor: ...
    @property
    def alive(self) -> bool: ...


class Past:
    """What a room keeps of its log for newcomers. `state` gives the room's present state."""

    def __init__(
        self,
        incident: str,
        store: EventStore,
        metrics: Metrics,
        state: Callable[[], IncidentState],
        recent: Iterable[Record],
    ) -> None:
        self._incident = incident
        self._store = store
        self._metrics = metrics
        self._now = state
        self._recent: deque[Record] = deque(recent, RECENT)
        self._generation = 0
        self._snapshot: Snapshot | None = None
        self._building: asyncio.Task[Snapshot] | None = None

    def extend(self, records: Iterable[Record]) -> None:
        """The log went on."""
        self._recent.extend(records)

    def forget(self) -> None:
        """Something is being erased: nothing kept so far may be shown again."""
        self._generation += 1
        self._snapshot = None

    async def erased(self, recent: Iterable[Record]) -> list[bytes]:
        """The log was read anew; frames of the state as it is now, for all followers."""
        self._recent = deque(recent, RECENT)
        self._snapshot = await catchup.build(self._now(), self._store.epoch, self._generation)
        return self._snapshot.frames("redacted", self._now().seq)

    async def close(self) -> None:
        if self._building is not None:
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)

    async def frames(self, who: Newcomer, position: Position) -> list[bytes] | None:
        """Frames up to the present state. Nothing is awaited between the last look at the state and the return."""
        why = await self._why_not_resume(position)
        if why is None:
            older = await self._older(position.seq)
            generation = self._generation
            tail = self._tail(older[-1].seq if older else position.seq)
            if tail is not None and generation == self._generation:
                records = [*older, *tail]
                redacted = any(record.tag == EntryRedacted.TAG for record in records)
                if not redacted:
                    if not who.alive or not may_see(self._now(), who.actor):
                        return None
                    return catchup.event_frames(self._incident, records, bytes.fromhex(position.hash), self._now().seq)
            why = "redacted" if tail is not None else "behind"
        while True:
            if not who.alive or not may_see(self._now(), who.actor):
                return None
            ready = await self._ready_snapshot()
            tail = self._tail(ready.seq)
            if tail is not None and ready.generation == self._generation:
                break
            self._snapshot = None
        if not who.alive or not may_see(self._now(), who.actor):
            return None
        self._metrics.snapshots.add(why)
        frames = ready.frames(why, self._now().seq)
        if tail:
            frames += catchup.event_frames(self._incident, tail, bytes.fromhex(ready.hash), self._now().seq)
        return frames

    async def _why_not_resume(self, position: Position) -> Why | None:
        if not position.seq:
            return "new"
        if position.epoch != self._store.epoch:
            return "epoch"
        if position.seq > self._now().seq:
            return "mismatch"
        if position.seq == self._now().seq:
            known: bytes | None = self._now().head_hash
        else:
            tail = self._tail(position.seq - 1)
            known = tail[0].hash if tail else await catchup.hash_at(self._store, self._incident, position.seq)
        if known is None or known.hex() != position.hash:
            return "mismatch"
        return "behind" if self._now().seq - position.seq > TAIL else None

    async def _older(self, after: int) -> list[Record]:
        """Records after `after` that are no longer in memory."""
        older: list[Record] = []
        while self._tail(older[-1].seq if older else after) is None:
            page = await self._store.read(self._incident, older[-1].seq if older else after, catchup.PAGE)
            if not page:
                break
            older += page
        return older

    def _tail(self, after: int) -> list[Record] | None:
        """The records after `after`, from memory; None when they are not all there."""
        behind = self._now().seq - after
        if behind <= 0:
            return []
        if behind > len(self._recent):
            return None
        return [self._recent[place] for place in range(len(self._recent) - behind, len(self._recent))]

    async def _ready_snapshot(self) -> Snapshot:
        ready = self._snapshot
        if ready is not None and ready.generation == self._generation:
            behind = self._now().seq - ready.seq
            if behind <= min(STALE_SNAPSHOT, len(self._recent)):
                return ready
        if self._building is None:
            self._building = asyncio.create_task(self._build())
        return await asyncio.shield(self._building)

    async def _build(self) -> Snapshot:
        try:
            self._snapshot = await catchup.build(self._now(), self._store.epoch, self._generation)
            return self._snapshot
        finally:
            self._building = None
