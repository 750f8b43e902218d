"""Spans and lines as OTLP 1.x writes them in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

Names are those of opentelemetry-proto in lowerCamelCase; ids are hexadecimal, 64-bit numbers are texts, enums numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from warroom.tracing.spans import LogLine, Span, Value

SCOPE = "warroom"
_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_ERROR = 2
_SAMPLED = 1
_SEVERITIES = ((50, 21), (40, 17), (30, 13), (20, 9), (0, 5))
"""Levels of `logging` and the first number of their range: FATAL, ERROR, WARN, INFO, DEBUG."""
_TEXTS = {21: "FATAL", 17: "ERROR", 13: "WARN", 9: "INFO", 5: "DEBUG"}


def traces(spans: Iterable[Span], about: Mapping[str, Value], version: str) -> bytes:
    """The body of `/v1/traces`. `about` describes the process; each service is a resource of its own."""
    return _body("resourceSpans", "scopeSpans", "spans", _by_service((one.service, _span(one)) for one in spans),
                 about, version)  # fmt: skip


def logs(lines: Iterable[LogLine], about: Mapping[str, Value], version: str) -> bytes:
    """The body of `/v1/logs`."""
    return _body("resourceLogs", "scopeLogs", "logRecords", _by_service((one.service, _line(one)) for one in lines),
                 about, version)  # fmt: skip


def _by_service(items: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for service, item in items:
        found.setdefault(service, []).append(item)
    return found


def _body(
    outer: str, middle: str, inner: str, found: Mapping[str, list[dict[str, Any]]], about: Mapping[str, Value],
    version: str,
) -> bytes:  # fmt: skip
    scope = {"name": SCOPE, "version": version}
    return orjson.dumps(
        {
            outer: [
                {
                    "resource": {"attributes": _attributes({"service.name": service, **about})},
                    middle: [{"scope": scope, inner: items}],
                }
                for service, items in found.items()
            ]
        }
    )


def _span(span: Span) -> dict[str, Any]:
    told: dict[str, Any] = {
        "traceId": span.context.trace,
        "spanId": span.context.span,
        "flags": _SAMPLED,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "status": {"code": _ERROR, "message": span.error} if span.error else {},
    }
    if span.parent:
        told["parentSpanId"] = span.parent
    return told


def _line(line: LogLine) -> dict[str, Any]:
    number = next(number for level, number in _SEVERITIES if line.level >= level)
    told: dict[str, Any] = {
        "timeUnixNano": str(line.at),
        "observedTimeUnixNano": str(line.at),
        "severityNumber": number,
        "severityText": _TEXTS[number],
        "body": {"stringValue": line.words},
        "attributes": _attributes(line.attributes),
    }
    if line.context is not None:
        told |= {"traceId": line.context.trace, "spanId": line.context.span, "flags": _SAMPLED}
    return told


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
    return {"stringValue": str(value)}
