"""The room of an exercise kept in this process: it decides, seals and folds as a server does, in virtual time.

Invariant: salts come from the seed, so that the same commands at the same times give the same records byte for byte.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from warroom.incident.chain import seal_all
from warroom.incident.commands import COMMAND
from warroom.incident.decide import decide
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed, Refusal
from warroom.incident.words import Access
from warroom.tabletop.deeds import FACILITATOR


class Room:
    """The room of one exercise, kept in this process: it decides, seals and folds, as a server does."""

    def __init__(self, incident: str, seed: int, origin: str = "") -> None:
        self.state = IncidentState(id=incident)
        self.records: list[Record] = []
        self._numbers: dict[str, int] = {}
        self._chance = random.Random(f"{incident}/{seed}/{origin}")  # noqa: S311 (a log that is to be made again)

    def ask(self, who: str, fields: Mapping[str, Any], at: datetime) -> Refusal | None:
        """`who` asks for a command at `at`; why not, or None when it was accepted.

        Raises:
            ValidationError: the fields are no command.
        """
        command = COMMAND.validate_python(dict(fields))
        actor = Actor(who, Access.ADMIN if who == FACILITATOR else Access.COMMANDER)
        verdict = decide(self.state, command, actor, at)
        if isinstance(verdict, Refusal):
            return verdict
        if verdict:
            self.append(verdict, actor, at)
        return None

    def append(self, proposed: Sequence[Proposed], actor: Actor, at: datetime) -> None:
        """Seal these events as they are."""
        number = self._numbers[actor.name] = self._numbers.get(actor.name, 0) + 1
        salts = [self._chance.randbytes(16) for _ in proposed]
        records, self.state = seal_all(self.state, proposed, actor, at, f"headless-{actor.name}", number, salts)
        self.records += records
