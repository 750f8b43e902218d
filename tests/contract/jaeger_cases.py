"""What a client of Jaeger must understand: for each recorded exchange how it is asked for, and what it says.

What it says is read here straight from the recorded body, so that it does not depend on the client.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warroom.telemetry.jaeger import Jaeger
from warroom.telemetry.traces import TraceSearch

Body = Any
Asked = dict[str, Any]


@dataclass(frozen=True)
class Case:
    names: tuple[str, ...]
    ask: Callable[[Jaeger, Asked], Awaitable[Any]]
    says: Callable[[Body, Asked], Any]


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def tags(said: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["key"], text(one["value"])) for one in said)


async def ask_trace(jaeger: Jaeger, asked: Asked) -> Any:
    trace = await jaeger.trace(asked["path"].split("/")[-1])
    return trace.trace_id, trace.warnings, [vars_of(span) for span in trace.spans]


def vars_of(span: Any) -> dict[str, Any]:
    return {name: getattr(span, name) for name in span.__slots__}


def says_trace(body: Body, asked: Asked) -> Any:
    (trace,) = body["data"]
    spans = sorted((says_span(one, trace) for one in trace["spans"]), key=lambda one: (one["start"], -one["duration"]))
    return trace["traceID"].zfill(32), tuple(trace["warnings"] or ()), spans


def says_span(said: dict[str, Any], trace: dict[str, Any]) -> dict[str, Any]:
    mine = [one for one in said["references"] if one["traceID"] == said["traceID"]]
    others = [one for one in said["references"] if one["traceID"] != said["traceID"]]
    known = {one["spanID"] for one in trace["spans"]}
    parent = mine[0]["spanID"] if mine else ""
    process = trace["processes"][said["processID"]]
    names = tags(said["tags"])
    return {
        "span_id": said["spanID"],
        "parent": parent if parent in known else "",
        "service": process["serviceName"],
        "operation": said["operationName"],
        "start": said["startTime"],
        "duration": said["duration"],
        "kind": dict(names).get("span.kind", ""),
        "error": ("error", "true") in names or ("otel.status_code", "ERROR") in names,
        "orphan": bool(parent) and parent not in known,
        "tags": names,
        "process": tags(process["tags"]),
        "logs": tuple((one["timestamp"], tags(one["fields"])) for one in said["logs"]),
        "links": tuple((one["traceID"].zfill(32), one["spanID"]) for one in others),
        "warnings": tuple(said["warnings"] or ()),
    }


def search_of(asked: Asked) -> TraceSearch:
    wanted = json.loads(asked.get("tags", "{}"))
    return TraceSearch(
        service=asked["service"],
        start=asked["start"] / 1_000_000,
        end=asked["end"] / 1_000_000,
        operation=asked.get("operation", ""),
        tags=tuple(wanted.items()),
        limit=asked.get("limit", 100),
        shortest=0.3 if "minDuration" in asked else 0.0,
        longest=0.45 if "maxDuration" in asked else 0.0,
    )


async def ask_search(jaeger: Jaeger, asked: Asked) -> Any:
    found = await jaeger.search(search_of(asked))
    return [
        (one.trace_id, one.service, one.operation, one.start, one.duration, one.spans, one.errors, one.services)
        for one in found
    ]


def says_search(body: Body, asked: Asked) -> Any:
    return sorted((says_summary(one) for one in body["data"]), key=lambda row: (-row[3], row[0]))


def says_summary(trace: dict[str, Any]) -> Any:
    spans = [says_span(one, trace) for one in trace["spans"]]
    root = next((one for one in spans if not one["parent"] and not one["orphan"]), min(spans, key=lambda s: s["start"]))
    begin = min(one["start"] for one in spans)
    counts = Counter(one["service"] for one in spans)
    return (
        trace["traceID"].zfill(32), root["service"], root["operation"], begin,
        max(one["start"] + one["duration"] for one in spans) - begin, len(spans),
        sum(one["error"] for one in spans), tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
    )  # fmt: skip


async def ask_metrics(jaeger: Jaeger, asked: Asked) -> Any:
    end = asked["endTs"] / 1000
    names = asked["service"] if isinstance(asked["service"], list) else [asked["service"]]
    how = {"kind": asked["spanKind"], "by_operation": asked.get("groupByOperation") == "true"}
    call = getattr(jaeger, asked["path"].split("/")[-1])
    if "quantile" in asked:
        how["quantile"] = asked["quantile"]
    matrix = await call(names, end - asked["lookback"] / 1000, end, asked["step"] / 1000, **how)
    return [(line.labels, line.times, line.values) for line in matrix.lines]


def says_metrics(body: Body, asked: Asked) -> Any:
    return [
        (
            tuple(sorted((one["name"], one["value"]) for one in metric["labels"])),
            tuple(datetime.fromisoformat(one["timestamp"]).timestamp() for one in metric["metricPoints"]),
            tuple(float(one["gaugeValue"]["doubleValue"]) for one in metric["metricPoints"]),
        )
        for metric in body["metrics"]
    ]


async def ask_operations(jaeger: Jaeger, asked: Asked) -> Any:
    return [(one.name, one.kind) for one in await jaeger.operations(asked["service"], asked.get("spanKind", ""))]


async def ask_edges(jaeger: Jaeger, asked: Asked) -> Any:
    found = await jaeger.dependencies(asked["endTs"] / 1000, asked["lookback"] / 1000)
    return [(one.parent, one.child, one.calls) for one in found]


CASES = (
    Case(
        (
            "trace", "trace_uppercase_id", "trace_short_id_zero_padded", "trace_async_link_follows_from",
            "trace_orphan_parent", "trace_clock_skew", "trace_duplicate_span_sent_twice", "trace_300_spans_trimmed",
        ),
        ask_trace,
        says_trace,
    ),
    Case(
        (
            "search_service_limit2", "search_operation", "search_tags_json", "search_default_limit_100",
            "search_no_match", "search_min_max_duration",
        ),
        ask_search,
        says_search,
    ),
    Case(
        (
            "metrics_calls", "metrics_errors", "metrics_calls_by_operation", "metrics_calls_multi_service",
            "metrics_latencies_p95", "metrics_unknown_service",
        ),
        ask_metrics,
        says_metrics,
    ),
    Case(
        ("services", "services_empty"),
        lambda jaeger, asked: jaeger.services(),
        lambda body, asked: tuple(sorted(body["data"])),
    ),
    Case(
        ("operations", "operations_span_kind", "operations_unknown_service"),
        ask_operations,
        lambda body, asked: sorted((one["name"], one["spanKind"]) for one in body["data"]),
    ),
    Case(
        ("dependencies", "dependencies_empty"),
        ask_edges,
        lambda body, asked: sorted((one["parent"], one["child"], one["callCount"]) for one in body["data"]),
    ),
)  # fmt: skip

BY_NAME = {name: case for case in CASES for name in case.names}

IGNORED = frozenset({"total", "limit", "offset", "help", "type", "spanCount_in_full", "data_len_in_full"})
"""What the client does not read; the type of a tag is that of its JSON value."""
