"""Pinned evidence is readable without a backend, and nothing in it is markup or a control sequence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.incident.core_strategies import values
from tests.tui.local_wire import LocalWire
from warroom.incident.observed import MOST_DATA, fitted
from warroom.incident.state import EvidencePin
from warroom.review.evidence_text import evidence_text, pinned_words
from warroom.review.postmortem import render
from warroom.telemetry import alerts, graph, logs, shapes, traces

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NS = 1_795_253_400_412_000_000
ROOM = "INC-7K30"


def pin(kind: str, value: Any, **more: Any) -> EvidencePin:
    data = value if isinstance(value, str) else orjson.dumps(shapes.plain(value)).decode()
    return EvidencePin(1, 2, "seen", "ana", AT, kind=kind, data=data, **more)


def test_log_lines() -> None:
    labels = (("app", "checkout"), ("pod", "a-1"))
    page = logs.LogPage(
        (
            logs.LogLine(NS, "pool exhausted\n\tat Pool.get", labels, (("detected_level", "error"),)),
            logs.LogLine(NS + 10**9, "retrying"),
        )
    )
    assert evidence_text(pin("logs", page)) == [
        "09:30:00.412  error  checkout  pool exhausted",
        "                  at Pool.get",
        "09:30:01.412  retrying",
    ]


def test_a_trace_is_a_waterfall() -> None:
    def span(id_: str, parent: str, start: int, duration: int, **more: Any) -> traces.Span:
        return traces.Span(id_, parent, "svc", id_, start, duration, **more)

    trace = traces.Trace(
        "a" * 32,
        (
            span("root", "", 1000, 24_000),
            span("late", "root", 13_000, 12_000, error=True),
            span("early", "root", 1000, 6000),
            span("leaf", "late", 19_000, 500),
            span("lost", "gone", 25_000, 0, orphan=True),
        ),
    )
    assert evidence_text(pin("trace", trace)) == [
        "svc root         24 ms  |████████████████████████|",
        "  svc early       6 ms  |██████                  |",
        "  ! svc late     12 ms  |            ████████████|",
        "    svc leaf    500 µs  |                  █     |",
        "svc lost          0 µs  |                       █|",
    ]


def test_spans_in_a_circle_are_shown_once() -> None:
    spans = [
        {"span_id": a, "parent": b, "service": "s", "operation": a} for a, b in (("x", "y"), ("y", "x"), ("z", "z"))
    ]
    rows = evidence_text(pin("trace", {"spans": spans}))
    assert len(rows) == 3


def test_alerts_and_services_are_tables() -> None:
    alert = alerts.ActiveAlert(
        "f1",
        (("alertname", "HighErrorRate"), ("severity", "critical")),
        (("summary", "5 % fail"),),
        AT.timestamp(),
        0,
        "active",
    )
    assert evidence_text(pin("alerts", [alerts.AlertGroup((), "page", (alert,))])) == [
        "alert          severity  state   since             says",
        "HighErrorRate  critical  active  2026-11-21 09:30  5 % fail",
    ]
    seen = graph.ServiceGraph(
        (graph.ServiceNode("checkout", "red", 12.5, 0.05, 0.4, "5 % fail"), graph.ServiceNode("db")),
        (graph.ServiceEdge("checkout", "db", 1200),),
    )
    assert evidence_text(pin("services", seen)) == [
        "service   health   rate    errors  p95",
        "checkout  red      12.5/s  5%      0.4 s  5 % fail",
        "db        unknown  -       -       -",
        "checkout → db  1,200 calls",
    ]


def test_a_metric_is_a_chart_and_a_text_is_itself() -> None:
    metric = EvidencePin(1, 2, "p99", "ana", AT, unit="seconds", series=(("p99", (1.0, 2.0), (0.5, 2.0)),))
    rows = evidence_text(metric)
    assert rows[0] == "p99  last 2 s  peak 2 s"
    assert "█" in "".join(rows)
    assert evidence_text(pin("text", {"text": "one\ntwo"})) == ["one", "two"]
    assert evidence_text(pin("text", {"a": 1})) == ["{", '  "a": 1', "}"]
    assert evidence_text(pin("text", "")) == []


def test_what_is_too_much_is_counted() -> None:
    page = {"lines": [{"text": f"line {n} {'x' * 200}"} for n in range(1500)]}
    rows = evidence_text(pin("logs", page), width=80, most=10)
    assert len(rows) == 11
    assert rows[-1] == "… and 1,490 more"
    assert max(map(len, rows)) == 80


KINDS = ("metric", "logs", "trace", "alerts", "services", "text")
field_names = (
    "lines",
    "spans",
    "alerts",
    "groups",
    "nodes",
    "edges",
    "labels",
    "ns",
    "text",
    "start",
    "duration",
    "parent",
)
foreign = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(field_names), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(KINDS), foreign, st.integers(20, 200))
def test_no_data_breaks_it(kind: str, value: Any, width: int) -> None:
    for row in evidence_text(pin(kind, orjson.dumps(value).decode()), width=width):
        assert len(row) <= width
        assert "\n" not in row


def test_who_pinned_it() -> None:
    seen = pin("logs", [], source="loki", start=AT, end=AT)
    assert pinned_words(seen) == (
        "pinned by ana at 2026-11-21 09:30:00, 2026-11-21 09:30:00 to 2026-11-21 09:30:00, from loki"
    )


HOSTILE = (
    "```\n# Not a heading\n<script>alert(1)</script>",
    "~~~~\n````\n| a | b |",
    "{{ 7 * 7 }} {% raw %}",
    "\x1b]0;title\x07[click](javascript:alert(1))",
)


@pytest.mark.parametrize("kind", ["logs", "alerts", "text", "trace", "services"])
def test_nothing_that_was_logged_becomes_markup(kind: str) -> None:
    wire = LocalWire()
    wire.act("ana", {"type": "declare-incident", "title": "Down"})
    for text in HOSTILE:
        value: Any = {
            "logs": {"lines": [{"ns": NS, "text": text, "labels": [["app", text]]}]},
            "alerts": [{"alerts": [{"labels": [["alertname", text]], "annotations": [["summary", text]]}]}],
            "text": {"text": text},
            "trace": {"spans": [{"span_id": "a", "service": text, "operation": text}]},
            "services": {"nodes": [{"name": text, "words": text}], "edges": []},
        }[kind]
        evidence = {"title": "seen", "kind": kind, "data": orjson.dumps(value).decode()}
        wire.act("ana", {"type": "pin-evidence", "evidence": evidence}, ROOM)
    text = render(wire.states[ROOM], at=wire.clock)
    assert "\x1b" not in text
    assert "49" not in re.sub(r"[0-9a-f]{64}", "", text).replace("09:49", ""), (
        "what was logged is data, never a template"
    )
    rest, inside = outside_of_fences(text)
    assert "Not a heading" not in rest
    assert "<script>" not in rest
    assert "javascript" not in rest
    for word in ("Not a heading", "<script>", "javascript", "{{ 7 * 7 }}"):
        assert word in inside


def outside_of_fences(text: str) -> tuple[str, str]:
    """What stands outside fenced blocks, and within, as CommonMark reads backtick fences."""
    out: list[str] = []
    inside: list[str] = []
    fence = ""
    for line in text.splitlines():
        found = re.match(r" {0,3}(`{3,})([^`]*)$", line)
        if fence:
            if found and len(found[1]) >= len(fence) and not found[2].strip():
                fence = ""
            else:
                inside.append(line)
        elif found:
            fence = found[1]
        else:
            out.append(line)
    assert not fence, "a fence is left open"
    return "\n".join(out), "\n".join(inside)


def test_the_document_shows_a_part_and_says_how_to_see_all() -> None:
    wire = LocalWire()
    wire.act("ana", {"type": "declare-incident", "title": "Down"})
    lines = [{"ns": NS + n, "text": f"line {n}"} for n in range(100)]
    evidence = {"title": "seen", "kind": "logs", "data": orjson.dumps({"lines": lines}).decode()}
    wire.act("ana", {"type": "pin-evidence", "evidence": evidence}, ROOM)
    text = render(wire.states[ROOM], at=wire.clock)
    assert "line 39" in text
    assert "line 40" not in text
    assert "… and 60 more" in text
    assert f"`warroom evidence show {ROOM} 1`" in text


def test_as_much_of_an_answer_as_fits_is_kept() -> None:
    lines = [{"ns": NS - n, "text": f"{n} " + 'a "b" ' * 40, "labels": []} for n in range(2000)]
    kept = orjson.loads(text := fitted("logs", {"lines": lines, "full": False, "warnings": []}))
    assert len(text.encode()) <= MOST_DATA
    assert len(orjson.dumps(text)) <= 200 * 1024
    assert kept["full"] is True
    assert kept["lines"] == lines[: len(kept["lines"])], "the newest stay"
    assert len(kept["lines"]) > 300
    assert shapes.read(logs.LogPage, {**kept, "lines": [{**line, "metadata": []} for line in kept["lines"]]}).full

    span = {"span_id": "a", "parent": "", "service": "s", "operation": "o", "start": 1, "duration": 2}
    heavy = {**span, "tags": [["sql", "x" * 2000]]}
    whole = {"trace_id": "a" * 32, "spans": [heavy] * 20, "warnings": []}
    assert orjson.loads(fitted("trace", whole)) == whole
    bare = orjson.loads(fitted("trace", {**whole, "spans": [heavy] * 300}))
    assert bare["spans"] == [span] * 300
    assert len(bare["warnings"]) == 1
    cut = shapes.read(traces.Trace, orjson.loads(fitted("trace", {**whole, "spans": [heavy] * 5000})))
    assert 500 < len(cut.spans) < 5000
    assert "of 5,000 spans are left out" in cut.warnings[-1]
    assert fitted("text", {"text": "x" * MOST_DATA}) == ""
