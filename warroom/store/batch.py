"""What one transaction does: appends are checked against heads in memory and written together in a few statements.

Invariant: nothing of a `Batch` is in `Heads` until its transaction is durable (`settle`), so a rolled-back one leaves
no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from warroom.incident.record import Record
from warroom.store.port import AlreadyAnswered, Appended, Conflict, Head, Outcome
from warroom.store.rows import NO_HEAD, OUTCOME_COLUMNS, RECORD_COLUMNS, Row, insert_many, outcome_row, record_row
from warroom.store.schema import SEQ_BITS, fetch

_HEADS_UPSERT = (
    "ON CONFLICT (number) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, "
    "summary = CASE WHEN length(excluded.summary) THEN excluded.summary ELSE summary END"
)

Work = Callable[["Batch"], Any]
"""One call's part of a transaction; returns the call's answer, or raises to have all of its part undone."""


class Heads:
    """Where each log ends, and the number of each incident. Owned by the writer's thread."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.at: dict[str, Head] = {}
        self.numbers: dict[str, int] = {}
        for number, incident, seq, digest in fetch(connection, "SELECT number, incident, seq, hash FROM incidents"):
            self.at[incident] = Head(seq, digest)
            self.numbers[incident] = number
        self.top = max(self.numbers.values(), default=0)
        self.commits = int(_meta(connection, "commits"))
        self.scrub = bool(_meta(connection, "scrub"))
        """An erased payload may still be in the write-ahead log."""


def _meta(connection: apsw.Connection, key: str) -> Any:
    return fetch(connection, "SELECT value FROM meta WHERE key = ?", (key,))[0][0]


@dataclass(frozen=True, slots=True)
class AppendWork:
    """The work of one `append` call."""

    incident: str
    expected: int
    records: Sequence[Record]
    outcomes: Sequence[Outcome]
    erase: Sequence[int]
    summary: bytes

    def __call__(self, batch: Batch) -> Appended | Conflict:
        head = batch.head(self.incident)
        if head.seq != self.expected:
            return Conflict(head)
        follows(self.incident, head, self.records)
        after = Head(self.records[-1].seq, self.records[-1].hash) if self.records else head
        for seq in self.erase:
            if not 1 <= seq <= after.seq:
                raise ValueError(f"there is no record {seq} in {self.incident} to erase")
        if self.records:
            batch.extend(self.incident, after, self.records, self.summary)
        elif self.summary and after.seq:
            batch.resummarise(self.incident, self.summary)
        batch.answer(self.outcomes)
        batch.erase(self.incident, self.erase)
        return Appended(after)


def follows(incident: str, head: Head, records: Sequence[Record]) -> None:
    """Check that `records` continue the log of `incident` from `head` without a gap.

    Raises:
        ValueError: names the first that does not.
    """
    for record in records:
        if record.incident != incident:
            raise ValueError(f"a record of {record.incident} was given for the log of {incident}")
        if record.seq != head.seq + 1:
            raise ValueError(f"record {head.seq + 1} of {incident} comes next, not {record.seq}")
        if record.previous != head.hash:
            raise ValueError(f"record {record.seq} of {incident} does not continue the chain")
        head = Head(record.seq, record.hash)


class Batch:
    """One transaction in the making; `connection` is inside it."""

    def __init__(self, connection: apsw.Connection, heads: Heads) -> None:
        self._connection = connection
        self._heads = heads
        self.changed: dict[str, Head] = {}
        self._numbers: dict[str, int] = {}
        self._records: list[Row] = []
        self._summaries: dict[str, bytes] = {}
        self._outcomes: list[Row] = []
        self._erased: list[int] = []
        self.erases = False

    def head(self, incident: str) -> Head:
        """Where the log ends, with what this transaction has appended so far."""
        return self.changed.get(incident) or self._heads.at.get(incident, NO_HEAD)

    def extend(self, incident: str, head: Head, records: Iterable[Record], summary: bytes) -> None:
        number = self._number(incident)
        self.changed[incident] = head
        self._records.extend([record_row(number, record) for record in records])
        if summary or incident not in self._summaries:
            self._summaries[incident] = summary

    def resummarise(self, incident: str, summary: bytes) -> None:
        self.execute("UPDATE incidents SET summary = ? WHERE incident = ?", (summary, incident))

    def answer(self, outcomes: Iterable[Outcome]) -> None:
        self._outcomes.extend([outcome_row(outcome) for outcome in outcomes])

    def erase(self, incident: str, seqs: Iterable[int]) -> None:
        number = self._numbers.get(incident) or self._heads.numbers.get(incident, 0)
        self._erased.extend([number << SEQ_BITS | seq for seq in seqs])

    def execute(self, sql: str, values: Row = ()) -> list[Row]:
        """Run a statement of other tables, after everything that came before it."""
        self.flush()
        return fetch(self._connection, sql, values)

    def flush(self) -> None:
        """Give the database what was gathered."""
        connection = self._connection
        if self._records:
            insert_many(connection, "records", RECORD_COLUMNS, self._records)
            rows = [
                (self._number(name), name, self.changed[name].seq, self.changed[name].hash, summary)
                for name, summary in self._summaries.items()
            ]
            insert_many(connection, "incidents", "number, incident, seq, hash, summary", rows, _HEADS_UPSERT)
        if self._outcomes:
            insert_many(connection, "outcomes", OUTCOME_COLUMNS, self._outcomes)
        for row in self._erased:
            connection.execute("UPDATE records SET payload = NULL, salt = NULL WHERE id = ?", (row,))
        if self._erased and not self.erases:
            connection.execute("UPDATE meta SET value = 1 WHERE key = 'scrub'")
            self.erases = True
        self._records, self._outcomes, self._erased = [], [], []
        self._summaries = {}

    def settle(self) -> None:
        """The transaction is durable: its heads are the heads."""
        self._heads.at.update(self.changed)
        self._heads.numbers.update(self._numbers)
        self._heads.top += len(self._numbers)
        self._heads.scrub = self._heads.scrub or self.erases

    def repeated(self, error: apsw.ConstraintError) -> Exception:
        """What a broken constraint means to the caller of the one call in this transaction."""
        for client, n, *_rest in self._outcomes:
            kept = fetch(
                self._connection,
                "SELECT 1 FROM outcomes WHERE client = ?1 AND n = ?2 "
                "UNION ALL SELECT 1 FROM clients WHERE client = ?1 AND floor >= ?2",
                (client, n),
            )
            if kept:
                return AlreadyAnswered(client, n)
        return ValueError(f"refused by a constraint of the log: {error}")

    def _number(self, incident: str) -> int:
        number = self._heads.numbers.get(incident) or self._numbers.get(incident)
        if number is None:
            number = self._heads.top + len(self._numbers) + 1
            self._numbers[incident] = number
        return number
