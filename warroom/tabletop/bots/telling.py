"""What the room and the users are told: hypotheses with what speaks for and against them, updates on time, notes.

Invariant: nothing is told twice; whatever is said was seen by the inquiry or stands in the room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.answers import Row, short
from warroom.tabletop.bots.health import Health
from warroom.tabletop.bots.inquiry import Finding, Inquiry
from warroom.tabletop.bots.remedy import Remedy
from warroom.tabletop.bots.team import INVESTIGATORS, TEAM, fresh, reachable, speaker
from warroom.tabletop.deeds import FACILITATOR, Act, act
from warroom.tabletop.look import TOOLS, PlayerView

CADENCE = 10
"""Minutes between two updates."""
ANSWERS_AFTER = 45
"""Seconds within which somebody who wrote to us is answered."""
MOST_LIVE = 4
_MOST_ROWS = 12


class Theories:
    """The hypotheses of the room, with what was seen for and against each."""

    def __init__(self, inquiry: Inquiry, remedy: Remedy) -> None:
        self._inquiry = inquiry
        self._remedy = remedy
        self._told = 0

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second; at most one thing of each kind."""
        yield from self._propose(view)
        yield from self._pin(view)
        yield from self._refute(view)
        yield from self._rate(view)

    def _by(self, state: IncidentState, who: str) -> str:
        return who if reachable(state, who) else speaker(state, Duty.OPERATIONS_LEAD, TEAM)

    def _propose(self, view: PlayerView) -> Iterator[Act]:
        live = [one for one in self._inquiry.beliefs if one.number and one.open]
        for belief in self._inquiry.candidates():
            if belief.number or (len(live) >= MOST_LIVE and belief.probability <= min(o.probability for o in live)):
                continue
            belief.number = len(view.state.hypotheses) + 1
            belief.said = round(belief.probability, 2)
            yield act(self._by(view.state, belief.who), "propose-hypothesis", text=belief.text, probability=belief.said)
            return

    def _pin(self, view: PlayerView) -> Iterator[Act]:
        if not self._inquiry.findings:
            return
        finding = self._inquiry.findings[0]
        belief = finding.belief
        if belief is not None and not belief.number:
            if len(self._inquiry.findings) > 1:
                self._inquiry.findings.append(self._inquiry.findings.pop(0))
            return
        self._inquiry.findings.pop(0)
        who = self._by(view.state, finding.who)
        number = len(view.state.evidence) + 1
        title = finding.title
        yield act(who, "pin-evidence", evidence=evidence_of(finding))
        if belief is not None and not finding.against:
            yield act(who, "support-hypothesis", hypothesis=belief.number, evidence=title, pins=[number])
        elif belief is not None:
            yield act(who, "refute-hypothesis", hypothesis=belief.number, evidence=title, pins=[number])

    def _refute(self, view: PlayerView) -> Iterator[Act]:
        for belief in self._inquiry.beliefs:
            if belief.refuted and belief.number and belief.number <= len(view.state.hypotheses):
                held = view.state.hypotheses[belief.number - 1]
                if held.status != "refuted" and not any(one.belief is belief for one in self._inquiry.findings):
                    who = self._by(view.state, belief.who)
                    yield act(who, "refute-hypothesis", hypothesis=belief.number, evidence=belief.refuted)
                    return

    def _rate(self, view: PlayerView) -> Iterator[Act]:
        for belief in self._inquiry.beliefs:
            wanted = round(belief.probability, 2)
            if belief.number and belief.number <= len(view.state.hypotheses) and belief.said != wanted:
                belief.said = wanted
                who = self._by(view.state, belief.who)
                yield act(who, "rate-hypothesis", hypothesis=belief.number, probability=wanted)
                return


def evidence_of(finding: Finding) -> dict[str, Any]:
    """What was seen, as the room keeps it: figures as a metric, anything else as its rows."""
    question, rows = finding.question, finding.answer.rows[:_MOST_ROWS]
    told: dict[str, Any] = {
        "title": finding.title[:200], "source": TOOLS.get(question.ask, "room"), "query": finding.query,
        "note": f"asked by {finding.who}; {question.holds}",
    }  # fmt: skip
    if question.ask == "metrics" and rows:
        series = [{"label": _label(row), "times": [row.at], "values": [row.value]} for row in rows]
        return {**told, "kind": "metric", "series": series}
    data = {"rows": [{"labels": dict(row.labels), "value": row.value, "text": row.text[:500]} for row in rows]}
    return {**told, "kind": "text", "data": json.dumps(data, sort_keys=True)}


def _label(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(row.labels.items()))[:200]


