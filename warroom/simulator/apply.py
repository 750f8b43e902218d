"""What each type of fault does to the knobs of a second.

A function takes the scene, which knows the fault, how severe it is, and for how long it has been there. What happens
once when a fault begins stands in `begins`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from warroom.simulator import aims
from warroom.simulator.faults import Fault
from warroom.simulator.knobs import Knobs, SliceKnob
from warroom.simulator.layout import GB, MB, Array, Layout
from warroom.simulator.spec import named
from warroom.simulator.state import State
from warroom.simulator.versions import Versions


@dataclass(slots=True)
class Scene:
    """One fault at work in one second."""

    layout: Layout
    knobs: Knobs
    state: State
    versions: Versions
    fault: Fault
    severity: float
    age: float

    @property
    def aim(self) -> dict[str, Any]:
        """What it is aimed at."""
        return self.fault.aim

    def value(self, name: str) -> float:
        """A parameter."""
        return self.fault.value(name)

    def factor(self, name: str) -> float:
        """A factor, as far as the fault is there."""
        return 1 + (self.value(name) - 1) * self.severity

    def share(self, name: str) -> float:
        """A share, as far as the fault is there."""
        return self.value(name) * self.severity

    @property
    def cells(self) -> Array:
        """(S, R): where it acts, less where a version is meant that does not answer everything."""
        mask = aims.cells(self.layout, self.aim)
        if "version" in self.aim:
            row = self.layout.topology.service_index[named(self.aim["service"])[0]]
            mask[row] *= self.versions.strength(row, str(self.aim["version"]), self.state.weight)
        return mask

    @property
    def links(self) -> Array:
        """(E, R): edges it acts on."""
        return aims.links(self.layout, self.aim)

    def index(self, kind: str) -> int:
        """Where the queue, model, feature or quota of its target stands."""
        owned = getattr(self.layout.topology, f"{kind}s")
        return [one.name for one in owned].index(str(self.aim[kind]))

    def harms(self, share: float, row: int, where: Array | float = 1.0) -> None:
        """A share of the users of a service gets a wrong result."""
        self.knobs.harm += (
            share * aims.touched(self.layout, row)[:, None] * (np.zeros(self.layout.regions) + where)[None]
        )


def fails(first: Array, second: Array) -> Array:
    """The share failing for either of two reasons."""
    found: Array = 1 - (1 - first) * (1 - np.minimum(second, 1.0))
    return found


def _latency_add(s: Scene) -> None:
    seconds = s.value("ms") / 1000 * s.severity
    part = aims.slice_of(s.layout, s.aim)
    if part:
        s.knobs.slices.append(SliceKnob(*part, s.cells * seconds, s.cells * 0, s.fault.id))
    elif "edge" in s.aim:
        s.knobs.network += s.links * seconds
    else:
        s.knobs.io += s.cells * seconds


def _service_time(s: Scene) -> None:
    x = 1 + s.cells * (s.factor("factor") - 1)
    s.knobs.io *= x
    s.knobs.cpu *= x


def _cpu(s: Scene) -> None:
    s.knobs.cpu *= 1 + s.cells * (s.factor("service_time_x") - 1)


def _gc_pause(s: Scene) -> None:
    s.knobs.gc += s.cells * min(s.value("pause_ms") / 1000 / s.value("every_s"), 0.95) * s.severity


def _error_rate(s: Scene) -> None:
    rate = s.cells * s.share("rate")
    part = aims.slice_of(s.layout, s.aim)
    if part:
        s.knobs.slices.append(SliceKnob(*part, rate * 0, rate, s.fault.id))
    elif s.value("retryable") >= 0.5:
        s.knobs.errors = fails(s.knobs.errors, rate)
    else:
        s.knobs.permanent = fails(s.knobs.permanent, rate)


def _crash_loop(s: Scene) -> None:
    share = s.cells * s.share("fraction")
    up, down = s.value("up_s"), s.value("down_s")
    round_ = up + down
    s.knobs.alive *= 1 - share * down / round_
    s.knobs.bad = fails(s.knobs.bad, share * min(3.0, down) / round_)
    s.knobs.restarts += share * s.state.wanted / round_


def _scale_to_zero(s: Scene) -> None:
    s.knobs.alive *= 1 - s.cells * aims.zone_share(s.layout, s.aim) * s.share("fraction")


def _pool_shrink(s: Scene) -> None:
    s.knobs.pool *= 1 + s.links * (s.factor("factor") - 1)


def _pool_leak(s: Scene) -> None:
    s.knobs.pool_leak += s.links * s.value("per_minute") * s.severity


def _memory_leak(s: Scene) -> None:
    s.knobs.leak += s.cells * s.value("mb_per_minute") * MB / 60 * s.severity


def _disk_fill(s: Scene) -> None:
    s.knobs.disk_fill += s.cells * s.value("gb_per_minute") * GB / 60 * s.severity


def _consumer_slow(s: Scene) -> None:
    at, regions = s.index("queue"), aims.in_regions(s.layout, s.aim)
    s.knobs.consumers[at] *= 1 + regions * (s.factor("factor") - 1)
    s.knobs.flood[at] += regions * s.value("flood_per_s") / s.layout.regions * s.severity


def _traffic_surge(s: Scene) -> None:
    part = aims.slice_of(s.layout, s.aim)
    share = part[2] if part else 1.0
    s.knobs.traffic *= 1 + aims.journeys(s.layout, s.aim) * (s.factor("factor") - 1) * share


def _traffic_drop(s: Scene) -> None:
    s.knobs.traffic *= 1 - aims.journeys(s.layout, s.aim) * s.share("fraction")


def _retry_policy(s: Scene) -> None:
    mask = aims.links(s.layout, s.aim, outgoing=True) * (s.severity > 0)
    budget = s.fault.params.get("budget")
    s.knobs.retries = np.where(mask > 0, s.value("retries"), s.knobs.retries)
    s.knobs.budget = np.where(mask > 0, np.inf if budget is None else float(budget), s.knobs.budget)


def _lossy(s: Scene, loss: float) -> None:
    if {"edge", "service", "network"} & set(s.aim):
        s.knobs.loss = fails(s.knobs.loss, s.links * aims.zone_share(s.layout, s.aim) * loss)
    else:
        s.knobs.loss = fails(s.knobs.loss, aims.links(s.layout, s.aim) * loss)


def _packet_loss(s: Scene) -> None:
    _lossy(s, s.share("loss"))


def _partition(s: Scene) -> None:
    _lossy(s, s.share("fraction"))


def _recycled(s: Scene) -> float:
    return (1 - math.exp(-s.age / s.value("recycle_s"))) * s.severity


def _dns_empty(s: Scene) -> None:
    s.knobs.dns *= 1 - s.cells * s.severity
    s.knobs.refused = fails(s.knobs.refused, s.links * _recycled(s))


def _cert_expired(s: Scene) -> None:
    s.knobs.handshake = fails(s.knobs.handshake, s.cells * s.severity)
    s.knobs.refused = fails(s.knobs.refused, s.links * _recycled(s))


def _clock_skew(s: Scene) -> None:
    ahead = s.value("seconds") * s.severity
    s.knobs.skew += s.cells * ahead
    if abs(ahead) > s.value("tolerance_s"):
        s.knobs.permanent = fails(s.knobs.permanent, s.cells * min(abs(ahead) / s.value("tolerance_s") - 1, 1.0) * 0.9)


def _mistake(s: Scene, mask: Array, strength: float) -> None:
    """What a wrong setting or switch does where it is."""
    if "error_rate" in s.fault.params:
        s.knobs.errors = fails(s.knobs.errors, mask * s.value("error_rate") * strength)
    x = 1 + mask * (s.value("service_time_x") - 1) * strength
    s.knobs.io *= x
    s.knobs.cpu *= x
    for row in np.flatnonzero(mask.any(axis=1)):
        out = s.layout.source == row
        s.knobs.calls[out] *= 1 + mask[row] * (s.value("calls_x") - 1) * strength
        s.harms(s.value("harm") * strength, int(row), mask[row])


def _config_bad_value(s: Scene) -> None:
    mask = s.cells
    _mistake(s, mask, s.severity)
    s.knobs.threads *= 1 + mask * (s.factor("threads_x") - 1)
    out = aims.links(s.layout, {key: value for key, value in s.aim.items() if key != "key"}, outgoing=True)
    s.knobs.timeout *= 1 + out * (s.factor("timeout_x") - 1)


def _flag_flip(s: Scene) -> None:
    flag = s.layout.topology.flags[s.index("flag")]
    mask = aims.cells(s.layout, {"service": flag.service, **{k: v for k, v in s.aim.items() if k == "region"}})
    _mistake(s, mask, s.share("fraction"))


def _wrong_signal(s: Scene) -> None:
    s.knobs.reads *= 1 + s.cells * (s.factor("reads_x") - 1)


def _split(s: Scene) -> None:
    row = s.layout.topology.service_index[str(s.aim["service"])]
    writes = s.state.second.served[row].sum() * 0.3
    s.state.divergent = s.state.divergent.copy()
    s.state.divergent[row] += writes * s.share("divergent") * 0.1


def _replication_lag(s: Scene) -> None:
    s.knobs.lag_slope += s.cells * s.value("slope") * s.severity
    s.knobs.lag_most = np.where(s.cells > 0, s.value("most_s"), s.knobs.lag_most)


def _data_loss(s: Scene) -> None:
    s.knobs.permanent = fails(s.knobs.permanent, s.cells * s.share("fraction"))


def _backup_unusable(s: Scene) -> None:
    s.knobs.backup[s.layout.topology.service_index[str(s.aim["service"])]] = 0.0


def _quota(s: Scene) -> None:
    s.knobs.quota[s.index("quota")] *= s.factor("limit_x")


def _third_party(s: Scene) -> None:
    s.knobs.errors = fails(s.knobs.errors, s.cells * s.share("error_rate"))
    s.knobs.io += s.cells * s.value("latency_ms") / 1000 * s.severity


def _runaway(s: Scene) -> None:
    most = s.state.wanted * s.cells * (1 - s.value("floor"))
    s.knobs.removed += np.minimum(s.cells * s.value("per_minute") / 60 * s.age * s.severity, most)


def _nothing(_: Scene) -> None:
    """What only the emitter or the tools show."""


def _feature_stale(s: Scene) -> None:
    s.knobs.feature_stop[s.index("feature")] = float(s.severity > 0)


def _schema_change(s: Scene) -> None:
    s.knobs.feature_nulls[s.index("feature")] = s.share("null_rate")


def _oversize(s: Scene) -> None:
    at = s.index("feature")
    feature = s.layout.topology.features[at]
    s.knobs.feature_bytes[at] *= s.factor("factor")
    if feature.limit_bytes and feature.bytes * s.knobs.feature_bytes[at] > feature.limit_bytes:
        for name in feature.consumers:
            mask = aims.cells(s.layout, {"service": name})
            s.knobs.errors = fails(s.knobs.errors, mask * 0.96)
            s.knobs.restarts += mask * s.state.wanted / 30


def _model_harm(s: Scene, share: float) -> None:
    model = str(s.aim["model"])
    share *= 1 - s.knobs.fallback[s.index("model")]
    for at, journey in enumerate(s.layout.topology.journeys):
        if journey.model == model:
            s.knobs.harm[at] += share


def _input_drift(s: Scene) -> None:
    at = s.index("model")
    used = s.layout.topology.models[at].features
    for number, feature in enumerate(s.layout.topology.features):
        if feature.name in used and s.aim.get("feature", feature.name) == feature.name:
            s.knobs.drift[at, number] += s.value("shift") * s.severity
    _model_harm(s, s.share("harm"))


def _label_delay(s: Scene) -> None:
    s.knobs.label_delay[s.index("model")] *= s.factor("factor")


def _slice_bias(s: Scene) -> None:
    at = s.index("model")
    model = s.layout.topology.models[at]
    group = str(s.aim.get("group", next(iter(model.groups), "")))
    if group in model.groups:
        s.knobs.group_rate[at, list(model.groups).index(group)] *= s.factor("rate_x")
        _model_harm(s, s.share("harm") * model.groups[group])


def _model_swap(s: Scene) -> None:
    at = s.index("model")
    row = s.layout.topology.service_index[s.layout.topology.models[at].service]
    s.knobs.auc[at] += s.share("auc_delta")
    s.knobs.io[row] *= s.factor("latency_x")
    s.knobs.cpu[row] *= s.factor("latency_x")
    s.knobs.errors[row] = fails(s.knobs.errors[row], np.full(s.layout.regions, s.share("errors")))
    _model_harm(s, s.share("harm"))


def _llm_rate_limit(s: Scene) -> None:
    s.knobs.llm_limit[s.index("model")] *= s.factor("limit_x")


def _llm_quality(s: Scene) -> None:
    at = s.index("model")
    s.knobs.llm_quality[at] *= s.factor("quality")
    s.knobs.llm_length[at] *= s.factor("length_x")
    _model_harm(s, (1 - s.value("quality")) * 0.5 * s.severity)


RESTLESS: Final = frozenset(
    {"crash_loop", "dns_empty", "cert_expired", "failover_split", "automation_runaway", "feature_file_oversize"}
)
"""What does not stay the same while it is as severe as it was: it goes by its age, or by the state of the world."""
APPLY: Final[Mapping[str, Callable[[Scene], None]]] = {
    "latency_add": _latency_add, "service_time_x": _service_time, "cpu_saturation": _cpu, "gc_pause": _gc_pause,
    "error_rate": _error_rate, "crash_loop": _crash_loop, "scale_to_zero": _scale_to_zero, "pool_shrink": _pool_shrink,
    "pool_leak": _pool_leak, "memory_leak": _memory_leak, "disk_fill": _disk_fill, "cache_flush": _nothing,
    "queue_consumer_slow": _consumer_slow, "traffic_surge": _traffic_surge, "traffic_drop": _traffic_drop,
    "retry_policy": _retry_policy, "packet_loss": _packet_loss, "partition": _partition, "dns_empty": _dns_empty,
    "cert_expired": _cert_expired, "clock_skew": _clock_skew, "config_bad_value": _config_bad_value,
    "flag_flip": _flag_flip, "deploy_bad": _nothing, "autoscaler_wrong_signal": _wrong_signal, "failover_split": _split,
    "replication_lag": _replication_lag, "data_loss": _data_loss, "backup_unusable": _backup_unusable,
    "quota_exhausted": _quota, "dependency_3p_down": _third_party, "automation_runaway": _runaway,
    "tool_degraded": _nothing, "metric_gap": _nothing, "log_delay": _nothing, "trace_sampling_drop": _nothing,
    "wrong_unit": _nothing, "alert_flap": _nothing, "metric_wobble": _nothing, "feature_stale": _feature_stale,
    "feature_schema_change": _schema_change, "feature_file_oversize": _oversize, "input_drift": _input_drift,
    "label_delay": _label_delay, "slice_bias": _slice_bias, "model_swap": _model_swap,
    "llm_rate_limit": _llm_rate_limit,
    "llm_quality_drop": _llm_quality,
}  # fmt: skip
