"""Rewrite docs/example-postmortem.md: the post-mortem of the story the tests tell, resolved."""

from __future__ import annotations

import sys
from pathlib import Path

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


if __name__ == "__main__":
    PAGE.write_text(example(), encoding="utf-8")
    print(PAGE)
