"""Everything that can have happened to an incident: a closed, discriminated union of frozen facts.

An event type is never changed once released; a new version gets a new tag (`severity-changed.2`) and the old
one is upcast when read. `TAGS` maps each tag to its class.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from warroom.incident import fields as f
from warroom.incident.bases import Event as Event
from warroom.incident.exercise_events import (
    ActionApproved as ActionApproved,
    ActionFinished as ActionFinished,
    ActionRejected as ActionRejected,
    ActionRequested as ActionRequested,
    ActionStarted as ActionStarted,
    ExerciseMarked as ExerciseMarked,
    ExerciseStarted as ExerciseStarted,
    ExerciseStopped as ExerciseStopped,
    HintAsked as HintAsked,
    HintGiven as HintGiven,
    HypothesisRated as HypothesisRated,
    InjectDelivered as InjectDelivered,
    PaceSet as PaceSet,
    PersonReturned as PersonReturned,
    PersonWithheld as PersonWithheld,
    TruthRevealed as TruthRevealed,
    WorldChanged as WorldChanged,
)
from warroom.incident.words import Duty, Milestone, Severity, Status


class IncidentDeclared(Event):
    type: Literal["incident-declared"] = "incident-declared"
    title: f.Line
    severity: Severity = Severity.UNSET
    services: tuple[f.Service, ...] = ()
    summary: f.OptionalText = ""
    status: Literal[Status.TRIAGE, Status.INVESTIGATING] = Status.INVESTIGATING
    private: bool = False
    impact_started_at: f.Moment | None = None
    detected_at: f.Moment | None = None
    next_update_due: f.Moment | None = None


class IncidentAcknowledged(Event):
    type: Literal["incident-acknowledged"] = "incident-acknowledged"


class IncidentAccepted(Event):
    type: Literal["incident-accepted"] = "incident-accepted"


class IncidentDeclined(Event):
    type: Literal["incident-declined"] = "incident-declined"
    reason: f.Text


class TitleChanged(Event):
    type: Literal["title-changed"] = "title-changed"
    title: f.Line


class SummaryChanged(Event):
    type: Literal["summary-changed"] = "summary-changed"
    summary: f.Text


class ServicesChanged(Event):
    type: Literal["services-changed"] = "services-changed"
    services: tuple[f.Service, ...]


class SeverityChanged(Event):
    type: Literal["severity-changed"] = "severity-changed"
    severity: Severity
    previous: Severity
    reason: f.OptionalText = ""
    next_update_due: f.Moment | None = None


class StatusChanged(Event):
    type: Literal["status-changed"] = "status-changed"
    status: Status
    previous: Status
    reason: f.OptionalText = ""


class IncidentReopened(Event):
    type: Literal["incident-reopened"] = "incident-reopened"
    reason: f.Text
    next_update_due: f.Moment | None = None


class MilestoneCorrected(Event):
    type: Literal["milestone-corrected"] = "milestone-corrected"
    milestone: Milestone
    at: f.Moment
    reason: f.OptionalText = ""


class RoleAssigned(Event):
    type: Literal["role-assigned"] = "role-assigned"
    duty: Duty
    who: f.Person


class RoleReleased(Event):
    type: Literal["role-released"] = "role-released"
    duty: Duty
    who: f.Person


class CommandOffered(Event):
    """The commander offers command; nothing changes hands until it is accepted."""

    type: Literal["command-offered"] = "command-offered"
    to: f.Person
    brief: f.Text


class CommandOfferEnded(Event):
    """The offer was declined by the one it was made to, or withdrawn."""

    type: Literal["command-offer-ended"] = "command-offer-ended"
    to: f.Person
    reason: f.OptionalText = ""


class RoleHandedOver(Event):
    """A duty changed hands in one step. `forced` when it was taken from someone who did not answer."""

    type: Literal["role-handed-over"] = "role-handed-over"
    duty: Duty
    giver: f.Person
    taker: f.Person
    brief: f.OptionalText = ""
    forced: bool = False


class NoteAdded(Event):
    type: Literal["note-added"] = "note-added"
    text: f.Text


class EntryCorrected(Event):
    """Supersedes the text or the time of an earlier entry, which stays readable."""

    type: Literal["entry-corrected"] = "entry-corrected"
    entry: f.Number
    text: f.OptionalText = ""
    occurred_at: f.Moment | None = None
    reason: f.OptionalText = ""


class EntryPinned(Event):
    type: Literal["entry-pinned"] = "entry-pinned"
    entry: f.Number


class EntryUnpinned(Event):
    type: Literal["entry-unpinned"] = "entry-unpinned"
    entry: f.Number


class EntryRedacted(Event):
    """The payload of `entry` is gone from every disk; the entry itself stays as a tombstone."""

    type: Literal["entry-redacted"] = "entry-redacted"
    entry: f.Number
    reason: f.Text


class TaskAdded(Event):
    """`follow_up` is work for after the incident; `due` is when it is owed."""

    type: Literal["task-added"] = "task-added"
    task: f.Number
    title: f.Line
    assignee: f.Person | None = None
    time_box_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    follow_up: bool = False
    due: f.Moment | None = None


class TaskAssigned(Event):
    type: Literal["task-assigned"] = "task-assigned"
    task: f.Number
    assignee: f.Person


class TaskAcknowledged(Event):
    type: Literal["task-acknowledged"] = "task-acknowledged"
    task: f.Number


class TaskFinished(Event):
    type: Literal["task-finished"] = "task-finished"
    task: f.Number
    result: f.OptionalText = ""


class TaskDropped(Event):
    type: Literal["task-dropped"] = "task-dropped"
    task: f.Number
    reason: f.OptionalText = ""


class HypothesisProposed(Event):
    type: Literal["hypothesis-proposed"] = "hypothesis-proposed"
    hypothesis: f.Number
    text: f.Text


class HypothesisSupported(Event):
    type: Literal["hypothesis-supported"] = "hypothesis-supported"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: tuple[f.Number, ...] = ()


class HypothesisRefuted(Event):
    type: Literal["hypothesis-refuted"] = "hypothesis-refuted"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: tuple[f.Number, ...] = ()


class HypothesisConfirmed(Event):
    type: Literal["hypothesis-confirmed"] = "hypothesis-confirmed"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: tuple[f.Number, ...] = ()


class DecisionOpened(Event):
    type: Literal["decision-opened"] = "decision-opened"
    decision: f.Number
    question: f.Line
    options: Annotated[tuple[f.Line, ...], Field(max_length=10)] = ()


class ObjectionRaised(Event):
    type: Literal["objection-raised"] = "objection-raised"
    decision: f.Number
    text: f.Text


class DecisionTaken(Event):
    type: Literal["decision-taken"] = "decision-taken"
    decision: f.Number
    choice: f.Line
    reason: f.OptionalText = ""
    decided_by: f.Person


class EvidencePinned(Event):
    type: Literal["evidence-pinned.2"] = "evidence-pinned.2"
    number: f.Number
    evidence: f.Evidence


class PanelAdded(Event):
    type: Literal["panel-added"] = "panel-added"
    number: f.Number
    panel: f.BoardPanel


class PanelRemoved(Event):
    """Names the panel by its number alone, so that redacting its words leaves none."""

    type: Literal["panel-removed"] = "panel-removed"
    number: f.Number


class AlertAttached(Event):
    type: Literal["alert-attached"] = "alert-attached"
    alert: f.Alert


class AlertAcknowledged(Event):
    """`name` is the alert's, for the sentence in the timeline; its fingerprint tells people nothing."""

    type: Literal["alert-acknowledged"] = "alert-acknowledged"
    source: f.OptionalLine
    fingerprint: f.Line
    name: f.OptionalLine = ""


