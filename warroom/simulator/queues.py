"""Queues between services, caches that warm, copies of databases that follow."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.flow import Second
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.maths import summed
from warroom.simulator.plan import Plan
from warroom.simulator.state import Queued, State

BACKUP_EVERY: Final = 6 * 3_600.0
WARM: Final = 1e-12
"""A hit ratio so near to what it usually is has come back."""


def consume(layout: Layout, knobs: Knobs, queued: Queued, last: Second) -> tuple[Queued, Array]:
    """Messages are left by what was served well, and taken up as fast as consumers can. Gives the (places,) taken
    up too."""
    source, target, shape = layout.queue_source, layout.queue_target, queued.depth.shape
    sent = last.served.take(source) * (1 - last.errors.take(source))
    published = sent.reshape(shape) * layout.messages + knobs.flood
    slow = last.latency.take(target).reshape(shape)
    there = queued.depth + published
    attempted = np.minimum(there, knobs.consumers / np.maximum(layout.consume, slow))
    done = attempted * (1 - last.errors.take(target)).reshape(shape)
    depth = np.maximum(there - done, 0.0)
    kept = np.minimum(depth, layout.queue_limit)
    pace = queued.pace + (published - queued.pace) * np.where(queued.pace > 0, 0.1, 1.0)
    return Queued(published, done, depth - kept, kept, pace), summed(target, attempted.reshape(-1), layout.places)


def warm(layout: Layout, state: State) -> None:
    """A cache's hit ratio comes back towards what it usually is."""
    if len(layout.caches) and state.hit is not layout.hit:
        missing = layout.hit - state.hit
        state.hit = state.hit + missing / layout.warm if (np.abs(missing) > WARM).any() else layout.hit


def replicate(layout: Layout, plan: Plan, state: State) -> None:
    """Copies fall behind by what a fault says, and catch up three times as fast as time passes."""
    if not len(layout.databases):
        return
    if plan.lags or state.lag is not layout.replication:
        _follow(layout, plan.knobs, state)
    if state.read_only is not layout.units.nobody:
        read_only = np.maximum(state.read_only - 1.0, 0.0)
        state.read_only = read_only if read_only.any() else layout.units.nobody
    state.backup_age = state.backup_age + layout.units.everybody
    if np.maximum.reduce(state.backup_age) >= BACKUP_EVERY:
        done = (state.backup_age >= BACKUP_EVERY) & (plan.knobs.backup > 0)
        state.backup_age = np.where(done, 0.0, state.backup_age)


def _follow(layout: Layout, knobs: Knobs, state: State) -> None:
    follows = state.lag > layout.replication
    behind = np.minimum(state.lag + knobs.lag_slope, np.maximum(knobs.lag_most, state.lag))
    lag = np.where(
        knobs.lag_slope > 0, behind, np.where(follows, np.maximum(state.lag - 3.0, layout.replication), state.lag)
    )
    state.lag = layout.replication if np.array_equal(lag, layout.replication) else lag
