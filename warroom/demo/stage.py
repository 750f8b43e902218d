"""What the story of the demo stands on: what is known now, what is asked for, and how time passes in between.

Invariant: whoever holds command decides. What belongs to the commander is asked for only while whoever leads the team
holds command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from warroom.incident.exercise_state import ActionState, OfferedAction
from warroom.incident.state import Hypothesis, IncidentState
from warroom.tabletop.bots.health import Health
from warroom.tabletop.bots.team import offered
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import LookError, PlayerView

Seconds: TypeAlias = Iterator[None]
"""Something that takes time: each step of the iterator is a second."""


class Stage:
    """`lead` leads the team, `you` come in at second `arrives`. `held` is set while somebody asked everybody to wait,
    `agreed` once somebody said go ahead.
    """

    def __init__(self, lead: str, you: str, arrives: int) -> None:
        self.lead, self.you, self.arrives = lead, you, arrives
        self.health = Health()
        self.held = self.agreed = False
        self._view: PlayerView | None = None
        self._asked: list[Act] = []

    # -- what is known -----------------------------------------------------------------------------------------------

    def look(self, view: PlayerView) -> None:
        """Take up what is known in this second."""
        self._view = view
        self.health.step(view)

    @property
    def view(self) -> PlayerView:
        """What is known now."""
        if self._view is None:
            raise RuntimeError("nobody has looked yet")
        return self._view

    @property
    def state(self) -> IncidentState:
        """The room now."""
        return self.view.state

    @property
    def second(self) -> int:
        """The second of the exercise."""
        return self.view.second

    @property
    def moment(self) -> datetime:
        """The time of the exercise."""
        return datetime.fromtimestamp(self.view.now, UTC)

    @property
    def leads(self) -> bool:
        """Whether whoever leads the team holds command."""
        return self.state.commander == self.lead

    def figure(self, query: str) -> float | None:
        """One figure of the telemetry as players get it, None where there is no answer."""
        try:
            rows = self.view.look.ask("metrics", query).rows
        except LookError:
            return None
        return rows[0].value if rows else None

    def curve(self, query: str, seconds: int, step: int = 15) -> tuple[list[float], list[float]]:
        """Times and values of a figure over the last so many seconds, as players get it."""
        times, values = [], []
        for ago in range(seconds, -1, -step):
            at = self.view.now - ago
            try:
                rows = self.view.look.ask("metrics", query, at=at).rows
            except LookError:
                continue
            if rows:
                times.append(at)
                values.append(rows[0].value)
        return times, values

    def hypothesis(self, *words: str) -> Hypothesis | None:
        """The first open hypothesis that has all these words."""
        return next(
            (
                one
                for one in self.state.hypotheses
                if one.status not in ("refuted", "confirmed") and all(word in one.text.casefold() for word in words)
            ),
            None,
        )

    def way_back(self) -> OfferedAction | None:
        """What the exercise offers to take a change back."""
        return next((one for one in offered(self.state) if one.kind == "rollback"), None)

    def under_way(self) -> ActionState | None:
        """The way back, where somebody has asked for it and it was not in vain."""
        back = self.way_back()
        fits = [one for one in self.state.actions if back is not None and one.action == back.id]
        return next((one for one in reversed(fits) if one.is_open or one.status == "done"), None)

    # -- what is asked for -------------------------------------------------------------------------------------------

    def ask(self, who: str, type_: str, /, **fields: Any) -> None:
        """`who` asks for that command in this second."""
        self._asked.append(act(who, type_, **fields))

    def order(self, type_: str, /, **fields: Any) -> bool:
        """Whoever leads asks for what belongs to command, if they hold it; whether they do."""
        if self.leads:
            self.ask(self.lead, type_, **fields)
        return self.leads

    def say(self, who: str, text: str) -> None:
        """`who` says that in the chat."""
        self.ask(who, "post-chat", text=text)

    def taken(self) -> list[Act]:
        """What was asked for since the last time."""
        asked, self._asked = self._asked, []
        return asked

    # -- time --------------------------------------------------------------------------------------------------------

    def wait(self, seconds: int) -> Seconds:
        """Let so many seconds pass."""
        return self.until(lambda: False, seconds)

    def until(self, test: Callable[[], bool], patience: int | None = None) -> Seconds:
        """Let time pass until it is so, at most `patience` seconds; never while everybody waits."""
        began = self.second
        while not test() and (self.held or patience is None or self.second - began < patience):
            yield
