"""Everything a participant may ask for: a closed, discriminated union of frozen, imperative requests.

A command carries no time, no actor and no ids of its own making: the server adds who and when, `decide` the rest.
`occurred_at` is what the responder says about the past; the log keeps it beside the server's own time.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from warroom.incident import fields as f
from warroom.incident.bases import Command as Command
from warroom.incident.exercise_commands import (
    ApproveAction as ApproveAction,
    AskForHint as AskForHint,
    ChangeWorld as ChangeWorld,
    DeliverInject as DeliverInject,
    FinishAction as FinishAction,
    GiveHint as GiveHint,
    MarkExercise as MarkExercise,
    RateHypothesis as RateHypothesis,
    RejectAction as RejectAction,
    RequestAction as RequestAction,
    ReturnPerson as ReturnPerson,
    RevealTruth as RevealTruth,
    SetPace as SetPace,
    StartAction as StartAction,
    StopExercise as StopExercise,
    WithholdPerson as WithholdPerson,
)
from warroom.incident.words import Duty, Milestone, Severity, Status


class DeclareIncident(Command):
    """A title is enough. `triage` leaves it to be accepted or declined, as for an alert; people declare in earnest.

    With `exercise` it is one, from its first entry to its last, and its title says so.
    """

    type: Literal["declare-incident"] = "declare-incident"
    title: f.Line
    severity: Severity = Severity.UNSET
    services: Annotated[tuple[f.Service, ...], Field(max_length=50)] = ()
    summary: f.OptionalText = ""
    triage: bool = False
    private: bool = False
    impact_started_at: f.Moment | None = None
    detected_at: f.Moment | None = None
    alert: f.Alert | None = None
    exercise: f.Exercise | None = None


class AcknowledgeIncident(Command):
    type: Literal["acknowledge-incident"] = "acknowledge-incident"


class AcceptIncident(Command):
    """Out of triage: it is an incident."""

    type: Literal["accept-incident"] = "accept-incident"


class DeclineIncident(Command):
    """Out of triage: it is none. The reason is kept."""

    type: Literal["decline-incident"] = "decline-incident"
    reason: f.Text


class ChangeTitle(Command):
    type: Literal["change-title"] = "change-title"
    title: f.Line


class ChangeSummary(Command):
    """The current situation in plain words, for whoever joins now."""

    type: Literal["change-summary"] = "change-summary"
    summary: f.Text


class ChangeServices(Command):
    type: Literal["change-services"] = "change-services"
    services: Annotated[tuple[f.Service, ...], Field(max_length=50)]


class ChangeSeverity(Command):
    type: Literal["change-severity"] = "change-severity"
    severity: Severity
    reason: f.OptionalText = ""


class ChangeStatus(Command):
    """To investigating, identified, monitoring, resolved or closed. Declining, merging and reopening have their own."""

    type: Literal["change-status"] = "change-status"
    status: Status
    reason: f.OptionalText = ""
    occurred_at: f.Moment | None = None


class ReopenIncident(Command):
    type: Literal["reopen-incident"] = "reopen-incident"
    reason: f.Text


class CorrectMilestone(Command):
    type: Literal["correct-milestone"] = "correct-milestone"
    milestone: Milestone
    at: f.Moment
    reason: f.OptionalText = ""


class AssignRole(Command):
    """Gives a duty to a person. The incident commander's is only assigned while nobody holds it."""

    type: Literal["assign-role"] = "assign-role"
    duty: Duty
    who: f.Person


class ReleaseRole(Command):
    """Gives a duty back. Command cannot be released while the incident is live: it is offered."""

    type: Literal["release-role"] = "release-role"
    duty: Duty
    who: f.Person


class OfferCommand(Command):
    type: Literal["offer-command"] = "offer-command"
    to: f.Person
    brief: f.Text


class AcceptCommand(Command):
    type: Literal["accept-command"] = "accept-command"


class EndCommandOffer(Command):
    """Declined by the one it was made to, or withdrawn by the commander."""

    type: Literal["end-command-offer"] = "end-command-offer"
    reason: f.OptionalText = ""


class TakeCommand(Command):
    """Takes command when nobody holds it, or, with commander access and a reason, from one who does not answer."""

    type: Literal["take-command"] = "take-command"
    reason: f.OptionalText = ""


class AddNote(Command):
    type: Literal["add-note"] = "add-note"
    text: f.Text
    occurred_at: f.Moment | None = None


