"""The formulas of the queueing model, on arrays.

Sources: H. Sakasegawa, "An approximation formula L_q = a rho^b / (1 - rho)", 1977, for waiting in M/M/c; the mean of a
lognormal variable cut off at a time limit is its partial expectation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, cast

import numpy as np

if TYPE_CHECKING:
    from warroom.simulator.layout import Array, Ints

FULL: Final = 0.985
"""Utilisation beyond which the waiting of a steady queue says nothing; the backlog takes over."""
_STEP: Final = 0.005
_REACH: Final = 8.0
_GRID: Final = np.arange(-_REACH, _REACH + _STEP, _STEP)
_PHI: Final = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in _GRID])


def normal_cdf(z: Array) -> Array:
    """The share of a standard normal variable below `z`; off by at most 1e-6."""
    shape = z.shape
    flat: Array = np.interp(z.reshape(-1), _GRID, _PHI)
    return flat.reshape(shape)


def waiting(rho: Array, servers: Array, holding: Array) -> Array:
    """Mean seconds in an M/M/c queue: utilisation, number of servers (at least 1), seconds that a request holds one."""
    used = np.minimum(rho, FULL)
    wait: Array = holding * used ** sakasegawa(servers) / (np.maximum(servers, 1.0) * (1 - used))
    return wait


def sakasegawa(servers: Array) -> Array:
    """The exponent of the utilisation for a number of servers, which is 1 at least."""
    power: Array = np.sqrt(2 * (np.maximum(servers, 1.0) + 1)) - 1
    return power


def lognormal_sigma(mean: Array, variance: Array) -> Array:
    """The shape of the lognormal distribution with this mean and variance."""
    sigma: Array = np.sqrt(np.log1p(variance / (mean * mean)))
    return sigma


def summed(into: Ints, values: Array, count: int) -> Array:
    """(count,): the sum of the values that go `into` each place."""
    return cast("Array", np.bincount(into, values, count))


def summed_each(into: Ints, values: Array, count: int) -> Array:
    """(T, count): as `summed` for each of several seconds (T, len(into)), in the same order."""
    if len(values) == 1:
        return summed(into, values[0], count)[None]
    places = into + np.arange(0, len(values) * count, count)[:, None]
    return summed(places.reshape(-1), values.reshape(-1), len(values) * count).reshape(-1, count)
