"""The laws of one second, as plain numbers for whoever follows single requests through the production.

They are the same that the histograms are drawn from: a span's time is lognormal with the engine's mean and shape, and a
call fails as often as the engine says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from warroom.simulator.axes import Floats
from warroom.simulator.tick import Tick
from warroom.simulator.topology import Topology

_TINY = 1e-9


class Laws:
    """Lists by service, edge, queue, journey, and within by region (and version)."""

    def __init__(self, topology: Topology, tick: Tick, target: Sequence[int], source: Sequence[int]) -> None:
        self.tick = tick
        self.requests: list[list[float]] = tick.requests.tolist()
        self.asked = [sum(one) for one in self.requests]
        self.weight: list[list[list[float]]] = tick.weight.tolist()
        self.mean: list[list[list[float]]] = tick.version_latency.tolist()
        self.fails: list[list[list[float]]] = tick.version_errors.tolist()
        self.sigma: list[list[float]] = tick.sigma.tolist()
        self.refused: list[list[float]] = (tick.shed / np.maximum(tick.served + tick.shed, _TINY)).tolist()
        self.callee: list[list[float]] = np.maximum(tick.errors - tick.own_errors, 0.0).tolist()
        self.route: list[list[list[float]]] = tick.route.tolist()
        self.journey_ratio: list[list[float]] = _ratio(tick).tolist()
        self.journey_sigma: list[list[float]] = np.maximum(tick.journey_sigma, 0.05).tolist()
        self.per_request: list[list[float]] = _per_request(tick, source).tolist()
        self.retry: list[list[float]] = np.clip(
            tick.retried / np.maximum(tick.calls * np.maximum(tick.call_errors, tick.timed_out), _TINY), 0.0, 1.0
        ).tolist()
        self.broken: list[list[float]] = _broken(tick, target).tolist()
        self.call_errors: list[list[float]] = np.maximum(tick.call_errors - tick.timed_out, 0.0).tolist()
        self.timed_out: list[list[float]] = tick.timed_out.tolist()
        self.call_mean: list[list[float]] = tick.call_latency.tolist()
        self.call_sigma: list[list[float]] = tick.call_sigma.tolist()
        self.network: list[list[float]] = tick.network_s.tolist()
        self.breaker: list[list[float]] = tick.breaker.tolist()
        self.pool_size: list[list[float]] = tick.pool_size.tolist()
        self.pool_used: list[list[float]] = tick.pool_used.tolist()
        self.pool_waiting: list[list[float]] = tick.pool_waiting.tolist()
        self.pool_timeouts: list[list[float]] = tick.pool_timeouts.tolist()
        self.loss: list[list[float]] = tick.loss.tolist()
        self.dns: list[list[float]] = tick.dns.tolist()
        self.tls: list[list[float]] = tick.handshake_errors.tolist()
        self.lag: list[list[float]] = tick.queue_lag.tolist()
        self.replicas: list[list[float]] = tick.replicas.tolist()
        self.slices: tuple[Any, ...] = tuple(
            (one.dim, one.value, one.extra.tolist(), one.errors.tolist()) for one in tick.slices
        )
        self.topology = topology


def _ratio(tick: Tick) -> Floats:
    """How long a journey takes against all of them, by journey and region."""
    total = np.maximum(tick.requests.sum(0), _TINY)
    mean = (tick.requests * tick.journey_latency).sum(0) / total
    ratio: Floats = tick.journey_latency / np.maximum(mean, _TINY)
    return ratio


def _per_request(tick: Tick, source: Sequence[int]) -> Floats:
    """First attempts for each request that the caller works on, by edge and region."""
    served = tick.served[list(source)]
    first = tick.calls - tick.retried
    per: Floats = np.minimum(first / np.maximum(served, _TINY), 50.0)
    return np.where(served > 1e-3, per, 0.0)


def _broken(tick: Tick, target: Sequence[int]) -> Floats:
    """Attempts that fail before the callee has them: no connection, no name, no trust, packets lost."""
    lost = np.clip(np.maximum(tick.call_errors, tick.timed_out), 0.0, 1.0)
    served, shed = tick.served[list(target)], tick.shed[list(target)]
    fails = (tick.errors[list(target)] * served + shed) / np.maximum(served + shed, _TINY)
    reached = np.einsum("ers,es->er", tick.route, fails)
    arrives = np.maximum((1.0 - tick.timed_out) * (1.0 - np.clip(reached, 0.0, 1.0)), _TINY)
    found: Floats = np.clip(1.0 - (1.0 - lost) / arrives, 0.0, 1.0)
    # What is left by rounding is not a fault of the network.
    return np.where(found < 1e-3, np.minimum(found, tick.loss), found)
