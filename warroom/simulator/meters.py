"""The series whose numbers follow from seconds by themselves: counters that are drawn, sums, gauges.

Counts are Poisson draws with the engine's expectation: `count` families share one draw a scrape. Invariant: the draws
are the only thing here that is left to chance, and their order is the order of the families.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from warroom.simulator.axes import Axis, Floats, Places, key_of
from warroom.simulator.seconds import Intervals, Seconds, running
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

How: TypeAlias = Literal["count", "sum", "gauge", "level"]
Reading: TypeAlias = Callable[[Seconds], Floats]
"""(T, ...) of so many seconds."""

KINDS: Final = {"count": "counter", "sum": "counter", "gauge": "gauge", "level": "counter"}
_POD_METRICS: Final = ("kube_", "node_", "probe_", "db_lost", "db_divergent", "service_replicas", "up")
"""What something else than the process tells: still there when the process is not."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric on an axis. `count` is how many a second are expected, drawn; `sum` is added up as it is; `gauge` is
    what it is now; `level` is a counter that the engine keeps.
    """

    name: str
    how: How
    axis: Axis
    read: Reading
    help: str
    unit: str = ""


def still(numbers: Floats) -> Reading:
    """A reading that is always the same."""
    return lambda seconds: numbers[None].repeat(len(seconds), axis=0)


class Meters:
    """All families of one production. What is expected of a part of a scrape is kept until the rest has been lived."""

    def __init__(self, families: Sequence[Family], random: np.random.Generator) -> None:
        self._random = random
        drawn = [one for one in families if one.how == "count"]
        summed = [one for one in families if one.how == "sum"]
        shown = [one for one in families if one.how in ("gauge", "level")]
        self.families = (*drawn, *summed, *shown)
        self.keys: tuple[SeriesKey, ...] = tuple(
            key_of(one.name, labels) for one in self.families for labels in one.axis.labels
        )
        self.sources: Places = np.concatenate([np.zeros(0, np.intp), *(_sources(one) for one in self.families)])
        self.restarting = np.array(
            [one.how in ("count", "sum") and not one.name.startswith(_POD_METRICS)
             for one in self.families for _ in one.axis.labels], bool)  # fmt: skip
        self._counted = sum(len(one.axis) for one in drawn)
        self._gathered, self._shown = _Columns((*drawn, *summed)), _Columns(shown)
        self._expected = np.zeros(self._gathered.size)
        """By series: since the last scrape."""
        self._totals = np.zeros(self._gathered.size)

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        """What each metric says of itself, once."""
        found = {one.name: MetricInfo(one.name, KINDS[one.how], one.help, one.unit) for one in self.families}
        return tuple(found.values())

    def live(self, seconds: Seconds, ends: Sequence[int], due: Seconds) -> Floats:
        """Seconds pass, and at the `ends` of some of them, which are `due`, there is a scrape: (ends, series)."""
        gains, self._expected = Intervals(len(seconds), ends).sums(self._gathered.read(seconds), self._expected)
        if not ends:
            return np.empty((0, len(self.keys)))
        counted = gains[:, : self._counted]
        counted[:] = self._random.poisson(np.maximum(counted, 0.0))
        found = running(self._totals, gains)
        self._totals = found[-1]
        return np.concatenate([found, self._shown.read(due)], axis=1)


class _Columns:
    """What some families read, side by side."""

    def __init__(self, families: Sequence[Family]) -> None:
        there = [one for one in families if len(one.axis)]
        self.size = sum(len(one.axis) for one in there)
        self._reads = [one.read for one in there]
        self._axes = [one.axis for one in there]
        self._places: Places | None = None

    def read(self, seconds: Seconds) -> Floats:
        """(T, series)"""
        count = len(seconds)
        parts = [read(seconds).reshape(count, -1) for read in self._reads]
        if self._places is None:
            starts = np.cumsum([0, *(part.shape[1] for part in parts)])
            self._places = np.concatenate([
                np.zeros(0, np.intp), *(start + axis.places for start, axis in zip(starts, self._axes, strict=False))
            ])  # fmt: skip
        if not parts:
            return np.zeros((count, 0))
        found: Floats = np.concatenate(parts, axis=1).take(self._places, axis=1)
        return found


def _sources(family: Family) -> Places:
    return np.full(len(family.axis), -1, np.intp) if family.name.startswith(_POD_METRICS) else family.axis.sources
