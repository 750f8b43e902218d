"""One second of requests: who calls whom how often, how long it takes, and what fails.

    calls      of the requests served in the last second, tried again as often as the last second's failures ask for
    arrivals   what reaches a service; more than it can do waits, up to its limit, and the rest is refused
    answers    own work + waiting + what the callees take, each cut off at its time limit

A callee's latency and failures are those of the second before, which also breaks cycles of waiting. Latencies are
lognormal with the mean and the variance that add up along the calls. By user journey K where a journey matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.maths import lognormal_sigma, normal_cdf, waiting

TINY: Final = 1e-9
REFUSAL_SECONDS: Final = 0.001
"""How long it takes to hear that one is not served."""
LONGEST_WAIT: Final = 3_600.0
WAIT_SPREAD: Final = 1.5
"""Variance of the waiting in a steady queue over its mean squared; 1 were it exponential, more as many do not wait."""
BACKLOG_SPREAD: Final = 0.02


@dataclass(slots=True)
class Supply:
    """What the plant gives to a second of requests: (S, R) unless said otherwise."""

    ready: Array
    hit: Array
    slow: Array
    route: Array
    """(E, R, R): where calls from a region go."""
    network: Array
    """(E, R): seconds of network of one attempt."""
    lost: Array
    """(E, R): share of attempts that the network loses."""
    refused: Array
    """(E, R): share of attempts that end before they start."""
    pool_wait: Array
    """(E, R): seconds until a connection is free."""
    bad: Array
    """Share of the requests that reach replicas which are broken."""
    delivered: Array
    """Messages per second that consumers take up."""


@dataclass(slots=True)
class Calls:
    """One second of the edges: (E, R), and the last two (E, R, K)."""

    rate: Array
    retried: Array
    latency: Array
    sigma: Array
    errors: Array
    timed_out: Array
    failures: Array
    held: Array
    """Seconds that an attempt holds its connection."""
    log_mean: Array
    log_sigma: Array
    final: Array


@dataclass(slots=True)
class Second:
    """One second of the services: (S, R), and the last four (S, R, K)."""

    arrivals: Array
    served: Array
    shed: Array
    backlog: Array
    own: Array
    wait: Array
    busy: Array
    capacity: Array
    rho: Array
    cpu_seconds: Array
    own_errors: Array
    mix: Array
    latency: Array
    variance: Array
    transient: Array
    permanent: Array


def mixture(layout: Layout, demand: Array) -> Array:
    """(S, R, K): of which journeys the requests at a service are, for a demand (K, R)."""
    weight = layout.visits[:, None, :] * (demand.T + TINY)[None, :, :]
    mix: Array = weight / weight.sum(axis=2, keepdims=True)
    return mix


def call(layout: Layout, knobs: Knobs, supply: Supply, last: Second) -> tuple[Calls, Array]:
    """The calls of this second, and per source what they come to: (S, R, 4, K) of seconds, variance, and the
    logarithms of the shares that neither a passing nor a lasting failure reaches."""
    journeys = layout.journeys
    seen = np.stack((last.latency, last.variance, last.transient, last.permanent), axis=2)
    seen = seen.reshape(layout.rows, layout.regions, -1)[layout.target]
    seen = np.matmul(supply.route, seen).reshape(layout.links, layout.regions, 4, journeys)
    wait = supply.pool_wait[:, :, None]
    mean = seen[:, :, 0] + (supply.network[:, :, None] + wait)
    variance = seen[:, :, 1] + wait * wait
    timeout = knobs.timeout[:, :, None]
    spread = np.log1p(variance / (mean * mean))
    sigma = np.sqrt(spread)
    log_mean = np.log(mean) - spread / 2
    z = (np.log(timeout) - log_mean) / sigma
    below = normal_cdf(np.stack((z, z - sigma)))
    in_time = below[0]
    cut = mean * below[1] + timeout * (1 - in_time)
    refused = supply.refused[:, :, None]
    passing = 1 - (1 - seen[:, :, 2]) * in_time * ((1 - supply.lost[:, :, None]) * (1 - refused))
    lasting = seen[:, :, 3]
    fails = np.minimum(1 - (1 - passing) * (1 - lasting), 1 - TINY)
    again, final = retried(passing, fails, knobs.retries[:, :, None], knobs.budget[:, :, None])
    attempts = 1 + again
    held = cut * (1 - refused) + refused * REFUSAL_SECONDS
    calls = layout.calls[:, None, :] * knobs.calls[:, :, None]
    if len(layout.cached):
        calls[layout.cached] *= 1 - supply.hit[layout.cached_by][:, :, None]
    weighed = calls * layout.critical[:, :, None]
    cost = np.stack(
        (
            calls * attempts * held,
            calls * attempts * in_time * variance,
            weighed * np.log1p(-np.minimum(final, 1 - TINY)),
            weighed * np.log1p(-np.minimum(lasting, 1 - TINY)),
        ),
        axis=2,
    )
    spent = (layout.from_source @ cost.reshape(layout.links, -1)).reshape(layout.rows, layout.regions, 4, journeys)
    share = last.mix[layout.source] * calls
    served = last.served[layout.source]
    total = share.sum(axis=2) + TINY
    share *= 1 / total[:, :, None]
    means = np.stack((attempts, again, mean, variance, fails, in_time, final, held), axis=2)
    means = np.einsum("erck,erk->ecr", means, share)
    flow = served * total
    return (
        Calls(
            rate=flow * means[:, 0], retried=flow * means[:, 1], latency=means[:, 2],
            sigma=lognormal_sigma(means[:, 2], means[:, 3]), errors=means[:, 4], timed_out=1 - means[:, 5],
            failures=1 - (1 - means[:, 6]) * (1 - (share * lasting).sum(axis=2)), held=means[:, 7],
            log_mean=log_mean, log_sigma=sigma, final=1 - (1 - final) * (1 - lasting),
        ),
        spent,
    )  # fmt: skip


def retried(passing: Array, fails: Array, retries: Array, budget: Array) -> tuple[Array, Array]:
    """Attempts after the first of one call, and the share of calls that still fail for a passing reason.

    A budget grants retries up to that share of the calls.
    """
    asked = fails * (1 - fails**retries) / (1 - fails)
    granted = np.minimum(1.0, budget / np.maximum(asked, TINY))
    final = passing * (1 - granted + granted * passing**retries)
    return asked * granted, final


def reach(layout: Layout, supply: Supply, calls: Calls) -> Array:
    """(S, R): requests and messages a second that arrive at each service."""
    sent = calls.rate * ((1 - supply.refused) * (1 - supply.lost))
    arriving = np.matmul(sent[:, None, :], supply.route)[:, 0, :]
    found: Array = layout.to_target @ arriving + supply.delivered
    return found


def serve(
    layout: Layout, knobs: Knobs, supply: Supply, last: Second, arrivals: Array, mix: Array, spent: Array
) -> Second:
    """What the services make of what arrives."""
    own = (knobs.io + knobs.cpu) * supply.slow
    callees = np.einsum("srk,srk->sr", spent[:, :, 0], mix)
    holding = own + layout.held * callees + TINY
    threads = supply.ready * knobs.threads
    cores = supply.ready * knobs.cores
    by_threads = threads / holding
    by_cores = cores / (knobs.cpu * supply.slow + TINY * TINY)
    most = np.minimum(by_threads, by_cores) + TINY
    servers = np.where(by_threads <= by_cores, threads, cores) + TINY
    accepted = arrivals * (1 - knobs.shed)
    rho = accepted / most
    steady = waiting(rho, np.maximum(servers, 1.0), servers / most)
    asked = last.backlog + accepted - most
    limit = knobs.queue * supply.ready
    backlog = np.minimum(np.maximum(asked, 0.0), limit)
    over = np.maximum(asked - limit, 0.0)
    served = np.maximum(last.backlog + accepted - over - backlog, 0.0)
    refused = np.minimum((arrivals - accepted + over) / (arrivals + TINY), 1.0)
    lingering = np.minimum(backlog / most, LONGEST_WAIT)
    wait = np.minimum(steady + lingering, LONGEST_WAIT)
    own_errors = 1 - (1 - knobs.errors) * (1 - supply.bad * knobs.bad_errors)
    answered = (1 - refused)[:, :, None]
    latency = answered * ((own + wait)[:, :, None] + spent[:, :, 0]) + (1 - answered) * REFUSAL_SECONDS + TINY
    alone = own * own * layout.spread + WAIT_SPREAD * steady * steady + BACKLOG_SPREAD * lingering * lingering
    variance = answered * (alone[:, :, None] + spent[:, :, 1]) + TINY * TINY
    fine = np.exp(spent[:, :, 2:])
    transient = 1 - ((1 - own_errors) * (1 - refused))[:, :, None] * fine[:, :, 0]
    permanent = 1 - (1 - knobs.permanent)[:, :, None] * fine[:, :, 1]
    return Second(
        arrivals=arrivals, served=served, shed=np.minimum(arrivals - accepted + over, arrivals + last.backlog),
        backlog=backlog, own=own, wait=wait, busy=np.minimum(served * holding, threads), capacity=threads,
        rho=rho, cpu_seconds=np.minimum(served * knobs.cpu * supply.slow, cores), own_errors=own_errors, mix=mix,
        latency=latency, variance=variance, transient=transient, permanent=permanent,
    )  # fmt: skip


def quiet(layout: Layout, demand: Array) -> Second:
    """A first second to start from: everything is served at once, and nothing waits."""
    served = np.einsum("sk,kr->sr", layout.visits, demand) * layout.present
    served[layout.users] = demand.sum(axis=0)
    shape = (layout.rows, layout.regions, layout.journeys)
    own = layout.io + layout.cpu
    nothing = np.zeros((layout.rows, layout.regions))
    return Second(
        arrivals=served, served=served, shed=nothing, backlog=nothing, own=own, wait=nothing, busy=nothing,
        capacity=layout.threads * layout.replicas, rho=nothing, cpu_seconds=nothing, own_errors=nothing,
        mix=mixture(layout, demand), latency=np.broadcast_to(own[:, :, None] + TINY, shape),
        variance=np.broadcast_to((own * own * layout.spread)[:, :, None] + TINY * TINY, shape),
        transient=np.zeros(shape), permanent=np.zeros(shape),
    )  # fmt: skip
