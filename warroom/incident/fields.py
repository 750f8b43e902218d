"""Field types that events and commands share: cleaned, bounded text, UTC times, names.

Every bound is enforced when a command is read, so nothing larger reaches `decide`, a disk or a screen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from warroom.incident.ids import parse_incident_id
from warroom.incident.observed import clean_json
from warroom.incident.text import clean_line, clean_text
from warroom.incident.words import Duty


class Frozen(BaseModel):
    """A closed, immutable record: unknown fields are refused, NaN and infinities too."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_timedelta="float")


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _present(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _web(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return value


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_line), AfterValidator(_present)]
"""One line of 1 to 200 characters."""
OptionalLine = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_line)]
"""One line of at most 200 characters, possibly empty."""
Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(clean_text), AfterValidator(_present)]
"""Text of 1 to 10,000 characters."""
OptionalText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(clean_text)]
"""Text of at most 10,000 characters, possibly empty."""
Person = Annotated[str, StringConstraints(max_length=64), AfterValidator(clean_line), AfterValidator(_present)]
"""The name a person or a participant is known by in the room, 1 to 64 characters."""
Service = Annotated[str, StringConstraints(max_length=100), AfterValidator(clean_line), AfterValidator(_present)]
Url = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(clean_line),
    AfterValidator(_present),
    AfterValidator(_web),
]
Word = Annotated[str, StringConstraints(max_length=64), AfterValidator(clean_line)]
"""One line of at most 64 characters, possibly empty."""
Query = Annotated[str, StringConstraints(max_length=4000), AfterValidator(clean_text), AfterValidator(_present)]
"""A query in its source's language, 1 to 4,000 characters."""
Data = Annotated[str, StringConstraints(max_length=131_072), AfterValidator(clean_json)]
"""A JSON object or list as text, at most 128 KiB in UTF-8, its texts cleaned; empty for none."""
IncidentId = Annotated[str, StringConstraints(max_length=20), AfterValidator(parse_incident_id)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with a zone, kept in UTC."""
Number = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""The number of an entry (its `seq`), a task, a hypothesis, a decision or an evidence pin."""
Second = Annotated[int, Field(ge=0, le=10_000_000)]
"""Whole seconds from the start of an exercise."""
Probability = Annotated[float, Field(ge=0, le=1)]
Sealed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_=-]{1,16000}$")]
"""Encrypted, in URL-safe base64."""
Key = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
"""32 bytes in hex, or empty for none."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hex."""
Labels = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_line)],
        Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean_text)],
    ],
    Field(max_length=64),
]


class Alert(Frozen):
    """An alert as the log keeps it, whichever system raised it. The fingerprint identifies it within its source."""

    fingerprint: Line
    source: OptionalLine = "alertmanager"
    name: Line
    severity: OptionalLine = ""
    service: OptionalLine = ""
    summary: OptionalText = ""
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    starts_at: Moment
    url: Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean_line)] = ""


class EvidenceSeries(Frozen):
    """One line of a pinned chart. `times` are epoch seconds; a None value is a gap."""

    label: OptionalLine
    times: Annotated[tuple[float, ...], Field(max_length=2000)]
    values: Annotated[tuple[float | None, ...], Field(max_length=2000)]


class Evidence(Frozen):
    """What was seen, with the data itself, so that it is still there when the backend has forgotten it.

    A metric keeps its lines in `series`; every other kind its answer in `data`, as the server gives it: a page of log
    lines, a trace, groups of alerts, the services and who calls whom, or for a text any object.
    """

    title: Line
    source: OptionalLine = "prometheus"
    query: OptionalText = ""
    unit: OptionalLine = ""
    start: Moment | None = None
    end: Moment | None = None
    step_seconds: float | None = None
    series: Annotated[tuple[EvidenceSeries, ...], Field(max_length=20)] = ()
    note: OptionalText = ""
    kind: Literal["metric", "logs", "trace", "alerts", "services", "text"] = "metric"
    data: Data = ""


class Threshold(Frozen):
    """A line across a chart; crossing it in the direction of `above` is of that level."""

    value: float
    level: Literal["warning", "critical"] = "critical"
    above: bool = True
    label: Word = ""


class BoardPanel(Frozen):
    """A chart that somebody put on everybody's board. `window` and `step` in seconds."""

    title: Annotated[str, StringConstraints(max_length=100), AfterValidator(clean_line), AfterValidator(_present)]
    query: Query
    source: Literal["prometheus", "loki"] = "prometheus"
    unit: Word = ""
    legend: OptionalLine = ""
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=5)] = ()
    window: Annotated[int, Field(ge=60, le=604_800)] = 3600
    step: Annotated[int, Field(ge=1, le=3600)] = 15


class PlaybookStep(Frozen):
    """One step as it was when the playbook was attached."""

    id: Line
    title: Line
    owner: OptionalLine = ""
    instructions: OptionalText = ""
    expected: OptionalText = ""


class PinnedPlaybook(Frozen):
    """A playbook pinned to its version, with its steps, so that the log needs no file to be read."""

    id: Line
    title: Line
    version: Annotated[int, Field(ge=1)]
    digest: OptionalLine = ""
    steps: Annotated[tuple[PlaybookStep, ...], Field(min_length=1, max_length=100)]


class ExerciseAction(Frozen):
    """Something the players of an exercise may do to the imaginary production, as they see it.

    `needs` is the duty that may ask for it, `approval` the duty that has to agree; None for no such rule.
    """

    id: Line
    title: Line
    kind: Word = ""
    target: OptionalLine = ""
    takes_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    needs: Duty | None = None
    approval: Duty | None = None
    text: OptionalText = ""


class Exercise(Frozen):
    """An exercise as it begins. `truth` commits to what is withheld until its end (SHA-256 of key and truth, hex).

    `hosts` may let things happen; `branch_of` and `branch_second` name the exercise this one goes on from.
    """

    scenario: Line
    version: Annotated[int, Field(ge=1)] = 1
    title: Line
    seed: Annotated[int, Field(ge=0, le=2**53)]
    truth: Digest
    safe_word: Line = "REAL INCIDENT"
    hosts: Annotated[tuple[Person, ...], Field(min_length=1, max_length=20)]
    actions: Annotated[tuple[ExerciseAction, ...], Field(max_length=100)] = ()
    roles: Annotated[tuple[Duty, ...], Field(max_length=20)] = ()
    speed: Annotated[float, Field(ge=0, le=1000)] = 1.0
    branch_of: IncidentId | None = None
    branch_second: Second | None = None
