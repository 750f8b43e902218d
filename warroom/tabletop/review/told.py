"""What a report tells, as plain data: the log, the score, the compared runs and the truth, brought together.

Invariant: pure. Every value is text, a number, a list or a mapping, so that names can be masked in all of it at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from warroom.incident import events as e
from warroom.incident.record import Record
from warroom.review.brief import duration
from warroom.tabletop.acts import InjectSpec
from warroom.tabletop.happenings import Happenings
from warroom.tabletop.model import Scenario
from warroom.tabletop.score.beliefs import Belief, beliefs, true_ones
from warroom.tabletop.score.decay import clock
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.of_scenario import terms_of
from warroom.tabletop.score.shapes import Item, Score
from warroom.tabletop.score.terms import Terms

WELL, BADLY = 0.8, 0.5
"""Of an item's points: what went well has at least so much, what did not has no more than the second."""


class Told:
    """Everything a report is made of. `at` is when it is written."""

    def __init__(self, records: Sequence[Record], scenario: Scenario, score: Score, at: datetime) -> None:
        self.log = ExerciseLog(records)
        self.scenario = scenario
        self.score = score
        self.at = at
        self.terms: Terms = terms_of(scenario)
        self.true = true_ones(self.log, self.terms)
        self.beliefs: tuple[Belief, ...] = beliefs(self.log, self.terms, self.true)

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**self._heading(), **self._measured(), **self._found_out(), **self._learned(), **self._told()}

    def _heading(self) -> dict[str, Any]:
        log, score, about = self.log, self.score, self.scenario.metadata
        return {
            "incident": score.incident,
            "title": about.title,
            "scenario": about.id,
            "version": about.version,
            "difficulty": about.difficulty,
            "seed": score.seed,
            "started": _day(log.exercise.started_at),
            "written": _day(self.at),
            "lasted": duration_of(log.end),
            "ended": score.ended,
            "branch": log.exercise.branch_of,
            "total": score.total,
            "hints": score.hints,
            "took_part": score.took_part,
            "briefing": self.scenario.briefing,
            "objectives": [{"id": one.id, "text": one.text} for one in self.scenario.objectives],
            "inspired_by": self._inspired(),
            "count": log.state.seq,
            "head": log.state.head_hash.hex(),
        }

    def _measured(self) -> dict[str, Any]:
        """The score, what users lost, and when things happened."""
        score = self.score
        return {
            "categories": [self._category(one) for one in score.categories],
            "lost": {name: getattr(score.lost, name) for name in ("asked", "team", "nothing", "reference")},
            "nothing_wrong": self.terms.nothing_wrong,
            "clocks": [_times(one.title, one.second, one.entry, one.reference, one.nothing) for one in score.clocks],
            "spans": [
                {"title": one.title, "formula": one.formula, "team": _lasting(one.seconds),
                 "reference": _lasting(one.reference), "nothing": _lasting(one.nothing)}
                for one in score.spans
            ],
            "milestones": [
                {"id": one.id, "text": one.text, "due": clock(one.due), "at": clock(one.second),
                 "status": one.status, "entry": one.entry, "objective": one.objective}
                for one in score.milestones
            ],
        }  # fmt: skip

    def _found_out(self) -> dict[str, Any]:
        """What the team thought, saw and did."""
        log, score = self.log, self.score
        return {
            "hypotheses": list(self._hypotheses()),
            "dead_end": _lasting(score.unscored.dead_end_seconds) if score.unscored.dead_end_seconds else "",
            "actions": list(self._actions()),
            "sightings": [
                {"text": one.text, "visible": clock(one.visible), "mentioned": clock(one.mentioned),
                 "after": _lasting(one.mentioned - one.visible)
                 if one.mentioned is not None and one.visible is not None else "", "entry": one.entry}
                for one in score.unscored.sightings
            ],
            "pins": [
                {"number": pin.number, "title": pin.title, "kind": pin.kind, "who": pin.who,
                 "at": clock(log.second_of(pin.at)), "entry": pin.seq}
                for pin in log.state.evidence
            ],
        }  # fmt: skip

    def _learned(self) -> dict[str, Any]:
        """What went well, what did not, and what to do about it."""
        items = [item for category in self.score.categories for item in category.items]
        return {
            "well": [_reason(item) for item in items if item.points >= WELL * item.of],
            "badly": [_reason(item) for item in sorted(items, key=lambda one: one.points - one.of)
                      if item.points <= BADLY * item.of],
            "improvements": list(self._improvements()),
            "truth": self._truth(),
            "questions": list(self.scenario.debrief),
            "unscored": self._unscored(),
        }  # fmt: skip

    def _told(self) -> dict[str, Any]:
        """Who was there, what reached them, and what was said and decided."""
        log = self.log
        return {
            "injects": list(self._injects()),
            "updates": [
                {"at": clock(log.second_of(one.published_at)), "who": one.published_by, "text": one.text,
                 "audience": one.audience, "entry": one.seq}
                for one in log.state.updates
            ],
            "decisions": [
                {"number": one.number, "question": one.question, "choice": one.choice or "still open",
                 "reason": one.reason, "who": one.decided_by, "entry": one.seq}
                for one in log.state.decisions
            ],
            "people": list(self._people()),
            "remarks": [
                {"rubric": one.rubric, "points": one.points, "text": one.text, "counted": one.counted,
                 "entry": one.entry}
                for one in self.score.remarks
            ],
        }  # fmt: skip

    def _inspired(self) -> dict[str, str] | None:
        found = self.scenario.metadata.inspired_by
        if found is None:
            return None
        return {"name": found.name, "source": found.public_source, "fidelity": found.fidelity}

    def _category(self, category: Any) -> dict[str, Any]:
        return {
            "id": category.id,
            "title": category.title,
            "points": category.points,
            "of": category.of,
            "share": round(category.points / category.of, 4) if category.of else 0.0,
            "items": [
                {"title": item.title, "points": item.points, "of": item.of, "why": item.why,
                 "entries": list(item.entries)}
                for item in category.items
            ],
        }  # fmt: skip

    def _hypotheses(self) -> Iterator[dict[str, Any]]:
        for one in self.log.hypotheses:
            steps = self.steps(one.number)
            yield {
                "number": one.number,
                "text": one.text,
                "who": one.proposed_by,
                "at": clock(self.log.second_of(one.proposed_at)),
                "status": one.status,
                "true": one.number in self.true,
                "probabilities": [{"at": clock(second), "value": value} for second, value in steps],
                "dead": _lasting(self.score.unscored.dead_ends.get(one.number)),
                "evidence": [
                    {"verdict": finding.verdict, "who": finding.who, "text": finding.text,
                     "pins": list(finding.pins), "at": clock(self.log.second_of(finding.at))}
                    for finding in one.evidence
                ],
                "entry": one.seq,
            }  # fmt: skip

    def steps(self, number: int) -> list[tuple[float, float]]:
        """Each change of what the team held a hypothesis to be worth, from its first moment to its last."""
        found: list[tuple[float, float]] = []
        for belief in self.beliefs:
            value = belief.by_number.get(number)
            if value is None and not found:
                continue
            if not found or found[-1][1] != (value or 0.0):
                found.append((belief.second, round(value or 0.0, 4)))
        return found

    def _actions(self) -> Iterator[dict[str, Any]]:
        for one in self.log.actions:
            started = None if one.started_at is None else self.log.second_of(one.started_at)
            yield {
                "number": one.number,
                "title": one.title,
                "who": one.requested_by,
                "agreed": one.approved_by or ("nobody had to" if not one.approval else "nobody"),
                "asked": clock(self.log.second_of(one.requested_at)),
                "started": "" if started is None else clock(started),
                "start": started,
                "end": None if one.ended_at is None else self.log.second_of(one.ended_at),
                "ended": "" if one.ended_at is None else clock(self.log.second_of(one.ended_at)),
                "status": one.status,
                "verdict": self.verdict(one.action),
                "words": one.words,
                "entry": one.seq,
            }

    def verdict(self, action: str) -> str:
        """What the sealed truth says of an action."""
        if action in self.terms.harmful:
            return "harmful"
        return "right" if action in self.terms.mitigations else "no help"

    def _improvements(self) -> Iterator[dict[str, Any]]:
        for one in self.log.state.tasks:
            if one.follow_up and one.status != "dropped":
                due = "" if one.due_at is None else one.due_at.strftime("%Y-%m-%d")
                yield {"number": one.number, "title": one.title, "owner": one.assignee, "due": due,
                       "status": one.status, "entry": one.seq}  # fmt: skip

    def _injects(self) -> Iterator[dict[str, Any]]:
        told = Happenings(self.scenario.sealed, self.log.exercise.started_at)
        for record in self.log.records:
            told.add(record)
        for one in self.log.told:
            row: dict[str, Any] = {"at": clock(one.second), "second": one.second, "entry": one.seq, "cost": 0.0}
            match one.event:
                case e.InjectDelivered() as event:
                    spec = self.scenario.inject(event.inject)
                    # The words of a whisper are not on the log; the scenario has them.
                    private = spec.text if spec is not None else "spoken in private"
                    row |= {"id": event.inject, "sender": event.sender or "The facilitator", "to": event.to,
                            "method": event.method, "text": private if event.whispered else event.text,
                            "forces": event.forces, "followed": _followed(spec, one.second, told)}  # fmt: skip
                case e.HintGiven() as event:
                    row |= {"id": event.inject, "sender": "Hint", "to": "all", "method": "hint", "text": event.text,
                            "forces": "", "followed": "", "cost": event.cost}  # fmt: skip
                case _:
                    continue
            yield row

    def _truth(self) -> dict[str, Any]:
        sealed, exercise = self.scenario.sealed, self.log.exercise
        cause = sealed.root_cause
        named = set()
        for one in self.log.own:
            for text in _said(one.event):
                named |= set(self.terms.truth.contributing(text))
        titles = {one.id: one.title for one in self.scenario.actions}
        return {
            "cause": cause.text if cause else "Nothing was wrong.",
            "what": f"{cause.kind} {cause.entity}: {cause.mechanism}" if cause else "",
            "story": [part.strip() for part in re.split(r"\n\s*\n", sealed.story) if part.strip()],
            "propagation": [
                {"source": one.source, "target": one.target, "condition": one.condition, "effect": one.effect}
                for one in sealed.propagation
            ],
            "contributing": [
                {"text": one.text, "named": place in named} for place, one in enumerate(sealed.contributing)
            ],
            "accepted": [[titles.get(name, name) for name in one] for one in sealed.accepted_mitigations],
            "harmful": [titles.get(name, name) for name in sorted(self.terms.harmful)],
            "committed": exercise.truth,
            "opened": bool(exercise.key),
        }

    def _people(self) -> Iterator[dict[str, Any]]:
        state = self.log.state
        held: dict[str, list[str]] = {}
        for one in (*state.past_roles, *state.roles):
            held.setdefault(one.who, []).append(one.duty.label)
        voices = {one.who: one for one in self.score.unscored.voices}
        for who in dict.fromkeys([*self.log.team, *(name for name in held if name not in self.log.hosts)]):
            acts = [one for one in self.log.own if one.actor == who]
            voice = voices.get(who)
            yield {
                "name": who,
                "duties": list(dict.fromkeys(held.get(who, []))),
                "acts": len(acts),
                "first": clock(acts[0].second) if acts else "",
                "last": clock(acts[-1].second) if acts else "",
                "share": 0.0 if voice is None else voice.share,
            }

    def _unscored(self) -> dict[str, Any]:
        found = self.score.unscored
        return {
            "panes": [{"kind": kind, "pins": number} for kind, number in found.panes.items()],
            "gaps": [{"from": clock(start), "to": clock(end), "lasted": _lasting(end - start)}
                     for start, end in found.gaps],
            "duplicates": [list(pair) for pair in found.duplicates],
        }  # fmt: skip


