"""The players' actions on their way: from being asked for, over approval and the time they take, to what comes of them.

Invariant: an action is felt at a whole second, which the log names, and each step of it is asked for once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from warroom.incident.exercise_state import ActionState
from warroom.incident.state import IncidentState
from warroom.tabletop.acts import ActionSpec
from warroom.tabletop.deeds import Command, command
from warroom.tabletop.model import Scenario
from warroom.tabletop.production import Production

_TRIED = ("done", "failed")
RUNS_AT_ONCE = 4
"""Actions that a team carries out at the same time; the next one waits for its turn."""


class Actions:
    """What the facilitator does about the actions of a room."""

    def __init__(self, scenario: Scenario, production: Production) -> None:
        self._scenario = scenario
        self._production = production
        self._asked: dict[int, str] = {}

    def act(self, state: IncidentState, now: datetime) -> Iterator[Command]:
        """What to do about them, `now` being the start of second `production.second`."""
        running = sum(1 for one in state.actions if one.status == "running")
        for asked in state.actions:
            planned = self._scenario.action(asked.action)
            if planned is None or not asked.is_open:
                continue
            if asked.status == "running":
                if asked.ends_at is not None and asked.ends_at <= now and self._first(asked, "finish"):
                    yield self._finish(asked, planned)
            elif self._may_start(asked) and running < RUNS_AT_ONCE:
                why_not = self._impossible(state, planned, now)
                if why_not and self._first(asked, "finish"):
                    yield self._failed(asked, why_not)
                elif not why_not and self._first(asked, "start"):
                    running += 1
                    yield self._start(asked, planned, now)

    def seen(self, state: IncidentState) -> None:
        """Take what a log says happened as having been done: the drill is catching up with it."""
        for asked in state.actions:
            planned = self._scenario.action(asked.action)
            if planned is None or asked.status in ("requested", "approved", "rejected"):
                continue
            self._first(asked, "start")
            if asked.status != "running" and self._first(asked, "finish") and asked.status == "done":
                self._production.finish_action(planned)

    def _first(self, asked: ActionState, step: str) -> bool:
        """Whether this step was not asked for before; from now on it was."""
        before = self._asked.get(asked.number, "")
        if before == step or (before == "finish" and step == "start"):
            return False
        self._asked[asked.number] = step
        return True

    def _may_start(self, asked: ActionState) -> bool:
        return asked.status == "approved" or (asked.status == "requested" and not asked.approval)

    def _impossible(self, state: IncidentState, planned: ActionSpec, now: datetime) -> str:
        """Why the action cannot be done now, in words, or nothing."""
        if planned.once and planned.id in self._production.done:
            return "it was done before and cannot be done twice"
        if planned.verdict != "accepted" and planned.cooldown:
            ended = [one.ended_at for one in state.actions if one.action == planned.id and one.status in _TRIED]
            until = max((at + timedelta(seconds=planned.cooldown) for at in ended if at), default=now)
            if until > now:
                left = int((until - now).total_seconds())
                return f"it was tried a moment ago, and people are still busy with what it did, for another {left} s"
        return ""

    def _start(self, asked: ActionState, planned: ActionSpec, now: datetime) -> Command:
        ends = now + timedelta(seconds=planned.takes)
        return command("start-action", number=asked.number, second=self._production.second, ends=ends.isoformat())

    def _finish(self, asked: ActionState, planned: ActionSpec) -> Command:
        if not self._production.works(planned):
            return self._failed(asked, planned.fails_with or f"{planned.title}: it did not work.")
        self._production.finish_action(planned)
        told = planned.result or f"{planned.title}: done. See for yourselves whether users fare better."
        return command(
            "finish-action", number=asked.number, outcome="done", second=self._production.second, result=told
        )

    def _failed(self, asked: ActionState, why: str) -> Command:
        return command(
            "finish-action", number=asked.number, outcome="failed", second=self._production.second, result=why
        )
