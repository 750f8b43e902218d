"""One incident as a file that outlives the server: JSON lines, proven before anything of it is taken in.

    line 1   {"format": "warroom-incident", "version": 1, "incident": "INC-7K3Q", "epoch": ..., "exported_at": ...,
              "records": 41, "head": "<hex>", "public_key": "<hex, or null>",
              "signed_heads": [{"seq": 40, "hash": "<hex>", "signature": "<hex>", "at": ...}]}
    line 2.. one record each, as `record_json` writes it

Invariant: `import_archive` writes nothing unless the whole chain holds, and never makes a second history of an id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from warroom.incident.chain import Broken, verify
from warroom.incident.decode import fold
from warroom.incident.ids import parse_incident_id
from warroom.incident.lobby import lobby_line
from warroom.incident.record import GENESIS, Record, stamp
from warroom.incident.record_json import record_from_json, record_json
from warroom.store.files import write_whole
from warroom.store.port import Appended, EventStore, Head, StoreError
from warroom.store.verify import SignedHead, Verification, contradicted, signed_by

FORMAT = "warroom-incident"
VERSION = 1
CHUNK = 500
ATTEMPTS = 10
MAX_LINE = 32 << 20
"""Bytes of the longest line that is read."""


class ArchiveError(ValueError):
    """A file is not an archive, not whole, or of another history; the sentence says which and where."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A file as read: its header's claims and its records, not yet proven."""

    incident: str
    epoch: str
    exported_at: str
    head: Head
    public_key: bytes | None
    signed_heads: tuple[tuple[SignedHead, datetime], ...]
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """`added` records were new; 0 when the store had all of them."""

    incident: str
    head: Head
    added: int


async def export_lines(store: EventStore, incident: str, public_key: bytes | None = None) -> AsyncIterator[bytes]:
    """The lines of an archive, each with its line feed; `public_key` is the key that signs this store's heads.

    Raises:
        ArchiveError: there is no such incident.
        StoreDamaged: the log is not whole, so it is not exported as if it were.
    """
    head = await store.head(incident)
    if not head.seq:
        raise ArchiveError(f"there is no incident {incident} in this log")
    signed = [
        {"seq": seq, "hash": digest.hex(), "signature": signature.hex(), "at": stamp(at)}
        for seq, digest, signature, at in await store.signed_heads(incident)
        if seq <= head.seq
    ]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "incident": incident,
        "epoch": store.epoch,
        "exported_at": stamp(datetime.now(UTC)),
        "records": head.seq,
        "head": head.hash.hex(),
        "public_key": public_key.hex() if public_key else None,
        "signed_heads": signed,
    }
    yield orjson.dumps(header) + b"\n"
    async for line in _record_lines(store, incident, 0, head.seq):
        yield line


async def export_part(
    store: EventStore, incident: str, public_key: bytes | None, after: int, upto: int, most: int
) -> tuple[list[str], int | None]:
    """About `most` bytes of an archive's lines behind the first `after`, and how many one has then (None: all).

    `upto` is `records` of the header that the first part began with, so that what is written meanwhile stays out and
    all parts are of one moment.

    Raises:
        ArchiveError: there is no such incident.
        StoreDamaged: the log is not whole, so it is not exported as if it were.
    """
    if after:
        last = (await store.head(incident)).seq
        source = _record_lines(store, incident, after - 1, min(upto or last, last))
    else:
        source = export_lines(store, incident, public_key)
    lines: list[str] = []
    size = 0
    async for line in source:
        size += len(line)
        if lines and size > most:
            return lines, after + len(lines)
        lines.append(line.decode().rstrip("\n"))
    return lines, None


async def _record_lines(store: EventStore, incident: str, after: int, upto: int) -> AsyncIterator[bytes]:
    at = after
    while at < upto:
        records = await store.read(incident, at, min(CHUNK, upto - at))
        if not records:
            raise StoreError(f"{incident} ended at record {at} while it was exported")
        for record in records:
            yield orjson.dumps(record_json(record)) + b"\n"
        at = records[-1].seq


async def export_file(store: EventStore, incident: str, path: Path, public_key: bytes | None = None) -> Head:
    """Write an archive to `path`, 0600, whole or not at all, in place of what was there; returns the head it ends at.

    Raises:
        ArchiveError: there is no such incident, or the file cannot be written.
    """
    lines = [line async for line in export_lines(store, incident, public_key)]
    try:
        await asyncio.to_thread(write_whole, path, b"".join(lines))
    except OSError as error:
        raise ArchiveError(f"cannot write {path}: {error.strerror}") from error
    header = _header(lines[0])
    return Head(header["records"], bytes.fromhex(header["head"]))


def read_archive(lines: Iterable[bytes]) -> Archive:
    """Read an archive's lines; its chain is not proven yet.

    Raises:
        ArchiveError: names the line and what is wrong with it.
    """
    numbered = enumerate(lines, 1)
    header = _header(next(numbered, (1, b""))[1])
    incident = header["incident"]
    records: list[Record] = []
    previous = GENESIS
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            record = record_from_json(_object(line), incident, previous)
        except (ValueError, TypeError) as error:
            raise ArchiveError(f"line {number} is not a record: {error}") from None
        records.append(record)
        previous = record.hash
    try:
        signed = tuple(_signed_head(item) for item in header["signed_heads"])
        return Archive(
            incident,
            str(header["epoch"]),
            str(header["exported_at"]),
            Head(int(header["records"]), bytes.fromhex(header["head"])),
            bytes.fromhex(header["public_key"]) if header["public_key"] else None,
            signed,
            tuple(records),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"line 1 is not the header of an archive: {error!r}") from None


