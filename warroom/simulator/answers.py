"""How the services answered in one second, by user journey and version: what histograms and single requests share.

Refusals are apart from answers here: they take next to no time, and fail for a reason of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warroom.simulator.axes import Floats
from warroom.simulator.flow import REFUSAL_SECONDS, TINY
from warroom.simulator.maths import lognormal_sigma
from warroom.simulator.tick import Tick

if TYPE_CHECKING:
    from warroom.simulator.world import World

_ENOUGH = 1e-6
"""The share of answers that must be left by callees for a version's own failures to be seen in it."""


class Answers:
    """Axes: S services, R regions, K journeys, V versions. `mean` and `sigma` are of the lognormal times of answers."""

    __slots__ = ("callee", "lasting", "mean", "mix", "own", "refused", "sigma", "tick", "version_own", "version_time")

    def __init__(self, world: World) -> None:
        tick = self.tick = world.tick
        count = len(world.topology.services)
        second = world.state.second
        latency, variance, passing, lasting = second.answers[:, :, :count]
        self.refused: Floats = np.minimum(tick.shed / np.maximum(tick.arrivals, TINY), 1.0)
        """(S, R): the share of requests that are refused."""
        answered = np.maximum(1.0 - self.refused, 1e-6)
        self.mean: Floats = np.maximum((latency - self.refused * REFUSAL_SECONDS) / answered, 1e-6)
        """(K, S, R)"""
        self.sigma: Floats = np.minimum(lognormal_sigma(self.mean, variance / answered), 2.5)
        self.mix: Floats = second.mix[:, :count]
        """(K, S, R): of which journeys the requests are."""
        self.lasting: Floats = world.knobs.permanent[:count]
        """(S, R): the share of answers that fail for an own reason which trying again does not heal."""
        self.own: Floats = 1.0 - (1.0 - tick.own_errors) * (1.0 - self.lasting)
        rest = answered * np.maximum(1.0 - self.own, 1e-9)
        self.callee: Floats = np.clip(1.0 - (1.0 - passing) * (1.0 - lasting) / rest, 0.0, 1.0)
        """(K, S, R): the share of answers that fail because a callee did."""
        self.version_own, self.version_time = self._versions(tick, answered)

    def _versions(self, tick: Tick, answered: Floats) -> tuple[Floats, Floats]:
        """(S, R, V) each: the share that fails for the version's own reason, and its time over the service's."""
        time = tick.version_latency / np.maximum(tick.latency, 1e-9)[:, :, None]
        callee = (self.callee * self.mix).sum(0)
        rest = np.maximum(answered * (1.0 - callee), 1e-9)
        own = np.clip(1.0 - (1.0 - tick.version_errors) / rest[:, :, None], 0.0, 1.0)
        # Where nearly everything fails for a callee, the quotient says nothing of the versions.
        own = np.where(rest[:, :, None] < _ENOUGH, self.own[:, :, None], own)
        # Below this it is what the division leaves.
        own[own < 1e-7] = 0.0
        return own, np.clip(time, 0.02, 50.0)
