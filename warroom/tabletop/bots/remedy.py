"""Doing something about it: which action, by whom, and whether users fare better for it.

Invariant: one action at a time, and nothing is called mended before users were well for three minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from warroom.incident.exercise_state import ActionState, OfferedAction
from warroom.incident.state import IncidentState
from warroom.incident.words import Duty, Status
from warroom.tabletop.bots.health import Health
from warroom.tabletop.bots.inquiry import MORE_LIKELY_THAN_NOT, UNLIKELY, Belief, Inquiry
from warroom.tabletop.bots.team import TEAM, offered, reachable, speaker
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import PlayerView
from warroom.tabletop.runbook import Step

HELD = 180
"""Seconds for which users have to be well."""
PATIENCE = 240
"""Seconds after which something that was done is held to have been in vain."""
PREPARING = {"freeze": 45, "stop_automation": 45, "call": 60, "none": 60}
"""Kinds of action that mend nothing by themselves, and the seconds after which one goes on from them."""
_AT_WORK = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)
CONFIDENT, PLAUSIBLE = 0.5, 0.12
THINKS = 90
"""Seconds that a theory nobody is sure of is thought about before anything is done for it."""
IN_VAIN = "what would have helped did not"
APPROVES_AFTER = 15
"""Seconds that whoever approves thinks about it."""


@dataclass
class Attempt:
    """An action that was asked for because of a belief; `done` is the second at which it was finished."""

    belief: Belief
    action: str
    number: int
    asked: int
    hurting: bool
    before: float | None = None
    done: int | None = None
    verdict: str = ""
    patience: int = PATIENCE


def fits(step: Step, action: OfferedAction) -> bool:
    """Whether an offered action is what a step of the runbook means."""
    if step.kind != action.kind:
        return False
    wanted = step.target.strip().casefold()
    if wanted in ("*", "?", "") or wanted == action.target.casefold():
        return True
    told = f"{action.target} {action.id} {action.title}".casefold()
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", told) is not None


class Remedy:
    """What is being done. `mended` is the second since which it is held to have helped, None while it is not."""

    def __init__(self, inquiry: Inquiry, health: Health) -> None:
        self._inquiry = inquiry
        self._health = health
        self.attempts: list[Attempt] = []
        self._failed: dict[str, int] = {}
        self.mended: int | None = None

    @property
    def current(self) -> Attempt | None:
        """The attempt whose outcome is not known yet."""
        return self.attempts[-1] if self.attempts and not self.attempts[-1].verdict else None

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        yield from self._approve(view)
        if self.current is not None:
            self._judge(view, self.current)
        elif self.mended is None and view.state.status in _AT_WORK and not self._helped_late(view.second):
            yield from self._try(view)

    def _approve(self, view: PlayerView) -> Iterator[Act]:
        for asked in view.state.actions:
            waited = view.now - asked.requested_at.timestamp()
            if asked.status == "requested" and asked.approval and waited >= APPROVES_AFTER:
                holder = view.state.holder(Duty(asked.approval))
                if holder in TEAM and reachable(view.state, holder):
                    yield act(holder, "approve-action", number=asked.number)
                elif not holder and view.state.commander in TEAM:
                    who = speaker(view.state, Duty(asked.approval), TEAM)
                    yield act(view.state.commander, "assign-role", duty=asked.approval, who=who)

    def _try(self, view: PlayerView) -> Iterator[Act]:
        recovering = self._health.well_since() is not None and any(one.done for one in self.attempts if one.hurting)
        if recovering:
            return
        hurting = self._health.hurt()
        everything = self._inquiry.passes >= 1
        for belief in self._inquiry.candidates():
            ready = belief.probability >= CONFIDENT and (belief.supported or not belief.suspect.supported_by)
            old_enough = view.second - belief.found_at >= THINKS and not belief.pending
            if not (ready or (everything and old_enough and belief.probability >= PLAUSIBLE)):
                continue
            if not belief.holding or (belief.check.noise and not hurting):
                continue
            chosen = self._choice(view.state, belief)
            if chosen is None:
                continue
            who = self._asker(view.state, chosen)
            if not who:
                continue
            belief.tried.add(chosen.id)
            latest = self._health.latest
            before = latest.value if latest else None
            number = len(view.state.actions) + 1
            patience = PREPARING.get(chosen.kind, PATIENCE)
            self.attempts.append(Attempt(belief, chosen.id, number, view.second, hurting, before, patience=patience))
            yield act(who, "request-action", action=chosen.id)
            return

    def _choice(self, state: IncidentState, belief: Belief) -> OfferedAction | None:
        spent = {one.action for one in state.actions if one.is_open or one.status == "done"}
        done = self._done(state)
        for step in belief.steps:
            for action in offered(state):
                tried = action.id in belief.tried and self._failed.get(action.id, done) >= done
                if not tried and action.id not in spent and fits(step, action):
                    return action
        return None

    def _done(self, state: IncidentState) -> int:
        """How much was done: what failed before is worth another try once there is more."""
        return sum(1 for one in state.actions if one.status == "done")

    def _asker(self, state: IncidentState, action: OfferedAction) -> str:
        if not action.needs:
            return speaker(state, Duty.OPERATIONS_LEAD, TEAM)
        holder = state.holder(Duty(action.needs))
        return holder if holder in TEAM and reachable(state, holder) else ""

    def _judge(self, view: PlayerView, attempt: Attempt) -> None:
        state = _action(view.state, attempt)
        if state is None:
            if view.second - attempt.asked > 30:
                attempt.verdict = "refused"
            return
        if state.status in ("failed", "cancelled", "rejected"):
            attempt.verdict = "failed"
            self._failed[attempt.action] = self._done(view.state)
            return
        if state.status != "done":
            return
        if attempt.done is None:
            attempt.done = view.second
        waited = view.second - attempt.done
        if self._helped(attempt, view.second):
            attempt.verdict = "helped"
            self.mended = view.second
        elif waited >= attempt.patience and not (attempt.hurting and self._health.well_since() is not None):
            attempt.verdict = "better" if self._better(attempt) else "in vain"
            if attempt.verdict == "in vain" and self._choice(view.state, attempt.belief) is None:
                attempt.belief.refuted = IN_VAIN
                attempt.belief.probability = UNLIKELY

    def _helped(self, attempt: Attempt, second: int) -> bool:
        done = attempt.done or second
        since = self._health.well_since()
        if since is None or second - max(since, done if not attempt.hurting else since) < HELD:
            return False
        if attempt.hurting:
            return True
        answered = self._inquiry.answered.get(attempt.belief.check.id)
        return answered is not None and answered[0] > done and not answered[1]

    def _helped_late(self, second: int) -> bool:
        """Whether users have been well for long enough after something whose effect took its time."""
        last = next((one for one in reversed(self.attempts) if one.done is not None and one.hurting), None)
        if last is None or last.verdict == "helped" or not self._helped(last, second):
            return False
        last.verdict, self.mended = "helped", second
        if last.belief.refuted == IN_VAIN:
            last.belief.refuted, last.belief.probability = "", MORE_LIKELY_THAN_NOT
        return True

    def _better(self, attempt: Attempt) -> bool:
        latest = self._health.latest
        if latest is None or latest.value is None or attempt.before is None:
            return False
        return latest.value > attempt.before + 0.3 * (1 - attempt.before)


def _action(state: IncidentState, attempt: Attempt) -> ActionState | None:
    found = state.actions[attempt.number - 1] if attempt.number <= len(state.actions) else None
    return found if found is not None and found.action == attempt.action else None