class AlertResolved(Event):
    type: Literal["alert-resolved"] = "alert-resolved"
    source: f.OptionalLine
    fingerprint: f.Line
    name: f.OptionalLine = ""
    ended_at: f.Moment | None = None


class LinkAdded(Event):
    type: Literal["link-added"] = "link-added"
    title: f.Line
    url: f.Url
    kind: Literal["ticket", "dashboard", "runbook", "chat", "call", "other"] = "other"


class ChangeRecorded(Event):
    """Something was changed in production: a suspect, or part of the fix."""

    type: Literal["change-recorded"] = "change-recorded"
    kind: Literal["deploy", "rollback", "config", "flag", "scale", "other"] = "deploy"
    service: f.OptionalLine = ""
    version: f.OptionalLine = ""
    text: f.OptionalText = ""


class ImpactCounted(Event):
    """`value` replaces what was counted before under the same name (`customers`, `tickets`)."""

    type: Literal["impact-counted"] = "impact-counted"
    counter: f.Line
    value: Annotated[int, Field(ge=0, le=10**15)]
    source: f.OptionalLine = ""


class ImpactDescribed(Event):
    type: Literal["impact-described"] = "impact-described"
    text: f.Text


class UpdatePublished(Event):
    type: Literal["update-published"] = "update-published"
    text: f.Text
    audience: f.OptionalLine = "everyone"
    next_update_due: f.Moment | None = None


