"""Alerts and silences as Alertmanager has them, and rules and targets as Prometheus has them: data only.

Times are seconds since the epoch; 0 where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, as `name="value"`, `!=`, `=~` or `!~`."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        sign = ("=~" if self.is_equal else "!~") if self.is_regex else ("=" if self.is_equal else "!=")
        return f'{self.name}{sign}"{self.value}"'


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """One alert. `state` is active, suppressed or unprocessed (firing or pending where Prometheus says it);
    `silenced_by` are silence ids, `inhibited_by` fingerprints, `muted_by` names of time intervals.
    """

    fingerprint: str
    labels: Pairs
    annotations: Pairs
    starts_at: float
    ends_at: float
    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    url: str = ""
    muted_by: tuple[str, ...] = ()

    def label(self, name: str) -> str:
        """A label's value; empty when there is none."""
        return next((value for key, value in self.labels if key == name), "")

    def annotation(self, name: str) -> str:
        """An annotation's text; empty when there is none."""
        return next((value for key, value in self.annotations if key == name), "")


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts that Alertmanager notifies of together."""

    labels: Pairs
    receiver: str
    alerts: tuple[ActiveAlert, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """`state` is pending, active or expired."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of Prometheus. `kind` is alerting or recording, `state` firing, pending, inactive or empty;
    `lasting` is its `for` in seconds; `error` what its last evaluation failed with.
    """

    group: str
    name: str
    query: str
    kind: Literal["alerting", "recording"]
    state: str = ""
    health: str = ""
    error: str = ""
    lasting: float = 0.0
    labels: Pairs = ()
    annotations: Pairs = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Something Prometheus scrapes: `health` is up, down or unknown."""

    job: str
    instance: str
    health: str
    error: str = ""
    scraped_at: float = 0.0
    labels: Pairs = ()


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measured request behind a series: `trace_id` opens its trace, empty where the exemplar names none."""

    series: Pairs
    labels: Pairs
    value: float
    at: float
    trace_id: str = ""
