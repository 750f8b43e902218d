"""Replicas and what they run on: starting, scaling, memory and its collection, disks, and load balancers' ejection."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.crew import Crew
from warroom.simulator.flow import Second
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import GC_PRESSURE, WORKING_MEMORY, Array, Layout
from warroom.simulator.plan import MOST_GC, USUAL_GC, Plan
from warroom.simulator.state import State
from warroom.simulator.units import ROUNDING, TINY

EJECT_SECONDS: Final = 8.0
"""How long a load balancer needs to take out replicas that fail."""
MOST_EJECTED: Final = 0.5
"""A load balancer takes out at most this share of a service's replicas."""
READMIT_SECONDS: Final = 45.0
SCALER_EVERY: Final = 15


def bad_share(knobs: Knobs, state: State) -> Array:
    """(S, R): the share of the requests that reach broken replicas, after what the load balancers took out."""
    sick = knobs.bad * (1 - state.ejected)
    found: Array = sick / (sick + (1 - knobs.bad) + TINY)
    return np.where(knobs.bad >= 1, 1.0, found)


def eject(layout: Layout, plan: Plan, state: State) -> None:
    """Load balancers take broken replicas out, up to a share, and try them again."""
    nobody = layout.units.no_place
    if not plan.broken and state.ejected is nobody:
        return
    bad = plan.knobs.bad
    most = np.minimum(1.0, MOST_EJECTED / (bad + TINY))
    out = state.ejected + (most - state.ejected) / EJECT_SECONDS
    back = state.ejected - state.ejected / READMIT_SECONDS
    ejected = np.where(bad > 0, np.minimum(out, most), back)
    ejected[ejected < ROUNDING] = 0.0
    state.ejected = ejected if ejected.any() else nobody


def gc_share(layout: Layout, knobs: Knobs, memory: Array) -> Array:
    """(S, R): the share of a second in which a service stands still to collect memory when there is little of it."""
    pressure = np.maximum(memory / layout.memory_limit - GC_PRESSURE, 0.0) / (1 - GC_PRESSURE)
    share: Array = np.minimum(layout.gc * (USUAL_GC + 0.45 * pressure) + knobs.gc, MOST_GC)
    return share


def memory_of(layout: Layout, busy: Array, threads: Array, leaked: Array) -> Array:
    """(..., S, R): bytes in use, by how many threads of how many are at work."""
    use = layout.memory_base * (1 + WORKING_MEMORY * np.minimum(busy / (threads + TINY), 1))
    found: Array = use + leaked
    return found


def tight(layout: Layout, leaked: Array) -> bool:
    """Whether memory may come near to its limit anywhere."""
    most = layout.memory_base * (1 + WORKING_MEMORY) + leaked
    return bool((most >= GC_PRESSURE * layout.memory_limit).any())


def remember(layout: Layout, plan: Plan, state: State, crew: Crew) -> None:
    """Memory grows by what is leaked, and replicas that reach the limit are killed and start again."""
    nothing = layout.units.no_place
    if plan.leaks:
        state.leaked = state.leaked + plan.knobs.leak
    state.memory = None
    if layout.tight if state.leaked is nothing else tight(layout, state.leaked):
        _collect(layout, state, crew.ready)
    if plan.restarts:
        state.restarts = state.restarts + plan.knobs.restarts
    if state.starting is not nothing:
        starting = np.maximum(state.starting - state.wanted / layout.start, 0.0) * (state.starting > 0)
        state.starting = starting if starting.any() else nothing


def _collect(layout: Layout, state: State, ready: Array) -> None:
    """Memory is near its limit: it is collected more often, and what uses more than there is gets killed."""
    now, threads = state.second, state.second.crew.threads
    state.memory = memory_of(layout, np.minimum(now.served * now.holding, threads), threads, state.leaked)
    killed = state.memory >= layout.memory_limit
    if killed.any():
        state.starting = state.starting + np.where(killed, ready * 0.5, 0.0)
        state.restarts = state.restarts + np.where(killed, np.maximum(ready, 1), 0.0)
        state.oom_kills = state.oom_kills + np.where(killed, np.maximum(ready, 1), 0.0)
        state.leaked = np.where(killed, 0.0, state.leaked)
        state.memory = np.where(killed, layout.memory_base, state.memory)


def fill(layout: Layout, plan: Plan, state: State) -> None:
    """Disks fill; a database that is cleaned every night has the rest of the day's growth only."""
    if layout.has_disks:
        state.disk = np.minimum(state.disk + plan.disk_rate, layout.disk_size)


def full_disks(layout: Layout, state: State) -> Array:
    """(S, R): 1 where nothing can be written any more."""
    found: Array = (state.disk >= layout.disk_full).astype(float)
    return found


def scale(layout: Layout, knobs: Knobs, state: State, last: Second, held: Array) -> list[tuple[int, int]]:
    """Autoscalers look every 15 seconds; gives (service, region) where the number of replicas changed."""
    changed = []
    ready, cpu_seconds = last.crew.ready, last.cpu_seconds
    for row in layout.scaled:
        rule = layout.topology.services[row].autoscaler
        for region in range(layout.regions):
            if rule is None or held[row, region] or not layout.present[row, region]:
                continue
            now = state.wanted[row, region]
            cores = max(last.crew.cores[row, region], TINY)
            reading = cpu_seconds[row, region] / cores * knobs.reads[row, region]
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
