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
from warroom.simulator.layout import Array, Ints, Layout
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
    gc: Array
    route: Array
    """(E, R, R): where calls from a region go."""
    network: Array
    """(E, R): seconds of network of one attempt."""
    crossing: Ints
    """The edges whose calls do not all stay in their region."""
    refused: Array
    """(E, R): share of attempts that end before they start."""
    through: Array
    """(E, R): share of attempts that neither the network loses nor anybody refuses."""
    pool_wait: Array
    """(E, R): seconds until a connection is free."""
    bad: Array
    """Share of the requests that reach replicas which are broken."""
    delivered: Array
    """Messages per second that consumers take up."""


@dataclass(slots=True)
class Calls:
    """One second of the edges: (E, R), and the last three (K, E, R)."""

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
    """One second of the services: (S, R), and mix (K, S, R)."""

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
    mean_latency: Array
    mean_variance: Array
    mean_errors: Array
    mean_permanent: Array
    """The last four: the means over the journeys."""
    mix: Array
    answers: Array
    """(4, K, S, R): latency, its variance, and the shares failing for a passing and for a lasting reason."""


def mixture(layout: Layout, demand: Array) -> Array:
    """(K, S, R): of which journeys the requests at a service are, for a demand (K, R)."""
    weight = layout.visits.T[:, :, None] * (demand + TINY)[:, None, :]
    mix: Array = weight / weight.sum(axis=0)
    return mix


def call(layout: Layout, knobs: Knobs, supply: Supply, last: Second) -> tuple[Calls, Array]:
    """The calls of this second, and per source what they come to: (4, K, S, R) of seconds, variance, and the
    logarithms of the shares that neither a passing nor a lasting failure reaches."""
    seen = last.answers.take(layout.target, axis=2)
    if len(supply.crossing):
        far = seen[:, :, supply.crossing, None, :] * supply.route[supply.crossing]
        seen[:, :, supply.crossing] = far.sum(axis=-1)
    mean, variance, passing, lasting = seen
    mean += supply.network + supply.pool_wait
    variance += supply.pool_wait * supply.pool_wait
    spread = np.log1p(variance / (mean * mean))
    sigma = np.sqrt(spread)
    log_mean = np.log(mean) - spread / 2
    both = np.empty((2, *mean.shape))
    np.divide(knobs.log_timeout - log_mean, sigma, out=both[0])
    np.subtract(both[0], sigma, out=both[1])
    in_time, early = normal_cdf(both)
    cut = mean * early + knobs.timeout * (1 - in_time)
    passing = 1 - (1 - passing) * in_time * supply.through
    fails = np.minimum(1 - (1 - passing) * (1 - lasting), 1 - TINY)
    again, final = retried(passing, fails, knobs.retries, knobs.budget)
    held = cut * (1 - supply.refused) + supply.refused * REFUSAL_SECONDS
    calls = calls_made(layout, knobs, supply.hit)
    tried = calls * (1 + again)
    weighed = calls * layout.critical
    cost = np.empty((4, *mean.shape))
    np.multiply(tried, held, out=cost[0])
    np.multiply(tried * in_time, variance, out=cost[1])
    np.multiply(weighed, np.log1p(-np.minimum(final, 1 - TINY)), out=cost[2])
    np.multiply(weighed, np.log1p(-np.minimum(lasting, 1 - TINY)), out=cost[3])
    spent = np.matmul(layout.from_source, cost)
    share = last.mix.take(layout.source, axis=1) * calls
    total = share.sum(axis=0) + TINY
    share /= total
    parts = np.empty((8, *mean.shape))
    for at, one in enumerate((again, mean, variance, fails, in_time, final, held, lasting)):
        np.multiply(one, share, out=parts[at])
    means = parts.sum(axis=1)
    flow = last.served.take(layout.source, axis=0) * total
    return (
        Calls(
            rate=flow * (1 + means[0]), retried=flow * means[0], latency=means[1],
            sigma=lognormal_sigma(means[1] + TINY, means[2]), errors=means[3], timed_out=1 - means[4],
            failures=1 - (1 - means[5]) * (1 - means[7]), held=means[6],
            log_mean=log_mean, log_sigma=sigma, final=1 - (1 - final) * (1 - lasting),
        ),
        spent,
    )  # fmt: skip


