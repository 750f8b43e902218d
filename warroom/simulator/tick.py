"""One second of the production as arrays: everything that telemetry is made of.

Axes: S services, R regions, V slots of versions, E edges (R: the caller's region), Q queues, K journeys, P quotas,
F features, M models, G groups. Rates are per second, times seconds, sizes bytes, shares between 0 and 1. The arrays
belong to their second and are not written again. A figure is worked out when it is first read, see `figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warroom.simulator.figures import FIGURES
from warroom.simulator.layout import Array
from warroom.simulator.moment import Moment
from warroom.simulator.stretch import Stretch


@dataclass(frozen=True, slots=True)
class SliceTick:
    """A part of the users for whom something is otherwise: (S, R) seconds added, and share of it that fails."""

    dim: str
    value: str
    share: float
    extra: Array
    errors: Array
    fault: str


@dataclass(slots=True, eq=False, init=False)
class Tick:
    """What one second was like."""

    second: int
    now: float
    moment: Moment
    """What the other figures are worked out from."""
    alone: Stretch
    """The moment by itself, as figures take it."""
    # (S, R)
    arrivals: Array
    served: Array
    shed: Array
    errors: Array
    own_errors: Array
    permanent: Array
    latency: Array
    wait: Array
    own: Array
    sigma: Array
    backlog: Array
    busy: Array
    threads: Array
    rho: Array
    cpu: Array
    cpu_seconds: Array
    replicas: Array
    desired: Array
    memory: Array
    memory_limit: Array
    gc: Array
    disk: Array
    disk_size: Array
    restarts: Array
    oom_kills: Array
    hit: Array
    lag_s: Array
    up: Array
    dns: Array
    handshake_errors: Array
    cert_expires: Array
    skew_s: Array
    security: Array
    connections: Array
    ejected: Array
    # (S, R, V)
    weight: Array
    version_latency: Array
    version_errors: Array
    # (E, R)
    calls: Array
    retried: Array
    call_latency: Array
    call_sigma: Array
    call_errors: Array
    timed_out: Array
    call_failures: Array
    breaker: Array
    pool_size: Array
    pool_used: Array
    pool_waiting: Array
    pool_timeouts: Array
    loss: Array
    network_s: Array
    route: Array
    # (Q, R)
    published: Array
    consumed: Array
    depth: Array
    queue_lag: Array
    consumers: Array
    dropped: Array
    # (K, R)
    requests: Array
    failed: Array
    late: Array
    wrong: Array
    journey_latency: Array
    journey_sigma: Array
    # (S,)
    primary: Array
    lost_writes: Array
    divergent_writes: Array
    backup_bytes: Array
    backup_age_s: Array
    # (P,)
    quota_used: Array
    quota_limit: Array
    quota_refused: Array
    # (F,)
    feature_age: Array
    feature_rows: Array
    feature_bytes: Array
    feature_nulls: Array
    # (M,), the last three (M, F), (M, G), (M, G)
    prediction_mean: Array
    prediction_std: Array
    auc: Array
    auc_measured: Array
    label_age: Array
    psi: Array
    calibration: Array
    requests_model: Array
    fallback: Array
    kpi: Array
    llm_limited: Array
    llm_tokens: Array
    llm_cost: Array
    llm_length: Array
    llm_quality: Array
    llm_cached: Array
    model_version: Array
    psi_by_feature: Array
    group_rate: Array
    group_share: Array
    slices: tuple[SliceTick, ...]

    def __init__(self, second: int, now: float, moment: Moment) -> None:
        self.second, self.now, self.moment = second, now, moment
        self.slices = tuple([one.tick for one in moment.felt]) if moment.felt else ()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A figure that nobody has read yet."""
            work_out = FIGURES.get(name)
            if name == "alone":
                value = Stretch((self.moment,))
            elif work_out is not None:
                value = work_out(self.alone)[0]
            else:
                raise AttributeError(f"a tick has no {name!r}")
            setattr(self, name, value)
            return value
