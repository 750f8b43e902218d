"""The ways between services: where calls go, what the network does to them, connection pools, breakers and quotas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.crew import Crew
from warroom.simulator.flow import Calls
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Ints, Layout
from warroom.simulator.maths import sakasegawa
from warroom.simulator.plan import Plan
from warroom.simulator.state import State
from warroom.simulator.units import ROUNDING, TINY

RESEND_SECONDS: Final = 0.2
"""The least time after which a lost packet is sent again (RFC 6298's minimum as Linux has it)."""
PACKETS: Final = 4.0
"""Packets of one exchange."""
RESENT: Final = 4.0
"""So many losses in a row, and the exchange is given up."""
HALF_OPEN_SECONDS: Final = 5.0
HALF_OPEN_SHARE: Final = 0.1


def routes(layout: Layout, knobs: Knobs, drained: Array, state: State) -> Array:
    """(E, R, R): where the calls from each region go: to their own if the callee is there, else to all where it is.

    `drained` (S, R) is the share taken out of a service's region. Writes go to the database's primary.
    """
    open_to = layout.present * (1 - np.minimum(drained, 1.0))
    route = np.zeros((layout.links, layout.regions, layout.regions))
    for link in range(layout.links):
        target = int(layout.target[link])
        there = open_to[target]
        spread = there / there.sum() if there.sum() > 0 else np.full(layout.regions, 1 / layout.regions)
        if layout.writes[link] and state.primary[target] >= 0:
            route[link, :, int(state.primary[target])] = 1.0
            continue
        for region in range(layout.regions):
            own = there[region]
            route[link, region] = spread * (1 - own)
            route[link, region, region] += own
    if layout.journeys and not np.array_equal(knobs.users, np.eye(layout.regions)):
        route[layout.edges :] = np.matmul(knobs.users[None], route[layout.edges :])
    return route


def round_trips(knobs: Knobs, seconds: Array) -> tuple[Array, Array]:
    """(E, R) each: seconds of network of one attempt, and the share of attempts that the network does not lose.

    `seconds` (E, R) is what the distance costs.
    """
    seconds = knobs.network + seconds
    if not knobs.loss.any():
        return seconds, np.ones_like(seconds)
    loss = np.minimum(knobs.loss, 1.0)
    hit = 1 - (1 - loss) ** PACKETS
    seconds = seconds + RESEND_SECONDS * hit * (1 + 2 * loss + 4 * loss * loss)
    return seconds, 1 - loss**RESENT


def refusals(layout: Layout, knobs: Knobs, state: State) -> Array:
    """(E, R): the share of attempts that end before they start: no connection, no name, no quota, an open breaker."""
    refused = 1 - (1 - knobs.refused) * (1 - state.pool_over)
    if state.breaker.any():
        open_share = np.where(state.breaker == 2, 1.0, np.where(state.breaker == 1, 1 - HALF_OPEN_SHARE, 0.0))
        refused = 1 - (1 - refused) * (1 - open_share)
    if state.quota_refused.any():
        refused = 1 - (1 - refused) * (1 - state.quota_refused @ layout.quota_links)[:, None]
    return refused


def refuses(layout: Layout, plan: Plan, state: State) -> bool:
    """Whether `refusals` may be other than 0 anywhere."""
    units = layout.units
    return not (
        plan.refused is None
        and state.pool_over is units.no_cell
        and state.breaker is units.no_cell
        and state.quota_refused is units.no_quota
    )


@dataclass(slots=True)
class Pools:
    """The pools of one second: (pool cells,)."""

    size: Array
    asked: Array
    """Connections that would be in use if there were enough."""
    free: Array
    """Those that are not leaked."""
    leaked: Array | None = None


def use_pools(layout: Layout, plan: Plan, state: State, crew: Crew, calls: Calls) -> Pools:
    """Connections in use follow from Little's law; who waits longer than the pool allows gives up."""
    cells, units = layout.pool_cells, layout.units
    rate, held = calls.rate.take(cells), calls.by_cell(layout, calls.held).take(cells)
    pools = Pools(crew.pool_size, rate * held, crew.free)
    if not len(cells):
        return pools
    power = crew.pool_power
    if plan.pool_leaks or state.leaked_pool is not units.no_cell:
        power = _leak(layout, plan, state, crew, pools)
    refusing = state.pool_over is not units.no_cell
    if refusing:
        unserved = 1 - state.pool_over.take(cells)
        slow = np.maximum(calls.by_cell(layout, calls.mean).take(cells), TINY)
        pools.asked = np.where(unserved < 0.02, rate * slow, pools.asked / np.maximum(unserved, 0.02))
    rho = pools.asked / pools.free
    used = np.minimum(rho, units.full_pool)
    servers = np.maximum(pools.free, units.pool)
    wait = np.maximum(held, units.tiny_pool) * used**power / (servers * (units.pool - used))
    wait = np.minimum(wait, layout.pool_limit)
    if refusing or np.maximum.reduce(rho) >= 1:
        _crowd(layout, state, rho)
        wait = np.where(rho >= 1, layout.pool_limit, wait)
    state.pool_wait = scattered(layout, cells, wait)
    return pools


def _leak(layout: Layout, plan: Plan, state: State, crew: Crew, pools: Pools) -> Array:
    """Some connections are not given back. Gives the exponents of the waiting for those that are left."""
    cells = layout.pool_cells
    replicas = np.maximum(crew.ready.take(layout.pool_source), TINY)
    leaked = state.leaked_pool.take(cells) + plan.knobs.pool_leak.take(cells) * replicas / 60
    pools.leaked = np.minimum(leaked, pools.size)
    pools.free = np.maximum(pools.size - pools.leaked, TINY)
    state.leaked_pool = scattered(layout, cells, pools.leaked) if pools.leaked.any() else layout.units.no_cell
    return sakasegawa(pools.free)


def _crowd(layout: Layout, state: State, rho: Array) -> None:
    """Who finds no connection is refused, half of the way a second: it lowers what is asked for in the next one."""
    over = np.maximum(1 - 1 / np.maximum(rho, TINY), 0.0)
    over = (state.pool_over.take(layout.pool_cells) + over) / 2
    over[over < ROUNDING] = 0.0
    state.pool_over = scattered(layout, layout.pool_cells, over) if over.any() else layout.units.no_cell


def scattered(layout: Layout, cells: Ints, values: Array) -> Array:
    """(..., E, R): values (..., cells) at their cells, and 0 elsewhere."""
    found = np.zeros((*values.shape[:-1], layout.cells))
    found[..., cells] = values
    return found.reshape(*values.shape[:-1], layout.links, layout.regions)


def use_breakers(layout: Layout, plan: Plan, state: State, calls: Calls, second: int) -> None:
    """Breakers open on errors, wait, let a tenth through, and close when that goes well; people may force them."""
    cells = layout.guard_cells
    if not len(cells):
        return
    limit, window, open_for = layout.breakers
    before, seen = state.breaker_errors, calls.by_cell(layout, calls.fails).take(cells)
    if state.breaker is layout.units.no_cell and not plan.forced:
        mean = before + (seen - before) / window
        if np.logical_and.reduce(mean <= limit):
            state.breaker_errors = mean
            return
    was, forced = state.breaker.take(cells), plan.knobs.breaker.take(cells)
    since = second - state.breaker_since
    tried = np.where(was == 1, (seen - (1 - HALF_OPEN_SHARE)) / HALF_OPEN_SHARE, seen)
    mean = before + (tried - before) / np.where(was == 1, 2.0, window)
    mean = np.where(was == 2, limit, np.clip(mean, 0.0, 1.0))
    now = np.where((was == 0) & (mean > limit), 2.0, was)
    now = np.where((was == 2) & (since >= open_for), 1.0, now)
    tested = (was == 1) & (since >= HALF_OPEN_SECONDS)
    now = np.where(tested, np.where(mean < limit, 0.0, 2.0), now)
    now = np.where(forced > 0, 2.0, np.where(forced < 0, 0.0, now))
    turned = now != was
    state.breaker = scattered(layout, cells, now) if now.any() else layout.units.no_cell
    state.breaker_errors = np.where(turned & (now == 0), 0.0, mean)
    state.breaker_since = np.where(turned, second, state.breaker_since)


def use_quotas(layout: Layout, plan: Plan, state: State, calls: Calls) -> None:
    """What a provider refuses is what is asked for beyond the quota, all regions together."""
    if not layout.topology.quotas:
        return
    made = calls.rate
    if state.pool_over is not layout.units.no_cell:
        made = made * (1 - state.pool_over.reshape(-1))
    used = np.dot(layout.quota_cells, made)
    state.quota_used = used
    if np.logical_and.reduce(used < plan.knobs.quota):
        state.quota_refused = layout.units.no_quota
        return
    refused = np.maximum(1 - plan.knobs.quota / np.maximum(used, TINY), 0.0)
    state.quota_refused = refused if refused.any() else layout.units.no_quota
