"""What is kept of a second so that the figures of its tick can be worked out when somebody asks for them.

A moment holds arrays that are never written again, and nothing that lives on: not the world, its state or its controls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from warroom.simulator.flow import Calls, Second, Supply
from warroom.simulator.layout import Array, Layout
from warroom.simulator.links import Pools
from warroom.simulator.maths import lognormal_sigma, normal_cdf, summed
from warroom.simulator.model_plane import ModelSecond
from warroom.simulator.plant import memory_of
from warroom.simulator.units import TINY
from warroom.simulator.versions import by_version

if TYPE_CHECKING:
    from warroom.simulator.plan import Plan
    from warroom.simulator.slices import Felt
    from warroom.simulator.state import Queued
    from warroom.simulator.versions import Traits
    from warroom.simulator.world import World


class Moment:
    """One second of a world. Axes as in `Tick`; the services' arrays have a last row for the users."""

    __slots__ = (
        "_users", "_versions", "age", "backup_age", "backup_size", "before", "breaker", "calls", "certificates", "disk",
        "divergent", "ejected", "felt", "harm", "hit", "lag", "layout", "leaked", "lost_writes", "memory",
        "model_version", "models", "now", "oom_kills", "plan", "pool_over", "pool_wait", "pools", "primary",
        "quarantined", "queued", "quota_refused", "quota_used", "restarts", "stored", "supply", "traits", "wanted",
        "weight", "wished",
    )  # fmt: skip

    layout: Layout
    plan: Plan
    supply: Supply
    calls: Calls
    before: Array
    now: Second
    pools: Pools
    models: ModelSecond
    wished: Array
    hit: Array
    harm: float
    wanted: Array
    leaked: Array
    memory: Array | None
    disk: Array
    restarts: Array
    oom_kills: Array
    ejected: Array
    lag: Array
    primary: Array
    weight: Array
    lost_writes: Array
    divergent: Array
    backup_age: Array
    breaker: Array
    pool_over: Array
    pool_wait: Array
    quota_used: Array
    quota_refused: Array
    queued: Queued
    felt: tuple[Felt, ...]
    traits: Mapping[tuple[int, int], Traits]
    quarantined: Array
    certificates: Array
    backup_size: Array
    age: Array
    stored: tuple[Array, Array]
    model_version: Array

    def __init__(
        self, world: World, supply: Supply, calls: Calls, before: Second, pools: Pools, models: ModelSecond,
        wished: Array, hit: Array, harm: float,
    ) -> None:  # fmt: skip
        """`before` is the second before, `hit` what caches had at the beginning, and `harm` how many users found that
        what they wrote is gone."""
        state = world.state
        self.layout, self.plan = world.layout, world.plan
        self.supply, self.calls, self.before, self.now = supply, calls, before.errors, state.second
        self.pools, self.models, self.wished, self.hit, self.harm = pools, models, wished, hit, harm
        self.wanted, self.leaked, self.memory, self.disk = state.wanted, state.leaked, state.memory, state.disk
        self.restarts, self.oom_kills, self.ejected = state.restarts, state.oom_kills, state.ejected
        self.lag, self.primary, self.weight = state.lag, state.primary, state.weight
        self.lost_writes, self.divergent, self.backup_age = state.lost_writes, state.divergent, state.backup_age
        self.breaker, self.pool_over, self.pool_wait = state.breaker, state.pool_over, state.pool_wait
        self.quota_used, self.quota_refused, self.queued = state.quota_used, state.quota_refused, state.queued
        self.felt, self.traits, self.quarantined = world.felt, world.traits, world.quarantined
        self.certificates, self.backup_size = world.expiry, world.backup_size
        self.age, self.stored, self.model_version = world.plane.age, world.plane.stored, world.model_version
        self._users: tuple[Array, ...] | None = None
        self._versions: tuple[Array, Array] | None = None

    def places(self, values: Array) -> Array:
        """(S, R) without the users."""
        layout = self.layout
        return values.reshape(layout.rows, layout.regions)[: layout.services]

    def edges(self, values: Array) -> Array:
        """(E, R) without the users."""
        layout = self.layout
        return values.reshape(layout.links, layout.regions)[: layout.edges]

    def calls_mean(self, values: Array) -> Array:
        """(E, R): the mean over the journeys of something of each way."""
        return self.edges(self.calls.by_cell(self.layout, values))

    def stops_mean(self, values: Array) -> Array:
        """(S, R): the mean over the journeys of something of each stop."""
        return self.places(summed(self.layout.stop_place, values * self.now.mixed, self.layout.places))

    @property
    def users(self) -> tuple[Array, ...]:
        """(K, R) each: failed, late, wrong, and mean and shape of how long users waited."""
        if self._users is None:
            self._users = _users(self)
        return self._users

    @property
    def versions(self) -> tuple[Array, Array]:
        """(S, R, V) each: seconds, and the share that fails."""
        if self._versions is None:
            weight, now = self.places_of_versions, self.now
            self._versions = by_version(
                self.traits, weight, self.places(now.latency), self.places(now.own), self.places(now.errors)
            )
        return self._versions

    @property
    def places_of_versions(self) -> Array:
        """(S, R, V): the share of the requests that each version answers."""
        return self.weight[: self.layout.services]


