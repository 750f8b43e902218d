"""Constants as long as what they are combined with, which costs half of what a single number does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.maths import FULL

if TYPE_CHECKING:
    from warroom.simulator.layout import Array, Layout

TINY: Final = 1e-9
ROUNDING: Final = 1e-15
"""A share below this is none."""
LONGEST_WAIT: Final = 3_600.0
WAIT_SPREAD: Final = 1.5
"""Variance of the waiting in a steady queue over its mean squared; 1 were it exponential, more as many do not wait."""


class Units:
    """They are never written. The shared zeros also say by themselves that nothing is there: `x is units.no_place`."""

    def __init__(self, layout: Layout) -> None:
        places, cells, ways = (layout.rows, layout.regions), (layout.links, layout.regions), len(layout.way_cell)
        self.place: Array = np.ones(places)
        self.no_place: Array = np.zeros(places)
        self.tiny_place: Array = np.full(places, TINY)
        self.nearly_no_place: Array = np.full(places, TINY * TINY)
        self.full_place: Array = np.full(places, FULL)
        self.longest_place: Array = np.full(places, LONGEST_WAIT)
        self.wait_spread: Array = np.full(places, WAIT_SPREAD)
        self.everything: Array = np.ones(layout.places)
        self.nobody: Array = np.zeros(layout.rows)
        self.everybody: Array = np.ones(layout.rows)
        self.stop: Array = np.ones(layout.stops)
        self.cell: Array = np.ones(layout.cells)
        self.tiny_cell: Array = np.full(layout.cells, TINY)
        self.no_cell: Array = np.zeros(cells)
        self.pool: Array = np.ones(len(layout.pool_cells))
        self.tiny_pool: Array = np.full(len(layout.pool_cells), TINY)
        self.full_pool: Array = np.full(len(layout.pool_cells), FULL)
        self.way: Array = np.ones(ways)
        self.half_way: Array = np.full(ways, 0.5)
        self.tiny_way: Array = np.full(ways, TINY)
        self.nothing_way: Array = np.full(ways, 1e-300)
        self.no_quota: Array = np.zeros(len(layout.topology.quotas))
