"""MTTD, MTTA, MTTM and MTTR of one incident, each with its formula and the entries behind it.

Invariant: a number is only given when both of its milestones are known and in order; otherwise the reason, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from warroom.incident.state import IncidentState
from warroom.incident.words import Milestone, Severity, Status


@dataclass(frozen=True, slots=True)
class Formula:
    """`name` is the time from `start` to `end`."""

    name: str
    meaning: str
    end: Milestone
    start: Milestone

    @property
    def text(self) -> str:
        """`MTTM = mitigated - detected`."""
        return f"{self.name} = {_short(self.end)} - {_short(self.start)}"


FORMULAS = (
    Formula("MTTD", "time to detect", Milestone.DETECTED, Milestone.IMPACT_STARTED),
    Formula("MTTA", "time to acknowledge", Milestone.ACKNOWLEDGED, Milestone.DETECTED),
    Formula("MTTM", "time to mitigate", Milestone.MITIGATED, Milestone.DETECTED),
    Formula("MTTR", "time to resolve", Milestone.RESOLVED, Milestone.IMPACT_STARTED),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of one incident. `value` is None with the `reason` why; `seqs` are the entries it rests on.

    `corrected` tells whether one of the milestones was set by a correction.
    """

    name: str
    meaning: str
    formula: str
    value: timedelta | None
    reason: str
    start: Milestone
    end: Milestone
    start_at: datetime | None
    end_at: datetime | None
    seqs: tuple[int, ...]
    corrected: bool


def measures(state: IncidentState) -> tuple[Measure, ...]:
    """The four measures, in the order of `FORMULAS`."""
    return tuple(_measure(state, formula) for formula in FORMULAS)


def _measure(state: IncidentState, formula: Formula) -> Measure:
    start = state.milestones.get(formula.start)
    end = state.milestones.get(formula.end)
    value, reason = None, ""
    missing = [_short(m) for m, at in ((formula.start, start), (formula.end, end)) if at is None]
    if missing:
        reason = f"not known when it was {' and '.join(missing)}"
        if missing[0] == _short(Milestone.IMPACT_STARTED):
            reason = "not known when the impact started" + (f", nor when it was {missing[1]}" if missing[1:] else "")
    elif start is not None and end is not None:
        if end < start:
            reason = f"{_short(formula.end)} lies before {_short(formula.start)}; correct one of the two"
        else:
            value = end - start
    used = (formula.start, formula.end)
    return Measure(
        name=formula.name,
        meaning=formula.meaning,
        formula=formula.text,
        value=value,
        reason=reason,
        start=formula.start,
        end=formula.end,
        start_at=start,
        end_at=end,
        seqs=tuple(dict.fromkeys(state.milestone_seqs[m] for m in used if m in state.milestone_seqs)),
        corrected=any(m in state.corrected for m in used),
    )


def _short(milestone: Milestone) -> str:
    return milestone.value.removesuffix("_at")


def time_per_severity(state: IncidentState, until: datetime) -> dict[Severity, timedelta]:
    """How long it was of each severity, from its declaration to its resolution, or to `until` while unresolved."""
    return _spent(state.severities, _end(state, until))


def time_per_status(state: IncidentState, until: datetime) -> dict[Status, timedelta]:
    """How long it was in each live status, up to `until` while it lasts."""
    spent = _spent(state.statuses, until)
    return {status: time for status, time in spent.items() if status.is_live}


def _end(state: IncidentState, until: datetime) -> datetime:
    ended = state.milestones.get(Milestone.RESOLVED) or state.milestones.get(Milestone.CLOSED)
    return min(ended, until) if ended else until


K = TypeVar("K")


def _spent(history: tuple[tuple[K, datetime], ...], until: datetime) -> dict[K, timedelta]:
    """The time between each entry of `history` and the next; what was back-dated before its predecessor counts 0."""
    spent: dict[K, timedelta] = {}
    ends = [since for _, since in history[1:]] + [until]
    for (kind, since), end in zip(history, ends, strict=True):
        spent[kind] = spent.get(kind, timedelta()) + max(min(end, until) - since, timedelta())
    return spent
