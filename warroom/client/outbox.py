"""Commands on their way, on disk before anybody is told they are queued; and the refusals nobody has seen yet.

Invariant: a number is given once, 1, 2, 3 ..., and a command leaves the file only when its answer is known. One
process holds an outbox at a time: a lock on a file beside it, given back by the kernel when the process dies.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from warroom.client.view import RefusedCommand, Unsent

MOST = 64
"""Outboxes beside each other, one for each console at work at the same time."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS box (id INTEGER PRIMARY KEY CHECK (id = 1), client TEXT NOT NULL, next_n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    n INTEGER PRIMARY KEY, incident TEXT NOT NULL, command BLOB NOT NULL, made_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, incident TEXT NOT NULL, command BLOB NOT NULL,
    made_at REAL NOT NULL, refused_at REAL NOT NULL, reason TEXT NOT NULL, words TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command; `reason` empty for accepted."""

    n: int
    reason: str = ""
    words: str = ""


class Outbox:
    """`open` a file, or `in_memory`. Blocking, for one thread; every change is durable when the call returns."""

    def __init__(self, database: sqlite3.Connection, path: Path | None = None, lock: IO[bytes] | None = None) -> None:
        self.path = path
        self.damaged: Path | None = None
        self._database = database
        self._lock = lock
        database.executescript(_SCHEMA)
        row = database.execute("SELECT client, next_n FROM box").fetchone()
        if row is None:
            row = (_new_client(), 1)
            with database:
                database.execute("INSERT INTO box VALUES (1, ?, ?)", row)
        self.client: str = row[0]
        self.next_n: int = row[1]

    @classmethod
    def in_memory(cls) -> Outbox:
        return cls(sqlite3.connect(":memory:", check_same_thread=False))

    @classmethod
    def open(cls, path: Path, *, empty: bool = False) -> Outbox:
        """The outbox at `path`, or one beside it (`outbox-2.db` ...) when another process holds it.

        A free one with commands still in it goes before an empty one, so that nothing waits for ever, unless an
        `empty` one is asked for. A file that
        cannot be read is moved aside (`damaged` names it) and replaced.

        Raises:
            OSError: the directory cannot be used, or all are taken.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        free: Outbox | None = None
        for number in range(1, MOST + 1):
            candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
            exists = candidate.exists()
            if free is not None and not exists:
                return free
            found = cls._locked(candidate)
            if found is None:
                continue
            if empty and found.unsent():
                found.close()
                continue
            if not exists or found.unsent():
                if free is not None:
                    free.close()
                return found
            if free is None:
                free = found
            else:
                found.close()
        if free is None:
            raise OSError(f"all {MOST} outboxes beside {path} are in use")
        return free

    @classmethod
    def _locked(cls, path: Path) -> Outbox | None:
        lock = open(path.with_name(path.name + ".lock"), "ab")  # noqa: SIM115
        try:
            os.fchmod(lock.fileno(), 0o600)
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        try:
            return cls._connect(path, lock)
        except sqlite3.DatabaseError:
            aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
            for suffix in ("", "-wal", "-shm"):
                part = path.with_name(path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            made = cls._connect(path, lock)
            made.damaged = aside
            return made

    @classmethod
    def _connect(cls, path: Path, lock: IO[bytes]) -> Outbox:
        path.touch(mode=0o600)
        path.chmod(0o600)
        database = sqlite3.connect(path, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("quick_check found damage")
            made = cls(database, path, lock)
            made.unsent(), made.refused()
        except sqlite3.DatabaseError:
            database.close()
            raise
        return made

    def add(self, incident: str, command: Mapping[str, Any], at: datetime) -> int:
        """Store a command under the next number, durably; returns the number.

        Raises:
            OSError: the disk does not take it; nothing was stored.
        """
        n = self.next_n
        with self._writing():
            row = (n, incident, orjson.dumps(dict(command)), at.timestamp())
            self._database.execute("INSERT INTO command VALUES (?, ?, ?, ?)", row)
            self._database.execute("UPDATE box SET next_n = ?", (n + 1,))
        self.next_n = n + 1
        return n

    def settle(self, answers: list[Answer], at: datetime) -> None:
        """Take answered commands off, in one durable step; refused ones are kept aside until `seen`.

        Raises:
            OSError: the disk does not take it; nothing was changed.
        """
        with self._writing():
            for answer in answers:
                if answer.reason:
                    self._database.execute(
                        "INSERT INTO refused (n, incident, command, made_at, refused_at, reason, words) "
                        "SELECT n, incident, command, made_at, ?, ?, ? FROM command WHERE n = ?",
                        (at.timestamp(), answer.reason, answer.words, answer.n),
                    )
                self._database.execute("DELETE FROM command WHERE n = ?", (answer.n,))

    def renew(self) -> None:
        """Take a new client id and number what is unsent from 1 again, in one step.

        Raises:
            OSError: the disk does not take it; nothing was changed.
        """
        numbers = [one.n for one in self.unsent()]
        row = (_new_client(), len(numbers) + 1)
        with self._writing():
            for new, n in enumerate(numbers, start=1):
                self._database.execute("UPDATE command SET n = ? WHERE n = ?", (new, n))
            self._database.execute("UPDATE box SET client = ?, next_n = ?", row)
        self.client, self.next_n = row

    def hand_over(self, numbers: list[int]) -> Outbox:
        """Move these commands to an empty outbox beside this one, which is closed with the rest in it.

        Raises:
            OSError: there is none, or the disk does not take it.
        """
        other = Outbox.in_memory() if self.path is None else Outbox.open(self.path, empty=True)
        moved = [one for one in self.unsent() if one.n in set(numbers)]
        other.renew()
        for one in moved:
            other.add(one.incident, one.command, one.made_at)
        self.settle([Answer(one.n) for one in moved], datetime.now(UTC))
        self.close()
        return other

    def unsent(self) -> list[Unsent]:
        """The commands without an answer, by number."""
        rows = self._database.execute("SELECT n, incident, command, made_at FROM command ORDER BY n").fetchall()
        return [Unsent(n, incident, _read(command), _time(at)) for n, incident, command, at in rows]

    def refused(self) -> list[RefusedCommand]:
        """The refusals nobody has seen, oldest first."""
        rows = self._database.execute(
            "SELECT id, n, incident, command, made_at, refused_at, reason, words FROM refused ORDER BY id"
        ).fetchall()
        return [
            RefusedCommand(row, n, incident, _read(command), _time(made), _time(refused), reason, words)
            for row, n, incident, command, made, refused, reason, words in rows
        ]

    def seen(self, serials: list[int]) -> None:
        """Forget refusals by their `serial`."""
        with self._writing():
            self._database.executemany("DELETE FROM refused WHERE id = ?", [(serial,) for serial in serials])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction; what the database says against it becomes an OSError with words."""
        try:
            with self._database:
                yield
        except sqlite3.Error as failure:
            raise OSError(f"the outbox {self.path or 'in memory'} cannot be written: {failure}") from failure

    def close(self) -> None:
        """Close the file and give the lock back. Twice is once."""
        self._database.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _new_client() -> str:
    return secrets.token_urlsafe(16)


def _read(command: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(command)
    except orjson.JSONDecodeError as wrong:
        raise sqlite3.DatabaseError("a command in the outbox is not what was written") from wrong
    if not isinstance(said, dict):
        raise sqlite3.DatabaseError("a command in the outbox is not what was written")
    return said


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
