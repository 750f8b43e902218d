"""One second of a world, from what people and faults have turned to a tick: the order in which everything happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from warroom.simulator import flow, links, plant, queues
from warroom.simulator.flow import TINY, Calls, Supply
from warroom.simulator.layout import Array, Layout
from warroom.simulator.maths import lognormal_sigma, normal_cdf
from warroom.simulator.model_plane import ModelSecond
from warroom.simulator.shapes import SloSecond
from warroom.simulator.state import State
from warroom.simulator.tick import Tick

if TYPE_CHECKING:
    from warroom.simulator.world import World

JITTER: Final = 0.02
"""Relative spread of a service's own time from second to second."""
HARM_SECONDS: Final = 60.0
"""Over how long users find that what they wrote is gone."""
SLOW_NOISE: Final = 0.985


def live(world: World) -> Tick:
    """Live the second `world.second`; the world's state is that of its end."""
    layout, state, knobs = world.layout, world.state, world.knobs
    draws = world.draws.at(world.second)
    state.noise = SLOW_NOISE * state.noise + (1 - SLOW_NOISE**2) ** 0.5 * draws[: layout.regions]
    wished = world.demand.at(world.second, world.now, state.noise) * knobs.traffic
    demand = wished * (1 - knobs.blocked)
    last = state.second
    last.mix = flow.mixture(layout, demand) if world.demand.mixed else world.mix
    last.served = last.served.copy()
    last.served[layout.users] = demand.sum(axis=0)
    ready = plant.ready_replicas(layout, knobs, state)
    supply = supplied(world, ready, draws[layout.regions : layout.regions + layout.rows])
    calls, spent = flow.call(layout, knobs, supply, last)
    now = flow.serve(layout, knobs, supply, last, flow.reach(layout, supply, calls), spent)
    state.second = now
    sizes = links.use_pools(layout, knobs, state, calls, ready)
    links.use_breakers(layout, knobs, state, calls, world.second)
    links.use_quotas(layout, knobs, state, calls)
    plant.remember(layout, knobs, state, ready)
    plant.fill(layout, knobs, state)
    state.ejected = plant.eject(knobs, state)
    queues.warm(layout, state)
    queues.replicate(layout, knobs, state)
    if len(layout.scaled) and world.second % plant.SCALER_EVERY == 0:
        for row, region in plant.scale(layout, knobs, state, ready, now, world.controls.held):
            world.note_scaling(row, region)
    world.plane.refresh_features(knobs, world.controls.quarantined)
    noise = draws[layout.regions + layout.rows :]
    models = world.plane.step(knobs, world.second, now.served, world.controls.quarantined, noise)
    world.limited = models.llm_limited
    return _tick(world, ready, sizes, supply, calls, models, wished)


def supplied(world: World, ready: Array, jitter: Array) -> Supply:
    """What replicas, networks and stores give to this second."""
    layout, state, knobs = world.layout, world.state, world.knobs
    delivered = queues.consume(layout, knobs, state, state.second)
    gc = plant.gc_share(layout, knobs, state)
    slow = (1 + JITTER * jitter[:, None]) / (1 - gc)
    refused = refusals(world)
    hit = state.hit * (1 - state.second.mean_errors) if len(layout.caches) else state.hit
    return Supply(
        ready=ready, hit=hit, slow=slow, gc=gc, route=world.route, network=world.network, crossing=world.crossing,
        refused=refused, through=world.kept * (1 - refused), pool_wait=state.pool_wait,
        bad=plant.bad_share(knobs, state), delivered=delivered,
    )  # fmt: skip


def refusals(world: World) -> Array:
    """(E, R): the share of attempts that end before they start, those at a model's provider and at databases that
    cannot be written among them."""
    refused = links.refusals(world.layout, world.knobs, world.state)
    refused[closed_writes(world)] = 1.0
    for edge, share in limits(world):
        refused[edge] = 1 - (1 - refused[edge]) * (1 - share)
    return refused


