"""Folds of what comes from outside or goes out: panels, alerts, links, changes, impact, updates, playbooks."""

from __future__ import annotations

from dataclasses import replace

from warroom.incident import events as e
from warroom.incident.fields import Alert
from warroom.incident.folds.change import Changes, Fold
from warroom.incident.record import Record
from warroom.incident.state import (
    AlertState,
    BoardPanel,
    Change,
    Counter,
    IncidentState,
    Link,
    PlaybookState,
    StepState,
    Update,
)


def _panel_added(state: IncidentState, record: Record, event: e.PanelAdded | None) -> Changes:
    number = state.panels_added + 1
    if event is None:
        return {"panels_added": number}
    shown = event.panel
    panel = BoardPanel(
        number,
        record.seq,
        record.actor,
        record.occurred_at,
        shown.title,
        shown.query,
        shown.source,
        shown.unit,
        shown.legend,
        tuple((line.value, line.level, line.above, line.label) for line in shown.thresholds),
        shown.window,
        shown.step,
    )
    return {"board": (*state.board, panel), "panels_added": number}


def _panel_removed(state: IncidentState, _: Record, event: e.PanelRemoved) -> Changes:
    kept = tuple(panel for panel in state.board if panel.number != event.number)
    return {"board": kept} if len(kept) < len(state.board) else {}


def _alert_state(alert: Alert, seq: int, times_fired: int) -> AlertState:
    return AlertState(
        fingerprint=alert.fingerprint,
        source=alert.source,
        seq=seq,
        name=alert.name,
        severity=alert.severity,
        service=alert.service,
        summary=alert.summary,
        starts_at=alert.starts_at,
        times_fired=times_fired,
        url=alert.url,
        labels=tuple(alert.labels.items()),
        annotations=tuple(alert.annotations.items()),
    )


def _alert_attached(state: IncidentState, record: Record, event: e.AlertAttached) -> Changes:
    key = (event.alert.source, event.alert.fingerprint)
    index = state.alert_index.get(key)
    if index is None:
        return {
            "alerts": state.alerts.append(_alert_state(event.alert, record.seq, 1)),
            "alert_index": {**state.alert_index, key: len(state.alerts)},
        }
    before = state.alerts[index]
    return {"alerts": state.alerts.replace(index, _alert_state(event.alert, record.seq, before.times_fired + 1))}


def _alert_acknowledged(state: IncidentState, record: Record, event: e.AlertAcknowledged) -> Changes:
    index = state.alert_index.get((event.source, event.fingerprint))
    if index is None or state.alerts[index].status == "resolved":
        return {}
    alert = replace(state.alerts[index], status="acknowledged", acknowledged_by=record.actor)
    return {"alerts": state.alerts.replace(index, alert)}


def _alert_resolved(state: IncidentState, record: Record, event: e.AlertResolved) -> Changes:
    index = state.alert_index.get((event.source, event.fingerprint))
    if index is None:
        return {}
    alert = replace(state.alerts[index], status="resolved", ended_at=event.ended_at or record.occurred_at)
    return {"alerts": state.alerts.replace(index, alert)}


def _link_added(state: IncidentState, record: Record, event: e.LinkAdded) -> Changes:
    return {"links": state.links.append(Link(record.seq, event.title, event.url, event.kind, record.actor))}


def _change_recorded(state: IncidentState, record: Record, event: e.ChangeRecorded) -> Changes:
    change = Change(record.seq, event.kind, event.service, event.version, event.text, record.occurred_at, record.actor)
    return {"changes": state.changes.append(change)}


def _impact_counted(state: IncidentState, record: Record, event: e.ImpactCounted) -> Changes:
    peak = max([event.value, *(c.peak for c in state.counters if c.name == event.counter)])
    counter = Counter(event.counter, event.value, peak, event.source, record.seq, record.occurred_at)
    if any(c.name == event.counter for c in state.counters):
        return {"counters": tuple(counter if c.name == event.counter else c for c in state.counters)}
    return {"counters": (*state.counters, counter)}


