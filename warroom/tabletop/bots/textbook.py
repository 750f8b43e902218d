"""The one who goes by the book: seats, alerts, runbook, evidence, one action at a time, verified before it is over.

It knows nothing of any scenario. What it is right about it owes to the runbook and the telemetry, as people do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from warroom.incident.words import Duty, Severity, Status
from warroom.tabletop.bots.health import Health
from warroom.tabletop.bots.inquiry import LIKELY, Belief, Inquiry
from warroom.tabletop.bots.remedy import HELD, Remedy
from warroom.tabletop.bots.seats import Answering, Seats
from warroom.tabletop.bots.team import OPERATIONS, TEAM, over, speaker
from warroom.tabletop.bots.telling import Notes, Theories, Updates, moment
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import PlayerView

SAYS_NOTHING_AFTER, SAYS_NOTHING_BY = 330, 560
"""Seconds after which, with everything asked, it may be said that nothing is wrong, and by which it should be."""
GIVES_UP_AFTER = 900
"""Seconds for which users have to be well for an incident to be over that nothing was done about."""


class Textbook:
    """Six people who do what the book says."""

    name = "textbook"
    team = TEAM

    def __init__(self, seed: int = 0) -> None:  # noqa: ARG002 (the book leaves nothing to chance)
        self.health = Health()
        self.inquiry = Inquiry()
        self.remedy = Remedy(self.inquiry, self.health)
        self._seats = Seats()
        self._answering = Answering()
        self._theories = Theories(self.inquiry, self.remedy)
        self._updates = Updates(self.inquiry, self.remedy, self.health)
        self._notes = Notes(self.inquiry, self.remedy, self.health)
        self._calling = Calling(self.inquiry, self.remedy, self.health)

    def act(self, view: PlayerView) -> Sequence[Act]:
        """What the six ask for in this second."""
        if over(view.state):
            return ()
        self.health.step(view)
        self.inquiry.step(view)
        asked = [
            *self._seats.act(view), *self._answering.act(view), *self._calling.act(view), *self._theories.act(view),
            *self.remedy.act(view), *self._updates.act(view), *self._notes.act(view),
        ]  # fmt: skip
        return [one for one in asked if one.who]


class Calling:
    """What the commander calls: that it is an incident or none, how bad, that it is mended, that it is over."""

    def __init__(self, inquiry: Inquiry, remedy: Remedy, health: Health) -> None:
        self._inquiry = inquiry
        self._remedy = remedy
        self._health = health
        self._closing = 0
        self._nothing = 0

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        state = view.state
        who = speaker(state, Duty.INCIDENT_COMMANDER, TEAM)
        if not who or state.commander != who:
            return
        if state.status is Status.TRIAGE:
            yield from self._triage(view, who)
        elif state.status.is_live:
            yield from self._progress(view, who)

    def _triage(self, view: PlayerView, who: str) -> Iterator[Act]:
        if self._nothing:
            if view.second >= self._nothing + 10:
                yield act(who, "decline-incident", reason=_ALL_WELL)
            return
        if self._health.hurt() or self._inquiry.significant():
            yield act(who, "accept-incident")
            latest = self._health.latest
            bad = latest is not None and latest.value is not None and latest.value < 0.7
            yield act(who, "change-severity", severity=(Severity.SEV1 if bad else Severity.SEV2).value,
                      reason="users are not served well" if self._health.hurt() else "a check holds")  # fmt: skip
            return
        clear = self._inquiry.all_clear(quite=view.second < SAYS_NOTHING_BY) and self._health.well_since() is not None
        if view.second >= SAYS_NOTHING_AFTER and clear:
            self._nothing = view.second
            yield act(who, "propose-hypothesis", text=f"Nothing is wrong: {_ALL_WELL}", probability=0.9)
            yield from self._clear_evidence(view, who)

    def _clear_evidence(self, view: PlayerView, who: str) -> Iterator[Act]:
        number, pin = len(view.state.hypotheses) + 1, len(view.state.evidence) + 1
        yield act(who, "pin-evidence", evidence=self._seen(view))
        yield act(who, "support-hypothesis", hypothesis=number, evidence="users were well all along", pins=[pin])
        for belief in self._inquiry.beliefs:
            if belief.number and belief.open:
                belief.refuted, belief.probability = "users were well all along", 0.03

    def _seen(self, view: PlayerView) -> dict[str, object]:
        looks = [one for one in self._health.glances[-60:] if one.value is not None]
        start = view.now - view.second
        users = view.runbook.users if view.runbook else None
        return {
            "title": users.title if users else "Users", "query": users.query if users else "", "kind": "metric",
            "series": [{"label": "users", "times": [start + one.second for one in looks],
                        "values": [one.value for one in looks]}],
        }  # fmt: skip

    def _progress(self, view: PlayerView, who: str) -> Iterator[Act]:
        state, mended = view.state, self._remedy.mended
        if mended is not None and self._health.hurt():
            self._remedy.mended, self._closing = None, 0
            return
        best = next((one for one in self._inquiry.candidates() if one.probability >= 0.6 and one.number), None)
        if state.status is Status.INVESTIGATING and best is not None and self._remedy.attempts:
            yield act(who, "change-status", status="identified", reason=best.text)
        elif mended is not None and state.status is not Status.MONITORING:
            yield act(who, "change-status", status="monitoring", reason="users have been well since it was done")
        elif mended is not None and not self._closing:
            self._closing = view.second
            yield from self._confirm(view, who)
        elif self._closing and view.second >= self._closing + 20:
            yield act(
                who, "change-status", status="resolved", reason="users have been well for more than three minutes"
            )
        elif mended is None and self._by_itself(view):
            self._remedy.mended = view.second

    def _by_itself(self, view: PlayerView) -> bool:
        """Whether users are well again by what nobody here did: at once where others did something before."""
        since = self._health.well_since()
        idle = self._remedy.current is None and not self._inquiry.significant()
        own = {one.number for one in self._remedy.attempts}
        others = any(one.status == "done" and one.number not in own for one in view.state.actions)
        return since is not None and idle and view.second - since >= (HELD if others else GIVES_UP_AFTER)

    def _confirm(self, view: PlayerView, who: str) -> Iterator[Act]:
        attempt = next((one for one in reversed(self._remedy.attempts) if one.verdict == "helped"), None)
        pin = len(view.state.evidence) + 1
        yield act(who, "pin-evidence", evidence=self._seen(view))
        if attempt is not None and attempt.belief.number:
            belief = attempt.belief
            belief.probability = LIKELY
            yield act(who, "confirm-hypothesis", hypothesis=belief.number, pins=[pin],
                      evidence=f"after {attempt.action} users were well for {HELD // 60} minutes")  # fmt: skip
            for other in self._inquiry.beliefs:
                if other is not belief and other.open and other.number:
                    other.refuted, other.probability = f"{attempt.action} helped, and was not for this", 0.03
        yield from self._follow_ups(view, who, attempt.belief if attempt else None)

    def _follow_ups(self, view: PlayerView, who: str, belief: Belief | None) -> Iterator[Act]:
        cause = belief.text if belief else "what happened"
        service = belief.names.get("service", "") if belief else ""
        due = (moment(view.now) + timedelta(days=7)).isoformat()
        for title, assignee in (
            (f"Keep it from coming again: {cause}", OPERATIONS),
            (f"Alert earlier on: {belief.check.title if belief else 'how users fare'}", "nadia"),
            (f"Roll changes of {service or 'every service'} out in steps, with a guard that stops them", "piet"),
        ):
            yield act(who, "add-task", title=title[:200], assignee=assignee, follow_up=True, due=due)


_ALL_WELL = (
    "a false alarm, no incident. Users are served as usual, every check of the runbook was made, "
    "and what moved stays within its usual bounds."
)