class CorrectEntry(Command):
    """Supersedes the text, the time or both of an entry."""

    type: Literal["correct-entry"] = "correct-entry"
    entry: f.Number
    text: f.OptionalText = ""
    occurred_at: f.Moment | None = None
    reason: f.OptionalText = ""


class PinEntry(Command):
    type: Literal["pin-entry"] = "pin-entry"
    entry: f.Number


class UnpinEntry(Command):
    type: Literal["unpin-entry"] = "unpin-entry"
    entry: f.Number


class RedactEntry(Command):
    type: Literal["redact-entry"] = "redact-entry"
    entry: f.Number
    reason: f.Text


class AddTask(Command):
    type: Literal["add-task"] = "add-task"
    title: f.Line
    assignee: f.Person | None = None
    time_box_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    follow_up: bool = False
    due: f.Moment | None = None


class AssignTask(Command):
    type: Literal["assign-task"] = "assign-task"
    task: f.Number
    assignee: f.Person


class AcknowledgeTask(Command):
    type: Literal["acknowledge-task"] = "acknowledge-task"
    task: f.Number


class FinishTask(Command):
    type: Literal["finish-task"] = "finish-task"
    task: f.Number
    result: f.OptionalText = ""


class DropTask(Command):
    type: Literal["drop-task"] = "drop-task"
    task: f.Number
    reason: f.OptionalText = ""


class ProposeHypothesis(Command):
    """`probability` is how likely whoever proposes it holds it to be, from 0 to 1."""

    type: Literal["propose-hypothesis"] = "propose-hypothesis"
    text: f.Text
    probability: f.Probability | None = None


class SupportHypothesis(Command):
    type: Literal["support-hypothesis"] = "support-hypothesis"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: Annotated[tuple[f.Number, ...], Field(max_length=20)] = ()


class RefuteHypothesis(Command):
    type: Literal["refute-hypothesis"] = "refute-hypothesis"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: Annotated[tuple[f.Number, ...], Field(max_length=20)] = ()


class ConfirmHypothesis(Command):
    type: Literal["confirm-hypothesis"] = "confirm-hypothesis"
    hypothesis: f.Number
    evidence: f.OptionalText = ""
    pins: Annotated[tuple[f.Number, ...], Field(max_length=20)] = ()


class OpenDecision(Command):
    type: Literal["open-decision"] = "open-decision"
    question: f.Line
    options: Annotated[tuple[f.Line, ...], Field(max_length=10)] = ()


class RaiseObjection(Command):
    type: Literal["raise-objection"] = "raise-objection"
    decision: f.Number
    text: f.Text


class TakeDecision(Command):
    """Decides an open decision, or, with a question and no number, opens and decides in one step."""

    type: Literal["take-decision"] = "take-decision"
    decision: f.Number | None = None
    question: f.OptionalLine = ""
    choice: f.Line
    reason: f.OptionalText = ""


class PinEvidence(Command):
    type: Literal["pin-evidence"] = "pin-evidence"
    evidence: f.Evidence


class AddPanel(Command):
    """Puts a chart on the board of everybody in the room."""

    type: Literal["add-panel"] = "add-panel"
    panel: f.BoardPanel


class RemovePanel(Command):
    type: Literal["remove-panel"] = "remove-panel"
    number: f.Number


class AttachAlert(Command):
    """Attaches an alert, or attaches it again when it fires anew after having been resolved."""

    type: Literal["attach-alert"] = "attach-alert"
    alert: f.Alert


class AcknowledgeAlert(Command):
    """Says that somebody is on it. With `alert`, one that is not attached, or has fired anew, is attached first."""

    type: Literal["acknowledge-alert"] = "acknowledge-alert"
    source: f.OptionalLine = "alertmanager"
    fingerprint: f.Line
    alert: f.Alert | None = None


class ResolveAlert(Command):
    type: Literal["resolve-alert"] = "resolve-alert"
    source: f.OptionalLine = "alertmanager"
    fingerprint: f.Line
    ended_at: f.Moment | None = None


class AddLink(Command):
    type: Literal["add-link"] = "add-link"
    title: f.Line
    url: f.Url
    kind: Literal["ticket", "dashboard", "runbook", "chat", "call", "other"] = "other"


class RecordChange(Command):
    type: Literal["record-change"] = "record-change"
    kind: Literal["deploy", "rollback", "config", "flag", "scale", "other"] = "deploy"
    service: f.OptionalLine = ""
    version: f.OptionalLine = ""
    text: f.OptionalText = ""
    occurred_at: f.Moment | None = None


