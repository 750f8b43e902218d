"""What the team of the demo does, beat by beat: alarm, first look, your arrival, decision, the way back, the end.

Invariant: each beat looks at the room first, and leaves alone what somebody else has done already.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from warroom.demo.stage import Seconds, Stage
from warroom.incident.words import PHASES, Severity, Status
from warroom.tabletop.answers import short
from warroom.tabletop.responders import COMMS, EXPERT, OPERATIONS, SCRIBE

A_LITTLE = 20
"""Seconds of grace after the last word on who takes the way back."""
WATCHED = 45
"""Seconds for which users have to be well before it is called mended."""
HELD = 200
"""Seconds for which they have to be well before it is over."""
_FAILING = (
    'sum(rate(user_requests_total{journey="checkout",outcome="failed"}[1m]))'
    ' / sum(rate(user_requests_total{journey="checkout"}[1m]))'
)
_BUSY = 'avg(process_cpu_utilisation{service="checkout"})'
_FAILED = 'sum(increase(user_requests_total{journey="checkout",outcome="failed"}[30m]))'
_PAYMENT = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="payment"}[1m])))'
_PROVIDER = "The payment provider answers slowly"


class Story:
    """`go_on` once a second, after the stage has looked."""

    def __init__(self, stage: Stage) -> None:
        self._s = stage
        self._plot: Iterator[None] = self._whole()

    def go_on(self) -> None:
        """Let a second of it happen."""
        next(self._plot, None)

    def _whole(self) -> Seconds:
        for beat in (self._alarm, self._first_look, self._arrival, self._decision, self._way_back, self._recovery):
            yield from beat()
        yield from self._ending()

    # -- before you come in ------------------------------------------------------------------------------------------

    def _alarm(self) -> Seconds:
        s = self._s
        yield from s.until(lambda: any(one.status == "firing" for one in s.state.alerts))
        yield from s.wait(3)
        if not s.state.acknowledged_by:
            s.ask(s.lead, "acknowledge-incident")
        s.say(s.lead, f"On it. {s.state.alerts[0].name}: {s.state.alerts[0].summary}.")
        yield from s.wait(5)
        if not s.state.commander:
            s.ask(s.lead, "take-command")
        yield from s.wait(3)
        if s.state.status is Status.TRIAGE:
            s.order("accept-incident")
        reason = f"{self._share(_FAILING)} of all orders fail"
        s.order("change-severity", severity=Severity.SEV2.value, reason=reason)
        s.order("change-services", services=["checkout", "web"])

    def _first_look(self) -> Seconds:
        s = self._s
        yield from s.wait(5)
        s.ask(s.lead, "change-summary", summary="Orders fail or take long. Browsing works. We look for what changed.")
        yield from s.wait(4)
        s.ask(SCRIBE, "propose-hypothesis", text=_PROVIDER, probability=0.3)
        yield from s.wait(4)
        s.ask(COMMS, "describe-impact", text="Customers see an error when they order, or wait. Browsing works.")
        self._count()
        yield from s.wait(5)
        s.say(s.lead, f"@{EXPERT} what went out last?")
        yield from s.wait(8)
        told = _update(
            "some orders fail or take long", "we look for the cause", "the team goes through its runbook", 10
        )
        s.ask(COMMS, "publish-update", audience="external", next_in_minutes=10, text=told)
        yield from s.wait(6)
        s.order("add-task", title="Find out what failed orders have in common", assignee=EXPERT, time_box_minutes=5)
        yield from s.wait(4)
        if s.state.tasks:
            s.ask(EXPERT, "acknowledge-task", task=1)

    # -- from here on you are there ----------------------------------------------------------------------------------

    def _arrival(self) -> Seconds:
        s = self._s
        yield from s.until(lambda: s.second >= s.arrives + 2)
        standing = f"{self._who_leads()} and {self._share(_FAILING)} of all orders fail"
        s.say(s.lead, f"Hello @{s.you}. {standing}. b tells the story so far, X what we can do.")
        yield from s.wait(14)
        yield from self._not_the_provider()
        yield from s.wait(6)
        title = "Read checkout's log: what do failed orders say?"
        if not s.state.status.is_over and s.order("add-task", title=title, assignee=s.you, time_box_minutes=5):
            yield from s.wait(3)
            s.say(s.lead, f"@{s.you} could you read checkout's log? L opens it; the task is yours, key 7.")

    def _not_the_provider(self) -> Seconds:
        s = self._s
        s.say(EXPERT, "Is it the provider? Let me see how long payment takes.")
        yield from s.wait(10)
        theory, took = s.hypothesis(_PROVIDER.casefold()), s.figure(_PAYMENT)
        if theory is None or took is None:
            return
        told = f"payment answers within {short(took * 1000)} ms, as ever"
        s.say(EXPERT, f"Not the provider: {told}.")
        s.ask(EXPERT, "refute-hypothesis", hypothesis=theory.number, evidence=told)

    def _decision(self) -> Seconds:
        s, back = self._s, self._s.way_back()
        if back is None:
            return
        yield from s.until(lambda: self._sure() or s.under_way() is not None, 120)
        if s.under_way() is not None:
            return
        if not self._sure():
            s.ask(EXPERT, "propose-hypothesis", text="The deploy of checkout v656 fails its requests", probability=0.7)
        self._pin()
        yield from s.wait(4)
        options = [back.title, "Look for longer"]
        if s.order("open-decision", question="How do we stop it?", options=options):
            yield from s.wait(3)
        s.say(s.lead, f"It began with that deploy. @{s.you} do you want to take it back? X, then {back.title!r}. "
                      "Say wait if you see a reason not to; else one of us does it in two minutes.")  # fmt: skip
        for seconds, beat in ((30, self._more_replicas), (35, self._still), (35, self._ready), (A_LITTLE, None)):
            yield from s.until(self._chosen, seconds)
            if self._chosen():
                return
            if beat is not None:
                beat()

    def _chosen(self) -> bool:
        """Whether somebody has asked for the way back, or said that it should be."""
        return self._s.agreed or self._s.under_way() is not None

    def _more_replicas(self) -> None:
        busy = self._s.figure(_BUSY)
        if busy is not None:
            self._s.say(
                EXPERT, f"More replicas would not help: checkout uses {busy:.0%} of its CPU. It waits, then fails."
            )

    def _still(self) -> None:
        self._count()
        self._s.say(COMMS, f"Support hears of little else. {self._share(_FAILING)} of all orders fail, unchanged.")

    def _ready(self) -> None:
        self._s.say(OPERATIONS, "Each minute costs orders. I have the old version ready.")

    def _pin(self) -> None:
        """Keep the curve of failing orders beside the theory that it speaks for."""
        s, theory = self._s, self._s.hypothesis("deploy", "checkout")
        times, values = s.curve(_FAILING, 300)
        if theory is None or not times:
            return
        title = "Share of orders that fail"
        series = [{"label": "orders", "times": times, "values": values}]
        evidence = {"title": title, "query": _FAILING, "kind": "metric", "unit": "ratio", "series": series}
        pins = [len(s.state.evidence) + 1]
        s.ask(SCRIBE, "pin-evidence", evidence=evidence)
        s.ask(SCRIBE, "support-hypothesis", hypothesis=theory.number, evidence="it turns with the deploy", pins=pins)

    def _sure(self) -> bool:
        """Whether a theory of the deploy has come up that more speaks for than against."""
        theory = self._s.hypothesis("deploy", "checkout")
        return theory is not None and (theory.status == "supported" or (theory.probability or 0) >= 0.5)

    def _way_back(self) -> Seconds:
        s, back = self._s, self._s.way_back()
        if back is None:
            return
        asked = s.under_way()
        if asked is not None and asked.requested_by == s.you:
            s.say(s.lead, f"@{s.you} does it: {back.title}. Everybody watch the curves, key 1.")
        self._decide(back.title)
        if asked is None:
            s.say(s.lead, f"@{OPERATIONS} please: {back.title}.")
        yield from s.wait(4)
        self._move(Status.IDENTIFIED, "it began with the deploy of checkout")
        yield from s.until(lambda: (found := s.under_way()) is not None and found.status == "done", 180)
        if (found := s.under_way()) is None or found.status != "done":
            s.ask(OPERATIONS, "request-action", action=back.id)
            yield from s.until(lambda: (one := s.under_way()) is not None and one.status == "done")

    def _decide(self, choice: str) -> None:
        """Write the decision down, unless somebody has."""
        s = self._s
        number = next((one.number for one in s.state.decisions if not one.choice), None)
        if number is not None:
            s.order("take-decision", decision=number, choice=choice, reason="one minute, and nothing to lose by it")

    def _recovery(self) -> Seconds:
        s = self._s
        yield from s.wait(6)
        s.say(OPERATIONS, "It is through. New orders first, the alerts follow in a minute.")
        yield from s.until(lambda: self._well_for(WATCHED), 40)
        if not self._well_for(WATCHED):
            s.say(OPERATIONS, f"{self._share(_FAILING)} of all orders fail, and falling.")
        yield from s.until(lambda: self._well_for(WATCHED))
        s.say(EXPERT, f"{self._share(_FAILING)} of all orders fail now, and nobody waits any more.")
        yield from s.wait(6)
        self._move(Status.MONITORING, "orders work, and have for a while")
        yield from s.wait(5)
        theory = s.hypothesis("deploy", "checkout")
        if theory is not None:
            s.ask(EXPERT, "confirm-hypothesis", hypothesis=theory.number, evidence="it ended with the way back")
        for other in s.state.hypotheses:
            if theory is not None and other.number != theory.number and other.status in ("proposed", "supported"):
                s.ask(EXPERT, "refute-hypothesis", hypothesis=other.number, evidence="checkout alone was taken back")
        for task in s.state.tasks:
            if task.status not in ("open", "acknowledged") or task.follow_up:
                continue
            if task.assignee == EXPERT:
                told = "checkout itself answers 500; nobody it calls fails"
                s.ask(EXPERT, "finish-task", task=task.number, result=told)
            elif task.assignee == s.you:
                s.order("drop-task", task=task.number, reason="not needed any more")
        yield from s.wait(8)
        self._count()
        told = _update("orders work again", "a new version of checkout failed them", "it was taken back; we watch", 20)
        s.ask(COMMS, "publish-update", audience="external", next_in_minutes=20, text=told)

    def _ending(self) -> Seconds:
        s = self._s
        due = (s.moment + timedelta(days=7)).isoformat()
        for title, who in (
            ("Roll checkout out in steps, with a guard that stops it", OPERATIONS),
            ("Test orders that have no voucher", EXPERT),
        ):
            yield from s.wait(9)
            s.ask(s.lead, "add-task", title=title, assignee=who, follow_up=True, due=due)
        yield from s.wait(6)
        s.say(SCRIBE, "The timeline is complete as far as I can see. Corrections now, please, while we remember.")
        for who, text in ((s.lead, "We watch it a little longer before anybody says resolved."),
                          (COMMS, "Support has had no new ticket since.")):  # fmt: skip
            yield from s.until(lambda: self._well_for(HELD), 30)
            s.say(who, text)
        yield from s.until(lambda: self._well_for(HELD))
        self._move(Status.RESOLVED, "users have been well for three minutes")
        yield from s.wait(6)
        if not s.leads and not s.state.status.is_over:
            yield from s.until(lambda: s.state.status.is_over)
        told = "In a minute the truth is told, and once you leave, `warroom tabletop review` tells the score."
        s.say(s.lead, f"Resolved. Thank you all, and @{s.you} for joining in. {told}")

    # -- small things ------------------------------------------------------------------------------------------------

    def _move(self, status: Status, reason: str) -> None:
        """On to a status, or ask whoever leads for it."""
        s = self._s
        now = s.state.status
        behind = now in PHASES and PHASES.index(now) < PHASES.index(status)
        if behind and not s.order("change-status", status=status.value, reason=reason) and s.state.commander:
            s.say(s.lead, f"@{s.state.commander} this looks {status.value} to me: {reason}. s sets the status.")

    def _count(self) -> None:
        failed = self._s.figure(_FAILED)
        if failed is not None:
            self._s.ask(COMMS, "count-impact", counter="failed orders", value=round(failed), source="metrics")

    def _share(self, query: str) -> str:
        value = self._s.figure(query)
        return "some" if value is None else "none" if value < 0.005 else f"{value:.0%}"

    def _who_leads(self) -> str:
        commander = self._s.state.commander
        if commander == self._s.lead:
            return "I lead,"
        return f"{commander} leads," if commander else "Nobody leads,"

    def _well_for(self, seconds: int) -> bool:
        since = self._s.health.well_since()
        return since is not None and self._s.second - since >= seconds


def _update(impact: str, know: str, do: str, minutes: int) -> str:
    """An update that says what updates are read for."""
    return (
        f"Impact: {impact}.\nScope: checkout; browsing works.\nWe know: {know}.\nWe do: {do}.\n"
        f"Next update: in {minutes} minutes."
    )
