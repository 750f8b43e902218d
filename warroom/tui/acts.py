"""What each action of the registry does in a room: at once, or after a form.

Invariant: every action that changes the incident is in exactly one of `DIRECT` and `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warroom.incident.state import Entry
from warroom.tui import questions
from warroom.tui.exercise import forms as exercise
from warroom.tui.forms import Context, Form
from warroom.tui.slash import Payload, SlashError

Direct = Callable[[Context], Payload]


def _plain(type_: str) -> Direct:
    return lambda _: {"type": type_}


def _key(context: Context, what: str) -> Any:
    key = getattr(context.selected, "key", None)
    if key is None:
        raise SlashError(f"select {what} first")
    return key


def _pin(context: Context) -> Payload:
    entry = context.selected
    if not isinstance(entry, Entry):
        raise SlashError("select an entry of the timeline first")
    return {"type": "unpin-entry" if entry.pinned else "pin-entry", "entry": entry.seq}


def _task(type_: str) -> Direct:
    return lambda context: {"type": type_, "task": _key(context, "a task")}


def _alert(context: Context) -> Payload:
    source, fingerprint = _key(context, "an alert")
    return {"type": "acknowledge-alert", "source": source, "fingerprint": fingerprint}


def _step(type_: str) -> Direct:
    def build(context: Context) -> Payload:
        playbook, step = _key(context, "a step of the playbook")
        return {"type": type_, "playbook": playbook, "step": step}

    return build


def _privacy(context: Context) -> Payload:
    return {"type": "change-privacy", "private": not context.state.private}


def _hint(context: Context) -> Payload:
    exercise.exercise_of(context)
    return {"type": "ask-for-hint"}


DIRECT: dict[str, Direct] = {
    "incident.acknowledge": _plain("acknowledge-incident"),
    "incident.accept": _plain("accept-incident"),
    "incident.change-privacy": _privacy,
    "role.accept-command": _plain("accept-command"),
    "role.end-command-offer": _plain("end-command-offer"),
    "entry.pin": _pin,
    "task.acknowledge": _task("acknowledge-task"),
    "alert.acknowledge": _alert,
    "playbook.complete-step": _step("complete-step"),
    "playbook.reopen-step": _step("reopen-step"),
    "exercise.ask-for-hint": _hint,
}
"""Actions that need no question."""

FORMS: dict[str, Callable[[Context], Form]] = {
    "incident.decline": questions.text_form(
        "Decline", "Why this is no incident", "decline-incident", "reason", dangerous=True
    ),
    "incident.change-severity": questions.severity,
    "incident.change-status": questions.status,
    "incident.reopen": questions.text_form("Reopen", "Why", "reopen-incident", "reason"),
    "incident.change-title": questions.text_form("Title", "What this is about", "change-title", "title"),
    "incident.change-summary": questions.text_form(
        "Summary", "The situation in plain words", "change-summary", "summary", lines=5
    ),
    "incident.change-services": questions.services,
    "incident.correct-milestone": questions.milestone,
    "incident.publish-update": questions.update,
    "incident.set-next-update": questions.next_update,
    "incident.count-impact": questions.impact,
    "incident.describe-impact": questions.text_form(
        "Impact", "What customers notice", "describe-impact", "text", lines=3
    ),
    "incident.record-change": questions.change,
    "incident.add-link": questions.link,
    "incident.merge": questions.merge,
    "incident.add-member": questions.text_form("Add a member", "Who may see this incident", "add-member", "who"),
    "incident.remove-member": questions.text_form(
        "Remove a member", "Who may not", "remove-member", "who", dangerous=True
    ),
    "role.assign": questions.role,
    "role.release": questions.release,
    "role.take-command": questions.take_command,
    "role.offer-command": questions.offer,
    "entry.add-note": questions.note,
    "entry.correct": questions.on_entry("Correct", "What it should say", "correct-entry", "text"),
    "entry.redact": questions.on_entry(
        "Redact", "Why; the words are erased for good", "redact-entry", "reason", dangerous=True
    ),
    "task.add": questions.task,
    "task.follow-up": lambda context: questions.task(context, follow_up=True),
    "task.finish": questions.on_task("Task done", "finish-task", "result", "What came of it"),
    "task.assign": questions.on_task("Assign the task", "assign-task", "assignee", "Who", needed=True),
    "task.drop": questions.on_task("Drop the task", "drop-task", "reason", "Why"),
    "hypothesis.propose": questions.hypothesis,
    "hypothesis.support": questions.verdict("support-hypothesis", "Support"),
    "hypothesis.refute": questions.verdict("refute-hypothesis", "Refute"),
    "hypothesis.confirm": questions.verdict("confirm-hypothesis", "Confirm"),
    "hypothesis.rate": exercise.rate,
    "decision.take": questions.decision,
    "decision.open": questions.open_decision,
    "decision.object": questions.objection,
    "exercise.request-action": exercise.choose,
    "exercise.approve-action": exercise.approve,
    "exercise.reject-action": exercise.reject,
    "playbook.skip-step": questions.on_step(
        "Skip the step", "skip-step", "reason", "Why it is not needed", needed=True
    ),
    "playbook.assign-step": questions.on_step("Assign the step", "assign-step", "assignee", "Who", needed=True),
}
"""Actions that ask first."""
