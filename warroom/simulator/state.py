"""What a world remembers from one second to the next, beside its requests: replicas, memory, disks, caches, queues."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from warroom.simulator.crew import Crew
from warroom.simulator.flow import Second, quiet
from warroom.simulator.layout import GB, Array, Layout
from warroom.simulator.topology import VERSION_SLOTS
from warroom.simulator.units import TINY

FRESH_BACKUP: Final = 6 * 3_600.0
MOST_LAG: Final = 7 * 86_400.0


@dataclass(slots=True)
class Queued:
    """The queues in one second: (Q, R) messages."""

    published: Array
    consumed: Array
    dropped: Array
    depth: Array
    pace: Array
    """Messages a second that are published lately."""

    @property
    def lag(self) -> Array:
        """Seconds until a new message is taken up."""
        found: Array = np.minimum(self.depth / np.maximum(np.maximum(self.pace, self.consumed), TINY), MOST_LAG)
        return found

    def late(self, layout: Layout) -> float:
        """Messages finished in this second later than users were promised."""
        if not layout.topology.queues:
            return 0.0
        return float((self.consumed * (self.lag > layout.promised)).sum())


@dataclass(slots=True)
class State:
    """(S, R) unless said otherwise. Every step puts new arrays in place of old ones, so that a tick may keep them; only
    `floor` is written. Where nothing is, it is the zeros of `layout.units` themselves."""

    second: Second
    wanted: Array
    starting: Array
    """Replicas that are not ready yet."""
    floor: Array
    """Seconds for which the autoscaler has found too many replicas."""
    leaked: Array
    """Bytes."""
    memory: Array | None
    """None while there is enough of it."""
    restarts: Array
    oom_kills: Array
    disk: Array
    hit: Array
    ejected: Array
    lag: Array
    primary: Array
    """(S,): the region of the writable copy, -1 where there is none."""
    read_only: Array
    """(S,): seconds for which nothing can be written yet, while a copy becomes the primary."""
    lost_writes: Array
    divergent: Array
    harm_due: float
    """Users who will find that what they wrote is gone."""
    backup_age: Array
    leaked_pool: Array
    """(E, R): connections that nobody gives back, as share of none but in connections."""
    pool_over: Array
    pool_wait: Array
    """(E, R): seconds until a connection is free."""
    breaker: Array
    """(E, R): 0 closed, 1 half-open, 2 open."""
    breaker_errors: Array
    """(guarded cells,)"""
    breaker_since: Array
    quota_refused: Array
    """(P,)"""
    quota_used: Array
    queued: Queued
    weight: Array
    """(S, R, V): the share of the requests that each version answers."""
    noise: Array
    """(R,): the slow part of the noise of demand."""

    def arrays(self) -> list[object]:
        """All that is never written: everything but numbers and `floor`."""
        return [getattr(self, one.name) for one in fields(self) if one.name not in ("floor", "harm_due")]


def fresh(layout: Layout, demand: Array, crew: Crew) -> State:
    """A state to start from: all replicas ready, nothing used up."""
    units, guarded = layout.units, np.zeros(len(layout.guard_cells))
    nothing, nobody = units.no_place, units.nobody
    empty = np.zeros((len(layout.topology.queues), layout.regions))
    weight = np.zeros((layout.rows, layout.regions, VERSION_SLOTS))
    weight[:, :, 0] = 1.0
    homes = [
        layout.topology.region_index[one.primary] if one.primary else (0 if one.kind == "database" else -1)
        for one in layout.topology.services
    ]
    return State(
        second=quiet(layout, demand, crew), wanted=layout.replicas, starting=nothing, floor=nothing.copy(),
        leaked=nothing, memory=layout.memory_base if layout.tight else None, restarts=nothing, oom_kills=nothing,
        disk=layout.disk, hit=layout.hit, ejected=nothing, lag=layout.replication,
        primary=np.array([*homes, -1], dtype=float), read_only=nobody, lost_writes=nobody, divergent=nobody,
        harm_due=0.0, backup_age=np.full(layout.rows, FRESH_BACKUP / 3), leaked_pool=units.no_cell,
        pool_over=units.no_cell, pool_wait=units.no_cell, breaker=units.no_cell, breaker_errors=guarded,
        breaker_since=guarded, quota_refused=units.no_quota, quota_used=units.no_quota,
        queued=Queued(empty, empty, empty, empty, empty), weight=weight, noise=np.zeros(layout.regions),
    )  # fmt: skip


def backup_bytes(layout: Layout) -> Array:
    """(S,): what a good backup of each service's disk weighs."""
    size: Array = np.where(layout.disk_size[:, 0] > 0, layout.disk[:, 0] * 0.62, 0.0)
    return np.round(size / GB, 2) * GB
