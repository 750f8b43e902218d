"""What `decide` answers: the events a command leads to, or a refusal that names the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from warroom.incident.events import Event


class Reason(StrEnum):
    """Why a command was refused; stable names that programs may rely on."""

    NOT_ALLOWED = "not-allowed"
    """The access level or the duty does not allow it."""
    NOT_FOUND = "not-found"
    """The incident, entry, task, hypothesis, decision, alert, playbook or step is not there (or may not be seen)."""
    CONFLICT = "conflict"
    """It no longer applies: somebody was first, or the state has moved on."""
    OVER = "over"
    """The incident is closed, declined or merged."""
    INVALID = "invalid"
    """The request makes no sense, whatever the state."""
    LIMIT = "limit"
    """A bound on numbers or sizes is reached."""
    UNREADABLE = "unreadable"
    """The log holds events this server does not know, so it decides nothing on it."""
    INTERNAL = "internal"
    """The server failed on this command; it was recorded and the incident lives on."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`words` is one sentence for a person."""

    reason: Reason
    words: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """An event to record. `occurred_at` is None for now."""

    event: Event
    occurred_at: datetime | None = None


Verdict = tuple[Proposed, ...] | Refusal
"""No event at all means: already so, nothing to record, accepted."""
