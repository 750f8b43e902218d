"""What an alert means for the incidents that are there.

One invariant: `decide_alert` is a function of its arguments; deciding the same alert again after its decision was
carried out gives `Duplicate`, so a sender may repeat itself as often as it likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from warroom.incident.words import Severity
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.rules import Rule, Rules


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert as an incident has it."""

    starts_at: datetime
    firing: bool
    acknowledged: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """An incident that matters to alerts: one that is not over, or that has an alert still firing.

    `live` while people work on it. Only a live one is joined.
    """

    incident: str
    live: bool = True
    private: bool = False
    services: frozenset[str] = frozenset()
    alerts: Mapping[tuple[str, str], HeldAlert] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, by which rule of which revision, and why in a sentence."""

    rule: str
    revision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Open(Decision):
    """Open an incident with this alert."""

    title: str
    severity: Severity
    services: tuple[str, ...]
    triage: bool
    private: bool
    impact: bool = False


@dataclass(frozen=True, slots=True)
class Attach(Decision):
    """Attach the alert, or attach it again when it fires anew."""

    incident: str


@dataclass(frozen=True, slots=True)
class Acknowledge(Decision):
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolve(Decision):
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ignore(Decision):
    """Nothing to do. `unmatched` when no rule spoke about the alert, which people should see."""

    unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate(Decision):
    """Already so."""

    incident: str


AnyDecision = Open | Attach | Acknowledge | Resolve | Ignore | Duplicate

_BUILT_IN = "(built in)"


def decide_alert(rules: Rules, alert: Alert, incidents: Sequence[Held]) -> AnyDecision:
    """What becomes of an alert. `incidents` come the oldest first."""
    holders = [held for held in incidents if alert.key in held.alerts]
    if alert.status != "firing":
        return _followed_up(rules, alert, holders)
    for held in holders:
        known = held.alerts[alert.key]
        # After people resolved, closed or declined it, the sender still repeats an alert that never stopped.
        if known.firing and (held.live or known.starts_at >= alert.starts_at):
            return Duplicate(_BUILT_IN, rules.revision, f"{held.incident} has it, firing", held.incident)
    again = next((held for held in holders if held.live), None)
    if again is not None:
        return Attach(_BUILT_IN, rules.revision, f"fires again in {again.incident}", again.incident)
    labels = {**alert.labels, "service": rules.service(alert), "severity": alert.severity}
    for rule in rules.rules:
        if rule.fits(labels):
            decision = _applied(rules, rule, alert, incidents)
            if decision is not None:
                return decision
    return Ignore("(none)", rules.revision, "no rule fits", unmatched=True)


def _followed_up(rules: Rules, alert: Alert, holders: Iterable[Held]) -> AnyDecision:
    held_by = list(holders)
    word = "resolved" if alert.status == "resolved" else "acknowledged"
    if not held_by:
        return Ignore(_BUILT_IN, rules.revision, f"{word}, and no incident has it")
    if alert.status == "resolved":
        firing = tuple(held.incident for held in held_by if held.alerts[alert.key].firing)
        if firing:
            return Resolve(_BUILT_IN, rules.revision, "its sender says that it is over", firing)
    else:
        waiting = tuple(held.incident for held in held_by if _waits(held.alerts[alert.key]))
        if waiting:
            return Acknowledge(_BUILT_IN, rules.revision, "acknowledged at its sender", waiting)
    last = held_by[-1].incident
    return Duplicate(_BUILT_IN, rules.revision, f"{last} has it, {word}", last)


def _waits(known: HeldAlert) -> bool:
    return known.firing and not known.acknowledged


def _applied(rules: Rules, rule: Rule, alert: Alert, incidents: Sequence[Held]) -> AnyDecision | None:
    if rule.ignore is not None:
        return Ignore(rule.name, rules.revision, rule.ignore)
    if rule.attach is not None:
        found = _same(rules, alert, rule.attach.by, incidents)
        if found is None:
            return None
        by = ", ".join(rule.attach.by)
        return Attach(rule.name, rules.revision, f"{found.incident} is open for the same {by}", found.incident)
    opening = rule.open
    if opening is None:
        return None
    # A private incident is joined by what would have been private too, and by nothing else.
    joinable = [held for held in incidents if held.private == opening.private]
    found = _same(rules, alert, opening.by, joinable) or _same_group(alert, joinable)
    if found is not None:
        return Attach(rule.name, rules.revision, f"{found.incident} is open for the same trouble", found.incident)
    service = rules.service(alert)
    severity = opening.severity or rules.severity(alert)
    return Open(
        rule.name,
        rules.revision,
        "no incident is open for it",
        title=rules.title(alert, opening),
        severity=severity,
        services=(service,) if service else (),
        triage=opening.triage,
        private=opening.private,
        impact=opening.impact,
    )


def _same(rules: Rules, alert: Alert, by: Sequence[str], incidents: Iterable[Held]) -> Held | None:
    """The newest live incident that has the same values; a label the alert lacks says nothing and joins nothing."""
    wanted = {name: rules.service(alert) if name == "service" else alert.labels.get(name, "") for name in by}
    if not wanted or not all(wanted.values()):
        return None
    return _newest(held for held in incidents if _holds(held, wanted))


def _holds(held: Held, wanted: Mapping[str, str]) -> bool:
    rest = {name: value for name, value in wanted.items() if name != "service"}
    service = wanted.get("service")
    if service is not None and service not in held.services:
        return False
    if not rest:
        return True
    return any(all(known.labels.get(n) == v for n, v in rest.items()) for known in held.alerts.values())


def _same_group(alert: Alert, incidents: Iterable[Held]) -> Held | None:
    """The newest live incident with an alert of the same sender and group."""
    group = alert.group_labels
    if not group:
        return None
    return _newest(
        held
        for held in incidents
        if any(
            source == alert.source and all(known.labels.get(n) == v for n, v in group.items())
            for (source, _), known in held.alerts.items()
        )
    )


def _newest(incidents: Iterable[Held]) -> Held | None:
    found: Held | None = None
    for held in incidents:
        if held.live:
            found = held
    return found
