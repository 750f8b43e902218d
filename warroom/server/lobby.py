"""All incidents: the list, the rooms that are open, declaring, and what one incident does to another.

Invariant: a line shows what the log holds, and nobody is told of a line that the core would not let them see.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Protocol

from warroom.incident import commands as c
from warroom.incident.chain import seal_all
from warroom.incident.ids import incident_id
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Reason, Refusal
from warroom.incident.words import Access
from warroom.server import catchup, summary
from warroom.server.connection import prepare
from warroom.server.metrics import Metrics
from warroom.server.outboxes import Outbox, Outboxes
from warroom.server.room import SERVER, Job, Room, judge
from warroom.server.summary import Line
from warroom.server.tasks import Tasks
from warroom.server.traces import CommandTraces, note
from warroom.store.port import (
    Appended,
    EventStore,
    Outcome,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFailed,
    StoreFull,
)
from warroom.wire import messages as m
from warroom.wire.codec import encode

EVERY = 0.2
"""Seconds between two frames of what changed in the list."""
LINES = 500
"""Lines in one frame of the list."""
DRAWS = 40
_LOG = logging.getLogger(__name__)
_SELF = Actor(SERVER, Access.ADMIN)


class Reader(Protocol):
    """Somebody who follows the list."""

    @property
    def actor(self) -> Actor: ...
    def write(self, frame: bytes) -> None: ...


class Watch(Protocol):
    """Who is told when the log cannot be written, and when it can again."""

    def now(self) -> datetime: ...
    def fatal(self, error: BaseException) -> None: ...
    def store_refused(self, error: StoreError) -> None: ...
    def store_works(self) -> None: ...


class Lobby:
    """The list of incidents and the rooms of those in use."""

    def __init__(self, store: EventStore, metrics: Metrics, outboxes: Outboxes, watch: Watch, tasks: Tasks) -> None:
        self.store = store
        self.metrics = metrics
        self.traces: CommandTraces | None = None
        self.lines: dict[str, Line] = {}
        self.rooms: dict[str, Room] = {}
        self._outboxes = outboxes
        self._watch = watch
        self._tasks = tasks
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._readers: dict[Reader, set[str]] = {}
        self._dirty: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def open(self) -> None:
        """Read the list; make lines anew where the store has none, and finish merges that a crash left half done."""
        for kept in await self.store.incidents():
            line = summary.decode(kept.body, kept.head.seq)
            if line is None:
                await self._rebuild(kept.incident)
            else:
                self.lines[kept.incident] = line
        self.metrics.incidents.set(to=len(self.lines))
        self.store.on_append(self._rung)
        for line in list(self.lines.values()):
            survivor = self.lines.get(line.merged_into)
            if survivor is not None and line.incident not in survivor.absorbed:
                self._tasks.start(self._absorb(line.merged_into, line.incident))

    async def refresh(self, incident: str) -> None:
        """An incident was written by other means than a room (an import)."""
        await self._rebuild(incident)
        room = self.rooms.get(incident)
        if room is not None:
            room.ring(self.lines[incident].seq)
        self._touch(incident)

    async def _rebuild(self, incident: str) -> None:
        try:
            state, _ = await catchup.load(self.store, incident)
        except StoreDamaged as error:
            _LOG.error("a log is damaged and stays closed", extra={"incident": incident, "reason": error.where})
            return
        line = self.lines[incident] = summary.line_of(state)
        try:
            await self.store.append(incident, state.seq, (), summary=summary.encode(line))
        except (StoreFull, StoreBusy):
            _LOG.warning("the list's line of an incident is not kept", extra={"incident": incident})

    # -- rooms ---------------------------------------------------------------------------------------------------

    async def room(self, incident: str) -> Room | None:
        """The room of an incident, loaded when it is not; None when there is none.

        Raises:
            StoreDamaged: its log is not what was written.
        """
        room = self.rooms.get(incident)
        if room is not None or incident not in self.lines:
            return room
        opening = self._opening.get(incident)
        if opening is None:
            opening = self._opening[incident] = asyncio.create_task(self._load(incident))
            opening.add_done_callback(lambda _: self._opening.pop(incident, None))
        return await asyncio.shield(opening)

    async def _load(self, incident: str) -> Room:
        state, recent = await catchup.load(self.store, incident)
        return self._adopt(state, recent)

    def _adopt(self, state: IncidentState, recent: list[Record]) -> Room:
        room = self.rooms[state.id] = Room(self, state, recent)
        self.metrics.rooms.set(to=len(self.rooms))
        return room

    async def unload(self, unused_for: float) -> None:
        """Let go of rooms that nobody has used for so long (seconds)."""
        now = self._loop.time()
        for incident, room in list(self.rooms.items()):
            if not room.followers and not room.busy and not room.presence.here and now - room.used_at > unused_for:
                del self.rooms[incident]
                await room.close()
        self.metrics.rooms.set(to=len(self.rooms))

    def _rung(self, incident: str, seq: int) -> None:
        room = self.rooms.get(incident)
        if room is not None:
            room.ring(seq)

    # -- commands that are not for a room ------------------------------------------------------------------------

    async def declare(self, command: c.DeclareIncident, actor: Actor, box: Outbox, n: int) -> None:
        """Open an incident under an id that nobody has; the answer goes to `box`."""
        at = self._watch.now()
        for draw in range(DRAWS):
            incident = incident_id(secrets.randbits(40), 4 + draw // 10)
            if incident in self.lines:
                continue
            state = IncidentState(id=incident)
            verdict = judge(state, command, actor, at, (box.client, n))
            if isinstance(verdict, Refusal):
                await self.refuse(box, n, "", verdict)
                return
            salts = [secrets.token_bytes(16) for _ in verdict]
            records, state = seal_all(state, verdict, actor, at, box.client, n, salts)
            outcome = Outcome(box.client, n, incident, state.seq)
            line = summary.line_of(state)
            written = await self._write(incident, records, outcome, summary.encode(line), box)
            if written is None:
                return
            if written:
                self.lines[incident] = line
                self._adopt(state, list(records))
                self.metrics.incidents.set(to=len(self.lines))
                self.metrics.commands.add("accepted")
                self.metrics.records.add(amount=len(records))
                self._answer(box, outcome)
                self._touch(incident)
                return
        await self.refuse(box, n, "", Refusal(Reason.LIMIT, "no free incident id was found; try again"))

    async def refuse(self, box: Outbox, n: int, incident: str, refusal: Refusal) -> None:
        """Record the refusal of a command that reaches no room."""
        outcome = Outcome(box.client, n, incident, 0, refusal.reason.value, refusal.words)
        if await self._write("", (), outcome, b"", box):
            self.metrics.commands.add(outcome.reason)
            self._answer(box, outcome)

    async def _write(
        self, incident: str, records: Iterable[Record], outcome: Outcome, body: bytes, box: Outbox
    ) -> bool | None:
        """True: durable. False: the id is taken. None: it was not taken, or is answered already."""
        if self.traces is not None:
            self.traces.decided([outcome], self.traces.now())
        try:
            result = await self.store.append(incident, 0, tuple(records), [outcome], summary=body)
        except (StoreFull, StoreBusy) as error:
            if box.holder is not None and not box.stalled_at:
                box.holder.warn("The server's disk is full: nothing is recorded until there is room; yours is kept")
            self.metrics.commands.add("store-refused")
            box.undo(outcome.n, self._loop.time())
            self._outboxes.settle(box)
            self._watch.store_refused(error)
            return None
        except StoreFailed as error:
            self._watch.fatal(error)
            return None
        self._watch.store_works()
        return isinstance(result, Appended)

    def _answer(self, box: Outbox, outcome: Outcome) -> None:
        box.settle(outcome)
        if self.traces is not None:
            self.traces.durable([outcome])
        if box.holder is not None:
            box.holder.tell(outcome)
        self._outboxes.settle(box)
        note([outcome], self.traces)
        if self.traces is not None:
            self.traces.told([outcome], 0, outcome.seq)

    # -- what rooms report ---------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._watch.now()

    def fatal(self, error: BaseException) -> None:
        self._watch.fatal(error)

    def store_refused(self, error: StoreError) -> None:
        self._watch.store_refused(error)

    def store_works(self) -> None:
        self._watch.store_works()

    def settled(self, box: Outbox) -> None:
        self._outboxes.settle(box)

    def broken(self, room: Room) -> None:
        """A room failed: the next who asks gets one that is read anew."""
        if self.rooms.get(room.incident) is room:
            del self.rooms[room.incident]
            self._tasks.start(self._rebuild(room.incident))

    def changed(self, room: Room, before: IncidentState) -> None:
        """A room has a new durable state."""
        state = room.state
        self.lines[state.id] = summary.line_of(state)
        self._touch(state.id)
        if state.merged_into and state.merged_into != before.merged_into:
            self._tasks.start(self._absorb(state.merged_into, state.id))

    async def _absorb(self, survivor: str, ended: str) -> None:
        """Say on the survivor what was merged into it, caused by the command that did. Harmless when repeated."""
        room = await self.room(survivor)
        if room is None:
            return
        client, n = await self._merge_of(ended)
        room.submit(Job(c.AbsorbIncident(other=ended), _SELF, client, n))
        await room.settle()

    async def _merge_of(self, ended: str) -> tuple[str, int]:
        cause, after = ("", 0), 0
        while page := await self.store.read(ended, after, catchup.PAGE):
            for record in page:
                if record.tag == "incident-merged":
                    cause = record.client, record.n
            after = page[-1].seq
        return cause

    # -- the list ------------------------------------------------------------------------------------------------

    def follow(self, reader: Reader) -> None:
        """Send the whole list, and from now on what changes."""
        visible = [line for line in self.lines.values() if line.visible_to(reader.actor)]
        self._readers[reader] = {line.incident for line in visible}
        lines = iter(visible)
        first = True
        while (some := list(islice(lines, LINES))) or first:
            reader.write(self._frame(some, (), whole=first))
            first = False

    def leave(self, reader: Reader) -> None:
        self._readers.pop(reader, None)

    def here_changed(self, incident: str) -> None:
        """People came or went."""
        self._touch(incident)

    def _touch(self, incident: str) -> None:
        if self._readers:
            self._dirty.add(incident)
            if self._timer is None:
                self._timer = self._loop.call_later(EVERY, self._flush)

    def _flush(self) -> None:
        self._timer = None
        dirty, self._dirty = self._dirty, set()
        changed = [self.lines[incident] for incident in dirty if incident in self.lines]
        built: dict[tuple[frozenset[str], frozenset[str]], bytes] = {}
        for reader, shown in self._readers.items():
            visible = [line for line in changed if line.visible_to(reader.actor)]
            names = frozenset(line.incident for line in visible)
            gone = frozenset(shown & dirty) - names
            if not names and not gone:
                continue
            frame = built.get((names, gone))
            if frame is None:
                frame = built[names, gone] = self._frame(visible, sorted(gone), whole=False)
            shown -= gone
            shown |= names
            reader.write(frame)

    def _frame(self, lines: Iterable[Line], gone: Iterable[str], *, whole: bool) -> bytes:
        down = [line.frame(self._here(line.incident)) for line in lines]
        return prepare(encode(m.Incidents(whole=whole, lines=down, gone=list(gone))))

    def _here(self, incident: str) -> int:
        room = self.rooms.get(incident)
        return room.presence.here if room is not None else 0

    def heads(self) -> dict[str, int]:
        return {incident: line.seq for incident, line in self.lines.items()}

    async def settle(self) -> None:
        """Wait until every room is still."""
        for room in list(self.rooms.values()):
            await room.settle()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._opening.values()):
            task.cancel()
        for room in list(self.rooms.values()):
            await room.close()
        self.rooms.clear()
