"""A scenario in the score's terms, and whether a log was played on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from warroom.tabletop.figures import AVAILABILITY
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import ScoreError
from warroom.tabletop.score.terms import TARGET, Evidence, Expected, Terms
from warroom.tabletop.seal import fits
from warroom.tabletop.sealed import Sealed
from warroom.tabletop.truth import contributing_named, names_truth


@dataclass(frozen=True, slots=True)
class SealedTruth:
    """The sealed truth as what tells whether words name it."""

    sealed: Sealed

    def names(self, text: str) -> bool:
        """Whether those words name what is really wrong."""
        return names_truth(text, self.sealed)

    def contributing(self, text: str) -> Iterable[int]:
        """Which of the contributing factors those words name."""
        return contributing_named(text, self.sealed)


def terms_of(scenario: Scenario) -> Terms:
    """What the score needs of it."""
    sealed, about = scenario.sealed, scenario.metadata
    # What begins on a condition is taken to begin with the exercise: no earlier second is fair to measure from.
    onset = float(scenario.onset or 0)
    return Terms(
        scenario=about.id,
        title=about.title,
        version=about.version,
        nothing_wrong=sealed.nothing_wrong,
        onset=onset,
        expected=float(about.duration.expected),
        horizon=int(about.duration.hard_stop),
        truth=SealedTruth(sealed),
        declare_by=float(scenario.scoring.declare_by),
        half_life=float(scenario.scoring.half_life),
        accepted=tuple(frozenset(one) for one in sealed.accepted_mitigations),
        harmful=frozenset(sealed.harmful) | {one.id for one in scenario.actions if one.verdict == "harmful"},
        contributing=tuple(one.text for one in sealed.contributing),
        seats=tuple(scenario.roles.required),
        milestones=tuple(
            Expected(one.id, one.event, float(one.due), None if one.then_every is None else float(one.then_every),
                     one.objective)
            for one in scenario.milestones
            if one.event
        ),
        reference=tuple((float(one.at), one.action) for one in scenario.reference),
        evidence=tuple(
            Evidence(one.text, one.ask, one.query, onset + one.at) for one in sealed.decisive_evidence
        ),
        target=_target(scenario),
        weights=scenario.scoring.weights.model_dump(),
    )  # fmt: skip


def fitting(log: ExerciseLog, scenario: Scenario) -> None:
    """Make sure that the log was played on this scenario.

    Raises:
        ScoreError: it was another one, another version, or what is sealed in it is not what was committed to.
    """
    exercise, about = log.exercise, scenario.metadata
    if exercise.scenario not in (about.id, about.code):
        raise ScoreError(f"{log.state.id} was played on scenario {exercise.scenario!r}, not on {about.id!r}")
    if exercise.version != about.version:
        raise ScoreError(
            f"{log.state.id} was played on version {exercise.version} of {about.id!r}, and this is version "
            f"{about.version}; a score needs the version that was played"
        )
    if exercise.key and not fits(bytes.fromhex(exercise.key), scenario.sealed, exercise.truth):
        raise ScoreError(
            f"the sealed truth of {about.id!r} is not the one that {log.state.id} committed to at its start; the "
            f"scenario's file has been changed since"
        )


def _target(scenario: Scenario) -> float:
    """The share of requests that is promised to be served, by the scenario's objectives."""
    for slo in scenario.world.slo:
        if slo.sli.strip() in AVAILABILITY and slo.at_least is not None:
            return float(slo.at_least)
        if slo.sli.strip() == "error_ratio" and slo.at_most is not None:
            return 1 - float(slo.at_most)
    return TARGET
