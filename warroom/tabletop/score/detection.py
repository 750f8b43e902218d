"""Detection: how soon somebody said that this is an incident, or, where nothing is wrong, that it is none.

`of * 0.5 ** (late / half-life)`, late counting from the time by which a good team has spoken.
"""

from __future__ import annotations

from warroom.tabletop.score.decay import clock, fading, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

OF = 10.0


def detection(log: ExerciseLog, terms: Terms) -> tuple[Item, ...]:
    """One item; 10 points."""
    worth, why, entries = _standing_down(log, terms) if terms.nothing_wrong else _declaring(log, terms)
    title = "Stood down in time" if terms.nothing_wrong else "Declared in time"
    return (Item("detection.time", title, points(OF * worth, OF), OF, why, entries),)


def _declaring(log: ExerciseLog, terms: Terms) -> tuple[float, str, tuple[int, ...]]:
    declared = log.declared
    if declared is None:
        down = log.stood_down
        if down is not None:
            when = clock(down[0].second)
            return 0.0, f"declined at {when} as no incident, while users were being hurt", (down[0].seq,)
        return 0.0, f"never declared; a good team has declared by {clock(terms.declare_by)}", ()
    return _timed("declared", declared.second, declared.seq, terms)


def _standing_down(log: ExerciseLog, terms: Terms) -> tuple[float, str, tuple[int, ...]]:
    if log.declared is not None:
        when = clock(log.declared.second)
        return 0.0, f"declared an incident at {when}, and nothing was wrong", (log.declared.seq,)
    if log.stood_down is None:
        return 0.0, "nobody said that nothing is wrong: it was never declined", ()
    told, _ = log.stood_down
    return _timed("declined with a reason", told.second, told.seq, terms)


def _timed(what: str, second: float, seq: int, terms: Terms) -> tuple[float, str, tuple[int, ...]]:
    late = second - terms.declare_by
    worth = fading(late, terms.half_life)
    if late <= 0:
        return worth, f"{what} at {clock(second)}, due by {clock(terms.declare_by)}", (seq,)
    half = clock(terms.half_life)
    return worth, f"{what} at {clock(second)}, {clock(late)} after it was due; half is left after every {half}", (seq,)
