"""What the mesh counts of requests: by status, by how long they took, and the same from their spans.

Requests are cells of (service, region, version, and journey where that matters). Between two scrapes a cell's times are
lognormal with the mean and the variance that the engine's seconds add up to. The number in each bucket is a Poisson
draw, and the statuses are a multinomial draw of all of them: histogram and statuses count the same requests, and so do
the span metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from warroom.simulator.answers import Answers
from warroom.simulator.axes import Axes, Floats, Places
from warroom.simulator.dice import Streams
from warroom.simulator.laws import origin
from warroom.simulator.maths import normal_cdf
from warroom.simulator.request_cells import (
    BOUNDS,
    BUCKETS,
    CALLEE,
    HTTP_COLUMNS,
    OWN,
    REFUSED,
    SPAN_COLUMNS,
    STATUSES,
    TIMEOUT,
    Grid,
    Totals,
    Versions,
)
from warroom.simulator.seconds import Intervals, Seconds
from warroom.telemetry.prometheus_data import MetricInfo

Strand: TypeAlias = tuple[str, str, str]
"""Requests whose times have a law of their own: a slice's dimension, value and fault; empty for all others."""

_MAIN: Final[Strand] = ("", "", "")
_NUMBER, _TIME, _SQUARE = range(3)
_MOMENTS: Final = 3
"""What is gathered of a strand of a cell: how many requests, the sum of their times, and that of their squares."""
_COUNTED: Final = BUCKETS + len(STATUSES) + 1
"""What is counted of a cell: by bucket, by status, and the sum of the times."""
_LEAST_SQUARE: Final = 0.0004
_MOST_SQUARE: Final = 6.25
_LOG_BOUNDS: Final = np.log(np.array(BOUNDS))

INFOS: Final = (
    MetricInfo("http_requests_total", "counter", "Requests answered, as the mesh's sidecar counts them.", ""),
    MetricInfo("http_request_duration_seconds", "histogram", "From a request to its answer.", "seconds"),
    MetricInfo("traces_span_metrics_calls_total", "counter", "Spans by service, name, kind and status.", ""),
    MetricInfo("traces_span_metrics_duration_milliseconds", "histogram", "How long spans took.", "milliseconds"),
    MetricInfo("service_replicas", "gauge", "Replicas by the version they run.", ""),
    MetricInfo("service_build_info", "gauge", "The versions that run.", ""),
)


