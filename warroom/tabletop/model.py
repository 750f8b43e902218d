"""What a scenario is: the world, what goes wrong in it, who is told what and when, what may be done, and the truth.

Durations are seconds in the model, whatever the file writes. Conditions stay text, which `tabletop/expressions.py`
reads.

Invariant: a `Scenario` never changes. One that was loaded from a file refers only to parts it has.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from warroom.incident.words import Duty
from warroom.tabletop.acts import ActionSpec, HintSpec, InjectSpec, MilestoneSpec
from warroom.tabletop.parts import Part
from warroom.tabletop.sealed import Evidence, Sealed
from warroom.tabletop.words import (
    Address,
    ConditionText,
    Duration,
    DutyField,
    Id,
    MaybeProse,
    MaybeWords,
    Moment,
    NumberText,
    Prose,
    Slug,
    Values,
    Words,
    complaint,
)

ChangeKind = Literal[
    "deploy", "rollback", "flag", "config", "scale", "failover", "certificate", "dns", "restart", "model", "maintenance"
]
CauseKind = Literal["change", "load", "hardware", "provider", "human", "data", "time", "automation"]


class Inspiration(Part):
    """The public account that a scenario took its mechanism from, and how closely."""

    name: Words
    public_source: Address
    fidelity: Literal["mechanism", "timeline", "loose"] = "mechanism"


class Span(Part):
    """How long an exercise takes as a rule, and when it ends whatever happened."""

    expected: Duration
    hard_stop: Duration

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if not 60 <= self.expected <= self.hard_stop:
            raise complaint("expected is at least 1m, and hard_stop at least as long as expected")
        return self


class Metadata(Part):
    """What a scenario is called. Players see `code` in place of `id`, which may tell too much."""

    id: Slug
    code: Slug = ""
    title: Words
    inspired_by: Inspiration | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1
    difficulty: Annotated[int, Field(ge=1, le=5, strict=True)] = 2
    duration: Span
    audience: Annotated[tuple[Words, ...], Field(max_length=10)] = ()
    tags: Annotated[tuple[Words, ...], Field(max_length=20)] = ()
    solo: bool = False
    exercise_banner: Literal[True] = True

    @model_validator(mode="before")
    @classmethod
    def _code(cls, value: Any) -> Any:
        return {**value, "code": value.get("id")} if isinstance(value, dict) and not value.get("code") else value


class Objective(Part):
    """What players should learn to do."""

    id: Id
    text: Words


class LoadEventSpec(Part):
    """A change of the load. `multiply` applies to a region's or journey's part of it, or to all."""

    at: Moment
    multiply: Annotated[float, Field(ge=0, le=100)]
    lasts: Duration | None = None
    ramp: Duration = 0
    region: Words | None = None
    journey: Words | None = None


class LoadSpec(Part):
    """The requests of all users per second, and how they vary."""

    base_rps: Annotated[float, Field(gt=0, le=100_000)] | None = None
    diurnal: bool = True
    amplitude: Annotated[float, Field(ge=0, le=0.9)] = 0.35
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    events: Annotated[tuple[LoadEventSpec, ...], Field(max_length=20)] = ()


class Slo(Part):
    """A service level objective: a figure and its bound, on one side."""

    id: Id
    sli: NumberText
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Slo:
        if (self.at_least is None) == (self.at_most is None):
            raise complaint("has exactly one of at_least and at_most")
        return self


class History(Part):
    """What happened before: how much telemetry, and how many ordinary changes an hour."""

    warmup: Duration = 6 * 3600
    changes_per_hour: Annotated[float, Field(ge=0, le=60)] = 3.0


class WorldSpec(Part):
    """The imaginary production: a named topology with patches, its load and its objectives."""

    topology: Words
    patch: Annotated[tuple[dict[str, Any], ...], Field(max_length=40)] = ()
    load: LoadSpec = LoadSpec()
    slo: Annotated[tuple[Slo, ...], Field(max_length=10)] = ()
    history: History = History()
    seed: Annotated[int, Field(ge=0, le=2**53)] = 1
    start: datetime | None = None

    @field_validator("start", mode="before")
    @classmethod
    def _utc(cls, value: Any) -> Any:
        if value is None or isinstance(value, datetime):
            return value
        try:
            read = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            read = None
        if read is None or read.tzinfo is None:
            raise complaint("start is a time with its zone, like 2027-02-28T23:40:00Z")
        return read


class Absence(Part):
    """Whoever holds the duty at `from` is taken out until `to`."""

    duty: DutyField
    from_: Annotated[Duration, Field(alias="from")] = 0
    to: Duration
    why: Words

    @model_validator(mode="after")
    def _ordered(self) -> Absence:
        if self.to <= self.from_:
            raise complaint("ends before it begins; `to` is later than `from`")
        return self


class Roles(Part):
    """The seats of a drill, who is missing, and what one seat knows alone."""

    required: Annotated[tuple[DutyField, ...], Field(max_length=10)] = (Duty.INCIDENT_COMMANDER,)
    optional: Annotated[tuple[DutyField, ...], Field(max_length=10)] = ()
    absent: Annotated[tuple[Absence, ...], Field(max_length=10)] = ()
    private_briefs: Annotated[dict[DutyField, Prose], Field(max_length=10)] = Field(default_factory=dict)


class ChangeSpec(Part):
    """A change that the change log of the imaginary production shows; `id` is known in the file alone."""

    id: Id
    at: Moment
    kind: ChangeKind
    service: MaybeWords = ""
    version: MaybeWords = ""
    text: Words
    by: MaybeWords = ""


class Cause(Part):
    """What a fault comes from; `ref` is a change of the file."""

    kind: CauseKind
    ref: MaybeWords = ""
    text: MaybeWords = ""


class FaultSpec(Part):
    """Something that goes wrong: `type` and its target and params are the simulator's.

    It begins at `at` or when `when` holds; with neither it lies in wait for an action or the facilitator.
    """

    id: Id
    type: Words
    target: Values = Field(default_factory=dict)
    params: Values = Field(default_factory=dict)
    at: Moment | None = None
    when: ConditionText | None = None
    ramp: Duration = 0
    lasts: Duration | None = None
    until: ConditionText | None = None
    harmless: bool = False
    text: MaybeWords = ""
    cause: Cause | None = None

    @model_validator(mode="after")
    def _one_begin(self) -> FaultSpec:
        if self.at is not None and self.when is not None:
            raise complaint("begins at a time or on a condition; leave out `at` or `when`")
        return self


class RedHerring(Part):
    """Something that looks like the cause and is not: a part of the file, or something seen in telemetry."""

    id: Id
    text: Words
    change: MaybeWords = ""
    fault: MaybeWords = ""
    inject: MaybeWords = ""
    see: Evidence | None = None

    @model_validator(mode="after")
    def _says_something(self) -> RedHerring:
        if not (self.change or self.fault or self.inject or self.see):
            raise complaint("names nothing that players can see; give change, fault, inject or see")
        return self


class Abort(Part):
    """What ends an exercise early."""

    safe_word: Words = "REAL INCIDENT"
    stop_conditions: Annotated[tuple[ConditionText, ...], Field(max_length=10)] = ()


class ReferenceStep(Part):
    """What a good team has done by then: the effects of the action apply at `at`."""

    at: Duration
    action: Id


class Weights(Part):
    """The points of each part of the score."""

    outcome: Annotated[float, Field(ge=0, le=100)] = 30
    detection: Annotated[float, Field(ge=0, le=100)] = 10
    roles: Annotated[float, Field(ge=0, le=100)] = 10
    comms: Annotated[float, Field(ge=0, le=100)] = 15
    diagnosis: Annotated[float, Field(ge=0, le=100)] = 20
    safety: Annotated[float, Field(ge=0, le=100)] = 10
    review: Annotated[float, Field(ge=0, le=100)] = 5

    @model_validator(mode="after")
    def _hundred(self) -> Weights:
        total = sum(float(getattr(self, name)) for name in type(self).model_fields)
        if abs(total - 100) > 1e-9:
            raise complaint(f"add up to {total:g}; they have to add up to 100")
        return self


class Scoring(Part):
    """How an exercise is scored. `declare_by` is when a good team has said what it is."""

    profile: Words = "standard"
    weights: Weights = Weights()
    declare_by: Duration = 300
    half_life: Annotated[Duration, Field(gt=0)] = 300


class Scenario(Part):
    """One exercise, whole."""

    apiVersion: Literal["warroom/v1"]  # noqa: N815 - as files of this kind write it
    kind: Literal["Scenario"]
    metadata: Metadata
    objectives: Annotated[tuple[Objective, ...], Field(max_length=12)] = ()
    world: WorldSpec
    roles: Roles = Roles()
    briefing: Prose
    changes: Annotated[tuple[ChangeSpec, ...], Field(max_length=40)] = ()
    faults: Annotated[tuple[FaultSpec, ...], Field(max_length=30)] = ()
    observability_faults: Annotated[tuple[FaultSpec, ...], Field(max_length=20)] = ()
    red_herrings: Annotated[tuple[RedHerring, ...], Field(max_length=20)] = ()
    injects: Annotated[tuple[InjectSpec, ...], Field(max_length=100)] = ()
    hints: Annotated[tuple[HintSpec, ...], Field(max_length=20)] = ()
    actions: Annotated[tuple[ActionSpec, ...], Field(max_length=40)] = ()
    milestones: Annotated[tuple[MilestoneSpec, ...], Field(max_length=30)] = ()
    abort: Abort = Abort()
    sealed: Sealed
    reference: Annotated[tuple[ReferenceStep, ...], Field(max_length=20)] = ()
    scoring: Scoring = Scoring()
    debrief: Annotated[tuple[MaybeProse, ...], Field(max_length=20)] = ()

    @property
    def all_faults(self) -> tuple[FaultSpec, ...]:
        """What goes wrong in production and in the tools, in the order of the file."""
        return self.faults + self.observability_faults

    def fault(self, ident: str) -> FaultSpec | None:
        return next((one for one in self.all_faults if one.id == ident), None)

    def action(self, ident: str) -> ActionSpec | None:
        return next((one for one in self.actions if one.id == ident), None)

    def inject(self, ident: str) -> InjectSpec | None:
        return next((one for one in self.injects if one.id == ident), None)

    def change(self, ident: str) -> ChangeSpec | None:
        return next((one for one in self.changes if one.id == ident), None)

    @property
    def slos(self) -> dict[str, Slo]:
        """The objectives by their id, as conditions ask for them."""
        return {slo.id: slo for slo in self.world.slo}

    @property
    def onset(self) -> int | None:
        """The second at which the root cause begins; None when nothing is wrong or a condition decides."""
        if self.sealed.nothing_wrong:
            return None
        if isinstance(self.sealed.onset, int):
            return self.sealed.onset
        found = self.fault(self.sealed.onset)
        return found.at if found is not None else None

    @property
    def digest(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits. Comments and spelling of durations do not count."""
        content = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
