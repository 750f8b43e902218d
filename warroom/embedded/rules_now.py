"""Rules and their alerts as they stand, for whoever shows them: data only. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from warroom.telemetry.alerts import Rule
from warroom.telemetry.series import Labels


@dataclass(frozen=True, slots=True)
class AlertNow:
    """An alert of a rule. `active_at` is when its condition began to hold."""

    labels: Labels
    annotations: Labels
    state: Literal["pending", "firing"]
    active_at: float
    value: float


@dataclass(frozen=True, slots=True)
class RuleNow:
    """A rule, its alerts, and its last evaluation: when, and how many seconds it took."""

    rule: Rule
    alerts: tuple[AlertNow, ...] = ()
    evaluated_at: float = 0.0
    took: float = 0.0
    keep_firing_for: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupNow:
    """A group of rules of one file, evaluated each `interval` seconds."""

    name: str
    file: str
    interval: float
    rules: tuple[RuleNow, ...]
