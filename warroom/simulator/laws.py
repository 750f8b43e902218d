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
from warroom.simulator.tick import SliceTick

if TYPE_CHECKING:
    from warroom.simulator.world import World

Row: TypeAlias = list[list[float]]
Cube: TypeAlias = list[list[list[float]]]

_TINY = 1e-9
_ALL = 0.9999
_ROUNDING = 1e-6


class Laws:
    """Lists by service, edge, queue or journey, then region, then version; by journey first where it matters."""

    def __init__(self, world: World, answers: Answers) -> None:
        """`answers` are of one second."""
        tick = self.tick = world.tick
        layout, knobs, edges = world.layout, world.knobs, world.layout.edges
        self.requests: Row = tick.requests.tolist()
        self.asked = [sum(one) for one in self.requests]
        self.weight: Cube = tick.weight.tolist()
        self.refused: Row = answers.refused[0].tolist()
        self.mean: Cube = answers.mean[0].tolist()
        self.sigma: Cube = answers.sigma[0].tolist()
        self.lasting: Row = answers.lasting[0].tolist()
        self.version_own: Cube = answers.version_own[0].tolist()
        self.version_time: Cube = answers.version_time[0].tolist()
        self.calls: Cube = flow.calls_made(layout, knobs, tick.hit).tolist()
        self.route: Cube = tick.route.tolist()
        self.home: list[list[int]] = np.where(tick.route.max(axis=2) > _ALL, tick.route.argmax(axis=2), -1).tolist()
        """By edge and region: the only region that is called; -1 where there are several."""
        self.only: list[list[int]] = np.where(tick.weight.max(axis=2) > _ALL, tick.weight.argmax(axis=2), -1).tolist()
        """By service and region: the only version that answers; -1 where there are several."""
        self.network: Row = tick.network_s.tolist()
        self.timeout: Row = knobs.timeout[:edges].tolist()
        self.retries: Row = knobs.retries[:edges].tolist()
        self.granted: Row = _granted(tick.retried, tick.calls, tick.call_errors, knobs.retries[:edges]).tolist()
        self.broken: Row = self._broken(world)
        self.call_mean: Row = tick.call_latency.tolist()
        self.call_sigma: Row = tick.call_sigma.tolist()
        self.errors: Row = tick.errors.tolist()
        self.pool_wait: Row = np.where(
            tick.pool_size > 0, tick.pool_waiting / np.maximum(tick.calls, _TINY), 0.0
        ).tolist()
        self.pool_size: Row = tick.pool_size.tolist()
        self.pool_used: Row = tick.pool_used.tolist()
        self.lag: Row = tick.queue_lag.tolist()
        self.slices: tuple[tuple[str, str, Row, Row], ...] = tuple(
            (one.dim, one.value, one.extra.tolist(), origin(one, layout.source[:edges], layout.target[:edges]).tolist())
            for one in tick.slices
        )

    def _broken(self, world: World) -> Row:
        """The share of attempts that fail before the callee has them, and keeps the reasons apart."""
        tick, layout, edges = world.tick, world.layout, world.layout.edges
        refused = refusals(world)[:edges]
        lost = 1.0 - world.kept[:edges]
        if not (refused.any() or lost.any()):
            self.reasons: dict[str, Row] = {}
            return np.zeros_like(lost).tolist()  # type: ignore[no-any-return]
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
        self.reasons = {name: one.tolist() for name, one in reasons.items()}
        found: Row = np.clip(1.0 - (1.0 - lost) * (1.0 - refused), 0.0, 1.0).tolist()
        return found

    def reason(self, edge: int, region: int, draw: float) -> str:
        """Why such an attempt failed; `draw` between 0 and 1 chooses among what there is."""
        shares = [(name, rows[edge][region]) for name, rows in self.reasons.items()]
        left = draw * sum(share for _, share in shares)
        for name, share in shares:
            left -= share
            if left < 0:
                return name
        return "network"


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
