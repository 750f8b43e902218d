"""What happens to players and what they may do: injects, hints, actions with their effects, milestones."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from warroom.tabletop.parts import Part
from warroom.tabletop.words import (
    ConditionText,
    Duration,
    DutyField,
    EventText,
    Id,
    MaybeProse,
    MaybeWords,
    Prose,
    Values,
    Words,
    complaint,
)

Method = Literal["channel", "dm", "call", "email", "news", "page"]
Verdict = Literal["accepted", "neutral", "harmful"]

ACTION_KINDS: Final = (
    "scale", "restart", "rollback", "drain", "undrain", "flag", "config", "shed", "retries", "timeout", "breaker",
    "failover", "cache_warm", "consumers", "quota", "stop_automation", "block", "pool_recycle", "cert_reissue",
    "dns_record", "model", "feed_quarantine", "downtime", "queue_limit", "restore", "disk_free", "none",
    "call", "freeze", "capacity",
)  # fmt: skip
"""The kinds of action that players see: what is done to the world, or call = ask somebody outside, freeze = stop
rollouts and jobs, capacity = undo a removal."""


class Expected(Part):
    """What the players are expected to do about an inject, and within which time."""

    event: EventText
    within: Duration


class InjectSpec(Part):
    """Something that the players are told, at a time or once a condition holds, and the decision that it forces."""

    id: Id
    at: Duration | None = None
    when: ConditionText | None = None
    to: Words = "all"
    from_: Annotated[Words, Field(alias="from")]
    method: Method = "channel"
    subject: MaybeWords = ""
    text: Prose
    forces: Words
    whispered: bool = False
    expected: Expected | None = None
    objective: MaybeWords = ""
    contingency: bool = False

    @model_validator(mode="after")
    def _one_time(self) -> InjectSpec:
        if (self.at is None) == (self.when is None):
            raise complaint("comes at a time or on a condition; give exactly one of `at` and `when`")
        return self


class HintSpec(Part):
    """A hint that is given when players ask, for points."""

    id: Id
    text: Prose
    cost: Annotated[float, Field(ge=0, le=30)] = 3
    after: Duration = 0
    when: ConditionText | None = None
    milestone: MaybeWords = ""


class EffectSpec(Part):
    """What an action does to the world once it is done, if `when` holds then."""

    kind: Words
    target: Values = Field(default_factory=dict)
    params: Values = Field(default_factory=dict)
    when: ConditionText | None = None


class ActionSpec(Part):
    """What players may do. They see title, kind, target, text, takes, needs and approval; the rest is hidden."""

    id: Id
    title: Words
    kind: Words
    target: MaybeWords = ""
    text: MaybeProse = ""
    takes: Duration = 60
    needs: DutyField | None = None
    approval: DutyField | None = None
    effects: Annotated[tuple[EffectSpec, ...], Field(max_length=12)] = ()
    verdict: Verdict = "neutral"
    cooldown: Duration = 0
    works_when: ConditionText | None = None
    fails_with: MaybeWords = ""
    result: MaybeWords = ""
    once: bool = False

    @model_validator(mode="after")
    def _failure_is_told(self) -> ActionSpec:
        if self.works_when is not None and not self.fails_with:
            raise complaint("may fail (works_when) and does not say what players are told then; give fails_with")
        if self.kind not in ACTION_KINDS:
            raise complaint(f"{self.kind[:40]!r} is not a kind of action; use one of {', '.join(ACTION_KINDS)}")
        return self


class MilestoneSpec(Part):
    """Something that a good team has reached in time, seen in the log or in the figures of the world."""

    id: Id
    event: EventText | None = None
    when: ConditionText | None = None
    due: Duration
    then_every: Duration | None = None
    objective: MaybeWords = ""
    text: MaybeWords = ""

    @model_validator(mode="after")
    def _one_sign(self) -> MilestoneSpec:
        if (self.event is None) == (self.when is None):
            raise complaint("is an event or a condition; give exactly one of `event` and `when`")
        return self
