"""What an exercise says of itself in words, so that no output of one can be taken for the real thing.

Invariant: pure, and empty for an ordinary incident.
"""

from __future__ import annotations

from datetime import datetime

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty

_ENDINGS = {
    "finished": "it is over",
    "safe_word": "it was STOPPED by the safe word",
    "hard_stop": "it ran out of time",
    "abandoned": "it was abandoned",
}


def now_in(state: IncidentState, now: datetime) -> datetime:
    """The time by which an incident's ages are told: an exercise's clock is that of its log, not of this machine."""
    newest = state.entry(state.seq)
    return newest.recorded_at if state.exercise is not None and newest is not None else now


def short_clock(seconds: float) -> str:
    """`12:42`, or `1:12:42` from an hour on."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"


def exercise_line(state: IncidentState, now: datetime) -> str:
    """That it is one, how far it is, its pace or how it ended; empty for what is no exercise."""
    exercise = state.exercise
    if exercise is None:
        return ""
    if not exercise.running:
        stopped = exercise.second_at(exercise.stopped_at or now)
        how = _ENDINGS.get(exercise.stop_reason, exercise.stop_reason)
        return f"EXERCISE: nothing here was real; {how} after {short_clock(stopped)}. {exercise.title}"
    pace = f"runs at {exercise.speed:g}x" if exercise.speed else "is PAUSED"
    at = short_clock(exercise.second_at(now))
    return f"EXERCISE: nothing here is real; it {pace}, at T+{at}. The safe word is {exercise.safe_word!r}"


def exercise_lines(state: IncidentState) -> list[str]:
    """What was done to the imaginary production, what waits, who is out of reach, and what hints cost."""
    exercise = state.exercise
    if exercise is None:
        return []
    lines = []
    for one in state.actions:
        waits = (
            f", waits for the {Duty(one.approval).label.lower()}" if one.status == "requested" and one.approval else ""
        )
        words = f": {one.words}" if one.words else ""
        lines.append(f"Action {one.number} {one.status}{waits}: {one.title} ({one.requested_by}){words}")
    lines += [f"{who} is out of reach" for who in sorted(exercise.withheld)]
    if exercise.hints:
        lines.append(f"Hints have cost {exercise.hints:g} points")
    return lines