class Updates:
    """The updates: the first soon after it is declared, then on time, and an answer to whoever asks for one."""

    def __init__(self, inquiry: Inquiry, remedy: Remedy, health: Health) -> None:
        self._inquiry = inquiry
        self._remedy = remedy
        self._health = health
        self._due: int | None = None
        self._read = 0
        self._heard = 0
        self._owed: list[tuple[int, str]] = []

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        state = view.state
        self._listen(view)
        who = speaker(state, Duty.COMMUNICATIONS_LEAD, TEAM)
        if not who or state.holder(Duty.COMMUNICATIONS_LEAD) == "":
            return
        declared = state.status.is_live and state.status.value != "triage"
        if self._owed and view.second >= self._owed[0][0]:
            _, audience = self._owed.pop(0)
            yield self._update(view, who, audience)
        elif declared and (self._due is None or view.second >= self._due):
            self._due = view.second + CADENCE * 60 - 45
            yield self._update(view, who, "external")
            yield self._update(view, who, "exec")

    def _listen(self, view: PlayerView) -> None:
        for entry in fresh(view.state, self._read, "inject-delivered"):
            if entry.words.startswith(entry.actor):
                continue
            self._owed.append((view.second + ANSWERS_AFTER, _audience(entry.words)))
        self._read = view.state.seq
        for whisper in view.whispers[self._heard :]:
            if whisper.sender == FACILITATOR:
                continue
            self._owed.append((view.second + ANSWERS_AFTER, _audience(f"{whisper.sender} {whisper.text}")))
        self._heard = len(view.whispers)
        if len(self._owed) > 1:
            # Several who ask within a minute of each other get one answer each audience.
            seen: dict[str, int] = {}
            for due, audience in self._owed:
                seen.setdefault(audience, due)
            self._owed = sorted((due, audience) for audience, due in seen.items())

    def _update(self, view: PlayerView, who: str, audience: str) -> Act:
        latest = self._health.latest
        share = "we are measuring how many" if latest is None or latest.value is None else f"{short(latest.value)} of 1"
        well = latest is not None and latest.well
        best = next((one for one in self._inquiry.candidates() if one.number), None)
        know = f"the likeliest cause is that {best.text}" if best else "no cause is known yet"
        attempt = self._remedy.attempts[-1] if self._remedy.attempts else None
        do = f"{attempt.action} ({attempt.verdict or 'under way'})" if attempt else "going through the runbook"
        where = ", ".join(view.state.services[:5]) or (best.names.get("service", "") if best else "") or "all services"
        text = (
            f"Impact: {'users are served as usual' if well else 'some users are not served well'} ({share}).\n"
            f"Scope: {where}.\n"
            f"We know: {know}.\n"
            f"We do: {do}.\n"
            f"Next update: in {CADENCE} minutes."
        )
        return act(who, "publish-update", text=text, audience=audience, next_in_minutes=CADENCE)


def _audience(words: str) -> str:
    """Who wants to know, by who asks."""
    told = words.casefold()
    if any(word in told for word in ("ceo", "cto", "cfo", "exec", "board", "director", "vp ", "chief")):
        return "exec"
    if any(word in told for word in ("legal", "compliance", "regulator")):
        return "legal"
    if any(word in told for word in ("manager", "support", "sales", "internal", "team")):
        return "internal"
    return "external"


class Notes:
    """The scribe: what was believed and done, every few minutes and at each turn."""

    EVERY = 150

    def __init__(self, inquiry: Inquiry, remedy: Remedy, health: Health) -> None:
        self._inquiry = inquiry
        self._remedy = remedy
        self._health = health
        self._last = 0
        self._verdicts = 0
        self._steps: set[str] = set()

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        who = speaker(view.state, Duty.SCRIBE, TEAM)
        if not who:
            return
        told = [one for one in self._remedy.attempts if one.verdict]
        if len(told) > self._verdicts:
            self._verdicts = len(told)
            last = told[-1]
            yield act(who, "add-note", text=f"{last.action}: {last.verdict}. It was done because {last.belief.text}.")
        elif view.second - self._last >= self.EVERY:
            self._last = view.second
            yield act(who, "add-note", text=self._status())
        yield from self._playbook(view)

    def _status(self) -> str:
        latest = self._health.latest
        users = "unknown" if latest is None or latest.value is None else short(latest.value)
        beliefs = [f"{one.text} ({one.probability:.0%})" for one in self._inquiry.candidates()[:3]]
        return f"Users served well: {users}. Theories: {'; '.join(beliefs) or 'none'}."

    def _playbook(self, view: PlayerView) -> Iterator[Act]:
        book = next((one for one in view.state.playbooks if view.runbook and one.id == view.runbook.metadata.id), None)
        if book is None:
            return
        for step in book.steps:
            answered = self._inquiry.answered.get(step.id)
            if answered is not None and step.id not in self._steps:
                self._steps.add(step.id)
                result = "holds" if answered[1] else "does not hold"
                who = next((one for one in INVESTIGATORS if reachable(view.state, one)), "")
                if who:
                    yield act(who, "complete-step", playbook=book.id, step=step.id, result=result)
                return


def moment(now: float) -> datetime:
    """A time of the exercise with its zone."""
    return datetime.fromtimestamp(now, tz=UTC)
