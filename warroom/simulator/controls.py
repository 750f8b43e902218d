"""What people have set, and what stays set until somebody sets it otherwise."""

from __future__ import annotations

import numpy as np

from warroom.simulator.knobs import Knobs
from warroom.simulator.layout import Array, Layout


class Controls:
    """Axes as in `layout`. NaN stands for "as it was built"."""

    def __init__(self, layout: Layout) -> None:
        per_service, per_link = (layout.rows, layout.regions), (layout.links, layout.regions)
        topology = layout.topology
        self._layout = layout
        self.threads_x = np.ones(per_service)
        self.cores_x = np.ones(per_service)
        self.shed = np.zeros(per_service)
        self.queue = np.full(per_service, np.nan)
        self.drained = np.zeros(per_service)
        self.zones: dict[tuple[str, str, str], float] = {}
        """By service ("" for all), region and zone: the share led away."""
        self.away = np.zeros(layout.regions)
        self.retries = np.full(per_link, np.nan)
        self.budget = np.full(per_link, np.nan)
        self.timeout = np.full(per_link, np.nan)
        self.breaker = np.zeros(per_link)
        self.turned_away = np.zeros((layout.journeys, layout.regions))
        self.consumers_x = np.ones(len(topology.queues))
        self.quota_x = np.ones(len(topology.quotas))
        self.blocked = np.zeros((layout.journeys, layout.regions))
        self.down: Array = np.zeros(per_service)
        """Seconds that a service is still down."""
        self._counted = self.down
        self._counting = False
        self.held = np.zeros(per_service)
        """1 where an autoscaler is stopped."""
        self.fallback = np.zeros(len(topology.models))
        self.paused = np.zeros(len(topology.models))
        self.quarantined = np.zeros(len(topology.features))

    @property
    def restless(self) -> bool:
        """Whether something here is otherwise than in the second before."""
        return self._counting

    def step(self) -> None:
        """A second of downtime is over."""
        if self._counting or self._counted is not self.down:
            self._counting = bool(self.down.any())
            self._counted = self.down = np.maximum(self.down - 1, 0)

    def apply(self, knobs: Knobs) -> None:
        """The settings, onto the knobs of a second."""
        layout = self._layout
        knobs.threads *= self.threads_x
        knobs.cores *= self.cores_x
        knobs.shed = 1 - (1 - knobs.shed) * (1 - self.shed)
        knobs.queue = np.where(np.isnan(self.queue), knobs.queue, self.queue)
        knobs.retries = np.where(np.isnan(self.retries), knobs.retries, self.retries)
        knobs.budget = np.where(np.isnan(self.budget), knobs.budget, self.budget)
        knobs.timeout = np.where(np.isnan(self.timeout), knobs.timeout, self.timeout)
        knobs.breaker = self.breaker.copy()
        knobs.consumers *= self.consumers_x[:, None]
        knobs.quota *= self.quota_x
        knobs.blocked = 1 - (1 - self.blocked) * (1 - self.turned_away)
        knobs.fallback = np.maximum(self.fallback, self.paused)
        if self.down.any():
            knobs.alive *= self.down <= 0
        for (service, region, zone), share in self.zones.items():
            self._drain_zone(knobs, service, region, zone, share)
        if self.away.any():
            stay = 1 - self.away
            spread = stay / stay.sum() if stay.sum() > 0 else np.full(layout.regions, 1 / layout.regions)
            knobs.users = np.diag(stay) + self.away[:, None] * spread[None, :]

    def _drain_zone(self, knobs: Knobs, service: str, region: str, zone: str, share: float) -> None:
        """A zone that is drained is capacity that is not used."""
        layout = self._layout
        rows = [layout.topology.service_index[service]] if service else list(range(layout.users))
        for at, one in enumerate(layout.topology.regions):
            if region in ("", one.name) and zone in one.zones:
                knobs.alive[rows, at] *= 1 - share / len(one.zones)

    def healed(self, loss: Array) -> Array:
        """(E, R): what is left of the losses where the broken zone is drained."""
        if not self.zones:
            return loss
        led = max(self.zones.values())
        found: Array = loss * (1 - led)
        return found
