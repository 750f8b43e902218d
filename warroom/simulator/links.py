"""The ways between services: where calls go, what the network does to them, connection pools, breakers and quotas."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.flow import TINY, Calls
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Ints, Layout
from warroom.simulator.maths import waiting
from warroom.simulator.state import State

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


def round_trips(layout: Layout, knobs: Knobs, route: Array) -> tuple[Array, Array]:
    """(E, R) each: seconds of network of one attempt, and the share of attempts that the network loses."""
    seconds = knobs.network + np.einsum("erq,rq->er", route, layout.rtt)
    if not knobs.loss.any():
        return seconds, np.zeros_like(seconds)
    loss = np.minimum(knobs.loss, 1.0)
    hit = 1 - (1 - loss) ** PACKETS
    seconds = seconds + RESEND_SECONDS * hit * (1 + 2 * loss + 4 * loss * loss)
    return seconds, loss**RESENT


def refusals(layout: Layout, knobs: Knobs, state: State) -> Array:
    """(E, R): the share of attempts that end before they start: no connection, no name, no quota, an open breaker."""
    refused = 1 - (1 - knobs.refused) * (1 - state.pool_over)
    if state.breaker.any():
        open_share = np.where(state.breaker == 2, 1.0, np.where(state.breaker == 1, 1 - HALF_OPEN_SHARE, 0.0))
        refused = 1 - (1 - refused) * (1 - open_share)
    if state.quota_refused.any():
        refused = 1 - (1 - refused) * (1 - state.quota_refused @ layout.quota_links)[:, None]
    return refused


def use_pools(layout: Layout, knobs: Knobs, state: State, calls: Calls, ready: Array) -> Array:
    """Connections in use follow from Little's law; who waits longer than the pool allows gives up. Gives the sizes."""
    rows = layout.pooled
    if not len(rows):
        return state.leaked_pool
    replicas = np.maximum(ready[layout.source[rows]], TINY)
    size = knobs.pool[rows] * replicas
    leaked = np.minimum(state.leaked_pool[rows] + knobs.pool_leak[rows] * replicas / 60, size)
    free = np.maximum(size - leaked, TINY)
    unserved = 1 - state.pool_over[rows]
    asked = calls.rate[rows] * calls.held[rows] / np.maximum(unserved, 0.02)
    asked = np.where(unserved < 0.02, calls.rate[rows] * np.maximum(calls.latency[rows], TINY), asked)
    rho = asked / free
    holding = np.maximum(calls.held[rows], TINY)
    wait = np.minimum(waiting(rho, np.maximum(free, 1.0), holding), layout.pool_timeout[rows])
    state.leaked_pool = _with(state.leaked_pool, rows, leaked)
    state.pool_used = _with(state.pool_used, rows, np.minimum(asked, free) + leaked)
    over = np.maximum(1 - 1 / np.maximum(rho, TINY), 0.0)
    # Half of the way a second: what is refused now lowers what is asked for in the next one.
    state.pool_over = _with(state.pool_over, rows, (state.pool_over[rows] + over) / 2)
    state.pool_wait = _with(state.pool_wait, rows, np.where(rho >= 1, layout.pool_timeout[rows], wait))
    return _with(np.zeros_like(state.pool_used), rows, size)


def _with(array: Array, rows: Ints, values: Array) -> Array:
    found = array.copy()
    found[rows] = values
    return found


def use_breakers(layout: Layout, knobs: Knobs, state: State, calls: Calls, second: int) -> None:
    """Breakers open on errors, wait, let a tenth through, and close when that goes well; people may force them."""
    rows = layout.guarded
    if not len(rows):
        return
    limit, window, open_for = np.array(layout.breakers).T[:, :, None]
    was, seen, forced = state.breaker[rows], calls.errors[rows], knobs.breaker[rows]
    if not was.any() and not forced.any():
        mean = state.breaker_errors[rows] + (seen - state.breaker_errors[rows]) / window
        if (mean <= limit).all():
            state.breaker_errors = _with(state.breaker_errors, rows, mean)
            return
    since = second - state.breaker_since[rows]
    tried = np.where(was == 1, (seen - (1 - HALF_OPEN_SHARE)) / HALF_OPEN_SHARE, seen)
    mean = state.breaker_errors[rows] + (tried - state.breaker_errors[rows]) / np.where(was == 1, 2.0, window)
    mean = np.where(was == 2, limit, np.clip(mean, 0.0, 1.0))
    now = np.where((was == 0) & (mean > limit), 2.0, was)
    now = np.where((was == 2) & (since >= open_for), 1.0, now)
    tested = (was == 1) & (since >= HALF_OPEN_SECONDS)
    now = np.where(tested, np.where(mean < limit, 0.0, 2.0), now)
    now = np.where(forced > 0, 2.0, np.where(forced < 0, 0.0, now))
    turned = now != was
    state.breaker = _with(state.breaker, rows, now)
    state.breaker_errors = _with(state.breaker_errors, rows, np.where(turned & (now == 0), 0.0, mean))
    if turned.any():
        state.breaker_since = _with(state.breaker_since, rows, np.where(turned, second, state.breaker_since[rows]))


def use_quotas(layout: Layout, knobs: Knobs, state: State, calls: Calls) -> None:
    """What a provider refuses is what is asked for beyond the quota, all regions together."""
    quotas = layout.topology.quotas
    if not quotas:
        return
    used = layout.quota_links @ (calls.rate * (1 - state.pool_over)).sum(axis=1)
    state.quota_used = used
    state.quota_refused = np.maximum(1 - knobs.quota / np.maximum(used, TINY), 0.0)