class Requests:
    """All request metrics. What is expected of a part of a scrape is kept until the rest of it has been lived."""

    def __init__(self, axes: Axes, versions: Versions, streams: Streams) -> None:
        self._axes, self._streams = axes, streams
        self._seen: dict[tuple[int, str], int] = {}
        self._codes: dict[int, str] = {}
        edges, where = axes.topology.edges, axes.topology.service_index
        self._ends = [where[one.source] for one in edges], [where[one.target] for one in edges]
        self._callers = np.zeros((len(axes.topology.services), len(edges)))
        self._callers[self._ends[0], np.arange(len(edges))] = 1.0
        self._http: Totals | None = None
        self._spans: Totals | None = None
        self._mixed: Floats = np.zeros((len(STATUSES), 0))
        """(statuses, cells): expected since the last scrape."""
        self._strands: dict[Strand, Floats] = {_MAIN: np.zeros((_MOMENTS, 0))}
        """(moments, cells) each: expected since the last scrape."""
        self._cells: tuple[object, ...] = ()
        self.arrange(versions, {})

    def arrange(self, versions: Versions, codes: Mapping[int, str]) -> None:
        """Take these versions (by service and slot, empty where there is none) and statuses of own failures."""
        for at, names in enumerate(versions):
            self._seen |= {(at, name): slot for slot, name in enumerate(names) if name}
        self._codes.update(codes)
        before = {one: at for at, one in enumerate(self._cells)}
        self.grid = grid = Grid(self._axes, versions, self._seen, self._codes)
        self._cells, self._group = grid.cells, frozenset(grid.http)
        self._http = Totals(grid.to_http, _COUNTED, self._http)
        self._spans = Totals(grid.to_spans, _COUNTED, self._spans)
        both = [(now, before[one]) for now, one in enumerate(grid.cells) if one in before]
        now, old = [one for one, _ in both], [one for _, one in both]
        self._mixed = _moved(self._mixed, len(grid.cells), now, old)
        self._strands = {name: _moved(one, len(grid.cells), now, old) for name, one in self._strands.items()}

    def series_of(self, service: int, region: int, version: str) -> dict[str, str] | None:
        """The labels of the service's duration buckets without `le`; None for a version nobody knows."""
        if (service, region, version) not in self._group:
            return None
        return self.grid.http_labels(service, region, version)

    def live(self, seconds: Seconds, ends: Sequence[int], due: Seconds) -> Floats:
        """Seconds pass, and at the `ends` of some of them, which are `due`, there is a scrape: (ends, series)."""
        grid = self.grid
        mixed, strands = self._expected(grid, seconds, Answers(seconds))
        intervals = Intervals(len(seconds), ends)
        totals, self._mixed = intervals.sums(mixed, self._mixed)
        found: dict[Strand, Floats] = {}
        nothing = np.zeros((_MOMENTS, len(grid.cells)))
        for name in sorted(strands.keys() | self._strands.keys()):
            numbers = strands.get(name)
            if numbers is None:
                numbers = np.zeros((len(seconds), *nothing.shape))
            found[name], self._strands[name] = intervals.sums(numbers, self._strands.get(name, nothing))
        for name in [one for one, left in self._strands.items() if one != _MAIN and not left.any()]:
            del self._strands[name]
        return self._rows(grid, self._drawn(totals, found), due) if ends else np.empty((0, len(grid.keys)))

    def _expected(self, grid: Grid, seconds: Seconds, answers: Answers) -> tuple[Floats, dict[Strand, Floats]]:
        """(T, statuses, cells), and by strand (T, moments, cells)."""
        mean, sigma, callee, share = _by_kind(answers, grid.kind)
        weight = _cells(seconds.weight, grid.slot) * grid.here * share
        rate, refused = _cells(seconds.served, grid.pair) * weight, _cells(seconds.shed, grid.pair) * weight
        mean = mean * _cells(answers.version_time, grid.slot)
        spread = np.exp(np.minimum(sigma * sigma, _MOST_SQUARE))
        strands = (
            self._sliced(grid, seconds, (rate, mean, spread)) if any(one.tick.slices for one in seconds.moments) else {}
        )
        main = np.empty((len(rate), _MOMENTS, rate.shape[1]))
        number = rate - sum(one[:, _NUMBER] for one in strands.values()) if strands else rate
        strands[_MAIN] = _moments(np.maximum(number, 0.0), mean, spread, out=main)
        own = _cells(answers.version_own, grid.slot)
        mixed = np.empty((len(rate), len(STATUSES), rate.shape[1]))
        self._mix(grid, seconds, (rate, own, callee), mixed)
        mixed[:, REFUSED] = refused
        return mixed, strands

    def _sliced(self, grid: Grid, seconds: Seconds, law: tuple[Floats, Floats, Floats]) -> dict[Strand, Floats]:
        """The moments of slices that take longer, each for itself."""
        rate, mean, spread = law
        found: dict[Strand, Floats] = {}
        for at, slices in seconds.sliced:
            for one in slices:
                extra = one.extra.take(grid.pair)
                part = rate[at] * np.where(extra > 0, one.share, 0.0)
                name = one.dim, one.value, one.fault
                strand = found.setdefault(name, np.zeros((len(rate), _MOMENTS, rate.shape[1])))
                strand[at] += _moments(part[None], mean[at] + extra, spread[at], out=np.empty((1, *strand.shape[1:])))[
                    0
                ]
        return found

    def _mix(self, grid: Grid, seconds: Seconds, law: tuple[Floats, Floats, Floats], out: Floats) -> None:
        """How many are expected to end with each status: (T, statuses, cells)."""
        rate, own, callee = law
        late = self._callers @ (seconds.calls * seconds.timed_out)
        bad = self._callers @ (seconds.calls * np.maximum(seconds.call_errors, seconds.timed_out))
        late_share = _cells(late / np.maximum(bad, 1e-12), grid.pair)
        for at, slices in seconds.sliced:
            for one in slices:
                here = origin(one, *self._ends).take(grid.pair) * one.share
                own[at] = 1.0 - (1.0 - own[at]) * (1.0 - here)
                there = np.where(here > 0, 0.0, np.maximum(one.errors, 0.0).take(grid.pair) * one.share)
                callee[at] = 1.0 - (1.0 - callee[at]) * (1.0 - there)
        well = rate * (1.0 - own)
        failed = well * callee
        np.subtract(well, failed, out=out[:, 0])
        np.multiply(rate, own, out=out[:, OWN])
        np.multiply(failed, late_share, out=out[:, TIMEOUT])
        np.subtract(failed, out[:, TIMEOUT], out=out[:, CALLEE])

    def _drawn(self, mixed: Floats, strands: Mapping[Strand, Floats]) -> tuple[Floats, Floats]:
        """Counts what came. Returns the totals of HTTP metrics and of spans: (scrapes, groups, counted)."""
        mixed = np.maximum(mixed, 0.0)
        found = np.empty((len(mixed), mixed.shape[2], _COUNTED))
        expected = _buckets(strands[_MAIN])
        for name, one in strands.items():
            if name != _MAIN:
                expected += _buckets(one)
        # What is refused is refused at once.
        expected[..., 0] += mixed[:, REFUSED]
        found[..., :BUCKETS] = self._streams.buckets.poisson(np.maximum(expected, 0.0))
        counts = found[..., :BUCKETS].sum(-1)
        number = np.maximum(mixed.sum(1), 1e-12)
        found[..., BUCKETS:-1] = self._statuses(mixed / number[:, None], counts)
        times = np.maximum(sum(strands.values()), 0.0) if len(strands) > 1 else strands[_MAIN]
        found[..., -1] = self._durations(times, number, counts)
        assert self._http is not None and self._spans is not None  # noqa: S101, PT018 (arranged before)
        return self._http.add(found), self._spans.add(found)

    def _statuses(self, share: Floats, counts: Floats) -> Floats:
        """(scrapes, cells, statuses)."""
        # The last share is what is left of 1: the good ones, so that rounding never makes a failure.
        order = self._streams.statuses.multinomial(counts.astype(np.int64), np.moveaxis(share, 1, 2)[..., ::-1])
        return order[..., ::-1].astype(np.float64)

    def _durations(self, times: Floats, number: Floats, counts: Floats) -> Floats:
        """The sum of all times: its mean is the engine's, its spread that of so many draws."""
        whole = times[:, _TIME]
        scatter = np.sqrt(np.maximum(times[:, _SQUARE] - whole * whole / number, 0.0))
        usual = whole * counts / number
        drawn = usual + 0.5 * scatter * self._streams.durations.standard_normal(counts.shape)
        return np.where(counts > 0, np.maximum(drawn, 0.2 * usual), 0.0)

    @staticmethod
    def _rows(grid: Grid, totals: tuple[Floats, Floats], due: Seconds) -> Floats:
        """(scrapes, series) in the order of the grid's keys."""
        http, spans = totals
        count = len(http)
        one = np.empty((count, len(grid.http), HTTP_COLUMNS))
        np.cumsum(http[..., :BUCKETS], axis=-1, out=one[..., :BUCKETS])
        one[..., BUCKETS] = http[..., -1]
        one[..., BUCKETS + 1] = one[..., BUCKETS - 1]
        one[..., BUCKETS + 2 :] = http[..., BUCKETS:-1]
        other = np.empty((count, len(grid.spans), SPAN_COLUMNS))
        np.cumsum(spans[..., :BUCKETS], axis=-1, out=other[..., :BUCKETS])
        np.multiply(spans[..., -1], 1000.0, out=other[..., BUCKETS])
        other[..., BUCKETS + 1] = other[..., BUCKETS - 1]
        other[..., BUCKETS + 2] = spans[..., BUCKETS]
        np.sum(spans[..., BUCKETS + 1 : -1], axis=-1, out=other[..., BUCKETS + 3])
        share = _cells(due.weight, grid.slot[grid.replicas]) * grid.here[grid.replicas]
        replicas = np.rint(_cells(due.replicas, grid.pair[grid.replicas]) * share)
        runs = np.where(share @ grid.runs.T > 0, 1.0, math.nan)
        return np.concatenate([one.reshape(count, -1), other.reshape(count, -1), replicas, runs], axis=1)


