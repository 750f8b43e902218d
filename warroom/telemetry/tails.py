"""Live tails: many people follow one query, its source is asked once.

Invariant: one tail is open per distinct query however many read it; what is kept of it is bounded; and a reader that
falls behind costs nobody else anything: it gets what is still there when it is back, and is told what is not.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol, cast

from warroom.telemetry import errors
from warroom.telemetry.backend import Backend
from warroom.telemetry.breaker import Paused
from warroom.telemetry.clock import Clock
from warroom.telemetry.counters import Counters
from warroom.telemetry.line_frames import LineFrame, encode_lines
from warroom.telemetry.logs import LogBatch, LogLine
from warroom.telemetry.series import Recovered, Trouble, encode

_LOG = logging.getLogger(__name__)


class TailSource(Protocol):
    """What a tail needs of a log server."""

    def tail(
        self,
        query: str,
        start: float | None = None,
        limit: int = 100,
        *,
        trouble: Callable[[errors.TelemetryError | None], None] | None = None,
    ) -> AsyncIterator[LogBatch]:
        """Up to `limit` lines since `start` (seconds since the epoch), then new ones as they come, for as long as it
        is iterated. `trouble` hears of what it tries again by itself, and None when that is over.
        """


class Reader(Protocol):
    """One who follows a tail. Calling it must return at once."""

    @property
    def behind(self) -> bool:
        """Whether it has not taken what it was given before."""
        ...

    def __call__(self, body: bytes, lost: int) -> None:
        """A frame's body; `lost` lines before it came too late for this reader."""
        ...


@dataclass(frozen=True, slots=True)
class TailHabits:
    """How tails behave. `every`: seconds between two frames of one tail. `kept`, `kept_bytes`: lines that wait for
    slow readers and newcomers. `first`: lines that a newcomer gets at once. `frame`, `frame_bytes`: lines of one frame.
    `longest`: characters of a line, what is longer is cut. `steady`: seconds after which a silent tail counts as open.
    """

    every: float = 0.1
    kept: int = 5000
    kept_bytes: int = 4 * 1024 * 1024
    first: int = 500
    frame: int = 1000
    frame_bytes: int = 128 * 1024
    longest: int = 16 * 1024
    grace: float = 10.0
    steady: float = 2.0
    retry_first: float = 1.0
    retry_most: float = 15.0
    retry_refused: float = 60.0
    most: int = 50


TAILS = TailHabits()


@dataclass(slots=True)
class _Place:
    """Where a reader is: the number of its next line, and the last state it was told."""

    next: int
    told: int


