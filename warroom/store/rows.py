"""Rows of the tables to the port's values and back; nothing else knows the order of the columns.

Invariant: `records_of` returns only records whose chain was proven from the row before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import apsw
import orjson

from warroom.incident.chain import Broken, verify
from warroom.incident.record import GENESIS, Record, chain_hash, envelope_of, payload_hash, stamp
from warroom.store.port import Head, Outcome, Proven, StoreDamaged, TokenRow
from warroom.store.schema import SEQ_BITS, fetch

RECORD_COLUMNS = "id, tag, actor, access, duty, recorded_at, occurred_at, client, n, payload, salt, payload_hash, hash"
OUTCOME_COLUMNS = "client, n, incident, seq, reason, words"
COLUMNS_OF_TOKENS = (
    "digest, name, access, scopes, created_at, created_by, expires_at, revoked_at, label, single_use, used_at, "
    "ttl_seconds"
)
NO_HEAD = Head(0, GENESIS)
PROVE_ROWS = 1000
"""Rows held in memory at once while a chain is proven."""
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
    """The records with seq > `after`, at most `limit`, their chain proven.

    Raises:
        StoreDamaged: names the first record that is missing or is not what was written.
    """
    rows, previous = _rows_after(connection, incident, after, limit)
    records = _records(incident, rows, previous)
    if not _hold(incident, rows, previous, after):
        broken = verify(records, previous, after)
        seq = broken.seq if broken else after + 1
        raise StoreDamaged(f"the log of {incident} is damaged at {broken}", f"{incident} seq {seq}", seq)
    return records


def prove_whole(connection: apsw.Connection, incident: str) -> Proven:
    """Check the chain of the whole log of one incident.

    Raises:
        StoreDamaged: it cannot be read.
    """
    head, redacted = NO_HEAD, 0
    while True:
        part = prove(connection, incident, head, PROVE_ROWS)
        redacted += part.redacted
        if part.broken is not None or part.head == head:
            return Proven(part.head, redacted, part.broken)
        head = part.head


def prove(connection: apsw.Connection, incident: str, after: Head, limit: int) -> Proven:
    """Check the chain of the next `limit` records after a head, without making records of them.

    Raises:
        StoreDamaged: they cannot be read.
    """
    rows, previous = _rows_after(connection, incident, after.seq, limit)
    if previous != after.hash and rows:
        return Proven(after, 0, Broken(after.seq, "it changed while the log was read"))
    if not _hold(incident, rows, previous, after.seq):
        broken = verify(_records(incident, rows, previous), previous, after.seq)
        return Proven(after, 0, broken or Broken(after.seq + 1, "its times are not as the chain stamps them"))
    if not rows:
        return Proven(after, 0, None)
    return Proven(Head(rows[-1][0] & _SEQ_MASK, rows[-1][12]), sum(row[9] is None for row in rows), None)


def _rows_after(connection: apsw.Connection, incident: str, after: int, limit: int) -> tuple[list[Row], bytes]:
    """Rows with seq > `after` and the hash of record `after`."""
    if limit <= 0:
        return [], GENESIS
    try:
        found = fetch(connection, "SELECT number, seq FROM incidents WHERE incident = ?", (incident,))
        if not found or after >= found[0][1]:
            return [], GENESIS
        base, end = found[0][0] << SEQ_BITS, found[0][1]
        rows = fetch(
            connection,
            f"SELECT {RECORD_COLUMNS} FROM records WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?",  # noqa: S608 columns
            (base + after, base + _SEQ_MASK, limit + (after > 0)),
        )
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        raise StoreDamaged(f"the records of {incident} cannot be read: {error}", incident) from error
    last = rows[-1][0] & _SEQ_MASK if rows else after
    if last < min(end, after + limit):
        raise _missing(incident, last + 1)
    if after == 0:
        return rows, GENESIS
    if rows[0][0] != base + after:
        raise _missing(incident, after)
    return rows[1:], rows[0][12]


def _missing(incident: str, seq: int) -> StoreDamaged:
    return StoreDamaged(f"record {seq} of {incident} is missing", f"{incident} seq {seq}", seq)


def _hold(incident: str, rows: Sequence[Row], previous: bytes, after: int) -> bool:
    """Whether the rows are a whole chain from `previous`; what `chain.verify` says of records, said of rows.

    Rows have their times as the texts the chain stamps, so this is several times faster than making records first.
    """
    seq = after
    for key, tag, actor, access, duty, recorded, occurred, client, n, payload, salt, digest, chained in rows:
        seq += 1
        if key & _SEQ_MASK != seq:
            return False
        if payload is None:
            if salt is not None:
                return False
        elif salt is None or payload_hash(salt, payload) != digest:
            return False
        envelope = envelope_of(incident, seq, tag, actor, access, duty, recorded, occurred, client, n)
        if chain_hash(previous, envelope, digest) != chained:
            return False
        previous = chained
    return True


def _records(incident: str, rows: Sequence[Row], previous: bytes) -> list[Record]:
    records: list[Record] = []
    for row in rows:
        try:
            recorded, occurred = datetime.fromisoformat(row[5]), datetime.fromisoformat(row[6])
        except ValueError as error:
            seq = row[0] & _SEQ_MASK
            what = f"record {seq} of {incident} is unreadable: {error}"
            raise StoreDamaged(what, f"{incident} seq {seq}", seq) from error
        key, tag, actor, access, duty, _, _, client, n, payload, salt, digest, chained = row
        seq = key & _SEQ_MASK
        records.append(
            Record(
                incident,
                seq,
                tag,
                actor,
                access,
                duty,
                recorded,
                occurred,
                client,
                n,
                payload,
                salt,
                digest,
                previous,
                chained,
            )
        )
        previous = chained
    return records


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
