"""What a scenario's objectives and milestones ask of the imaginary production, second by second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from warroom.tabletop.expressions import Facts, Watch, condition, number
from warroom.tabletop.model import Scenario

AVAILABILITY = ("availability", "1 - error_ratio", "1-error_ratio")
"""Figures that are the share of requests served: a curve of what users felt has that itself."""


class Figures:
    """Takes down, at each `look`, the figures that are asked for and whether an objective is missed."""

    def __init__(self, scenario: Scenario) -> None:
        self.missed: list[bool] = []
        asked = _Asked()
        for slo in scenario.world.slo:
            number(slo.sli).value(asked)
        for milestone in scenario.milestones:
            Watch(condition(milestone.when or "false"), scenario.slos).holds(asked)
        self._figures: dict[str, list[float]] = {name: [] for name in asked.names}
        self._objectives = [
            Watch(condition(f"breached({one.id})"), scenario.slos)
            for one in scenario.world.slo
            if one.sli.strip() not in AVAILABILITY
        ]

    @property
    def told(self) -> Mapping[str, tuple[float, ...]]:
        """The figures by name, one value for each look."""
        return {name: tuple(values) for name, values in self._figures.items()}

    def look(self, facts: Facts) -> None:
        """Take down the second that was just lived."""
        for name, values in self._figures.items():
            values.append(facts.sli(name))
        self.missed.append(any(watch.holds(facts) for watch in self._objectives))


class _Asked:
    """Facts of which nothing is known, and which remember what figures they were asked for."""

    second = 0
    players = 0
    hints = 0.0

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def sli(self, name: str) -> float:
        self.names[name] = None
        return math.nan

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:  # noqa: ARG002
        return ()

    def state_of(self, ident: str) -> str:  # noqa: ARG002
        return ""

    def severity(self, fault: str) -> float:  # noqa: ARG002
        return math.nan

    def holds_duty(self, duty: str) -> bool:  # noqa: ARG002
        return False
