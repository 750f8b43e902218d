"""Review: follow-ups that somebody owns by a date, and the factors that let it happen, named.

What is written after the end of the exercise counts: this is when people sit together.
"""

from __future__ import annotations

from collections.abc import Iterator

from warroom.incident import events as e
from warroom.tabletop.score.decay import count, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

OWNED, NAMED = 3.0, 2.0
WANTED = 2
"""Follow-ups that a review should lead to; one where nothing was wrong."""


def review(log: ExerciseLog, terms: Terms) -> tuple[Item, ...]:
    """Two items; 5 points."""
    return (_owned(log, terms), _named(log, terms))


def _owned(log: ExerciseLog, terms: Terms) -> Item:
    title = "Follow-ups with owner and date"
    tasks = [one for one in log.state.tasks if one.follow_up and one.status != "dropped"
             and one.added_by not in log.hosts]  # fmt: skip
    if not tasks:
        return Item("review.follow-ups", title, 0.0, OWNED, "no follow-up was written down")
    good = [one for one in tasks if one.assignee and one.due_at is not None]
    wanted = max(len(tasks), 1 if terms.nothing_wrong else WANTED)
    lacking = [f"T{one.number}" for one in tasks if one not in good]
    why = f"{len(good)} of {count(wanted, 'follow-up')} with an owner and a due date"
    why += f"; without: {', '.join(lacking)}" if lacking else ""
    return Item("review.follow-ups", title, points(OWNED * len(good) / wanted, OWNED), OWNED, why,
                tuple(one.seq for one in tasks))  # fmt: skip


def _named(log: ExerciseLog, terms: Terms) -> Item:
    title = "Contributing factors named"
    texts = list(_texts(log))
    if not terms.contributing:
        spoken = [seq for seq, _ in texts]
        why = "the scenario seals none" if spoken else "nothing was written down"
        return Item("review.factors", title, NAMED if spoken else 0.0, NAMED, why)
    found: dict[int, int] = {}
    for seq, text in texts:
        for place in terms.truth.contributing(text):
            found.setdefault(place, seq)
    why = f"{len(found)} of {count(len(terms.contributing), 'sealed factor')} named"
    missing = [text for place, text in enumerate(terms.contributing) if place not in found]
    why += f"; not named: {'; '.join(missing)}" if missing else ""
    worth = len(found) / len(terms.contributing)
    return Item("review.factors", title, points(NAMED * worth, NAMED), NAMED, why, tuple(sorted(set(found.values()))))


def _texts(log: ExerciseLog) -> Iterator[tuple[int, str]]:
    """What the players wrote that is meant to stay: everything but chat."""
    for told in log.own:
        match told.event:
            case e.TaskAdded(title=text, follow_up=True) | e.NoteAdded(text=text) | e.HypothesisProposed(text=text):
                yield told.seq, text
            case e.SummaryChanged(summary=text) | e.UpdatePublished(text=text) | e.TaskFinished(result=text):
                yield told.seq, text
            case e.DecisionTaken(choice=choice, reason=reason):
                yield told.seq, f"{choice} {reason}"
            case e.HypothesisSupported(evidence=text) | e.HypothesisConfirmed(evidence=text):
                yield told.seq, text
            case e.IncidentDeclined(reason=text) | e.ImpactDescribed(text=text) | e.EntryCorrected(text=text):
                yield told.seq, text
            case _:
                pass
