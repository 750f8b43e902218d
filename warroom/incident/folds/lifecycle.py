"""Folds of the incident's life: declared, triaged, severity, status, milestones, merged, private.

A milestone holds while the incident has not gone back behind it: going back to investigating takes identified,
mitigated, resolved and closed away, and the next time sets them anew. One set by a correction never moves again.
`mitigated_at` is when it came to monitoring, or to resolved without monitoring; a phase that was skipped leaves no
milestone of its own, so `identified_at` is only there when somebody said identified.
"""

from __future__ import annotations

from datetime import datetime

from warroom.incident import events as e
from warroom.incident.folds.change import Changes, Fold
from warroom.incident.record import Record
from warroom.incident.state import IncidentState
from warroom.incident.words import Milestone, Status

_REACHED: dict[Status, tuple[Milestone, ...]] = {
    Status.IDENTIFIED: (Milestone.IDENTIFIED,),
    Status.MONITORING: (Milestone.MITIGATED,),
    Status.RESOLVED: (Milestone.MITIGATED, Milestone.RESOLVED),
    Status.CLOSED: (Milestone.CLOSED,),
    Status.DECLINED: (Milestone.CLOSED,),
    Status.MERGED: (Milestone.CLOSED,),
}
_ENDINGS = (Milestone.RESOLVED, Milestone.CLOSED)
_BEHIND: dict[Status, tuple[Milestone, ...]] = {
    Status.TRIAGE: (Milestone.IDENTIFIED, Milestone.MITIGATED, *_ENDINGS),
    Status.INVESTIGATING: (Milestone.IDENTIFIED, Milestone.MITIGATED, *_ENDINGS),
    Status.IDENTIFIED: (Milestone.MITIGATED, *_ENDINGS),
    Status.MONITORING: _ENDINGS,
    Status.RESOLVED: (Milestone.CLOSED,),
}


class _Milestones:
    """Edits of the milestones of one event; corrected ones stay."""

    def __init__(self, state: IncidentState, record: Record) -> None:
        self._state = state
        self._seq = record.seq
        self._times = dict(state.milestones)
        self._seqs = dict(state.milestone_seqs)

    def put(self, milestone: Milestone, at: datetime, *, first: bool = False) -> None:
        """Set it; with `first`, only where it is not known yet."""
        if milestone not in self._state.corrected and not (first and milestone in self._times):
            self._times[milestone] = at
            self._seqs[milestone] = self._seq

    def correct(self, milestone: Milestone, at: datetime) -> None:
        self._times[milestone] = at
        self._seqs[milestone] = self._seq

    def reach(self, status: Status, at: datetime) -> None:
        """Take away what lies ahead of `status`, and set what comes with it."""
        for milestone in _BEHIND.get(status, ()):
            if milestone not in self._state.corrected:
                self._times.pop(milestone, None)
                self._seqs.pop(milestone, None)
        for milestone in _REACHED.get(status, ()):
            self.put(milestone, at, first=True)

    def changes(self) -> Changes:
        changes: Changes = {}
        if self._times != self._state.milestones:
            changes["milestones"] = self._times
        if self._seqs != self._state.milestone_seqs:
            changes["milestone_seqs"] = self._seqs
        return changes


def _declared(state: IncidentState, record: Record, event: e.IncidentDeclared) -> Changes:
    at = record.occurred_at
    marks = _Milestones(state, record)
    marks.put(Milestone.DECLARED, at)
    marks.put(Milestone.DETECTED, event.detected_at or at)
    if event.impact_started_at is not None:
        marks.put(Milestone.IMPACT_STARTED, event.impact_started_at)
    acknowledged = event.status is Status.INVESTIGATING
    if acknowledged:
        marks.put(Milestone.ACKNOWLEDGED, at)
    return {
        "title": event.title,
        "summary": event.summary,
        "severity": event.severity,
        "services": event.services,
        "status": event.status,
        "private": event.private,
        "members": frozenset({record.actor}) if event.private else state.members,
        "declared_by": record.actor,
        "acknowledged_by": record.actor if acknowledged else "",
        "severities": (*state.severities, (event.severity, at)),
        "statuses": (*state.statuses, (event.status, at)),
        "next_update_due": event.next_update_due,
        "sources": {**state.sources, "title": record.seq, "summary": record.seq},
        **marks.changes(),
    }


