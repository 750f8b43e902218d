"""Which series a thing of the production has: one label set for each, and where its number stands in a second's arrays.

Invariant: `job` and `service` are the same name in every label set, so charts and alerts find each other by either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from warroom.simulator.topology import Service, Topology
from warroom.telemetry.block import SeriesKey

Labels: TypeAlias = Mapping[str, str]
Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Axis:
    """Label sets in order, `places` in the flattened array of a second, and `sources`: who exposes each as
    service * regions + region, or -1 for what no service's silence takes away.
    """

    labels: tuple[Labels, ...]
    places: Places
    sources: Places

    def __len__(self) -> int:
        return len(self.labels)


def key_of(name: str, labels: Labels) -> SeriesKey:
    """The key of one series."""
    return tuple(sorted((("__name__", name), *labels.items())))


def _axis(found: Iterator[tuple[Labels, int, int]]) -> Axis:
    rows = list(found)
    return Axis(
        tuple(labels for labels, _, _ in rows),
        np.array([place for _, place, _ in rows], np.intp),
        np.array([source for _, _, source in rows], np.intp),
    )


class Axes:
    """The axes of one topology. What is external has no series of its own."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.regions = tuple(one.name for one in topology.regions)
        self.count = len(self.regions)
        self.seen = tuple(at for at, one in enumerate(topology.services) if one.kind != "external")
        self.pairs = tuple(
            (at, number)
            for at in self.seen
            for number, region in enumerate(self.regions)
            if not topology.services[at].regions or region in topology.services[at].regions
        )
        """(service, region) of everything that runs somewhere and is scraped."""

    def service(self, at: int) -> dict[str, str]:
        """The labels that name a service."""
        name = self.topology.services[at].name
        return {"job": name, "service": name}

    def source(self, at: int, region: int) -> int:
        """The number of a service in a region among what is scraped."""
        return at * self.count + region

    def runs(self, name: str) -> tuple[int, tuple[int, ...]]:
        """Where a service stands, and the regions in which it runs."""
        at = self.topology.service_index[name]
        return at, tuple(region for service, region in self.pairs if service == at)

    def of_services(self, keep: Callable[[Service], bool] = bool, **more: str) -> Axis:
        """By service and region: arrays (services, regions)."""
        services = self.topology.services
        return _axis(
            (
                {**self.service(at), "region": self.regions[region], **more},
                self.source(at, region),
                self.source(at, region),
            )
            for at, region in self.pairs
            if keep(services[at])
        )

    @cached_property
    def instances(self) -> Axis:
        """As `of_services`, with the label of what is scraped."""
        plain = self.of_services()
        named = tuple({**one, "instance": f"{one['service']}.{one['region']}:9090"} for one in plain.labels)
        return Axis(named, plain.places, plain.sources)

    def of_edges(self, keep: Callable[[int], bool] = lambda _: True, name: str = "peer_service", **more: str) -> Axis:
        """By edge and the caller's region: arrays (edges, regions). `name` is the label that tells the callee."""
        return _axis(
            ({**self.service(at), "region": self.regions[region], name: edge.target, **more},
             number * self.count + region, self.source(at, region))
            for number, edge in enumerate(self.topology.edges) if keep(number)
            for at, regions in (self.runs(edge.source),) for region in regions
        )  # fmt: skip

    @cached_property
    def whole_edges(self) -> Axis:
        """By edge, all regions together: arrays (edges,), labelled as a service graph is."""
        return _axis(
            ({"job": edge.source, "service": edge.source, "client": edge.source, "server": edge.target}, number, -1)
            for number, edge in enumerate(self.topology.edges)
        )

    @cached_property
    def queues(self) -> Axis:
        """By queue and region: arrays (queues, regions); the consumer's."""
        return _axis(
            ({**self.service(at), "region": self.regions[region], "queue": queue.name},
             number * self.count + region, self.source(at, region))
            for number, queue in enumerate(self.topology.queues)
            for at, regions in (self.runs(queue.target),) for region in regions
        )  # fmt: skip

    def of_journeys(self, keep: Callable[[int], bool] = lambda _: True, **more: str) -> Axis:
        """By journey and region: arrays (journeys, regions); the entry's."""
        return _axis(
            ({**self.service(at), "region": self.regions[region], "journey": journey.name, **more},
             number * self.count + region, self.source(at, region))
            for number, journey in enumerate(self.topology.journeys) if keep(number)
            for at, regions in (self.runs(journey.entry),) for region in regions
        )  # fmt: skip

    def by_service(self, keep: Callable[[Service], bool] = bool, **more: str) -> Axis:
        """By service, all regions together: arrays (services,)."""
        services = self.topology.services
        return _axis(({**self.service(at), **more}, at, -1) for at in self.seen if keep(services[at]))

    @cached_property
    def quotas(self) -> Axis:
        """By quota: arrays (quotas,). Whoever calls an external service counts its quota."""
        return _axis(({**self._caller(one.service), "quota": one.name}, at, -1)
                     for at, one in enumerate(self.topology.quotas))  # fmt: skip

    @cached_property
    def features(self) -> Axis:
        """By feature: arrays (features,); the producer's, or its first consumer's when nobody here produces it."""
        return _axis(({**self._caller(one.producer), "feature": one.name}, at, -1)
                     for at, one in enumerate(self.topology.features))  # fmt: skip

    def of_models(self, keep: Callable[[int], bool] = lambda _: True, *, provider: bool = False, **more: str) -> Axis:
        """By model: arrays (models,); with `provider`, labelled with who runs it."""
        return _axis(
            ({**self._caller(one.service),
              "model": one.name, **more, **({"provider": one.provider} if provider else {})},
             at, -1)
            for at, one in enumerate(self.topology.models) if keep(at)
        )  # fmt: skip

    @cached_property
    def model_features(self) -> Axis:
        """By model and feature: arrays (models, features)."""
        wide = len(self.topology.features)
        where = {one.name: at for at, one in enumerate(self.topology.features)}
        return _axis(
            ({**self._caller(model.service), "model": model.name, "feature": name}, at * wide + where[name], -1)
            for at, model in enumerate(self.topology.models) for name in model.features if name in where
        )  # fmt: skip

    @cached_property
    def groups(self) -> Axis:
        """By model and group of cases: arrays (models, most groups)."""
        wide = max((len(model.groups) for model in self.topology.models), default=0)
        return _axis(
            ({**self._caller(model.service), "model": model.name, "slice": name}, at * wide + number, -1)
            for at, model in enumerate(self.topology.models) for number, name in enumerate(model.groups)
        )  # fmt: skip

    def _caller(self, name: str) -> dict[str, str]:
        """The labels of a service; of an external one, those of the first that calls it."""
        at = self.topology.service_index.get(name)
        if at is not None and self.topology.services[at].kind != "external":
            return self.service(at)
        callers = (edge.source for edge in self.topology.edges if edge.target == name)
        return {"job": (caller := next(callers, self.topology.entries[0])), "service": caller}
