"""Spans as OTLP pushes them, as our own: what Jaeger makes of them.

Mapping: https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/, as Jaeger 2.19 does it: kind, scope and
status become tags, events become logs, links become references.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from warroom.embedded.otlp import OtlpError, attributes, inside, items, text, whole
from warroom.embedded.trace_store import TagText
from warroom.telemetry.traces import Pairs, Span, SpanLink, SpanLog, Trace

KINDS = ("", "internal", "server", "client", "producer", "consumer")
"""Kinds of spans by their number in OTLP."""

_HEX = re.compile(r"[0-9a-fA-F]+")


def traces_of(said: Mapping[str, Any]) -> tuple[tuple[Trace, ...], int]:
    """The traces of a push, in parts as they came, and how many spans name no trace or have no id and were left out.

    Raises:
        OtlpError: it is no such push.
    """
    found: dict[str, list[Span]] = {}
    left_out = 0
    for resource in items(said, "resourceSpans"):
        process = attributes(inside(resource, "resource"))
        service = next((value for key, value in process if key == "service.name"), "") or "OTLPResourceNoServiceName"
        process = tuple(sorted(pair for pair in process if pair[0] != "service.name"))
        for scoped in items(resource, "scopeSpans"):
            scope = _scope(inside(scoped, "scope"))
            for one in items(scoped, "spans"):
                trace_id, span = _span(one, str(service), process, scope)
                # Zeros stand for no id at all.
                if trace_id.strip("0") and span.span_id.strip("0"):
                    found.setdefault(trace_id, []).append(span)
                else:
                    left_out += 1
    return tuple(Trace(trace_id, tuple(spans)) for trace_id, spans in found.items()), left_out


def _scope(said: Mapping[str, Any]) -> Pairs:
    named = (("otel.scope.name", text(said, "name")), ("otel.scope.version", text(said, "version")))
    return (*(pair for pair in named if pair[1]), *attributes(said))


def _span(said: Mapping[str, Any], service: str, process: Pairs, scope: Pairs) -> tuple[str, Span]:
    kind = _kind(said.get("kind", 0))
    status = inside(said, "status")
    code = _code(status.get("code", 0))
    start, end = whole(said, "startTimeUnixNano"), whole(said, "endTimeUnixNano")
    own = tuple(sorted(attributes(said), key=lambda pair: pair[0]))
    told: list[tuple[str, str]] = [*scope, *own]
    told += [("span.kind", kind)] if kind else []
    told += [("otel.status_code", code)] if code else []
    told += [("error", TagText("true", "bool"))] if code == "ERROR" else []
    message = text(status, "message")
    told += [("otel.status_description", message)] if message else []
    span = Span(
        span_id=_id(said, "spanId", 16),
        parent=_id(said, "parentSpanId", 16),
        service=service,
        operation=text(said, "name"),
        start=start // 1000,
        duration=max(0, (end - start) // 1000),
        kind=kind,
        error=code == "ERROR" or ("error", "true") in told,
        tags=tuple(told),
        process=process,
        logs=tuple(_log(one) for one in items(said, "events")),
        links=tuple(SpanLink(_id(one, "traceId", 32), _id(one, "spanId", 16)) for one in items(said, "links")),
    )
    return _id(said, "traceId", 32), span


def _log(said: Mapping[str, Any]) -> SpanLog:
    name = text(said, "name")
    fields = (*((("event", name),) if name else ()), *sorted(attributes(said), key=lambda pair: pair[0]))
    return SpanLog(whole(said, "timeUnixNano") // 1000, fields)


def _kind(said: Any) -> str:
    if isinstance(said, str):
        name = said.removeprefix("SPAN_KIND_").lower()
        return name if name in KINDS else ""
    return KINDS[said] if isinstance(said, int) and 0 <= said < len(KINDS) else ""


def _code(said: Any) -> str:
    if isinstance(said, str):
        return said.removeprefix("STATUS_CODE_").replace("UNSET", "")
    return {1: "OK", 2: "ERROR"}.get(said, "")


def _id(said: Mapping[str, Any], name: str, digits: int) -> str:
    found = text(said, name)
    if not found:
        return ""
    if not _HEX.fullmatch(found) or len(found) != digits:
        raise OtlpError(f"{name} {found[:40]!r}: {digits} hex digits were expected")
    return found.lower()
