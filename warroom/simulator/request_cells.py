"""Which requests are counted together: cells, the series that they are counted in, and what was counted so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

import numpy as np

from warroom.simulator.axes import Axes, Floats, Places, key_of
from warroom.simulator.operations import journey_operation, server_operation
from warroom.simulator.seconds import running
from warroom.simulator.topology import VERSION_SLOTS
from warroom.telemetry.block import SeriesKey

Versions: TypeAlias = tuple[tuple[str, ...], ...]
Http: TypeAlias = tuple[int, int, str]
Spans: TypeAlias = tuple[int, int]
Name = TypeVar("Name", Http, Spans)

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LE: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
LE_MS: Final = ("5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf")
BUCKETS: Final = len(LE)
STATUSES: Final = ("200", "500", "502", "503", "504")
OWN, CALLEE, REFUSED, TIMEOUT = 1, 2, 3, 4
HTTP_COLUMNS: Final = BUCKETS + 2 + len(STATUSES)
SPAN_COLUMNS: Final = BUCKETS + 2 + 2


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests of one kind: places of the service, the region, the version's slot, and the journey (-1: any)."""

    service: int
    region: int
    slot: int
    version: str
    journey: int
    entry: bool

    @property
    def http(self) -> Http:
        """Whose HTTP metrics count it."""
        return self.service, self.region, self.version

    @property
    def span(self) -> Spans:
        """Whose span metrics count it."""
        return self.service, self.journey if self.entry else -1


class Groups(Generic[Name]):
    """Who belongs together: `names` of the groups in order of their first members."""

    def __init__(self, members: Sequence[Name]) -> None:
        self.names: tuple[Name, ...] = tuple(dict.fromkeys(members))
        where = {name: at for at, name in enumerate(self.names)}
        places = np.array([where[one] for one in members], np.intp)
        self._order: Places = np.argsort(places, kind="stable")
        self._starts: Places = np.searchsorted(places[self._order], np.arange(len(self.names)))

    def sums(self, numbers: Floats) -> Floats:
        """Sums over the members of each group: (moments, members, width) to (moments, groups, width)."""
        found: Floats = np.add.reduceat(numbers.take(self._order, axis=1), self._starts, axis=1)
        return found


