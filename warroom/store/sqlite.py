"""The embedded store: one SQLite file, one writer's thread, readers that cannot write.

    append, forget, tokens ...  -> Writer (one transaction and one sync for all that wait)
    read, outcomes, tokens ...  -> a few reading connections on threads of their own

Damage is never silent, by three independent means: SQLite's checksums of the write-ahead log for a torn end, the
head witness for an end that went missing (`witness`), and the hash chain, checked on every read, for changed records.

Invariant: `open` holds the file lock until `close`; only the writer's connection writes or checkpoints.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import apsw

from warroom.incident.chain import Broken
from warroom.incident.record import GENESIS, Record, stamp
from warroom.store.backup import BackupCopy
from warroom.store.batch import AppendWork, Batch
from warroom.store.files import WITNESS, FileLock, beside, make_private
from warroom.store.port import (
    Appended,
    Conflict,
    Head,
    Outcome,
    Proven,
    StoreDamaged,
    StoreError,
    StoreFailed,
    Summary,
    TokenRow,
)
from warroom.store.recovery import ended_uncleanly, examine, keep_aside
from warroom.store.rows import (
    COLUMNS_OF_TOKENS,
    NO_HEAD,
    OUTCOME_COLUMNS,
    PROVE_ROWS,
    outcome_of,
    places,
    prove,
    records_of,
    token_of,
    token_row,
)
from warroom.store.schema import connect, fetch, migrate, new_epoch
from warroom.store.witness import Witness
from warroom.store.writer import Writer

READERS = 2
OnDamage = Literal["refuse", "continue"]
T = TypeVar("T")


class SqliteStore:
    """An `EventStore` in the file `path`. Made by `open`; every method is for the event loop that opened it.

    `remarks` are sentences about the file that an operator should see.
    """

    def __init__(self, path: Path, lock: FileLock, connection: apsw.Connection, remarks: list[str]) -> None:
        self.path = path
        self.remarks = tuple(remarks)
        self._lock = lock
        self._epoch = str(fetch(connection, "SELECT value FROM meta WHERE key = 'epoch'")[0][0])
        self._rings: list[Callable[[str, int], None]] = []
        witness = Witness(beside(path, WITNESS), self._epoch)
        self._writer = Writer(connection, witness, self._ring)
        self._closing: asyncio.Task[None] | None = None
        self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._readers.put(connect(path, write=False))
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="warroom-read")

    @classmethod
    async def open(cls, path: Path | str, *, on_damage: OnDamage = "refuse", vfs: str | None = None) -> Self:
        """Open the log in `path`, made if it is not there, with its directory.

        `on_damage`: "refuse" raises and changes nothing; "continue" keeps a copy of the damaged files beside, gives
        the log a new epoch so that no client resumes on what was lost, and says what it found in `remarks`.
        `vfs` names another SQLite file layer.

        Raises:
            StoreLocked: another process holds it.
            StoreTooNew: a newer warroom wrote it.
            StoreDamaged: it is not what was acknowledged.
            StoreError: it cannot be opened.
        """
        return await asyncio.to_thread(cls._open, Path(path), on_damage, vfs)

    @classmethod
    def _open(cls, path: Path, on_damage: OnDamage, vfs: str | None) -> Self:
        path = path.absolute()
        lock = FileLock(path).acquire()
        connection: apsw.Connection | None = None
        try:
            make_private(path)
            unclean = ended_uncleanly(path) or lock.unclean
            connection = connect(path, write=True, vfs=vfs)
            path.chmod(0o600)
            remarks = _library_remarks()
            kept = migrate(connection, path)
            if kept is not None:
                remarks.append(f"the log was brought to a newer layout; the older file is kept as {kept}")
            findings = examine(connection, path, unclean=unclean)
            if findings.damages:
                if on_damage == "refuse":
                    raise _refused(path, findings.damages)
                remarks += _go_on(connection, path, findings.damages)
            remarks += findings.remarks
            store = cls(path, lock, connection, remarks)
        except BaseException:
            if connection is not None:
                connection.close()
            lock.release(clean=not lock.unclean)
            raise
        store._writer.start()
        return store

    @property
    def epoch(self) -> str:
        return self._epoch

    @property
    def commits(self) -> int:
        """Transactions in the life of this log."""
        return self._writer.commits

    @property
    def failure(self) -> StoreFailed | None:
        """Why the store refuses everything, None while it works."""
        return self._writer.failure

    async def append(
        self,
        incident: str,
        expected: int,
        records: Sequence[Record],
        outcomes: Sequence[Outcome] = (),
        *,
        erase: Sequence[int] = (),
        summary: bytes = b"",
    ) -> Appended | Conflict:
        work = AppendWork(incident, expected, tuple(records), tuple(outcomes), tuple(erase), summary)
        answer: Appended | Conflict = await self._writer.submit(work)
        return answer

    async def read(self, incident: str, after: int = 0, limit: int = 1000) -> list[Record]:
        return await self._reading(lambda connection: records_of(connection, incident, after, limit))

    async def prove(self, incident: str) -> Proven:
        end = await self.head(incident)
        at, redacted = NO_HEAD, 0
        while at.seq < end.seq:
            part = await self._reading(partial(prove, incident=incident, after=at, limit=PROVE_ROWS))
            redacted += part.redacted
            if part.broken is not None:
                return Proven(part.head, redacted, part.broken)
            if part.head == at:
                return Proven(at, redacted, Broken(at.seq + 1, f"missing; the log should end at {end.seq}"))
            at = part.head
        return Proven(at, redacted, None)

    async def head(self, incident: str) -> Head:
        rows = await self._select("SELECT seq, hash FROM incidents WHERE incident = ?", (incident,))
        return Head(*rows[0]) if rows else Head(0, GENESIS)

    async def incidents(self) -> list[Summary]:
        rows = await self._select("SELECT incident, seq, hash, summary FROM incidents ORDER BY number")
        return [Summary(incident, Head(seq, digest), body) for incident, seq, digest, body in rows]

    async def outcomes(self, client: str) -> list[Outcome]:
        rows = await self._select(f"SELECT {OUTCOME_COLUMNS} FROM outcomes WHERE client = ? ORDER BY n", (client,))  # noqa: S608 columns
        return [outcome_of(row) for row in rows]

    async def forget_outcomes(self, client: str, upto: int) -> None:
        def work(batch: Batch) -> None:
            batch.execute(
                "INSERT INTO clients (client, floor) VALUES (?1, ?2) "
                "ON CONFLICT (client) DO UPDATE SET floor = max(floor, excluded.floor)",
                (client, upto),
            )
            batch.execute("DELETE FROM outcomes WHERE client = ? AND n <= ?", (client, upto))

        await self._writer.submit(work)

    async def client_floor(self, client: str) -> int:
        rows = await self._select("SELECT floor FROM clients WHERE client = ?", (client,))
        return int(rows[0][0]) if rows else 0

    async def claim_client(self, client: str, owner: str) -> str:
        def work(batch: Batch) -> str:
            batch.execute(
                "INSERT INTO clients (client, owner) VALUES (?1, ?2) "
                "ON CONFLICT (client) DO UPDATE SET owner = excluded.owner WHERE owner = ''",
                (client, owner),
            )
            return str(batch.execute("SELECT owner FROM clients WHERE client = ?", (client,))[0][0])

        rows = await self._select("SELECT owner FROM clients WHERE client = ? AND owner <> ''", (client,))
        return str(rows[0][0]) if rows else str(await self._writer.submit(work))

    async def put_token(self, row: TokenRow) -> None:
        values = token_row(row)
        sql = f"INSERT INTO tokens ({COLUMNS_OF_TOKENS}) VALUES {places(1, COLUMNS_OF_TOKENS)}"  # noqa: S608 columns
        await self._writer.submit(lambda batch: batch.execute(sql, values))

    async def token(self, digest: bytes) -> TokenRow | None:
        rows = await self._select(f"SELECT {COLUMNS_OF_TOKENS} FROM tokens WHERE digest = ?", (digest,))  # noqa: S608 columns
        return token_of(rows[0]) if rows else None

    async def tokens(self) -> list[TokenRow]:
        rows = await self._select(f"SELECT {COLUMNS_OF_TOKENS} FROM tokens ORDER BY created_at, digest")  # noqa: S608 columns
        return [token_of(row) for row in rows]

    async def revoke_token(self, digest: bytes, at: datetime) -> bool:
        sql = "UPDATE tokens SET revoked_at = ? WHERE digest = ? AND revoked_at IS NULL RETURNING 1"
        return bool(await self._writer.submit(lambda batch: batch.execute(sql, (stamp(at), digest))))

    async def use_invite(self, digest: bytes, at: datetime) -> TokenRow | None:
        sql = (
            "UPDATE tokens SET used_at = ?1 WHERE digest = ?2 AND single_use AND used_at IS NULL "  # noqa: S608 columns
            f"AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) RETURNING {COLUMNS_OF_TOKENS}"
        )
        rows = await self._writer.submit(lambda batch: batch.execute(sql, (stamp(at), digest)))
        return token_of(rows[0]) if rows else None

    async def put_signed_head(self, incident: str, seq: int, head: bytes, signature: bytes, at: datetime) -> None:
        sql = "INSERT OR REPLACE INTO signed_heads (incident, seq, hash, signature, at) VALUES (?, ?, ?, ?, ?)"
        values = (incident, seq, head, signature, stamp(at))
        await self._writer.submit(lambda batch: batch.execute(sql, values))

    async def signed_heads(self, incident: str) -> list[tuple[int, bytes, bytes, datetime]]:
        sql = "SELECT seq, hash, signature, at FROM signed_heads WHERE incident = ? ORDER BY seq"
        rows = await self._select(sql, (incident,))
        return [(seq, digest, signature, datetime.fromisoformat(at)) for seq, digest, signature, at in rows]

    async def backup(self, path: str) -> None:
        """Copy the log into the new file `path` while the store goes on, with a manifest beside (see `backup`).

        Raises:
            StoreError: `path` exists already, or cannot be written.
        """
        copy = await asyncio.to_thread(BackupCopy, Path(path))
        await self._writer.copy(copy)
        await asyncio.to_thread(copy.seal)

    def on_append(self, ring: Callable[[str, int], None]) -> None:
        self._rings.append(ring)

    async def close(self) -> None:
        """Finish what waits, fold the write-ahead log into the file, give the lock back. A second call waits too."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        while not self._readers.empty():
            self._readers.get().close()
        whole = await self._writer.stop()
        self._lock.release(clean=whole)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _select(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return await self._reading(lambda connection: fetch(connection, sql, values))

    async def _reading(self, question: Callable[[apsw.Connection], T]) -> T:
        if self._writer.failure is not None:
            raise StoreFailed(str(self._writer.failure))
        if self._closing is not None:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, question)

    def _ask(self, question: Callable[[apsw.Connection], T]) -> T:
        connection = self._readers.get()
        try:
            return question(connection)
        except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
            raise StoreDamaged(f"the log's file cannot be read: {error}", str(self.path)) from error
        except apsw.Error as error:
            raise StoreError(f"the log could not be read: {error}") from error
        finally:
            self._readers.put(connection)

    def _ring(self, rung: dict[str, int]) -> None:
        for incident, seq in rung.items():
            for ring in self._rings:
                ring(incident, seq)


def _library_remarks(version: str | None = None) -> list[str]:
    """SQLite before 3.51.3 can wreck a write-ahead log that two connections checkpoint; only one does here."""
    version = version or apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) >= (3, 51, 3):
        return []
    return [f"SQLite {version} has a known fault in its write-ahead log; use 3.51.3 or newer"]


def _refused(path: Path, damages: Sequence[StoreDamaged]) -> StoreDamaged:
    first = damages[0]
    more = f" (and {len(damages) - 1} more)" if len(damages) > 1 else ""
    return StoreDamaged(
        f"{path} is damaged: {first}{more}; restore a backup, or go on without what is lost", first.where
    )


def _go_on(connection: apsw.Connection, path: Path, damages: Sequence[StoreDamaged]) -> list[str]:
    """Make a damaged log usable under a new identity; what it was stays beside."""
    epoch = new_epoch()
    kept = keep_aside(path, epoch[:8])
    connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
    beside(path, WITNESS).unlink(missing_ok=True)
    return [f"{damage} (at {damage.where}); the files as found are kept in {kept}" for damage in damages]
