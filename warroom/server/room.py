"""One incident at work: commands queue, are decided one by one, made durable together, and only then told.

    submit -> queue -> decide each on the state so far -> one append -> state, outcomes, one frame for all followers

Invariant: nobody hears of a record or an answer before it is on stable storage, and `state` is always a fold of
what the store holds.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol

from warroom.incident import commands as c
from warroom.incident.chain import seal_all
from warroom.incident.decide import decide, may_see
from warroom.incident.decode import fold
from warroom.incident.events import EntryRedacted
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.text import clean_line, clean_text
from warroom.incident.verdict import Reason, Refusal, Verdict
from warroom.incident.words import Duty
from warroom.server import catchup, summary
from warroom.server.connection import prepare
from warroom.server.log import where
from warroom.server.metrics import Metrics
from warroom.server.outboxes import Holder, Outbox
from warroom.server.past import Past
from warroom.server.presence import Presence, Visitor
from warroom.server.traces import CommandTraces, note
from warroom.store.port import (
    AlreadyAnswered,
    Conflict,
    EventStore,
    Outcome,
    StoreBusy,
    StoreError,
    StoreFailed,
    StoreFull,
)
from warroom.wire import messages as m
from warroom.wire.codec import encode

BATCH = 256
SERVER = "warroom"
"""The name the server acts under."""

_LOG = logging.getLogger(__name__)


class Follower(Visitor, Holder, Protocol):
    """A session as a room sees it."""

    @property
    def alive(self) -> bool: ...
    def write(self, frame: bytes) -> None: ...
    def stream(self, frames: list[bytes]) -> None: ...
    def say(self, frame: m.Down) -> None: ...
    def cut(self, incident: str, reason: str, words: str) -> None:
        """The subscription ends."""
        ...


class House(Protocol):
    """What a room stands in."""

    store: EventStore
    metrics: Metrics
    traces: CommandTraces | None

    def now(self) -> datetime: ...
    def changed(self, room: Room, before: IncidentState) -> None: ...
    def fatal(self, error: BaseException) -> None: ...
    def store_refused(self, error: StoreError) -> None: ...
    def store_works(self) -> None: ...
    def settled(self, box: Outbox) -> None: ...
    def broken(self, room: Room) -> None: ...


@dataclass(slots=True, eq=False)
class Job:
    """One command to decide. `box` is None for the server's own."""

    command: c.Command
    actor: Actor
    client: str
    n: int
    box: Outbox | None = None
    failed: bool = False


@dataclass(slots=True)
class Batch:
    """Decided, not yet durable."""

    state: IncidentState
    records: list[Record] = field(default_factory=list)
    answers: list[tuple[Job, Outcome]] = field(default_factory=list)
    erase: list[int] = field(default_factory=list)


