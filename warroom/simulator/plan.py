"""What the knobs come to: all of a second that stays as it is until somebody turns something.

Axes as in `layout`: places, stops, cells and ways. What nobody has turned is None, so that a quiet second skips it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Ints, Layout
from warroom.simulator.maths import summed
from warroom.simulator.units import TINY

USUAL_GC: Final = 0.012
"""The share of a second in which a language that collects its memory stands still."""
MOST_GC: Final = 0.97


class Roads:
    """Where calls go, by route (E, R, R): pairs of places in a flat array and shares (None: everything)."""

    def __init__(self, layout: Layout, route: Array) -> None:
        self.route = route
        stays = np.eye(layout.regions)
        self.seen: list[tuple[Ints, Array | None]] = []
        """The stops from which each way has its answers."""
        self.landing: list[tuple[Ints, Array | None]] = []
        """The places where the calls of each cell arrive."""
        flat = route.reshape(layout.cells, layout.regions)
        target = np.repeat(layout.target, layout.regions)
        journey = layout.way_source // layout.places
        ends: list[tuple[Ints, Array | None]]
        if ((flat == 0) | (flat == 1)).all():
            ends = [(flat.argmax(axis=1), None)]
        else:
            ends = [(np.full(layout.cells, one), np.ascontiguousarray(flat[:, one])) for one in range(len(stays))]
        for region, share in ends:
            place = target * layout.regions + region
            by_way = None if share is None else share.take(layout.way_cell)
            self.seen.append((journey * layout.places + place.take(layout.way_cell), by_way))
            self.landing.append((place, share))
        self.rtt = np.einsum("erq,rq->er", route, layout.rtt)
        """(E, R): seconds of a round trip."""


def mixture(layout: Layout, demand: Array) -> Array:
    """(stops,): of which journeys the requests at a place are, for a demand (K, R)."""
    weight = layout.visits.T[:, :, None] * (demand + TINY)[:, None, :]
    mix: Array = weight / weight.sum(axis=0)
    return mix.reshape(-1)


@dataclass(slots=True)
class Mixture:
    """What follows from the mixture of journeys at each place."""

    stops: Array
    """(stops,): the share of each journey; 1 together at each place."""
    held: Array
    """The same where a thread is held while callees answer, else 0."""
    ways: Array
    """(ways,): the calls of a way for one request at its source, of all journeys."""
    cells: Array
    """(cells,): the sum of the ways."""


class Plan:
    """The figures of the next seconds."""

    def __init__(self, layout: Layout, knobs: Knobs, roads: Roads, network: tuple[Array, Array]) -> None:
        self._layout = layout
        self.knobs, self.roads = knobs, roads
        self.ways(layout, knobs)
        self.places(layout, knobs)
        seconds, kept = network
        self.network = seconds
        """(E, R): seconds of network of one attempt."""
        self.kept = kept
        """(E, R): the share of attempts that the network does not lose."""
        self.lossy = bool((kept != 1).any())

    def ways(self, layout: Layout, knobs: Knobs) -> None:
        """What calls are like; (ways,)."""
        cell = layout.way_cell
        self.timeout = knobs.timeout.take(cell)
        self.log_timeout = np.log(self.timeout)
        self.calls = layout.way_calls * knobs.calls.take(cell)
        self.critical_calls = self.calls * layout.way_critical
        retries = knobs.retries.take(cell)
        self.retries = np.stack((retries, retries))
        self.budget = knobs.budget.take(cell)
        self.refused = knobs.refused if knobs.refused.any() else None
        self.forced = bool(knobs.breaker.any())
        self.pool_leaks = bool(knobs.pool_leak.any())
        self.pool_size = knobs.pool.take(layout.pool_cells)

    def places(self, layout: Layout, knobs: Knobs) -> None:
        """What services are like; (S, R), and (stops,) where said."""
        self.work = knobs.io + knobs.cpu
        self.admitted = 1 - knobs.shed if knobs.shed.any() else None
        self.well = (1 - knobs.errors).take(layout.stop_place)
        """(stops,): the share that does not fail for an own reason."""
        self.lasting = (1 - knobs.permanent).take(layout.stop_place) if knobs.permanent.any() else None
        """(stops,): the share that does not fail for an own reason which no retry heals."""
        self.broken = bool(knobs.bad.any())
        self.gc: Array = np.minimum(layout.gc * USUAL_GC + knobs.gc, MOST_GC)
        self.still = 1 / (1 - self.gc)
        """So many times as long everything takes by it."""
        self.leaks = bool(knobs.leak.any())
        self.restarts = bool(knobs.restarts.any())
        self.lags = bool(knobs.lag_slope.any())
        self.disk_rate = layout.disk_rate + knobs.disk_fill
        self.traffic = knobs.traffic if (knobs.traffic != 1).any() else None
        self.allowed = 1 - knobs.blocked if knobs.blocked.any() else None
        """(K, R): the share of the users who are let in."""

    def mixture(self, demand: Array) -> Mixture:
        """For a demand (K, R) in proportion."""
        layout = self._layout
        stops = mixture(layout, demand)
        ways = stops.take(layout.way_source) * self.calls
        return Mixture(
            stops, stops * layout.held.take(layout.stop_place), ways, summed(layout.way_cell, ways, layout.cells)
        )
