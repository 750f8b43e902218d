"""Communication: updates when they were due, the first one soon, and in each what readers need.

What an update says is read off its fields (`Impact:`, `Scope:`, `We know:`, `We do:`, `Next update:`), wherever they
stand, and off the time the next one was promised for; language is not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from warroom.incident import events as e
from warroom.tabletop.score.decay import clock, count, fading, points
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.roles import started
from warroom.tabletop.score.shapes import Item
from warroom.tabletop.score.terms import Terms

CADENCE, FIRST, CONTENT = 8.0, 3.0, 4.0
FIRST_DUE, FIRST_HALF = 600.0, 600.0
EVERY = 1200.0
GRACE = 60.0

FIELDS: dict[str, str] = {
    "impact": r"impact|customer impact|who is hurt|effect",
    "scope": r"scope|affected|where|extent",
    "what we know": r"we know|what we know|known|findings|status|cause",
    "what we do": r"we do|what we do|we are doing|doing|actions?|mitigation",
    "next update": r"next update|next|next update at|next update in",
}
"""The five fields, and the labels by which each is recognised, in any case."""

_LABEL = re.compile("|".join(rf"(?P<f{place}>{labels})" for place, labels in enumerate(FIELDS.values())), re.IGNORECASE)
_FIELD = re.compile(
    r"(?:^|(?<=[\n.;|,!?•>*#-])|(?<=\s))[*_#>\s-]*(?P<label>"
    + "|".join(f"(?:{labels})" for labels in FIELDS.values())
    + r")[*_]*\s*[::]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """An update, or the reason of a standing down, which is the last one: `due` is when the next was promised for."""

    second: float
    seq: int
    text: str
    due: float | None
    last: bool = False


def comms(log: ExerciseLog, terms: Terms) -> tuple[Item, ...]:
    """Three items; 15 points."""
    said = updates(log)
    due, every = _schedule(log, terms)
    return (_cadence(log, said, due, every), _first(said, due), _content(said))


def updates(log: ExerciseLog) -> tuple[Said, ...]:
    """What the players published before the exercise was stopped, in order."""
    found = [
        Said(told.second, told.seq, event.text,
             None if event.next_update_due is None else log.second_of(event.next_update_due))
        for told, event in log.own_of(e.UpdatePublished)
        if told.second <= log.end
    ]  # fmt: skip
    if log.stood_down is not None:
        told, down = log.stood_down
        found.append(Said(told.second, told.seq, down.reason, None, last=True))
    elif found and log.resolved is not None and found[-1].second >= log.resolved.second:
        found[-1] = Said(found[-1].second, found[-1].seq, found[-1].text, found[-1].due, last=True)
    return tuple(found)


def fields_in(text: str) -> frozenset[str]:
    """Which of the five fields an update fills; a label with nothing behind it does not count."""
    marks = list(_FIELD.finditer(text))
    filled = set()
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        if re.search(r"\w{2,}|\d", text[mark.end() : end]):
            which = _LABEL.fullmatch(mark["label"])
            if which is not None and which.lastgroup is not None:
                filled.add(list(FIELDS)[int(which.lastgroup[1:])])
    return frozenset(filled)


def _schedule(log: ExerciseLog, terms: Terms) -> tuple[float, float]:
    """When the first update is due, and how often after it."""
    milestone = terms.milestone("update.posted")
    if milestone is None or milestone.due is None:
        return started(log, terms) + FIRST_DUE, EVERY
    return milestone.due, milestone.every or EVERY


def owed(said: Sequence[Said], first: float, every: float, until: float) -> list[tuple[float, int | None]]:
    """Each moment an update was due, with the entry that came in time, or None.

    The next is due `every` seconds after the last one, or sooner where that was promised; after a missed one, `every`
    seconds later. At least one is owed.
    """
    found: list[tuple[float, int | None]] = []
    due, after = first, float("-inf")
    while due <= until or not found:
        limit = due + GRACE if due <= until else until
        fresh = [one for one in said if after < one.second <= limit]
        if fresh:
            last = fresh[-1]
            found.append((due, last.seq))
            after = last.second
            promised = last.due if last.due is not None and last.due > last.second else last.second + every
            due = min(last.second + every, promised)
            if last.last:
                break
        else:
            found.append((due, None))
            due += every
    return found


def _cadence(log: ExerciseLog, said: Sequence[Said], first: float, every: float) -> Item:
    title = "Updates when they were due"
    plan = owed(said, first, every, log.answered)
    kept = [seq for _, seq in plan if seq is not None]
    missed = [clock(due) for due, seq in plan if seq is None]
    why = f"{len(kept)} of {count(len(plan), 'update')} came when due, every {every / 60:g} min or as promised"
    why += f"; missed at {', '.join(missed[:6])}{' and later' if len(missed) > 6 else ''}" if missed else ""
    return Item("comms.cadence", title, points(CADENCE * len(kept) / len(plan), CADENCE), CADENCE, why, tuple(kept))


def _first(said: Sequence[Said], due: float) -> Item:
    title = "The first update"
    if not said:
        return Item("comms.first", title, 0.0, FIRST, f"no update was published; the first was due by {clock(due)}")
    late = said[0].second - due
    delay = f", {clock(late)} late" if late > 0 else ""
    why = f"published at {clock(said[0].second)}, due by {clock(due)}{delay}"
    return Item("comms.first", title, points(FIRST * fading(late, FIRST_HALF), FIRST), FIRST, why, (said[0].seq,))


def _content(said: Sequence[Said]) -> Item:
    title = "What updates say"
    if not said:
        return Item("comms.content", title, 0.0, CONTENT, "no update was published")
    worth, lacking = 0.0, dict.fromkeys(FIELDS, 0)
    for one in said:
        filled = fields_in(one.text) | ({"next update"} if one.last or one.due is not None else set())
        worth += len(filled) / len(FIELDS) / len(said)
        for name in FIELDS:
            lacking[name] += name not in filled
    gone = [f"{name} in {times}" for name, times in lacking.items() if times]
    why = f"{count(len(said), 'update')}, each read for {', '.join(FIELDS)}"
    why += f"; missing: {', '.join(gone)}" if gone else "; all are there"
    return Item("comms.content", title, points(CONTENT * worth, CONTENT), CONTENT, why, tuple(one.seq for one in said))