def _users(m: Moment) -> tuple[Array, ...]:
    layout, knobs, calls = m.layout, m.plan.knobs, m.calls
    shape = (layout.journeys, layout.regions)

    def own(values: Array) -> Array:
        return values[-layout.user_ways :].reshape(shape)

    mean = m.now.carried[0].take(layout.user_stops).reshape(shape)
    failing, log_mean, sigma = own(calls.final), own(calls.log_mean), own(calls.log_sigma)
    if calls.lasting is not None:
        failing = 1 - (1 - failing) * own(calls.lasting)
    slow = 1 - normal_cdf((layout.log_late[:, None] - log_mean) / sigma)
    for one in m.felt:
        share = one.tick.share
        hurt = 1 - (1 - failing) * (1 - one.users_errors)
        failing = failing * (1 - share) + hurt * share
        left = np.maximum(layout.late[:, None] - one.users_extra, 1e-6)
        slow = slow * (1 - share) + (1 - normal_cdf((np.log(left) - log_mean) / sigma)) * share
    blocked = m.wished * knobs.blocked
    failed = (m.wished - blocked) * failing + blocked
    well = m.wished - failed
    wrong = well * np.minimum(_harm(m), 1.0)
    wrong = np.minimum(wrong + m.harm / wrong.size, np.maximum(well, 0.0))
    late = np.minimum(well * slow, np.maximum(well - wrong, 0.0))
    return failed, late, wrong, mean, sigma


def _harm(m: Moment) -> Array:
    """(K, R): the share of the users who get a wrong result."""
    topology, harm = m.layout.topology, m.plan.knobs.harm
    for at, journey in enumerate(topology.journeys):
        if journey.model:
            model = [one.name for one in topology.models].index(journey.model)
            harm = harm.copy() if harm is m.plan.knobs.harm else harm
            harm[at] = np.maximum(harm[at], m.models.harm[model])
    return harm


def _lag(m: Moment) -> Array:
    """Copies follow the primary; the primary follows nobody."""
    layout = m.layout
    lag = np.zeros((layout.services, layout.regions))
    for row in layout.databases:
        lag[row] = m.lag[row]
        lag[row, int(m.primary[row])] = 0.0
    return lag


def _memory(m: Moment) -> Array:
    return memory_of(m.layout, m.now, m.leaked) if m.memory is None else m.memory


def _connections(m: Moment) -> Array:
    """Connections to each service, by Little's law from the calls that are under way."""
    layout, calls = m.layout, m.calls
    under_way = layout.to_target @ (calls.rate * calls.by_cell(layout, calls.held)).reshape(layout.links, -1)
    found: Array = np.ceil(under_way)[: layout.services]
    return found


def _own_errors(m: Moment) -> Array:
    well = (1 - m.plan.knobs.errors) * (1 - m.plan.knobs.permanent)
    return 1 - well if m.now.bad is None else 1 - well * (1 - m.now.bad)


