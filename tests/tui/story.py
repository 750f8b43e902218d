"""An incident with everything in it, told through the core, for screens to show."""

from __future__ import annotations

import math
from typing import Any

from tests.tui.local_wire import START, LocalWire, minutes
from warroom.client.view import Person
from warroom.telemetry.series import Full, Series

_STEPS = [
    ("scope", "Confirm blast radius and impact", "incident_commander"),
    ("freeze", "Freeze deploys in eu-west-1", "operations_lead"),
    ("diff", "Diff the last three deploys against onset", "sme"),
    ("reload", "Reload pgbouncer, restore the pool", "sme"),
    ("shift", "Shift 30 % of traffic to eu-central", "operations_lead"),
    ("verify", "Verify pool below 70 %, p99 below 0.8 s", "operations_lead"),
    ("clear", "Send all-clear, update the status page", "communications_lead"),
]

PANELS: tuple[dict[str, Any], ...] = (
    {"title": "p99 latency", "query": "p99", "unit": "s", "window": 3600, "step": 60,
     "thresholds": [{"value": 0.8, "label": "SLO"}]},
    {"title": "5xx ratio", "query": "5xx", "unit": "%", "window": 3600, "step": 60,
     "thresholds": [{"value": 1.0, "label": "SLO"}]},
    {"title": "Checkouts", "query": "rate", "unit": "ops", "window": 3600, "step": 60},
    {"title": "DB pool", "query": "pool", "unit": "%", "window": 3600, "step": 60,
     "thresholds": [{"value": 80.0, "label": "SLO"}]},
    {"title": "Payment queue", "query": "queue", "unit": "none", "window": 3600, "step": 60},
    {"title": "Pods ready", "query": "pods", "unit": "none", "window": 3600, "step": 60},
)  # fmt: skip


