"""Rules of what comes from outside or goes out: panels, alerts, links, changes, impact, updates, playbooks."""

from __future__ import annotations

from datetime import timedelta

from warroom.incident import commands as c
from warroom.incident import events as e
from warroom.incident.rules.rule import (
    ALREADY,
    Ask,
    Need,
    Rule,
    conflict,
    events,
    invalid,
    known_as,
    limit,
    not_found,
    past,
    refuse,
    update_due,
)
from warroom.incident.state import AlertState, StepState
from warroom.incident.verdict import Proposed, Reason, Refusal, Verdict

MOST_PANELS = 24
MOST_ALERTS = 1000
MOST_LINKS = 200
MOST_CHANGES = 1000
MOST_COUNTERS = 50
MOST_UPDATES = 1000
MOST_PLAYBOOKS = 20


def _add_panel(ask: Ask, command: c.AddPanel) -> Verdict:
    panel = command.panel
    lines = tuple((line.value, line.level, line.above, line.label) for line in panel.thresholds)
    wanted = (panel.source, panel.query, panel.unit, panel.legend, lines, panel.window, panel.step)
    for one in ask.state.board:
        if wanted == (one.source, one.query, one.unit, one.legend, one.thresholds, one.window, one.step):
            return conflict(f"panel {one.number}, {one.title}, shows just that already")
    if len(ask.state.board) >= MOST_PANELS:
        return limit("panels on its board; take one off first", MOST_PANELS)
    return events(e.PanelAdded(number=ask.state.panels_added + 1, panel=panel))


def _remove_panel(ask: Ask, command: c.RemovePanel) -> Verdict:
    if any(panel.number == command.number for panel in ask.state.board):
        return events(e.PanelRemoved(number=command.number))
    if command.number <= ask.state.panels_added:
        return ALREADY
    return not_found(f"{ask.state.id} has no panel {command.number}")


def _attach(ask: Ask, command: c.AttachAlert) -> Verdict:
    alert = command.alert
    known = ask.state.alert(alert.source, alert.fingerprint)
    if known is not None and known.status != "resolved":
        return ALREADY
    if known is None and len(ask.state.alerts) >= MOST_ALERTS:
        return limit("alerts", MOST_ALERTS)
    return events(e.AlertAttached(alert=alert))


def _alert(ask: Ask, source: str, fingerprint: str) -> AlertState | Refusal:
    found = ask.state.alert(source, fingerprint)
    return not_found(f"{ask.state.id} has no alert {fingerprint} of {source}") if found is None else found


def _acknowledge(ask: Ask, command: c.AcknowledgeAlert) -> Verdict:
    given, known = command.alert, ask.state.alert(command.source, command.fingerprint)
    if given is not None and (given.source, given.fingerprint) != (command.source, command.fingerprint):
        return invalid(f"the alert given is {given.fingerprint} of {given.source}, not the one to acknowledge")
    if given is not None and (known is None or known.status == "resolved"):
        if known is None and len(ask.state.alerts) >= MOST_ALERTS:
            return limit("alerts", MOST_ALERTS)
        acknowledged = e.AlertAcknowledged(source=given.source, fingerprint=given.fingerprint, name=given.name)
        return events(e.AlertAttached(alert=given), acknowledged)
    alert = _alert(ask, command.source, command.fingerprint)
    if isinstance(alert, Refusal):
        return alert
    if alert.status == "resolved":
        return conflict(f"alert {alert.name} is resolved already")
    if alert.status == "acknowledged":
        return ALREADY
    return events(e.AlertAcknowledged(source=command.source, fingerprint=command.fingerprint, name=alert.name))


def _resolve(ask: Ask, command: c.ResolveAlert) -> Verdict:
    alert = _alert(ask, command.source, command.fingerprint)
    if isinstance(alert, Refusal):
        return alert
    if alert.status == "resolved":
        return ALREADY
    ended = past(ask, command.ended_at, "the end of the alert")
    if isinstance(ended, Refusal):
        return ended
    return events(
        e.AlertResolved(source=command.source, fingerprint=command.fingerprint, name=alert.name, ended_at=ended)
    )


def _link(ask: Ask, command: c.AddLink) -> Verdict:
    if any(link.url == command.url and link.title == command.title for link in ask.state.links):
        return ALREADY
    if len(ask.state.links) >= MOST_LINKS:
        return limit("links", MOST_LINKS)
    return events(e.LinkAdded(title=command.title, url=command.url, kind=command.kind))


def _change(ask: Ask, command: c.RecordChange) -> Verdict:
    if not (command.service or command.version or command.text):
        return invalid("say what was changed: the service, the version, or a text")
    at = past(ask, command.occurred_at)
    if isinstance(at, Refusal):
        return at
    if len(ask.state.changes) >= MOST_CHANGES:
        return limit("changes", MOST_CHANGES)
    event = e.ChangeRecorded(kind=command.kind, service=command.service, version=command.version, text=command.text)
    return (Proposed(event, at),)


