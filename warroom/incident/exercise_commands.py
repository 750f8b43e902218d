"""What is asked for in an exercise alone: by its hosts, who let things happen, and by its players, who act on them.

The hosts are named when the exercise is declared; the facilitator is one of them. See `rules.exercise`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from warroom.incident import fields as f
from warroom.incident.bases import Command


class DeliverInject(Command):
    """Something reaches the players. `to` is `all`, a duty or a person; the words of a whisper are not on the log."""

    type: Literal["deliver-inject"] = "deliver-inject"
    inject: f.Line
    sender: f.OptionalLine = ""
    to: f.Word = "all"
    method: Literal["channel", "dm", "call", "email", "news", "page"] = "channel"
    text: f.OptionalText = ""
    whispered: bool = False
    forces: f.OptionalLine = ""


class AskForHint(Command):
    type: Literal["ask-for-hint"] = "ask-for-hint"


class GiveHint(Command):
    """`cost` is what it takes off the score."""

    type: Literal["give-hint"] = "give-hint"
    inject: f.Line
    text: f.Text
    cost: Annotated[float, Field(ge=0, le=100)] = 0.0


class WithholdPerson(Command):
    """Takes a person out: what they ask for is refused until they are returned."""

    type: Literal["withhold-person"] = "withhold-person"
    who: f.Person
    reason: f.OptionalText = ""


class ReturnPerson(Command):
    type: Literal["return-person"] = "return-person"
    who: f.Person


class SetPace(Command):
    """How fast exercise time runs beside real time; 0 is a pause."""

    type: Literal["set-pace"] = "set-pace"
    speed: Annotated[float, Field(ge=0, le=1000)]


class RequestAction(Command):
    """One of the actions that the exercise offers; `note` becomes an entry of its own."""

    type: Literal["request-action"] = "request-action"
    action: f.Line
    note: f.OptionalText = ""


class ApproveAction(Command):
    type: Literal["approve-action"] = "approve-action"
    number: f.Number


class RejectAction(Command):
    type: Literal["reject-action"] = "reject-action"
    number: f.Number
    reason: f.OptionalText = ""


class StartAction(Command):
    """`second` counts from the start of the exercise, `ends` is when it will be done."""

    type: Literal["start-action"] = "start-action"
    number: f.Number
    second: f.Second
    ends: f.Moment


class FinishAction(Command):
    """`second` is when the imaginary production felt it, counted from the start of the exercise."""

    type: Literal["finish-action"] = "finish-action"
    number: f.Number
    outcome: Literal["done", "failed", "cancelled"]
    second: f.Second
    result: f.OptionalText = ""


class ChangeWorld(Command):
    """A change of the imaginary production by hand, sealed under the key that ends the exercise."""

    type: Literal["change-world"] = "change-world"
    sealed: f.Sealed


class MarkExercise(Command):
    """What a host judged: points on a rubric, or whether a hypothesis names the truth."""

    type: Literal["mark-exercise"] = "mark-exercise"
    rubric: f.Line
    points: Annotated[float, Field(ge=-100, le=100)] = 0.0
    text: f.OptionalText = ""
    hypothesis: f.Number | None = None
    verdict: Literal["", "true", "false"] = ""


class RevealTruth(Command):
    type: Literal["reveal-truth"] = "reveal-truth"
    stage: Annotated[int, Field(ge=1, le=100)]
    text: f.Text


class StopExercise(Command):
    """Ends the exercise. With the safe word anybody may; `key` opens what was sealed and comes from a host."""

    type: Literal["stop-exercise"] = "stop-exercise"
    reason: Literal["finished", "safe_word", "hard_stop", "abandoned"]
    text: f.OptionalText = ""
    key: f.Key = ""


class RateHypothesis(Command):
    """How probable the team holds a hypothesis to be, from 0 to 1."""

    type: Literal["rate-hypothesis"] = "rate-hypothesis"
    hypothesis: f.Number
    probability: f.Probability
