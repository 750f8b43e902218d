"""One rule as it stands: what it evaluated to last, and the alerts that came of it.

Follows rules/alerting.go and rules/recording.go of github.com/prometheus/prometheus (2.42 to 3.5).

Invariant: what a rule makes depends on the samples, the rule and the moments of its evaluations, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from warroom.embedded.promql import PromqlError
from warroom.embedded.rule_files import AlertingRule, RecordingRule
from warroom.embedded.templates import Ask, Result, Template, TemplateError
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import Sample, Vector

Labels: TypeAlias = tuple[tuple[str, str], ...]
Written: TypeAlias = list[tuple[SeriesKey, float]]

RESOLVED_KEPT = 900.0
"""Seconds for which a resolved alert is still told of, so that nobody misses that it is over."""

_SAME = "vector contains metrics with the same labelset after applying {} labels"


class Evaluator(Protocol):
    """What evaluates expressions; raises PromqlError."""

    def instant(self, query: str, at: float) -> Vector: ...


class RuleFailed(Exception):
    """Why an evaluation came to nothing."""


@dataclass(slots=True)
class Alert:
    """An alert of a rule. Times are seconds since the epoch, 0 where it has not come to that."""

    labels: Labels
    annotations: Labels
    active_at: float
    value: float
    state: Literal["pending", "firing", "inactive"] = "pending"
    fired_at: float = 0.0
    resolved_at: float = 0.0
    kept_since: float = 0.0
    sent_at: float = 0.0


@dataclass(slots=True)
class RuleState:
    """A rule, the templates of its texts, and how its last evaluation went."""

    rule: AlertingRule | RecordingRule
    health: Literal["unknown", "ok", "err"] = "unknown"
    error: str = ""
    evaluated_at: float = 0.0
    alerts: dict[Labels, Alert] = field(default_factory=dict)
    written: set[SeriesKey] = field(default_factory=set)
    """The series of the evaluation before, so that those which ended are marked."""
    labels: tuple[tuple[str, Template], ...] = ()
    annotations: tuple[tuple[str, Template], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.rule, AlertingRule):
            self.labels = tuple((name, Template(text)) for name, text in self.rule.labels)
            self.annotations = tuple((name, Template(text)) for name, text in self.rule.annotations)

    def evaluate(self, evaluator: Evaluator, at: float, limit: int) -> Written:
        """The samples that this evaluation makes, for one moment. Raises RuleFailed; the alerts are then as before."""
        try:
            found = evaluator.instant(self.rule.expr, at)
        except PromqlError as wrong:
            raise RuleFailed(str(wrong)) from None
        if found.histograms:
            raise RuleFailed("the expression gives native histograms, which are not recorded here")
        if isinstance(self.rule, RecordingRule):
            return self._recorded(self.rule, found, limit)
        return self._alerted(self.rule, found, evaluator, at, limit)

    def _recorded(self, rule: RecordingRule, found: Vector, limit: int) -> Written:
        made: dict[SeriesKey, float] = {}
        for sample in found.samples:
            key = _labels({**dict(sample.labels), "__name__": rule.name, **dict(rule.labels)})
            if key in made:
                raise RuleFailed(_SAME.format("rule"))
            made[key] = sample.value
        if limit and len(made) > limit:
            raise RuleFailed(f"exceeded limit of {limit} with {len(made)} series")
        return list(made.items())

    def _alerted(self, rule: AlertingRule, found: Vector, evaluator: Evaluator, at: float, limit: int) -> Written:
        def ask(query: str) -> list[Result]:
            try:
                return [Result(dict(one.labels), one.value) for one in evaluator.instant(query, at).samples]
            except PromqlError as wrong:
                raise TemplateError(str(wrong)) from None

        fresh: dict[Labels, Alert] = {}
        for sample in found.samples:
            alert = self._alert(rule, sample, at, ask)
            if alert.labels in fresh:
                raise RuleFailed(_SAME.format("alert"))
            fresh[alert.labels] = alert
        for labels, alert in fresh.items():
            known = self.alerts.get(labels)
            if known is not None and known.state != "inactive":
                known.value, known.annotations = alert.value, alert.annotations
            else:
                self.alerts[labels] = alert
        active = [one for one in sorted(self.alerts) if self._advanced(rule, self.alerts[one], at, there=one in fresh)]
        if limit and len(active) > limit:
            self.alerts.clear()
            raise RuleFailed(f"exceeded limit of {limit} with {len(active)} alerts")
        written: Written = []
        for labels in active:
            alert = self.alerts[labels]
            written.append((_labels({**dict(labels), "__name__": "ALERTS", "alertstate": alert.state}), 1.0))
            since = float(int(alert.active_at))
            written.append((_labels({**dict(labels), "__name__": "ALERTS_FOR_STATE"}), since))
        return written

    def _alert(self, rule: AlertingRule, sample: Sample, at: float, ask: Ask) -> Alert:
        labels = dict(sample.labels)
        named = {name: value for name, value in labels.items() if name != "__name__"}
        named |= {name: _filled(text, labels, sample.value, ask) for name, text in self.labels}
        named["alertname"] = rule.name
        told = {name: _filled(text, labels, sample.value, ask) for name, text in self.annotations}
        return Alert(_labels(named), _labels(told), at, sample.value)

    def _advanced(self, rule: AlertingRule, alert: Alert, at: float, *, there: bool) -> bool:
        """Whether it is pending or firing after this evaluation, in which its series was `there` or not."""
        if there:
            alert.kept_since = 0.0
        else:
            keeps = False
            if alert.state == "firing" and rule.keep_firing > 0:
                alert.kept_since = alert.kept_since or at
                keeps = at - alert.kept_since < rule.keep_firing
            if alert.state == "pending" or (alert.resolved_at and at - alert.resolved_at > RESOLVED_KEPT):
                del self.alerts[alert.labels]
            if not keeps:
                if alert.state != "inactive":
                    alert.state, alert.resolved_at = "inactive", at
                return False
        if alert.state == "pending" and at - alert.active_at >= rule.lasting:
            alert.state, alert.fired_at = "firing", at
        return True


def _filled(template: Template, labels: Mapping[str, str], value: float, ask: Ask) -> str:
    try:
        return template.fill(labels, value, ask)
    except TemplateError as wrong:
        return f"<error expanding template: {wrong}>"


def _labels(named: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in named.items() if value))
