"""How each figure of a tick is worked out, for as many moments at once as are wanted: (T, ...) of each.

Axes as in `Tick`; the services' arrays of a moment have a last row for the users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np

from warroom.simulator.layout import Array
from warroom.simulator.links import scattered
from warroom.simulator.maths import lognormal_sigma
from warroom.simulator.plant import memory_of
from warroom.simulator.stretch import Stretch
from warroom.simulator.units import TINY

Figure: TypeAlias = Callable[[Stretch], Array]


def _places(path: str) -> Figure:
    return lambda m: m.places(m[path])


def _edges(path: str) -> Figure:
    return lambda m: m.edges(m[path])


def _services(path: str) -> Figure:
    return lambda m: m[path][:, : m.layout.services]


def _whole(path: str) -> Figure:
    return lambda m: m[path]


def _busy(m: Stretch) -> Array:
    found: Array = np.minimum(m["now.served"] * m["now.holding"], m["now.crew.threads"])
    return found


def _cpu_seconds(m: Stretch) -> Array:
    found: Array = np.minimum(m["now.served"] * m["now.cpu"], m["now.crew.cores"])
    return found


def _memory(m: Stretch) -> Array:
    return m["memory"] if m.has("memory") else memory_of(m.layout, _busy(m), m["now.crew.threads"], m["leaked"])


def _own_errors(m: Stretch) -> Array:
    well = m.always((1 - m.plan.knobs.errors) * (1 - m.plan.knobs.permanent))
    return 1 - well * (1 - m["now.bad"]) if m.has("now.bad") else 1 - well


def _hit(m: Stretch) -> Array:
    hit = m.places(m["hit"])
    return hit * (1 - m.places(m["before"])) if len(m.layout.caches) else hit


def _permanent(m: Stretch) -> Array:
    """The mean over the journeys of what fails for a lasting reason, callees' among it."""
    if m.has("now.lasting"):
        return m.stops_mean(1 - m["now.lasting"])
    return m.always(np.zeros((m.layout.services, m.layout.regions)))


def _lag(m: Stretch) -> Array:
    """Copies follow the primary; the primary follows nobody."""
    layout, lag, primary = m.layout, m["lag"], m["primary"].astype(np.intp)
    found = np.zeros((len(m), layout.services, layout.regions))
    for row in layout.databases:
        found[:, row] = lag[:, row]
        found[np.arange(len(m)), row, primary[:, row]] = 0.0
    return found


def _connections(m: Stretch) -> Array:
    """Connections to each service, by Little's law from the calls that are under way."""
    under_way = (m["calls.rate"] * m.cells_mean(m["calls.held"])).reshape(len(m), m.layout.links, -1)
    found: Array = np.ceil(m.layout.to_target @ under_way)[:, : m.layout.services]
    return found


def _answers(m: Stretch) -> Array:
    """(T, 4, K, S, R): latency, its variance, and the shares failing for a passing and for a lasting reason."""
    layout, carried = m.layout, m["now.carried"]
    found = np.zeros((len(m), 4, layout.stops))
    found[:, :2] = carried[:, :2]
    np.subtract(1, carried[:, 2], out=found[:, 2])
    if m.has("now.lasting"):
        np.subtract(1, m["now.lasting"], out=found[:, 3])
    return found.reshape(len(m), 4, layout.journeys, layout.rows, layout.regions)[:, :, :, : layout.services]


def _mix(m: Stretch) -> Array:
    """(T, K, S, R): of which journeys the requests at a service are."""
    layout = m.layout
    mixed = m["now.mixed"].reshape(len(m), layout.journeys, layout.rows, layout.regions)
    return mixed[:, :, : layout.services]


def _call_failures(m: Stretch) -> Array:
    found = m.calls_mean(m["calls.final"])
    return 1 - (1 - found) * (1 - m.calls_mean(1 - m["calls.lasting"])) if m.has("calls.lasting") else found


def _call_sigma(m: Stretch) -> Array:
    return lognormal_sigma(m.calls_mean(m["calls.mean"]) + TINY, m.calls_mean(m["calls.variance"]))


def _pool_size(m: Stretch) -> Array:
    return m.edges(scattered(m.layout, m.layout.pool_cells, m["pools.size"]))


def _pool_used(m: Stretch) -> Array:
    """Connections in use, leaked ones among them."""
    used = np.minimum(m["pools.asked"], m["pools.free"])
    return m.edges(
        scattered(m.layout, m.layout.pool_cells, used + m["pools.leaked"] if m.has("pools.leaked") else used)
    )


def _feature_rows(m: Stretch) -> Array:
    knobs = m.plan.knobs
    found: Array = m["stored"] * np.where(knobs.feature_stop > 0, 0.0, 1.0) * knobs.feature_bytes
    return found