def calls_made(layout: Layout, knobs: Knobs, hit: Array) -> Array:
    """(K, E, R): calls that one request of the source makes, less those that a cache answers."""
    calls: Array = layout.calls_by_journey * knobs.calls
    if len(layout.cached):
        calls[:, layout.cached] *= 1 - hit[layout.cached_by]
    return calls


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
    sent = calls.rate * supply.through
    if len(supply.crossing):
        far = np.matmul(sent[supply.crossing][:, None, :], supply.route[supply.crossing])
        sent[supply.crossing] = far[:, 0, :]
    found: Array = layout.to_target @ sent + supply.delivered
    return found


def serve(layout: Layout, knobs: Knobs, supply: Supply, last: Second, arrivals: Array, spent: Array) -> Second:
    """What the services make of what arrives."""
    mix = last.mix
    own = (knobs.io + knobs.cpu) * supply.slow
    cpu = knobs.cpu * supply.slow
    holding = own + layout.held * (spent[0] * mix).sum(axis=0) + TINY
    threads = supply.ready * knobs.threads
    cores = supply.ready * knobs.cores
    by_threads = threads / holding
    by_cores = cores / (cpu + TINY * TINY)
    most = np.minimum(by_threads, by_cores) + TINY
    servers = np.maximum(np.where(by_threads <= by_cores, threads, cores), 1.0)
    accepted = arrivals * (1 - knobs.shed)
    rho = accepted / most
    steady = waiting(rho, servers, servers / most)
    asked = last.backlog + accepted - most
    limit = knobs.queue * supply.ready
    backlog = np.minimum(np.maximum(asked, 0.0), limit)
    over = np.maximum(asked - limit, 0.0)
    served = np.maximum(last.backlog + accepted - over - backlog, 0.0)
    turned = arrivals - accepted + over
    answered = 1 - np.minimum(turned / (arrivals + TINY), 1.0)
    lingering = np.minimum(backlog / most, LONGEST_WAIT)
    wait = np.minimum(steady + lingering, LONGEST_WAIT)
    own_errors = 1 - (1 - knobs.errors) * (1 - supply.bad)
    alone = own * own * layout.spread + WAIT_SPREAD * steady * steady + BACKLOG_SPREAD * lingering * lingering
    answers = np.empty_like(spent)
    latency, variance, transient, permanent = answers
    latency[:] = answered * (own + wait + spent[0]) + ((1 - answered) * REFUSAL_SECONDS + TINY)
    variance[:] = answered * (alone + spent[1]) + TINY * TINY
    fine = np.exp(spent[2:])
    np.subtract(1, ((1 - own_errors) * answered) * fine[0], out=transient)
    own_errors = 1 - (1 - own_errors) * (1 - knobs.permanent)
    np.subtract(1, (1 - knobs.permanent) * fine[1], out=permanent)
    failing = 1 - (1 - transient) * (1 - permanent)
    means = (np.stack((latency, variance, failing, permanent)) * mix).sum(axis=1)
    return Second(
        arrivals=arrivals, served=served, shed=np.minimum(turned, arrivals + last.backlog), backlog=backlog, own=own,
        wait=wait, busy=np.minimum(served * holding, threads), capacity=threads, rho=rho,
        cpu_seconds=np.minimum(served * cpu, cores), own_errors=own_errors, mean_latency=means[0],
        mean_variance=means[1], mean_errors=means[2], mean_permanent=means[3], mix=mix, answers=answers,
    )  # fmt: skip


def quiet(layout: Layout, demand: Array) -> Second:
    """A first second to start from: everything is served at once, and nothing waits."""
    served = np.einsum("sk,kr->sr", layout.visits, demand) * layout.present
    served[layout.users] = demand.sum(axis=0)
    own = layout.io + layout.cpu
    nothing = np.zeros((layout.rows, layout.regions))
    answers = np.zeros((4, layout.journeys, layout.rows, layout.regions))
    answers[0] = own + TINY
    answers[1] = own * own * layout.spread + TINY * TINY
    return Second(
        arrivals=served, served=served, shed=nothing, backlog=nothing, own=own, wait=nothing, busy=nothing,
        capacity=layout.threads * layout.replicas, rho=nothing, cpu_seconds=nothing, own_errors=nothing,
        mean_latency=own + TINY, mean_variance=answers[1, 0], mean_errors=nothing, mean_permanent=nothing,
        mix=mixture(layout, demand), answers=answers,
    )  # fmt: skip
