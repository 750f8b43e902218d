"""The laws of one second, as plain numbers for whoever follows single requests through the production.

They are the same that the histograms are drawn from: a span's time is lognormal with the engine's mean and shape, and a
call fails as often as the engine says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from warroom.simulator import flow
from warroom.simulator.answers import Answers
from warroom.simulator.axes import Floats
from warroom.simulator.second import closed_writes, limits, refusals
from warroom.simulator.tick import SliceTick, Tick

if TYPE_CHECKING:
    from warroom.simulator.world import World

Row: TypeAlias = list[float]
Rows: TypeAlias = list[list[float]]

_TINY = 1e-9
_ALL = 0.9999
_ROUNDING = 1e-6
_FASTEST = 1e-5
"""Seconds to a callee and back."""
_NARROWEST = 0.02
"""The least shape of times."""

Stop: TypeAlias = tuple[int, float, float, list[float], list[float], list[float], float, float]
"""How a service answers in a region: the only version that does (-1 where there are several), the shares that are
refused and that fail for good, then by version weight, share of own failures and time, then mean and shape of the time.
"""
Leg: TypeAlias = tuple[float, float, float, float, float, float, int]
"""How a call is made from a region: the share that never arrives, seconds for a connection and on the network one way,
timeout, repetitions and the share of them that is granted, and the only region that is called (-1 where there are
several)."""


class Laws:
    """What a walk looks up at every step is a row: by service or edge, then region, all in one list (a row's number is
    service * regions + region). The rest are lists by service, edge, queue or journey, then region.
    """

    def __init__(self, world: World, answers: Answers) -> None:
        """`answers` are of one second."""
        tick = self.tick = world.tick
        layout, knobs, edges = world.layout, world.knobs, world.layout.edges
        self.requests: Rows = tick.requests.tolist()
        self.asked = [sum(one) for one in self.requests]
        self.stops = _stops(tick, answers)
        """By journey."""
        self.calls = _calls(flow.calls_made(layout, knobs, tick.hit))
        """By journey, then row of an edge: how often that call is made at least, and the chance of once more."""
        self.legs: list[Leg] = list(
            zip(
                self._broken(world), _waits(tick), (np.maximum(tick.network_s, _FASTEST) / 2).ravel().tolist(),
                knobs.timeout[:edges].ravel().tolist(), knobs.retries[:edges].ravel().tolist(),
                _granted(tick.retried, tick.calls, tick.call_errors, knobs.retries[:edges]).ravel().tolist(),
                _only(tick.route), strict=True,
            )
        )  # fmt: skip
        self.route: Rows = tick.route.reshape(-1, layout.regions).tolist()
        self.call_mean: Row = tick.call_latency.ravel().tolist()
        self.call_sigma: Row = np.maximum(tick.call_sigma, _NARROWEST).ravel().tolist()
        self.errors: Row = tick.errors.ravel().tolist()
        self.lag: Rows = tick.queue_lag.tolist()
        self.slices: tuple[tuple[str, str, Row, Row], ...] = tuple(
            (
                one.dim, one.value, one.extra.ravel().tolist(),
                origin(one, layout.source[:edges], layout.target[:edges]).ravel().tolist(),
            )
            for one in tick.slices
        )  # fmt: skip

    def pool(self, leg: int) -> tuple[float, float]:
        """Of the connections that such calls are made through: those in use, and all."""
        tick = self.tick
        return float(tick.pool_used.ravel()[leg]), float(tick.pool_size.ravel()[leg])

    def _broken(self, world: World) -> Row:
        """The share of attempts that fail before the callee has them, and keeps the reasons apart."""
        tick, layout, edges = world.tick, world.layout, world.layout.edges
        refused = refusals(world)[:edges]
        lost = 1.0 - world.kept[:edges]
        if not (refused.any() or lost.any()):
            self.reasons: dict[str, Row] = {}
            return [0.0] * lost.size
        target = layout.target[:edges]
        quota = np.zeros(edges)
        for at, one in enumerate(world.topology.quotas):
            quota[target == world.topology.service_index[one.service]] = tick.quota_refused[at]
        for edge, share in limits(world):
            quota[edge] = max(quota[edge], share)
        reasons: dict[str, Floats] = {
            "breaker": np.where(tick.breaker >= 2, 1.0, np.where(tick.breaker >= 1, 0.5, 0.0)),
            "pool": tick.pool_timeouts,
            "dns": 1.0 - tick.dns[target],
            "tls": tick.handshake_errors[target],
            "quota": np.repeat(quota[:, None], layout.regions, axis=1),
            "readonly": np.repeat(closed_writes(world)[:edges, None].astype(float), layout.regions, axis=1),
            "network": lost,
        }
        self.reasons = {name: one.ravel().tolist() for name, one in reasons.items()}
        found: Row = np.clip(1.0 - (1.0 - lost) * (1.0 - refused), 0.0, 1.0).ravel().tolist()
        return found

    def reason(self, leg: int, draw: float) -> str:
        """Why such an attempt failed; `draw` between 0 and 1 chooses among what there is."""
        shares = [(name, row[leg]) for name, row in self.reasons.items()]
        left = draw * sum(share for _, share in shares)
        for name, share in shares:
            left -= share
            if left < 0:
                return name
        return "network"


def _stops(tick: Tick, answers: Answers) -> list[list[Stop]]:
    versions = tick.weight.shape[-1]
    by_version = tick.weight, answers.version_own[0], answers.version_time[0]
    common = (
        _only(tick.weight), answers.refused[0].ravel().tolist(), answers.lasting[0].ravel().tolist(),
        *(one.reshape(-1, versions).tolist() for one in by_version),
    )  # fmt: skip
    means, sigmas = (
        one[0].reshape(len(one[0]), -1).tolist() for one in (answers.mean, np.maximum(answers.sigma, _NARROWEST))
    )
    return [list(zip(*common, mean, sigma, strict=True)) for mean, sigma in zip(means, sigmas, strict=True)]


def _calls(means: Floats) -> list[list[tuple[int, float]]]:
    whole = means.astype(int)
    pairs = zip(whole.reshape(len(means), -1).tolist(), (means - whole).reshape(len(means), -1).tolist(), strict=True)
    return [list(zip(*one, strict=True)) for one in pairs]


def _only(shares: Floats) -> list[int]:
    """The place on the last axis that has it all, -1 where it is shared."""
    found: list[int] = np.where(shares.max(axis=-1) > _ALL, shares.argmax(axis=-1), -1).ravel().tolist()
    return found


def _waits(tick: Tick) -> Row:
    """Seconds that a call waits for a connection."""
    waits = np.where(tick.pool_size > 0, tick.pool_waiting / np.maximum(tick.calls, _TINY), 0.0)
    found: Row = waits.ravel().tolist()
    return found


def _granted(retried: Floats, calls: Floats, errors: Floats, retries: Floats) -> Floats:
    """(E, R): the share of wanted retries that the budget grants."""
    fails = np.minimum(errors, 1.0 - 1e-9)
    first = np.maximum(calls - retried, _TINY)
    wanted = fails * (1.0 - fails**retries) / (1.0 - fails)
    found: Floats = np.clip(retried / first / np.maximum(wanted, _TINY), 0.0, 1.0)
    return found


def origin(one: SliceTick, source: Any, target: Any) -> Floats:
    """(S, R): the share of a slice that fails at a service itself, and not at one that it calls."""
    below = np.zeros_like(one.errors)
    for at in range(len(source)):
        below[source[at]] = np.maximum(below[source[at]], one.errors[target[at]])
    return np.where((below > _ROUNDING) | (one.errors < _ROUNDING), 0.0, one.errors)
