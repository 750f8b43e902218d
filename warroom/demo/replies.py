"""What an automated responder answers to a person: short, and true of the incident as it stands.

Invariant: pure; an answer names nothing that the state does not hold.
"""

from __future__ import annotations

import re
from datetime import datetime

from warroom.incident.state import IncidentState
from warroom.incident.words import Status

_WORD = re.compile(r"[a-z0-9']+")
_MENTION = re.compile(r"@([\w.\-]*\w)")
_YES = {"yes", "go", "ok", "okay", "approved", "agreed", "do", "proceed", "ship", "rollback", "y", "yep", "sure"}
_WAIT = {"wait", "stop", "hold", "no", "not", "don't", "dont", "pause"}


def words_of(text: str) -> list[str]:
    """The words of a message, folded, without mentions."""
    return _WORD.findall(_MENTION.sub(" ", text).casefold())


def mentioned(text: str) -> list[str]:
    """The names a message calls for, folded."""
    return [name.casefold() for name in _MENTION.findall(text)]


def is_question(text: str) -> bool:
    """Whether it asks for an answer."""
    said = words_of(text)
    return "?" in text or (bool(said) and said[0] in ("who", "what", "when", "why", "how", "where", "which", "eta"))


def is_yes(text: str) -> bool:
    """Whether it says go ahead."""
    said = words_of(text)
    return bool(said) and not is_question(text) and not is_wait(text) and bool(_YES.intersection(said[:4]))


def is_wait(text: str) -> bool:
    """Whether it says to wait."""
    return bool(_WAIT.intersection(words_of(text)[:3]))


def answer(text: str, state: IncidentState, now: datetime, me: str = "") -> str:
    """The answer of `me` to `text`, from what the incident holds."""
    said = set(words_of(text))
    for topic, reply in _TOPICS:
        if said & topic:
            words = reply(state, now)
            return words.replace(f"{me} leads", "I lead", 1) if me else words
    return _standing(state, now) if is_question(text) else "Noted, thanks."


def _lead(state: IncidentState, _: datetime) -> str:
    if not state.commander:
        return "Nobody holds command. C takes it."
    others = [f"{held.who} {held.duty.short}" for held in state.roles if held.who != state.commander]
    return f"{state.commander} leads" + (f"; {', '.join(others)}." if others else ".")


def _standing(state: IncidentState, now: datetime) -> str:
    firing = sum(one.status != "resolved" for one in state.alerts)
    minutes = int((now - state.timeline[0].occurred_at).total_seconds() // 60) if state.seq else 0
    words = f"{state.severity}, {state.status} for {_minutes(state, now)} of {minutes} min, {firing} alerts open."
    chosen = [one for one in state.decisions if one.choice]
    return f"{words} Last decision: {chosen[-1].choice}." if chosen else words


def _minutes(state: IncidentState, now: datetime) -> str:
    since = state.statuses[-1][1] if state.statuses else now
    return f"{max(0, int((now - since).total_seconds() // 60))}"


def _cause(state: IncidentState, _: datetime) -> str:
    order = ("confirmed", "supported", "proposed")
    alive = sorted((one for one in state.hypotheses if one.status in order), key=lambda one: order.index(one.status))
    return f"Best guess, {alive[0].status}: {alive[0].text}." if alive else "No hypothesis stands. h proposes one."


def _update(state: IncidentState, now: datetime) -> str:
    if state.next_update_due is None:
        return "No update is owed right now. u publishes one."
    minutes = round((state.next_update_due - now).total_seconds() / 60)
    return f"Next update is {'due in' if minutes >= 0 else 'overdue by'} {abs(minutes)} min. u publishes one."


def _impact(state: IncidentState, _: datetime) -> str:
    counted = ", ".join(f"{one.value:,} {one.name}" for one in state.counters)
    return " ".join(part for part in (f"{counted}." if counted else "", state.impact) if part) or "Not counted yet."


def _soon(state: IncidentState, _: datetime) -> str:
    if state.status in (Status.MONITORING, Status.RESOLVED, Status.CLOSED):
        return f"It is {state.status}: the figures are back, we only watch."
    boxed = [one for one in state.tasks if one.status == "acknowledged" and one.assignee]
    if boxed:
        return f"Waiting for {boxed[-1].assignee}: {boxed[-1].title}."
    return "No honest estimate yet; we say so when there is one."


def _work(state: IncidentState, _: datetime) -> str:
    free = [one for one in state.tasks if one.status == "open" and not one.follow_up]
    if free:
        return f"Task {free[0].number} waits: {free[0].title}."
    return "Watch the metrics with us, and write down what you see: n makes a note."


def _hello(state: IncidentState, _: datetime) -> str:
    return f"Hello. {state.commander or 'Nobody'} leads; b tells the story so far, ? the keys."


_TOPICS = (
    (frozenset({"lead", "leads", "leading", "command", "commander", "ic", "charge", "who"}), _lead),
    (frozenset({"update", "updates", "statuspage"}), _update),
    (frozenset({"cause", "caused", "why", "reason", "root", "broke", "broken", "suspect"}), _cause),
    (frozenset({"customers", "customer", "impact", "affected", "users", "many"}), _impact),
    (frozenset({"eta", "long", "when", "soon", "fixed", "done", "ready"}), _soon),
    (frozenset({"help", "do", "task", "todo", "can", "next"}), _work),
    (frozenset({"status", "happening", "going", "situation", "severity", "bad", "what", "sev"}), _standing),
    (frozenset({"hello", "hi", "hey", "morning"}), _hello),
    (frozenset({"thanks", "thank", "great", "nice", "thx", "cheers"}), lambda *_: "Any time."),
)
