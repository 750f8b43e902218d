"""What Jaeger says, as this package's own shapes: pure, no network.

Follows the JSON of Jaeger's own user interface (https://www.jaegertracing.io/docs/latest/apis/#internal-http-json) as
Jaeger 2.19 answers it. Whatever does not fit raises KeyError, TypeError, ValueError or IndexError.

Invariant: trace ids have 32 digits and span ids 16, in lower case, however short the server writes them; times and
durations stay whole microseconds.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from warroom.telemetry.graph import ServiceEdge
from warroom.telemetry.prometheus_data import Line, Matrix
from warroom.telemetry.traces import Operation, Pairs, Span, SpanLink, SpanLog, Trace, TraceSummary

_HEX = re.compile(r"[0-9a-f]{1,32}")
_TRUE = ("true", "True", "1")


def trace_id_of(said: str) -> str:
    """A trace id with 32 digits, from one in upper case, without its leading zeros, or in base64 (as OTLP's JSON of
    other servers has it).

    Raises:
        ValueError: it is none, or the one of zeros, which stands for no trace at all.
    """
    text = said.strip().lower()
    if not _HEX.fullmatch(text):
        try:
            text = base64.b64decode(said.strip(), validate=True).hex()
        except (binascii.Error, ValueError):
            text = ""
    if not _HEX.fullmatch(text):
        raise ValueError(f"trace id {said.strip()[:40]!r}: it must have 1 to 32 hex digits")
    if not text.strip("0"):
        raise ValueError("trace id: zeros alone name no trace")
    return text.zfill(32)


def traces_of(data: Iterable[Mapping[str, Any]] | None) -> tuple[Trace, ...]:
    """All traces of an answer, in its order."""
    return tuple(trace_of(one) for one in data or ())


def trace_of(said: Mapping[str, Any]) -> Trace:
    """One trace, its spans by start."""
    trace_id = _trace_id(said["traceID"])
    processes = {
        name: (_text(one["serviceName"]), _tags(one.get("tags"))) for name, one in (said.get("processes") or {}).items()
    }
    known = {_span_id(span["spanID"]) for span in said["spans"]}
    spans = [_span(span, trace_id, processes, known) for span in said["spans"]]
    spans.sort(key=lambda span: (span.start, -span.duration, span.span_id))
    return Trace(trace_id, tuple(spans), _texts(said.get("warnings")))


def summary_of(trace: Trace) -> TraceSummary:
    """One line of a search. Named after the root, or after the first span where the root is missing."""
    services = Counter(span.service for span in trace.spans)
    first = min(trace.spans, key=lambda span: (bool(span.parent) or span.orphan, span.start), default=None)
    return TraceSummary(
        trace.trace_id,
        first.service if first else "",
        first.operation if first else "",
        trace.start,
        trace.duration,
        len(trace.spans),
        sum(span.error for span in trace.spans),
        tuple(sorted(services.items(), key=lambda one: (-one[1], one[0]))),
    )


def operations_of(data: Iterable[Mapping[str, Any]] | None) -> tuple[Operation, ...]:
    """What a service does, by name."""
    found = {Operation(_text(one["name"]), _text(one.get("spanKind") or "")) for one in data or ()}
    return tuple(sorted(found, key=lambda one: (one.name, one.kind)))


def edges_of(data: Iterable[Mapping[str, Any]] | None) -> tuple[ServiceEdge, ...]:
    """Who calls whom, by names."""
    edges = [ServiceEdge(_text(one["parent"]), _text(one["child"]), _whole(one["callCount"])) for one in data or ()]
    return tuple(sorted(edges, key=lambda edge: (edge.parent, edge.child)))


def matrix_of(said: Mapping[str, Any]) -> Matrix:
    """Service performance: one line for each service, or for each of its operations."""
    if said["type"] != "GAUGE":
        raise ValueError("a gauge was expected")
    lines = []
    for metric in said.get("metrics") or ():
        labels = tuple(sorted((_text(one["name"]), _text(one["value"])) for one in metric["labels"]))
        points = metric.get("metricPoints") or ()
        times = tuple(datetime.fromisoformat(_text(point["timestamp"])).timestamp() for point in points)
        # JSON of protobuf leaves out a zero, and writes NaN as a text.
        values = tuple(float(point["gaugeValue"].get("doubleValue", 0.0)) for point in points)
        if times:
            lines.append(Line(labels, times, values))
    return Matrix(tuple(lines))


def names_of(data: Any) -> tuple[str, ...]:
    """Names, sorted, each once."""
    return tuple(sorted(set(_texts(data))))


def complaints_of(said: Mapping[str, Any]) -> tuple[str, ...]:
    """The server's own words about what it could not do, with the trace they are about."""
    words = []
    for one in said.get("errors") or ():
        about = f" ({one['traceID']})" if one.get("traceID") else ""
        words.append(f"{_text(one['msg'])}{about}")
    return tuple(words)