def _permanent(m: Moment) -> Array:
    lasting = m.now.lasting
    return np.zeros_like(m.places(m.now.latency)) if lasting is None else m.stops_mean(1 - lasting)


def _call_failures(m: Moment) -> Array:
    found = m.calls_mean(m.calls.final)
    return found if m.calls.lasting is None else 1 - (1 - found) * (1 - m.calls_mean(1 - m.calls.lasting))


def _feature_rows(m: Moment) -> Array:
    found: Array = m.stored[0] * np.where(m.plan.knobs.feature_stop > 0, 0.0, 1.0) * m.plan.knobs.feature_bytes
    return found


def _of_models(name: str) -> Callable[[Moment], Array]:
    def read(m: Moment) -> Array:
        found: Array = getattr(m.models, name)
        return found

    return read


SERVICES_BY_REGION, EDGES, SERVICES, WHOLE = "services by region", "edges", "services", "whole"

KEPT: Final[Mapping[str, tuple[str, str]]] = {
    "arrivals": ("now.arrivals", SERVICES_BY_REGION),
    "served": ("now.served", SERVICES_BY_REGION),
    "errors": ("now.errors", SERVICES_BY_REGION),
    "latency": ("now.latency", SERVICES_BY_REGION),
    "wait": ("now.wait", SERVICES_BY_REGION),
    "own": ("now.own", SERVICES_BY_REGION),
    "backlog": ("now.backlog", SERVICES_BY_REGION),
    "threads": ("now.crew.threads", SERVICES_BY_REGION),
    "rho": ("now.rho", SERVICES_BY_REGION),
    "cpu_seconds": ("now.cpu_seconds", SERVICES_BY_REGION),
    "replicas": ("now.crew.ready", SERVICES_BY_REGION),
    "desired": ("wanted", SERVICES_BY_REGION),
    "gc": ("supply.gc", SERVICES_BY_REGION),
    "disk": ("disk", SERVICES_BY_REGION),
    "restarts": ("restarts", SERVICES_BY_REGION),
    "oom_kills": ("oom_kills", SERVICES_BY_REGION),
    "dns": ("plan.knobs.dns", SERVICES_BY_REGION),
    "handshake_errors": ("plan.knobs.handshake", SERVICES_BY_REGION),
    "skew_s": ("plan.knobs.skew", SERVICES_BY_REGION),
    "security": ("plan.knobs.security", SERVICES_BY_REGION),
    "ejected": ("ejected", SERVICES_BY_REGION),
    "calls": ("calls.rate", EDGES),
    "breaker": ("breaker", EDGES),
    "pool_timeouts": ("pool_over", EDGES),
    "loss": ("plan.knobs.loss", EDGES),
    "network_s": ("plan.network", EDGES),
    "primary": ("primary", SERVICES),
    "lost_writes": ("lost_writes", SERVICES),
    "divergent_writes": ("divergent", SERVICES),
    "backup_age_s": ("backup_age", SERVICES),
    "published": ("queued.published", WHOLE),
    "consumed": ("queued.consumed", WHOLE),
    "depth": ("queued.depth", WHOLE),
    "queue_lag": ("queued.lag", WHOLE),
    "consumers": ("plan.knobs.consumers", WHOLE),
    "dropped": ("queued.dropped", WHOLE),
    "requests": ("wished", WHOLE),
    "quota_used": ("quota_used", WHOLE),
    "quota_limit": ("plan.knobs.quota", WHOLE),
    "quota_refused": ("quota_refused", WHOLE),
    "feature_age": ("age", WHOLE),
    "model_version": ("model_version", WHOLE),
}
"""Figures that a moment has as they are: where, and which part of it, as the users come after all others."""


def part_of(layout: Layout, values: Array, part: str) -> Array:
    """That part of several seconds' arrays: (T, ...)."""
    count = len(values)
    if part == SERVICES_BY_REGION:
        return values.reshape(count, layout.rows, layout.regions)[:, : layout.services]
    if part == EDGES:
        return values.reshape(count, layout.links, layout.regions)[:, : layout.edges]
    return values[:, : layout.services] if part == SERVICES else values


