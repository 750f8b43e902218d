"""What an incident is now: a fold over its events, as frozen dataclasses without any framework.

Invariant: a slice is a new object only when it changed, so `old.tasks is new.tasks` means nothing to redraw.
Equality is identity throughout for the same reason; `snapshot.encode` compares by value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from warroom.incident.exercise_state import ActionState, ExerciseState
from warroom.incident.vector import Vector
from warroom.incident.words import Access, Duty, Milestone, Severity, Status


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person or an automation, with what the token allows.

    `scopes` is empty for everything, else the only incident ids this token may see and touch
    (`declare` among them allows declaring).
    """

    name: str
    access: Access
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One line of the timeline; entry `seq` stands at index `seq - 1`.

    `text` quotes only its own event, so that redacting the event removes every trace of its words.
    `kind` is the event's tag without its version. `correction` is the text that supersedes `text`, by `corrected_by`
    in entry `correction_seq`. `ref` is the number of what the entry is about: a task, a hypothesis, a decision, an
    evidence pin, a panel, or the entry that was corrected, pinned or redacted.
    """

    seq: int
    kind: str
    actor: str
    recorded_at: datetime
    occurred_at: datetime
    text: str
    duty: str = ""
    ref: int | None = None
    pinned: bool = False
    correction: str = ""
    corrected_by: str = ""
    redacted: bool = False
    correction_seq: int = 0

    @property
    def words(self) -> str:
        """What to show: the correction where there is one."""
        return self.correction or self.text


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """`status` is open, acknowledged, done or dropped. `due_at` is the end of its time box, or the due date."""

    number: int
    seq: int
    title: str
    added_by: str
    added_at: datetime
    assignee: str = ""
    status: str = "open"
    time_box_minutes: int | None = None
    due_at: datetime | None = None
    follow_up: bool = False
    result: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """`status` is proposed, supported, refuted or confirmed. `evidence` holds (status, who, at, words, pins).

    `probability` is what was last said of it, from 0 to 1; None while nobody said any.
    """

    number: int
    seq: int
    text: str
    proposed_by: str
    proposed_at: datetime
    status: str = "proposed"
    evidence: tuple[Finding, ...] = ()
    probability: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What spoke for or against a hypothesis. `pins` are numbers of evidence pins."""

    seq: int
    verdict: str
    who: str
    at: datetime
    text: str
    pins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Objection:
    seq: int
    who: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Open while `choice` is empty."""

    number: int
    seq: int
    question: str
    opened_by: str
    opened_at: datetime
    options: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    choice: str = ""
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    taken_seq: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EvidencePin:
    """`series` is ((label, times, values), ...) with epoch seconds; None is a gap.

    `kind` is metric, logs, trace, alerts, services or text; `data` is JSON text, for every kind but metric.
    """

    number: int
    seq: int
    title: str
    who: str
    at: datetime
    source: str = ""
    query: str = ""
    unit: str = ""
    start: datetime | None = None
    end: datetime | None = None
    step_seconds: float | None = None
    series: tuple[tuple[str, tuple[float, ...], tuple[float | None, ...]], ...] = ()
    note: str = ""
    kind: str = "metric"
    data: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class BoardPanel:
    """A chart on everybody's board. `thresholds` are (value, level, above, label); `window` and `step` in seconds."""

    number: int
    seq: int
    added_by: str
    added_at: datetime
    title: str
    query: str
    source: str = "prometheus"
    unit: str = ""
    legend: str = ""
    thresholds: tuple[tuple[float, str, bool, str], ...] = ()
    window: int = 3600
    step: int = 15


