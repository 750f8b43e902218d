"""Everything that can go wrong: the types of faults, what each may be aimed at, and its parameters.

A fault has a severity between 0 and 1, which rises over `ramp` seconds; with `period_s` it comes and goes. What a type
does to the world stands in `apply`, and what happens once in `onset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from warroom.simulator.spec import (
    Param,
    check_params,
    check_target,
    check_thing,
    check_variant,
    check_version,
    params,
    target_of,
)
from warroom.simulator.topology import Topology

Plane = Literal["service", "network", "data", "automation", "observability", "ml"]


class FaultError(ValueError):
    """A fault that cannot be; one sentence."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, from the second in which it begins, for `lasts` seconds or until it is ended."""

    id: str
    type: str
    target: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    ramp: float = 0.0
    lasts: float | None = None

    @property
    def aim(self) -> dict[str, Any]:
        """The target with its scope beside the rest."""
        return target_of(self.target)

    def value(self, name: str) -> float:
        """A parameter as a number: what is set, or the default of the type."""
        given = self.params.get(name)
        found = FAULT_TYPES[self.type].params[name].default if given is None else given
        return float(found) if isinstance(found, int | float) else 0.0

    def word(self, name: str) -> str:
        """A parameter as text, empty where nothing is set."""
        found = self.params.get(name, FAULT_TYPES[self.type].params[name].default)
        return "" if found is None else str(found)


@dataclass(frozen=True, slots=True)
class FaultType:
    """What faults of one type may be aimed at (`needs`: at least one of these) and set."""

    name: str
    doc: str
    target: tuple[str, ...]
    needs: tuple[str, ...]
    params: Mapping[str, Param]
    plane: Plane


COMMON: Final = params(
    Param("period_s", "s", 0.0, 0, 86_400, "comes and goes with this period; 0 stays"),
    Param("duty", "share", 0.5, 0.01, 1, "share of the period in which it is there"),
)
_TIME = Param("service_time_x", "factor", 1.0, 0.01, 10_000, "own time of a request")
_CALLS = Param("calls_x", "factor", 1.0, 0, 1_000, "calls that a request makes to others")
_HARM = Param("harm", "share", 0.0, 0, 1, "users who get a wrong result without an error")
_RATE = Param("error_rate", "share", 0.0, 0, 1, "requests that fail")


def _share(name: str, default: float, doc: str) -> Param:
    return Param(name, "share", default, 0, 1, doc)


def _type(plane: Plane, name: str, doc: str, target: str, needs: str, *given: Param) -> FaultType:
    return FaultType(name, doc, tuple(target.split()), tuple(needs.split()), {**params(*given), **COMMON}, plane)


