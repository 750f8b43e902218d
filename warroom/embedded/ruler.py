"""Evaluates rules when they are due: recorded series, alerts and their series, and the alert store.

Invariant: a group is evaluated at whole multiples of its interval since the epoch, each once and in order, so the same
samples and the same ticks make the same series and alerts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from warroom.embedded.alert_store import AlertStore, Posted, fingerprint_of
from warroom.embedded.rule_files import AlertingRule, RuleError, RuleGroup, load_rules, read_rules
from warroom.embedded.rule_state import Alert, Evaluator, RuleFailed, RuleState
from warroom.embedded.rules_now import AlertNow, GroupNow, RuleNow
from warroom.embedded.series_store import SampleRefused, SeriesStore
from warroom.telemetry.alerts import ActiveAlert, Rule
from warroom.telemetry.block import SeriesKey

__all__ = ["RuleError", "RuleGroup", "Ruler", "load_rules", "read_rules"]

RESEND = 60.0
"""Seconds after which a firing alert is posted again."""

MOST_MISSED = 240
"""Evaluations of one group that one tick catches up on; what is older is passed over."""


@dataclass(slots=True)
class _Group:
    group: RuleGroup
    interval: float
    rules: list[RuleState]
    last: float | None = None
    """When it was last evaluated, seconds since the epoch."""
    ended: set[SeriesKey] = field(default_factory=set)

    def due(self, now: float) -> list[float]:
        """The moments up to now at which it has not been evaluated."""
        latest = math.floor(round(now / self.interval, 9))
        first = latest if self.last is None else max(math.floor(round(self.last / self.interval, 9)) + 1,
                                                     latest - MOST_MISSED + 1)  # fmt: skip
        return [number * self.interval for number in range(first, latest + 1)]


class Ruler:
    """`engine` reads what `store` keeps; alerts go to `alerts`. `interval` is of groups that name none, in seconds."""

    def __init__(
        self,
        engine: Evaluator,
        store: SeriesStore,
        alerts: AlertStore,
        groups: Sequence[RuleGroup] = (),
        *,
        interval: float = 15.0,
    ) -> None:
        if interval <= 0:
            raise ValueError("rules are evaluated at an interval of more than 0 s")
        self._engine, self._store, self._alerts = engine, store, alerts
        self._groups = [
            _Group(group, group.interval or interval, [RuleState(rule) for rule in group.rules]) for group in groups
        ]

    def tick(self, now: float) -> None:
        """Evaluate what is due up to `now`."""
        due = [(at, number) for number, one in enumerate(self._groups) for at in one.due(now)]
        for at, number in sorted(due):
            self._evaluate(self._groups[number], at)

    def skip_to(self, now: float) -> None:
        """Pass over what was due up to `now`, that moment included."""
        for one in self._groups:
            one.last = math.floor(round(now / one.interval, 9)) * one.interval

    def groups(self) -> tuple[GroupNow, ...]:
        """All of it as it stands, as Prometheus shows it."""
        return tuple(
            GroupNow(one.group.name, one.group.file, one.interval,
                     tuple(_rule_now(one.group.name, state) for state in one.rules))
            for one in self._groups
        )  # fmt: skip

    def rules(self) -> tuple[Rule, ...]:
        """Every rule with its state and health."""
        return tuple(rule.rule for group in self.groups() for rule in group.rules)

    def firing(self) -> tuple[ActiveAlert, ...]:
        """Alerts that fire, by their labels."""
        return self._in_state("firing")

    def pending(self) -> tuple[ActiveAlert, ...]:
        """Alerts whose condition holds, though not yet for long enough."""
        return self._in_state("pending")

    def _evaluate(self, group: _Group, at: float) -> None:
        seen_at = at - group.group.offset
        for state in group.rules:
            state.evaluated_at = at
            try:
                written = state.evaluate(self._engine, seen_at, group.group.limit)
            except RuleFailed as failed:
                state.health, state.error = "err", str(failed)
                continue
            state.health, state.error = "ok", ""
            for key, value in written:
                try:
                    self._store.append_samples(key, (seen_at,), (value,))
                except SampleRefused as refused:
                    state.health, state.error = "err", str(refused)
            keys = {key for key, _ in written}
            self._store.mark_stale(sorted(state.written - keys), seen_at)
            state.written = keys
            if isinstance(state.rule, AlertingRule):
                self._send(state, group.interval, at)
        group.last = at

    def _send(self, state: RuleState, interval: float, at: float) -> None:
        posted = []
        for labels in sorted(state.alerts):
            alert = state.alerts[labels]
            if alert.state == "pending":
                continue
            ended = alert.state == "inactive"
            news = alert.resolved_at > alert.sent_at or not alert.sent_at
            if not news and (ended or at < alert.sent_at + RESEND):
                continue
            alert.sent_at = at
            # As long as Prometheus gives it: it is over when three posts did not come.
            ends = alert.resolved_at if ended else at + 4 * max(interval, RESEND)
            posted.append(Posted(labels, alert.annotations, alert.fired_at, ends, _graph(state.rule.expr)))
        if posted:
            self._alerts.post(posted)

    def _in_state(self, wanted: str) -> tuple[ActiveAlert, ...]:
        found = [
            _active(alert) for group in self._groups for state in group.rules
            for alert in state.alerts.values() if alert.state == wanted
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda one: one.labels))


def _active(alert: Alert) -> ActiveAlert:
    return ActiveAlert(
        fingerprint_of(alert.labels),
        alert.labels,
        alert.annotations,
        alert.fired_at or alert.active_at,
        0.0,
        alert.state,
    )


def _rule_now(group: str, state: RuleState) -> RuleNow:
    rule = state.rule
    if not isinstance(rule, AlertingRule):
        told = Rule(group, rule.name, rule.expr, "recording", "", state.health, state.error, 0.0, rule.labels)
        return RuleNow(told, evaluated_at=state.evaluated_at)
    living = [state.alerts[labels] for labels in sorted(state.alerts) if state.alerts[labels].state != "inactive"]
    states = {one.state for one in living}
    worst = "firing" if "firing" in states else "pending" if "pending" in states else "inactive"
    told = Rule(group, rule.name, rule.expr, "alerting", worst, state.health, state.error, rule.lasting, rule.labels,
                rule.annotations)  # fmt: skip
    alerts = tuple(
        AlertNow(
            one.labels, one.annotations, "firing" if one.state == "firing" else "pending", one.active_at, one.value
        )
        for one in living
    )
    return RuleNow(told, alerts, state.evaluated_at, keep_firing_for=rule.keep_firing)


def _graph(expr: str) -> str:
    return f"/graph?g0.expr={quote_plus(expr)}&g0.tab=1"
