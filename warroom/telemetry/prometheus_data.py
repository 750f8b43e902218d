"""What a Prometheus answers, as data: no network. Times are seconds since the epoch; 0 where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from warroom.telemetry.series import Labels

Item = TypeVar("Item")


class Listing(tuple[Item, ...]):
    """What was asked for, in the server's order, with the server's remarks on it (whole sentences)."""

    warnings: tuple[str, ...]
    infos: tuple[str, ...]

    def __new__(
        cls, items: Iterable[Item] = (), warnings: tuple[str, ...] = (), infos: tuple[str, ...] = ()
    ) -> Listing[Item]:
        made = super().__new__(cls, items)
        made.warnings, made.infos = warnings, infos
        return made


@dataclass(frozen=True, slots=True)
class Bucket:
    """Observations between two bounds. Whether a bound itself is in: `low_in`, `high_in`."""

    low: float
    high: float
    count: float
    low_in: bool = False
    high_in: bool = True


@dataclass(frozen=True, slots=True)
class Histogram:
    """A native histogram: how many observations, their sum, and its buckets from low to high (no empty ones)."""

    count: float
    sum: float
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: seconds since the epoch and values, both of the same length, in order of time."""

    labels: Labels
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HistogramLine:
    """One series of native histograms; as `Line`."""

    labels: Labels
    times: tuple[float, ...]
    values: tuple[Histogram, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answer to a range query. `warnings` and `infos` are the server's remarks, whole sentences.

    A series that changed to native histograms is in both `lines` and `histograms`.
    """

    lines: tuple[Line, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    histograms: tuple[HistogramLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value at one moment."""

    labels: Labels
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """One native histogram at one moment."""

    labels: Labels
    at: float
    value: Histogram


@dataclass(frozen=True, slots=True)
class Vector:
    """The answer to an instant query; a scalar is one sample without labels."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    histograms: tuple[HistogramSample, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """The answer to a query that is a string."""

    text: str
    at: float
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric says of itself: `kind` is counter, gauge, histogram, summary or unknown."""

    name: str
    kind: str
    help: str
    unit: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """How the server itself does. `retention` is its own words ("15d"); `config_ok` whether its last reload worked;
    `corruptions` counts broken parts of its log that it dropped.
    """

    started_at: float
    config_ok: bool
    config_at: float
    retention: str
    corruptions: int
    goroutines: int


@dataclass(frozen=True, slots=True)
class Cardinality:
    """What fills the server's memory: series and chunks of the head, between two times, and the largest metrics,
    labels by values, and label pairs by series.
    """

    series: int
    chunks: int
    start: float
    end: float
    metrics: tuple[tuple[str, int], ...]
    label_values: tuple[tuple[str, int], ...]
    pairs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """How far a starting server has read its log: segment `current` of `first` to `last`."""

    first: int
    last: int
    current: int
