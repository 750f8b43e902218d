"""Traces in the words of Jaeger: the JSON of its user interface, and OTLP as its API v3 gives it. Pure.

Shapes: as Jaeger 2.19 answers them. Times of API v3 have whole microseconds: more is not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from warroom.embedded.otlp_traces import KINDS
from warroom.telemetry.traces import Pairs, Span, Trace

_ORPHAN = "parent span ID={} is not in the trace; skipping clock skew adjustment"
_SKEWED = "clock skew adjustment disabled; not applying calculated delta of {}"


def trace_json(trace: Trace, *, raw: bool = False) -> dict[str, Any]:
    """A trace as it was stored. Its spans are in order of start; `raw` leaves out what is remarked on them."""
    spans = sorted(trace.spans, key=lambda span: (span.start, -span.duration, span.span_id))
    remarks = {} if raw else _remarks(spans)
    processes: dict[tuple[str, Pairs], str] = {}
    told = []
    for span in spans:
        process = processes.setdefault((span.service, span.process), f"p{len(processes) + 1}")
        told.append(_span(trace.trace_id, span, process, [*span.warnings, *remarks.get(span.span_id, ())]))
    return {
        "traceID": trace.trace_id,
        "spans": told,
        "processes": {
            name: {"serviceName": service, "tags": _tags(tags)} for (service, tags), name in processes.items()
        },
        "warnings": list(trace.warnings) or None,
    }


def _span(trace_id: str, span: Span, process: str, warnings: Sequence[str]) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": span.parent}] if span.parent else []
    references += [{"refType": "FOLLOWS_FROM", "traceID": link.trace_id, "spanID": link.span_id} for link in span.links]
    return {
        "traceID": trace_id,
        "spanID": span.span_id,
        "operationName": span.operation,
        "references": references,
        "startTime": span.start,
        "duration": span.duration,
        "tags": _tags(_all_tags(span)),
        "logs": [{"timestamp": log.at, "fields": _tags(log.fields)} for log in span.logs],
        "processID": process,
        "warnings": list(warnings) or None,
    }


def _all_tags(span: Span) -> Pairs:
    """Its tags, and what it is beyond them: a span from elsewhere than OTLP may say kind and error only so."""
    names = {name for name, _ in span.tags}
    kind = (("span.kind", span.kind),) if span.kind and "span.kind" not in names else ()
    error = (("error", "true"),) if span.error and not names & {"error", "otel.status_code"} else ()
    return (*span.tags, *kind, *error)


def _tags(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [_tag(name, value) for name, value in pairs]


def _tag(name: str, value: str) -> dict[str, Any]:
    kind = getattr(value, "kind", "bool" if name == "error" and value in ("true", "false") else "string")
    said: Any = str(value)
    if kind == "bool":
        said = value == "true"
    elif kind == "int64":
        said = int(value)
    elif kind == "float64":
        said = float(value)
    return {"key": name, "type": kind, "value": said}


def _remarks(spans: Sequence[Span]) -> dict[str, tuple[str, ...]]:
    """What Jaeger remarks on spans whose parent is missing, and on those of another host that begin before their parent
    or end after it (its clock skew adjuster, which is off by default and then only tells).
    """
    known = {span.span_id: span for span in spans}
    found: dict[str, tuple[str, ...]] = {}
    for span in spans:
        if not span.parent:
            continue
        parent = known.get(span.parent)
        if parent is None:
            found[span.span_id] = (_ORPHAN.format(span.parent),)
            continue
        skew = _skew(span, parent)
        if skew:
            found[span.span_id] = (_SKEWED.format(go_duration(skew)),)
    return found


def _skew(span: Span, parent: Span) -> int:
    """Microseconds by which a span of another host would be moved so that it lies within its parent."""
    here, there = _host(span), _host(parent)
    if not here or not there or here == there:
        return 0
    if span.duration > parent.duration:
        return parent.start - span.start if span.start < parent.start else 0
    if span.start >= parent.start and span.end <= parent.end:
        return 0
    return parent.start + (parent.duration - span.duration) // 2 - span.start


def _host(span: Span) -> str:
    return next((value for name, value in span.process if name == "ip"), "")


def go_duration(microseconds: int) -> str:
    """A duration as Go writes it: 515ms, 1.5s, 2m0s."""
    sign, left = ("-" if microseconds < 0 else ""), abs(microseconds)
    if not left:
        return "0s"
    for unit, size in (("µs", 1), ("ms", 1000)):
        if left < size * 1000:
            return f"{sign}{left / size:.3f}".rstrip("0").rstrip(".") + unit
    hours, minutes, seconds = left // 3_600_000_000, left // 60_000_000 % 60, left % 60_000_000 / 1_000_000
    said = f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    if hours or minutes:
        said = f"{minutes}m{said}"
    return sign + (f"{hours}h{said}" if hours else said)


def resource_spans(traces: Iterable[Trace]) -> list[dict[str, Any]]:
    """Traces as OTLP, as API v3 gives them: one resource for each process of each trace."""
    found = []
    for trace in traces:
        by_process: dict[tuple[str, Pairs], dict[Pairs, list[Span]]] = {}
        for span in sorted(trace.spans, key=lambda span: (span.start, -span.duration, span.span_id)):
            scopes = by_process.setdefault((span.service, span.process), {})
            scopes.setdefault(_scope_of(span), []).append(span)
        for (service, process), scopes in by_process.items():
            told = sorted((*process, ("service.name", service)))
            scoped = [
                {"scope": {name.removeprefix("otel.scope."): value for name, value in scope},
                 "spans": [_otlp_span(trace.trace_id, span) for span in spans]}
                for scope, spans in scopes.items()
            ]  # fmt: skip
            found.append({"resource": {"attributes": _attributes(told)}, "scopeSpans": scoped})
    return found


def _scope_of(span: Span) -> Pairs:
    return tuple(pair for pair in span.tags if pair[0] in ("otel.scope.name", "otel.scope.version"))


def _otlp_span(trace_id: str, span: Span) -> dict[str, Any]:
    own = [pair for pair in _all_tags(span) if not pair[0].startswith("otel.") and pair[0] != "span.kind"]
    code = next((value for name, value in span.tags if name == "otel.status_code"), "")
    if code == "ERROR" and own.count(("error", "true")):
        # The status says it; the tag beside it was made of the status.
        own.remove(("error", "true"))
    message = span.tag("otel.status_description")
    failed = code == "ERROR" or (span.error and not code)
    said: dict[str, Any] = {"traceId": trace_id, "spanId": span.span_id}
    said |= {"parentSpanId": span.parent} if span.parent else {}
    said |= {
        "name": span.operation,
        "kind": KINDS.index(span.kind) if span.kind in KINDS else 0,
        "startTimeUnixNano": str(span.start * 1000),
        "endTimeUnixNano": str(span.end * 1000),
    }
    said |= {"attributes": _attributes(own)} if own else {}
    events = [_event(log.at, log.fields) for log in span.logs]
    said |= {"events": events} if events else {}
    links = [{"traceId": link.trace_id, "spanId": link.span_id} for link in span.links]
    said |= {"links": links} if links else {}
    status = ({"message": message} if message else {}) | (
        {"code": 2} if failed else {"code": 1} if code == "OK" else {}
    )
    return said | {"status": status}


def _event(at: int, fields: Pairs) -> dict[str, Any]:
    name = next((value for key, value in fields if key == "event"), "")
    rest = [pair for pair in fields if pair[0] != "event"]
    said: dict[str, Any] = {"timeUnixNano": str(at * 1000)}
    said |= {"name": name} if name else {}
    return said | ({"attributes": _attributes(rest)} if rest else {})


def _attributes(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    values = {"string": "stringValue", "bool": "boolValue", "int64": "intValue", "float64": "doubleValue"}
    found = []
    for tag in (_tag(name, value) for name, value in pairs):
        value = str(tag["value"]) if tag["type"] == "int64" else tag["value"]
        found.append({"key": tag["key"], "value": {values.get(tag["type"], "stringValue"): value}})
    return found


def summary_json(trace: Trace, summary: Any) -> Mapping[str, Any]:
    """A line of `/api/v3/trace-summaries`; `summary` is the trace's `TraceSummary`."""
    return {
        "traceId": trace.trace_id,
        "rootServiceName": summary.service,
        "rootOperationName": summary.operation,
        "minStartTimeUnixNano": str(trace.start * 1000),
        "maxEndTimeUnixNano": str((trace.start + trace.duration) * 1000),
        "spanCount": summary.spans,
        "services": [{"name": name, "spanCount": count} for name, count in sorted(summary.services)],
    }
