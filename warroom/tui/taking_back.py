"""What was refused goes back to where it was typed, so that no words are lost.

Invariant: only words a person typed are taken back; a command without any is done anew with its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FORMS: dict[str, tuple[str, Mapping[str, str]]] = {
    "add-note": ("entry.add-note", {"text": "text", "occurred_at": "at"}),
    "publish-update": ("incident.publish-update", {"text": "text", "next_in_minutes": "next"}),
    "propose-hypothesis": ("hypothesis.propose", {"text": "text"}),
    "support-hypothesis": ("hypothesis.support", {"hypothesis": "number", "evidence": "evidence"}),
    "refute-hypothesis": ("hypothesis.refute", {"hypothesis": "number", "evidence": "evidence"}),
    "confirm-hypothesis": ("hypothesis.confirm", {"hypothesis": "number", "evidence": "evidence"}),
    "add-task": ("task.add", {"title": "title", "assignee": "who", "time_box_minutes": "time"}),
    "finish-task": ("task.finish", {"task": "number", "result": "result"}),
    "take-decision": ("decision.take", {"question": "question", "choice": "choice", "reason": "reason"}),
    "raise-objection": ("decision.object", {"text": "text"}),
    "correct-entry": ("entry.correct", {"entry": "number", "text": "text"}),
    "change-title": ("incident.change-title", {"title": "title"}),
    "change-summary": ("incident.change-summary", {"summary": "summary"}),
    "describe-impact": ("incident.describe-impact", {"text": "text"}),
    "offer-command": ("role.offer-command", {"to": "to", "brief": "brief"}),
    "take-command": ("role.take-command", {"reason": "reason"}),
    "change-status": ("incident.change-status", {"reason": "reason"}),
    "change-severity": ("incident.change-severity", {"reason": "reason"}),
    "decline-incident": ("incident.decline", {"reason": "reason"}),
    "reopen-incident": ("incident.reopen", {"reason": "reason"}),
    "declare-incident": ("lobby.declare", {"title": "title"}),
}


def taken_back(command: Mapping[str, Any]) -> tuple[str, dict[str, str]] | None:
    """The action whose form takes this command again, and what is to stand in its fields; None without a form.

    A message of the chat is (`room.chat`, its text under `text`).
    """
    kind = str(command.get("type", ""))
    if kind == "post-chat":
        return "room.chat", {"text": str(command.get("text", ""))}
    form = _FORMS.get(kind)
    if form is None:
        return None
    action, names = form
    if kind == "add-task" and command.get("follow_up"):
        action, names = "task.follow-up", {"title": "title", "assignee": "who", "due": "time"}
    values = {field: str(command[name]) for name, field in names.items() if command.get(name) not in (None, "")}
    return action, values
