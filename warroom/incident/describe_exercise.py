"""The sentences of exercises; see `describe`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warroom.incident import events as e


def _because(head: str, reason: str) -> str:
    return f"{head}: {reason}" if reason else head


def _started(event: e.ExerciseStarted) -> str:
    told = event.exercise
    branch = ""
    if told.branch_of:
        minutes, seconds = divmod(told.branch_second or 0, 60)
        branch = f", branched from {told.branch_of} at {minutes}:{seconds:02}"
    return (
        f"EXERCISE begins: {told.title} ({told.scenario}, seed {told.seed}{branch}). "
        f"Nothing here is real; say {told.safe_word!r} to stop it. Truth sealed as {told.truth[:12]}"
    )


def _inject(event: e.InjectDelivered) -> str:
    who = event.sender or "The facilitator"
    if event.whispered:
        return f"{who} spoke to {event.to} in private ({event.method})"
    to = "" if event.to == "all" else f" to {event.to}"
    return f"{who}{to} ({event.method}): {event.text}"


def _hint(event: e.HintGiven) -> str:
    cost = f" (costs {event.cost:g})" if event.cost else ""
    return f"Hint{cost}: {event.text}"


def _requested(event: e.ActionRequested) -> str:
    waits = f", waits for the {event.approval.label.lower()}" if event.approval else ""
    return f"Action {event.number} asked for: {event.title}{waits}"


_ENDINGS = {
    "finished": "The exercise is over",
    "safe_word": "The exercise was STOPPED by the safe word",
    "hard_stop": "The exercise ran out of time",
    "abandoned": "The exercise was abandoned",
}


def _marked(event: e.ExerciseMarked) -> str:
    points = f" {event.points:+g}" if event.points else ""
    verdict = f", hypothesis {event.hypothesis} is {event.verdict}" if event.verdict else ""
    return _because(f"Mark on {event.rubric}{points}{verdict}", event.text)


SENTENCES: dict[type[e.Event], Callable[[Any], str]] = {
    e.ExerciseStarted: _started,
    e.InjectDelivered: _inject,
    e.HintAsked: lambda _: "A hint was asked for",
    e.HintGiven: _hint,
    e.PersonWithheld: lambda v: _because(f"{v.who} is out of reach", v.reason),
    e.PersonReturned: lambda v: f"{v.who} is back",
    e.PaceSet: lambda v: f"The exercise runs at {v.speed:g}x" if v.speed else "The exercise is paused",
    e.ActionRequested: _requested,
    e.ActionApproved: lambda v: f"Action {v.number} approved",
    e.ActionRejected: lambda v: _because(f"Action {v.number} rejected", v.reason),
    e.ActionStarted: lambda v: f"Action {v.number} begins, done by {v.ends:%H:%M:%S} UTC",
    e.ActionFinished: lambda v: _because(f"Action {v.number} {v.outcome}", v.result),
    e.WorldChanged: lambda v: f"The facilitator changed something (sealed, {v.number})",
    e.ExerciseMarked: _marked,
    e.TruthRevealed: lambda v: f"The truth, part {v.stage}: {v.text}",
    e.ExerciseStopped: lambda v: _because(_ENDINGS[v.reason], v.text),
    e.HypothesisRated: lambda v: f"Hypothesis {v.hypothesis} held to be {v.probability:.0%} likely",
}

REFERENCES: dict[type[e.Event], str] = {
    e.HypothesisRated: "hypothesis",
    e.ActionRequested: "number",
    e.ActionApproved: "number",
    e.ActionRejected: "number",
    e.ActionStarted: "number",
    e.ActionFinished: "number",
}
