"""Pinned evidence as plain text, for terminals and documents: charts, log lines, waterfalls, tables.

Invariant: pure, reads nothing but the pin, and never fails on what its data holds: what is not as expected is left
out. Every row is one line and none is longer than asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import orjson

from warroom.incident.observed import alerts_in, items, labels_of, moment, read_data
from warroom.incident.state import EvidencePin
from warroom.incident.text import clean_line
from warroom.review.text_chart import number, text_chart

_BAR = 24
"""Cells of a waterfall's bar."""
_DEEPEST = 12
_UNITS = {"ratio": "%", "seconds": "s", "per_second": "/s", "none": "", "count": "", "bool": ""}
_LEVELS = ("detected_level", "level", "severity", "severity_text", "lvl")
_SERVICES = ("service_name", "service", "app", "job", "container")


def evidence_text(pin: EvidencePin, zone: tzinfo = UTC, *, width: int = 120, most: int = 1000) -> list[str]:
    """What was seen, in rows of at most `width` characters; empty when nothing was kept.

    `most` bounds log lines, spans, alerts and services; a last row says how many are left out.
    """
    drawn = _DRAWN.get(pin.kind, _text)(pin, zone, width)
    rows = [row if len(row) <= width else row[: max(1, width - 1)] + "…" for row in drawn]
    if pin.kind == "metric" or len(rows) <= most:
        return rows
    return [*rows[:most], f"… and {len(rows) - most:,} more"]


def chart_text(pin: EvidencePin) -> str:
    """All series of a metric as text charts, one below the other."""
    blocks = []
    share = pin.unit == "ratio"
    unit = _UNITS.get(pin.unit, pin.unit)
    for label, _times, kept in pin.series:
        values = [value * 100 if share and value is not None else value for value in kept]
        rows = text_chart(values)
        finite = [value for value in values if value is not None]
        if not rows:
            blocks.append(f"{label}: no value in this range")
            continue
        last, peak = number(finite[-1]), number(max(finite))
        blocks.append(
            "\n".join([f"{label or pin.title}  last {last} {unit}".rstrip() + f"  peak {peak} {unit}".rstrip(), *rows])
        )
    return "\n\n".join(blocks)


def _metric(pin: EvidencePin, _: tzinfo, __: int) -> list[str]:
    return chart_text(pin).splitlines()


def _logs(pin: EvidencePin, zone: tzinfo, _: int) -> list[str]:
    return [row for line in _objects(read_data(pin.data), "lines") for row in _log_rows(line, zone)]


def _log_rows(line: dict[str, Any], zone: tzinfo) -> Iterator[str]:
    """Its time, level and service, then its text; what follows a line break stands below, without them."""
    ns = line.get("ns")
    when = moment(ns / 1e9 if isinstance(ns, int | float) else None).astimezone(zone)
    fields = {**labels_of(line.get("labels")), **labels_of(line.get("metadata"))}
    head = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    level, service = _flat(_first(fields, _LEVELS)), _flat(_first(fields, _SERVICES))
    head += f"  {level:<5}" if level else ""
    head += f"  {service}" if service else ""
    first, *rest = str(line.get("text", "")).expandtabs(4).splitlines() or [""]
    yield f"{head}  {first}".rstrip()
    for more in rest:
        yield f"{'':12}  {more}".rstrip()


def _trace(pin: EvidencePin, _: tzinfo, width: int) -> list[str]:
    """A waterfall: who called whom by indentation, when and how long by the bar."""
    spans = sorted(_objects(read_data(pin.data), "spans"), key=lambda span: _whole(span, "start"))
    if not spans:
        return []
    began = _whole(spans[0], "start")
    whole = max((_whole(one, "start") + _whole(one, "duration") for one in spans), default=began) - began
    names = [(_span_name(span, depth), span) for span, depth in _walked(spans)]
    room = max(10, min(max(len(name) for name, _ in names), width - _BAR - 16))
    rows = []
    for name, span in names:
        shown = name if len(name) <= room else name[: room - 1] + "…"
        bar = _bar(_whole(span, "start") - began, _whole(span, "duration"), whole)
        rows.append(f"{shown:<{room}}  {_lasting(_whole(span, 'duration')):>8}  |{bar}|".rstrip())
    return rows


