"""What the replicas of a service can do: it stays as it is while nobody scales, turns or restarts anything."""

from __future__ import annotations

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout
from warroom.simulator.maths import sakasegawa
from warroom.simulator.units import TINY


class Crew:
    """The replicas that are ready, and their threads, cores and connections."""

    __slots__ = (
        "core_power", "cores", "free", "limit", "made_of", "pool_power", "pool_size", "ready", "thread_power",
        "threads",
    )  # fmt: skip

    def __init__(self, layout: Layout, knobs: Knobs, wanted: Array, starting: Array) -> None:
        self.made_of = (knobs, wanted, starting)
        self.ready: Array = np.maximum(wanted * knobs.alive - starting - knobs.removed, 0.0) * layout.present
        """(S, R): replicas that take requests; not whole numbers, as a share of them may be on its way."""
        self.threads = self.ready * knobs.threads
        self.cores = self.ready * knobs.cores
        self.limit = self.ready * knobs.queue
        """(S, R): requests that may wait."""
        self.thread_power, self.core_power = sakasegawa(self.threads), sakasegawa(self.cores)
        self.pool_size = knobs.pool.take(layout.pool_cells) * np.maximum(self.ready.take(layout.pool_source), TINY)
        """(pool cells,): connections, and of them those that are not leaked."""
        self.free = np.maximum(self.pool_size, TINY)
        self.pool_power = sakasegawa(self.free)

    def fits(self, knobs: Knobs, wanted: Array, starting: Array) -> bool:
        """Whether this is the crew of these arrays, which are never written again."""
        of_knobs, of_wanted, of_starting = self.made_of
        return of_knobs is knobs and of_wanted is wanted and of_starting is starting