class NextUpdateSet(Event):
    type: Literal["next-update-set"] = "next-update-set"
    due: f.Moment | None


class ChatPosted(Event):
    type: Literal["chat-posted"] = "chat-posted"
    text: f.Text


class IncidentMerged(Event):
    """This incident ends here; the work goes on in `into`."""

    type: Literal["incident-merged"] = "incident-merged"
    into: f.IncidentId
    reason: f.OptionalText = ""


class IncidentAbsorbed(Event):
    """Another incident was merged into this one."""

    type: Literal["incident-absorbed"] = "incident-absorbed"
    other: f.IncidentId


class PrivacyChanged(Event):
    type: Literal["privacy-changed"] = "privacy-changed"
    private: bool
    members: tuple[f.Person, ...] = ()
    reason: f.OptionalText = ""


class MemberAdded(Event):
    type: Literal["member-added"] = "member-added"
    who: f.Person


class MemberRemoved(Event):
    type: Literal["member-removed"] = "member-removed"
    who: f.Person


class PlaybookAttached(Event):
    type: Literal["playbook-attached"] = "playbook-attached"
    playbook: f.PinnedPlaybook


class StepCompleted(Event):
    type: Literal["step-completed"] = "step-completed"
    playbook: f.Line
    step: f.Line
    result: f.OptionalText = ""


class StepSkipped(Event):
    type: Literal["step-skipped"] = "step-skipped"
    playbook: f.Line
    step: f.Line
    reason: f.Text


class StepAssigned(Event):
    type: Literal["step-assigned"] = "step-assigned"
    playbook: f.Line
    step: f.Line
    assignee: f.Person


class StepReopened(Event):
    type: Literal["step-reopened"] = "step-reopened"
    playbook: f.Line
    step: f.Line
    reason: f.OptionalText = ""


AnyEvent = Annotated[
    IncidentDeclared | IncidentAcknowledged | IncidentAccepted | IncidentDeclined | TitleChanged | SummaryChanged
    | ServicesChanged | SeverityChanged | StatusChanged | IncidentReopened | MilestoneCorrected | RoleAssigned
    | RoleReleased | CommandOffered | CommandOfferEnded | RoleHandedOver | NoteAdded | EntryCorrected | EntryPinned
    | EntryUnpinned | EntryRedacted | TaskAdded | TaskAssigned | TaskAcknowledged | TaskFinished | TaskDropped
    | HypothesisProposed | HypothesisSupported | HypothesisRefuted | HypothesisConfirmed | DecisionOpened
    | ObjectionRaised | DecisionTaken | EvidencePinned | PanelAdded | PanelRemoved | AlertAttached | AlertAcknowledged
    | AlertResolved | LinkAdded | ChangeRecorded | ImpactCounted | ImpactDescribed | UpdatePublished | NextUpdateSet
    | ChatPosted | IncidentMerged | IncidentAbsorbed | PrivacyChanged | MemberAdded | MemberRemoved | PlaybookAttached
    | StepCompleted | StepSkipped | StepAssigned | StepReopened
    | ExerciseStarted | InjectDelivered | HintAsked | HintGiven | PersonWithheld | PersonReturned | PaceSet
    | ActionRequested | ActionApproved | ActionRejected | ActionStarted | ActionFinished | WorldChanged
    | ExerciseMarked | TruthRevealed | ExerciseStopped | HypothesisRated,
    Field(discriminator="type"),
]  # fmt: skip

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
"""Validates one event from bytes or a mapping; built once."""

TAGS: dict[str, type[Event]] = {cls.TAG: cls for cls in Event.__subclasses__()}
