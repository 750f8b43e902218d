"""What the team believed at each second: how probable it held the truth to be, and how probable what was not true.

A hypothesis is live until it is refuted. One that was never rated has an equal share with the others and with "none of
these"; one that is confirmed has all. Declining says that nothing is wrong, and means it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from warroom.incident.state import Hypothesis, IncidentState
from warroom.incident.words import Status
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.terms import Terms


@dataclass(frozen=True, slots=True)
class Belief:
    """From `second` on. `truth` is the probability given to what is really wrong, `wrong` those of the rest; what is
    missing to 1 is "we do not know". `names` are the hypotheses that name the truth, `by_number` all live ones.
    """

    second: float
    truth: float
    wrong: tuple[float, ...]
    by_number: Mapping[int, float]

    @property
    def brier(self) -> float:
        """0 for the truth with certainty, 1 for "we do not know", 2 for certainty about what is not true.

        Brier's score over the truth and each wrong theory, "we do not know" being spread over countless others.
        """
        return float((1 - self.truth) ** 2 + sum(one**2 for one in self.wrong))

    @property
    def rank(self) -> int | None:
        """The place of the truth among the live theories, the likeliest first; behind those of the same probability.
        None where it is not among them.
        """
        return None if self.truth <= 0 else 1 + sum(one >= self.truth for one in self.wrong)


def true_ones(log: ExerciseLog, terms: Terms) -> frozenset[int]:
    """The numbers of the players' hypotheses that name the truth. A host's verdict stands above their words."""
    verdicts = {mark.hypothesis: mark.verdict for mark in log.exercise.marks if mark.verdict and mark.hypothesis}
    return frozenset(
        one.number
        for one in log.hypotheses
        if (verdicts[one.number] == "true" if one.number in verdicts else terms.truth.names(one.text))
    )


def beliefs(log: ExerciseLog, terms: Terms, true: frozenset[int]) -> tuple[Belief, ...]:
    """Each change of what the team believed while the exercise ran, the first at its start."""
    found = [Belief(0.0, 0.0, (), {})]
    own = {one.number for one in log.hypotheses}
    before: tuple[object, Status] = (None, Status.TRIAGE)
    for told in log.told:
        now = (told.state.hypotheses, told.state.status)
        if told.second > log.end or (now[0] is before[0] and now[1] is before[1]):
            continue
        before = now
        belief = _belief(told.second, told.state, true, own, terms.nothing_wrong)
        if found[-1].second == belief.second:
            found[-1] = belief
        else:
            found.append(belief)
    return tuple(found)


def _belief(second: float, state: IncidentState, true: frozenset[int], own: set[int], nothing_wrong: bool) -> Belief:
    live = [one for one in state.hypotheses if one.number in own and one.status != "refuted"]
    held = dict(_held(live))
    if state.status is Status.DECLINED:
        right = 1.0 if nothing_wrong else 0.0
        return Belief(second, right, () if nothing_wrong else (1.0,), held)
    truth = sum(p for number, p in held.items() if number in true)
    return Belief(second, min(1.0, truth), tuple(p for number, p in held.items() if number not in true), held)


def _held(live: list[Hypothesis]) -> Iterator[tuple[int, float]]:
    sure = [one for one in live if one.status == "confirmed"]
    if sure:
        yield from ((one.number, 1 / len(sure) if one in sure else 0.0) for one in live)
        return
    alike = 1 / (len(live) + 1)
    rated = [(one.number, alike if one.probability is None else one.probability) for one in live]
    whole = max(1.0, sum(p for _, p in rated))
    yield from ((number, p / whole) for number, p in rated)
