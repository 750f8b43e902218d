"""The tables of a log in SQLite, how a connection is set up, and how an older file becomes a newer one.

A record's rowid is its incident's number x 2^32 + its seq, so the records of one incident lie together in order and a
range of them is one walk through a B-tree whose inner pages hold only keys. `previous` is not stored: it is the hash
of the row before. Times are the texts the chain stamps (UTC, microseconds), so they sort and hash as they are.

Invariant: a file's `user_version` is the number of `STEPS` applied to it, and steps are only ever added.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from warroom.store.files import make_private, sync_directory, sync_file
from warroom.store.port import StoreDamaged, StoreError, StoreTooNew

APPLICATION = 0x57524F4D
"""`application_id` of the file: "WROM"."""

SEQ_BITS = 32
BUSY_MS = 5000

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE incidents (
        number INTEGER PRIMARY KEY,
        incident TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        summary BLOB NOT NULL
    ) STRICT;
    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        tag TEXT NOT NULL,
        actor TEXT NOT NULL,
        access TEXT NOT NULL,
        duty TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        occurred_at TEXT NOT NULL,
        client TEXT NOT NULL,
        n INTEGER NOT NULL,
        payload BLOB,
        salt BLOB,
        payload_hash BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE clients (
        client TEXT PRIMARY KEY,
        owner TEXT NOT NULL DEFAULT '',
        floor INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outcomes (
        client TEXT NOT NULL,
        n INTEGER NOT NULL,
        incident TEXT NOT NULL,
        seq INTEGER NOT NULL,
        reason TEXT NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY (client, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER outcome_was_confirmed BEFORE INSERT ON outcomes
        WHEN EXISTS (SELECT 1 FROM clients WHERE client = NEW.client AND floor >= NEW.n)
        BEGIN SELECT RAISE(ABORT, 'confirmed'); END;
    CREATE TABLE tokens (
        digest BLOB PRIMARY KEY,
        name TEXT NOT NULL,
        access TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created_at TEXT NOT NULL,
        created_by TEXT NOT NULL,
        expires_at TEXT,
        revoked_at TEXT,
        label TEXT NOT NULL,
        single_use INTEGER NOT NULL,
        used_at TEXT,
        ttl_seconds INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE signed_heads (
        incident TEXT NOT NULL,
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        signature BLOB NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (incident, seq)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Step i takes a file from version i to i + 1."""


def fetch(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows that a statement answers; STRICT tables promise the types of their columns."""
    return connection.execute(sql, values).fetchall()


def uri(path: Path, mode: str) -> str:
    """SQLite's URI of a file, for a path with any character in it; `mode` is ro, rw or rwc."""
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def connect(path: Path, *, write: bool, vfs: str | None = None) -> apsw.Connection:
    """A connection to the log at `path` with every setting the store stands on; a reading one cannot write.

    Never checkpoints on closing: what a failed process left behind is for recovery to judge, as it was left.

    Raises:
        StoreDamaged: the file's first page is not a database's.
        StoreError: not a warroom log, or it cannot be opened.
    """
    flags = apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY)
    try:
        connection = apsw.Connection(uri(path, "rw" if write else "ro"), flags=flags, vfs=vfs)
    except apsw.Error as error:
        raise StoreError(f"cannot open {path}: {error}") from error
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.set_busy_timeout(BUSY_MS)
        for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")
        if write:
            _check_owner(connection, path)
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.wal_autocheckpoint(0)
        else:
            connection.execute("PRAGMA query_only=ON")
    except (apsw.NotADBError, apsw.CorruptError) as error:
        connection.close()
        raise StoreDamaged(f"{path} is not a readable log any more: {error}", str(path)) from error
    except apsw.Error as error:
        connection.close()
        raise StoreError(f"cannot open {path}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _check_owner(connection: apsw.Connection, path: Path) -> None:
    """Refuse to turn another program's database into a log."""
    application = connection.pragma("application_id")
    if application == APPLICATION:
        return
    if application or fetch(connection, "SELECT 1 FROM sqlite_schema LIMIT 1"):
        raise StoreError(f"{path} is a database of another program, not a warroom log")


def migrate(connection: apsw.Connection, path: Path) -> Path | None:
    """Bring the file to the newest version, all steps in one transaction; a copy of an older file is kept beside it.

    Returns:
        The copy, None when there was nothing to keep.

    Raises:
        StoreTooNew: the file was written by a newer warroom.
    """
    steps = STEPS
    version = int(connection.pragma("user_version"))
    if version > len(steps):
        raise StoreTooNew(
            f"{path} was written by a newer warroom (its layout is {version}, this one knows {len(steps)}); "
            "upgrade warroom, or restore a backup"
        )
    if version == len(steps):
        return None
    kept = path.with_name(f"{path.name}.before-v{len(steps)}") if version else None
    if kept is not None:
        copy_whole(connection, kept)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version:]:
            connection.execute(step)
        if version == 0:
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute("INSERT INTO meta VALUES ('epoch', ?), ('commits', 0), ('scrub', 0)", (new_epoch(),))
        connection.execute(f"PRAGMA user_version={len(steps)}")
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise StoreError(f"{path} could not be brought to layout {len(steps)}, and is as it was: {error}") from error
    return kept


def new_epoch() -> str:
    """A random identity for a log: 96 bits in hex."""
    return secrets.token_hex(12)


def copy_whole(connection: apsw.Connection, target: Path) -> None:
    """Copy the whole database into the file `target`, 0600 and synced."""
    make_private(target)
    copy = apsw.Connection(uri(target, "rw"), flags=apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE)
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step()
        # A copy is one file: without this it would ask for a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
    sync_file(target)
    sync_directory(target.parent)
