"""The runs that a score compares, simulated again from the log and the scenario."""

from __future__ import annotations

from collections import OrderedDict

from warroom.tabletop.curve import Curve
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import ScoreError

_KEPT = 16
_compared: OrderedDict[tuple[str, int, float], tuple[Curve, Curve]] = OrderedDict()
"""Runs in which no team takes part, by scenario, seed and start: the same for every team, and half of the work."""


def replayed(log: ExerciseLog, scenario: Scenario, harmful: frozenset[int]) -> Curves:
    """All of them, as long as the scenario's hard stop. `harmful` are the numbers of actions that do harm.

    Raises:
        ScoreError: the log cannot be played again.
    """
    # The simulator is heavy, and a score of kept runs does without it.
    from warroom.tabletop.replay import ReplayError, replay_log

    try:
        team = replay_log(scenario, log.records)
        without = replay_log(scenario, log.records, leave_out=harmful) if harmful else None
        nothing, reference = _compare(scenario, log.exercise.seed, log.exercise.started_at.timestamp())
    except ReplayError as error:
        raise ScoreError(str(error)) from None
    return Curves(team, nothing, reference, without)


def _compare(scenario: Scenario, seed: int, start: float) -> tuple[Curve, Curve]:
    from warroom.tabletop.replay import replay_null, replay_reference

    key = (scenario.digest, seed, start)
    found = _compared.get(key)
    if found is None:
        found = replay_null(scenario, seed, start), replay_reference(scenario, seed, start)
        _compared[key] = found
        while len(_compared) > _KEPT:
            _compared.popitem(last=False)
    _compared.move_to_end(key)
    return found