def _walked(spans: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each span once with its depth, parents before children; one whose parent is missing, or its own, is a root."""
    ids = {str(span.get("span_id")) for span in spans}
    children: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        parent = str(span.get("parent") or "")
        children.setdefault(parent if parent in ids else "", []).append(span)
    seen: set[int] = set()
    # What hangs in a circle has no root: it comes last, from wherever it is entered.
    waiting = [(span, 0) for span in reversed([*children.get("", ()), *spans])]
    while waiting:
        span, depth = waiting.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        yield span, depth
        below = children.get(str(span.get("span_id")), ())
        waiting += [(one, depth + 1) for one in reversed(below)]


def _span_name(span: dict[str, Any], depth: int) -> str:
    failed = "! " if span.get("error") is True else ""
    return f"{'  ' * min(depth, _DEEPEST)}{failed}{_said(span, 'service')} {_said(span, 'operation')}"


def _bar(start: int, duration: int, whole: int) -> str:
    whole = max(1, whole)
    left = min(_BAR - 1, max(0, start) * _BAR // whole)
    size = max(1, min(_BAR - left, round(max(0, duration) * _BAR / whole)))
    return f"{' ' * left}{'█' * size}".ljust(_BAR)


def _lasting(micros: int) -> str:
    if micros >= 1_000_000:
        return f"{micros / 1_000_000:.3g} s"
    return f"{micros / 1000:.3g} ms" if micros >= 1000 else f"{micros} µs"


def _alerts(pin: EvidencePin, zone: tzinfo, _: int) -> list[str]:
    rows = []
    for alert in alerts_in(read_data(pin.data)):
        labels, annotations = labels_of(alert.get("labels")), labels_of(alert.get("annotations"))
        since = moment(alert.get("starts_at")).astimezone(zone)
        rows.append(
            (
                _flat(labels.get("alertname") or labels.get("name") or "alert"),
                _flat(labels.get("severity", "")),
                _said(alert, "state"),
                f"{since:%Y-%m-%d %H:%M}",
                _flat(annotations.get("summary") or annotations.get("description") or ""),
            )
        )
    return _table(("alert", "severity", "state", "since", "says"), rows)


def _services(pin: EvidencePin, _: tzinfo, __: int) -> list[str]:
    body = read_data(pin.data)
    nodes = [
        (
            _said(node, "name"),
            _said(node, "health"),
            _figure(node.get("rate"), "/s"),
            _figure(node.get("error_ratio"), "%", 100),
            _figure(node.get("p95_seconds"), " s"),
            _said(node, "words"),
        )
        for node in _objects(body, "nodes")
    ]
    rows = _table(("service", "health", "rate", "errors", "p95", ""), nodes)
    edges = items(body.get("edges"), "") if isinstance(body, dict) else []
    calls = [edge for edge in edges if isinstance(edge, dict)]
    return rows + [f"{_said(one, 'parent')} → {_said(one, 'child')}  {_whole(one, 'calls'):,} calls" for one in calls]


def _text(pin: EvidencePin, _: tzinfo, __: int) -> list[str]:
    body = read_data(pin.data)
    if body is None:
        return []
    if isinstance(body, dict) and isinstance(body.get("text"), str):
        return str(body["text"]).expandtabs(4).splitlines()
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode().splitlines()


_DRAWN: dict[str, Callable[[EvidencePin, tzinfo, int], list[str]]] = {
    "metric": _metric,
    "logs": _logs,
    "trace": _trace,
    "alerts": _alerts,
    "services": _services,
}


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    return [one for one in items(value, name) if isinstance(one, dict)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, but for the last."""
    if not rows:
        return []
    widths = [min(40, max(len(row[at]) for row in [heads, *rows])) for at in range(len(heads) - 1)]
    return [
        "  ".join([*(cell[:size].ljust(size) for cell, size in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in [heads, *rows]
    ]


def _first(fields: dict[str, str], names: Sequence[str]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _said(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return _flat(value) if isinstance(value, str) else ""


def _flat(text: str) -> str:
    return clean_line(text)


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 else 0


def _figure(value: Any, unit: str, times: float = 1) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "-"
    return f"{number(value * times)}{unit}"


def pinned_words(pin: EvidencePin, zone: tzinfo = UTC) -> str:
    """Who pinned it, when, from where, and the range it shows, in one line."""
    words = f"pinned by {pin.who} at {_clock(pin.at, zone)}"
    if pin.start is not None and pin.end is not None:
        words += f", {_clock(pin.start, zone)} to {_clock(pin.end, zone)}"
    return f"{words}, from {pin.source}" if pin.source else words


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
