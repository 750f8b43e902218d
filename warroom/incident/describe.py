"""The one sentence that the timeline shows for each event.

It quotes the event's own words and numbers only, never another entry's, so that redacting an entry removes them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warroom.incident import describe_exercise
from warroom.incident import events as e
from warroom.incident.observed import counted
from warroom.incident.words import Duty, Milestone

_MILESTONES = {
    Milestone.IMPACT_STARTED: "The start of the impact",
    Milestone.DETECTED: "Detection",
    Milestone.ACKNOWLEDGED: "Acknowledgement",
    Milestone.DECLARED: "Declaration",
    Milestone.IDENTIFIED: "Identification",
    Milestone.MITIGATED: "Mitigation",
    Milestone.RESOLVED: "Resolution",
    Milestone.CLOSED: "Closing",
}


def describe(event: e.Event) -> str:
    """The sentence for `event`; words that people wrote come whole."""
    return _SENTENCES[type(event)](event)


def reference(event: e.Event) -> int | None:
    """The number of the task, hypothesis, decision, evidence pin, panel, action or entry that `event` is about."""
    field = _REFERENCES.get(type(event))
    return None if field is None else int(getattr(event, field))


def _because(head: str, reason: str) -> str:
    return f"{head}: {reason}" if reason else head


def _holder(duty: Duty) -> str:
    return "Command" if duty is Duty.INCIDENT_COMMANDER else duty.label


def _declared(event: e.IncidentDeclared) -> str:
    head = f"Declared {event.severity}" if event.severity.ordinal < 6 else "Declared"
    where = f" [{', '.join(event.services)}]" if event.services else ""
    words = _because(f"{head}: {event.title}{where}", "")
    return f"{words}\n{event.summary}" if event.summary else words


def _severity(event: e.SeverityChanged) -> str:
    return _because(f"Severity {event.previous} → {event.severity}", event.reason)


def _status(event: e.StatusChanged) -> str:
    return _because(f"Status {event.previous} → {event.status}", event.reason)


def _milestone(event: e.MilestoneCorrected) -> str:
    return _because(f"{_MILESTONES[event.milestone]} corrected to {event.at:%Y-%m-%d %H:%M:%S} UTC", event.reason)


def _assigned(event: e.RoleAssigned) -> str:
    return f"{event.duty.label}: {event.who}"


def _handed_over(event: e.RoleHandedOver) -> str:
    if event.forced:
        head = f"{_holder(event.duty)} taken by {event.taker} from {event.giver}"
    else:
        head = f"{_holder(event.duty)} handed from {event.giver} to {event.taker}"
    return _because(head, event.brief)


def _entry_corrected(event: e.EntryCorrected) -> str:
    what = f"Entry {event.entry} corrected"
    if event.occurred_at is not None:
        what += f", happened at {event.occurred_at:%Y-%m-%d %H:%M:%S} UTC"
    words = _because(what, event.text)
    return f"{words} ({event.reason})" if event.reason else words


def _task_added(event: e.TaskAdded) -> str:
    kind = "Follow-up" if event.follow_up else "Task"
    whose = f" → {event.assignee}" if event.assignee else ""
    box = f", {event.time_box_minutes} min" if event.time_box_minutes else ""
    return f"{kind} {event.task}{whose}{box}: {event.title}"


def _judged(verdict: str) -> Callable[[Any], str]:
    def sentence(event: e.HypothesisSupported | e.HypothesisRefuted | e.HypothesisConfirmed) -> str:
        pins = f" (evidence {', '.join(map(str, event.pins))})" if event.pins else ""
        return _because(f"Hypothesis {event.hypothesis} {verdict}{pins}", event.evidence)

    return sentence


def _decision_opened(event: e.DecisionOpened) -> str:
    options = f" ({' / '.join(event.options)})" if event.options else ""
    return f"Decision {event.decision} open: {event.question}{options}"


def _evidence(event: e.EvidencePinned) -> str:
    seen, count = event.evidence, counted(event.evidence.kind, event.evidence.data)
    kind = "" if seen.kind == "metric" else f", {seen.kind}"
    if count:
        title = f"{count} of {seen.title}" if seen.title == seen.query else f"{seen.title} ({count})"
    else:
        title = seen.title
    return _because(f"Evidence {event.number}{kind}: {title}", seen.note)


def _panel(event: e.PanelAdded) -> str:
    what = event.panel.title if event.panel.title == event.panel.query else f"{event.panel.title}, {event.panel.query}"
    return f"Panel {event.number} on the board: {what}"


def _alert(event: e.AlertAttached) -> str:
    service = f" [{event.alert.service}]" if event.alert.service else ""
    return _because(f"Alert {event.alert.name}{service}", event.alert.summary)


def _change(event: e.ChangeRecorded) -> str:
    what = " ".join(part for part in (event.service, event.version) if part)
    return _because(f"{event.kind.capitalize()}{' ' + what if what else ''}", event.text)


def _update(event: e.UpdatePublished) -> str:
    return f"Update to {event.audience or 'everyone'}: {event.text}"


def _next_update(event: e.NextUpdateSet) -> str:
    return "No further update is owed" if event.due is None else f"Next update due {event.due:%H:%M} UTC"


def _privacy(event: e.PrivacyChanged) -> str:
    return _because("Made private" if event.private else "Made open to everyone", event.reason)


_SENTENCES: dict[type[e.Event], Callable[[Any], str]] = {
    e.IncidentDeclared: _declared,
    e.IncidentAcknowledged: lambda _: "Acknowledged",
    e.IncidentAccepted: lambda _: "Accepted as an incident",
    e.IncidentDeclined: lambda v: f"Declined: {v.reason}",
    e.TitleChanged: lambda v: f"Title: {v.title}",
    e.SummaryChanged: lambda v: f"Summary: {v.summary}",
    e.ServicesChanged: lambda v: f"Services: {', '.join(v.services) or 'none'}",
    e.SeverityChanged: _severity,
    e.StatusChanged: _status,
    e.IncidentReopened: lambda v: f"Reopened: {v.reason}",
    e.MilestoneCorrected: _milestone,
    e.RoleAssigned: _assigned,
    e.RoleReleased: lambda v: f"{v.duty.label} released by {v.who}",
    e.CommandOffered: lambda v: f"Command offered to {v.to}: {v.brief}",
    e.CommandOfferEnded: lambda v: _because(f"Offer of command to {v.to} ended", v.reason),
    e.RoleHandedOver: _handed_over,
    e.NoteAdded: lambda v: v.text,
    e.EntryCorrected: _entry_corrected,
    e.EntryPinned: lambda v: f"Entry {v.entry} pinned",
    e.EntryUnpinned: lambda v: f"Entry {v.entry} unpinned",
    e.EntryRedacted: lambda v: f"Entry {v.entry} redacted: {v.reason}",
    e.TaskAdded: _task_added,
    e.TaskAssigned: lambda v: f"Task {v.task} → {v.assignee}",
    e.TaskAcknowledged: lambda v: f"Task {v.task} acknowledged",
    e.TaskFinished: lambda v: _because(f"Task {v.task} done", v.result),
    e.TaskDropped: lambda v: _because(f"Task {v.task} dropped", v.reason),
    e.HypothesisProposed: lambda v: f"Hypothesis {v.hypothesis}: {v.text}",
    e.HypothesisSupported: _judged("supported"),
    e.HypothesisRefuted: _judged("refuted"),
    e.HypothesisConfirmed: _judged("confirmed"),
    e.DecisionOpened: _decision_opened,
    e.ObjectionRaised: lambda v: f"Objection to decision {v.decision}: {v.text}",
    e.DecisionTaken: lambda v: _because(f"Decision {v.decision}, {v.decided_by}: {v.choice}", v.reason),
    e.EvidencePinned: _evidence,
    e.PanelAdded: _panel,
    e.PanelRemoved: lambda v: f"Panel {v.number} taken off the board",
    e.AlertAttached: _alert,
    e.AlertAcknowledged: lambda v: f"Alert {v.name or v.fingerprint} acknowledged",
    e.AlertResolved: lambda v: f"Alert {v.name or v.fingerprint} resolved",
    e.LinkAdded: lambda v: f"{v.title}: {v.url}",
    e.ChangeRecorded: _change,
    e.ImpactCounted: lambda v: f"Impact: {v.counter} {v.value:,}" + (f" ({v.source})" if v.source else ""),
    e.ImpactDescribed: lambda v: f"Impact: {v.text}",
    e.UpdatePublished: _update,
    e.NextUpdateSet: _next_update,
    e.ChatPosted: lambda v: v.text,
    e.IncidentMerged: lambda v: _because(f"Merged into {v.into}", v.reason),
    e.IncidentAbsorbed: lambda v: f"{v.other} was merged into this one",
    e.PrivacyChanged: _privacy,
    e.MemberAdded: lambda v: f"{v.who} may see this incident",
    e.MemberRemoved: lambda v: f"{v.who} may no longer see this incident",
    e.PlaybookAttached: lambda v: f"Playbook {v.playbook.title} (version {v.playbook.version}) attached",
    e.StepCompleted: lambda v: _because(f"Step {v.step} of {v.playbook} done", v.result),
    e.StepSkipped: lambda v: f"Step {v.step} of {v.playbook} skipped: {v.reason}",
    e.StepAssigned: lambda v: f"Step {v.step} of {v.playbook} → {v.assignee}",
    e.StepReopened: lambda v: _because(f"Step {v.step} of {v.playbook} open again", v.reason),
    **describe_exercise.SENTENCES,
}

_REFERENCES: dict[type[e.Event], str] = {
    e.EntryCorrected: "entry",
    e.EntryPinned: "entry",
    e.EntryUnpinned: "entry",
    e.EntryRedacted: "entry",
    e.TaskAdded: "task",
    e.TaskAssigned: "task",
    e.TaskAcknowledged: "task",
    e.TaskFinished: "task",
    e.TaskDropped: "task",
    e.HypothesisProposed: "hypothesis",
    e.HypothesisSupported: "hypothesis",
    e.HypothesisRefuted: "hypothesis",
    e.HypothesisConfirmed: "hypothesis",
    e.DecisionOpened: "decision",
    e.ObjectionRaised: "decision",
    e.DecisionTaken: "decision",
    e.EvidencePinned: "number",
    e.PanelAdded: "number",
    e.PanelRemoved: "number",
    **describe_exercise.REFERENCES,
}
