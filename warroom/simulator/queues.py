"""Queues between services, caches that warm, copies of databases that follow."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.flow import TINY, Second
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.state import State

MOST_LAG: Final = 7 * 86_400.0


def consume(layout: Layout, knobs: Knobs, state: State, last: Second) -> Array:
    """Messages are left by what was served well, and taken up as fast as consumers can. Gives (S, R) taken up."""
    if not len(layout.queue_source):
        return np.zeros((layout.rows, layout.regions))
    source, target = layout.queue_source, layout.queue_target
    well = 1 - last.mean_errors
    published = last.served[source] * well[source] * layout.messages + knobs.flood
    slow = last.mean_latency[target]
    pace = knobs.consumers / np.maximum(layout.consume, slow)
    attempted = np.minimum(state.depth + published, pace)
    done = attempted * well[target]
    depth = np.maximum(state.depth + published - done, 0.0)
    kept = np.minimum(depth, layout.queue_limit)
    state.queue_pace = state.queue_pace + (published - state.queue_pace) * np.where(state.queue_pace > 0, 0.1, 1.0)
    state.depth, state.published, state.consumed, state.dropped = kept, published, done, depth - kept
    state.queue_lag = np.minimum(kept / np.maximum(np.maximum(state.queue_pace, done), TINY), MOST_LAG)
    taken: Array = layout.to_consumer @ attempted
    return taken


def warm(layout: Layout, state: State) -> None:
    """A cache's hit ratio comes back towards what it usually is."""
    if len(layout.caches):
        state.hit = state.hit + (layout.hit - state.hit) / layout.warm


def replicate(layout: Layout, knobs: Knobs, state: State) -> None:
    """Copies fall behind by what a fault says, and catch up three times as fast as time passes."""
    if not len(layout.databases):
        return
    follows = state.lag > layout.replication
    behind = np.minimum(state.lag + knobs.lag_slope, np.maximum(knobs.lag_most, state.lag))
    state.lag = np.where(
        knobs.lag_slope > 0, behind, np.where(follows, np.maximum(state.lag - 3.0, layout.replication), state.lag)
    )
    state.read_only = np.maximum(state.read_only - 1.0, 0.0)
    state.backup_age = state.backup_age + 1.0
    done = (state.backup_age >= 6 * 3_600.0) & (knobs.backup > 0)
    state.backup_age = np.where(done, 0.0, state.backup_age)


def late_messages(layout: Layout, state: State) -> float:
    """Messages finished in this second later than users were promised."""
    if not layout.topology.queues:
        return 0.0
    return float((state.consumed * (state.queue_lag > layout.promised)).sum())