def _impact_described(state: IncidentState, record: Record, event: e.ImpactDescribed) -> Changes:
    return {"impact": event.text, "sources": {**state.sources, "impact": record.seq}}


def _update_published(state: IncidentState, record: Record, event: e.UpdatePublished) -> Changes:
    update = Update(record.seq, event.text, event.audience, record.actor, record.occurred_at)
    return {"updates": state.updates.append(update), "next_update_due": event.next_update_due}


def _next_update_set(_: IncidentState, __: Record, event: e.NextUpdateSet) -> Changes:
    return {"next_update_due": event.due}


def _playbook_attached(state: IncidentState, record: Record, event: e.PlaybookAttached) -> Changes:
    book = event.playbook
    if any(attached.id == book.id for attached in state.playbooks):
        return {}
    steps = tuple(StepState(s.id, s.title, s.owner, s.instructions, s.expected) for s in book.steps)
    attached = PlaybookState(
        book.id, book.title, book.version, book.digest, record.seq, record.actor, record.occurred_at, steps
    )
    return {"playbooks": (*state.playbooks, attached)}


def _with_step(state: IncidentState, playbook: str, step: str, **changes: object) -> Changes:
    """The playbooks with `changes` in that step; nothing where the reference dangles."""
    for place, book in enumerate(state.playbooks):
        if book.id != playbook:
            continue
        for number, old in enumerate(book.steps):
            if old.id == step:
                new = replace(old, **changes)  # type: ignore[arg-type]
                changed = replace(book, steps=(*book.steps[:number], new, *book.steps[number + 1 :]))
                return {"playbooks": (*state.playbooks[:place], changed, *state.playbooks[place + 1 :])}
    return {}


def _step_ended(
    state: IncidentState, record: Record, event: e.StepCompleted | e.StepSkipped, status: str, words: str
) -> Changes:
    return _with_step(
        state,
        event.playbook,
        event.step,
        status=status,
        words=words,
        by=record.actor,
        at=record.occurred_at,
        seq=record.seq,
    )


def _step_completed(state: IncidentState, record: Record, event: e.StepCompleted) -> Changes:
    return _step_ended(state, record, event, "done", event.result)


def _step_skipped(state: IncidentState, record: Record, event: e.StepSkipped) -> Changes:
    return _step_ended(state, record, event, "skipped", event.reason)


def _step_assigned(state: IncidentState, _: Record, event: e.StepAssigned) -> Changes:
    return _with_step(state, event.playbook, event.step, assignee=event.assignee)


def _step_reopened(state: IncidentState, record: Record, event: e.StepReopened) -> Changes:
    return _with_step(
        state,
        event.playbook,
        event.step,
        status="open",
        words=event.reason,
        by=record.actor,
        at=record.occurred_at,
        seq=record.seq,
    )


FOLDS: dict[type[e.Event], Fold] = {
    e.PanelAdded: _panel_added,
    e.PanelRemoved: _panel_removed,
    e.AlertAttached: _alert_attached,
    e.AlertAcknowledged: _alert_acknowledged,
    e.AlertResolved: _alert_resolved,
    e.LinkAdded: _link_added,
    e.ChangeRecorded: _change_recorded,
    e.ImpactCounted: _impact_counted,
    e.ImpactDescribed: _impact_described,
    e.UpdatePublished: _update_published,
    e.NextUpdateSet: _next_update_set,
    e.PlaybookAttached: _playbook_attached,
    e.StepCompleted: _step_completed,
    e.StepSkipped: _step_skipped,
    e.StepAssigned: _step_assigned,
    e.StepReopened: _step_reopened,
}

PLACEHOLDERS: dict[str, Fold] = {e.PanelAdded.KIND: _panel_added}
"""What a tombstone of that kind still adds, so that the numbers of those after it stay right."""
