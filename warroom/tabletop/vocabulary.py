"""The names that conditions of a scenario may use, what each is given, and the events they may speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from warroom.incident.words import Duty

Argument = Literal["event", "duration", "slo", "fault", "state", "duty", "name"]
Gives = Literal["condition", "number"]


@dataclass(frozen=True, slots=True)
class Function:
    """A name of the language: what it gives, what it is given (`optional` of them may be left out), what it says."""

    name: str
    gives: Gives
    arguments: tuple[Argument, ...] = ()
    optional: int = 0
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A part of a scenario that an expression speaks of, and the column where."""

    kind: Argument
    name: str
    column: int


MEASURES: Final[Mapping[str, str]] = {
    "err": "share of requests that a service or journey fails",
    "p50": "median latency of a service or journey, seconds",
    "p95": "95th percentile of its latency, seconds",
    "p99": "99th percentile of its latency, seconds",
    "latency": "mean latency, seconds",
    "rps": "requests per second",
    "cpu": "share of its cores that a service uses",
    "memory": "bytes that a service holds",
    "lag": "age of the oldest message of a queue, seconds",
    "depth": "messages in a queue",
    "replication_lag": "how far a database's copies are behind, seconds",
    "pool": "share of a connection pool in use; the pool is named by its edge, web->postgres",
    "feature_age": "age of a feature, seconds",
    "psi": "population stability index of a model's inputs",
}
"""Figures of one service, journey, queue, pool, feature or model."""

SHARES: Final[Mapping[str, str]] = {
    "availability": "share of all users' requests served well and in time",
    "error_ratio": "share of all users' requests that failed",
    "late_ratio": "share that came too late",
    "wrong_ratio": "share that harmed without an error: a wrong price, a wrong refusal",
}
"""Figures of all users."""

FUNCTIONS: Final[Mapping[str, Function]] = {
    one.name: one
    for one in (
        Function("event", "condition", ("event", "duration"), 1, "it has happened, or has within the last so long"),
        Function("no_event", "condition", ("event", "duration"), 0, "so long has passed and it never happened"),
        Function("quiet", "condition", ("event", "duration"), 0, "it has not happened within the last so long"),
        Function("state", "condition", ("state",), 0, "a fault, action or inject is in this state"),
        Function("duty", "condition", ("duty",), 0, "somebody holds the duty and is there"),
        Function("met", "condition", ("slo",), 0, "the objective is met"),
        Function("breached", "condition", ("slo",), 0, "the objective is not met"),
        Function("elapsed", "number", doc="seconds of the exercise so far"),
        Function("players", "number", doc="people who are there"),
        Function("hints", "number", doc="what hints have cost so far"),
        Function("count", "number", ("event",), 0, "how often it has happened"),
        Function("since", "number", ("event",), 0, "seconds since it happened last; without end if never"),
        Function("severity", "number", ("fault",), 0, "how far a fault has come, 0 to 1"),
        Function("sli", "number", ("slo",), 0, "the level of an objective"),
        *(Function(name, "number", ("name",), 0, doc) for name, doc in MEASURES.items()),
        *(Function(name, "number", doc=doc) for name, doc in SHARES.items()),
    )
}
"""Every name, by itself."""

FAULT_STATES: Final = ("pending", "active", "ended")
ACTION_STATES: Final = ("idle", "requested", "approved", "running", "done", "failed", "rejected")
INJECT_STATES: Final = ("waiting", "delivered")
STATES: Final = (*FAULT_STATES, *ACTION_STATES, *INJECT_STATES)

EVENTS: Final[Mapping[str, str]] = {
    "incident.acknowledged": "",
    "incident.declared": "",
    "incident.declined": "",
    "incident.resolved": "",
    "incident.closed": "",
    "incident.reopened": "",
    "alert.attached": "the alert's name",
    "alert.acknowledged": "the alert's name",
    "alert.resolved": "the alert's name",
    "severity.set": "the severity, SEV1 to SEV5",
    "status.set": "the status",
    "role.assigned": "the duty",
    "role.released": "the duty",
    "update.posted": "the audience; external stands for all outside",
    "update.promised": "",
    "note.added": "",
    "chat.posted": "",
    "hypothesis.proposed": "",
    "hypothesis.names": "GT, the sealed truth",
    "hypothesis.supported": "",
    "hypothesis.refuted": "",
    "hypothesis.confirmed": "",
    "evidence.pinned": "metric, logs, trace, alerts, services or text",
    "decision.opened": "",
    "decision.taken": "",
    "task.added": "",
    "task.finished": "",
    "follow_up.added": "",
    "impact.described": "",
    "playbook.attached": "",
    "action.requested": "the action",
    "action.approved": "the action",
    "action.rejected": "the action",
    "action.started": "the action",
    "action.done": "the action",
    "action.failed": "the action",
    "action.cancelled": "the action",
    "inject.delivered": "the inject",
    "hint.asked": "",
    "hint.given": "the hint",
    "person.withheld": "the person",
    "person.returned": "the person",
    "change.recorded": "the kind of change",
}
"""What can have happened, and what may stand after the colon: several with `|` between, nothing for any."""

DUTIES: Final = tuple(duty.value for duty in Duty)
OUTSIDE: Final = frozenset({"customers", "external", "everyone", "public", "status page", "statuspage"})
"""The audiences of an update that are outside the organisation."""
