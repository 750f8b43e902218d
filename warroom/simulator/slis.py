"""Figures of a second by name, as scenarios write them: `err(checkout)`, `p95(web@eu-west)`, `availability`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from warroom.simulator.layout import Array
from warroom.simulator.maths import normal_cdf

if TYPE_CHECKING:
    from warroom.simulator.world import World

_FORM: Final = re.compile(r"(1-)?([a-z_0-9]+)(?:\(([^()@]+)(?:@([^()]+))?\))?")
QUANTILES: Final[Mapping[str, tuple[float, float]]] = {
    "p50": (0.5, 0.0), "p90": (0.9, 1.2815515655), "p95": (0.95, 1.6448536270), "p99": (0.99, 2.3263478740),
}  # fmt: skip
"""The share below, and where that is in a standard normal distribution."""
HALVINGS: Final = 40
NAMES: Final = (
    "availability", "error_ratio", "late_ratio", "wrong_ratio", "err", "p50", "p90", "p95", "p99", "rps",
    "latency", "cpu",
    "memory", "lag", "depth", "replication_lag", "pool", "feature_age", "psi", "hit", "replicas",
)  # fmt: skip


class Apart(NamedTuple):
    """Some of the users: their share, and (R,) the seconds that they wait longer than the others."""

    share: float
    extra: Array


class SliError(ValueError):
    """A name of a figure that there is none of; one sentence."""


def sli(world: World, name: str) -> float:
    """The figure of the last second.

    Raises:
        SliError: there is no such figure, or nothing of that name in the topology.
    """
    found = _FORM.fullmatch(name.strip().replace(" ", ""))
    if not found or found[2] not in NAMES:
        raise SliError(
            f"there is no figure {name!r}; use any of {', '.join(NAMES)}, with a service or journey in brackets"
        )
    value = _value(world, found[2], found[3] or "", found[4] or "")
    return 1 - value if found[1] else value


def _value(world: World, figure: str, what: str, region: str) -> float:
    users = {"availability", "error_ratio", "late_ratio", "wrong_ratio"}
    if figure in users:
        return _of_users(world, figure)
    regions = _regions(world, region)
    tick, topology = world.tick, world.topology
    places: Mapping[str, tuple[tuple[str, ...], Array]] = {
        "lag": (tuple(one.name for one in topology.queues), tick.queue_lag),
        "depth": (tuple(one.name for one in topology.queues), tick.depth),
        "feature_age": (tuple(one.name for one in topology.features), tick.feature_age),
        "psi": (tuple(one.name for one in topology.models), tick.psi),
        "pool": (tuple(topology.edge_index), tick.pool_used / np.maximum(tick.pool_size, 1e-9)),
    }
    if figure in places:
        names, values = places[figure]
        row = values[_index(names, what, figure)]
        return float(np.max(row[regions] if row.ndim else row))
    journeys = tuple(one.name for one in topology.journeys)
    if what in journeys:
        return _of_journey(world, figure, journeys.index(what), regions)
    return _of_service(world, figure, _index(tuple(topology.service_index), what, figure), regions)


def _index(names: tuple[str, ...], what: str, figure: str) -> int:
    if what not in names:
        raise SliError(f"{figure}({what}): there is no {what!r}; known are {', '.join(names)}")
    return names.index(what)


def _regions(world: World, region: str) -> list[int]:
    if not region:
        return list(range(world.layout.regions))
    return [_index(tuple(world.topology.region_index), region, "region")]


def _of_users(world: World, figure: str) -> float:
    tick = world.tick
    total = max(float(tick.requests.sum()), 1e-9)
    failed, wrong, late = (float(one.sum()) / total for one in (tick.failed, tick.wrong, tick.late))
    return {
        "availability": 1 - failed - wrong, "error_ratio": failed, "late_ratio": late, "wrong_ratio": wrong,
    }[figure]  # fmt: skip


def _of_journey(world: World, figure: str, row: int, regions: list[int]) -> float:
    tick = world.tick
    weight = tick.requests[row][regions]
    if figure == "err":
        return float(tick.failed[row][regions].sum() / max(weight.sum(), 1e-9))
    if figure == "rps":
        return float(weight.sum())
    mean, sigma = tick.journey_latency[row][regions], tick.journey_sigma[row][regions]
    apart = [Apart(float(one.tick.share), one.users_extra[row][regions]) for one in world.felt]
    return _latency(figure, mean, sigma, weight, apart)


def _of_service(world: World, figure: str, row: int, regions: list[int]) -> float:
    tick = world.tick
    weight = tick.arrivals[row][regions]
    mean: Mapping[str, Callable[[], Array]] = {
        "err": lambda: tick.errors, "hit": lambda: tick.hit, "cpu": lambda: tick.cpu,
        "memory": lambda: tick.memory / tick.memory_limit,
    }  # fmt: skip
    if figure in mean:
        return _mean(mean[figure]()[row][regions], weight)
    if figure == "rps":
        return float(weight.sum())
    if figure == "replicas":
        return float(tick.replicas[row][regions].sum())
    if figure == "replication_lag":
        return float(tick.lag_s[row][regions].max())
    apart = [Apart(float(one.tick.share), one.tick.extra[row][regions]) for one in world.felt]
    return _latency(figure, tick.latency[row][regions], tick.sigma[row][regions], weight, apart)


def _mean(values: Array, weight: Array) -> float:
    total = float(weight.sum())
    return float((values * weight).sum() / total) if total > 0 else float(values.mean())


def _latency(figure: str, mean: Array, sigma: Array, weight: Array, apart: Sequence[Apart]) -> float:
    if figure == "latency":
        return _mean(mean + sum(one.share * one.extra for one in apart), weight)
    if figure not in QUANTILES:
        raise SliError(f"{figure} is not a figure of a journey")
    share, z = QUANTILES[figure]
    log_mean = np.log(mean) - sigma * sigma / 2
    quantile = np.exp(log_mean + sigma * z)
    slower = [one for one in apart if one.extra.any()]
    if slower:
        quantile = _mixed(share, quantile, log_mean, sigma, slower)
    return _mean(quantile, weight) if quantile.size else math.nan


def _mixed(share: float, usual: Array, log_mean: Array, sigma: Array, slower: Sequence[Apart]) -> Array:
    """The quantile where some users wait longer than all others, by halving: there is no formula for it."""
    low, high = usual, usual + np.max([one.extra for one in slower], axis=0)
    rest = 1 - sum(one.share for one in slower)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = rest * normal_cdf((np.log(middle) - log_mean) / sigma)
        for one in slower:
            left = np.maximum(middle - one.extra, 1e-9)
            below = below + one.share * normal_cdf((np.log(left) - log_mean) / sigma)
        low, high = np.where(below < share, middle, low), np.where(below < share, high, middle)
    found: Array = (low + high) / 2
    return found
