"""One second of a world, from what people and faults have turned to a tick: the order in which everything happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from warroom.simulator import flow, links, plant, queues
from warroom.simulator.flow import Supply
from warroom.simulator.layout import Array, Layout
from warroom.simulator.moment import Moment
from warroom.simulator.noise import Noise
from warroom.simulator.plan import Mixture
from warroom.simulator.tick import Tick

if TYPE_CHECKING:
    from warroom.simulator.world import World

JITTER: Final = 0.02
"""Relative spread of a service's own time from second to second."""
HARM_SECONDS: Final = 60.0
"""Over how long users find that what they wrote is gone."""
SLOW_NOISE: Final = 0.985


class Pace:
    """How many times as long as usual own work takes, by second."""

    def __init__(self, layout: Layout, draws: Noise) -> None:
        self._layout, self._draws = layout, draws
        self._drawn: Array | None = None
        self._paces = np.zeros((0, layout.rows, layout.regions))

    def at(self, second: int) -> Array:
        """(S, R): the same in all regions."""
        drawn, row = self._draws.block(second)
        if drawn is not self._drawn:
            layout, self._drawn = self._layout, drawn
            jitter = drawn[:, layout.regions : layout.regions + layout.rows]
            self._paces = np.repeat(1 + JITTER * jitter[:, :, None], layout.regions, axis=2)
        found: Array = self._paces[row]
        return found


def live(world: World) -> Tick:
    """Live the second `world.second`; the world's state is that of its end."""
    layout, state, plan = world.layout, world.state, world.plan
    draws = world.draws.at(world.second)
    wished, demand = demanded(world, draws)
    mix = plan.mixture(demand) if world.demand.mixed else world.mix
    last = state.second
    supply = supplied(world, mix)
    calls, spent = flow.call(layout, plan, supply, last, np.add.reduce(demand, axis=0))
    now = flow.serve(layout, plan, supply, last, flow.reach(layout, plan, supply, calls), spent)
    state.second = now
    pools = links.use_pools(layout, plan, state, supply.crew, calls)
    links.use_breakers(layout, plan, state, calls, world.second)
    links.use_quotas(layout, plan, state, calls)
    plant.remember(layout, plan, state, supply.crew)
    plant.fill(layout, plan, state)
    plant.eject(layout, plan, state)
    hit = state.hit
    queues.warm(layout, state)
    queues.replicate(layout, plan, state)
    if len(layout.scaled) and world.second % plant.SCALER_EVERY == 0:
        for row, region in plant.scale(layout, plan.knobs, state, now, world.controls.held):
            world.note_scaling(row, region)
    world.plane.refresh_features(plan.knobs, world.quarantined)
    noise = draws[layout.regions + layout.rows :]
    models = world.plane.step(plan.knobs, world.second, now.served, world.quarantined, noise)
    world.limited = models.llm_limited
    harm = state.harm_due / HARM_SECONDS
    state.harm_due -= harm
    return Tick(world.second, world.now, Moment(world, supply, calls, last, pools, models, wished, hit, harm))


def demanded(world: World, draws: Array) -> tuple[Array, Array]:
    """(K, R) each: the requests that users would make in this second, and those of them that are let in."""
    state, plan = world.state, world.plan
    state.noise = SLOW_NOISE * state.noise + _FRESH_NOISE * draws[: world.layout.regions]
    wished = world.demand.at(world.second, world.now, state.noise)
    if plan.traffic is not None:
        wished = wished * plan.traffic
    return wished, wished if plan.allowed is None else wished * plan.allowed


def supplied(world: World, mix: Mixture) -> Supply:
    """What replicas, networks and stores give to this second."""
    layout, state, plan = world.layout, world.state, world.plan
    delivered: Array | None = None
    if len(layout.queue_source):
        state.queued, delivered = queues.consume(layout, plan.knobs, state.queued, state.second)
    gc, still = plan.gc, plan.still
    if state.memory is not None:
        gc = plant.gc_share(layout, plan.knobs, state.memory)
        still = 1 / (1 - gc)
    bad: Array | None = None
    well = plan.well
    if plan.broken:
        bad = plant.bad_share(plan.knobs, state)
        well = well * (1 - bad).take(layout.stop_place)
    refused = refusals(world).reshape(-1) if refuses(world) else None
    through = plan.kept.reshape(-1) if plan.lossy else None
    if refused is not None:
        through = 1 - refused if through is None else through * (1 - refused)
    return Supply(
        mix=mix, crew=world.crew_now(), slow=world.pace.at(world.second) * still, gc=gc, missing=missing(world),
        refused=refused, through=through, pool_wait=state.pool_wait, well=well, bad=bad, delivered=delivered,
    )  # fmt: skip


def missing(world: World) -> Array | None:
    """(cells,): the share of calls that a cache does not answer; None without caches."""
    layout, state = world.layout, world.state
    if not len(layout.cached):
        return None
    one = layout.units.cell
    found: Array = one - state.hit.take(layout.cell_cache) * (one - state.second.errors.take(layout.cell_cache))
    return found


def refuses(world: World) -> bool:
    """Whether an attempt may end before it starts anywhere."""
    layout, state = world.layout, world.state
    return (
        links.refuses(layout, world.plan, state)
        or state.read_only is not layout.units.nobody
        or (layout.has_disks and bool((state.disk >= layout.disk_full).any()))
        or (len(world.limited) > 0 and bool(world.limited.any()))
    )


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


_FRESH_NOISE: Final = (1 - SLOW_NOISE**2) ** 0.5
