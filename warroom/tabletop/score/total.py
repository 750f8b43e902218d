"""The score of a log on a scenario.

Invariant: a pure function of the log, the scenario and the compared runs; the same in, the same out, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence

from warroom.incident.record import Record
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.judged import judged
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.milestones import milestones
from warroom.tabletop.score.of_scenario import fitting, terms_of
from warroom.tabletop.score.runs import replayed
from warroom.tabletop.score.safety import harmful
from warroom.tabletop.score.shapes import Score


def score(records: Sequence[Record], scenario: Scenario, curves: Curves | None = None) -> Score:
    """The score of an exercise. Without `curves` the runs are simulated again from the log and the scenario.

    Raises:
        ScoreError: the records hold no exercise, or one of another scenario or version.
    """
    log = ExerciseLog(records)
    fitting(log, scenario)
    terms = terms_of(scenario)
    runs = curves or runs_of(log, scenario)
    return judged(log, terms, runs, milestones(log, scenario, terms, runs))


def runs_of(log: ExerciseLog, scenario: Scenario) -> Curves:
    """The runs that the score of a log compares.

    Raises:
        ScoreError: the log cannot be played again.
    """
    bad = frozenset(one.number for one in harmful(log, terms_of(scenario)))
    return replayed(log, scenario, bad)
