"""Automated colleagues for those who play alone: they hold duties, look things up slowly, and answer when asked.

They are no oracle. What they report is what their seat could see, some of it late and some of it mistaken; who leads
and what is done stays with the people.

Invariant: they know a `PlayerView` and nothing else, and chance comes from the seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from warroom.incident.state import Entry, IncidentState
from warroom.incident.words import Duty, Status
from warroom.tabletop.answers import Row, names_of, short
from warroom.tabletop.bots.health import Health
from warroom.tabletop.bots.inquiry import Finding, Inquiry
from warroom.tabletop.bots.team import fresh, offered, over, reachable
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import LookError, PlayerView

OPERATIONS, COMMS, SCRIBE, EXPERT = "marek", "june", "tomas", "sofia"
TEAM = (OPERATIONS, COMMS, SCRIBE, EXPERT)
SEATS: Mapping[str, Duty] = {
    OPERATIONS: Duty.OPERATIONS_LEAD, COMMS: Duty.COMMUNICATIONS_LEAD, SCRIBE: Duty.SCRIBE, EXPERT: Duty.SME,
}  # fmt: skip
SLOWER = 1.6
"""How much longer than the runbook says they need for a question."""
MISTAKEN = 0.12
"""The share of reports that name the wrong thing, or miss it."""
NOBODY_LEADS = 300
"""Seconds without a commander after which one of them takes it on, until somebody wants it."""
_WANTS = re.compile(
    r"\b(i(?:'ll| will)? (?:lead|take (?:command|over))|give me command|i am (?:the )?ic)\b", re.IGNORECASE
)


@dataclass
class _Reply:
    """Words that somebody says at a second."""

    at: int
    who: str
    text: str
    action: str = ""


class Colleagues:
    """Four people beside the one who plays."""

    name = "colleagues"
    team = TEAM

    def __init__(self, seed: int, comes: tuple[int, int] = (12, 80), sits: tuple[int, int] = (15, 70)) -> None:
        """Each comes at a second within `comes`, and takes a seat so long after that as `sits` says."""
        self._chance = random.Random(f"colleagues/{seed}")  # noqa: S311 (made-up people)
        self._comes = {who: self._chance.randint(*comes) for who in TEAM}
        self._seat_at = {who: self._comes[who] + self._chance.randint(*sits) for who in TEAM}
        self._health = Health()
        self._inquiry = Inquiry((OPERATIONS, EXPERT), SLOWER)
        self._read = 0
        self._replies: list[_Reply] = []
        self._greeted: set[str] = set()
        self._approving: dict[int, int] = {}
        self._acked: dict[tuple[str, str], int] = {}
        self._ticked: set[str] = set()
        self._noted = 0
        self._updated = 0

    def act(self, view: PlayerView) -> Sequence[Act]:
        """What they ask for in this second."""
        state = view.state
        if over(state):
            return ()
        self._health.step(view)
        self._inquiry.step(view)
        self._listen(view)
        parts = (
            self._come,
            self._lead,
            self._say,
            self._report,
            self._approve,
            self._acknowledge,
            self._inform,
            self._note,
            self._tick,
        )
        asked = [one for part in parts for one in part(view)]
        return [one for one in asked if reachable(state, one.who)]

    # -- being there -------------------------------------------------------------------------------------------------

    def _come(self, view: PlayerView) -> Iterator[Act]:
        for who in TEAM:
            duty = SEATS[who]
            if who not in self._greeted and view.second >= self._comes[who]:
                self._greeted.add(who)
                yield act(who, "post-chat", text=f"{who} here. I can take {duty.label.lower()}.")
            vacant = duty not in view.state.duties_of(who) and (duty.is_shared or not view.state.holder(duty))
            if vacant and view.second >= self._seat_at[who]:
                self._seat_at[who] = view.second + 60
                yield act(who, "assign-role", duty=duty.value, who=who)

    def _lead(self, view: PlayerView) -> Iterator[Act]:
        """Nobody leads for long; but command is a person's as soon as one wants it."""
        state = view.state
        if not state.commander and view.second >= NOBODY_LEADS and view.second % 20 == 0:
            yield act(OPERATIONS, "post-chat", text="Nobody leads. I take command until one of you wants it: say so.")
            yield act(OPERATIONS, "take-command")
        elif state.commander in TEAM and state.offer is None:
            people = [held.who for held in state.roles if held.duty is Duty.DEPUTY and held.who not in TEAM]
            if people:
                yield act(state.commander, "offer-command", to=people[0], brief=self._status(view))

    def _listen(self, view: PlayerView) -> None:
        for entry in fresh(view.state, self._read, "chat-posted"):
            if entry.actor in TEAM or (view.state.exercise and entry.actor in view.state.exercise.hosts):
                continue
            self._hear(view, entry)
        self._read = view.state.seq

    def _hear(self, view: PlayerView, entry: Entry) -> None:
        said = entry.text.casefold()
        at = view.second + self._chance.randint(6, 25)
        if _WANTS.search(said) and view.state.commander in TEAM:
            self._replies.append(_Reply(at, view.state.commander, "Yours.", action=f"offer:{entry.actor}"))
            return
        for who in TEAM:
            if re.search(rf"(^|\W)@?{who}(\W|$)", said):
                self._replies.append(self._answer(view, who, said, at))

    # -- answering ---------------------------------------------------------------------------------------------------

    def _answer(self, view: PlayerView, who: str, said: str, at: int) -> _Reply:
        for action in offered(view.state):
            if action.id.casefold() in said or action.title.casefold() in said:
                return _Reply(at, who, f"On it: {action.title}.", action=action.id)
        for words, answer in _TOPICS:
            if any(word in said for word in words):
                return _Reply(at, who, answer(self, view))
        check = next((one for one in (view.runbook.checks if view.runbook else ()) if one.id in said), None)
        if check is not None:
            known = self._inquiry.answered.get(check.id)
            told = "not asked yet" if known is None else "it holds" if known[1] else "it does not hold"
            return _Reply(at, who, f"{check.title} {told.capitalize()}.")
        return _Reply(at, who, f"I cannot say yet. {self._status(view)}")

    def _status(self, view: PlayerView) -> str:
        best = next(iter(self._inquiry.candidates()), None)
        theory = f"The likeliest so far: {best.text}." if best else "No theory yet."
        return f"{self._users()} {theory} {sum(1 for one in view.state.alerts if one.status != 'resolved')} alerts."

    def _users(self) -> str:
        latest = self._health.latest
        if latest is None or latest.value is None:
            return "I have no figure of how users fare."
        return f"{short(latest.value * 100)} % of users are served well."

    def _changes(self, view: PlayerView) -> str:
        last = sorted(view.state.changes, key=lambda one: one.at)[-3:]
        return "Latest changes: " + ("; ".join(f"{one.service}: {one.text}" for one in last) or "none that I know of.")

    def _alerts(self, view: PlayerView) -> str:
        firing = [one.name for one in view.state.alerts if one.status != "resolved"]
        return f"Firing: {', '.join(firing[:6])}." if firing else "No alert is firing."

    def _say(self, view: PlayerView) -> Iterator[Act]:
        due = [one for one in self._replies if one.at <= view.second]
        self._replies = [one for one in self._replies if one.at > view.second]
        for reply in due:
            yield act(reply.who, "post-chat", text=reply.text)
            if reply.action.startswith("offer:"):
                if view.state.commander == reply.who and view.state.offer is None:
                    yield act(reply.who, "offer-command", to=reply.action[6:], brief=self._status(view))
            elif reply.action:
                yield act(self._may(view.state, reply), "request-action", action=reply.action)

    def _may(self, state: IncidentState, reply: _Reply) -> str:
        needs = next((one.needs for one in offered(state) if one.id == reply.action), "")
        holder = state.holder(Duty(needs)) if needs else ""
        return holder if holder in TEAM else reply.who

    # -- reporting ---------------------------------------------------------------------------------------------------

    def _report(self, view: PlayerView) -> Iterator[Act]:
        while self._inquiry.findings:
            finding = self._inquiry.findings.pop(0)
            if finding.against:
                continue
            luck = self._chance.random()
            if luck < MISTAKEN / 2:
                yield act(finding.who, "post-chat", text=f"{finding.title} Looks normal to me.")
                continue
            row = finding.answer.rows[0] if finding.answer.rows else Row(value=0.0)
            if luck < MISTAKEN:
                row = _mistaken(view, finding, row)
            yield act(finding.who, "post-chat", text=_told(finding, row))
            right = not finding.answer.rows or row is finding.answer.rows[0]
            yield from self._propose(view, finding, row, right=right)
            if right:
                yield from self._support(view, finding)

    def _support(self, view: PlayerView, finding: Finding) -> Iterator[Act]:
        """What speaks for a theory that somebody has put forward is written down beside it."""
        belief = finding.belief
        if belief is None or finding.question is belief.check:
            return
        theory = next((one for one in view.state.hypotheses if one.text == belief.text), None)
        if theory is not None and theory.status == "proposed":
            likely = round(belief.probability * 0.9, 2)
            yield act(finding.who, "support-hypothesis", hypothesis=theory.number, evidence=finding.title)
            yield act(finding.who, "rate-hypothesis", hypothesis=theory.number, probability=likely)

    def _propose(self, view: PlayerView, finding: Finding, row: Row, *, right: bool) -> Iterator[Act]:
        belief = finding.belief
        known = {one.text for one in view.state.hypotheses}
        if belief is None or belief.text in known or belief.suspect.probability < 0.25:
            return
        text = belief.text if right else f"{names_of(row)['service'] or 'another service'} is behind it"
        if text not in known:
            yield act(finding.who, "propose-hypothesis", text=text, probability=round(belief.probability * 0.8, 2))

    # -- duties ------------------------------------------------------------------------------------------------------

    def _approve(self, view: PlayerView) -> Iterator[Act]:
        for asked in view.state.actions:
            if asked.status != "requested" or not asked.approval:
                continue
            holder = view.state.holder(Duty(asked.approval))
            if holder in TEAM:
                due = self._approving.setdefault(asked.number, view.second + self._chance.randint(15, 45))
                if view.second >= due:
                    yield act(holder, "approve-action", number=asked.number)

    def _acknowledge(self, view: PlayerView) -> Iterator[Act]:
        for alert in view.state.alerts:
            key = (alert.source, alert.fingerprint)
            if alert.status != "firing":
                self._acked.pop(key, None)
                continue
            due = self._acked.setdefault(key, view.second + self._chance.randint(25, 70))
            if view.second >= due and Duty.OPERATIONS_LEAD in view.state.duties_of(OPERATIONS):
                yield act(OPERATIONS, "acknowledge-alert", source=alert.source, fingerprint=alert.fingerprint)
                return

    def _inform(self, view: PlayerView) -> Iterator[Act]:
        state = view.state
        if Duty.COMMUNICATIONS_LEAD not in state.duties_of(COMMS) or state.status is Status.TRIAGE:
            return
        due = state.next_update_due
        late = due is not None and view.now >= due.timestamp() - 30
        if (not state.updates and view.second > 120) or (late and view.second - self._updated > 300):
            self._updated = view.second
            text = (
                f"Impact: {self._users()}\nScope: {', '.join(state.services) or 'being established'}.\n"
                f"We know: {self._status(view)}\nWe do: the team is investigating.\nNext update: in 15 minutes."
            )
            yield act(COMMS, "publish-update", text=text, audience="external", next_in_minutes=15)

    def _note(self, view: PlayerView) -> Iterator[Act]:
        if Duty.SCRIBE in view.state.duties_of(SCRIBE) and view.second - self._noted >= 240:
            self._noted = view.second
            yield act(SCRIBE, "add-note", text=self._status(view))

    def _tick(self, view: PlayerView) -> Iterator[Act]:
        """Steps of the runbook that were asked are ticked off for everybody, one a second."""
        runbook = view.runbook
        if runbook is None:
            return
        book = next((one for one in view.state.playbooks if one.id == runbook.metadata.id), None)
        for step in book.steps if book is not None else ():
            answered = self._inquiry.answered.get(step.id)
            if answered is not None and step.status == "open" and step.id not in self._ticked:
                self._ticked.add(step.id)
                result = "it holds" if answered[1] else "it does not hold"
                who = next((one for one in (OPERATIONS, EXPERT) if reachable(view.state, one)), OPERATIONS)
                yield act(who, "complete-step", playbook=runbook.metadata.id, step=step.id, result=result)
                return


