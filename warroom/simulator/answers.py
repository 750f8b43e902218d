"""How the services answered, by user journey and version: what histograms and single requests share.

Refusals are apart from answers here: they take next to no time, and fail for a reason of their own.
"""

from __future__ import annotations

import numpy as np

from warroom.simulator.axes import Floats
from warroom.simulator.flow import REFUSAL_SECONDS, TINY
from warroom.simulator.maths import lognormal_sigma
from warroom.simulator.seconds import Seconds

_ENOUGH = 1e-6
"""The share of answers that must be left by callees for a version's own failures to be seen in it."""


class Answers:
    """Axes: T seconds, S services, R regions, K journeys, V versions. `mean` and `sigma` are of the lognormal times of
    answers.
    """

    __slots__ = (
        "by_journey", "callee", "lasting", "mean", "mix", "own", "refused", "sigma", "version_own", "version_time",
        "whole",
    )  # fmt: skip

    def __init__(self, seconds: Seconds) -> None:
        numbers = seconds.answers
        latency, variance, passing, lasting = numbers[:, 0], numbers[:, 1], numbers[:, 2], numbers[:, 3]
        self.refused: Floats = np.minimum(seconds.shed / np.maximum(seconds.arrivals, TINY), 1.0)
        """(T, S, R): the share of requests that are refused."""
        answered = np.maximum(1.0 - self.refused, 1e-6)
        over = answered[:, None]
        self.by_journey: Floats = np.empty((len(numbers), 3, *numbers.shape[2:]))
        """(T, 3, K, S, R): the next three."""
        self.mean: Floats = self.by_journey[:, 0]
        """(T, K, S, R)"""
        self.sigma: Floats = self.by_journey[:, 1]
        self.callee: Floats = self.by_journey[:, 2]
        """(T, K, S, R): the share of answers that fail because a callee did."""
        np.maximum((latency - self.refused[:, None] * REFUSAL_SECONDS) / over, 1e-6, out=self.mean)
        np.minimum(lognormal_sigma(self.mean, variance / over), 2.5, out=self.sigma)
        self.mix: Floats = seconds.mix
        """(T, K, S, R): of which journeys the requests are."""
        self.lasting: Floats = seconds.lasting
        """(T, S, R): the share of answers that fail for an own reason which trying again does not heal."""
        self.own: Floats = 1.0 - (1.0 - seconds.own_errors) * (1.0 - self.lasting)
        rest = answered * np.maximum(1.0 - self.own, 1e-9)
        failing = 1.0 - (1.0 - passing) * (1.0 - lasting) / rest[:, None]
        np.minimum(np.maximum(failing, 0.0), 1.0, out=self.callee)
        self.whole: Floats = (self.by_journey * self.mix[:, None]).sum(2)
        """(T, 3, S, R): mean, sigma and callee of all journeys together."""
        self.version_own, self.version_time = self._versions(seconds, answered)

    def _versions(self, seconds: Seconds, answered: Floats) -> tuple[Floats, Floats]:
        """(T, S, R, V) each: the share that fails for the version's own reason, and its time over the service's."""
        time = seconds.version_latency / np.maximum(seconds.latency, 1e-9)[..., None]
        left = answered * (1.0 - self.whole[:, 2])
        rest = np.maximum(left, 1e-9)[..., None]
        own = np.minimum(np.maximum(1.0 - (1.0 - seconds.version_errors) / rest, 0.0), 1.0)
        # Where nearly everything fails for a callee, the quotient says nothing of the versions.
        own = np.where(rest < _ENOUGH, self.own[..., None], own)
        # Below this it is what the division leaves.
        own[own < 1e-7] = 0.0
        return own, np.minimum(np.maximum(time, 0.02), 50.0)
