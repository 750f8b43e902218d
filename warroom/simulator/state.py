"""What a world remembers from one second to the next, beside its requests: replicas, memory, disks, caches, queues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warroom.simulator.flow import Second, quiet
from warroom.simulator.layout import GB, Array, Layout
from warroom.simulator.topology import VERSION_SLOTS

FRESH_BACKUP: float = 6 * 3_600.0


@dataclass(slots=True)
class State:
    """(S, R) unless said otherwise. Every step puts new arrays in place of old ones, so that a tick may keep them."""

    second: Second
    wanted: Array
    starting: Array
    """Replicas that are not ready yet."""
    floor: Array
    """Seconds for which the autoscaler has found too many replicas."""
    leaked: Array
    """Bytes."""
    memory: Array
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
    pool_used: Array
    pool_over: Array
    pool_wait: Array
    """(E, R): seconds until a connection is free."""
    breaker: Array
    """(E, R): 0 closed, 1 half-open, 2 open."""
    breaker_errors: Array
    breaker_since: Array
    quota_refused: Array
    """(P,)"""
    quota_used: Array
    depth: Array
    """(Q, R)"""
    published: Array
    consumed: Array
    dropped: Array
    queue_lag: Array
    queue_pace: Array
    weight: Array
    """(S, R, V): the share of the requests that each version answers."""
    noise: Array
    """(R,): the slow part of the noise of demand."""


def fresh(layout: Layout, demand: Array, quotas: int) -> State:
    """A state to start from: all replicas ready, nothing used up."""
    per_service = (layout.rows, layout.regions)
    per_link = (layout.links, layout.regions)
    per_queue = (len(layout.topology.queues), layout.regions)

    def none(shape: tuple[int, ...]) -> Array:
        return np.zeros(shape)

    weight = np.zeros((layout.rows, layout.regions, VERSION_SLOTS))
    weight[:, :, 0] = 1.0
    homes = [
        layout.topology.region_index[one.primary] if one.primary else (0 if one.kind == "database" else -1)
        for one in layout.topology.services
    ]
    return State(
        second=quiet(layout, demand), wanted=layout.replicas, starting=none(per_service), floor=none(per_service),
        leaked=none(per_service), memory=layout.memory_base, restarts=none(per_service), oom_kills=none(per_service),
        disk=layout.disk, hit=layout.hit, ejected=none(per_service), lag=layout.replication,
        primary=np.array([*homes, -1], dtype=float), read_only=none((layout.rows,)), lost_writes=none((layout.rows,)),
        divergent=none((layout.rows,)), harm_due=0.0, backup_age=np.full(layout.rows, FRESH_BACKUP / 3),
        leaked_pool=none(per_link), pool_used=none(per_link), pool_over=none(per_link),
        pool_wait=none(per_link), breaker=none(per_link), breaker_errors=none(per_link), breaker_since=none(per_link),
        quota_refused=none((quotas,)), quota_used=none((quotas,)), depth=none(per_queue), published=none(per_queue),
        consumed=none(per_queue), dropped=none(per_queue), queue_lag=none(per_queue), queue_pace=none(per_queue),
        weight=weight, noise=none((layout.regions,)),
    )  # fmt: skip


def backup_bytes(layout: Layout) -> Array:
    """(S,): what a good backup of each service's disk weighs."""
    size: Array = np.where(layout.disk_size[:, 0] > 0, layout.disk[:, 0] * 0.62, 0.0)
    return np.round(size / GB, 2) * GB
