"""Diagnosis: what the team believed, against the sealed truth, over the time in which a good team is done.

The window reaches from the onset, or from the start where it began before, to the scenario's expected duration; what
was believed at the end of the exercise goes on to its end, so that whoever is done early loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from warroom.tabletop.score.beliefs import Belief, beliefs, true_ones
from warroom.tabletop.score.decay import clip, clock, count, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

BELIEF, RANK, EVIDENCE, CLOSED = 10.0, 4.0, 3.0, 3.0
SHORTEST = 600.0
"""The least seconds of the window."""
FOUND = 0.4
"""The part of the window after which a good team knows, where the scenario does not say."""
QUARTERS = (0.25, 0.5, 0.75)


def diagnosis(log: ExerciseLog, terms: Terms) -> tuple[Item, ...]:
    """Four items; 20 points."""
    true = true_ones(log, terms)
    held = beliefs(log, terms, true)
    return (
        _belief(log, terms, held),
        _rank(log, terms, held, true),
        _evidence(log),
        _closed(log, true),
    )


def window(terms: Terms) -> tuple[float, float]:
    """From when to when beliefs count, in seconds."""
    start = max(0.0, terms.onset)
    return start, max(terms.expected, start + SHORTEST)


def mean_brier(held: Sequence[Belief], start: float, end: float) -> float:
    """The time average from `start` to `end`; the last belief stays."""
    total = 0.0
    for place, belief in enumerate(held):
        until = held[place + 1].second if place + 1 < len(held) else end
        total += max(0.0, min(end, until) - max(start, belief.second)) * belief.brier
    return total / (end - start)


def believed(held: Sequence[Belief], second: float) -> Belief:
    """What was believed at that second."""
    return next(one for one in reversed(held) if one.second <= second or one is held[0])


def _belief(log: ExerciseLog, terms: Terms, held: Sequence[Belief]) -> Item:
    title = "Probabilities against the truth"
    start, end = window(terms)
    known = clip(terms.due("hypothesis.names", start + FOUND * (end - start)), start, end - 1)
    par = (known - start) / (end - start)
    mean = mean_brier(held, start, end)
    worth = clip((1 - mean) / (1 - par))
    why = (
        f"Brier score {mean:.2f} on average from {clock(start)} to {clock(end)} (0 is the truth with certainty, 1 no "
        f"idea, 2 certain of something else); a good team has {par:.2f}, knowing by {clock(known)}"
    )
    entries = _entries(log, {one.number for one in log.hypotheses})
    if not entries and log.stood_down is None:
        why = "no hypothesis was proposed"
    entries = entries or (() if log.stood_down is None else (log.stood_down[0].seq,))
    return Item("diagnosis.belief", title, points(BELIEF * worth, BELIEF), BELIEF, why, entries)


def _rank(log: ExerciseLog, terms: Terms, held: Sequence[Belief], true: frozenset[int]) -> Item:
    title = "The truth among the theories"
    start, end = window(terms)
    ranks = [believed(held, start + part * (end - start)).rank for part in QUARTERS]
    worth = sum(1 / rank for rank in ranks if rank is not None) / len(QUARTERS)
    told = ", ".join(
        f"{'absent' if rank is None else f'place {rank}'} at {clock(start + part * (end - start))}"
        for part, rank in zip(QUARTERS, ranks, strict=True)
    )
    return Item("diagnosis.rank", title, points(RANK * worth, RANK), RANK, f"the truth was {told}", _entries(log, true))


def _evidence(log: ExerciseLog) -> Item:
    title = "Theories with evidence"
    if not log.hypotheses:
        if log.stood_down is not None:
            pins = tuple(pin.seq for pin in log.state.evidence if pin.who not in log.hosts)
            why = "stood down on pinned evidence" if pins else "stood down without pinning what was looked at"
            return Item("diagnosis.evidence", title, EVIDENCE if pins else 0.0, EVIDENCE, why, pins)
        return Item("diagnosis.evidence", title, 0.0, EVIDENCE, "no hypothesis was proposed")
    backed = [one for one in log.hypotheses if any(finding.pins for finding in one.evidence)]
    why = f"{len(backed)} of {_theories(len(log.hypotheses))} linked to a pin from a pane"
    entries = tuple(sorted(finding.seq for one in backed for finding in one.evidence if finding.pins))
    worth = len(backed) / len(log.hypotheses)
    return Item("diagnosis.evidence", title, points(EVIDENCE * worth, EVIDENCE), EVIDENCE, why, entries)


def _closed(log: ExerciseLog, true: frozenset[int]) -> Item:
    title = "Dead theories closed"
    wrong = [one for one in log.hypotheses if one.number not in true]
    if not wrong:
        found = bool(log.hypotheses) or log.stood_down is not None
        why = "no wrong theory was put up" if found else "no hypothesis was proposed"
        return Item("diagnosis.closed", title, CLOSED if found else 0.0, CLOSED, why)
    refuted = [one for one in wrong if one.status == "refuted"]
    left = [f"H{one.number}" for one in wrong if one.status != "refuted"]
    why = f"{len(refuted)} of {count(len(wrong), 'wrong theory').replace('theorys', 'theories')} refuted"
    why += f"; still standing: {', '.join(left)}" if left else ""
    entries = tuple(sorted(one.evidence[-1].seq for one in refuted if one.evidence))
    return Item("diagnosis.closed", title, points(CLOSED * len(refuted) / len(wrong), CLOSED), CLOSED, why, entries)


def _theories(number: int) -> str:
    return "1 hypothesis" if number == 1 else f"{number} hypotheses"


def _entries(log: ExerciseLog, numbers: set[int] | frozenset[int]) -> tuple[int, ...]:
    return tuple(sorted(one.seq for one in log.hypotheses if one.number in numbers))