FIGURES: Final[Mapping[str, Figure]] = {
    # (S, R)
    "arrivals": _places("now.arrivals"),
    "served": _places("now.served"),
    "shed": lambda m: m.places(m["now.turned"] if m.has("now.turned") else m.always(m.layout.units.no_place)),
    "errors": _places("now.errors"),
    "own_errors": lambda m: m.places(_own_errors(m)),
    "permanent": _permanent,
    "lasting": lambda m: m.places(m.always(m.plan.knobs.permanent)),
    "latency": _places("now.latency"),
    "wait": _places("now.wait"),
    "own": _places("now.own"),
    "sigma": lambda m: lognormal_sigma(m.places(m["now.latency"]), m.stops_mean(m["now.carried"][:, 1])),
    "backlog": _places("now.backlog"),
    "busy": lambda m: m.places(_busy(m)),
    "threads": _places("now.crew.threads"),
    "rho": _places("now.rho"),
    "cpu": lambda m: m.places(np.minimum(_cpu_seconds(m) / (m["now.crew.cores"] + TINY) + 0.01, 1.0)),
    "cpu_seconds": lambda m: m.places(_cpu_seconds(m)),
    "replicas": _places("now.crew.ready"),
    "desired": _places("wanted"),
    "memory": lambda m: m.places(_memory(m)),
    "memory_limit": lambda m: m.places(m.always(m.layout.memory_limit)),
    "gc": _places("supply.gc"),
    "disk": _places("disk"),
    "disk_size": lambda m: m.places(m.always(m.layout.disk_size)),
    "restarts": _places("restarts"),
    "oom_kills": _places("oom_kills"),
    "hit": _hit,
    "lag_s": _lag,
    "up": lambda m: m.places(np.minimum(m["now.crew.ready"] / (m["wanted"] + TINY), 1.0)),
    "dns": _places("plan.knobs.dns"),
    "handshake_errors": _places("plan.knobs.handshake"),
    "cert_expires": lambda m: np.repeat(m["certificates"][:, :, None], m.layout.regions, axis=2),
    "skew_s": _places("plan.knobs.skew"),
    "security": _places("plan.knobs.security"),
    "connections": _connections,
    "ejected": _places("ejected"),
    # (4, K, S, R) and (K, S, R)
    "answers": _answers,
    "mix": _mix,
    # (S, R, V)
    "weight": lambda m: m.weight,
    "version_latency": lambda m: m.versions[0],
    "version_errors": lambda m: m.versions[1],
    # (E, R)
    "calls": _edges("calls.rate"),
    "retried": lambda m: m.edges(m["calls.first"]) * m.calls_mean(m["calls.again"]),
    "call_latency": lambda m: m.calls_mean(m["calls.mean"]),
    "call_sigma": _call_sigma,
    "call_errors": lambda m: m.calls_mean(m["calls.fails"]),
    "timed_out": lambda m: 1 - m.calls_mean(m["calls.in_time"]),
    "call_failures": _call_failures,
    "breaker": _edges("breaker"),
    "pool_size": _pool_size,
    "pool_used": _pool_used,
    "pool_waiting": lambda m: m.edges(m["pool_wait"]) * m.edges(m["calls.rate"]) * (_pool_size(m) > 0),
    "pool_timeouts": _edges("pool_over"),
    "loss": _edges("plan.knobs.loss"),
    "network_s": _edges("plan.network"),
    "route": lambda m: m.always(m.plan.roads.route[: m.layout.edges]),
    # (Q, R)
    "published": _whole("queued.published"),
    "consumed": _whole("queued.consumed"),
    "depth": _whole("queued.depth"),
    "queue_lag": _whole("queued.lag"),
    "consumers": _whole("plan.knobs.consumers"),
    "dropped": _whole("queued.dropped"),
    # (K, R)
    "requests": _whole("wished"),
    "failed": lambda m: m.users[0],
    "late": lambda m: m.users[1],
    "wrong": lambda m: m.users[2],
    "journey_latency": lambda m: m.users[3],
    "journey_sigma": lambda m: m.users[4],
    # (S,)
    "primary": _services("primary"),
    "lost_writes": _services("lost_writes"),
    "divergent_writes": _services("divergent"),
    "backup_bytes": lambda m: (m["backup_size"] * m.plan.knobs.backup)[:, : m.layout.services],
    "backup_age_s": _services("backup_age"),
    # (P,)
    "quota_used": _whole("quota_used"),
    "quota_limit": _whole("plan.knobs.quota"),
    "quota_refused": _whole("quota_refused"),
    # (F,)
    "feature_age": _whole("age"),
    "feature_rows": _feature_rows,
    "feature_bytes": lambda m: m["stored_bytes"] * m.plan.knobs.feature_bytes,
    "feature_nulls": lambda m: 0.004 + m.plan.knobs.feature_nulls * (m["quarantined"] < 0.5),
    # (M,), the last three (M, F), (M, G), (M, G)
    "model_version": _whole("model_version"),
    **{
        name: _whole(f"models.{name}")
        for name in (
            "prediction_mean", "prediction_std", "auc", "auc_measured", "label_age", "psi", "calibration",
            "requests_model", "fallback", "kpi", "llm_limited", "llm_tokens", "llm_cost", "llm_length", "llm_quality",
            "llm_cached", "psi_by_feature", "group_rate", "group_share",
        )
    },
}  # fmt: skip
