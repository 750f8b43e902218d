"""Rewrite docs/example-postmortem.md: the post-mortem of the story the tests tell, resolved."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.tui.story import tell  # noqa: E402 - after the path is set
from warroom.review.postmortem import render  # noqa: E402

PAGE = HERE / "example-postmortem.md"
ROOM = "INC-7K30"


def example() -> str:
    """The document, the same every time."""
    wire = tell()
    panel = wire.fulls["p99 latency"]
    evidence = {
        "title": "p99 latency of checkout",
        "unit": "s",
        "query": "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
        "series": [
            {"label": one.legend, "times": list(one.times), "values": [round(v or 0.0, 3) for v in one.values]}
            for one in panel.series
        ],
    }
    for payload in (
        {"type": "pin-evidence", "evidence": evidence},
        {"type": "pin-evidence", "evidence": log_lines(wire.clock)},
        {"type": "pin-evidence", "evidence": slow_trace(wire.clock)},
        {"type": "finish-task", "task": 1, "result": "30 of 30 pods on v2.13.8"},
        {"type": "confirm-hypothesis", "hypothesis": 1, "evidence": "p99 is back to normal on v2.13.8", "pins": [1]},
        {"type": "change-status", "status": "monitoring"},
        {
            "type": "describe-impact",
            "text": "One in ten checkouts in eu-west-1 failed or took longer than five seconds.",
        },
        {
            "type": "change-summary",
            "summary": "A deploy leaked database connections on its retry path until the pool was full.",
        },
        {"type": "change-status", "status": "resolved", "reason": "p99 below 0.8 s for ten minutes"},
    ):
        wire.act("ana", payload, ROOM)
    return render(wire.states[ROOM], at=wire.clock)


def log_lines(now: datetime) -> dict[str, Any]:
    """What checkout wrote when its pool was full."""
    query = '{app="checkout-api"} |= "pool"'
    said = (
        (0.0, "warn", "pool 96 of 100 in use, 212 waiting"),
        (0.412, "error", "acquire timed out after 5 s: pool exhausted (100/100)\n\tat Retry.charge(Retry.java:88)"),
        (0.977, "error", "acquire timed out after 5 s: pool exhausted (100/100)"),
    )
    began = now - timedelta(minutes=20)
    lines = [
        {
            "ns": round((began.timestamp() + after) * 1e9),
            "text": text,
            "labels": [["app", "checkout-api"]],
            "metadata": [["detected_level", level]],
        }
        for after, level, text in said
    ]
    data = json.dumps({"lines": lines, "full": False, "warnings": []})
    return {"title": query, "query": query, "source": "loki", "kind": "logs", "data": data}


def slow_trace(now: datetime) -> dict[str, Any]:
    """One payment that waited for a connection."""
    began = round((now - timedelta(minutes=19)).timestamp() * 1e6)
    spans = [
        span("a1", "", "storefront", "POST /pay", began, 5_214_000),
        span("b2", "a1", "checkout-api", "charge", began + 9_000, 5_198_000, error=True),
        span("c3", "b2", "checkout-api", "pool.acquire", began + 11_000, 5_000_000, error=True),
        span("d4", "b2", "payments", "authorise", began + 5_013_000, 186_000),
    ]
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    data = json.dumps({"trace_id": trace, "spans": spans, "warnings": []})
    return {"title": "POST /pay, 5.21 s", "query": trace, "source": "jaeger", "kind": "trace", "data": data}


def span(
    name: str, parent: str, service: str, operation: str, start: int, duration: int, *, error: bool = False
) -> dict[str, Any]:
    """A span as a trace has it; times in microseconds."""
    told = {"span_id": name, "parent": parent, "service": service, "operation": operation, "error": error}
    return {**told, "start": start, "duration": duration}


if __name__ == "__main__":
    PAGE.write_text(example(), encoding="utf-8")
    print(PAGE)