def tell() -> LocalWire:
    """The incident at 09:42, with five people in the room."""
    wire = LocalWire("ana", PANELS)

    def do(name: str, at: float, type_: str, /, **fields: Any) -> None:
        wire.act(
            name, {"type": type_, **fields}, "" if type_ == "declare-incident" else "INC-7K30", at=START + minutes(at)
        )

    def alert(name: str, at: float, severity: str, service: str) -> None:
        wire_alert = {
            "fingerprint": name.lower(), "name": name, "severity": severity, "service": service,
            "summary": f"{service}: {name}", "starts_at": START + minutes(at),
        }  # fmt: skip
        do("alertmanager", at, "attach-alert", alert=wire_alert)

    do("ana", 4, "declare-incident", title="Checkout latency and 5xx spike, eu-west-1", severity="SEV2",
       services=["checkout-api"], impact_started_at=START)  # fmt: skip
    alert("CheckoutP99High", 4.1, "critical", "checkout-api")
    alert("Edge5xxRatio", 4.3, "critical", "edge-gateway")
    do("ana", 4.5, "take-command")
    do("ana", 5, "change-severity", severity="SEV1", reason="one in ten checkouts fails")
    do("marek", 6, "assign-role", duty="operations_lead", who="marek")
    do("june", 6.2, "assign-role", duty="communications_lead", who="june")
    do("tomas", 6.4, "assign-role", duty="scribe", who="tomas")
    do("sofia", 6.6, "assign-role", duty="sme", who="sofia")
    do("june", 7, "count-impact", counter="customers", value=1214, source="support desk")
    do("marek", 8, "record-change", kind="deploy", service="checkout-api", version="v2.14.0",
       occurred_at=START - minutes(7))  # fmt: skip
    do("marek", 8.5, "propose-hypothesis", text="v2.14.0 leaks database connections on the retry path")
    do("tomas", 9, "propose-hypothesis", text="The payment provider is slow")
    alert("PgPoolSaturated", 11, "warning", "pgbouncer")
    do("sofia", 13.8, "add-note", text="pgbouncer waiting clients 0 to 1.9k, pool 200 of 200 in use")
    do(
        "tomas",
        16,
        "add-note",
        text="Canary reproduces it: each retry after a timeout keeps its connection, see trace 7f1c with 11 retries",
    )
    do("tomas", 16.5, "support-hypothesis", hypothesis=1, evidence="canary leaks one connection per retry")
    do("tomas", 17, "refute-hypothesis", hypothesis=2, evidence="provider p99 flat at 180 ms")
    playbook = {"id": "latency", "title": "Latency", "version": 7,
                "steps": [{"id": i, "title": t, "owner": o, "instructions": "kubectl get pods", "expected": "all ready"}
                          for i, t, o in _STEPS]}  # fmt: skip
    do("ana", 18, "attach-playbook", playbook=playbook)
    for number, (step, _, _) in enumerate(_STEPS[:4]):
        do("sofia" if number == 3 else "marek", 18.5 + number, "complete-step", playbook="latency", step=step)
    do("ana", 21, "take-decision", question="How to mitigate", choice="Roll back checkout-api to v2.13.8",
       reason="fastest; loses the gift-card fix")  # fmt: skip
    do("ana", 21.2, "change-status", status="identified", reason="the retry path of v2.14.0")
    do("ana", 21.5, "add-task", title="Roll back to v2.13.8, 30 pods", assignee="marek", time_box_minutes=25)
    do("marek", 22, "acknowledge-task", task=1)
    do("ana", 22.4, "add-task", title="Drain the payments backlog", assignee="tomas")
    do("ana", 22.6, "add-task", title="Alert on pool use above 80 %", follow_up=True)
    do("marek", 24, "record-change", kind="rollback", service="checkout-api", version="v2.13.8")
    do("sofia", 33, "add-note", text="Pool 61 % on the new pods, 212 clients waiting")
    do("ana", 33.5, "pin-entry", entry=wire.states["INC-7K30"].seq)
    do(
        "alertmanager",
        38,
        "resolve-alert",
        source="alertmanager",
        fingerprint="edge5xxratio",
        ended_at=START + minutes(38),
    )
    do(
        "june",
        38.5,
        "publish-update",
        text="Checkout is recovering. One in twenty payments still fails; next update at 10:06.",
    )
    do("ana", 39, "acknowledge-alert", fingerprint="pgpoolsaturated")
    do("sofia", 39.5, "post-chat", text="Pool is at 61 % on the new pods, clients waiting 212.")
    do("marek", 40.2, "post-chat", text="@ana rollback is gated on you, 12 of 30 pods done")
    do("tomas", 41, "post-chat", text="Leak confirmed: the retry path skips release() on timeout. Patch is in review.")
    do("ana", 42, "post-chat", text="Reviewing now. Holding the gate until the traffic shift is at 30 %.")
    people = tuple(
        Person(name, "responder", "console", state, looking, typing)
        for name, state, looking, typing in (
            ("ana", "here", "timeline", False), ("marek", "here", "chat", True), ("sofia", "here", "playbook", False),
            ("june", "here", "chat", False), ("tomas", "idle", "metrics", False),
        )
    )  # fmt: skip
    wire.people["INC-7K30"] = people
    wire.clock = START + minutes(44.5)
    wire.fulls = _telemetry(wire.clock.timestamp())
    wire.suggestions = [{**playbook, "score": 3, "reasons": ["service checkout-api", "word latency"]}]
    wire.act("june", {"type": "declare-incident", "title": "Invoices are sent twice", "severity": "SEV3"})
    return wire


def _bump(minute: float, start: float, peak: float, end: float) -> float:
    """Rises at minute 18, peaks about 30, and is on its way down after 40."""
    if minute < 18:
        return start
    rise = 1 / (1 + math.exp(-(minute - 22)))
    fall = 1 / (1 + math.exp(-(minute - 42) / 2))
    return start + (peak - start) * rise - (peak - end) * fall * rise


def _telemetry(now: float) -> dict[str, Full]:
    shapes = {
        "p99 latency": (0.4, 5.6, 2.4), "5xx ratio": (0.2, 13.0, 4.9), "Checkouts": (2900.0, 1300.0, 1940.0),
        "DB pool": (40.0, 99.0, 61.0), "Payment queue": (200.0, 6000.0, 8100.0), "Pods ready": (30.0, 22.0, 28.0),
    }  # fmt: skip
    start = now - 3600
    found = {}
    for title, (low, peak, end) in shapes.items():
        values = tuple(_bump(at, low, peak, end) * (1 + 0.04 * math.sin(at * 1.7)) for at in range(61))
        series = [Series((("job", title),), "p99" if "p99" in title else title, start, 60.0, values)]
        if title == "p99 latency":
            median = tuple(0.1 + value / 12 for value in values)
            series.append(Series((("job", "p50"),), "p50", start, 60.0, median))
        found[title] = Full(title, 1, start, 60.0, 61, tuple(series))
    return found
