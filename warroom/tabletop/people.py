"""Who is out of reach and when they come back, as the scenario has it.

Invariant: whoever was taken out by the scenario is returned by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.deeds import Command, command
from warroom.tabletop.model import Scenario


class Absences:
    """Takes people out when their absence begins, and returns them when it ends."""

    def __init__(self, scenario: Scenario) -> None:
        self._absences = scenario.roles.absent
        self._out: dict[int, str] = {}
        self._over: set[int] = set()

    def act(self, state: IncidentState, second: int) -> Iterator[Command]:
        """The commands that do it."""
        for place, absence in enumerate(self._absences):
            if place in self._over:
                continue
            who = self._out.get(place, "")
            if second >= absence.to:
                self._over.add(place)
                if who:
                    yield command("return-person", who=who)
            elif second >= absence.from_ and not who:
                holder = state.holder(Duty(absence.duty))
                withheld = state.exercise.withheld if state.exercise is not None else frozenset()
                if holder and holder not in withheld:
                    self._out[place] = holder
                    yield command("withhold-person", who=holder, reason=absence.why)
