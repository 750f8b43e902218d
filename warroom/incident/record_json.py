"""A record as JSON: the one shape of the wire, of `log --json` and of exports.

Salt and hashes are hex, times as the chain stamps them. `incident` and `previous` stand beside, once for many records.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from warroom.incident.record import Record, stamp


def record_json(record: Record) -> dict[str, Any]:
    """The record as a JSON object; `event` and `salt` are None where redacted."""
    return {
        "seq": record.seq,
        "tag": record.tag,
        "actor": record.actor,
        "access": record.access,
        "duty": record.duty,
        "at": stamp(record.recorded_at),
        "occurred": stamp(record.occurred_at),
        "client": record.client,
        "n": record.n,
        "event": None if record.payload is None else orjson.loads(record.payload),
        "salt": None if record.salt is None else record.salt.hex(),
        "payload_hash": record.payload_hash.hex(),
        "hash": record.hash.hex(),
    }


def record_from_json(body: Mapping[str, Any], incident: str, previous: bytes) -> Record:
    """The record again, byte for byte.

    Raises:
        ValueError: a field is missing or not of its kind; names the field.
    """
    try:
        event = body["event"]
        salt = body["salt"]
        return Record(
            incident=incident,
            seq=_whole(body, "seq"),
            tag=_text(body, "tag"),
            actor=_text(body, "actor"),
            access=_text(body, "access"),
            duty=_text(body, "duty"),
            recorded_at=_moment(body, "at"),
            occurred_at=_moment(body, "occurred"),
            client=_text(body, "client"),
            n=_whole(body, "n"),
            payload=None if event is None else orjson.dumps(event),
            salt=None if salt is None else _bytes(body, "salt"),
            payload_hash=_bytes(body, "payload_hash"),
            previous=previous,
            hash=_bytes(body, "hash"),
        )
    except KeyError as error:
        raise ValueError(f"a record has no {error.args[0]!r}") from None


def _text(body: Mapping[str, Any], field: str) -> str:
    value = body[field]
    if not isinstance(value, str):
        raise ValueError(f"{field!r} of a record must be text")
    return value


def _whole(body: Mapping[str, Any], field: str) -> int:
    value = body[field]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{field!r} of a record must be a whole number")
    return value


def _bytes(body: Mapping[str, Any], field: str) -> bytes:
    try:
        return bytes.fromhex(_text(body, field))
    except ValueError:
        raise ValueError(f"{field!r} of a record must be hexadecimal") from None


def _moment(body: Mapping[str, Any], field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(body, field))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{field!r} of a record must be a time like 2026-11-21T03:04:05.678901Z")
    return moment