@dataclass(frozen=True, slots=True, eq=False)
class AlertState:
    """`status` is firing, acknowledged or resolved. `times_fired` counts attachments of the same fingerprint."""

    fingerprint: str
    source: str
    seq: int
    name: str
    severity: str
    service: str
    summary: str
    starts_at: datetime
    status: str = "firing"
    acknowledged_by: str = ""
    ended_at: datetime | None = None
    times_fired: int = 1
    url: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    seq: int
    title: str
    url: str
    kind: str
    added_by: str


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A deploy, rollback or other change in production; `at` is when it took effect."""

    seq: int
    kind: str
    service: str
    version: str
    text: str
    at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """One customer impact counter: its last value and its peak."""

    name: str
    value: int
    peak: int
    source: str
    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    seq: int
    text: str
    audience: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class StepState:
    """`status` is open, done or skipped; `words` the result or the reason."""

    id: str
    title: str
    owner: str = ""
    instructions: str = ""
    expected: str = ""
    status: str = "open"
    assignee: str = ""
    words: str = ""
    by: str = ""
    at: datetime | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlaybookState:
    """A playbook pinned to its version when it was attached."""

    id: str
    title: str
    version: int
    digest: str
    seq: int
    attached_by: str
    attached_at: datetime
    steps: tuple[StepState, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CommandOffer:
    seq: int
    giver: str
    to: str
    brief: str
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """One person's tenure of one duty; `until` is None while it lasts."""

    duty: Duty
    who: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IncidentState:
    """Everything that is known. `seq` 0 means it has not been declared.

    `roles` are the present holdings, in the duties' order; `past_roles` those that ended.
    `milestones` holds the times known so far; `corrected` the milestones set by a correction, which later
    events do not move. `severities` is the history (severity, since), for time spent in each.
    `opaque` counts events of types this version does not know. `milestone_seqs` names the entry each milestone
    came from; `sources` the entry that the present `title`, `summary`, `impact` and `offer` came from.
    `exercise` is there in an exercise alone, `actions` what its players asked for.
    `board` holds the panels that stand there now, `panels_added` counts all there ever were.
    """

    id: str = ""
    seq: int = 0
    head_hash: bytes = b""
    title: str = ""
    summary: str = ""
    status: Status = Status.TRIAGE
    severity: Severity = Severity.UNSET
    services: tuple[str, ...] = ()
    declared_by: str = ""
    private: bool = False
    members: frozenset[str] = frozenset()
    acknowledged_by: str = ""
    milestones: dict[Milestone, datetime] = field(default_factory=dict)
    corrected: frozenset[Milestone] = frozenset()
    severities: tuple[tuple[Severity, datetime], ...] = ()
    statuses: tuple[tuple[Status, datetime], ...] = ()
    roles: tuple[Holding, ...] = ()
    past_roles: tuple[Holding, ...] = ()
    offer: CommandOffer | None = None
    timeline: Vector[Entry] = field(default_factory=Vector)
    chat: Vector[int] = field(default_factory=Vector)
    pins: tuple[int, ...] = ()
    tasks: Vector[Task] = field(default_factory=Vector)
    hypotheses: Vector[Hypothesis] = field(default_factory=Vector)
    decisions: Vector[Decision] = field(default_factory=Vector)
    evidence: Vector[EvidencePin] = field(default_factory=Vector)
    alerts: Vector[AlertState] = field(default_factory=Vector)
    alert_index: dict[tuple[str, str], int] = field(default_factory=dict)
    links: Vector[Link] = field(default_factory=Vector)
    changes: Vector[Change] = field(default_factory=Vector)
    counters: tuple[Counter, ...] = ()
    impact: str = ""
    updates: Vector[Update] = field(default_factory=Vector)
    next_update_due: datetime | None = None
    merged_into: str = ""
    absorbed: tuple[str, ...] = ()
    playbooks: tuple[PlaybookState, ...] = ()
    participants: dict[str, datetime] = field(default_factory=dict)
    reopened: int = 0
    opaque: int = 0
    milestone_seqs: dict[Milestone, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    board: tuple[BoardPanel, ...] = ()
    panels_added: int = 0
    exercise: ExerciseState | None = None
    actions: Vector[ActionState] = field(default_factory=Vector)

    @property
    def commander(self) -> str:
        """Who leads, or an empty string."""
        return self.holder(Duty.INCIDENT_COMMANDER)

    def holder(self, duty: Duty) -> str:
        """The one who holds `duty`, or an empty string; the first of several for a shared duty."""
        return next((held.who for held in self.roles if held.duty is duty), "")

    def duties_of(self, who: str) -> tuple[Duty, ...]:
        """The duties `who` holds now."""
        return tuple(held.duty for held in self.roles if held.who == who)

    def entry(self, seq: int) -> Entry | None:
        """The entry with that number, if there is one."""
        return self.timeline[seq - 1] if 1 <= seq <= len(self.timeline) else None

    def alert(self, source: str, fingerprint: str) -> AlertState | None:
        """The alert with that fingerprint of that source, if attached."""
        index = self.alert_index.get((source, fingerprint))
        return None if index is None else self.alerts[index]


_NAMES = tuple(item.name for item in fields(IncidentState))
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_values = attrgetter(*_NAMES)
_SETTERS = tuple(getattr(IncidentState, name).__set__ for name in _NAMES)


def changed(state: IncidentState, changes: dict[str, Any]) -> IncidentState:
    """A new state with `changes`; the rest is shared.

    As `dataclasses.replace`, at a third of its cost, which is most of the cost of folding one event.

    Raises:
        KeyError: a name that is no field.
    """
    values = list(_values(state))
    for name, value in changes.items():
        values[_PLACES[name]] = value
    made = object.__new__(IncidentState)
    for put, value in zip(_SETTERS, values, strict=True):
        put(made, value)
    return made