def read_file(path: Path) -> Archive:
    """Read the archive in a file.

    Raises:
        ArchiveError: the file cannot be read, or is not an archive.
    """
    try:
        with path.open("rb") as file:
            return read_archive(_lines(file))
    except OSError as error:
        raise ArchiveError(f"cannot read {path}: {error.strerror}") from error


def verify_archive(archive: Archive, public_key: bytes | None = None) -> Verification:
    """Prove an archive: its chain, its end, and its signed heads, by `public_key` or else the key it names itself.

    A key from elsewhere proves who signed; the archive's own proves only that one holder signed all.
    """
    records = archive.records
    end = Head(records[-1].seq, records[-1].hash) if records else Head(0, GENESIS)
    redacted = sum(record.payload is None for record in records)
    broken = verify(records)
    if broken is None and end != archive.head:
        broken = Broken(end.seq + 1, f"missing; the header says that the log ends at {archive.head.seq}")
    key = public_key or archive.public_key
    checked = others = 0
    for signed, _at in archive.signed_heads if key and broken is None else ():
        if not signed_by(key or b"", archive.incident, signed):
            others += 1
            continue
        broken = contradicted(signed, records[max(signed.seq - 1, 0) : signed.seq])
        if broken is not None:
            break
        checked += 1
    return Verification(archive.incident, len(records), end, broken, redacted, checked, others)


async def import_archive(store: EventStore, archive: Archive, public_key: bytes | None = None) -> Imported:
    """Bring an archive's incident into a store: all of it, what is missing at the end, or nothing when it is there.

    A payload that is erased on either side stays or becomes erased: an old copy never brings a secret back.

    Raises:
        ArchiveError: the archive is broken, or the store has another history under this id; nothing was written.
    """
    proof = verify_archive(archive, public_key)
    if proof.broken is not None:
        raise ArchiveError(f"the archive of {archive.incident} is broken at {proof.broken}; nothing was imported")
    for _ in range(ATTEMPTS):
        head = await store.head(archive.incident)
        merged, erase = await _merge(store, archive, head.seq)
        new = merged[head.seq :]
        if not new and not erase:
            break
        summary = orjson.dumps(lobby_line(fold(merged)))
        answer = await store.append(archive.incident, head.seq, new, erase=erase, summary=summary)
        if isinstance(answer, Appended):
            await _keep_signatures(store, archive)
            return Imported(archive.incident, answer.head, len(new))
    else:
        raise ArchiveError(f"{archive.incident} is being written to; import it when it is at rest")
    await _keep_signatures(store, archive)
    return Imported(archive.incident, head, 0)


async def _merge(store: EventStore, archive: Archive, upto: int) -> tuple[list[Record], list[int]]:
    """The log as it will be, and the seqs that are erased in the archive and not yet in the store.

    Raises:
        ArchiveError: the two differ in a record that both have.
    """
    merged: list[Record] = []
    erase: list[int] = []
    while len(merged) < upto:
        mine = await store.read(archive.incident, len(merged), min(CHUNK, upto - len(merged)))
        if not mine:
            raise StoreError(f"{archive.incident} ends before its head")
        for record in mine:
            theirs = archive.records[record.seq - 1] if record.seq <= len(archive.records) else record
            if record.hash != theirs.hash:
                raise ArchiveError(
                    f"{archive.incident} in the archive is another history than the one here: they part at record "
                    f"{record.seq}; nothing was imported"
                )
            if theirs.payload is None and record.payload is not None:
                erase.append(record.seq)
            merged.append(theirs if theirs.payload is None else record)
    merged.extend(archive.records[upto:])
    return merged, erase


async def _keep_signatures(store: EventStore, archive: Archive) -> None:
    kept = {seq for seq, _hash, _signature, _at in await store.signed_heads(archive.incident)}
    for signed, at in archive.signed_heads:
        if signed.seq not in kept:
            await store.put_signed_head(archive.incident, signed.seq, signed.hash, signed.signature, at)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise ArchiveError(f"line {number} is longer than {MAX_LINE >> 20} MiB; this is not an archive")
        yield line


def _object(line: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def _header(line: bytes) -> dict[str, Any]:
    try:
        body = _object(line)
    except ValueError as error:
        raise ArchiveError(f"line 1 is not the header of an archive: {error}") from None
    if body.get("format") != FORMAT:
        raise ArchiveError("this is not an archive of an incident (its first line does not say so)")
    version = body.get("version")
    if version != VERSION:
        raise ArchiveError(f"this archive has version {version!r}, and this warroom reads {VERSION}; upgrade warroom")
    incident = body.get("incident")
    try:
        named = isinstance(incident, str) and parse_incident_id(incident) == incident
    except ValueError:
        named = False
    if not named:
        raise ArchiveError(f"the header names no incident id: {incident!r}")
    return body


def _signed_head(body: dict[str, Any]) -> tuple[SignedHead, datetime]:
    digest, signature = bytes.fromhex(body["hash"]), bytes.fromhex(body["signature"])
    return SignedHead(int(body["seq"]), digest, signature), datetime.fromisoformat(body["at"])