class TailWatch:
    """One distinct query and those who follow it."""

    def __init__(
        self,
        backend: Backend,
        query: str,
        *,
        clock: Clock,
        habits: TailHabits,
        counters: Counters,
        chance: random.Random,
    ) -> None:
        self.query = query
        self.backend = backend
        self.id = secrets.token_hex(4)
        self.trouble: Trouble | None = None
        self.waiting = False
        self.idle_since: float | None = clock.monotonic()
        self._readers: dict[Reader, _Place] = {}
        self._clock = clock
        self._habits = habits
        self._counters = counters
        self._chance = chance
        self._ring: deque[LogLine] = deque()
        self._first = 0
        self._bytes = 0
        self._marks: deque[tuple[int, int, int]] = deque()
        self._bodies: dict[int, tuple[bytes, int]] = {}
        self._in_trouble = False
        self._state = 0
        self._state_body = b""
        self._news = asyncio.Event()

    # -- readers -------------------------------------------------------------------------------------------------

    def join(self, reader: Reader) -> None:
        """The newest lines at once, and all from now on."""
        place = _Place(max(self._first, self._end - self._habits.first), self._state if self.trouble is None else -1)
        self._readers[reader] = place
        self.idle_since = None
        self._serve(reader, place)

    def leave(self, reader: Reader) -> None:
        self._readers.pop(reader, None)
        if not self._readers and self.idle_since is None:
            self.idle_since = self._clock.monotonic()

    @property
    def readers(self) -> int:
        return len(self._readers)

    # -- the source ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the source until cancelled; what goes wrong is told and tried again."""
        flusher = asyncio.get_running_loop().create_task(self._flush_for_ever())
        try:
            while True:
                pause = await self._follow()
                self.waiting = True
                await self._clock.wait(pause)
                self.waiting = False
        finally:
            self.waiting = False
            flusher.cancel()

    async def _follow(self) -> float:
        """One opening of the source's tail, until it ends. Returns the seconds to wait before the next."""
        steady: asyncio.Task[None] | None = None
        self._in_trouble = False
        try:
            self.backend.admit("tail")
            steady = asyncio.get_running_loop().create_task(self._becomes_steady())
            began, source = self._clock.monotonic(), cast(TailSource, self.backend.client)
            stream = source.tail(self.query, self._resume_at(), self._habits.first, trouble=self._heard)
            try:
                async with aclosing(cast(AsyncGenerator[LogBatch, None], stream)):
                    async for batch in stream:
                        self._opened()
                        self._take(batch)
                raise errors.Unreachable(f"{self.backend.name} ended the tail")
            except errors.TelemetryError as failed:
                self.backend.failed(failed)
                self._counters.asked(self.backend.name, "tail", failed.reason, self._clock.monotonic() - began)
                raise
        except errors.TelemetryError as failed:
            return self._failed(failed)
        except Exception:
            _LOG.exception("a tail could not be followed")
            return self._failed(errors.Protocol("the relay could not follow the tail; see its log"))
        finally:
            if steady is not None:
                steady.cancel()

    def _heard(self, error: errors.TelemetryError | None) -> None:
        """The source's tail lost its connection and tries by itself, or has it again."""
        self._in_trouble = error is not None
        if error is None:
            self._opened()
        else:
            self.backend.failed(error)
            self._failed(error)

    async def _becomes_steady(self) -> None:
        await self._clock.wait(self._habits.steady)
        if not self._in_trouble:
            self._opened()

    def _opened(self) -> None:
        self.backend.answered()
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            now = self._clock.now()
            self._say(encode(Recovered("", trouble.source, trouble.since, now, trouble.attempts)))

    def _failed(self, failed: errors.TelemetryError) -> float:
        habits, before = self._habits, self.trouble
        attempts = before.attempts + 1 if before else 1
        refused = isinstance(failed, errors.BadQuery | errors.Denied | errors.TooHeavy)
        most = habits.retry_refused if refused else habits.retry_most
        pause = min(most, habits.retry_first * 2.0 ** min(attempts - 1, 30)) * self._chance.uniform(0.5, 1.0)
        if isinstance(failed, Paused):
            pause = failed.wait * self._chance.uniform(1.0, 1.2)
        now = self._clock.now()
        words = failed.last_words if isinstance(failed, Paused) else str(failed)
        since = before.since if before else now
        self.trouble = Trouble("", self.backend.name, failed.reason, words, since, attempts, round(now + pause, 3))
        self._say(encode(self.trouble))
        return pause

    def _resume_at(self) -> float | None:
        """After an interruption from the newest line on, which is left out when it comes again."""
        return max(line.ns for line in self._ring) / 1e9 if self._ring else None

    # -- lines ---------------------------------------------------------------------------------------------------

    @property
    def _end(self) -> int:
        return self._first + len(self._ring)

    def _take(self, batch: LogBatch) -> None:
        lines = self._unknown(batch.lines)
        if batch.lost or batch.backfilled:
            self._marks.append((self._end, batch.lost, batch.backfilled))
            self._counters.tail_lost += batch.lost
        for line in lines:
            if len(line.text) > self._habits.longest:
                line = replace(line, text=line.text[: self._habits.longest] + "…")
            self._ring.append(line)
            self._bytes += _size(line)
        while len(self._ring) > self._habits.kept or self._bytes > self._habits.kept_bytes:
            self._bytes -= _size(self._ring.popleft())
            self._first += 1
        while self._marks and self._marks[0][0] < self._first:
            self._marks.popleft()
        self._counters.tail_lines += len(lines)
        if lines:
            self._bodies.clear()
            self._news.set()

    def _unknown(self, lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        """Without the lines of the newest moment that are here already: a resumed tail begins with them."""
        if not lines or not self._ring:
            return lines
        newest = self._ring[-1].ns
        if lines[0].ns > newest:
            return lines
        known: set[tuple[int, str]] = set()
        for line in reversed(self._ring):
            if line.ns < lines[0].ns or len(known) > self._habits.frame:
                break
            known.add((line.ns, line.text))
        return tuple(line for line in lines if (line.ns, line.text) not in known)

    # -- frames --------------------------------------------------------------------------------------------------

    async def _flush_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            for reader, place in list(self._readers.items()):
                self._serve(reader, place)
            await self._clock.wait(self._habits.every)
            if any(place.next < self._end or place.told != self._state for place in self._readers.values()):
                self._news.set()

    def _serve(self, reader: Reader, place: _Place) -> None:
        """Give a reader what it has not, as far as it takes it."""
        try:
            while place.next < self._end and not reader.behind:
                lost = max(0, self._first - place.next)
                body, stop = self._body(max(place.next, self._first))
                place.next = stop
                reader(body, lost)
                self._counters.tail_lost += lost
                self._counters.sent("lines", len(body), 1)
            if place.told != self._state and not reader.behind:
                place.told = self._state
                reader(self._state_body, 0)
        except Exception:
            _LOG.exception("a reader of a tail failed and was dropped")
            self._counters.broken_subscribers += 1
            self.leave(reader)

    def _body(self, start: int) -> tuple[bytes, int]:
        """The frame from line `start` on, encoded once for all who are there, and the number after its last line."""
        found = self._bodies.get(start)
        if found is None:
            lines: list[LogLine] = []
            size = 0
            for number in range(start, min(self._end, start + self._habits.frame)):
                line = self._ring[number - self._first]
                size += _size(line)
                if lines and size > self._habits.frame_bytes:
                    break
                lines.append(line)
            stop = start + len(lines)
            marks = [mark for mark in self._marks if start <= mark[0] < stop]
            lost, backfilled = sum(mark[1] for mark in marks), sum(mark[2] for mark in marks)
            found = encode_lines(LineFrame(self.id, start, tuple(lines), lost, backfilled)), stop
            self._bodies[start] = found
        return found

    def _say(self, body: bytes) -> None:
        self._state += 1
        self._state_body = body
        self._news.set()


class Tails:
    """All tails of a relay, by source and query."""

    def __init__(self, *, clock: Clock, habits: TailHabits, counters: Counters, chance: random.Random) -> None:
        self._clock = clock
        self._habits = habits
        self._counters = counters
        self._chance = chance
        self._watches: dict[tuple[str, str], TailWatch] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._ends: set[asyncio.Task[None]] = set()

    def join(self, backend: Backend, query: str, reader: Reader) -> None:
        """Let `reader` follow the query.

        Raises:
            TooHeavy: too many queries are tailed already.
            BadQuery: that source has no lines to follow.
        """
        key = backend.name, query
        if not hasattr(backend.client, "tail"):
            raise errors.BadQuery(f"{backend.name} has no log lines to follow")
        watch = self._watches.get(key)
        if watch is None:
            if len(self._watches) >= self._habits.most:
                self._make_room()
            watch = self._watches[key] = TailWatch(
                backend, query, clock=self._clock, habits=self._habits, counters=self._counters, chance=self._chance
            )
            self._start(key)
        watch.join(reader)

    def leave(self, source: str, query: str, reader: Reader) -> None:
        """It follows that query no longer; the tail ends when nobody has for the grace period."""
        key = source, query
        watch = self._watches.get(key)
        if watch is None:
            return
        watch.leave(reader)
        if watch.idle_since is not None:
            task = asyncio.get_running_loop().create_task(self._expire(key, watch))
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)

    def wake(self, source: str) -> None:
        """The source answers again: try now what waits for a later try."""
        for key, watch in self._watches.items():
            if key[0] == source and watch.waiting:
                self._tasks[key].cancel()
                self._start(key)

    def count(self) -> tuple[int, int]:
        """Tails that are open, and their readers."""
        return len(self._watches), sum(watch.readers for watch in self._watches.values())

    async def close(self) -> None:
        tasks = [*self._tasks.values(), *self._ends]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watches.clear()
        self._tasks.clear()

    def _start(self, key: tuple[str, str]) -> None:
        self._tasks[key] = asyncio.get_running_loop().create_task(self._watches[key].run(), name=f"tail-{key[0]}")

    async def _expire(self, key: tuple[str, str], watch: TailWatch) -> None:
        await self._clock.wait(self._habits.grace)
        since = watch.idle_since
        if since is not None and self._clock.monotonic() >= since + self._habits.grace:
            self._end(key, watch)

    def _end(self, key: tuple[str, str], watch: TailWatch) -> None:
        if self._watches.get(key) is watch:
            self._tasks.pop(key).cancel()
            del self._watches[key]

    def _make_room(self) -> None:
        """Give up a tail that is kept only for its grace period."""
        for key, watch in self._watches.items():
            if watch.idle_since is not None:
                self._end(key, watch)
                return
        raise errors.TooHeavy(f"{self._habits.most} queries are tailed already, which is the most allowed")


def _size(line: LogLine) -> int:
    return len(line.text) + 64 + sum(len(name) + len(value) for name, value in line.metadata)
