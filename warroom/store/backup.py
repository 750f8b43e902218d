"""Copies of a whole log: made while it is in use, proven before they replace one, and never resumed in silence.

A backup is one database file and `<file>.manifest.json` beside it:

    {"format": "warroom-backup", "version": 1, "created_at": ..., "layout": 1, "epoch": ..., "size": ..., "sha256": ...,
     "heads": {"INC-7K3Q": {"seq": 41, "hash": "..."}}}

Invariant: `restore` puts a file in place only after its checksum, its pages and the chain of every record in it have
been proven, gives it a new epoch, and keeps the one it replaces.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import orjson

from warroom.incident.record import stamp
from warroom.store.files import (
    SHM,
    WAL,
    WITNESS,
    FileLock,
    beside,
    digest_of,
    make_private,
    sync_directory,
    sync_file,
    write_whole,
)
from warroom.store.port import Head, StoreDamaged, StoreError, StoreTooNew
from warroom.store.rows import prove_whole
from warroom.store.schema import STEPS, connect, fetch, migrate, new_epoch, uri
from warroom.store.witness import Witness

FORMAT = "warroom-backup"
VERSION = 1
MANIFEST = ".manifest.json"
STEP_PAGES = 256


class BackupCopy:
    """An online backup in steps, driven by the writer: its own later commits reach the copy by themselves.

    Raises (on making one):
        StoreError: the target exists, or cannot be made.
    """

    def __init__(self, target: Path) -> None:
        target = target.absolute()
        if target.exists():
            raise StoreError(f"{target} exists; a backup never overwrites a file")
        self._target = target
        self._part = beside(target, ".part")
        self._part.unlink(missing_ok=True)
        make_private(self._part)
        self._copy: apsw.Connection | None = None
        self._backup: apsw.Backup | None = None

    def step(self, source: apsw.Connection) -> bool:
        """Copy some pages; True when all are copied."""
        if self._backup is None:
            flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE
            self._copy = apsw.Connection(uri(self._part, "rw"), flags=flags)
            self._copy.execute("PRAGMA synchronous=FULL")
            self._backup = self._copy.backup("main", source, "main")
        return bool(self._backup.step(STEP_PAGES))

    def abandon(self) -> None:
        """Give up: nothing of the copy stays."""
        if self._backup is not None:
            self._backup.close(True)
        if self._copy is not None:
            self._copy.close()
        self._part.unlink(missing_ok=True)

    def finish(self) -> None:
        """All pages are copied: let go of the source."""
        if self._backup is not None:
            self._backup.finish()

    def seal(self) -> None:
        """Prove the finished copy's pages, write its manifest, and give it its name; nothing stays if that fails.

        Raises:
            StoreError: says why.
        """
        try:
            self._seal()
        except (apsw.Error, OSError) as error:
            self.abandon()
            raise StoreError(f"the backup failed: {error}") from error
        except StoreError:
            self.abandon()
            raise

    def _seal(self) -> None:
        if self._copy is None:
            raise StoreError("a backup is sealed after its last step")
        # A copy is one file: in the mode of the original it would want a write-ahead log beside it.
        self._copy.execute("PRAGMA journal_mode=DELETE")
        pages = fetch(self._copy, "PRAGMA quick_check(1)")
        if pages != [("ok",)]:
            raise StoreError(f"the copy is damaged, so it was thrown away: {pages[0][0]}")
        facts = _facts(self._copy)
        self._copy.close()
        sync_file(self._part)
        body = {
            "format": FORMAT,
            "version": VERSION,
            "created_at": stamp(datetime.now(UTC)),
            **facts,
            "size": self._part.stat().st_size,
            "sha256": digest_of(self._part),
        }
        write_whole(beside(self._target, MANIFEST), orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
        self._part.replace(self._target)
        sync_directory(self._target.parent)


def _facts(connection: apsw.Connection) -> dict[str, Any]:
    epoch = fetch(connection, "SELECT value FROM meta WHERE key = 'epoch'")[0][0]
    heads = fetch(connection, "SELECT incident, seq, hash FROM incidents ORDER BY incident")
    return {
        "layout": int(connection.pragma("user_version")),
        "epoch": str(epoch),
        "heads": {incident: {"seq": seq, "hash": digest.hex()} for incident, seq, digest in heads},
    }


@dataclass(frozen=True, slots=True)
class Restored:
    """The new epoch, the heads, and where the log that was replaced is kept (None: there was none)."""

    epoch: str
    heads: Mapping[str, Head]
    replaced: Path | None


def restore(backup: Path, target: Path) -> Restored:
    """Put a proven copy of `backup` in place of the log at `target`, under a new epoch. No server may run on it.

    Raises:
        StoreLocked: a server runs on `target`.
        StoreDamaged: the backup is not what its manifest says, or a chain in it is broken.
        StoreTooNew: a newer warroom made it.
        StoreError: it, or its manifest, cannot be read.
    """
    backup, target = backup.absolute(), target.absolute()
    manifest = _manifest(backup)
    with FileLock(target) as lock:
        fresh = beside(target, ".restored")
        try:
            _copy_file(backup, fresh)
            if digest_of(fresh) != manifest["sha256"]:
                raise StoreDamaged(f"{backup} is not what its manifest says (its checksum differs)", str(backup))
            epoch, commits, heads = _prove(fresh, backup, manifest)
            replaced = _exchange(fresh, target, epoch)
            witness = Witness(beside(target, WITNESS), epoch)
            witness.rewrite(commits, heads.items())
            witness.close()
        finally:
            for suffix in ("", WAL, SHM):
                beside(fresh, suffix).unlink(missing_ok=True)
        lock.unclean = False
    return Restored(epoch, heads, replaced)


def _manifest(backup: Path) -> dict[str, Any]:
    path = beside(backup, MANIFEST)
    try:
        body = orjson.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read the backup's manifest {path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise StoreDamaged(f"the backup's manifest {path} is not JSON: {error}", str(path)) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise StoreDamaged(f"{path} is not the manifest of a warroom backup", str(path))
    if body.get("version") != VERSION or not isinstance(layout := body.get("layout"), int) or layout > len(STEPS):
        raise StoreTooNew(f"{backup} was made by a newer warroom; upgrade warroom to restore it")
    if not isinstance(body.get("sha256"), str) or not isinstance(body.get("heads"), dict):
        raise StoreDamaged(f"the backup's manifest {path} lacks its checksum or its heads", str(path))
    return body


def _copy_file(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    make_private(target)
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
    except OSError as error:
        raise StoreError(f"cannot copy {source}: {error.strerror}") from error


def _prove(fresh: Path, backup: Path, manifest: Mapping[str, Any]) -> tuple[str, int, dict[str, Head]]:
    """Check pages, chains and heads of the copy, and give it its new epoch."""
    connection = connect(fresh, write=True)
    try:
        migrate(connection, fresh)
        pages = fetch(connection, "PRAGMA integrity_check(1)")
        if pages != [("ok",)]:
            raise StoreDamaged(f"{backup} is damaged: {pages[0][0]}", str(backup))
        heads: dict[str, Head] = {}
        for incident, seq, digest in fetch(connection, "SELECT incident, seq, hash FROM incidents"):
            heads[incident] = Head(seq, digest)
            proven = prove_whole(connection, incident)
            if proven.broken is not None:
                raise StoreDamaged(
                    f"{incident} in {backup} is damaged at {proven.broken}", f"{incident} seq {proven.broken.seq}"
                )
            if proven.head != heads[incident]:
                raise StoreDamaged(f"{incident} in {backup} does not end where its head says", f"{incident} seq {seq}")
        said = {incident: {"seq": head.seq, "hash": head.hash.hex()} for incident, head in heads.items()}
        if said != manifest["heads"]:
            raise StoreDamaged(f"{backup} does not hold the heads that its manifest names", str(backup))
        commits = int(fetch(connection, "SELECT value FROM meta WHERE key = 'commits'")[0][0])
        epoch = new_epoch()
        connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    finally:
        connection.close()
    return epoch, commits, heads


def _exchange(fresh: Path, target: Path, epoch: str) -> Path | None:
    """Put `fresh` in place of `target`; the old log keeps another name. At no moment is there no log at `target`."""
    sync_file(fresh)
    replaced: Path | None = None
    if target.exists():
        replaced = target.with_name(f"{target.name}.replaced-{epoch[:8]}")
        # The old write-ahead log goes first: replayed into the new file it would wreck it.
        for suffix in (WAL, WITNESS):
            if beside(target, suffix).exists():
                beside(target, suffix).replace(beside(replaced, suffix))
        beside(target, SHM).unlink(missing_ok=True)
        os.link(target, replaced)
    fresh.replace(target)
    sync_directory(target.parent)
    return replaced
