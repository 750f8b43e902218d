"""What happened in an exercise, by the names that conditions and milestones use.

Invariant: made from the records of the log alone, in their order; the same records give the same happenings.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from warroom.incident import events as e
from warroom.incident.bases import Event
from warroom.incident.decode import read_event
from warroom.incident.record import Record
from warroom.incident.words import Status
from warroom.tabletop.sealed import Sealed
from warroom.tabletop.truth import names_truth
from warroom.tabletop.vocabulary import OUTSIDE


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """One thing that happened: `second` of the exercise, `seq` of the record in the log."""

    second: int
    seq: int
    name: str
    argument: str = ""
    actor: str = ""


_Names = Callable[[Any], tuple[tuple[str, str], ...]]


def _plain(name: str, field: str = "") -> _Names:
    return lambda event: ((name, str(getattr(event, field)) if field else ""),)


def _status(event: e.StatusChanged) -> tuple[tuple[str, str], ...]:
    ends = {Status.RESOLVED: "incident.resolved", Status.CLOSED: "incident.closed"}.get(event.status)
    return (("status.set", event.status.value), *(((ends, ""),) if ends else ()))


def _update(event: e.UpdatePublished) -> tuple[tuple[str, str], ...]:
    audience = event.audience.strip().lower() or "everyone"
    promised = (("update.promised", ""),) if event.next_update_due is not None else ()
    outside = (("update.posted", "external"),) if audience in OUTSIDE and audience != "external" else ()
    return (("update.posted", audience), *outside, *promised)


def _task(event: e.TaskAdded) -> tuple[tuple[str, str], ...]:
    return (("task.added", ""), *((("follow_up.added", ""),) if event.follow_up else ()))


_TABLE: Final[Mapping[type[Event], _Names]] = {
    e.IncidentAcknowledged: _plain("incident.acknowledged"),
    e.IncidentAccepted: _plain("incident.declared"),
    e.IncidentDeclined: _plain("incident.declined"),
    e.IncidentReopened: _plain("incident.reopened"),
    e.StatusChanged: _status,
    e.SeverityChanged: _plain("severity.set", "severity"),
    e.AlertAcknowledged: _plain("alert.acknowledged", "name"),
    e.AlertResolved: _plain("alert.resolved", "name"),
    e.RoleAssigned: _plain("role.assigned", "duty"),
    e.RoleReleased: _plain("role.released", "duty"),
    e.RoleHandedOver: _plain("role.assigned", "duty"),
    e.UpdatePublished: _update,
    e.NextUpdateSet: _plain("update.promised"),
    e.NoteAdded: _plain("note.added"),
    e.ChatPosted: _plain("chat.posted"),
    e.HypothesisSupported: _plain("hypothesis.supported"),
    e.HypothesisRefuted: _plain("hypothesis.refuted"),
    e.HypothesisConfirmed: _plain("hypothesis.confirmed"),
    e.DecisionOpened: _plain("decision.opened"),
    e.DecisionTaken: _plain("decision.taken"),
    e.TaskAdded: _task,
    e.TaskFinished: _plain("task.finished"),
    e.ImpactDescribed: _plain("impact.described"),
    e.PlaybookAttached: _plain("playbook.attached"),
    e.ChangeRecorded: _plain("change.recorded", "kind"),
    e.InjectDelivered: _plain("inject.delivered", "inject"),
    e.HintAsked: _plain("hint.asked"),
    e.HintGiven: _plain("hint.given", "inject"),
    e.PersonWithheld: _plain("person.withheld", "who"),
    e.PersonReturned: _plain("person.returned", "who"),
}
_ACTIONS: Final[Mapping[type[Event], str]] = {
    e.ActionApproved: "action.approved",
    e.ActionRejected: "action.rejected",
    e.ActionStarted: "action.started",
}


class Happenings:
    """What happened so far, to be asked by name. Records are added in the order of the log."""

    def __init__(self, sealed: Sealed, started_at: datetime) -> None:
        self._sealed = sealed
        self._started_at = started_at
        self._seconds: dict[tuple[str, str], list[int]] = {}
        self._actions: dict[int, str] = {}
        self._alerts: dict[tuple[str, str], str] = {}
        self.all: list[Happening] = []

    def add(self, record: Record) -> None:
        """Take the next record of the log. An erased one says nothing."""
        event = read_event(record)
        if event is None:
            return
        second = int((record.recorded_at - self._started_at).total_seconds())
        for name, argument in self.names_of(event):
            self.all.append(Happening(second, record.seq, name, argument, record.actor))
            insort(self._seconds.setdefault((name, argument), []), second)
            if argument:
                insort(self._seconds.setdefault((name, ""), []), second)

    def names_of(self, event: Event) -> tuple[tuple[str, str], ...]:
        """The names that one event has, each with its argument."""
        named = _TABLE.get(type(event))
        if isinstance(event, e.AlertAttached):
            self._alerts[event.alert.source, event.alert.fingerprint] = event.alert.name
            return (("alert.attached", event.alert.name),)
        if isinstance(event, e.AlertAcknowledged | e.AlertResolved):
            verb = "alert.acknowledged" if isinstance(event, e.AlertAcknowledged) else "alert.resolved"
            return ((verb, event.name or self._alerts.get((event.source, event.fingerprint), "")),)
        if isinstance(event, e.HypothesisProposed):
            true = (("hypothesis.names", "GT"),) if names_truth(event.text, self._sealed) else ()
            return (("hypothesis.proposed", ""), *true)
        if isinstance(event, e.EvidencePinned):
            return (("evidence.pinned", event.evidence.kind),)
        return named(event) if named is not None else self._of_action(event)

    def _of_action(self, event: Event) -> tuple[tuple[str, str], ...]:
        if isinstance(event, e.ActionRequested):
            self._actions[event.number] = event.action
            return (("action.requested", event.action),)
        if isinstance(event, e.ActionFinished):
            return ((f"action.{event.outcome}", self._actions.get(event.number, "")),)
        verb = _ACTIONS.get(type(event))
        return ((verb, self._actions.get(getattr(event, "number", 0), "")),) if verb else ()

    def seconds(self, name: str, arguments: tuple[str, ...] = ()) -> tuple[int, ...]:
        """When it happened, ascending; several arguments stand for any of them, none for all."""
        if not arguments:
            return tuple(self._seconds.get((name, ""), ()))
        if len(arguments) == 1:
            return tuple(self._seconds.get((name, arguments[0]), ()))
        return tuple(sorted(at for argument in arguments for at in self._seconds.get((name, argument), ())))
