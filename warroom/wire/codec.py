"""Frames to bytes and back, strictly: what is malformed gets one sentence that names the field.

Invariant: nothing but a `FrameError` comes out of decoding hostile bytes, and what was decoded can be encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from warroom.incident.record import Record, stamp
from warroom.incident.record_json import record_from_json
from warroom.incident.text import clean_line
from warroom.wire import messages as m

MAX_DEPTH = 32
"""Levels of nesting in a frame from a client."""


class FrameError(ValueError):
    """A frame that cannot be read; the text is one sentence, safe to send back (it quotes nothing but names)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """An `events` frame, read without a model per record. `previous` is the hash before the first record."""

    incident: str
    previous: bytes
    records: tuple[Record, ...]
    head: int = 0
    traces: tuple[str, ...] = ()


_UP: dict[str, type[m.Up]] = {
    "hello": m.Hello,
    "command": m.CommandFrame,
    "confirm": m.Confirm,
    "subscribe": m.Subscribe,
    "unsubscribe": m.Unsubscribe,
    "lobby": m.Lobby,
    "presence": m.PresenceUp,
    "spotlight": m.SpotlightUp,
    "watch": m.Watch,
    "unwatch": m.Unwatch,
    "tail": m.Tail,
    "untail": m.Untail,
    "request": m.Request,
    "ping": m.Ping,
}

_DOWN: dict[str, type[m.Down]] = {
    "token": m.TokenDown,
    "welcome": m.Welcome,
    "outcome": m.OutcomeDown,
    "resend": m.Resend,
    "snapshot": m.SnapshotHeader,
    "incidents": m.Incidents,
    "presence": m.PresenceDown,
    "spotlight": m.SpotlightDown,
    "panel": m.PanelDown,
    "lines": m.LinesDown,
    "closed": m.Closed,
    "response": m.Response,
    "pong": m.Pong,
    "notice": m.Notice,
    "bye": m.Bye,
}


def encode(frame: m.Up | m.Down) -> bytes:
    """The frame as UTF-8 JSON, for a text frame. An empty `trace` is left out: older servers do not know it."""
    if type(frame) is m.CommandFrame and not frame.trace:
        return frame.__pydantic_serializer__.to_json(frame, exclude={"trace"})
    return frame.__pydantic_serializer__.to_json(frame)


def encode_answer(id: int, result: bytes) -> bytes:  # noqa: A002 (the wire's word)
    """A `response` frame around a result that is JSON already: it is not parsed again."""
    return b'{"t":"response","id":%d,"ok":true,"result":%s,"reason":"","words":""}' % (id, result)


def encode_events(
    incident: str, records: Sequence[Record], previous: bytes, head: int = 0, traces: Sequence[str] = ()
) -> bytes:
    """An `events` frame built from stored bytes: the payloads go out as they lie on disk, without being parsed."""
    told: dict[str, Any] = {
        "t": "events",
        "incident": incident,
        "previous": previous.hex(),
        "records": [_record_down(record) for record in records],
        "head": head,
    }
    if traces:
        told["traces"] = traces
    return orjson.dumps(told)


def decode_up(data: bytes | str) -> m.AnyUp:
    """Read one text frame from a client.

    Raises:
        FrameError: not JSON, too large, too deep, of an unknown kind, or a field is missing, unknown or wrong.
    """
    size = len(data)
    if size > m.MAX_UP:
        raise FrameError(f"the frame has {size} bytes; at most {m.MAX_UP} are read")
    said = _object(data)
    kind = said.get("t")
    model = _UP.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise FrameError("`t` names no kind of frame that a client may send")
    if _too_deep(said):
        raise FrameError(f"the frame is nested deeper than {MAX_DEPTH} levels")
    try:
        if model is m.CommandFrame:
            return m.CommandFrame.model_validate(said, strict=True)
        return model.model_validate_json(data, strict=True)  # type: ignore[return-value]
    except ValidationError as wrong:
        raise FrameError(f"{kind}: {first_complaint(wrong)}") from None