def _span(said: Mapping[str, Any], trace_id: str, processes: Mapping[str, tuple[str, Pairs]], known: set[str]) -> Span:
    span_id = _span_id(said["spanID"])
    if _trace_id(said["traceID"]) != trace_id:
        raise ValueError("a span of another trace")
    tags = _tags(said.get("tags"))
    parent, links = _parent_and_links(said.get("references") or (), trace_id)
    missing = bool(parent) and (parent not in known)
    service, process = processes[said["processID"]]
    return Span(
        span_id=span_id,
        parent="" if missing else parent,
        service=service,
        operation=_text(said["operationName"]),
        start=_whole(said["startTime"]),
        duration=_whole(said["duration"]),
        kind=next((value for key, value in tags if key == "span.kind"), ""),
        error=_failed(tags),
        orphan=missing,
        tags=tags,
        process=process,
        logs=tuple(SpanLog(_whole(one["timestamp"]), _tags(one["fields"])) for one in said.get("logs") or ()),
        links=links,
        warnings=_texts(said.get("warnings")),
    )


def _parent_and_links(references: Iterable[Mapping[str, Any]], trace_id: str) -> tuple[str, tuple[SpanLink, ...]]:
    """The parent is what the span is a child of in its own trace, else what it follows there; the rest is links."""
    inside: list[tuple[bool, SpanLink]] = []
    links: list[SpanLink] = []
    for one in references:
        kind = _text(one["refType"])
        if kind not in ("CHILD_OF", "FOLLOWS_FROM"):
            raise ValueError(f"a reference of the kind {kind}")
        link = SpanLink(_trace_id(one["traceID"]), _span_id(one["spanID"]))
        if link.trace_id == trace_id:
            inside.append((kind != "CHILD_OF", link))
        else:
            links.append(link)
    inside.sort(key=lambda one: one[0])
    parent = inside[0][1].span_id if inside else ""
    return parent, tuple([link for _, link in inside[1:]] + links)


def _failed(tags: Pairs) -> bool:
    """A tag may occur twice: one that says so is enough."""
    return any(
        (key == "error" and value in _TRUE) or (key == "otel.status_code" and value.upper() == "ERROR")
        for key, value in tags
    )


def _tags(said: Iterable[Mapping[str, Any]] | None) -> Pairs:
    return tuple((_text(one["key"]), _value(one["value"])) for one in said or ())


def _value(said: Any) -> str:
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, str | int | float):
        return str(said)
    raise TypeError("a tag has a text, a number or a truth")


def _trace_id(said: Any) -> str:
    return _hex(said, 32)


def _span_id(said: Any) -> str:
    return _hex(said, 16)


def _hex(said: Any, digits: int) -> str:
    text = _text(said).lower()
    if not _HEX.fullmatch(text) or len(text) > digits:
        raise ValueError(f"an id of at most {digits} hex digits was expected")
    return text.zfill(digits)


def _texts(said: Any) -> tuple[str, ...]:
    if said is None:
        return ()
    if not isinstance(said, list):
        raise TypeError("a list of texts was expected")
    return tuple(_text(one) for one in said)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError("a text was expected")
    return said


def _whole(said: Any) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise TypeError("a whole number was expected")
    return said
