"""One second of requests: who calls whom how often, how long it takes, and what fails.

    calls      of the requests served in the last second, tried again as often as the last second's failures ask for
    arrivals   what reaches a service; more than it can do waits, up to its limit, and the rest is refused
    answers    own work + waiting + what the callees take, each cut off at its time limit

A callee's latency and failures are those of the second before, which also breaks cycles of waiting. Latencies are
lognormal with the mean and the variance that add up along the calls. By user journey K where a journey matters.
Shapes are those of `layout`: places, stops, cells and ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.crew import Crew
from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.maths import normal_cdf, summed
from warroom.simulator.plan import Mixture, Plan, mixture
from warroom.simulator.units import LONGEST_WAIT
from warroom.simulator.units import TINY as TINY

REFUSAL_SECONDS: Final = 0.001
"""How long it takes to hear that one is not served."""
BACKLOG_SPREAD: Final = 0.02


@dataclass(slots=True)
class Supply:
    """What the plant gives to a second of requests; None where there is nothing of it."""

    mix: Mixture
    crew: Crew
    slow: Array
    """(S, R): own work is so many times as long as it usually is."""
    gc: Array
    """(S, R)"""
    missing: Array | None
    """(cells,): the share of calls that a cache does not answer."""
    refused: Array | None
    """(cells,): share of attempts that end before they start."""
    through: Array | None
    """(cells,): share of attempts that neither the network loses nor anybody refuses."""
    pool_wait: Array
    """(E, R): seconds until a connection is free."""
    well: Array
    """(stops,): share of the requests that neither fail by themselves nor reach replicas which are broken."""
    bad: Array | None
    """(S, R): share of the requests that reach replicas which are broken."""
    delivered: Array | None
    """(places,): messages per second that consumers take up."""


@dataclass(slots=True)
class Calls:
    """One second of the calls: (ways,), and (cells,) where said."""

    first: Array
    """(cells,): calls a second, each counted once."""
    rate: Array
    """(cells,): attempts a second."""
    share: Array
    """Of the calls of a cell, the share of each way."""
    again: Array
    """Attempts after the first of one call."""
    mean: Array
    variance: Array
    log_mean: Array
    log_sigma: Array
    in_time: Array
    fails: Array
    final: Array
    """The share of calls that fail for a passing reason in spite of retries."""
    lasting: Array | None
    """The share that does not fail for a lasting reason."""
    held: Array
    """Seconds that an attempt holds its connection."""

    def by_cell(self, layout: Layout, values: Array) -> Array:
        """(cells,): the mean of something over the journeys."""
        return summed(layout.way_cell, values * self.share, layout.cells)


@dataclass(slots=True)
class Spent:
    """What the calls of one request come to, (stops,): seconds, their variance, and the shares that they leave well."""

    seconds: Array
    variance: Array
    passing: Array
    lasting: Array | None


@dataclass(slots=True)
class Second:
    """One second of the services: (S, R), and (places,) or (stops,) where said."""

    arrivals: Array
    served: Array
    turned: Array | None
    """Refused."""
    backlog: Array
    waits: bool
    """Whether there is a backlog anywhere."""
    own: Array
    cpu: Array
    """Seconds of CPU of one request."""
    wait: Array
    holding: Array
    rho: Array
    crew: Crew
    bad: Array | None
    mixed: Array
    """(stops,): of which journeys the requests are."""
    carried: Array
    """(3, stops): latency, its variance, and the share that does not fail for a passing reason."""
    lasting: Array | None
    """(stops,): the share that does not fail for a lasting reason."""
    latency: Array
    """(places,): the mean over the journeys."""
    errors: Array
    """(places,): the mean over the journeys."""

    @property
    def cpu_seconds(self) -> Array:
        """(S, R): seconds of CPU in this second."""
        return np.minimum(self.served * self.cpu, self.crew.cores)


def call(layout: Layout, plan: Plan, supply: Supply, last: Second, users: Array) -> tuple[Calls, Spent]:
    """The calls of this second, and per source what they come to; `users` (R,) are the requests of this second."""
    units, one = layout.units, layout.units.way
    mean, variance, well, lasting = _met(layout, plan, supply, last)
    spread = np.log1p(variance / (mean * mean))
    sigma = np.sqrt(spread)
    log_mean = np.log(mean) - spread * units.half_way
    limits = np.empty((2, len(mean)))
    bound, early_bound = limits
    np.divide(plan.log_timeout - log_mean, sigma, out=bound)
    np.subtract(bound, sigma, out=early_bound)
    in_time, early = normal_cdf(limits)
    held = mean * early + plan.timeout - plan.timeout * in_time
    well = well * in_time
    if supply.through is not None:
        well *= supply.through.take(layout.way_cell)
    if supply.refused is not None:
        refused = supply.refused.take(layout.way_cell)
        held = held * (1 - refused) + refused * REFUSAL_SECONDS
    again, fails, final = _retried(layout, plan, well, lasting)
    share, calls, weighed, total = _made(layout, plan, supply)
    tried = calls * (one + again)
    spent = Spent(
        seconds=summed(layout.way_source, tried * held, layout.stops),
        variance=summed(layout.way_source, tried * in_time * variance, layout.stops),
        passing=_left(layout, weighed, one - final),
        lasting=None if lasting is None else _left(layout, weighed, lasting),
    )
    served = last.served.take(layout.cell_source)
    served.reshape(-1, layout.regions)[layout.edges :] = users
    first = served * total
    repeated = summed(layout.way_cell, again * share, layout.cells)
    calls_of_second = Calls(
        first=first, rate=first * (units.cell + repeated), share=share, again=again, mean=mean, variance=variance,
        log_mean=log_mean, log_sigma=sigma, in_time=in_time, fails=fails, final=final, lasting=lasting, held=held,
    )  # fmt: skip
    return calls_of_second, spent


def _met(layout: Layout, plan: Plan, supply: Supply, last: Second) -> tuple[Array, Array, Array, Array | None]:
    """(ways,) each: seconds and their variance that a call takes, the network and the wait for a connection with it,
    and the shares that fail neither for a passing nor for a lasting reason."""
    (stop, share), *others = plan.roads.seen
    seen = _weighed(last.carried.take(stop, axis=1), share)
    for other, part in others:
        seen += _weighed(last.carried.take(other, axis=1), part)
    lasting: Array | None = None
    if last.lasting is not None:
        lasting = _weighed(last.lasting.take(stop), share)
        for other, part in others:
            lasting += _weighed(last.lasting.take(other), part)
    mean, variance, well = seen
    wait = supply.pool_wait.take(layout.way_cell)
    mean += (plan.network + supply.pool_wait).take(layout.way_cell)
    variance += wait * wait
    return mean, variance, well, lasting


def _weighed(values: Array, share: Array | None) -> Array:
    return values if share is None else values * share


def _retried(layout: Layout, plan: Plan, well: Array, lasting: Array | None) -> tuple[Array, Array, Array]:
    """Attempts after the first of one call, the share of attempts that fail, and the share of calls that still fail for
    a passing reason. A budget grants retries up to that share of the calls."""
    one, tiny = layout.units.way, layout.units.tiny_way
    shares = np.empty((2, len(well)))
    fails, passing = shares
    np.subtract(one, np.maximum(well if lasting is None else well * lasting, tiny), out=fails)
    np.subtract(one, well, out=passing)
    spent, still = np.power(shares, plan.retries)
    asked = fails * (one - spent) / (one - fails)
    again = np.minimum(asked, plan.budget)
    granted = again / np.maximum(asked, layout.units.nothing_way)
    return again, fails, passing - passing * granted * (one - still)


def _made(layout: Layout, plan: Plan, supply: Supply) -> tuple[Array, Array, Array, Array]:
    """Of the calls of a cell the share of each way, the calls of one request by way, those that it fails with, and the
    calls of one request by cell."""
    mix, tiny = supply.mix, layout.units.tiny_cell
    if supply.missing is None:
        total = mix.cells + tiny
        return mix.ways / total.take(layout.way_cell), plan.calls, plan.critical_calls, total
    total = mix.cells * supply.missing + tiny
    missing = supply.missing.take(layout.way_cell)
    share = mix.ways * missing / total.take(layout.way_cell)
    return share, plan.calls * missing, plan.critical_calls * missing, total


def _left(layout: Layout, weighed: Array, well: Array) -> Array:
    """(stops,): the share that all its calls leave well, each as often as it is made."""
    logs = np.log(np.maximum(well, layout.units.tiny_way))
    logs *= weighed
    found: Array = np.exp(summed(layout.way_source, logs, layout.stops))
    return found


def calls_made(layout: Layout, knobs: Knobs, hit: Array) -> Array:
    """(K, E, R): calls that one request of the source makes, less those that a cache answers."""
    calls: Array = layout.calls_by_journey * knobs.calls
    if len(layout.cached):
        calls[:, layout.cached] *= 1 - hit[layout.cached_by]
    return calls


def reach(layout: Layout, plan: Plan, supply: Supply, calls: Calls) -> Array:
    """(S, R): requests and messages a second that arrive at each service."""
    sent = calls.rate if supply.through is None else calls.rate * supply.through
    (place, share), *others = plan.roads.landing
    found = summed(place, _weighed(sent, share), layout.places)
    for other, part in others:
        found += summed(other, _weighed(sent, part), layout.places)
    if supply.delivered is not None:
        found += supply.delivered
    return found.reshape(layout.rows, layout.regions)


def serve(layout: Layout, plan: Plan, supply: Supply, last: Second, arrivals: Array, spent: Spent) -> Second:
    """What the services make of what arrives."""
    units, crew = layout.units, supply.crew
    own, cpu = plan.work * supply.slow, plan.knobs.cpu * supply.slow
    callees = summed(layout.stop_place, spent.seconds * supply.mix.held, layout.places)
    holding = own + callees.reshape(own.shape) + units.tiny_place
    by_threads = crew.threads / holding
    by_cores = crew.cores / (cpu + units.nearly_no_place)
    most = np.minimum(by_threads, by_cores) + units.tiny_place
    accepted = arrivals if plan.admitted is None else arrivals * plan.admitted
    rho = accepted / most
    power = np.where(by_threads <= by_cores, crew.thread_power, crew.core_power)
    used = np.minimum(rho, units.full_place)
    # Sakasegawa's formula as in `maths.waiting`: the number of servers is the same above and below.
    steady = used**power / (most * (units.place - used))
    line = _line(layout, crew, last, arrivals, accepted, most, rho)
    wait = np.minimum(steady if line.lingering is None else steady + line.lingering, units.longest_place)
    alone = own * own * layout.spread + steady * steady * units.wait_spread
    carried = np.empty((3, layout.stops))
    latency, variance, well = carried
    taken = own + wait + units.tiny_place
    if line.lingering is not None:
        alone = alone + BACKLOG_SPREAD * line.lingering * line.lingering
    np.add(spent.seconds, taken.take(layout.stop_place), out=latency)
    np.add(spent.variance, (alone + units.nearly_no_place).take(layout.stop_place), out=variance)
    np.multiply(spent.passing, supply.well, out=well)
    if line.answered is not None:
        answered = line.answered.take(layout.stop_place)
        refused = 1 - answered
        latency *= answered
        latency += refused * (REFUSAL_SECONDS + TINY)
        variance *= answered
        variance += refused * (TINY * TINY)
        well *= answered
    lasting = _lasting(plan, spent)
    failing = units.stop - (well if lasting is None else well * lasting)
    mix = supply.mix.stops
    return Second(
        arrivals=arrivals, served=line.served, turned=line.turned, backlog=line.backlog, waits=line.waits, own=own,
        cpu=cpu, wait=wait, holding=holding, rho=rho, crew=crew, bad=supply.bad, mixed=mix, carried=carried,
        lasting=lasting, latency=summed(layout.stop_place, latency * mix, layout.places),
        errors=np.minimum(summed(layout.stop_place, failing * mix, layout.places), layout.units.everything),
    )  # fmt: skip


def _lasting(plan: Plan, spent: Spent) -> Array | None:
    """(stops,): the share that does not fail for a lasting reason, if any does."""
    if spent.lasting is None:
        return plan.lasting
    if plan.lasting is not None:
        return spent.lasting * plan.lasting
    return spent.lasting if (spent.lasting != 1).any() else None


@dataclass(slots=True)
class Line:
    """What waits and what is refused: (S, R), None where nothing is."""

    served: Array
    backlog: Array
    waits: bool = False
    """Whether there is a backlog anywhere."""
    lingering: Array | None = None
    """Seconds that the backlog costs."""
    turned: Array | None = None
    """Requests refused, and the share of the requests that are not."""
    answered: Array | None = None


def _line(layout: Layout, crew: Crew, last: Second, arrivals: Array, accepted: Array, most: Array, rho: Array) -> Line:
    """The requests that get their turn, those that wait for theirs, and those for which there is no room."""
    if last.waits or np.maximum.reduce(rho, axis=None) > 1:
        asked = last.backlog + accepted - most
        backlog = np.minimum(np.maximum(asked, 0.0), crew.limit)
        over = np.maximum(asked - crew.limit, 0.0)
        found = Line(np.maximum(last.backlog + accepted - over - backlog, 0.0), backlog, bool(backlog.any()))
        found.lingering = np.minimum(backlog / most, LONGEST_WAIT)
        turned = arrivals - accepted + over
    else:
        found = Line(accepted, layout.units.no_place)
        if accepted is arrivals:
            return found
        turned = arrivals - accepted
    found.turned = np.minimum(turned, arrivals + last.backlog)
    found.answered = 1 - np.minimum(turned / (arrivals + TINY), 1.0)
    return found


def quiet(layout: Layout, demand: Array, crew: Crew) -> Second:
    """A first second to start from: everything is served at once, and nothing waits."""
    served = np.einsum("sk,kr->sr", layout.visits, demand) * layout.present
    served[layout.users] = demand.sum(axis=0)
    own = layout.io + layout.cpu
    nothing = layout.units.no_place
    carried = np.ones((3, layout.stops))
    carried[0] = (own + TINY).take(layout.stop_place)
    carried[1] = (own * own * layout.spread + TINY * TINY).take(layout.stop_place)
    return Second(
        arrivals=served, served=served, turned=None, backlog=nothing, waits=False, own=own, cpu=layout.cpu,
        wait=nothing, holding=own + TINY, rho=nothing, crew=crew, bad=None, mixed=mixture(layout, demand),
        carried=carried, lasting=None, latency=(own + TINY).reshape(-1), errors=nothing.reshape(-1),
    )  # fmt: skip
