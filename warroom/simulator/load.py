"""How many users come: a base, the time of day, events, and a little noise.

`base_rps` is the mean over a day, of all regions together. The day peaks at 15:00 of each region's own time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.layout import Array
from warroom.simulator.topology import Topology

DAY: Final = 86_400.0
PEAK: Final = 15 * 3_600.0


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """From second `at`, for `lasts` seconds or to the end, demand is `multiply` times what it would be."""

    at: float
    multiply: float
    lasts: float | None = None
    ramp: float = 0.0
    region: str | None = None
    journey: str | None = None

    def factor(self, second: float) -> float:
        """What demand is multiplied with at a second."""
        if second < self.at or (self.lasts is not None and second >= self.at + self.lasts):
            return 1.0
        reached = min((second - self.at + 1) / self.ramp, 1.0) if self.ramp > 0 else 1.0
        return 1.0 + (self.multiply - 1.0) * reached


@dataclass(frozen=True, slots=True)
class Load:
    """Users of a world. `amplitude` is the swing of the day around its mean, `noise` the spread of a minute."""

    base_rps: float | None = None
    diurnal: bool = True
    amplitude: float = 0.35
    noise: float = 0.04
    events: tuple[LoadEvent, ...] = ()


class Demand:
    """Requests a second that users would make, by journey and region."""

    def __init__(self, topology: Topology, load: Load) -> None:
        self._load = load
        base = load.base_rps if load.base_rps is not None else topology.base_rps
        regions = np.array([one.share for one in topology.regions])
        self.usual: Array = base * np.array([one.share for one in topology.journeys])[:, None] * regions[None, :]
        self._offsets = [one.utc_offset_h * 3_600 for one in topology.regions]
        self._events = [(one, self._mask(topology, one)) for one in load.events]
        self.mixed = any(one.journey for one in load.events)
        """Whether the shares of the journeys may differ from second to second."""

    @staticmethod
    def _mask(topology: Topology, event: LoadEvent) -> Array:
        journeys = np.array([event.journey in (None, one.name) for one in topology.journeys], dtype=float)
        regions = np.array([event.region in (None, one.name) for one in topology.regions], dtype=float)
        mask: Array = journeys[:, None] * regions[None, :]
        return mask

    def at(self, second: int, now: float, noise: Array) -> Array:
        """(K, R) for one second; `noise` is one standard normal value a region."""
        by_region = np.exp(self._load.noise * noise)
        if self._load.diurnal:
            by_region = by_region * [
                1 + self._load.amplitude * math.cos(2 * math.pi * ((now + offset) % DAY - PEAK) / DAY)
                for offset in self._offsets
            ]
        found = self.usual * by_region
        for event, mask in self._events:
            factor = event.factor(second)
            if factor != 1.0:
                found = found * (1 + (factor - 1) * mask)
        return found
