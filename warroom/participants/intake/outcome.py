"""What became of an alert, and the port through which the door hands alerts on.

One invariant: an outcome other than `unavailable` means that nothing is owed any more: what the alert led to is
durable at the server, or it led to nothing and is kept where people can see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from warroom.participants.intake.alert import Alert

Word = Literal["opened", "attached", "acknowledged", "resolved", "duplicate", "ignored", "refused", "unavailable"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `unmatched` marks an ignored alert that no rule spoke about."""

    word: Word
    incident: str = ""
    rule: str = ""
    reason: str = ""
    unmatched: bool = False


class Handle(Protocol):
    """Carries one alert to the room and returns only when the server has answered for good."""

    async def __call__(self, alert: Alert) -> Outcome: ...