def _count(ask: Ask, command: c.CountImpact) -> Verdict:
    known = next((counter for counter in ask.state.counters if counter.name == command.counter), None)
    if known is not None and (known.value, known.source) == (command.value, command.source):
        return ALREADY
    if known is None and len(ask.state.counters) >= MOST_COUNTERS:
        return limit("impact counters", MOST_COUNTERS)
    return events(e.ImpactCounted(counter=command.counter, value=command.value, source=command.source))


def _describe(ask: Ask, command: c.DescribeImpact) -> Verdict:
    return ALREADY if command.text == ask.state.impact else events(e.ImpactDescribed(text=command.text))


def _publish(ask: Ask, command: c.PublishUpdate) -> Verdict:
    if len(ask.state.updates) >= MOST_UPDATES:
        return limit("updates", MOST_UPDATES)
    if not ask.state.status.is_live or command.next_in_minutes == 0:
        due = None
    elif command.next_in_minutes is None:
        due = update_due(ask.state.severity, ask.at)
    else:
        due = ask.at + timedelta(minutes=command.next_in_minutes)
    return events(e.UpdatePublished(text=command.text, audience=command.audience or "everyone", next_update_due=due))


def _next_update(ask: Ask, command: c.SetNextUpdate) -> Verdict:
    if command.in_minutes is None:
        return ALREADY if ask.state.next_update_due is None else events(e.NextUpdateSet(due=None))
    if not ask.state.status.is_live:
        return conflict(f"{ask.state.id} is {ask.state.status}, so no update falls due")
    return events(e.NextUpdateSet(due=ask.at + timedelta(minutes=command.in_minutes)))


def _attach_playbook(ask: Ask, command: c.AttachPlaybook) -> Verdict:
    book = command.playbook
    if any(attached.id == book.id for attached in ask.state.playbooks):
        return ALREADY
    if len({step.id for step in book.steps}) < len(book.steps):
        return invalid(f"playbook {book.id} has two steps with the same id")
    if len(ask.state.playbooks) >= MOST_PLAYBOOKS:
        return limit("playbooks", MOST_PLAYBOOKS)
    return events(e.PlaybookAttached(playbook=book))


def _step(ask: Ask, playbook: str, step: str) -> StepState | Refusal:
    for book in ask.state.playbooks:
        if book.id == playbook:
            found = next((item for item in book.steps if item.id == step), None)
            return not_found(f"playbook {playbook} has no step {step}") if found is None else found
    return not_found(f"playbook {playbook} is not attached to {ask.state.id}")


def _complete(ask: Ask, command: c.CompleteStep) -> Verdict:
    step = _step(ask, command.playbook, command.step)
    if isinstance(step, Refusal):
        return step
    if step.status == "done":
        return ALREADY
    return events(e.StepCompleted(playbook=command.playbook, step=command.step, result=command.result))


def _skip(ask: Ask, command: c.SkipStep) -> Verdict:
    step = _step(ask, command.playbook, command.step)
    if isinstance(step, Refusal):
        return step
    if step.status == "done":
        return refuse(Reason.CONFLICT, f"step {step.id} is done, by {step.by}; open it again first")
    if step.status == "skipped":
        return ALREADY
    return events(e.StepSkipped(playbook=command.playbook, step=command.step, reason=command.reason))


def _assign_step(ask: Ask, command: c.AssignStep) -> Verdict:
    step = _step(ask, command.playbook, command.step)
    if isinstance(step, Refusal):
        return step
    if step.assignee == known_as(ask, command.assignee):
        return ALREADY
    return events(
        e.StepAssigned(playbook=command.playbook, step=command.step, assignee=known_as(ask, command.assignee))
    )


def _reopen_step(ask: Ask, command: c.ReopenStep) -> Verdict:
    step = _step(ask, command.playbook, command.step)
    if isinstance(step, Refusal):
        return step
    if step.status == "open":
        return ALREADY
    return events(e.StepReopened(playbook=command.playbook, step=command.step, reason=command.reason))


RULES: dict[type[c.Command], tuple[Need, Rule]] = {
    c.AddPanel: (Need.WORK, _add_panel),
    c.RemovePanel: (Need.WORK, _remove_panel),
    c.AttachAlert: (Need.WORK, _attach),
    c.AcknowledgeAlert: (Need.WORK, _acknowledge),
    c.ResolveAlert: (Need.WORK, _resolve),
    c.AddLink: (Need.WORK, _link),
    c.RecordChange: (Need.WORK, _change),
    c.CountImpact: (Need.WORK, _count),
    c.DescribeImpact: (Need.WORK, _describe),
    c.PublishUpdate: (Need.WORK, _publish),
    c.SetNextUpdate: (Need.WORK, _next_update),
    c.AttachPlaybook: (Need.WORK, _attach_playbook),
    c.CompleteStep: (Need.WORK, _complete),
    c.SkipStep: (Need.WORK, _skip),
    c.AssignStep: (Need.WORK, _assign_step),
    c.ReopenStep: (Need.WORK, _reopen_step),
}