_TYPES: Final = (
    _type("service", "latency_add", "answers come later", "service edge region slice", "service edge",
          Param("ms", "ms", 200.0, 0, 600_000, "added to each answer")),
    _type("service", "service_time_x", "own work takes longer", "service region version", "service",
          Param("factor", "factor", 3.0, 0.01, 10_000, "own time of a request")),
    _type("service", "cpu_saturation", "a request takes more CPU", "service region version", "service",
          Param("service_time_x", "factor", 10.0, 1, 10_000, "CPU time of a request")),
    _type("service", "gc_pause", "the program stands still to collect memory", "service region", "service",
          Param("every_s", "s", 10.0, 0.1, 3_600, "one pause in"),
          Param("pause_ms", "ms", 800.0, 1, 60_000, "a pause")),
    _type("service", "error_rate", "requests fail", "service region slice version", "service",
          _share("rate", 0.5, "requests that fail"), Param("retryable", "0 or 1", 1.0, 0, 1, "another try may succeed"),
          Param("status", "HTTP status", 500.0, 400, 599, "what the caller is told")),
    _type("service", "crash_loop", "replicas crash and start again", "service region version", "service",
          _share("fraction", 1.0, "of the replicas"), Param("up_s", "s", 20.0, 0, 86_400, "until it crashes"),
          Param("down_s", "s", 40.0, 1, 86_400, "until it is ready again")),
    _type("automation", "scale_to_zero", "replicas are taken away", "service region zone", "service",
          _share("fraction", 1.0, "of the replicas")),
    _type("data", "pool_shrink", "a connection pool gets smaller", "edge region", "edge",
          Param("factor", "factor", 0.2, 0, 1, "of its size")),
    _type("data", "pool_leak", "connections are not given back", "edge region version", "edge",
          Param("per_minute", "connections", 0.5, 0, 10_000, "lost by each replica of the caller in a minute")),
    _type("service", "memory_leak", "memory is not given back", "service region version", "service",
          Param("mb_per_minute", "MB", 50.0, 0, 1_000_000, "by each replica")),
    _type("data", "disk_fill", "a disk fills", "service region", "service",
          Param("gb_per_minute", "GB", 1.0, 0, 1_000_000, "written and kept")),
    _type("data", "cache_flush", "a cache forgets; it warms again by itself", "service region", "service",
          _share("fraction", 1.0, "of its entries")),
    _type("data", "queue_consumer_slow", "messages are taken up more slowly", "queue region", "queue",
          Param("factor", "factor", 0.1, 0, 1, "of the usual pace"),
          Param("flood_per_s", "messages/s", 0.0, 0, 1e7, "that nobody needs")),
    _type("network", "traffic_surge", "more users come", "region journey slice", "",
          Param("factor", "factor", 3.0, 1, 1_000, "of the usual demand")),
    _type("network", "traffic_drop", "users stay away, or do not get through", "region journey", "",
          _share("fraction", 1.0, "of the demand")),
    _type("service", "retry_policy", "callers try again too often", "edge service", "edge service",
          Param("retries", "attempts", 5.0, 0, 50, "after the first"),
          Param("budget", "share", None, 0, 100, "of the calls that may be tried again; none set: all")),
    _type("network", "packet_loss", "the network loses packets", "edge service network zone region",
          "edge service network zone region", _share("loss", 0.05, "of the packets")),
    _type("network", "partition", "nothing gets through", "region network edge service", "region network edge service",
          _share("fraction", 1.0, "of the attempts")),
    _type("network", "dns_empty", "a name has no address", "service region", "service",
          Param("recycle_s", "s", 300.0, 1, 86_400, "how long a connection is used on average")),
    _type("network", "cert_expired", "new connections are refused for a certificate", "service region", "service",
          Param("recycle_s", "s", 60.0, 1, 86_400, "how long a connection is used on average")),
    _type("service", "clock_skew", "clocks are wrong, and tokens not yet valid", "service region", "service",
          Param("seconds", "s", 300.0, -86_400, 86_400, "ahead"),
          Param("tolerance_s", "s", 60.0, 0, 86_400, "what others put up with")),
    _type("service", "config_bad_value", "a setting is wrong", "service key region", "service",
          Param("value", "text", None, text=True, doc="what it is set to"), _RATE, _TIME,
          Param("threads_x", "factor", 1.0, 0, 100, "threads of a replica"),
          Param("timeout_x", "factor", 1.0, 0.001, 1_000, "time limits of its calls"), _CALLS, _HARM),
    _type("service", "flag_flip", "a switch is thrown", "flag region", "flag",
          Param("variant", "text", None, text=True, doc="what it is switched to"), _RATE, _TIME, _CALLS, _HARM,
          _share("fraction", 1.0, "of the replicas that have the code")),
    _type("service", "deploy_bad", "a version with a mistake goes out", "service region", "service",
          Param("version", "text", None, text=True, doc="its name; none set: the next number"),
          _share("fraction", 1.0, "of the replicas"), Param("minutes", "min", 0.0, 0, 1_440, "until all have it"),
          _RATE, _TIME, Param("cpu_x", "factor", 1.0, 0.01, 10_000, "CPU time of a request"), _CALLS, _HARM,
          Param("memory_mb_per_minute", "MB", 0.0, 0, 1_000_000, "leaked by each replica"),
          Param("pool_per_minute", "connections", 0.0, 0, 10_000, "leaked by each replica from its pools")),
    _type("automation", "autoscaler_wrong_signal", "an autoscaler reads less than there is", "service region",
    "service",
          Param("reads_x", "factor", 0.3, 0, 100, "of the CPU use")),
    _type("data", "failover_split", "a copy becomes the primary while the old one still writes", "service region",
          "service", _share("divergent", 1.0, "of the writes that only one side has")),
    _type("data", "replication_lag", "copies fall behind", "service region", "service",
          Param("slope", "s/s", 1.0, 0, 100, "gained in a second"), Param("most_s", "s", 600.0, 0, 1e7, "at most")),
    _type("data", "data_loss", "rows are gone", "service", "service", _share("fraction", 1.0, "of the rows")),
    _type("data", "backup_unusable", "backups are empty", "service", "service"),
    _type("automation", "quota_exhausted", "a provider allows less", "quota", "quota",
          Param("limit_x", "factor", 0.2, 0, 10, "of the usual limit")),
    _type("network", "dependency_3p_down", "somebody else's service fails", "service region", "service",
          _share("error_rate", 1.0, "of the requests"), Param("latency_ms", "ms", 0.0, 0, 600_000, "added")),
    _type("automation", "automation_runaway", "a program takes capacity away", "automation service region", "service",
          Param("per_minute", "replicas", 10.0, 0, 10_000, "taken away in a minute"),
          _share("floor", 0.0, "of the replicas that stay")),
    _type("observability", "tool_degraded", "a tool of the responders is slow or fails", "tool", "tool",
          Param("latency_x", "factor", 1.0, 1, 1_000, "of its usual time"), _share("error_rate", 0.0, "of its answers"),
          Param("down", "0 or 1", 0.0, 0, 1, "does not answer at all")),
    _type("observability", "metric_gap", "samples are missing", "service metric region", "",
          _share("fraction", 1.0, "of the series")),
    _type("observability", "log_delay", "log lines come late", "service region", "",
          Param("seconds", "s", 120.0, 0, 86_400, "late")),
    _type("observability", "trace_sampling_drop", "fewer traces are kept", "service", "",
          Param("factor", "factor", 0.01, 0, 1, "of the usual share")),
    _type("observability", "wrong_unit", "a metric is in another unit", "metric service", "metric",
          Param("factor", "factor", 1_000.0, 1e-9, 1e9, "of what it should be")),
    _type("observability", "alert_flap", "a metric swings around a threshold", "service metric region", "metric",
          Param("amplitude", "share", 0.3, 0, 100, "of its value")),
    _type("observability", "metric_wobble", "a metric wanders harmlessly", "service metric region", "metric",
          Param("amplitude", "share", 0.3, 0, 100, "of its value")),
    _type("ml", "feature_stale", "inputs are not refreshed", "feature", "feature"),
    _type("ml", "feature_schema_change", "inputs are empty", "feature", "feature", _share("null_rate", 0.4,
    "of the rows")),
    _type("ml", "feature_file_oversize", "a file of inputs is too large for who loads it", "feature", "feature",
          Param("factor", "factor", 2.0, 1, 1_000, "of its size")),
    _type("ml", "input_drift", "the world is not what the model learned", "model feature", "model",
          Param("shift", "standard deviations", 1.0, 0, 10, "of the inputs"),
          _share("harm", 0.2, "of the answers wrong")),
    _type("ml", "label_delay", "the truth comes later", "model", "model",
          Param("factor", "factor", 6.0, 1, 10_000, "of the usual delay")),
    _type("ml", "slice_bias", "one group is treated otherwise", "model group", "model",
          Param("rate_x", "factor", 0.6, 0, 10, "of what it was"), _share("harm", 0.3, "of the group treated wrongly")),
    _type("ml", "model_swap", "another version of a model answers", "model", "model",
          Param("version", "text", None, text=True, doc="its name"), Param("auc_delta", "auc", -0.1, -0.5, 0.5,
          "added"),
          Param("latency_x", "factor", 1.0, 0.01, 1_000, "own time"), _share("errors", 0.0, "of the requests fail"),
          _share("harm", 0.1, "of the answers wrong")),
    _type("ml", "llm_rate_limit", "the provider answers 429", "model", "model",
          Param("limit_x", "factor", 0.3, 0, 10, "of the usual tokens")),
    _type("ml", "llm_quality_drop", "answers are worse", "model", "model",
          _share("quality", 0.5, "of the usual quality"), Param("length_x", "factor", 0.5, 0.01, 10, "of the length")),
)  # fmt: skip
_ABOUT: Final = {
    "pool_shrink": "pool", "pool_leak": "pool", "failover_split": "database", "replication_lag": "database",
    "data_loss": "database", "backup_unusable": "database", "cache_flush": "cache", "cert_expired": "certificate",
    "disk_fill": "disk", "autoscaler_wrong_signal": "autoscaler",
}  # fmt: skip
"""What a type is about, see `spec.THINGS`; others can be anywhere."""
_ONE_SERVICE: Final = ("deploy_bad", "config_bad_value", "failover_split", "backup_unusable")
_SWINGS: Final = {"alert_flap": 120.0, "metric_wobble": 300.0}
FAULT_TYPES: Final[Mapping[str, FaultType]] = {
    one.name: one
    if one.name not in _SWINGS
    else FaultType(
        one.name, one.doc, one.target, one.needs,
        {**one.params, "period_s": Param("period_s", "s", _SWINGS[one.name], 1, 86_400, "of one swing")}, one.plane,
    )
    for one in _TYPES
}  # fmt: skip


def check_fault(fault: Fault, topology: Topology) -> list[str]:
    """What is wrong with a fault for a topology, one sentence each; nothing when it can begin."""
    kind = FAULT_TYPES.get(fault.type)
    if kind is None:
        return [f"fault {fault.id}: there is no type {fault.type!r}; use any of {', '.join(FAULT_TYPES)}"]
    where = f"fault {fault.id} ({fault.type})"
    found = check_target(where, topology, kind.target, kind.needs, fault.target, one_service=fault.type in _ONE_SERVICE)
    found += check_params(where, kind.params, fault.params)
    if fault.ramp < 0 or (fault.lasts is not None and fault.lasts <= 0):
        found.append(f"{where}: ramp must be at least 0 and lasts above 0")
    if not found:
        found += check_thing(where, topology, _ABOUT.get(fault.type, ""), fault.aim)
    if not found and fault.type == "flag_flip":
        found += check_variant(where, topology, fault.aim, fault.word("variant"))
    if not found and fault.type == "model_swap":
        found += check_version(where, topology, fault.aim, fault.word("version"))
    return found
