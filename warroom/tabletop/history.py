"""Exercises over time: how often each scenario was played, how it went, and whether it gets better.

Invariant: pure, from scores alone; the same scores in the same order give the same history. An exercise that was
stopped is told and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from warroom.tabletop.score.shapes import Score

_TICKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Past:
    """One exercise that was played, and when (in real time)."""

    score: Score
    played_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """The runs of one scenario, or all (`scenario` empty): how many, the first, the last and the best score, points
    gained from run to run on average, and the categories' shares (0 to 1) in the first half of the runs and the second.

    `gain` is the slope of the least-squares line through the scores; None with a single run. `stopped` is how many more
    were stopped before their end; where all were, there are no scores: None, and nothing in `totals` and the shares.
    """

    scenario: str
    title: str
    count: int
    stopped: int
    first: float | None
    last: float | None
    best: float | None
    mean: float | None
    gain: float | None
    totals: tuple[float, ...]
    earlier: dict[str, float]
    later: dict[str, float]


@dataclass(frozen=True, slots=True)
class History:
    """The runs in the order they were played, and the progress over all and for each scenario."""

    runs: tuple[Past, ...]
    overall: Progress | None
    scenarios: tuple[Progress, ...]


def history(played: Sequence[Past], *, who: str = "") -> History:
    """The history of those runs; with `who`, of those in which that person took part."""
    runs = tuple(
        sorted(
            (one for one in played if not who or who in one.score.team),
            key=lambda one: (one.played_at, one.score.incident),
        )
    )
    names = dict.fromkeys(one.score.scenario for one in runs)
    return History(
        runs,
        _progress("", "all", runs) if runs else None,
        tuple(_progress(name, "", [one for one in runs if one.score.scenario == name]) for name in names),
    )


def _progress(scenario: str, title: str, runs: Sequence[Past]) -> Progress:
    played = [one for one in runs if one.score.played_out]
    totals = tuple(one.score.total for one in played)
    half = len(played) // 2
    return Progress(
        scenario,
        title or runs[-1].score.title,
        len(played),
        len(runs) - len(played),
        totals[0] if totals else None,
        totals[-1] if totals else None,
        max(totals, default=None),
        round(fmean(totals), 2) if totals else None,
        _slope(totals),
        totals,
        _shares(played[:half] or played),
        _shares(played[half:]),
    )


def _slope(values: Sequence[float]) -> float | None:
    """Points gained per run: the slope of the least-squares line through (0, first), (1, second) ..."""
    if len(values) < 2:
        return None
    middle, mean = (len(values) - 1) / 2, fmean(values)
    above = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    return round(above / sum((place - middle) ** 2 for place in range(len(values))), 2)


def _shares(runs: Sequence[Past]) -> dict[str, float]:
    """The mean share of each category's points; categories that a scenario weighs with nothing do not count."""
    found: dict[str, list[float]] = {}
    for one in runs:
        for category in one.score.categories:
            if category.of:
                found.setdefault(category.id, []).append(category.points / category.of)
    return {name: round(fmean(values), 4) for name, values in found.items()}


def spark(values: Sequence[float]) -> str:
    """Scores of 0 to 100 as a line of blocks, the oldest first."""
    return "".join(_TICKS[max(1, min(8, round(value / 100 * 8)))] for value in values)


def rows(found: History) -> Iterator[tuple[str, ...]]:
    """One row for each scenario, then all together: scenario, runs, stopped, first, last, best, per run, scores."""
    for one in (*found.scenarios, *([found.overall] if found.overall and len(found.scenarios) > 1 else [])):
        gain = "" if one.gain is None else f"{one.gain:+.1f}"
        figures = ("" if value is None else f"{value:.1f}" for value in (one.first, one.last, one.best))
        yield (one.scenario or "all", str(one.count), str(one.stopped or ""), *figures, gain, spark(one.totals[-24:]))


def category_rows(found: History) -> Iterator[tuple[str, ...]]:
    """One row for each category over all runs: its share earlier, later, and the difference in points of hundred."""
    if found.overall is None:
        return
    for name, later in found.overall.later.items():
        earlier = found.overall.earlier.get(name, later)
        yield name, f"{earlier:.0%}", f"{later:.0%}", f"{(later - earlier) * 100:+.0f}"


def history_json(found: History) -> dict[str, Any]:
    """The history as JSON values."""

    def told(one: Progress) -> dict[str, Any]:
        return {name: getattr(one, name) for name in Progress.__dataclass_fields__} | {"totals": list(one.totals)}

    return {
        "runs": [
            {
                "incident": one.score.incident,
                "scenario": one.score.scenario,
                "version": one.score.version,
                "played_at": one.played_at.isoformat(),
                "ended": one.score.ended,
                "total": one.score.total,
                "hints": one.score.hints,
                "team": list(one.score.team),
                "categories": {category.id: category.points for category in one.score.categories},
            }
            for one in found.runs
        ],
        "overall": None if found.overall is None else told(found.overall),
        "scenarios": [told(one) for one in found.scenarios],
    }
