"""Rows of the tables to the port's values and back; nothing else knows the order of the columns.

Invariant: `records_of` returns only records whose chain was checked against the row before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import apsw
import orjson

from warroom.incident.chain import verify
from warroom.incident.record import GENESIS, Record, stamp
from warroom.store.port import Head, Outcome, StoreDamaged, TokenRow
from warroom.store.schema import SEQ_BITS, fetch

RECORD_COLUMNS = "id, tag, actor, access, duty, recorded_at, occurred_at, client, n, payload, salt, payload_hash, hash"
OUTCOME_COLUMNS = "client, n, incident, seq, reason, words"
COLUMNS_OF_TOKENS = (
    "digest, name, access, scopes, created_at, created_by, expires_at, revoked_at, label, single_use, used_at, "
    "ttl_seconds"
)
_SEQ_MASK = (1 << SEQ_BITS) - 1

Row = tuple[Any, ...]


def record_row(number: int, record: Record) -> Row:
    """The row of `record` in the incident with this number."""
    return (
        number << SEQ_BITS | record.seq,
        record.tag,
        record.actor,
        record.access,
        record.duty,
        stamp(record.recorded_at),
        stamp(record.occurred_at),
        record.client,
        record.n,
        record.payload,
        record.salt,
        record.payload_hash,
        record.hash,
    )


def outcome_row(outcome: Outcome) -> Row:
    return (outcome.client, outcome.n, outcome.incident, outcome.seq, outcome.reason, outcome.words)


def records_of(connection: apsw.Connection, incident: str, after: int, limit: int) -> list[Record]:
    """The records with seq > `after`, at most `limit`, their chain checked.

    Raises:
        StoreDamaged: names the first record that is missing or is not what was written.
    """
    records = select_records(connection, incident, after, limit)
    if records:
        broken = verify(records, records[0].previous, after)
        if broken is not None:
            raise StoreDamaged(f"the log of {incident} is damaged at {broken}", f"{incident} seq {broken.seq}")
    return records


def prove_log(connection: apsw.Connection, incident: str, chunk: int = 2000) -> Head:
    """Walk the whole log of one incident, checking its chain; returns where it ends.

    Raises:
        StoreDamaged: names the first record that is missing or is not what was written.
    """
    head = Head(0, GENESIS)
    while records := records_of(connection, incident, head.seq, chunk):
        head = Head(records[-1].seq, records[-1].hash)
    return head


def select_records(connection: apsw.Connection, incident: str, after: int, limit: int) -> list[Record]:
    """The records with seq > `after`, at most `limit`, unchecked; `previous` is read from the row before.

    Raises:
        StoreDamaged: a record is missing or unreadable.
    """
    try:
        return _select(connection, incident, after, limit)
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        raise StoreDamaged(f"the records of {incident} cannot be read: {error}", incident) from error


def _select(connection: apsw.Connection, incident: str, after: int, limit: int) -> list[Record]:
    found = fetch(connection, "SELECT number FROM incidents WHERE incident = ?", (incident,))
    if not found or limit <= 0:
        return []
    base = found[0][0] << SEQ_BITS
    rows = fetch(
        connection,
        f"SELECT {RECORD_COLUMNS} FROM records WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?",  # noqa: S608 columns
        (base + after, base + _SEQ_MASK, limit + (after > 0)),
    )
    if not rows:
        return []
    previous = GENESIS
    if after > 0:
        if rows[0][0] != base + after:
            raise StoreDamaged(f"record {after} of {incident} is missing", f"{incident} seq {after}")
        previous = rows[0][12]
        rows = rows[1:]
    records: list[Record] = []
    for row in rows:
        record = _record(incident, row, previous)
        records.append(record)
        previous = record.hash
    return records


def _record(incident: str, row: Row, previous: bytes) -> Record:
    try:
        return Record(
            incident,
            row[0] & _SEQ_MASK,
            row[1],
            row[2],
            row[3],
            row[4],
            datetime.fromisoformat(row[5]),
            datetime.fromisoformat(row[6]),
            row[7],
            row[8],
            row[9],
            row[10],
            row[11],
            previous,
            row[12],
        )
    except (ValueError, TypeError) as error:
        seq = row[0] & _SEQ_MASK
        raise StoreDamaged(f"record {seq} of {incident} is unreadable: {error}", f"{incident} seq {seq}") from error


def outcome_of(row: Row) -> Outcome:
    return Outcome(*row)


def token_row(row: TokenRow) -> Row:
    return (
        row.digest,
        row.name,
        row.access,
        orjson.dumps(row.scopes).decode(),
        stamp(row.created_at),
        row.created_by,
        _text(row.expires_at),
        _text(row.revoked_at),
        row.label,
        int(row.single_use),
        _text(row.used_at),
        row.ttl_seconds,
    )


def token_of(row: Row) -> TokenRow:
    return TokenRow(
        digest=row[0],
        name=row[1],
        access=row[2],
        scopes=tuple(orjson.loads(row[3])),
        created_at=datetime.fromisoformat(row[4]),
        created_by=row[5],
        expires_at=_moment(row[6]),
        revoked_at=_moment(row[7]),
        label=row[8],
        single_use=bool(row[9]),
        used_at=_moment(row[10]),
        ttl_seconds=row[11],
    )


def places(count: int, columns: str) -> str:
    """`(?, ?), (?, ?)`: the value lists of an insert of `count` rows."""
    one = "(" + ", ".join("?" * len(columns.split(","))) + ")"
    return ", ".join([one] * count)


def insert_many(connection: apsw.Connection, into: str, columns: str, rows: Sequence[Row], upsert: str = "") -> None:
    """Insert rows in as few statements as there are powers of two in their number, up to 64 rows each.

    Every statement gives the interpreter lock away and must win it back from the event loop's thread, which costs
    more than the row: so fewer, larger statements, of few distinct shapes that stay prepared.
    """
    start = 0
    while start < len(rows):
        count = min(64, 1 << (len(rows) - start).bit_length() - 1)
        values = [value for row in rows[start : start + count] for value in row]
        connection.execute(f"INSERT INTO {into} ({columns}) VALUES {places(count, columns)} {upsert}", values)  # noqa: S608
        start += count


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