def masked(data: Any, names: Sequence[str]) -> Any:
    """The same data with every person's name replaced, wherever it stands as a word of its own."""
    if not names:
        return data
    other = {name: f"responder {place}" for place, name in enumerate(sorted(names), start=1)}
    found = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, sorted(other, key=len, reverse=True))) + r")(?!\w)")

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return found.sub(lambda hit: other[hit[1]], value)
        if isinstance(value, Mapping):
            return {key: walk(one) for key, one in value.items()}
        return [walk(one) for one in value] if isinstance(value, list | tuple) else value

    return walk(data)


def duration_of(seconds: float) -> str:
    """Seconds as `1 h 23 min`, `47 min`, `30 s`."""
    from datetime import timedelta

    return duration(timedelta(seconds=seconds))


def _followed(spec: InjectSpec | None, second: float, told: Happenings) -> str:
    """Whether what an inject was to force came within its time."""
    if spec is None or spec.expected is None:
        return ""
    name, _, arguments = spec.expected.event.partition(":")
    wanted = tuple(part for part in arguments.split("|") if part)
    came = next((one for one in told.seconds(name, wanted) if one >= int(second)), None)
    if came is None:
        return f"{spec.expected.event} never came"
    late = came - second - spec.expected.within
    when = f"{spec.expected.event} came after {clock(came - second)}"
    return f"{when}, in time" if late <= 0 else f"{when}, {clock(late)} late"


def _said(event: e.Event | None) -> Iterator[str]:
    for name in ("text", "title", "summary", "reason", "evidence", "result", "choice"):
        value = getattr(event, name, None)
        if isinstance(value, str) and value:
            yield value


def _reason(item: Item) -> dict[str, Any]:
    return {"title": item.title, "why": item.why, "points": item.points, "of": item.of, "entries": list(item.entries)}


def _times(title: str, second: float | None, entry: int | None, reference: float | None, nothing: float | None) -> Any:
    return {
        "title": title,
        "team": clock(second),
        "entry": entry,
        "reference": "" if reference is None else clock(reference),
        "nothing": "" if nothing is None else clock(nothing),
    }


def _lasting(seconds: float | None) -> str:
    return "" if seconds is None else clock(seconds)


def _day(moment: datetime) -> str:
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