class Grid:
    """The cells of some versions, as places in flattened arrays of a second, and the series they end in."""

    def __init__(
        self, axes: Axes, versions: Versions, seen: Mapping[tuple[int, str], int], codes: Mapping[int, str]
    ) -> None:
        self._axes, self._codes, self.seen = axes, codes, tuple(seen)
        edges, where = axes.topology.edges, axes.topology.service_index
        entries = {where[name] for name in axes.topology.entries}
        # Where journeys differ in what is called, they differ in how long it takes.
        split = {*entries, *(where[one.source] for one in edges if one.journeys)}
        every = tuple(range(len(axes.topology.journeys)))
        cells = [
            Cell(at, region, slot, name, journey, at in entries)
            for at, region in axes.pairs
            for (service, name), slot in seen.items() if service == at
            for journey in (every if at in split else (-1,))
        ]  # fmt: skip
        self.cells: tuple[tuple[Http, int], ...] = tuple((one.http, one.journey) for one in cells)
        self.to_http = Groups([one.http for one in cells])
        self.to_spans = Groups([one.span for one in cells])
        self.http: tuple[Http, ...] = self.to_http.names
        self.spans: tuple[Spans, ...] = self.to_spans.names
        self._places(cells, versions)
        self.keys = (*self._http_keys(), *self._span_keys(), *self._version_keys())
        pairs = np.array([axes.source(service, region) for service, region, _ in self.http], np.intp)
        free = len(self.keys) - len(self.http) * HTTP_COLUMNS
        self.sources: Places = np.concatenate([np.repeat(pairs, HTTP_COLUMNS), np.full(free, -1, np.intp)])

    def _places(self, cells: list[Cell], versions: Versions) -> None:
        axes = self._axes
        pairs = [axes.source(one.service, one.region) for one in cells]
        self.pair: Places = np.array(pairs, np.intp)
        self.slot: Places = np.array(
            [pair * VERSION_SLOTS + one.slot for pair, one in zip(pairs, cells, strict=True)], np.intp
        )
        # A version that left its slot to another gets no requests any more.
        self.here: Floats = np.array([versions[one.service][one.slot] == one.version for one in cells], np.float64)
        size = len(axes.topology.services) * axes.count
        beyond = size * len(axes.topology.journeys)
        self.kind: Places = np.array(
            [one.journey * size + pair if one.journey >= 0 else beyond + pair
             for pair, one in zip(pairs, cells, strict=True)], np.intp)  # fmt: skip
        """In the numbers by journey, after which those of all journeys together come."""
        first: dict[Http, int] = {one.http: at for at, one in reversed(list(enumerate(cells)))}
        self.replicas: Places = np.array([first[one] for one in self.http], np.intp)
        self.runs: Floats = np.array(
            [[float((service, name) == one) for service, _, name in self.http] for one in self.seen], np.float64
        ).reshape(len(self.seen), len(self.http))

    def http_labels(self, service: int, region: int, version: str) -> dict[str, str]:
        """The labels of a service's HTTP metrics, without `le` and `status`."""
        return {**self._axes.service(service), "region": self._axes.regions[region], "version": version}

    def _http_keys(self) -> list[SeriesKey]:
        keys: list[SeriesKey] = []
        name = "http_request_duration_seconds"
        for service, region, version in self.http:
            labels = self.http_labels(service, region, version)
            keys += [key_of(f"{name}_bucket", {**labels, "le": le}) for le in LE]
            keys += [key_of(f"{name}_sum", labels), key_of(f"{name}_count", labels)]
            codes = (STATUSES[0], self._codes.get(service, STATUSES[OWN]), *STATUSES[2:])
            keys += [key_of("http_requests_total", {**labels, "status": code}) for code in codes]
        return keys

    def _span_keys(self) -> list[SeriesKey]:
        keys: list[SeriesKey] = []
        name = "traces_span_metrics_duration_milliseconds"
        for service, journey in self.spans:
            labels = self._span_labels(service, journey)
            keys += [key_of(f"{name}_bucket", {**labels, "le": le}) for le in LE_MS]
            keys += [key_of(f"{name}_sum", labels), key_of(f"{name}_count", labels)]
            keys += [key_of("traces_span_metrics_calls_total", {**labels, "status_code": f"STATUS_CODE_{code}"})
                     for code in ("UNSET", "ERROR")]  # fmt: skip
        return keys

    def _version_keys(self) -> list[SeriesKey]:
        keys = [key_of("service_replicas", self.http_labels(*one)) for one in self.http]
        for service, version in self.seen:
            keys.append(key_of("service_build_info", {**self._axes.service(service), "version": version}))
        return keys

    def _span_labels(self, service: int, journey: int) -> dict[str, str]:
        topology = self._axes.topology
        one = topology.services[service]
        name = journey_operation(topology.journeys[journey]) if journey >= 0 else server_operation(one, topology)
        consumes = any(queue.target == one.name for queue in topology.queues)
        kind = "SPAN_KIND_CONSUMER" if consumes else "SPAN_KIND_SERVER"
        return {**self._axes.service(service), "service_name": one.name, "span_name": name, "span_kind": kind}


class Totals:
    """What has been counted of some groups, so many numbers of each."""

    def __init__(self, groups: Groups[Any], width: int, old: Totals | None) -> None:
        self._groups = groups
        self._numbers = np.zeros((len(groups.names), width))
        if old is not None:
            known = {one: at for at, one in enumerate(old._groups.names)}
            both = [(now, known[one]) for now, one in enumerate(groups.names) if one in known]
            self._numbers[[now for now, _ in both]] = old._numbers[[before for _, before in both]]

    def add(self, gains: Floats) -> Floats:
        """Count more of the members, (moments, members, width). Returns the totals of groups at each moment."""
        found = running(self._numbers, self._groups.sums(gains))
        if len(found):
            self._numbers = found[-1]
        return found