def closed_writes(world: World) -> NDArray[np.bool_]:
    """(E,): the writes to a database without a primary, or whose disk is full."""
    layout, state = world.layout, world.state
    closed = (state.read_only > 0) | plant.full_disks(layout, state).any(axis=1)
    shut: NDArray[np.bool_] = layout.writes & closed[layout.target]
    return shut


def limits(world: World) -> list[tuple[int, float]]:
    """The edges to providers of models that answer 429, and the share of the attempts they refuse."""
    edges = world.topology.edge_index
    named = [(f"{one.service}->{one.provider}", float(share))
             for one, share in zip(world.topology.models, world.limited, strict=True)]  # fmt: skip
    return [(edges[name], share) for name, share in named if share > 0 and name in edges]


def _users(
    world: World, calls: Calls, models: ModelSecond, wished: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """(K, R) each: requests, failed, late, wrong, and mean and shape of how long users waited."""
    layout, state, knobs = world.layout, world.state, world.knobs
    own = np.arange(layout.journeys)
    mean = state.second.answers[0, :, layout.users]
    failing = calls.final[own, layout.edges + own]
    log_mean = calls.log_mean[own, layout.edges + own]
    sigma = calls.log_sigma[own, layout.edges + own]
    slow = 1 - normal_cdf((layout.log_late[:, None] - log_mean) / sigma)
    for one in world.felt:
        share = one.tick.share
        hurt = 1 - (1 - failing) * (1 - one.users_errors)
        failing = failing * (1 - share) + hurt * share
        left = np.maximum(layout.late[:, None] - one.users_extra, 1e-6)
        slow = slow * (1 - share) + (1 - normal_cdf((np.log(left) - log_mean) / sigma)) * share
    blocked = wished * knobs.blocked
    came = wished - blocked
    failed = came * failing + blocked
    late = (wished - failed) * slow
    harm = knobs.harm.copy()
    for at, journey in enumerate(world.topology.journeys):
        if journey.model:
            harm[at] = np.maximum(harm[at], models.harm[world.model_index[journey.model]])
    wrong = (wished - failed) * np.minimum(harm, 1.0)
    found = state.harm_due / HARM_SECONDS
    state.harm_due -= found
    wrong = np.minimum(wrong + found / wrong.size, np.maximum(wished - failed, 0.0))
    return wished, failed, np.minimum(late, np.maximum(wished - failed - wrong, 0.0)), wrong, mean, sigma


def slo_of(world: World, tick: Tick) -> SloSecond:
    """What users felt; messages that came later than promised are late as well."""
    requests = float(tick.requests.sum())
    failed = float(tick.failed.sum() + tick.wrong.sum())
    late = float(tick.late.sum()) + queues.late_messages(world.layout, world.state)
    return SloSecond(requests, failed, min(late, max(requests - failed, 0.0)))


def _tick(
    world: World, ready: Array, sizes: Array, supply: Supply, calls: Calls, models: ModelSecond, wished: Array
) -> Tick:
    layout, state, knobs, now = world.layout, world.state, world.knobs, world.state.second
    s, e = layout.services, layout.edges
    latency, variance, errors, permanent = now.mean_latency, now.mean_variance, now.mean_errors, now.mean_permanent
    seconds, version_errors = world.rollouts.by_version(state.weight[:s], latency[:s], now.own[:s], errors[:s])
    requests, failed, late, wrong, journey_latency, journey_sigma = _users(world, calls, models, wished)
    cores = ready * knobs.cores
    primary = state.primary[:s]
    return Tick(
        second=world.second, now=world.now, arrivals=now.arrivals[:s], served=now.served[:s], shed=now.shed[:s],
        errors=errors[:s], own_errors=now.own_errors[:s], permanent=permanent[:s], latency=latency[:s],
        wait=now.wait[:s], own=now.own[:s], sigma=lognormal_sigma(latency[:s], variance[:s]), backlog=now.backlog[:s],
        busy=now.busy[:s], threads=now.capacity[:s], rho=now.rho[:s],
        cpu=np.minimum(now.cpu_seconds[:s] / (cores[:s] + TINY) + 0.01, 1.0), cpu_seconds=now.cpu_seconds[:s],
        replicas=ready[:s], desired=state.wanted[:s], memory=state.memory[:s], memory_limit=layout.memory_limit[:s],
        gc=supply.gc[:s], disk=state.disk[:s], disk_size=layout.disk_size[:s],
        restarts=state.restarts[:s], oom_kills=state.oom_kills[:s], hit=supply.hit[:s], lag_s=_lag(layout, state),
        up=np.minimum(ready[:s] / (state.wanted[:s] + TINY), 1.0), dns=knobs.dns[:s],
        handshake_errors=knobs.handshake[:s],
        cert_expires=np.repeat(world.certificates[:, None], layout.regions, axis=1), skew_s=knobs.skew[:s],
        security=knobs.security[:s], connections=_connections(layout, calls), ejected=state.ejected[:s],
        weight=state.weight[:s], version_latency=seconds, version_errors=version_errors, calls=calls.rate[:e],
        retried=calls.retried[:e], call_latency=calls.latency[:e], call_sigma=calls.sigma[:e],
        call_errors=calls.errors[:e],
        timed_out=calls.timed_out[:e], call_failures=calls.failures[:e], breaker=state.breaker[:e], pool_size=sizes[:e],
        pool_used=state.pool_used[:e], pool_waiting=(state.pool_wait * calls.rate)[:e] * (sizes[:e] > 0),
        pool_timeouts=state.pool_over[:e], loss=knobs.loss[:e], network_s=supply.network[:e], route=supply.route[:e],
        published=state.published, consumed=state.consumed, depth=state.depth, queue_lag=state.queue_lag,
        consumers=knobs.consumers, dropped=state.dropped, requests=requests, failed=failed, late=late, wrong=wrong,
        journey_latency=journey_latency, journey_sigma=journey_sigma, primary=primary,
        lost_writes=state.lost_writes[:s], divergent_writes=state.divergent[:s],
        backup_bytes=(world.backup_size * knobs.backup)[:s], backup_age_s=state.backup_age[:s],
        quota_used=state.quota_used, quota_limit=knobs.quota, quota_refused=state.quota_refused,
        feature_age=world.plane.age,
        feature_rows=world.plane.rows * np.where(knobs.feature_stop > 0, 0.0, 1.0) * knobs.feature_bytes,
        feature_bytes=world.plane.bytes * knobs.feature_bytes,
        feature_nulls=0.004 + knobs.feature_nulls * (world.controls.quarantined < 0.5),
        prediction_mean=models.prediction_mean, prediction_std=models.prediction_std, auc=models.auc,
        auc_measured=models.auc_measured, label_age=models.label_age, psi=models.psi, calibration=models.calibration,
        requests_model=models.requests_model, fallback=models.fallback, kpi=models.kpi, llm_limited=models.llm_limited,
        llm_tokens=models.llm_tokens, llm_cost=models.llm_cost, llm_length=models.llm_length,
        llm_quality=models.llm_quality, llm_cached=models.llm_cached, model_version=world.plane.version.copy(),
        psi_by_feature=models.psi_by_feature, group_rate=models.group_rate, group_share=models.group_share,
        slices=tuple(one.tick for one in world.felt),
    )  # fmt: skip


def _lag(layout: Layout, state: State) -> Array:
    """Copies follow the primary; the primary follows nobody."""
    lag = np.zeros((layout.services, layout.regions))
    for row in layout.databases:
        lag[row] = state.lag[row]
        lag[row, int(state.primary[row])] = 0.0
    return lag


def _connections(layout: Layout, calls: Calls) -> Array:
    """(S, R): connections to each service, by Little's law from the calls that are under way."""
    under_way: Array = layout.to_target @ (calls.rate * calls.held)
    return np.ceil(under_way)[: layout.services]
