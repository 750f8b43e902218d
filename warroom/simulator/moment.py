"""What is kept of a second so that the figures of its tick can be worked out when somebody asks for them.

A moment holds arrays that are never written again, and nothing that lives on: not the world, its state or its controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from warroom.simulator.flow import Calls, Second, Supply
from warroom.simulator.layout import Array, Layout
from warroom.simulator.links import Pools
from warroom.simulator.model_plane import ModelSecond

if TYPE_CHECKING:
    from warroom.simulator.plan import Plan
    from warroom.simulator.slices import Felt
    from warroom.simulator.state import Queued
    from warroom.simulator.versions import Traits
    from warroom.simulator.world import World


class Moment:
    """One second of a world. Axes as in `Tick`; the services' arrays have a last row for the users."""

    __slots__ = (
        "age", "backup_age", "backup_size", "before", "breaker", "calls", "certificates", "disk",
        "divergent", "ejected", "felt", "harm", "hit", "lag", "layout", "leaked", "lost_writes", "memory",
        "model_version", "models", "now", "oom_kills", "plan", "pool_over", "pool_wait", "pools", "primary",
        "quarantined", "queued", "quota_refused", "quota_used", "restarts", "stored", "stored_bytes", "supply",
        "traits", "wanted", "weight", "wished",
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
    stored: Array
    stored_bytes: Array
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
        self.age, self.model_version = world.plane.age, world.model_version
        self.stored, self.stored_bytes = world.plane.stored