def _acknowledged(state: IncidentState, record: Record, _: e.IncidentAcknowledged) -> Changes:
    marks = _Milestones(state, record)
    marks.put(Milestone.ACKNOWLEDGED, record.occurred_at, first=True)
    return {"acknowledged_by": state.acknowledged_by or record.actor, **marks.changes()}


def _accepted(state: IncidentState, record: Record, _: e.IncidentAccepted) -> Changes:
    marks = _Milestones(state, record)
    marks.put(Milestone.ACKNOWLEDGED, record.occurred_at, first=True)
    changes = {"acknowledged_by": state.acknowledged_by or record.actor, **marks.changes()}
    if state.status is Status.TRIAGE:
        changes["status"] = Status.INVESTIGATING
        changes["statuses"] = (*state.statuses, (Status.INVESTIGATING, record.occurred_at))
    return changes


def _moved(state: IncidentState, record: Record, status: Status) -> Changes:
    marks = _Milestones(state, record)
    marks.reach(status, record.occurred_at)
    changes = {"status": status, "statuses": (*state.statuses, (status, record.occurred_at)), **marks.changes()}
    if not status.is_live:
        changes["next_update_due"] = None
        changes["offer"] = None
    return changes


def _declined(state: IncidentState, record: Record, _: e.IncidentDeclined) -> Changes:
    return _moved(state, record, Status.DECLINED)


def _status_changed(state: IncidentState, record: Record, event: e.StatusChanged) -> Changes:
    return _moved(state, record, event.status)


def _reopened(state: IncidentState, record: Record, event: e.IncidentReopened) -> Changes:
    changes = _moved(state, record, Status.INVESTIGATING)
    return {**changes, "reopened": state.reopened + 1, "next_update_due": event.next_update_due, "merged_into": ""}


def _severity_changed(state: IncidentState, record: Record, event: e.SeverityChanged) -> Changes:
    return {
        "severity": event.severity,
        "severities": (*state.severities, (event.severity, record.occurred_at)),
        "next_update_due": event.next_update_due,
    }


def _milestone_corrected(state: IncidentState, record: Record, event: e.MilestoneCorrected) -> Changes:
    marks = _Milestones(state, record)
    marks.correct(event.milestone, event.at)
    return {"corrected": state.corrected | {event.milestone}, **marks.changes()}


def _title_changed(state: IncidentState, record: Record, event: e.TitleChanged) -> Changes:
    return {"title": event.title, "sources": {**state.sources, "title": record.seq}}


def _summary_changed(state: IncidentState, record: Record, event: e.SummaryChanged) -> Changes:
    return {"summary": event.summary, "sources": {**state.sources, "summary": record.seq}}


def _services_changed(_: IncidentState, __: Record, event: e.ServicesChanged) -> Changes:
    return {"services": event.services}


def _merged(state: IncidentState, record: Record, event: e.IncidentMerged) -> Changes:
    return {**_moved(state, record, Status.MERGED), "merged_into": event.into}


def _absorbed(state: IncidentState, _: Record, event: e.IncidentAbsorbed) -> Changes:
    return {} if event.other in state.absorbed else {"absorbed": (*state.absorbed, event.other)}


def _privacy_changed(state: IncidentState, record: Record, event: e.PrivacyChanged) -> Changes:
    members = state.members.union(event.members, {record.actor}) if event.private else state.members
    return {"private": event.private, "members": members}


def _member_added(state: IncidentState, _: Record, event: e.MemberAdded) -> Changes:
    return {"members": state.members | {event.who}}


def _member_removed(state: IncidentState, _: Record, event: e.MemberRemoved) -> Changes:
    return {"members": state.members - {event.who}}


FOLDS: dict[type[e.Event], Fold] = {
    e.IncidentDeclared: _declared,
    e.IncidentAcknowledged: _acknowledged,
    e.IncidentAccepted: _accepted,
    e.IncidentDeclined: _declined,
    e.TitleChanged: _title_changed,
    e.SummaryChanged: _summary_changed,
    e.ServicesChanged: _services_changed,
    e.SeverityChanged: _severity_changed,
    e.StatusChanged: _status_changed,
    e.IncidentReopened: _reopened,
    e.MilestoneCorrected: _milestone_corrected,
    e.IncidentMerged: _merged,
    e.IncidentAbsorbed: _absorbed,
    e.PrivacyChanged: _privacy_changed,
    e.MemberAdded: _member_added,
    e.MemberRemoved: _member_removed,
}
