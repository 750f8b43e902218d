"""The one who guesses: people come, take seats and say something now and then, but nobody looks at anything."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from warroom.incident.words import Duty, Status
from warroom.tabletop.bots.team import COMMANDER, COMMS, OPERATIONS, SCRIBE, TEAM, offered, over, reachable
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import PlayerView

_MOODS = ("is overloaded", "has a bad deploy", "cannot reach its database", "has a network problem", "leaks memory")


class Guess:
    """Four people with opinions. Everything is drawn from the seed; nothing is read but the clock and the seats."""

    name = "guess"
    team = TEAM

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(f"guess/{seed}")  # noqa: S311 (a player, not a secret)
        draw = self._chance.uniform
        self._at = {
            "command": draw(40, 150), "seats": draw(150, 260), "declare": draw(150, 420), "update": draw(300, 700),
            "theory": draw(200, 420), "action": draw(420, 800), "over": draw(1500, 2400),
        }  # fmt: skip

    def act(self, view: PlayerView) -> Sequence[Act]:
        """What they ask for in this second."""
        if over(view.state) or not reachable(view.state, COMMANDER):
            return ()
        return list(self._asked(view))

    def _asked(self, view: PlayerView) -> Iterator[Act]:
        state = view.state
        if self._due(view, "command", 1e9):
            yield act(COMMANDER, "take-command")
        if state.commander != COMMANDER:
            return
        if self._due(view, "seats", 1e9):
            for duty, who in (
                (Duty.OPERATIONS_LEAD, OPERATIONS),
                (Duty.COMMUNICATIONS_LEAD, COMMS),
                (Duty.SCRIBE, SCRIBE),
            ):
                yield act(COMMANDER, "assign-role", duty=duty.value, who=who)
        if state.status is Status.TRIAGE:
            if self._due(view, "declare", 1e9):
                yield act(COMMANDER, "accept-incident")
            return
        yield from self._talk(view)
        yield from self._do(view)

    def _talk(self, view: PlayerView) -> Iterator[Act]:
        if self._due(view, "update", self._chance.uniform(700, 1500)):
            yield act(COMMS, "publish-update", text="We are aware of a problem and are working on it.")
        if self._due(view, "theory", self._chance.uniform(240, 600)):
            targets = sorted({one.target for one in offered(view.state) if one.target}) or ["the network"]
            text = f"{self._chance.choice(targets)} {self._chance.choice(_MOODS)}"
            yield act(OPERATIONS, "propose-hypothesis", text=text, probability=round(self._chance.uniform(0.3, 0.9), 2))

    def _do(self, view: PlayerView) -> Iterator[Act]:
        for asked in view.state.actions:
            if asked.status == "requested" and asked.approval:
                holder = view.state.holder(Duty(asked.approval))
                if holder in TEAM:
                    yield act(holder, "approve-action", number=asked.number)
        if self._due(view, "action", self._chance.uniform(300, 800)) and offered(view.state):
            chosen = self._chance.choice(offered(view.state))
            yield act(OPERATIONS, "request-action", action=chosen.id)
        if self._due(view, "over", 1e9):
            yield act(COMMANDER, "change-status", status="resolved", reason="it looks better")

    def _due(self, view: PlayerView, what: str, again: float) -> bool:
        if view.second < self._at[what]:
            return False
        self._at[what] = view.second + again
        return True
