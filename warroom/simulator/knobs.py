"""Everything about the production that faults and people can turn, as arrays for one second.

`Knobs` are built anew from the layout, then the people's settings are applied, then the faults. Axes as in `layout`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from warroom.simulator.layout import Array, Layout


@dataclass(slots=True)
class SliceKnob:
    """A part of the users for whom something is otherwise: seconds added and share failing, (S, R) each."""

    dimension: str
    value: str
    share: float
    extra: Array
    errors: Array
    fault: str


@dataclass(slots=True)
class Knobs:
    """One value for every place. Factors are 1 and shares 0 when nothing is wrong."""

    cpu: Array
    io: Array
    threads: Array
    cores: Array
    errors: Array
    permanent: Array
    queue: Array
    alive: Array
    bad: Array
    restarts: Array
    leak: Array
    disk_fill: Array
    gc: Array
    shed: Array
    dns: Array
    handshake: Array
    skew: Array
    security: Array
    reads: Array
    timeout: Array
    retries: Array
    budget: Array
    network: Array
    loss: Array
    refused: Array
    calls: Array
    pool: Array
    pool_leak: Array
    breaker: Array
    traffic: Array
    users: Array
    harm: Array
    blocked: Array
    consumers: Array
    flood: Array
    lag_slope: Array
    lag_most: Array
    backup: Array
    quota: Array
    removed: Array
    feature_stop: Array
    feature_nulls: Array
    feature_bytes: Array
    drift: Array
    label_delay: Array
    auc: Array
    group_rate: Array
    llm_limit: Array
    llm_quality: Array
    llm_length: Array
    fallback: Array
    slices: list[SliceKnob] = field(default_factory=list)

    def copy(self) -> Knobs:
        """The same values in arrays of their own."""
        arrays = {one: getattr(self, one).copy() for one in ARRAYS}
        return Knobs(**arrays, slices=list(self.slices))


ARRAYS = tuple(one.name for one in fields(Knobs) if one.name != "slices")


def neutral(layout: Layout) -> Knobs:
    """The knobs of a production in which nothing is wrong and nobody has touched anything."""
    topology = layout.topology
    per_service = (layout.rows, layout.regions)
    per_link = (layout.links, layout.regions)
    models, features, queues = len(topology.models), len(topology.features), len(topology.queues)

    def zeros(*shape: int) -> Array:
        return np.zeros(shape)

    def ones(*shape: int) -> Array:
        return np.ones(shape)

    return Knobs(
        cpu=layout.cpu.copy(), io=layout.io.copy(), threads=layout.threads.copy(), cores=layout.cores.copy(),
        errors=layout.errors.copy(), permanent=zeros(*per_service), queue=layout.queue.copy(), alive=ones(*per_service),
        bad=zeros(*per_service), restarts=zeros(*per_service), leak=zeros(*per_service),
        disk_fill=zeros(*per_service), gc=zeros(*per_service), shed=zeros(*per_service), dns=ones(*per_service),
        handshake=zeros(*per_service), skew=zeros(*per_service), security=ones(*per_service), reads=ones(*per_service),
        timeout=layout.timeout.copy(), retries=layout.retries.copy(), budget=layout.budget.copy(),
        network=layout.network.copy(), loss=zeros(*per_link), refused=zeros(*per_link), calls=ones(*per_link),
        pool=layout.pool.copy(), pool_leak=zeros(*per_link), breaker=zeros(*per_link),
        traffic=ones(layout.journeys, layout.regions), users=np.eye(layout.regions),
        harm=zeros(layout.journeys, layout.regions), blocked=zeros(layout.journeys, layout.regions),
        consumers=layout.consumers.copy(), flood=zeros(queues, layout.regions),
        lag_slope=zeros(*per_service), lag_most=np.full(per_service, 1e9),
        backup=ones(layout.rows), quota=np.array([one.limit for one in topology.quotas]),
        removed=zeros(*per_service), feature_stop=zeros(features), feature_nulls=zeros(features),
        feature_bytes=ones(features), drift=zeros(models, features), label_delay=ones(models), auc=zeros(models),
        group_rate=ones(models, max(layout.groups, 1)), llm_limit=ones(models), llm_quality=ones(models),
        llm_length=ones(models), fallback=zeros(models),
    )  # fmt: skip