class CountImpact(Command):
    type: Literal["count-impact"] = "count-impact"
    counter: f.Line
    value: Annotated[int, Field(ge=0, le=10**15)]
    source: f.OptionalLine = ""


class DescribeImpact(Command):
    type: Literal["describe-impact"] = "describe-impact"
    text: f.Text


class PublishUpdate(Command):
    """Publishes an update; the next falls due by the severity's cadence unless minutes are given (0: no more)."""

    type: Literal["publish-update"] = "publish-update"
    text: f.Text
    audience: f.OptionalLine = "everyone"
    next_in_minutes: Annotated[int, Field(ge=0, le=10_080)] | None = None


class SetNextUpdate(Command):
    """When the next update is due, in minutes from now; None for no more."""

    type: Literal["set-next-update"] = "set-next-update"
    in_minutes: Annotated[int, Field(ge=1, le=10_080)] | None


class PostChat(Command):
    type: Literal["post-chat"] = "post-chat"
    text: f.Text


class MergeIncident(Command):
    """Ends this incident as a duplicate of `into`, where the work goes on."""

    type: Literal["merge-incident"] = "merge-incident"
    into: f.IncidentId
    reason: f.OptionalText = ""


class AbsorbIncident(Command):
    """Says on the survivor that `other` was merged into it; the server asks for this after a merge."""

    type: Literal["absorb-incident"] = "absorb-incident"
    other: f.IncidentId


class ChangePrivacy(Command):
    """Private: only members, commanders and admins may see it. The one who asks becomes a member."""

    type: Literal["change-privacy"] = "change-privacy"
    private: bool
    members: Annotated[tuple[f.Person, ...], Field(max_length=100)] = ()
    reason: f.OptionalText = ""


class AddMember(Command):
    type: Literal["add-member"] = "add-member"
    who: f.Person


class RemoveMember(Command):
    type: Literal["remove-member"] = "remove-member"
    who: f.Person


class AttachPlaybook(Command):
    type: Literal["attach-playbook"] = "attach-playbook"
    playbook: f.PinnedPlaybook


class CompleteStep(Command):
    type: Literal["complete-step"] = "complete-step"
    playbook: f.Line
    step: f.Line
    result: f.OptionalText = ""


class SkipStep(Command):
    type: Literal["skip-step"] = "skip-step"
    playbook: f.Line
    step: f.Line
    reason: f.Text


class AssignStep(Command):
    type: Literal["assign-step"] = "assign-step"
    playbook: f.Line
    step: f.Line
    assignee: f.Person


class ReopenStep(Command):
    type: Literal["reopen-step"] = "reopen-step"
    playbook: f.Line
    step: f.Line
    reason: f.OptionalText = ""


AnyCommand = Annotated[
    DeclareIncident | AcknowledgeIncident | AcceptIncident | DeclineIncident | ChangeTitle | ChangeSummary
    | ChangeServices | ChangeSeverity | ChangeStatus | ReopenIncident | CorrectMilestone | AssignRole | ReleaseRole
    | OfferCommand | AcceptCommand | EndCommandOffer | TakeCommand | AddNote | CorrectEntry | PinEntry | UnpinEntry
    | RedactEntry | AddTask | AssignTask | AcknowledgeTask | FinishTask | DropTask | ProposeHypothesis
    | SupportHypothesis | RefuteHypothesis | ConfirmHypothesis | OpenDecision | RaiseObjection | TakeDecision
    | PinEvidence | AddPanel | RemovePanel | AttachAlert | AcknowledgeAlert | ResolveAlert | AddLink | RecordChange
    | CountImpact | DescribeImpact | PublishUpdate | SetNextUpdate | PostChat | MergeIncident | AbsorbIncident
    | ChangePrivacy | AddMember | RemoveMember | AttachPlaybook | CompleteStep | SkipStep | AssignStep | ReopenStep
    | DeliverInject | AskForHint | GiveHint | WithholdPerson | ReturnPerson | SetPace | RequestAction | ApproveAction
    | RejectAction | StartAction | FinishAction | ChangeWorld | MarkExercise | RevealTruth | StopExercise
    | RateHypothesis,
    Field(discriminator="type"),
]  # fmt: skip

COMMAND: TypeAdapter[AnyCommand] = TypeAdapter(AnyCommand)
"""Validates one command from bytes or a mapping; built once."""