def _kept(path: str, part: str) -> Callable[[Moment], Array]:
    take = attrgetter(path)

    def read(m: Moment) -> Array:
        found: Array = part_of(m.layout, take(m)[None], part)[0]
        return found

    return read


FIGURES: Final[Mapping[str, Callable[[Moment], Any]]] = {
    **{name: _kept(*where) for name, where in KEPT.items()},
    # (S, R)
    "shed": lambda m: m.places(m.layout.units.no_place if m.now.turned is None else m.now.turned),
    "own_errors": lambda m: m.places(_own_errors(m)),
    "permanent": _permanent,
    "sigma": lambda m: lognormal_sigma(m.places(m.now.latency), m.stops_mean(m.now.carried[1])),
    "busy": lambda m: m.places(np.minimum(m.now.served * m.now.holding, m.now.crew.threads)),
    "cpu": lambda m: m.places(np.minimum(m.now.cpu_seconds / (m.now.crew.cores + TINY) + 0.01, 1.0)),
    "memory": lambda m: m.places(_memory(m)),
    "memory_limit": lambda m: m.places(m.layout.memory_limit),
    "disk_size": lambda m: m.places(m.layout.disk_size),
    "hit": lambda m: m.places(m.hit) * (1 - m.places(m.before)) if len(m.layout.caches) else m.places(m.hit),
    "lag_s": _lag,
    "up": lambda m: m.places(np.minimum(m.now.crew.ready / (m.wanted + TINY), 1.0)),
    "cert_expires": lambda m: np.repeat(m.certificates[:, None], m.layout.regions, axis=1),
    "connections": _connections,
    # (S, R, V)
    "weight": lambda m: m.places_of_versions,
    "version_latency": lambda m: m.versions[0],
    "version_errors": lambda m: m.versions[1],
    # (E, R)
    "retried": lambda m: m.edges(m.calls.first) * m.calls_mean(m.calls.again),
    "call_latency": lambda m: m.calls_mean(m.calls.mean),
    "call_sigma": lambda m: lognormal_sigma(m.calls_mean(m.calls.mean) + TINY, m.calls_mean(m.calls.variance)),
    "call_errors": lambda m: m.calls_mean(m.calls.fails),
    "timed_out": lambda m: 1 - m.calls_mean(m.calls.in_time),
    "call_failures": _call_failures,
    "pool_size": lambda m: m.edges(m.pools.sizes(m.layout)),
    "pool_used": lambda m: m.edges(m.pools.used(m.layout)),
    "pool_waiting": lambda m: m.edges(m.pool_wait) * m.edges(m.calls.rate) * (m.edges(m.pools.sizes(m.layout)) > 0),
    "route": lambda m: m.plan.roads.route[: m.layout.edges],
    # (Q, R)
    # (K, R)
    "failed": lambda m: m.users[0],
    "late": lambda m: m.users[1],
    "wrong": lambda m: m.users[2],
    "journey_latency": lambda m: m.users[3],
    "journey_sigma": lambda m: m.users[4],
    # (S,)
    "backup_bytes": lambda m: (m.backup_size * m.plan.knobs.backup)[: m.layout.services],
    # (P,)
    # (F,)
    "feature_rows": _feature_rows,
    "feature_bytes": lambda m: m.stored[1] * m.plan.knobs.feature_bytes,
    "feature_nulls": lambda m: 0.004 + m.plan.knobs.feature_nulls * (m.quarantined < 0.5),
    # (M,) and more
    **{
        name: _of_models(name)
        for name in (
            "prediction_mean", "prediction_std", "auc", "auc_measured", "label_age", "psi", "calibration",
            "requests_model", "fallback", "kpi", "llm_limited", "llm_tokens", "llm_cost", "llm_length", "llm_quality",
            "llm_cached", "psi_by_feature", "group_rate", "group_share",
        )
    },
    "slices": lambda m: tuple(one.tick for one in m.felt),
}  # fmt: skip
"""How each figure of a tick is worked out."""
