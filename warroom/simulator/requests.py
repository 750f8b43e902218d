"""What the mesh counts of requests: by status, by how long they took, and the same from their spans.

A second's requests are cells of (service, region, version, and journey where that matters); their times are lognormal
with the engine's mean and shape. The number in each bucket is a Poisson draw, and the statuses are a multinomial draw
of all of them: histogram and statuses count the same requests, and so do the span metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from warroom.simulator.answers import Answers
from warroom.simulator.axes import Axes, Floats, Places, key_of
from warroom.simulator.laws import origin
from warroom.simulator.maths import normal_cdf
from warroom.simulator.operations import journey_operation, server_operation
from warroom.simulator.tick import Tick
from warroom.simulator.topology import VERSION_SLOTS
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LE: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
LE_MS: Final = ("5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf")
BUCKETS: Final = len(LE)
STATUSES: Final = ("200", "500", "502", "503", "504")
OWN, CALLEE, REFUSED, TIMEOUT = 1, 2, 3, 4
_HTTP_COLUMNS: Final = BUCKETS + 2 + len(STATUSES)
_SPAN_COLUMNS: Final = BUCKETS + 2 + 2
_LOG_BOUNDS: Final = np.log(np.array(BOUNDS))

INFOS: Final = (
    MetricInfo("http_requests_total", "counter", "Requests answered, as the mesh's sidecar counts them.", ""),
    MetricInfo("http_request_duration_seconds", "histogram", "From a request to its answer.", "seconds"),
    MetricInfo("traces_span_metrics_calls_total", "counter", "Spans by service, name, kind and status.", ""),
    MetricInfo("traces_span_metrics_duration_milliseconds", "histogram", "How long spans took.", "milliseconds"),
    MetricInfo("service_replicas", "gauge", "Replicas by the version they run.", ""),
    MetricInfo("service_build_info", "gauge", "The versions that run.", ""),
)


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
    def http(self) -> tuple[int, int, str]:
        """Whose HTTP metrics count it."""
        return self.service, self.region, self.version

    @property
    def span(self) -> tuple[int, int]:
        """Whose span metrics count it."""
        return self.service, self.journey if self.entry else -1


class _Totals:
    """What has been counted so far of some groups of cells, and which cells are whose."""

    def __init__(
        self, groups: tuple[tuple[object, ...], ...], member: list[tuple[object, ...]], old: _Totals | None
    ) -> None:
        self.groups = groups
        where = {group: at for at, group in enumerate(groups)}
        self.matrix = np.zeros((len(groups), len(member)))
        for column, group in enumerate(member):
            self.matrix[where[group], column] = 1.0
        self.buckets = np.zeros((len(groups), BUCKETS))
        self.sums = np.zeros(len(groups))
        self.statuses = np.zeros((len(groups), len(STATUSES)))
        if old is not None:
            for at, group in enumerate(old.groups):
                if (now := where.get(group)) is not None:
                    self.buckets[now], self.sums[now] = old.buckets[at], old.sums[at]
                    self.statuses[now] = old.statuses[at]

    def add(self, buckets: Floats, sums: Floats, statuses: Floats) -> None:
        self.buckets += self.matrix @ buckets
        self.sums += self.matrix @ sums
        self.statuses += self.matrix @ statuses


class Requests:
    """All request metrics. `keys` change when a version comes: then `layout` has gone up by one."""

    def __init__(self, axes: Axes, versions: tuple[tuple[str, ...], ...]) -> None:
        self.axes = axes
        self.layout = 0
        self._http: _Totals | None = None
        self._span: _Totals | None = None
        self._seen: dict[tuple[int, str], int] = {}
        self._codes: dict[int, str] = {}
        edges, where = axes.topology.edges, axes.topology.service_index
        self._ends = [where[one.source] for one in edges], [where[one.target] for one in edges]
        self._callers = np.zeros((len(axes.topology.services), len(edges)))
        for at, edge in enumerate(edges):
            self._callers[where[edge.source], at] = 1.0
        self._entries = {where[name] for name in axes.topology.entries}
        split = {*self._entries, *(where[one.source] for one in edges if one.journeys)}
        # Where journeys differ in what is called, they differ in how long it takes.
        every = tuple(range(len(axes.topology.journeys)))
        self._journeys = dict.fromkeys(split, every)
        self.arrange(versions)

    def arrange(self, versions: tuple[tuple[str, ...], ...], codes: Mapping[int, str] | None = None) -> None:
        """Take these versions (by service and slot, empty where there is none) and statuses of own failures."""
        for at, names in enumerate(versions):
            for slot, name in enumerate(names):
                if name:
                    self._seen[at, name] = slot
        self._versions = versions
        if codes:
            self._codes.update(codes)
        self._cells = [
            Cell(at, region, slot, name, journey, at in self._entries)
            for at, region in self.axes.pairs
            for (service, name), slot in self._seen.items() if service == at
            for journey in self._journeys.get(at, (-1,))
        ]  # fmt: skip
        self._http = _Totals(
            tuple(dict.fromkeys(one.http for one in self._cells)), [one.http for one in self._cells], self._http
        )
        self._span = _Totals(
            tuple(dict.fromkeys(one.span for one in self._cells)), [one.span for one in self._cells], self._span
        )
        self._places()
        self.keys = self._all_keys()
        self.sources = self._all_sources()
        self.layout += 1

    def _places(self) -> None:
        count = self.axes.count
        self._pair = np.array([one.service * count + one.region for one in self._cells], np.intp)
        self._slot = np.array(
            [pair * VERSION_SLOTS + one.slot for pair, one in zip(self._pair, self._cells, strict=True)], np.intp
        )
        # A version that left its slot to another gets no requests any more.
        self._here = np.array([self._versions[one.service][one.slot] == one.version for one in self._cells], np.float64)
        size = len(self.axes.topology.services) * count
        beyond = size * len(self.axes.topology.journeys)
        self._kind = np.array(
            [
                one.journey * size + pair if one.journey >= 0 else beyond + pair
                for pair, one in zip(self._pair.tolist(), self._cells, strict=True)
            ],
            np.intp,
        )
        self._group = {one: at for at, one in enumerate(self._http.groups)} if self._http else {}
        first: dict[object, int] = {one.http: at for at, one in reversed(list(enumerate(self._cells)))}
        self._replicas = np.array([first[one] for one in (self._http.groups if self._http else ())], np.intp)
        self._runs = np.array(
            [[float((group[0], group[2]) == one) for group in self._group] for one in self._seen], np.float64
        ).reshape(len(self._seen), len(self._group))
        size = len(self._cells)
        self._expected = np.zeros((size, BUCKETS))
        self._mixed = np.zeros((size, len(STATUSES)))
        self._time = np.zeros(size)
        self._square = np.zeros(size)

    def series_of(self, service: int, region: int, version: str) -> tuple[tuple[str, str], ...] | None:
        """The labels of the service's duration buckets without `le`; None for a version nobody knows."""
        if (service, region, version) not in self._group:
            return None
        return tuple(self._http_labels(service, region, version).items())

    def _http_labels(self, service: int, region: int, version: str) -> dict[str, str]:
        return {**self.axes.service(service), "region": self.axes.regions[region], "version": version}

    def _all_keys(self) -> tuple[SeriesKey, ...]:
        keys: list[SeriesKey] = []
        assert self._http is not None and self._span is not None  # noqa: S101, PT018 (arranged before)
        duration = "http_request_duration_seconds"
        for service, region, version in self._http.groups:
            labels = self._http_labels(service, region, version)  # type: ignore[arg-type]
            keys += [key_of(f"{duration}_bucket", {**labels, "le": le}) for le in LE]
            keys += [key_of(f"{duration}_sum", labels), key_of(f"{duration}_count", labels)]
            own = self._codes.get(service, "500")  # type: ignore[call-overload]
            codes = (STATUSES[0], own, *STATUSES[2:])
            keys += [key_of("http_requests_total", {**labels, "status": code}) for code in codes]
        spans = "traces_span_metrics_duration_milliseconds"
        for service, journey in self._span.groups:
            labels = self._span_labels(service, journey)  # type: ignore[arg-type]
            keys += [key_of(f"{spans}_bucket", {**labels, "le": le}) for le in LE_MS]
            keys += [key_of(f"{spans}_sum", labels), key_of(f"{spans}_count", labels)]
            keys += [key_of("traces_span_metrics_calls_total", {**labels, "status_code": f"STATUS_CODE_{code}"})
                     for code in ("UNSET", "ERROR")]  # fmt: skip
        for group in self._http.groups:
            keys.append(key_of("service_replicas", self._http_labels(*group)))  # type: ignore[arg-type]
        for service, version in self._seen:
            keys.append(key_of("service_build_info", {**self.axes.service(service), "version": version}))
        return tuple(keys)

    def _span_labels(self, service: int, journey: int) -> dict[str, str]:
        topology = self.axes.topology
        one = topology.services[service]
        name = journey_operation(topology.journeys[journey]) if journey >= 0 else server_operation(one, topology)
        consumes = any(queue.target == one.name for queue in topology.queues)
        kind = "SPAN_KIND_CONSUMER" if consumes else "SPAN_KIND_SERVER"
        return {**self.axes.service(service), "service_name": one.name, "span_name": name, "span_kind": kind}

    def _all_sources(self) -> Places:
        assert self._http is not None and self._span is not None  # noqa: S101, PT018 (arranged before)
        pairs = [self.axes.source(group[0], group[1]) for group in self._http.groups]  # type: ignore[arg-type]
        free = len(self._span.groups) * _SPAN_COLUMNS + len(self._http.groups) + len(self._seen)
        return np.concatenate([np.repeat(np.array(pairs, np.intp), _HTTP_COLUMNS), np.full(free, -1, np.intp)])

    def live(self, answers: Answers) -> None:
        """A second passes."""
        tick, pair, slot = answers.tick, self._pair, self._slot
        share = _beside(answers.mix, None).take(self._kind)
        weight = tick.weight.take(slot) * self._here * share
        rate = tick.served.take(pair) * weight
        refused = tick.shed.take(pair) * weight
        mean = _beside(answers.mean, answers.mix).take(self._kind) * answers.version_time.take(slot)
        sigma = _beside(answers.sigma, answers.mix).take(self._kind)
        spread = self._spread(tick, pair, mean, sigma) * rate[:, None]
        spread[:, 0] += refused
        self._expected += spread
        times = rate * mean
        self._time += times
        self._square += times * mean * np.exp(np.minimum(sigma * sigma, 4.0))
        own = answers.version_own.take(slot)
        callee = _beside(answers.callee, answers.mix).take(self._kind)
        self._mix(tick, rate, refused, own, callee)

    def _spread(self, tick: Tick, pair: Places, mean: Floats, sigma: Floats) -> Floats:
        """The share of each cell's requests in each bucket."""
        share = _buckets(mean, sigma)
        if not tick.slices:
            return share
        whole = np.ones(len(pair))
        more = np.zeros_like(share)
        for one in tick.slices:
            part = np.where((one.extra.take(pair) > 0), one.share, 0.0)
            whole -= part
            more += part[:, None] * _buckets(mean + one.extra.take(pair), sigma)
        return share * np.maximum(whole, 0.0)[:, None] + more

    def _mix(self, tick: Tick, rate: Floats, refused: Floats, own: Floats, callee: Floats) -> None:
        """How many are expected to end with each status."""
        pair = self._pair
        late = self._callers @ (tick.calls * tick.timed_out)
        bad = self._callers @ (tick.calls * np.maximum(tick.call_errors, tick.timed_out))
        late_share = np.where(bad > 0, late / np.maximum(bad, 1e-12), 0.0).take(pair)
        for one in tick.slices:
            here = origin(one, self._ends[0], self._ends[1]).take(pair) * one.share
            own = 1.0 - (1.0 - own) * (1.0 - here)
            callee = 1.0 - (1.0 - callee) * (1.0 - np.where(here > 0, 0.0, one.errors.take(pair) * one.share))
        mixed = self._mixed
        failed = rate * (1.0 - own) * callee
        mixed[:, TIMEOUT] += failed * late_share
        mixed[:, CALLEE] += failed * (1.0 - late_share)
        mixed[:, OWN] += rate * own
        mixed[:, REFUSED] += refused
        mixed[:, 0] += np.maximum(rate * (1.0 - own) - failed, 0.0)

    def write(self, tick: Tick, random: np.random.Generator, row: Floats) -> None:
        """The numbers of all series at the end of that second, in the order of `keys`."""
        assert self._http is not None and self._span is not None  # noqa: S101, PT018 (arranged before)
        drawn = random.poisson(self._expected).astype(np.float64)
        counts = drawn.sum(1)
        statuses = self._statuses(random, counts)
        sums = self._durations(random, counts)
        self._http.add(drawn, sums, statuses)
        self._span.add(drawn, sums, statuses)
        self._expected[:] = 0.0
        self._mixed[:] = 0.0
        self._time[:] = 0.0
        self._square[:] = 0.0
        http, span = self._http, self._span
        size = len(http.groups) * _HTTP_COLUMNS
        part = row[:size].reshape(-1, _HTTP_COLUMNS)
        np.cumsum(http.buckets, axis=1, out=part[:, :BUCKETS])
        part[:, BUCKETS] = http.sums
        part[:, BUCKETS + 1] = part[:, BUCKETS - 1]
        part[:, BUCKETS + 2 :] = http.statuses
        wide = size + len(span.groups) * _SPAN_COLUMNS
        part = row[size:wide].reshape(-1, _SPAN_COLUMNS)
        np.cumsum(span.buckets, axis=1, out=part[:, :BUCKETS])
        np.multiply(span.sums, 1000.0, out=part[:, BUCKETS])
        part[:, BUCKETS + 1] = part[:, BUCKETS - 1]
        part[:, BUCKETS + 2] = span.statuses[:, 0]
        part[:, BUCKETS + 3] = span.statuses[:, 1:].sum(1)
        self._versions_of(tick, row[wide:])

    def _versions_of(self, tick: Tick, row: Floats) -> None:
        cells = self._replicas
        share = tick.weight.take(self._slot[cells]) * self._here[cells]
        np.rint(tick.replicas.take(self._pair[cells]) * share, out=row[: len(cells)])
        row[len(cells) :] = np.where(self._runs @ share > 0, 1.0, math.nan)

    def _statuses(self, random: np.random.Generator, counts: Floats) -> Floats:
        total = self._mixed.sum(1)
        share = self._mixed / np.maximum(total, 1e-12)[:, None]
        share[total <= 0, 0] = 1.0
        # The last share is what is left of 1: the good ones, so that rounding never makes a failure.
        order = random.multinomial(counts.astype(np.int64), share[:, ::-1])
        return order[:, ::-1].astype(np.float64)

    def _durations(self, random: np.random.Generator, counts: Floats) -> Floats:
        """The sum of all times: its mean is the engine's, its spread that of so many draws."""
        expected = np.maximum(self._mixed.sum(1), 1e-12)
        scatter = np.sqrt(np.maximum(self._square - self._time * self._time / expected, 0.0))
        sums: Floats = self._time * counts / expected + scatter * random.standard_normal(len(counts)) * 0.5
        return np.where(counts > 0, np.maximum(sums, self._time * counts / expected * 0.2), 0.0)


def _beside(by_journey: Floats, mix: Floats | None) -> Floats:
    """The numbers by journey, and after them those of all journeys together."""
    whole = np.ones(by_journey.shape[1:]) if mix is None else (by_journey * mix).sum(0)
    return np.concatenate([by_journey.ravel(), whole.ravel()])


def _buckets(mean: Floats, sigma: Floats) -> Floats:
    sigma = np.maximum(sigma, 0.02)
    middle = np.log(np.maximum(mean, 1e-5)) - 0.5 * sigma * sigma
    below = normal_cdf((_LOG_BOUNDS - middle[:, None]) / sigma[:, None])
    share = np.empty((len(mean), BUCKETS))
    share[:, 0] = below[:, 0]
    np.subtract(below[:, 1:], below[:, :-1], out=share[:, 1:-1])
    np.subtract(1.0, below[:, -1], out=share[:, -1])
    return share