def decode_down(data: bytes | str) -> m.Down | Batch | None:
    """Read one text frame from a server; None for a kind that this version does not know.

    Raises:
        FrameError: not JSON, or a field that this version needs is missing or wrong.
    """
    said = _object(data)
    kind = said.get("t")
    if not isinstance(kind, str):
        raise FrameError("`t` is missing")
    if kind == "events":
        return _batch(said)
    model = _DOWN.get(kind)
    if model is None:
        return None
    try:
        return model.model_validate(said)
    except ValidationError as wrong:
        raise FrameError(f"{kind}: {first_complaint(wrong)}") from None


def first_complaint(wrong: ValidationError) -> str:
    """The first thing wrong, as `field: what`, without quoting the input (it may hold a secret)."""
    complaint = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
    where = clean_line(".".join(str(part) for part in complaint["loc"])[:200])
    words = complaint["msg"].removeprefix("Value error, ")
    return f"`{where}`: {words}" if where else words


def _record_down(record: Record) -> dict[str, Any]:
    """As `record_json`, with the payload's bytes put through as they are."""
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
        "event": None if record.payload is None else orjson.Fragment(record.payload),
        "salt": None if record.salt is None else record.salt.hex(),
        "payload_hash": record.payload_hash.hex(),
        "hash": record.hash.hex(),
    }


def _object(data: bytes | str) -> dict[str, Any]:
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        raise FrameError(f"the frame is not JSON: {wrong.msg} at byte {wrong.pos}") from None
    if not isinstance(said, dict):
        raise FrameError("the frame is not a JSON object")
    return said


def _too_deep(said: object) -> bool:
    level: list[object] = [said]
    for _ in range(MAX_DEPTH):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(inner for inner in value.values() if isinstance(inner, dict | list))
            elif isinstance(value, list):
                deeper.extend(inner for inner in value if isinstance(inner, dict | list))
        if not deeper:
            return False
        level = deeper
    return True


def _record(line: dict[str, Any], incident: str, previous: bytes) -> Record:
    """As `record_from_json` at half the cost; whatever is unusual goes there, and gets its words there."""
    try:
        seq, n, event, salt, at, occurred = (
            line["seq"], line["n"], line["event"], line["salt"], line["at"], line["occurred"],
        )  # fmt: skip
        texts = tag, actor, access, duty, client = (
            line["tag"], line["actor"], line["access"], line["duty"], line["client"],
        )  # fmt: skip
        recorded_at = datetime.fromisoformat(at)
        occurred_at = recorded_at if occurred == at else datetime.fromisoformat(occurred)
        plain = type(seq) is int and type(n) is int and set(map(type, texts)) == {str}
        if plain and recorded_at.tzinfo is not None and occurred_at.tzinfo is not None:
            return Record(
                incident, seq, tag, actor, access, duty, recorded_at, occurred_at, client, n,
                None if event is None else orjson.dumps(event),
                None if salt is None else bytes.fromhex(salt),
                bytes.fromhex(line["payload_hash"]), previous, bytes.fromhex(line["hash"]),
            )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return record_from_json(line, incident, previous)
    return record_from_json(line, incident, previous)


def _batch(said: dict[str, Any]) -> Batch:
    """The hot path: a newcomer reads ten thousand of these, so the fields are checked by hand."""
    try:
        incident, head = said["incident"], said.get("head", 0)
        if type(incident) is not str or type(head) is not int:
            raise TypeError
        previous = genesis = bytes.fromhex(said["previous"]) if said["previous"] else b""
        records: list[Record] = []
        for line in said["records"]:
            record = _record(line, incident, previous)
            previous = record.hash
            records.append(record)
    except KeyError as missing:
        raise FrameError(f"events: `{missing.args[0]}` is missing") from None
    except ValueError as wrong:
        raise FrameError(f"events: {wrong}") from None
    except (TypeError, AttributeError):
        raise FrameError("events: a field is not of its kind") from None
    traces = said.get("traces")
    return Batch(incident, genesis, tuple(records), head, tuple(traces) if isinstance(traces, list) else ())
