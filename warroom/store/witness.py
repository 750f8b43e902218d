"""The head witness: a small file beside the log that remembers where each incident's log ended.

Why it is there: SQLite recovers a damaged write-ahead log by stopping at the first frame whose checksum is wrong and
says nothing, so acknowledged transactions can vanish from a file that then passes every integrity check. The hash
chain cannot tell either, because a log with its end cut off is a valid log.

How it works: after a transaction is durable and before anybody hears of it, one line per changed head is appended
here: the number of the transaction, incident, seq, hash, and a checksum of the line. The database counts its
transactions in the same transaction. So the witness is never ahead of an undamaged database: not after a kill (the
line comes after the commit), not after a power cut (the line is synced later than the commit, or not at all).
A witness that is ahead proves that the database has lost transactions, and names the incidents it knows longer.

What it cannot see: a loss of both files to the same older moment, and transactions whose lines had not reached the
disk when the power went (they are synced when the writer is idle, at checkpoints, and by each rewrite). Replicas
that hold more than the server, and signed heads outside, cover those.

Invariant: a line is written only for what is already durable in the database.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from warroom.store.files import write_whole
from warroom.store.port import Head

MAGIC = "warroom-witness 1"
REWRITE_BYTES = 1 << 20
"""Size at which the file is written anew with one line per incident, unless that alone is larger."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness file says. `unreadable` counts lines that fail their checksum, a torn last one not included."""

    epoch: str
    commits: int
    heads: Mapping[str, Head] = field(default_factory=dict)
    unreadable: int = 0


def read_witness(path: Path) -> Testimony | None:
    """What the file says; None when it is not there. A file without a readable first line has an empty epoch."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    first = _checked(lines[0])
    epoch = first.removeprefix(MAGIC).strip() if first is not None and first.startswith(MAGIC) else ""
    heads: dict[str, Head] = {}
    commits = 0
    bad: list[int] = []
    for number, line in enumerate(lines[1:]):
        if not line:
            continue
        fields = (_checked(line) or "").split(" ")
        if len(fields) != 4:
            bad.append(number)
            continue
        commits = max(commits, int(fields[0]))
        if fields[1] != "-":
            heads[fields[1]] = Head(int(fields[2]), bytes.fromhex(fields[3]))
    torn = 1 if bad and bad[-1] == len(lines) - 2 else 0
    return Testimony(epoch, commits, heads, len(bad) - torn)


class Witness:
    """The writing side, used by the writer's thread alone. A failure to write is never an error of the log."""

    def __init__(self, path: Path, epoch: str) -> None:
        self._path = path
        self._epoch = epoch
        self._descriptor = -1
        self._size = 0
        self._limit = REWRITE_BYTES
        self.unsynced = False

    @property
    def is_large(self) -> bool:
        return self._size > self._limit

    @property
    def is_broken(self) -> bool:
        """A write failed, so what the end of the file holds is unknown; it notes nothing more until it is rewritten."""
        return self._descriptor < 0

    def rewrite(self, commits: int, heads: Iterable[tuple[str, Head]]) -> None:
        """Write the file anew and synced. When it cannot be, the old one stays: it is behind, which is always sound."""
        self._drop()
        text = _line(f"{MAGIC} {self._epoch}") + _line(f"{commits} - 0 -")
        text += b"".join(_line(f"{commits} {incident} {head.seq} {head.hash.hex()}") for incident, head in heads)
        try:
            write_whole(self._path, text)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return
        self._size = len(text)
        self._limit = max(REWRITE_BYTES, 4 * self._size)
        self.unsynced = False

    def note(self, commits: int, heads: Mapping[str, Head]) -> None:
        """Add the heads that transaction `commits` changed (none for one of tokens or outcomes only)."""
        if self._descriptor < 0:
            return
        if heads:
            data = b"".join(_line(f"{commits} {name} {head.seq} {head.hash.hex()}") for name, head in heads.items())
        else:
            data = _line(f"{commits} - 0 -")
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            written = 0
        if written != len(data):
            self._drop()
            return
        self._size += written
        self.unsynced = True

    def sync(self) -> None:
        """Put the lines on stable storage."""
        if self._descriptor >= 0 and self.unsynced:
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                self._drop()
        self.unsynced = False

    def close(self) -> None:
        self.sync()
        self._drop()

    def _drop(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _sum(data: bytes) -> bytes:
    return hashlib.blake2s(data, digest_size=6).hexdigest().encode()


def _line(text: str) -> bytes:
    data = text.encode()
    return data + b" " + _sum(data) + b"\n"


def _checked(line: bytes) -> str | None:
    """The text of a line whose checksum is right, else None."""
    data, _, check = line.rpartition(b" ")
    return data.decode() if data and _sum(data) == check else None
