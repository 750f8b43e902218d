"""Replicas and what they run on: starting, scaling, memory and its collection, disks, and load balancers' ejection."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.flow import TINY, Second
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.state import State

EJECT_SECONDS: Final = 8.0
"""How long a load balancer needs to take out replicas that fail."""
MOST_EJECTED: Final = 0.5
"""A load balancer takes out at most this share of a service's replicas."""
READMIT_SECONDS: Final = 45.0
USUAL_GC: Final = 0.012
GC_PRESSURE: Final = 0.85
WORKING_MEMORY: Final = 0.12
FULL_DISK: Final = 0.995
SCALER_EVERY: Final = 15


def ready_replicas(layout: Layout, knobs: Knobs, state: State) -> Array:
    """(S, R): replicas that take requests; not whole numbers, as a share of them may be on its way."""
    ready: Array = np.maximum(state.wanted * knobs.alive - state.starting - knobs.removed, 0.0) * layout.present
    return ready


def bad_share(knobs: Knobs, state: State) -> Array:
    """(S, R): the share of the requests that reach broken replicas, after what the load balancers took out."""
    sick = knobs.bad * (1 - state.ejected)
    found: Array = sick / (sick + (1 - knobs.bad) + TINY)
    return np.where(knobs.bad >= 1, 1.0, found)


def eject(knobs: Knobs, state: State) -> Array:
    """Load balancers take broken replicas out, up to a share, and try them again."""
    sick = knobs.bad > 0
    most = np.minimum(1.0, MOST_EJECTED / (knobs.bad + TINY))
    out = state.ejected + (most - state.ejected) / EJECT_SECONDS
    back = state.ejected - state.ejected / READMIT_SECONDS
    found: Array = np.where(sick, np.minimum(out, most), back)
    return found


def gc_share(layout: Layout, knobs: Knobs, state: State) -> Array:
    """(S, R): the share of a second in which a service stands still to collect memory."""
    pressure = np.maximum(state.memory / layout.memory_limit - GC_PRESSURE, 0.0) / (1 - GC_PRESSURE)
    share: Array = np.minimum(layout.gc * (USUAL_GC + 0.45 * pressure) + knobs.gc, 0.97)
    return share


def remember(layout: Layout, knobs: Knobs, state: State, ready: Array) -> None:
    """Memory grows by what is leaked, and replicas that reach the limit are killed and start again."""
    leaked = state.leaked + knobs.leak
    use = layout.memory_base * (1 + WORKING_MEMORY * np.minimum(state.second.busy / (state.second.capacity + TINY), 1))
    memory = use + leaked
    killed = memory >= layout.memory_limit
    if killed.any():
        half = np.where(killed, ready * 0.5, 0.0)
        state.starting = state.starting + half
        state.restarts = state.restarts + np.where(killed, np.maximum(ready, 1), 0.0)
        state.oom_kills = state.oom_kills + np.where(killed, np.maximum(ready, 1), 0.0)
        leaked = np.where(killed, 0.0, leaked)
        memory = np.where(killed, layout.memory_base, memory)
    state.leaked, state.memory = leaked, memory
    state.restarts = state.restarts + knobs.restarts
    state.starting = np.maximum(state.starting - state.wanted / layout.start, 0.0) * (state.starting > 0)


def fill(layout: Layout, knobs: Knobs, state: State) -> None:
    """Disks fill; a database that is cleaned every night has the rest of the day's growth only."""
    if layout.disk_size.any():
        state.disk = np.minimum(state.disk + layout.disk_rate + knobs.disk_fill, layout.disk_size)


def full_disks(layout: Layout, state: State) -> Array:
    """(S, R): 1 where nothing can be written any more."""
    found: Array = ((layout.disk_size > 0) & (state.disk >= FULL_DISK * layout.disk_size)).astype(float)
    return found


def scale(layout: Layout, knobs: Knobs, state: State, ready: Array, last: Second, held: Array) -> list[tuple[int, int]]:
    """Autoscalers look every 15 seconds; gives (service, region) where the number of replicas changed."""
    changed = []
    for row in layout.scaled:
        rule = layout.topology.services[row].autoscaler
        for region in range(layout.regions):
            if rule is None or held[row, region] or not layout.present[row, region]:
                continue
            now = state.wanted[row, region]
            cores = max(ready[row, region] * knobs.cores[row, region], TINY)
            reading = last.cpu_seconds[row, region] / cores * knobs.reads[row, region]
            fitting = min(max(np.ceil(ready[row, region] * reading / rule.target - 1e-6), rule.least), rule.most)
            new = _next(state, int(row), region, now, float(fitting), rule.down_s, rule.up_s)
            if new != now:
                changed.append((int(row), region))
    return changed


def _next(state: State, row: int, region: int, now: float, fitting: float, down: float, up: float) -> float:
    """One autoscaler's decision: up at once by at most a half, down only after having seen too many for a while."""
    if now * 0.9 <= fitting <= now * 1.1:
        state.floor[row, region] = 0.0
        return now
    new = now
    if fitting > now:
        state.floor[row, region] = min(state.floor[row, region], 0.0) - SCALER_EVERY
        if state.floor[row, region] <= -min(up, 60.0):
            new = min(fitting, np.ceil(now * 1.5))
    else:
        state.floor[row, region] = max(state.floor[row, region], 0.0) + SCALER_EVERY
        if state.floor[row, region] >= down:
            new = max(fitting, np.floor(now * 0.7))
    if new != now:
        # After the first step down the next ones come a minute apart, as long as there are too many.
        state.floor[row, region] = max(down - 60.0, 0.0) if new < now else 0.0
        state.wanted = state.wanted.copy()
        state.starting = state.starting.copy()
        state.wanted[row, region] = new
        state.starting[row, region] = max(state.starting[row, region] + new - now, 0.0)
    return float(new)
