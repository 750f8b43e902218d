"""Figures of a second by name, as scenarios write them: `err(checkout)`, `p95(web@eu-west)`, `availability`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.layout import Array

if TYPE_CHECKING:
    from warroom.simulator.world import World

_FORM: Final = re.compile(r"(1-)?([a-z_0-9]+)(?:\(([^()@]+)(?:@([^()]+))?\))?")
_Z: Final = {"p50": 0.0, "p90": 1.2815515655, "p95": 1.6448536270, "p99": 2.3263478740}
NAMES: Final = (
    "availability", "error_ratio", "late_ratio", "wrong_ratio", "err", "p50", "p90", "p95", "p99", "rps",
    "latency", "cpu",
    "memory", "lag", "depth", "replication_lag", "pool", "feature_age", "psi", "hit", "replicas",
)  # fmt: skip


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
    return _latency(figure, mean, sigma, weight)


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
    return _latency(figure, tick.latency[row][regions], tick.sigma[row][regions], weight)


def _mean(values: Array, weight: Array) -> float:
    total = float(weight.sum())
    return float((values * weight).sum() / total) if total > 0 else float(values.mean())


def _latency(figure: str, mean: Array, sigma: Array, weight: Array) -> float:
    if figure == "latency":
        return _mean(mean, weight)
    if figure not in _Z:
        raise SliError(f"{figure} is not a figure of a journey")
    quantile = mean * np.exp(sigma * _Z[figure] - sigma * sigma / 2)
    return _mean(quantile, weight) if quantile.size else math.nan
