"""Protocol buffers read into the JSON form of their messages, for the few messages that are pushed to this process.

Wire format: https://protobuf.dev/programming-guides/encoding/, JSON form: https://protobuf.dev/programming-guides/json/
and, for OTLP, ids in hex (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

Invariant: hostile bytes cost no more than their length, and end in ProtobufError or in an answer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "string", "bytes", "hex", "double", "fixed64", "sfixed64", "fixed32", "int64", "uint64", "sint64", "int32",
    "sint32", "uint32", "bool",
]  # fmt: skip

_DEEPEST = 40
_VARINTS = ("int64", "uint64", "sint64", "int32", "sint32", "uint32", "bool")
_FIXED64 = ("double", "fixed64", "sfixed64")


class ProtobufError(ValueError):
    """Bytes that are no such message."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in JSON, and either a kind of number or text, or another message."""

    name: str
    kind: Kind | Message
    repeated: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """A message by the numbers of its fields; `fields` may be filled in later, for messages within themselves."""

    name: str
    fields: dict[int, Field] = field(default_factory=dict)


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, wire type and raw value of each field: a whole number for a varint, bytes otherwise.

    Raises:
        ProtobufError: the bytes end within a field, or a field has a type that is not used any more.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise ProtobufError("a field has the number 0")
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"a field of the wire type {wire}")
        if at + size > end:
            raise ProtobufError("unexpected end of the message")
        yield number, wire, data[at : at + size]
        at += size


def read(data: bytes | memoryview, message: Message, depth: int = 0) -> dict[str, Any]:
    """A message in its JSON form: numbers of 64 bits are whole numbers, bytes stay bytes, ids are hex. Fields that are
    not there are left out; those that `message` does not know are passed over.

    Raises:
        ProtobufError: it is none.
    """
    if depth > _DEEPEST:
        raise ProtobufError("messages within messages, too deep")
    found: dict[str, Any] = {}
    for number, wire, raw in fields(memoryview(data)):
        known = message.fields.get(number)
        if known is None:
            continue
        if known.repeated:
            found.setdefault(known.name, []).extend(_many(known, wire, raw, depth))
        else:
            found[known.name] = _one(known, wire, raw, depth)
    return found


def _many(known: Field, wire: int, raw: int | memoryview, depth: int) -> Iterator[Any]:
    """A repeated field's value, or the values of a packed one."""
    packed = wire == 2 and isinstance(raw, memoryview) and known.kind in (*_VARINTS, *_FIXED64, "fixed32")
    if not packed or not isinstance(raw, memoryview):
        yield _one(known, wire, raw, depth)
        return
    at = 0
    while at < len(raw):
        if known.kind in _VARINTS:
            value, at = _varint(raw, at)
            yield _number(known, 0, value)
        else:
            size = 4 if known.kind == "fixed32" else 8
            yield _number(known, 5 if size == 4 else 1, raw[at : at + size])
            at += size


def _one(known: Field, wire: int, raw: int | memoryview, depth: int) -> Any:
    if isinstance(known.kind, Message):
        if not isinstance(raw, memoryview) or wire != 2:
            raise ProtobufError(f"{known.name}: a message was expected")
        return read(raw, known.kind, depth + 1)
    if known.kind not in ("string", "bytes", "hex"):
        return _number(known, wire, raw)
    if not isinstance(raw, memoryview) or wire != 2:
        raise ProtobufError(f"{known.name}: bytes were expected")
    if known.kind != "string":
        return bytes(raw) if known.kind == "bytes" else raw.hex()
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise ProtobufError(f"{known.name}: string field contains invalid UTF-8") from None


def _number(known: Field, wire: int, raw: int | memoryview) -> Any:
    if isinstance(raw, int):
        if wire != 0 or known.kind not in _VARINTS:
            raise ProtobufError(f"{known.name}: another kind of number was expected")
        return _whole(known.kind, raw)
    form = {"double": "<d", "fixed64": "<Q", "sfixed64": "<q", "fixed32": "<I"}.get(str(known.kind))
    if form is None or struct.calcsize(form) != len(raw) or wire == 2:
        raise ProtobufError(f"{known.name}: another kind of number was expected")
    return struct.unpack(form, raw)[0]


def _whole(kind: Kind | Message, raw: int) -> int | bool:
    if kind == "bool":
        return bool(raw)
    if kind in ("sint64", "sint32"):
        return (raw >> 1) ^ -(raw & 1)
    if kind in ("uint64", "uint32"):
        return raw
    return raw - (1 << 64) if raw >> 63 else raw


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value, shift, end = 0, 0, len(data)
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise ProtobufError("a number of more than 64 bits")
    raise ProtobufError("unexpected end of the message")


def message(name: str, known: Mapping[int, tuple[str, Kind | Message] | tuple[str, Kind | Message, bool]]) -> Message:
    """A message from its fields by number: JSON name, kind, and whether it is repeated."""
    return Message(name, {number: Field(*one) for number, one in known.items()})
