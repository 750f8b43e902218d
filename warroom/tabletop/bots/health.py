"""How users fare, looked at every few seconds: whether there is an incident, and whether something helped."""

from __future__ import annotations

from dataclasses import dataclass

from warroom.tabletop.answers import read_holds
from warroom.tabletop.look import LookError, PlayerView

EVERY = 15
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look: the figure that was seen, and whether it is well; None where there was no answer."""

    second: int
    well: bool
    value: float | None


class Health:
    """The looks so far, of those that were answered."""

    def __init__(self) -> None:
        self.glances: list[Glance] = []
        self._tried = -EVERY

    def step(self, view: PlayerView) -> None:
        """Look, when it is time to."""
        if view.runbook is None or view.second < self._tried + EVERY:
            return
        self._tried = view.second
        users = view.runbook.users
        try:
            answer = view.look.ask("metrics", users.query)
        except LookError:
            return
        value = answer.rows[0].value if answer.rows else None
        if value is not None:
            self.glances.append(Glance(view.second, read_holds(users.healthy).of(answer) is not None, value))

    @property
    def latest(self) -> Glance | None:
        """The last look that was answered."""
        return self.glances[-1] if self.glances else None

    def hurt(self, looks: int = 2) -> bool:
        """Whether users were not well on each of the last `looks`."""
        last = self.glances[-looks:]
        return len(last) == looks and not any(one.well for one in last)

    def well_since(self) -> int | None:
        """The second since which every look was good, or None when the last was not."""
        since = None
        for one in reversed(self.glances):
            if not one.well:
                break
            since = one.second
        return since

    def worst(self, since: int) -> float | None:
        """The lowest figure seen since a second."""
        return min((one.value for one in self.glances if one.second >= since and one.value is not None), default=None)
