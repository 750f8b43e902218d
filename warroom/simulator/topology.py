"""What an imaginary production consists of: services, who calls whom, queues, users, and the model plane.

Rates are per second, times in the unit that a name ends in, shares between 0 and 1. Everything is frozen: what changes
while the world runs is state of the world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from warroom.simulator.fields import TopologyError, count, names, number, numbers, part, text, truth

KINDS: Final = ("service", "database", "cache", "external")
MOST_SERVICES: Final = 60
MOST_EDGES: Final = 240
MOST_REGIONS: Final = 6
VERSION_SLOTS: Final = 4

__all__ = [
    "Autoscaler", "Breaker", "Edge", "Feature", "Flag", "Journey", "Model", "Queue", "Quota", "Region", "Service",
    "Setting",
    "Topology", "TopologyError",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place where services run: its share of the users, and round trips to the other regions in milliseconds."""

    name: str = text(name=True)
    share: float = number(1.0, 0, 1)
    utc_offset_h: float = number(0.0, -12, 14)
    zones: tuple[str, ...] = names(("a", "b", "c"), most=6)
    rtt_ms: Mapping[str, float] = numbers({}, 0, 2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """Follows CPU use towards `target`, a region at a time."""

    target: float = number(0.6, 0.05, 0.95)
    least: int = count(2, 1, 2_000)
    most: int = count(50, 1, 5_000)
    up_s: float = number(60.0, 1, 3_600)
    down_s: float = number(300.0, 1, 7_200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Opens when more than `errors` of the attempts fail for `window_s`, and tries again after `open_s`."""

    errors: float = number(0.5, 0.01, 1)
    window_s: float = number(10.0, 1, 300)
    open_s: float = number(30.0, 1, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program with replicas in every region it runs in; numbers of replicas, threads and cores are per region,
    per replica and per replica."""

    name: str = text(name=True)
    kind: str = text("service", choices=KINDS)
    regions: tuple[str, ...] = names((), most=MOST_REGIONS)
    network: str = text("apps", name=True)
    language: str = text("go")
    replicas: int = count(4, 1, 2_000)
    threads: int = count(32, 1, 10_000)
    held: bool = truth(True)
    service_time_ms: float = number(10.0, 0.01, 60_000)
    cpu_ms: float = number(2.0, 0, 60_000)
    cores: float = number(2.0, 0.05, 256)
    sigma: float = number(0.5, 0.01, 2.5)
    errors: float = number(0.0002, 0, 0.5)
    queue: int = count(200, 0, 10_000_000)
    memory_mb: float = number(2_048.0, 16, 4_000_000)
    memory_base_mb: float = number(700.0, 1, 4_000_000)
    disk_gb: float = number(0.0, 0, 100_000)
    disk_used_gb: float = number(0.0, 0, 100_000)
    disk_gb_per_hour: float = number(0.0, 0, 1_000)
    gc: bool = truth(True)
    versions: tuple[str, ...] = names(("v1",), most=VERSION_SLOTS)
    hit: float = number(0.0, 0, 1)
    warm_s: float = number(600.0, 1, 86_400)
    primary: str = text("")
    replication_ms: float = number(50.0, 0, 60_000)
    start_s: float = number(30.0, 0, 3_600)
    autoscaler: Autoscaler | None = part(Autoscaler)  # noqa: RUF009 (a field)
    certificate_days: float | None = number(None, 0, 3_650, optional=True)
    public: bool = truth(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Calls that one service makes to another and waits for."""

    source: str = text(name=True)
    target: str = text(name=True)
    calls: float = number(1.0, 0, 1_000)
    journeys: Mapping[str, float] = numbers({}, 0, 1_000)
    timeout_ms: float = number(2_000.0, 1, 600_000)
    retries: int = count(1, 0, 10)
    budget: float | None = number(0.2, 0, 10, optional=True)
    critical: bool = truth(True)
    cached_by: str = text("")
    pool: int = count(0, 0, 100_000)
    pool_timeout_ms: float = number(1_000.0, 1, 600_000)
    writes: bool = truth(False)
    network_ms: float = number(0.5, 0, 10_000)
    breaker: Breaker | None = part(Breaker)  # noqa: RUF009 (a field)

    @property
    def name(self) -> str:
        """What it is called in faults and actions."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Messages that one service leaves for another: nobody waits for them. `limit` 0 keeps every message."""

    name: str = text(name=True)
    source: str = text(name=True)
    target: str = text(name=True)
    messages: float = number(1.0, 0, 1_000)
    limit: int = count(0, 0, 1_000_000_000)
    consumers: int = count(4, 1, 10_000)
    consume_ms: float = number(20.0, 0.1, 600_000)
    late_s: float = number(60.0, 1, 86_400)
    felt: bool = truth(True)
    """Whether users notice when its messages come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What users come for: where they enter, how long they wait, what one is worth."""

    name: str = text(name=True)
    entry: str = text(name=True)
    share: float = number(1.0, 0, 1)
    timeout_ms: float = number(10_000.0, 1, 600_000)
    late_ms: float = number(1_000.0, 1, 600_000)
    retries: int = count(0, 0, 10)
    value: float = number(0.0, 0, 1_000_000)
    model: str = text("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Calls to a service that somebody allows, a second."""

    name: str = text(name=True)
    service: str = text(name=True)
    limit: float = number(1_000.0, 0, 1e9)
    unit: str = text("requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A switch of a service that takes no deployment."""

    name: str = text(name=True)
    service: str = text(name=True)
    variants: tuple[str, ...] = names(("off", "on"), most=12)
    default: str = text("off")
    unguarded: tuple[str, ...] = names((), most=12)
    """The variants with which the security rules of the service are not enforced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value of a service's configuration."""

    service: str = text(name=True)
    key: str = text(name=True)
    value: str = text("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A file or table of inputs that a producer writes again and again, and consumers load."""

    name: str = text(name=True)
    producer: str = text(name=True)
    consumers: tuple[str, ...] = names(())
    refresh_s: float = number(300.0, 1, 604_800)
    rows: float = number(100_000.0, 1, 1e12)
    bytes: float = number(2_000_000.0, 1, 1e12)
    limit_bytes: float = number(0.0, 0, 1e12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that a service answers with. `groups` are shares of its cases, `group_rate` what it says yes to."""

    name: str = text(name=True)
    kind: str = text("scorer", choices=("scorer", "classifier", "llm"))
    service: str = text(name=True)
    versions: tuple[str, ...] = names(("m1",), most=VERSION_SLOTS)
    features: tuple[str, ...] = names(())
    auc: float = number(0.8, 0.5, 1)
    prediction_mean: float = number(0.3, 0, 1e6)
    prediction_std: float = number(0.15, 0, 1e6)
    label_delay_s: float = number(3_600.0, 1, 31_536_000)
    groups: Mapping[str, float] = numbers({}, 0, 1)
    group_rate: Mapping[str, float] = numbers({}, 0, 1)
    provider: str = text("")
    tokens_in: float = number(800.0, 0, 1e6)
    tokens_out: float = number(300.0, 0, 1e6)
    cost_per_1k: float = number(0.01, 0, 1_000)
    tokens_per_s: float = number(0.0, 0, 1e9)


@dataclass(frozen=True)
class Topology:
    """The whole of it. Built by `warroom.simulator.topology_read.topology_of`, which checks what is named."""

    name: str
    title: str
    base_rps: float
    regions: tuple[Region, ...]
    services: tuple[Service, ...]
    edges: tuple[Edge, ...]
    queues: tuple[Queue, ...]
    journeys: tuple[Journey, ...]
    quotas: tuple[Quota, ...] = ()
    flags: tuple[Flag, ...] = ()
    settings: tuple[Setting, ...] = ()
    features: tuple[Feature, ...] = ()
    models: tuple[Model, ...] = ()
    slices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    automations: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The plain data it was read from, which patches are applied to."""

    @cached_property
    def service_index(self) -> Mapping[str, int]:
        """Where a service stands in the arrays."""
        return {one.name: at for at, one in enumerate(self.services)}

    @cached_property
    def region_index(self) -> Mapping[str, int]:
        """Where a region stands in the arrays."""
        return {one.name: at for at, one in enumerate(self.regions)}

    @cached_property
    def edge_index(self) -> Mapping[str, int]:
        """Where an edge stands in the arrays, by its name "source->target"."""
        return {one.name: at for at, one in enumerate(self.edges)}

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The services that users call, each once."""
        return tuple(dict.fromkeys(one.entry for one in self.journeys))

    def patched(self, changes: Sequence[Mapping[str, Any]]) -> Topology:
        """The same production with some values set otherwise: `[{service: edge, set: {threads: 320}}]`.

        Raises:
            TopologyError: a change names nothing that is here, or sets what may not be.
        """
        from warroom.simulator.topology_read import patched

        return patched(self, changes)
