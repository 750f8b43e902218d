"""What happened before the doors opened, told through the core and written into the log as it would have been.

Invariant: every entry was decided and sealed by the core at the time it carries, so the chain is a real one.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from warroom.incident.chain import seal_all
from warroom.incident.commands import COMMAND
from warroom.incident.decide import decide
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access
from warroom.server import summary
from warroom.store.port import EventStore


class Chronicle:
    """One incident's past. `zero` is the present, from which the minutes of `tell` count back."""

    def __init__(self, incident: str, zero: datetime, seed: int) -> None:
        self.state = IncidentState(id=incident)
        self._zero = zero
        self._records: list[Record] = []
        self._numbers: dict[str, int] = {}
        self._chance = random.Random(seed)  # noqa: S311 (salts of a demo)

    def at(self, minutes: float) -> datetime:
        """The moment so many minutes from the present, negative for the past."""
        return self._zero + timedelta(minutes=minutes)

    def tell(self, minutes: float, who: str, type_: str, /, **fields: Any) -> None:
        """`who` did that then.

        Raises:
            ValueError: the core refused it.
        """
        number = self._numbers[who] = self._numbers.get(who, 0) + 1
        command = COMMAND.validate_python({"type": type_, **fields})
        actor, at = Actor(who, Access.RESPONDER), self.at(minutes)
        verdict = decide(self.state, command, actor, at)
        if isinstance(verdict, Refusal):
            raise ValueError(f"{who} cannot {type_} at {minutes:g}: {verdict.words}")
        salts = [self._chance.randbytes(16) for _ in verdict]
        records, self.state = seal_all(self.state, verdict, actor, at, f"before-{who}", number, salts)
        self._records += records

    async def write(self, store: EventStore) -> None:
        """Put it into the log, in one durable step."""
        line = summary.encode(summary.line_of(self.state))
        await store.append(self.state.id, 0, self._records, summary=line)