def _moved(numbers: Floats, count: int, now: list[int], before: list[int]) -> Floats:
    found = np.zeros((len(numbers), count))
    found[:, now] = numbers[:, before]
    return found


def _cells(numbers: Floats, places: Places) -> Floats:
    """(T, cells): numbers at places of each second's flattened array."""
    found: Floats = numbers.reshape(len(numbers), -1).take(places, axis=1)
    return found


def _by_kind(answers: Answers, kind: Places) -> tuple[Floats, Floats, Floats, Floats]:
    """(T, cells) each: mean, sigma and callee, and the share of the service's requests that these are."""
    count, _, journeys, services, regions = answers.by_journey.shape
    # By journey, and after them those of all journeys together.
    table = np.empty((count, 4, journeys + 1, services, regions))
    table[:, :3, :journeys] = answers.by_journey
    table[:, :3, journeys] = answers.whole
    table[:, 3, :journeys] = answers.mix
    table[:, 3, journeys] = 1.0
    found = table.reshape(count, 4, -1).take(kind, axis=2)
    return found[:, 0], found[:, 1], found[:, 2], found[:, 3]


def _moments(number: Floats, mean: Floats, spread: Floats, *, out: Floats) -> Floats:
    """(T, moments, cells) of so many lognormal times; `spread` is the mean of the squares over the mean squared."""
    out[:, _NUMBER] = number
    np.multiply(number, mean, out=out[:, _TIME])
    np.multiply(out[:, _TIME] * mean, spread, out=out[:, _SQUARE])
    return out


def _buckets(moments: Floats) -> Floats:
    """(scrapes, cells, buckets): how many requests are expected in each, of (scrapes, moments, cells)."""
    number, time, square = moments[:, _NUMBER], moments[:, _TIME], moments[:, _SQUARE]
    known = np.maximum(number, 1e-12)
    mean = np.maximum(time / known, 1e-5)
    variance = np.log(np.maximum(square / known, 1e-10) / (mean * mean))
    variance = np.minimum(np.maximum(variance, _LEAST_SQUARE), _MOST_SQUARE)
    middle = np.log(mean) - 0.5 * variance
    below = normal_cdf((_LOG_BOUNDS - middle[..., None]) / np.sqrt(variance)[..., None])
    below *= number[..., None]
    found = np.empty((*number.shape, BUCKETS))
    found[..., 0] = below[..., 0]
    np.subtract(below[..., 1:], below[..., :-1], out=found[..., 1:-1])
    np.subtract(number, below[..., -1], out=found[..., -1])
    return found
