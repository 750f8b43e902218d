"""What a real Jaeger had in it when its answers were recorded, as far as the answers tell, put into a store of ours."""

from __future__ import annotations

from typing import Any

from tests.contract.replay import exchanges
from warroom.embedded.otlp_traces import traces_of
from warroom.embedded.trace_store import TagText, TraceStore
from warroom.telemetry.traces import Pairs, Span, SpanLink, SpanLog, Trace

RECORDED = exchanges("jaeger-2.19.0")
PUSHED = "0af7651916cd43dd8448eb211c80319c"
"""The trace whose push was recorded too."""


def store() -> TraceStore:
    """Every trace that was recorded whole; the one whose push is known comes from the push."""
    made = TraceStore(seconds=10 * 86_400)
    pushed, _ = traces_of(RECORDED["otlp_http_traces_ok"]["request"]["json"])
    made.add(pushed)
    for name, exchange in RECORDED.items():
        body = exchange["body"]
        data = body.get("data") if isinstance(body, dict) else None
        for one in data if isinstance(data, list) else ():
            whole = isinstance(one, dict) and "spans" in one and "trimmed" not in name
            if whole and one["traceID"].zfill(32) != PUSHED:
                made.add([_trace(one)])
    return made


def _trace(said: dict[str, Any]) -> Trace:
    trace_id = said["traceID"].zfill(32)
    return Trace(trace_id, tuple(_span(one, said["processes"], trace_id) for one in said["spans"]))


def _span(said: dict[str, Any], processes: dict[str, Any], trace_id: str) -> Span:
    process = processes[said["processID"]]
    tags = _tags(said["tags"])
    inside = [one for one in said["references"] if one["refType"] == "CHILD_OF"]
    links = [one for one in said["references"] if one["refType"] == "FOLLOWS_FROM"]
    return Span(
        said["spanID"], inside[0]["spanID"] if inside else "", process["serviceName"], said["operationName"],
        said["startTime"], said["duration"], dict(tags).get("span.kind", ""),
        ("error", "true") in tags or ("otel.status_code", "ERROR") in tags,
        tags=tags, process=_tags(process["tags"]),
        logs=tuple(SpanLog(one["timestamp"], _tags(one["fields"])) for one in said["logs"]),
        links=tuple(SpanLink(one["traceID"].zfill(32), one["spanID"]) for one in links),
    )  # fmt: skip


def _tags(said: list[dict[str, Any]]) -> Pairs:
    return tuple((one["key"], _text(one)) for one in said)


def _text(said: dict[str, Any]) -> str:
    value = said["value"]
    if said["type"] == "string":
        return str(value)
    return TagText(str(value).lower() if isinstance(value, bool) else str(value), said["type"])
