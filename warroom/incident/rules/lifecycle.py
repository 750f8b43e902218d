"""Rules of the incident's life: declaring, triage, severity, status, reopening, milestones, merging."""

from __future__ import annotations

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.events import Event
from warroom.incident.rules.exercise import marked
from warroom.incident.rules.rule import ALREADY, Ask, Need, Rule, conflict, events, invalid, limit, past, update_due
from warroom.incident.verdict import Proposed, Refusal, Verdict
from warroom.incident.words import Milestone, Status

MOST_ABSORBED = 100
_BY_STATUS = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED, Status.CLOSED)


def declare(ask: Ask, command: c.DeclareIncident) -> Verdict:
    """The first events of a new incident."""
    if ask.state.seq:
        return conflict(f"{ask.state.id} has been declared already")
    impact = past(ask, command.impact_started_at, "the start of the impact")
    detected = past(ask, command.detected_at, "the detection")
    for moment in (impact, detected):
        if isinstance(moment, Refusal):
            return moment
    declared = e.IncidentDeclared(
        title=marked(command.title) if command.exercise else command.title,
        severity=command.severity,
        services=tuple(dict.fromkeys(command.services)),
        status=Status.TRIAGE if command.triage else Status.INVESTIGATING,
        private=command.private,
        impact_started_at=impact,  # type: ignore[arg-type]
        detected_at=detected,  # type: ignore[arg-type]
        next_update_due=update_due(command.severity, ask.at),
    )
    # Long words stand in events of their own: those can be erased, the declaration cannot.
    told: list[Event] = [e.ExerciseStarted(exercise=command.exercise)] if command.exercise else []
    told += [e.SummaryChanged(summary=command.summary)] if command.summary else []
    if command.alert is not None:
        told.append(e.AlertAttached(alert=command.alert))
    return events(declared, *told)


def _acknowledge(ask: Ask, _: c.AcknowledgeIncident) -> Verdict:
    return ALREADY if ask.state.acknowledged_by else events(e.IncidentAcknowledged())


def _accept(ask: Ask, _: c.AcceptIncident) -> Verdict:
    return events(e.IncidentAccepted()) if ask.state.status is Status.TRIAGE else ALREADY


def _decline(ask: Ask, command: c.DeclineIncident) -> Verdict:
    if ask.state.status is not Status.TRIAGE:
        return conflict(f"only what is in triage can be declined; {ask.state.id} is {ask.state.status}")
    return events(e.IncidentDeclined(reason=command.reason))


def _title(ask: Ask, command: c.ChangeTitle) -> Verdict:
    title = marked(command.title) if ask.state.exercise else command.title
    return ALREADY if title == ask.state.title else events(e.TitleChanged(title=title))


def _summary(ask: Ask, command: c.ChangeSummary) -> Verdict:
    return ALREADY if command.summary == ask.state.summary else events(e.SummaryChanged(summary=command.summary))


def _services(ask: Ask, command: c.ChangeServices) -> Verdict:
    services = tuple(dict.fromkeys(command.services))
    return ALREADY if services == ask.state.services else events(e.ServicesChanged(services=services))


def _severity(ask: Ask, command: c.ChangeSeverity) -> Verdict:
    before = ask.state.severity
    if command.severity is before:
        return ALREADY
    due = update_due(command.severity, ask.at) if ask.state.status.is_live else None
    return events(
        e.SeverityChanged(severity=command.severity, previous=before, reason=command.reason, next_update_due=due)
    )


def _status(ask: Ask, command: c.ChangeStatus) -> Verdict:
    wanted, now = command.status, ask.state.status
    if wanted not in _BY_STATUS:
        other = {Status.DECLINED: "decline it", Status.MERGED: "merge it"}.get(
            wanted, "an incident never goes back to it"
        )
        return invalid(f"{wanted} is not a status to change to; {other}")
    if wanted is now:
        return ALREADY
    if wanted is Status.CLOSED and now is not Status.RESOLVED:
        return conflict(f"only a resolved incident can be closed; {ask.state.id} is {now}")
    if now is Status.RESOLVED and wanted.is_live:
        return conflict(f"{ask.state.id} is resolved; reopen it with a reason")
    at = past(ask, command.occurred_at)
    if isinstance(at, Refusal):
        return at
    steps: list[Event] = []
    if now is Status.TRIAGE:
        steps.append(e.IncidentAccepted())
        now = Status.INVESTIGATING
    if wanted is not now:
        steps.append(e.StatusChanged(status=wanted, previous=now, reason=command.reason))
    return tuple(Proposed(step, at) for step in steps)


def _reopen(ask: Ask, command: c.ReopenIncident) -> Verdict:
    if ask.state.status.is_live:
        return conflict(f"{ask.state.id} is {ask.state.status}, so there is nothing to reopen")
    due = update_due(ask.state.severity, ask.at)
    return events(e.IncidentReopened(reason=command.reason, next_update_due=due))


_ONLY_WHEN = {
    Milestone.RESOLVED: (Status.RESOLVED, Status.CLOSED),
    Milestone.CLOSED: (Status.CLOSED, Status.DECLINED, Status.MERGED),
}


def _milestone(ask: Ask, command: c.CorrectMilestone) -> Verdict:
    at = past(ask, command.at, "the corrected time")
    if isinstance(at, Refusal):
        return at
    state, milestone = ask.state, command.milestone
    if milestone in _ONLY_WHEN and state.status not in _ONLY_WHEN[milestone]:
        return conflict(f"{state.id} is {state.status}, so it has no {milestone} to correct")
    if milestone in state.corrected and state.milestones.get(milestone) == at:
        return ALREADY
    return events(e.MilestoneCorrected(milestone=milestone, at=at or ask.at, reason=command.reason))


def _merge(ask: Ask, command: c.MergeIncident) -> Verdict:
    if command.into == ask.state.id:
        return invalid("an incident cannot be merged into itself")
    if command.into in ask.state.absorbed:
        return conflict(f"{command.into} was merged into this one")
    return events(e.IncidentMerged(into=command.into, reason=command.reason))


def _absorb(ask: Ask, command: c.AbsorbIncident) -> Verdict:
    if command.other == ask.state.id:
        return invalid("an incident cannot absorb itself")
    if command.other in ask.state.absorbed:
        return ALREADY
    if len(ask.state.absorbed) >= MOST_ABSORBED:
        return limit("merged incidents", MOST_ABSORBED)
    return events(e.IncidentAbsorbed(other=command.other))


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.AcknowledgeIncident: (Need.WORK, _acknowledge),
    c.AcceptIncident: (Need.LEAD, _accept),
    c.DeclineIncident: (Need.LEAD, _decline),
    c.ChangeTitle: (Need.WORK, _title),
    c.ChangeSummary: (Need.WORK, _summary),
    c.ChangeServices: (Need.WORK, _services),
    c.ChangeSeverity: (Need.LEAD, _severity),
    c.ChangeStatus: (Need.LEAD, _status),
    c.ReopenIncident: (Need.LEAD, _reopen),
    c.CorrectMilestone: (Need.WORK, _milestone),
    c.MergeIncident: (Need.COMMAND, _merge),
    c.AbsorbIncident: (Need.COMMAND, _absorb),
}
