"""The writer: one thread, one connection that ever writes or checkpoints, one transaction for all that waits.

While a commit is being synced new calls pile up in a list; it is swapped out whole and becomes the next transaction.
So an idle store answers after one sync and a busy one shares each sync among all who wait, without an added delay.

Invariant: a call is answered only when its transaction is on stable storage, or when nothing of it was written. When
neither is known (a failed sync, a damaged file) the writer stops for good and every call gets `StoreFailed`.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import apsw

from warroom.store.batch import Batch, Heads, Work
from warroom.store.port import StoreBusy, StoreError, StoreFailed, StoreFull
from warroom.store.schema import BUSY_MS
from warroom.store.witness import Witness

CHECKPOINT_PAGES = 1000
"""Pages in the write-ahead log from which an idle writer moves them into the database."""
CHECKPOINT_MUST = 8 * CHECKPOINT_PAGES
"""Pages from which a busy one does."""
IDLE_SECONDS = 1.0
SCRUB_MS = 500
"""How long a redaction waits for readers of older states; all writes wait with it."""
BACKUP_PAGES = 256
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Call:
    """One waiting call: its work, and where its answer goes."""

    work: Work
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class CopyJob(Protocol):
    """An online backup: `step` copies some pages and says whether that was all; then `finish`, or else `abandon`."""

    def step(self, source: apsw.Connection) -> bool: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Copy:
    job: CopyJob
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Writer:
    """Owns the writing connection from `start` to `stop`."""

    def __init__(
        self,
        connection: apsw.Connection,
        witness: Witness,
        ring: Callable[[dict[str, int]], None],
        name: str = "warroom-store",
    ) -> None:
        self._connection = connection
        self._heads = Heads(connection)
        self._witness = witness
        self._ring = ring
        self._ready = threading.Condition()
        self._calls: list[Call] = []
        self._in_hand: list[Call] = []
        self._rung: dict[str, int] = {}
        self._copies: list[_Copy] = []
        self._stopping = False
        self._pages = 0
        self.failure: StoreFailed | None = None
        connection.set_wal_hook(self._count_pages)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def commits(self) -> int:
        """Transactions in the life of this log."""
        return self._heads.commits

    def start(self) -> None:
        self._thread.start()

    async def submit(self, work: Work) -> Any:
        """Have `work` done in a durable transaction; returns its answer or raises its error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._ready:
            self._must_be_open()
            self._calls.append(Call(work, future, loop))
            self._ready.notify()
        return await future

    async def copy(self, job: CopyJob) -> None:
        """Run an online backup on the writer's thread, between transactions."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._ready:
            self._must_be_open()
            self._copies.append(_Copy(job, future, loop))
            self._ready.notify()
        await future

    def _must_be_open(self) -> None:
        if self.failure is not None:
            raise StoreFailed(str(self.failure))
        if self._stopping:
            raise StoreError("the store is closed")

    async def stop(self) -> bool:
        """Finish what waits, move everything into the database, close. True when nothing is left to recover."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        await asyncio.to_thread(self._thread.join)
        return self.failure is None

    def _run(self) -> None:
        try:
            self._witness.rewrite(self._heads.commits, self._heads.at.items())
            while True:
                calls = self._next_calls()
                if calls is None:
                    break
                if calls:
                    self._commit_all(calls)
                self._chores(idle=not calls)
            self._finish()
        except StoreFailed as failure:
            self._fail(failure)
        except Exception as error:  # whatever it is, waiting calls must hear of it
            self._fail(StoreFailed(f"the writer of the log stopped: {error!r}"))
        finally:
            self._connection.close()
            self._witness.close()

    def _next_calls(self) -> list[Call] | None:
        """The calls that wait; empty when there is time for chores, None when it is time to stop."""
        with self._ready:
            if not self._calls and not self._copies and not self._stopping:
                self._ready.wait(IDLE_SECONDS if self._has_chores() else None)
            calls, self._calls = self._calls, []
            return None if self._stopping and not calls else calls

    def _commit_all(self, calls: list[Call]) -> None:
        self._in_hand = calls
        answers = self._transact(calls)
        if answers is None:
            # One of them cannot be written: each alone, so that it does not take the others with it.
            answers = [answer for call in calls for answer in self._transact([call]) or ()]
        if self._heads.scrub:
            self._scrub()
        self._deliver(calls, answers)
        self._in_hand = []

    def _transact(self, calls: Sequence[Call]) -> list[tuple[Any, Exception | None]] | None:
        """Do the calls in one transaction. None: rolled back, and there is more than one to blame.

        Raises:
            StoreFailed: it is unknown what is on disk.
        """
        connection = self._connection
        batch = Batch(connection, self._heads)
        try:
            connection.execute("BEGIN IMMEDIATE")
            changes = connection.total_changes()
            answers: list[tuple[Any, Exception | None]] = [(call.work(batch), None) for call in calls]
            batch.flush()
            if connection.total_changes() == changes:
                # Conflicts and wrong codes only: nothing to make durable, so a flood of them costs no syncs.
                connection.execute("ROLLBACK")
                return answers
            commits = self._heads.commits + 1
            connection.execute("UPDATE meta SET value = ? WHERE key = 'commits'", (commits,))
            connection.execute("COMMIT")
        except Exception as error:
            refusal = self._refusal(error, batch)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(calls) == 1 or isinstance(refusal, StoreBusy):
                return [(None, refusal)] * len(calls)
            return None
        self._heads.commits = commits
        batch.settle()
        self._witness.note(commits, batch.changed)
        self._rung.update((incident, head.seq) for incident, head in batch.changed.items())
        return answers

    def _refusal(self, error: Exception, batch: Batch) -> Exception:
        """The caller's view of an error that left nothing written.

        Raises:
            StoreFailed: this error does not promise that.
        """
        match error:
            case apsw.ConstraintError():
                return batch.repeated(error)
            case apsw.FullError():
                return StoreFull("the disk is full; nothing was written")
            case apsw.BusyError():
                return StoreBusy("another program is writing in the log's file; nothing was written")
            case apsw.TooBigError():
                return ValueError("a record is larger than the log can hold")
            case apsw.IOError() if self._no_room(error):
                return StoreFull("no more may be written on this disk (a quota or a limit); nothing was written")
            case apsw.Error() | MemoryError():
                raise StoreFailed(f"the log could not be written: {error}") from error
            case _:
                return error

    def _no_room(self, error: apsw.IOError) -> bool:
        """Whether a write (never a sync) failed for want of room: then no commit mark was written."""
        extended = getattr(error, "extendedresult", 0)
        return extended == apsw.SQLITE_IOERR_WRITE and self._connection.system_errno in _NO_ROOM

    def _deliver(self, calls: Sequence[Call], answers: list[tuple[Any, Exception | None]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, Settled] = {}
        for call, (answer, error) in zip(calls, answers, strict=True):
            by_loop.setdefault(call.loop, []).append((call.future, answer, error))
        rung, self._rung = self._rung, {}
        for loop, settled in by_loop.items():
            _hand_over(loop, settled, self._ring, rung)

    def _chores(self, *, idle: bool) -> None:
        with self._ready:
            waiting = bool(self._calls)
        for copy in tuple(self._copies):
            self._advance(copy)
        if self._pages >= CHECKPOINT_MUST or (self._pages >= CHECKPOINT_PAGES and not waiting):
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        if self._witness.is_large or (idle and self._witness.is_broken):
            self._witness.rewrite(self._heads.commits, self._heads.at.items())
        if idle and not waiting:
            if self._heads.scrub:
                self._scrub()
            self._witness.sync()

    def _has_chores(self) -> bool:
        return self._witness.unsynced or self._witness.is_broken or self._heads.scrub

    def _advance(self, copy: _Copy) -> None:
        error: Exception | None = None
        try:
            if not copy.job.step(self._connection):
                return
            copy.job.finish()
        except (apsw.Error, OSError, StoreError) as trouble:
            copy.job.abandon()
            error = trouble if isinstance(trouble, StoreError) else StoreError(f"the backup failed: {trouble}")
        self._copies.remove(copy)
        _hand_over(copy.loop, [(copy.future, None, error)])

    def _count_pages(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: int) -> bool:
        """Move committed pages into the database; False when there was no room or a reader in the way.

        Raises:
            StoreFailed: a sync or a write failed.
        """
        try:
            in_log, moved = self._connection.wal_checkpoint(mode=mode)
        except (apsw.FullError, apsw.BusyError, apsw.LockedError):
            return False
        except apsw.IOError as error:
            if self._no_room(error):
                return False
            raise StoreFailed(f"the log could not be written: {error}") from error
        except apsw.Error as error:
            raise StoreFailed(f"the log could not be written: {error}") from error
        if in_log == moved:
            self._pages = 0
        return True

    def _scrub(self) -> None:
        """Take erased bytes out of the write-ahead log too; tried again when idle while a reader is in the way."""
        self._connection.set_busy_timeout(SCRUB_MS)
        gone = self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.set_busy_timeout(BUSY_MS)
        if not gone:
            return
        try:
            self._connection.execute("UPDATE meta SET value = 0 WHERE key = 'scrub'")
        except (apsw.FullError, apsw.BusyError):
            return
        except apsw.Error as error:
            raise StoreFailed(f"the log could not be written: {error}") from error
        self._heads.scrub = False

    def _finish(self) -> None:
        while self._copies:
            self._advance(self._copies[0])
        if self._heads.scrub:
            self._scrub()
        self._witness.rewrite(self._heads.commits, self._heads.at.items())
        if self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)

    def _fail(self, failure: StoreFailed) -> None:
        with self._ready:
            self.failure = failure
            waiting = [(call.loop, call.future) for call in self._in_hand + self._calls]
            waiting += [(copy.loop, copy.future) for copy in self._copies]
            self._calls, self._copies = [], []
        for loop, future in waiting:
            _hand_over(loop, [(future, None, StoreFailed(str(failure)))])


Settled = list[tuple[asyncio.Future[Any], Any, Exception | None]]
Ring = Callable[[dict[str, int]], None]


def _no_ring(_rung: dict[str, int]) -> None:
    return None


def _hand_over(
    loop: asyncio.AbstractEventLoop, settled: Settled, ring: Ring = _no_ring, rung: dict[str, int] | None = None
) -> None:
    """Answer all calls of one loop by one wake-up of it."""
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, settled, ring, rung or {})


def _settle(settled: Settled, ring: Ring, rung: dict[str, int]) -> None:
    for future, answer, error in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)
    ring(rung)
