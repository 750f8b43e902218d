"""What can have happened in an exercise alone: a scenario, its injects, the actions of its players, its end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from warroom.incident import fields as f
from warroom.incident.bases import Event
from warroom.incident.words import Duty


class ExerciseStarted(Event):
    type: Literal["exercise-started"] = "exercise-started"
    exercise: f.Exercise


class InjectDelivered(Event):
    type: Literal["inject-delivered"] = "inject-delivered"
    inject: f.Line
    sender: f.OptionalLine = ""
    to: f.Word = "all"
    method: Literal["channel", "dm", "call", "email", "news", "page"] = "channel"
    text: f.OptionalText = ""
    whispered: bool = False
    forces: f.OptionalLine = ""


class HintAsked(Event):
    type: Literal["hint-asked"] = "hint-asked"


class HintGiven(Event):
    type: Literal["hint-given"] = "hint-given"
    inject: f.Line
    text: f.Text
    cost: Annotated[float, Field(ge=0, le=100)] = 0.0


class PersonWithheld(Event):
    type: Literal["person-withheld"] = "person-withheld"
    who: f.Person
    reason: f.OptionalText = ""


class PersonReturned(Event):
    type: Literal["person-returned"] = "person-returned"
    who: f.Person


class PaceSet(Event):
    type: Literal["pace-set"] = "pace-set"
    speed: Annotated[float, Field(ge=0, le=1000)]


class ActionRequested(Event):
    """`approval` is the duty that has to agree before it begins, None when it begins at once."""

    type: Literal["action-requested"] = "action-requested"
    number: f.Number
    action: f.Line
    title: f.Line
    target: f.OptionalLine = ""
    approval: Duty | None = None


class ActionApproved(Event):
    type: Literal["action-approved"] = "action-approved"
    number: f.Number


class ActionRejected(Event):
    type: Literal["action-rejected"] = "action-rejected"
    number: f.Number
    reason: f.OptionalText = ""


class ActionStarted(Event):
    type: Literal["action-started"] = "action-started"
    number: f.Number
    second: f.Second
    ends: f.Moment


class ActionFinished(Event):
    type: Literal["action-finished"] = "action-finished"
    number: f.Number
    outcome: Literal["done", "failed", "cancelled"]
    second: f.Second
    result: f.OptionalText = ""


class WorldChanged(Event):
    type: Literal["world-changed"] = "world-changed"
    number: f.Number
    sealed: f.Sealed


class ExerciseMarked(Event):
    type: Literal["exercise-marked"] = "exercise-marked"
    rubric: f.Line
    points: Annotated[float, Field(ge=-100, le=100)] = 0.0
    text: f.OptionalText = ""
    hypothesis: f.Number | None = None
    verdict: Literal["", "true", "false"] = ""


class TruthRevealed(Event):
    type: Literal["truth-revealed"] = "truth-revealed"
    stage: Annotated[int, Field(ge=1, le=100)]
    text: f.Text


class ExerciseStopped(Event):
    type: Literal["exercise-stopped"] = "exercise-stopped"
    reason: Literal["finished", "safe_word", "hard_stop", "abandoned"]
    text: f.OptionalText = ""
    key: f.Key = ""


class HypothesisRated(Event):
    type: Literal["hypothesis-rated"] = "hypothesis-rated"
    hypothesis: f.Number
    probability: f.Probability
