"""What OTLP pushes have in common: a body becomes an object in JSON form, attributes become names and texts.

Format: https://opentelemetry.io/docs/specs/otlp/.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from warroom.embedded.protobuf import Message, ProtobufError, read
from warroom.embedded.trace_store import TagText

LARGEST = 32 * 1024 * 1024
"""Bytes of a push, after decompression."""

_JSON, _PROTOBUF = "application/json", "application/x-protobuf"


class OtlpError(ValueError):
    """Why a push cannot be taken. `status` is the answer's, `code` that of gRPC."""

    def __init__(self, words: str, status: int = 400, code: int = 3) -> None:
        super().__init__(words)
        self.status, self.code = status, code


async def body_of(request: Request) -> bytes:
    """The body, decompressed. Raises OtlpError: it is too large, or compressed in a way that cannot be read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise OtlpError(f"the body has more than {LARGEST // 1024**2} MiB", 413, 8)
        parts.append(part)
    body = b"".join(parts)
    how = request.headers.get("content-encoding", "identity").strip().lower()
    if how in ("", "identity"):
        return body
    if how != "gzip":
        raise OtlpError(f"unsupported content encoding {how!r}, supported: [gzip]", 415)
    return unzipped(body)


def unzipped(body: bytes) -> bytes:
    """A gzipped body. Raises OtlpError, also for one that grows beyond bounds."""
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(body, LARGEST + 1)
    except (zlib.error, gzip.BadGzipFile):
        raise OtlpError("gzip: invalid header") from None
    if len(plain) > LARGEST:
        raise OtlpError(f"the body has more than {LARGEST // 1024**2} MiB", 413, 8)
    return plain


async def pushed(request: Request, message: Message) -> dict[str, Any]:
    """What was pushed, in JSON form. Raises OtlpError."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in (_JSON, _PROTOBUF):
        raise OtlpError(f"415 unsupported media type, supported: [{_JSON}, {_PROTOBUF}]", 415)
    body = await body_of(request)
    if kind == _PROTOBUF:
        try:
            return read(body, message)
        except ProtobufError as wrong:
            raise OtlpError(f"proto: {wrong}") from None
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        raise OtlpError(f"the body is no JSON: {wrong}") from None
    if not isinstance(said, dict):
        raise OtlpError("the body is no JSON object")
    return said


def accepted(request: Request, rejected: int = 0, words: str = "", of: str = "rejectedSpans") -> Response:
    """The answer to a push that was taken, or taken in part; in the form of the question."""
    if request.headers.get("content-type", "").startswith(_PROTOBUF):
        inside = (b"\x08" + _varint(rejected) if rejected else b"") + (
            b"\x12" + _varint(len(words.encode())) + words.encode() if words else b""
        )
        return Response(b"\x0a" + _varint(len(inside)) + inside if inside else b"", media_type=_PROTOBUF)
    partial = ({of: str(rejected)} if rejected else {}) | ({"errorMessage": words} if words else {})
    return JSONResponse({"partialSuccess": partial})


def refused(request: Request, wrong: OtlpError) -> Response:
    """The answer to a push that was not taken."""
    if wrong.status == 415:
        return PlainTextResponse(str(wrong), 415)
    if request.headers.get("content-type", "").startswith(_PROTOBUF):
        said = str(wrong).encode()
        body = b"\x08" + _varint(wrong.code) + b"\x12" + _varint(len(said)) + said
        return Response(body, wrong.status, media_type=_PROTOBUF)
    return JSONResponse({"code": wrong.code, "message": str(wrong)}, wrong.status)


def items(said: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list that may not be there. Raises OtlpError when it is something else."""
    found = said.get(name)
    if found is None:
        return
    if not isinstance(found, list):
        raise OtlpError(f"{name}: a list was expected")
    for one in found:
        if not isinstance(one, dict):
            raise OtlpError(f"{name}: objects were expected")
        yield one


def inside(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object that may not be there. Raises OtlpError when it is something else."""
    found = said.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise OtlpError(f"{name}: an object was expected")
    return found


def text(said: Mapping[str, Any], name: str) -> str:
    """A text that may not be there. Raises OtlpError."""
    found = said.get(name, "")
    if found is None:
        return ""
    if not isinstance(found, str):
        raise OtlpError(f"{name}: a text was expected")
    return found


def whole(said: Mapping[str, Any], name: str) -> int:
    """A whole number, as a number or as a text; 0 when it is not there. Raises OtlpError."""
    found = said.get(name, 0)
    if isinstance(found, str) and found.lstrip("-").isdecimal() and len(found) <= 20:
        return int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise OtlpError(f"{name}: a whole number was expected")
    return found


def attributes(said: Mapping[str, Any], name: str = "attributes") -> tuple[tuple[str, str], ...]:
    """Names and texts, in their order; a text that was a number or a truth remembers it. Raises OtlpError."""
    return tuple((text(one, "key"), any_value(inside(one, "value"))) for one in items(said, name))


def any_value(said: Mapping[str, Any]) -> str:
    """A value as Jaeger and Prometheus write it: lists and maps as JSON. Raises OtlpError."""
    found = _plain(said)
    if isinstance(found, str):
        return found
    if isinstance(found, bool):
        return TagText("true" if found else "false", "bool")
    if isinstance(found, int):
        return TagText(str(found), "int64")
    if isinstance(found, float):
        return TagText(repr(found), "float64")
    if found is None:
        return ""
    return orjson.dumps(found).decode()


def _plain(said: Mapping[str, Any]) -> Any:
    if "stringValue" in said:
        return text(said, "stringValue")
    if "intValue" in said:
        return whole(said, "intValue")
    if "arrayValue" in said:
        return [_plain(one) for one in items(inside(said, "arrayValue"), "values")]
    if "kvlistValue" in said:
        pairs = items(inside(said, "kvlistValue"), "values")
        return {text(one, "key"): _plain(inside(one, "value")) for one in pairs}
    found = said.get("boolValue", said.get("doubleValue", said.get("bytesValue")))
    if isinstance(found, bytes):
        return found.hex()
    if found is not None and not isinstance(found, bool | int | float | str):
        raise OtlpError("value: a text, a number, a truth, a list or a map was expected")
    return float(found) if "doubleValue" in said and found is not None else found


def _varint(number: int) -> bytes:
    said = b""
    while number > 0x7F:
        said += bytes([number & 0x7F | 0x80])
        number >>= 7
    return said + bytes([number])
