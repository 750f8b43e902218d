"""The story up to now: the incident everybody is at work on, a smaller one, and one that is over.

Invariant: only what responders did is told here; how the room folds it is the core's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warroom.demo.history import Chronicle
from warroom.demo.names import ALERTMANAGER, ELSEWHERE, incident_ids

TITLE = "Checkout slow and failing in eu-west-1"
SERVICE = "checkout-api"
DEPLOYED, BEGAN = -23.4, -21.9
"""Minutes before the present: when the bad version went out, and when customers began to feel it."""
PLAYBOOK = "service-errors"


@dataclass(frozen=True, slots=True)
class Past:
    """What was written before the doors open: the main incident, and the others."""

    main: Chronicle
    others: tuple[Chronicle, ...]


def tell_past(zero: datetime, seed: int, playbook: Mapping[str, Any]) -> Past:
    """The past as of `zero`. `playbook` is the shipped one for service errors, as it is pinned."""
    ids = incident_ids(seed)
    main = Chronicle(ids[0], zero, seed)
    _alarm(main)
    _in_command(main, playbook)
    _first_look(main)
    _dead_ends(main)
    _closing_in(main)
    return Past(main, (_invoices(Chronicle(ids[1], zero, seed + 1)), _search(Chronicle(ids[2], zero, seed + 2))))


def alert(name: str, severity: str, service: str, summary: str, starts_at: datetime) -> dict[str, Any]:
    """An alert as the intake reads it."""
    return {
        "fingerprint": f"demo-{name.lower()}", "name": name, "severity": severity, "service": service,
        "summary": summary, "starts_at": starts_at, "labels": {"alertname": name, "region": "eu-west-1"},
    }  # fmt: skip


def _alarm(c: Chronicle) -> None:
    slow = alert("CheckoutLatencyHigh", "critical", SERVICE, "p99 above 0.8 s for two minutes", c.at(-20.6))
    c.tell(-20.2, ALERTMANAGER, "declare-incident", title=TITLE, severity="SEV3", services=[SERVICE], triage=True,
           detected_at=c.at(-20.6), impact_started_at=c.at(BEGAN), alert=slow)  # fmt: skip
    errors = alert("EdgeErrorRatioHigh", "critical", "edge-gateway", "5xx above 1 % in eu-west-1", c.at(-19.9))
    c.tell(-19.6, ALERTMANAGER, "attach-alert", alert=errors)
    c.tell(-19.1, "ana", "acknowledge-incident")
    c.tell(-18.9, "ana", "post-chat", text="On it. p99 of checkout went from 0.3 to 2 s within two minutes.")
    c.tell(-18.5, "marek", "post-chat", text="Here. Edge sees 503 and 504 from checkout-api only.")
    c.tell(-18.3, "ana", "take-command")
    c.tell(-18.1, "ana", "accept-incident")
    c.tell(-17.9, "ana", "change-severity", severity="SEV2", reason="one checkout in thirty fails and it is growing")


def _in_command(c: Chronicle, playbook: Mapping[str, Any]) -> None:
    c.tell(-17.5, "ana", "attach-playbook", playbook=playbook)
    c.tell(-17.2, "ana", "complete-step", playbook=PLAYBOOK, step="confirm-impact",
           result="p99 2.1 s, 5xx 3 %, writes only, eu-west-1 only")  # fmt: skip
    c.tell(-16.9, "ana", "assign-role", duty="operations_lead", who="marek")
    c.tell(-16.8, "ana", "assign-role", duty="communications_lead", who="june")
    c.tell(-16.6, "ana", "assign-role", duty="sme", who="sofia")
    c.tell(-16.4, "ana", "assign-role", duty="scribe", who="tomas")
    c.tell(-16.2, "ana", "complete-step", playbook=PLAYBOOK, step="take-command", result="five of us, all here")
    c.tell(-15.7, "marek", "complete-step", playbook=PLAYBOOK, step="freeze-changes", result="pipelines frozen")
    c.tell(-15.2, "june", "count-impact", counter="failed checkouts", value=312, source="order service")
    c.tell(-14.9, "ana", "change-severity", severity="SEV1", reason="6 % of checkouts fail, and carts are abandoned")
    c.tell(-14.3, "june", "publish-update", next_in_minutes=20,
           text="Some customers in Europe cannot complete a purchase. We are investigating.")  # fmt: skip


def _first_look(c: Chronicle) -> None:
    c.tell(-13.9, "tomas", "propose-hypothesis", text="The payment provider answers slowly")
    c.tell(-13.4, "sofia", "propose-hypothesis", text="A popular product page empties the cache")
    c.tell(-13.0, "marek", "complete-step", playbook=PLAYBOOK, step="cut-by-dimension",
           result="all routes that write, all pods alike, 503 and 504")  # fmt: skip
    c.tell(-12.6, "ana", "add-task", title="Ask the payment provider for their status", assignee="june")
    c.tell(-12.4, "june", "acknowledge-task", task=1)
    pool = alert("PgPoolSaturated", "warning", "pgbouncer", "200 of 200 connections in use", c.at(-11.8))
    c.tell(-11.5, ALERTMANAGER, "attach-alert", alert=pool)
    c.tell(-11.0, "sofia", "add-note", text="pgbouncer: 200 of 200 connections in use, 1.4k clients waiting")
    c.tell(-10.8, "ana", "pin-entry", entry=c.state.seq)
    c.tell(-10.4, "june", "finish-task", task=1, result="provider is green, 180 ms p99 on their side")


def _dead_ends(c: Chronicle) -> None:
    c.tell(-10.1, "tomas", "refute-hypothesis", hypothesis=1, evidence="provider p99 flat at 180 ms all morning")
    c.tell(-9.7, "ana", "add-task", title="Read the errors of one pod end to end", assignee="sofia")
    c.tell(-9.5, "sofia", "acknowledge-task", task=2)
    c.tell(-9.0, "marek", "post-chat", text="CPU and nodes are bored. This is waiting, not working.")
    c.tell(-8.6, "ana", "take-decision", question="Shed load now?", choice="Turn recommendations off",
           reason="buys some of the pool and nobody buys less for it")  # fmt: skip
    c.tell(-8.3, "marek", "record-change", kind="flag", service="storefront", text="recommendations off",
           occurred_at=c.at(-8.4))  # fmt: skip
    c.tell(-7.4, "tomas", "add-note", text="Flag helped a little: waiting clients 1.4k to 1.2k, p99 hardly moved")
    c.tell(-6.9, "sofia", "complete-step", playbook=PLAYBOOK, step="read-the-errors",
           result="94 % are `timeout waiting for a connection`")  # fmt: skip
    c.tell(-6.7, "sofia", "finish-task", task=2, result="94 % time out while waiting for a connection")
    c.tell(-6.2, "sofia", "refute-hypothesis", hypothesis=2, evidence="cache hit ratio 96 %, as yesterday")


def _closing_in(c: Chronicle) -> None:
    c.tell(-5.6, "sofia", "propose-hypothesis", text="Connections are leaked: the pool fills though traffic is flat")
    c.tell(-5.0, "june", "count-impact", counter="failed checkouts", value=1847, source="order service")
    c.tell(-4.7, "june", "describe-impact", text="Customers in Europe see an error at payment; their carts are kept.")
    c.tell(-4.2, "ana", "add-task", title="Find what keeps its connection", assignee="sofia", time_box_minutes=10)
    c.tell(-4.0, "sofia", "acknowledge-task", task=3)
    c.tell(-3.5, "ana", "add-task", title="Prepare the status page for a longer outage", assignee="june")
    c.tell(-3.3, "june", "acknowledge-task", task=4)
    c.tell(-2.6, "ana", "change-summary",
           summary="checkout-api in eu-west-1 runs out of database connections. Nothing external is broken. "
                   "We look for what keeps connections; load is shed meanwhile.")  # fmt: skip
    c.tell(-1.9, "ana", "post-chat", text="@sofia how sure are we that it is a leak?")
    c.tell(-1.3, "sofia", "post-chat",
           text="Fairly. Open connections grow by four a second and never fall, whatever traffic does.")  # fmt: skip
    c.tell(
        -0.7, "marek", "post-chat", text="A restarted pod is healthy for about three minutes. Then it is like the rest."
    )
    c.tell(-0.3, "ana", "post-chat", text="Then something in the new pods. What went out today?")


def _invoices(c: Chronicle) -> Chronicle:
    c.tell(-52, ELSEWHERE, "declare-incident", title="Invoices are sent twice", severity="SEV3", services=["billing"],
           impact_started_at=c.at(-70))  # fmt: skip
    c.tell(-51, ELSEWHERE, "take-command")
    c.tell(-47, ELSEWHERE, "count-impact", counter="customers", value=213, source="support")
    c.tell(-41, ELSEWHERE, "propose-hypothesis", text="The mail worker retries after the mail went out")
    c.tell(-33, ELSEWHERE, "support-hypothesis", hypothesis=1, evidence="two sends, one message id, 30 s apart")
    c.tell(-31, ELSEWHERE, "change-status", status="identified", reason="retry after success")
    c.tell(-30, ELSEWHERE, "publish-update", text="Some invoices arrive twice. Nobody is charged twice.")
    c.tell(-12, ELSEWHERE, "add-note", text="Worker is paused, 0 duplicates since; fix is in review")
    return c


def _search(c: Chronicle) -> Chronicle:
    c.tell(
        -1310, "tomas", "declare-incident", title="Search results one hour old", severity="SEV4", services=["search"]
    )
    c.tell(-1309, "tomas", "take-command")
    c.tell(-1290, "tomas", "change-status", status="identified", reason="the indexer lost its lease")
    c.tell(-1281, "tomas", "change-status", status="monitoring", reason="lease renewed, index catches up")
    c.tell(-1250, "tomas", "change-status", status="resolved", reason="results are fresh")
    c.tell(-1240, "tomas", "add-task", title="Alert when the index is older than 10 minutes", follow_up=True)
    return c
