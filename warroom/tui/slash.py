"""The language of the chat line and of `:`: one verb and its words become one command.

Commands are plain mappings in the wire's shape (`{"type": "add-note", ...}`), because the paint path loads no
validation library; the client validates them before they are kept. `/help`-like verbs that are no command are
answered by the id of the action to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from warroom.incident.ids import parse_incident_id
from warroom.incident.state import IncidentState
from warroom.incident.words import Duty, Milestone, Severity, Status
from warroom.tui.actions import BY_SLASH

Payload = dict[str, Any]


class SlashError(Exception):
    """What was typed cannot be a command; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Either a command to submit, or the id of an action to run (a form to fill in, a view to open)."""

    command: Payload | None = None
    action: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """The words after the verb, and what they are read against."""

    rest: str
    state: IncidentState
    me: str
    now: datetime
    zone: tzinfo

    def need(self, usage: str) -> str:
        """The words, which must not be missing."""
        if not self.rest:
            raise SlashError(f"usage: {usage}")
        return self.rest

    def split(self, usage: str) -> tuple[str, str]:
        """The first word and what follows; the first must be there."""
        first, _, rest = self.need(usage).partition(" ")
        return first, rest.strip()

    def number(self, usage: str) -> tuple[int, str]:
        """A leading number (`3`, `#3`, `T3`) and what follows."""
        first, rest = self.split(usage)
        digits = re.fullmatch(r"[#A-Za-z]?(\d{1,9})", first)
        if not digits or int(digits[1]) < 1:
            raise SlashError(f"{first!r} is not a number; usage: {usage}")
        return int(digits[1]), rest


def parse(line: str, state: IncidentState, me: str, now: datetime, zone: tzinfo = UTC) -> Parsed:
    """Read one line as typed, with or without its leading `/`. `now` is aware; `zone` is the reader's own.

    Raises:
        SlashError: unknown verb or words that make no command.
    """
    verb, _, rest = line.strip().removeprefix("/").partition(" ")
    action = BY_SLASH.get(verb)
    if action is None:
        raise SlashError(f"there is no /{verb}; Tab completes, ? lists all")
    typed = Typed(rest.strip(), state, me, now, zone)
    build = _BUILDERS.get(verb)
    if build is None or (not typed.rest and verb in _ASK_WHEN_BARE):
        return Parsed(action=action.id)
    try:
        return Parsed(command=build(typed))
    except ValueError as error:
        raise SlashError(str(error)) from None


def usage(verb: str) -> str:
    """How a verb is used, one line; empty for a verb that takes nothing."""
    return _USAGE.get(verb, "")


_CLOCK = re.compile(r"@?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_AGO = re.compile(r"@?(\d{1,4})([smh])(?:in|ins)?(?:\s+ago)?")


def when(text: str, now: datetime, zone: tzinfo) -> datetime:
    """`09:41`, `09:41:30`, `5m`, `5m ago` or ISO 8601 as a UTC time; a clock time ahead of now was yesterday.

    Raises:
        SlashError: none of these.
    """
    clock, ago = _CLOCK.fullmatch(text), _AGO.fullmatch(text)
    try:
        if clock:
            local = now.astimezone(zone).replace(microsecond=0)
            moment = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0))
            return (moment if moment <= local else moment - timedelta(days=1)).astimezone(UTC)
        if ago:
            unit = {"s": "seconds", "m": "minutes", "h": "hours"}[ago[2]]
            return (now - timedelta(**{unit: int(ago[1])})).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except ValueError:
        raise SlashError(f"{text!r} is no time; write 09:41, 5m ago or 2026-11-21T03:00Z") from None


def percent(text: str) -> float:
    """`70`, `70 %` or `7.5%` as a share from 0 to 1.

    Raises:
        SlashError: no number from 0 to 100.
    """
    try:
        value = float(text.strip().rstrip("%").strip())
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise SlashError(f"{text!r} is no percentage; write a number from 0 to 100")
    return round(value / 100, 4)


def _note(t: Typed) -> Payload:
    text, payload = t.need(_USAGE["note"]), {"type": "add-note"}
    first, _, rest = text.partition(" ")
    if first.startswith("@") and rest and (_CLOCK.fullmatch(first) or _AGO.fullmatch(first)):
        return {**payload, "text": rest, "occurred_at": when(first[1:], t.now, t.zone).isoformat()}
    return {**payload, "text": text}


def _severity(t: Typed) -> Payload:
    word, reason = t.split(_USAGE["severity"])
    return {"type": "change-severity", "severity": Severity.parse(word).value, "reason": reason}


def _status(t: Typed) -> Payload:
    word, reason = t.split(_USAGE["status"])
    try:
        status = Status(word.lower())
    except ValueError:
        raise SlashError(f"{word!r} is not a status; usage: {_USAGE['status']}") from None
    return {"type": "change-status", "status": status.value, "reason": reason}


def _role(t: Typed) -> Payload:
    duty, who = t.split(_USAGE["role"])
    return {"type": "assign-role", "duty": Duty.parse(duty).value, "who": who.removeprefix("@") or t.me}


def _release(t: Typed) -> Payload:
    duty, who = t.split(_USAGE["release"])
    return {"type": "release-role", "duty": Duty.parse(duty).value, "who": who.removeprefix("@") or t.me}


def _offer(t: Typed) -> Payload:
    who, brief = t.split(_USAGE["offer"])
    if not brief:
        raise SlashError("the brief is missing: say what is known, what is under way and what is next")
    return {"type": "offer-command", "to": who.removeprefix("@"), "brief": brief}


def _milestone(t: Typed) -> Payload:
    name, at = t.split(_USAGE["milestone"])
    try:
        milestone = Milestone(name if name.endswith("_at") else f"{name}_at")
    except ValueError:
        raise SlashError(f"{name!r} is not a milestone; use one of {', '.join(Milestone)}") from None
    return {"type": "correct-milestone", "milestone": milestone.value, "at": when(at, t.now, t.zone).isoformat()}


def _impact(t: Typed) -> Payload:
    counter, value = t.split(_USAGE["impact"])
    number = value.replace(" ", "").replace(",", "")
    if not number.isdigit():
        raise SlashError(f"usage: {_USAGE['impact']}")
    return {"type": "count-impact", "counter": counter, "value": int(number)}


def _next_update(t: Typed) -> Payload:
    minutes = t.need(_USAGE["next"]).removesuffix("m").strip()
    if minutes in ("off", "none"):
        return {"type": "set-next-update", "in_minutes": None}
    if not minutes.isdigit():
        raise SlashError(f"usage: {_USAGE['next']}")
    return {"type": "set-next-update", "in_minutes": int(minutes)}


def _change(t: Typed) -> Payload:
    kind, rest = t.split(_USAGE["change"])
    service, _, version = rest.partition(" ")
    return {"type": "record-change", "kind": kind, "service": service, "version": version.strip()}


def _link(t: Typed) -> Payload:
    url, title = t.split(_USAGE["link"])
    return {"type": "add-link", "url": url, "title": title or url[:200]}


def _merge(t: Typed) -> Payload:
    into, reason = t.split(_USAGE["merge"])
    return {"type": "merge-incident", "into": parse_incident_id(into), "reason": reason}


def _private(t: Typed) -> Payload:
    return {"type": "change-privacy", "private": t.rest.lower() not in ("off", "no", "false")}


def _task(t: Typed, *, follow_up: bool = False) -> Payload:
    """`@who` and a time box such as `20m` or `2h` may stand before the title, in any order."""
    words = t.need(_USAGE["follow-up" if follow_up else "task"]).split()
    payload: Payload = {"type": "add-task", "follow_up": follow_up}
    while words:
        box = re.fullmatch(r"(\d{1,4})(m|h)", words[0])
        if words[0].startswith("@") and len(words[0]) > 1:
            payload["assignee"] = words.pop(0)[1:]
        elif box and not follow_up:
            payload["time_box_minutes"] = int(box[1]) * (60 if box[2] == "h" else 1)
            words.pop(0)
        else:
            break
    if not words:
        raise SlashError(f"usage: {_USAGE['task']}")
    return {**payload, "title": " ".join(words)}


def _decide(t: Typed) -> Payload:
    """A leading number decides that open decision; `question: choice because reason` does all in one step."""
    text = t.need(_USAGE["decide"])
    payload: Payload = {"type": "take-decision"}
    first, _, rest = text.partition(" ")
    if re.fullmatch(r"[#D]?\d{1,9}", first) and rest:
        payload["decision"], text = int(first.lstrip("#D")), rest
    elif ": " in text:
        payload["question"], text = (part.strip() for part in text.split(": ", 1))
    choice, _, reason = text.partition(" because ")
    return {**payload, "choice": choice.strip(), "reason": reason.strip()}


def _open_decision(t: Typed) -> Payload:
    question, *options = (part.strip() for part in t.need(_USAGE["decision"]).split("|"))
    return {"type": "open-decision", "question": question, "options": [option for option in options if option]}


def _verdict(type_: str, verb: str) -> Callable[[Typed], Payload]:
    def build(t: Typed) -> Payload:
        number, evidence = t.number(_USAGE[verb])
        return {"type": type_, "hypothesis": number, "evidence": evidence}

    return build


def _rate(t: Typed) -> Payload:
    number, likely = t.number(_USAGE["rate"])
    return {"type": "rate-hypothesis", "hypothesis": number, "probability": percent(likely)}


def _act(t: Typed) -> Payload:
    action, note = t.split(_USAGE["act"])
    return {"type": "request-action", "action": action, **({"note": note} if note else {})}


def _stop_exercise(t: Typed) -> Payload:
    return {"type": "stop-exercise", "reason": "safe_word", "text": t.rest}


def _numbered(
    type_: str, verb: str, field: str, words: str = "", *, need_words: bool = False
) -> Callable[[Typed], Payload]:
    def build(t: Typed) -> Payload:
        number, rest = t.number(_USAGE[verb])
        if need_words and not rest:
            raise SlashError(f"usage: {_USAGE[verb]}")
        return {"type": type_, field: number, **({words: rest.removeprefix("@")} if words and rest else {})}

    return build


def _pin(t: Typed) -> Payload:
    number, _ = t.number(_USAGE["pin"])
    entry = t.state.entry(number)
    return {"type": "unpin-entry" if entry is not None and entry.pinned else "pin-entry", "entry": number}


def _texted(type_: str, verb: str, field: str) -> Callable[[Typed], Payload]:
    return lambda t: {"type": type_, field: t.need(_USAGE[verb])}


def _plain(type_: str) -> Callable[[Typed], Payload]:
    return lambda _: {"type": type_}


def _optional(type_: str, field: str) -> Callable[[Typed], Payload]:
    return lambda t: {"type": type_, field: t.rest}


def _step(type_: str, field: str, verb: str) -> Callable[[Typed], Payload]:
    """A step by its number in the list, or by its id; in the last playbook attached."""

    def build(t: Typed) -> Payload:
        name, rest = t.split(_USAGE[verb])
        for playbook in reversed(t.state.playbooks):
            for place, step in enumerate(playbook.steps, start=1):
                if name in (step.id, str(place)):
                    words = {field: rest.removeprefix("@") if field == "assignee" else rest} if rest else {}
                    return {"type": type_, "playbook": playbook.id, "step": step.id, **words}
        raise SlashError(f"there is no step {name!r} in the playbook")

    return build


_ASK_WHEN_BARE = frozenset(
    {"note", "severity", "status", "role", "update", "task", "hypothesis", "decide", "chat", "impact", "change", "link"}
    | {"rate", "act", "approve", "reject"}
)

_USAGE: dict[str, str] = {
    "chat": "/chat TEXT",
    "note": "/note [@09:41] TEXT",
    "update": "/update TEXT",
    "severity": "/severity SEV1..SEV5 [REASON]",
    "status": "/status investigating|identified|monitoring|resolved|closed [REASON]",
    "decline": "/decline REASON",
    "reopen": "/reopen REASON",
    "title": "/title TEXT",
    "summary": "/summary TEXT",
    "services": "/services NAME NAME ...",
    "milestone": "/milestone impact_started 08:58",
    "next": "/next MINUTES (or off)",
    "impact": "/impact COUNTER NUMBER, as in /impact customers 214",
    "impact-text": "/impact-text TEXT",
    "change": "/change deploy|rollback|config|flag|scale|other SERVICE VERSION",
    "link": "/link URL [TITLE]",
    "merge": "/merge INC-7K3Q [REASON]",
    "private": "/private [off]",
    "member": "/member @WHO",
    "remove-member": "/remove-member @WHO",
    "role": "/role ic|ops|comms|scribe|deputy|sme [@WHO]",
    "release": "/release ROLE [@WHO]",
    "command": "/command [REASON]",
    "offer": "/offer @WHO BRIEF",
    "decline-command": "/decline-command [REASON]",
    "pin": "/pin ENTRY",
    "correct": "/correct ENTRY TEXT",
    "redact": "/redact ENTRY REASON",
    "task": "/task [@WHO] [20m] TITLE",
    "follow-up": "/follow-up [@WHO] TITLE",
    "task-ack": "/task-ack TASK",
    "done": "/done TASK [RESULT]",
    "assign": "/assign TASK @WHO",
    "drop": "/drop TASK [REASON]",
    "hypothesis": "/hypothesis TEXT",
    "support": "/support HYPOTHESIS EVIDENCE",
    "refute": "/refute HYPOTHESIS EVIDENCE",
    "confirm": "/confirm HYPOTHESIS [EVIDENCE]",
    "decide": "/decide [QUESTION:] CHOICE [because REASON]",
    "decision": "/decision QUESTION | OPTION | OPTION",
    "rate": "/rate HYPOTHESIS PERCENT",
    "act": "/act ACTION [WHY]",
    "approve": "/approve ACTION",
    "reject": "/reject ACTION [REASON]",
    "stop-exercise": "/stop-exercise [WHY]",
    "object": "/object DECISION TEXT",
    "step": "/step STEP [RESULT]",
    "skip": "/skip STEP REASON",
    "step-assign": "/step-assign STEP @WHO",
    "step-reopen": "/step-reopen STEP",
}


def _correct(t: Typed) -> Payload:
    number, text = t.number(_USAGE["correct"])
    if not text:
        raise SlashError(f"usage: {_USAGE['correct']}")
    return {"type": "correct-entry", "entry": number, "text": text}


def _person(type_: str, verb: str) -> Callable[[Typed], Payload]:
    return lambda t: {"type": type_, "who": t.need(_USAGE[verb]).removeprefix("@")}


_BUILDERS: dict[str, Callable[[Typed], Payload]] = {
    "chat": _texted("post-chat", "chat", "text"),
    "note": _note,
    "update": _texted("publish-update", "update", "text"),
    "ack": _plain("acknowledge-incident"),
    "accept": _plain("accept-incident"),
    "decline": _texted("decline-incident", "decline", "reason"),
    "severity": _severity,
    "status": _status,
    "reopen": _texted("reopen-incident", "reopen", "reason"),
    "title": _texted("change-title", "title", "title"),
    "summary": _texted("change-summary", "summary", "summary"),
    "services": lambda t: {"type": "change-services", "services": t.need(_USAGE["services"]).split()},
    "milestone": _milestone,
    "next": _next_update,
    "impact": _impact,
    "impact-text": _texted("describe-impact", "impact-text", "text"),
    "change": _change,
    "link": _link,
    "merge": _merge,
    "private": _private,
    "member": _person("add-member", "member"),
    "remove-member": _person("remove-member", "remove-member"),
    "role": _role,
    "release": _release,
    "command": _optional("take-command", "reason"),
    "offer": _offer,
    "accept-command": _plain("accept-command"),
    "decline-command": _optional("end-command-offer", "reason"),
    "pin": _pin,
    "correct": _correct,
    "redact": _numbered("redact-entry", "redact", "entry", "reason", need_words=True),
    "task": _task,
    "follow-up": lambda t: _task(t, follow_up=True),
    "task-ack": _numbered("acknowledge-task", "task-ack", "task"),
    "done": _numbered("finish-task", "done", "task", "result"),
    "assign": _numbered("assign-task", "assign", "task", "assignee", need_words=True),
    "drop": _numbered("drop-task", "drop", "task", "reason"),
    "hypothesis": _texted("propose-hypothesis", "hypothesis", "text"),
    "support": _verdict("support-hypothesis", "support"),
    "refute": _verdict("refute-hypothesis", "refute"),
    "confirm": _verdict("confirm-hypothesis", "confirm"),
    "decide": _decide,
    "decision": _open_decision,
    "rate": _rate,
    "act": _act,
    "approve": _numbered("approve-action", "approve", "number"),
    "reject": _numbered("reject-action", "reject", "number", "reason"),
    "hint": _plain("ask-for-hint"),
    "stop-exercise": _stop_exercise,
    "object": _numbered("raise-objection", "object", "decision", "text", need_words=True),
    "step": _step("complete-step", "result", "step"),
    "skip": _step("skip-step", "reason", "skip"),
    "step-assign": _step("assign-step", "assignee", "step-assign"),
    "step-reopen": _step("reopen-step", "reason", "step-reopen"),
}
