"""The examination of a log when it is opened: is this what was acknowledged?

SQLite itself goes back to the last whole transaction after a crash. What it does not notice is looked for here:
a log shorter than its witness remembers (see `witness`), a head that is not its last record, a missing record, the
file of another epoch put in place, and, after an unclean end, pages that do not hold together. The chain of every
record is checked where records are read (`SqliteStore.read`) and by `verify`, so no start has to walk all of it.

Invariant: nothing is changed here; the write-ahead log is read, never checkpointed, so evidence stays as it is.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import apsw

from warroom.store.files import WAL, WITNESS, beside
from warroom.store.port import Head, StoreDamaged
from warroom.store.schema import SEQ_BITS, fetch
from warroom.store.witness import read_witness


@dataclass(frozen=True, slots=True)
class Findings:
    """`damages` make the log not what was acknowledged; `remarks` are worth telling and no more."""

    damages: tuple[StoreDamaged, ...]
    remarks: tuple[str, ...]


def ended_uncleanly(path: Path) -> bool:
    """Whether the write-ahead log still holds something, as after a kill."""
    wal = beside(path, WAL)
    return wal.exists() and wal.stat().st_size > 0


def examine(connection: apsw.Connection, path: Path, *, unclean: bool) -> Findings:
    """Look for everything that SQLite's own recovery passes over in silence."""
    damages: list[StoreDamaged] = []
    remarks: list[str] = []
    try:
        if unclean:
            damages += _pages(connection)
            damages += _gaps(connection)
        damages += _heads(connection)
        _compare_witness(connection, path, damages, remarks)
    except (apsw.Error, UnicodeDecodeError, KeyError) as error:
        damages.append(StoreDamaged(f"the log's file cannot be read: {error}", str(path)))
    return Findings(tuple(damages), tuple(remarks))


def _pages(connection: apsw.Connection) -> list[StoreDamaged]:
    rows = [str(row[0]) for row in fetch(connection, "PRAGMA quick_check(3)")]
    return [] if rows == ["ok"] else [StoreDamaged(f"the log's file is damaged: {rows[0]}", "the file's pages")]


def _gaps(connection: apsw.Connection) -> list[StoreDamaged]:
    """Incidents whose records are not exactly 1 .. seq."""
    rows = fetch(
        connection,
        f"SELECT r.number, i.incident, i.seq, r.least, r.greatest, r.total FROM "  # noqa: S608 a constant
        f"(SELECT id >> {SEQ_BITS} AS number, min(id) AS least, max(id) AS greatest, count(*) AS total "
        f"FROM records GROUP BY id >> {SEQ_BITS}) r LEFT JOIN incidents i ON i.number = r.number",
    )
    damages = []
    mask = (1 << SEQ_BITS) - 1
    for number, incident, seq, least, greatest, total in rows:
        if incident is None:
            damages.append(StoreDamaged("records of an incident that is not listed", f"incident number {number}"))
        elif (least & mask, greatest & mask, total) != (1, seq, seq):
            damages.append(
                StoreDamaged(f"{incident} should have {seq} records and has {total}", f"{incident} seq {seq}")
            )
    return damages


def _heads(connection: apsw.Connection) -> list[StoreDamaged]:
    """Incidents whose head is not their last record."""
    rows = fetch(
        connection,
        f"SELECT i.incident, i.seq FROM incidents i LEFT JOIN records r "  # noqa: S608 a constant
        f"ON r.id = (i.number << {SEQ_BITS} | i.seq) WHERE r.hash IS NOT i.hash",
    )
    return [
        StoreDamaged(f"the last record of {incident} is not the one its head names", f"{incident} seq {seq}")
        for incident, seq in rows
    ]


def _compare_witness(connection: apsw.Connection, path: Path, damages: list[StoreDamaged], remarks: list[str]) -> None:
    meta = dict(fetch(connection, "SELECT key, value FROM meta"))
    said = read_witness(beside(path, WITNESS))
    if said is None:
        if meta["commits"]:
            remarks.append("the head witness is missing, so a log cut short would not be noticed this time")
        return
    if said.unreadable or not said.epoch:
        remarks.append("the head witness is damaged; what is readable of it was compared")
    if said.epoch and said.epoch != meta["epoch"]:
        damages.append(
            StoreDamaged("this file is not the log that was here last: another was put in its place", str(path))
        )
        return
    shorter = [
        (incident, head, mine)
        for incident, head in said.heads.items()
        if (mine := _known(connection, incident, head)).hash != head.hash
    ]
    for incident, head, mine in shorter:
        what = f"ends at record {mine.seq}" if mine.seq < head.seq else f"has another record {head.seq}"
        damages.append(
            StoreDamaged(
                f"{incident} {what}, but record {head.seq} was acknowledged",
                f"{incident} seq {min(mine.seq + 1, head.seq)}",
            )
        )
    if not shorter and said.commits > meta["commits"]:
        lost = said.commits - meta["commits"]
        damages.append(StoreDamaged(f"the last {lost} acknowledged transactions are missing from the log", str(path)))


def _known(connection: apsw.Connection, incident: str, head: Head) -> Head:
    """The stored record at the seq the witness names; the log's own end when it is shorter."""
    rows = fetch(
        connection,
        f"SELECT i.seq, r.hash FROM incidents i LEFT JOIN records r "  # noqa: S608 a constant
        f"ON r.id = (i.number << {SEQ_BITS} | ?) WHERE i.incident = ?",
        (head.seq, incident),
    )
    if not rows:
        return Head(0, b"")
    seq, digest = rows[0]
    return Head(seq, digest or b"")


def keep_aside(path: Path, stamp: str) -> Path:
    """Copy the log, its write-ahead log and its witness as they are into a directory beside; returns it."""
    directory = path.with_name(f"{path.name}.damaged-{stamp}")
    directory.mkdir(mode=0o700)
    for suffix in ("", WAL, WITNESS):
        source = beside(path, suffix) if suffix else path
        if source.exists():
            copy = directory / source.name
            copy.touch(mode=0o600)
            shutil.copyfile(source, copy)
    return directory
