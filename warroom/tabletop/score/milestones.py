"""The scenario's milestones against the log: what was expected by when, and when it came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from warroom.tabletop.acts import MilestoneSpec
from warroom.tabletop.curve import Curve
from warroom.tabletop.expressions import Watch, condition
from warroom.tabletop.happenings import Happenings
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.curves import Curves, breach, limit
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.outcome import mitigated
from warroom.tabletop.score.shapes import Milestone
from warroom.tabletop.score.terms import Terms


def milestones(log: ExerciseLog, scenario: Scenario, terms: Terms, curves: Curves) -> tuple[Milestone, ...]:
    """Each milestone of the scenario, in its order. Those that repeat have a line for each time they were due."""
    told = Happenings(scenario.sealed, log.exercise.started_at)
    for record in log.records:
        told.add(record)
    lines: list[Milestone] = []
    for one in scenario.milestones:
        if one.event:
            lines += _repeated(one, log, told)
        else:
            lines.append(_line(one, one.due, _when(one, log, scenario, terms, curves, told), None, log.end))
    return tuple(lines)


def _repeated(one: MilestoneSpec, log: ExerciseLog, told: Happenings) -> list[Milestone]:
    name, _, arguments = (one.event or "").partition(":")
    wanted = tuple(part for part in arguments.split("|") if part)
    seconds = told.seconds(name.strip(), wanted)
    first = seconds[0] if seconds else None
    lines = [_line(one, one.due, first, _entry(told, name.strip(), wanted, first), log.end)]
    if one.then_every is None:
        return lines
    due, place = one.due, 0
    # Each further one is due so long after the last that came, or after the last that did not.
    while True:
        came = [second for second in seconds[place:] if second <= due]
        place += len(came)
        due = (came[-1] if came else due) + one.then_every
        if due > log.answered:
            return lines
        next_one = next((second for second in seconds[place:] if second <= due), None)
        lines.append(_line(one, due, next_one, _entry(told, name.strip(), wanted, next_one), log.end))


def _entry(told: Happenings, name: str, wanted: tuple[str, ...], second: int | None) -> int | None:
    if second is None:
        return None
    return next(
        (one.seq for one in told.all
         if one.second == second and one.name == name and (not wanted or one.argument in wanted)), None
    )  # fmt: skip


def _line(one: MilestoneSpec, due: float, second: float | None, entry: int | None, end: float) -> Milestone:
    missing = "missed" if due <= end else "open"
    status = missing if second is None else "met" if second <= due else "late"
    return Milestone(one.id, one.text or one.event or one.when or "", float(due), second, status, entry, one.objective)


def _when(
    one: MilestoneSpec, log: ExerciseLog, scenario: Scenario, terms: Terms, curves: Curves, told: Happenings
) -> float | None:
    """The first second at which a condition holds.

    One about what users feel is looked at from when they suffered, or the mitigation was done: before, they were well
    without anybody's doing.
    """
    facts = LogFacts(log, told, curves.team)
    starts = [breach(curves.team, limit(curves, terms.target)), (mitigated(log, terms) or (None,))[0]]
    known = [second for second in starts if second is not None]
    first = int(min(known)) if known else int(terms.onset)
    watch = Watch(condition(one.when or "false"), scenario.slos)
    for second in range(first, min(int(log.end) + 1, curves.team.seconds)):
        facts.second = second
        if watch.holds(facts):
            return float(second)
    return None


class LogFacts:
    """What conditions ask for, as far as a log and a curve of what users felt can tell."""

    def __init__(self, log: ExerciseLog, told: Happenings, curve: Curve) -> None:
        self.second = 0
        self._log = log
        self._told = told
        self._curve = curve
        self._bad = [0.0, *(accumulate(curve.failed))]
        self._late = [0.0, *(accumulate(curve.late))]
        self._asked = [0.0, *(accumulate(curve.requests))]

    def happened(self, name: str, arguments: tuple[str, ...]) -> Sequence[int]:
        """The seconds, up to now, at which that happened."""
        return [second for second in self._told.seconds(name, arguments) if second <= self.second]

    def state_of(self, ident: str) -> str:
        """How far an action or an inject is; of faults a log tells nothing."""
        state = self._log.state_at(self.second)
        if state.exercise is not None and state.exercise.offered(ident) is not None:
            found = [one for one in state.actions if one.action == ident]
            return found[-1].status if found else "idle"
        delivered = state.exercise is not None and ident in state.exercise.injects
        return "delivered" if delivered else ""

    def severity(self, fault: str) -> float:  # noqa: ARG002
        """Not known."""
        return math.nan

    def sli(self, name: str) -> float:
        """A figure as the drill saw it, where the curve has it; else the shares of all users' requests over the last
        minute, and NaN for what only the simulator knows.
        """
        seen = self._curve.figures.get(name)
        if seen is not None:
            return seen[self.second]
        start, end = max(0, self.second - 59), self.second + 1
        asked = self._asked[end] - self._asked[start]
        failed = (self._bad[end] - self._bad[start]) / asked if asked else 0.0
        late = (self._late[end] - self._late[start]) / asked if asked else 0.0
        return {"availability": 1 - failed, "error_ratio": failed, "late_ratio": late}.get(name, math.nan)

    def holds_duty(self, duty: str) -> bool:
        """Whether somebody in reach has it."""
        state = self._log.state_at(self.second)
        out = state.exercise.withheld if state.exercise is not None else frozenset()
        return any(held.duty.value == duty and held.who not in out for held in state.roles)

    @property
    def players(self) -> int:
        """How many players had done anything by now."""
        return len({one.actor for one in self._log.own if one.second <= self.second})

    @property
    def hints(self) -> float:
        """What hints had cost by now."""
        exercise = self._log.state_at(self.second).exercise
        return exercise.hints if exercise is not None else 0.0