class Room:
    """Belongs to one event loop. `state` is the newest durable state; `followers` hear of everything after it."""

    def __init__(self, house: House, state: IncidentState, recent: list[Record]) -> None:
        self.incident = state.id
        self.state = state
        self.followers: dict[Follower, None] = {}
        self.spotlight: m.SpotlightDown | None = None
        self.presence = Presence(self.incident, self.publish)
        self.used_at = asyncio.get_running_loop().time()
        self.rung = 0
        self._house = house
        self._past = Past(self.incident, house.store, house.metrics, lambda: self.state, recent)
        self._queue: deque[Job] = deque()
        self._in_hand: list[Job] = []
        self._wake = asyncio.Event()
        self._still = asyncio.Event()
        self._still.set()
        self._task = asyncio.create_task(self._run(), name=f"room-{self.incident}")

    # -- commands ------------------------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Queue a command; its answer goes to the outbox it came from."""
        self._queue.append(job)
        self._still.clear()
        self._wake.set()

    def ring(self, seq: int) -> None:
        """The store has records up to `seq`, perhaps by another server."""
        if seq > self.state.seq:
            self.rung = max(self.rung, seq)
            self._wake.set()

    async def settle(self) -> None:
        """Wait until every queued command is durable and told."""
        await self._still.wait()

    @property
    def busy(self) -> bool:
        return not self._still.is_set()

    async def close(self) -> None:
        """End the room's task; what is queued is lost, so `settle` first."""
        self.presence.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._past.close()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.used_at = asyncio.get_running_loop().time()
            try:
                while self._queue:
                    jobs = deque(self._queue.popleft() for _ in range(min(BATCH, len(self._queue))))
                    self._in_hand = list(jobs)
                    await self._work(jobs)
                if self.rung > self.state.seq:
                    await self._read_tail()
            except StoreFailed as error:
                self._house.fatal(error)
                return
            except Exception as error:  # a fault of ours: what is stored is right, what is in memory may not be
                _LOG.error("a room failed and is read anew", extra={"incident": self.incident, "where": where(error)})
                self._abandon()
                return
            if not self._queue:
                self._still.set()

    def _abandon(self) -> None:
        """Let everybody come back to a room that is read from the store."""
        self._house.broken(self)
        self.presence.close()
        for follower in list(self.followers):
            follower.drop()
        for job in [*self._in_hand, *self._queue]:
            if job.box is not None:
                job.box.abandon()
        self._still.set()

    async def _work(self, jobs: deque[Job]) -> None:
        """Decide and append until `jobs` is empty, however often somebody else was first."""
        while jobs:
            taken: list[Job] = []
            traces = self._house.traces
            at = traces.now() if traces is not None else 0
            batch = self._decide(jobs, taken)
            if traces is not None:
                traces.decided((outcome for _, outcome in batch.answers), at)
            began = perf_counter()
            try:
                result = await self._append(batch)
            except AlreadyAnswered as error:
                await self._answered_before(taken, error)
                jobs.extendleft(reversed(taken))
                continue
            except (StoreFull, StoreBusy) as error:
                self._undo([*taken, *jobs, *self._queue], error)
                self._queue.clear()
                return
            except ValueError as error:
                self._doom(taken, error)
                jobs.extendleft(reversed(taken))
                continue
            if isinstance(result, Conflict):
                await self._read_tail()
                jobs.extendleft(reversed(taken))
                continue
            self._house.store_works()
            self._house.metrics.commit.observe(perf_counter() - began)
            await self._durable(batch)

    async def _append(self, batch: Batch) -> object:
        outcomes = [answer for job, answer in batch.answers if job.box is not None]
        if not outcomes and not batch.records:
            return None
        body = summary.encode(summary.line_of(batch.state)) if batch.records else b""
        return await self._house.store.append(
            self.incident, self.state.seq, batch.records, outcomes, erase=batch.erase, summary=body
        )

    def _decide(self, jobs: deque[Job], taken: list[Job]) -> Batch:
        """Take jobs off the queue and decide them; a redaction stands alone in its batch."""
        batch = Batch(self.state)
        at = self._house.now()
        while jobs:
            job = jobs[0]
            verdict = self._verdict(batch.state, job, at)
            erase = [] if isinstance(verdict, Refusal) else _erased(verdict)
            if erase and batch.answers:
                break
            taken.append(jobs.popleft())
            if isinstance(verdict, Refusal):
                refused = Outcome(job.client, job.n, self.incident, 0, verdict.reason.value, verdict.words)
                batch.answers.append((job, refused))
                continue
            salts = [os.urandom(16) for _ in verdict]
            records, batch.state = seal_all(batch.state, verdict, job.actor, at, job.client, job.n, salts)
            batch.records += records
            seq = records[-1].seq if records else 0
            batch.answers.append((job, Outcome(job.client, job.n, self.incident, seq)))
            if erase:
                batch.erase = erase
                break
        return batch

    def _verdict(self, state: IncidentState, job: Job, at: datetime) -> Verdict:
        if job.failed:
            return Refusal(Reason.INTERNAL, "the server could not store what this command led to; it was left out")
        return judge(state, job.command, job.actor, at, (job.client, job.n))

    async def _durable(self, batch: Batch) -> None:
        """Tell everybody."""
        began = perf_counter()
        before, self.state = self.state, batch.state
        metrics, traces = self._house.metrics, self._house.traces
        outcomes = [outcome for job, outcome in batch.answers if job.box is not None]
        headers = traces.durable(outcomes) if traces is not None else ()
        for job, outcome in batch.answers:
            metrics.commands.add(outcome.reason or ("accepted" if outcome.seq else "already-so"))
            if job.box is not None:
                job.box.settle(outcome)
        if batch.erase:
            await self._refold()
        elif batch.records:
            self._past.extend(batch.records)
            self._fan_out(batch.records, batch.records[0].previous, headers)
        metrics.records.add(amount=len(batch.records))
        for job, outcome in batch.answers:
            if job.box is None:
                continue
            holder = job.box.holder
            if holder is not None and (not outcome.seq or batch.erase or holder not in self.followers):
                holder.tell(outcome)
            self._house.settled(job.box)
        metrics.fanout.observe(perf_counter() - began)
        note(outcomes, traces)
        if traces is not None:
            traces.told(outcomes, len(self.followers), len(batch.records))
        if batch.records:
            self._after(before)

    def _fan_out(self, records: list[Record], previous: bytes, traces: Sequence[str] = ()) -> None:
        for frame in catchup.event_frames(self.incident, records, previous, self.state.seq, traces):
            for follower in list(self.followers):
                follower.write(frame)

    def _after(self, before: IncidentState) -> None:
        """What follows from a change of state: who may still see it, the spotlight, the list."""
        now = self.state
        watched = (now.private, now.members, now.roles, now.offer)
        if now.private and watched != (before.private, before.members, before.roles, before.offer):
            for follower in [f for f in self.followers if not may_see(now, f.actor)]:
                self.leave(follower)
                follower.cut(self.incident, "private", f"{self.incident} is private now and you are not a member")
        if self.spotlight is not None and not self.may_light(self.spotlight.by):
            self.light("", self.spotlight.by)
        self._house.changed(self, before)

    def _undo(self, jobs: list[Job], error: StoreError) -> None:
        """Nothing was written: the commands have to come again."""
        now = asyncio.get_running_loop().time()
        warned: set[Outbox] = set()
        for job in jobs:
            box = job.box
            if box is None:
                continue
            if not box.stalled_at and box.holder is not None and box not in warned:
                box.holder.warn("The server's disk is full: nothing is recorded until there is room; yours is kept")
                warned.add(box)
            self._house.metrics.commands.add("store-refused")
            box.undo(job.n, now)
        self._house.store_refused(error)

    def _doom(self, jobs: list[Job], error: ValueError) -> None:
        """The store found a batch wrong: refuse its commands by themselves."""
        _LOG.error("the store refused a batch", extra={"incident": self.incident, "where": where(error)})
        for job in jobs:
            if job.failed:
                self._house.fatal(error)
            job.failed = True

    async def _answered_before(self, jobs: list[Job], error: AlreadyAnswered) -> None:
        """Another server answered one of these; give that answer and go on without it."""
        for job in [job for job in jobs if job.box is not None and (job.client, job.n) == (error.client, error.n)]:
            jobs.remove(job)
            box = job.box
            if box is None:
                continue
            await box.reload(self._house.store)
            kept = box.outcomes.get(job.n)
            box.settle(kept or Outcome(job.client, job.n, self.incident))
            if kept is not None and box.holder is not None:
                box.holder.tell(kept)
        await self._read_tail()

    async def _read_tail(self) -> None:
        """Fold what somebody else appended, and tell the followers."""
        while True:
            records = await self._house.store.read(self.incident, self.state.seq, catchup.PAGE)
            if not records:
                return
            before = self.state
            if any(record.tag == EntryRedacted.TAG for record in records):
                self.state = fold(records, before)
                await self._refold()
            else:
                self.state = await asyncio.to_thread(fold, records, before)
                if self.state.seq == before.seq:
                    return
                self._past.extend(records)
                self._fan_out(records, records[0].previous)
            self._after(before)

    # -- followers -----------------------------------------------------------------------------------------------

    async def follow(self, who: Follower, position: m.Position, since: str) -> bool:
        """Bring a follower up to date and keep it so. False: it may not see the incident (or is gone)."""
        self.used_at = asyncio.get_running_loop().time()
        frames = await self._past.frames(who, position)
        if frames is None:
            return False
        self.followers[who] = None
        who.stream(frames)
        self.presence.enter(who, since)
        who.say(self.presence.recent())
        if self.spotlight is not None:
            who.say(self.spotlight)
        return True

    async def _refold(self) -> None:
        """After an erasure: the state anew from what is left, and all of it to everybody."""
        self._past.forget()
        self.state, recent = await catchup.load(self._house.store, self.incident)
        frames = await self._past.erased(recent)
        self._house.metrics.snapshots.add("redacted", amount=len(self.followers))
        for follower in list(self.followers):
            follower.stream(frames)

    def leave(self, who: Follower, *, lost: bool = False) -> None:
        """A follower unsubscribed, or its connection broke."""
        if self.followers.pop(who, 0) is None:
            (self.presence.lose if lost else self.presence.leave)(who)
        self.used_at = asyncio.get_running_loop().time()

    # -- what passes through without being kept ------------------------------------------------------------------

    def publish(self, frame: m.Down) -> None:
        """One frame to all followers."""
        prepared = prepare(encode(frame))
        for follower in list(self.followers):
            follower.write(prepared)

    def may_light(self, name: str) -> bool:
        """Whether `name` leads here: the incident commander or the deputy."""
        return name in (self.state.commander, self.state.holder(Duty.DEPUTY)) and bool(name)

    def light(self, target: str, by: str, shown: Mapping[str, Any] | None = None) -> None:
        """Point everybody at something and what is shown there, or, with no target, end that."""
        content = cleaned(shown or {}) if target else {}
        frame = m.SpotlightDown(incident=self.incident, target=clean_line(target), by=by, shown=content)
        self.spotlight = frame if target else None
        self.publish(frame)


def judge(
    state: IncidentState, command: c.Command, actor: Actor, at: datetime, number: tuple[str, int] = ("", 0)
) -> Verdict:
    """What the core decides; a rule that fails is a refusal, and the incident goes on. `number` is for the log."""
    try:
        return decide(state, command, actor, at)
    except Exception as error:  # whatever a rule raises
        extra = {"incident": state.id, "where": where(error), "request_id": ":".join(map(str, number))}
        _LOG.error("a rule failed", extra=extra)
        return Refusal(Reason.INTERNAL, "the server failed on this command; it was recorded and the incident goes on")


def _erased(verdict: Verdict) -> list[int]:
    if isinstance(verdict, Refusal):
        return []
    return [proposed.event.entry for proposed in verdict if isinstance(proposed.event, EntryRedacted)]


def cleaned(value: Any) -> Any:
    """JSON values without what would run in a terminal: they are drawn on every screen of the room."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_line(str(name)): cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(inner) for inner in value]
    return value