def _told(finding: Finding, row: Row) -> str:
    """What was asked and seen: a line of a log or change, or the names of a figure and its value."""
    names = names_of(row)
    labels = sorted(row.labels.items())[:3]
    named = labels[0][1] if len(labels) == 1 else " ".join(f"{key}={value}" for key, value in labels)
    what = names["text"][:200] or named
    figure = f" ({names['value']})" if not names["text"] else ""
    asked = finding.title if finding.title.endswith(("?", ".")) else f"{finding.title}."
    return f"{asked} Yes: {what}{figure}." if what else f"{asked} Yes."


def _mistaken(view: PlayerView, finding: Finding, row: Row) -> Row:
    """The same finding, told of a service that has nothing to do with it."""
    try:
        others = view.look.ask("metrics", "count by (service) (up)").rows
    except LookError:
        return row
    names = sorted({one.labels.get("service", "") for one in others} - {names_of(row)["service"], ""})
    if not names:
        return row
    place = (finding.second + len(finding.query)) % len(names)
    return Row({"service": names[place]}, row.value)


_TOPICS: tuple[tuple[tuple[str, ...], Callable[[Colleagues, PlayerView], str]], ...] = (
    (("alert", "firing", "page"), Colleagues._alerts),
    (("change", "deploy", "roll", "went out"), Colleagues._changes),
    (("user", "customer", "impact", "slo", "sli"), lambda self, _: self._users()),
    (("status", "what do you see", "what do we know", "how", "theory", "think"), Colleagues._status),
)
