"""The series whose numbers follow from a second by themselves: counters that are drawn, sums, gauges.

Counts are Poisson draws with the engine's expectation: `count` families share one draw a scrape. Invariant: the draws
are the only thing here that is left to chance, and their order is the order of the families.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from warroom.simulator.axes import Axis, Floats, Places, key_of
from warroom.simulator.tick import Tick
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.prometheus_data import MetricInfo

How: TypeAlias = Literal["count", "sum", "gauge", "level"]
Reading: TypeAlias = Callable[[Tick], Floats]

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


class Meters:
    """All families of one production in one vector: `live` gathers each second, `write` is for each scrape."""

    def __init__(self, families: Sequence[Family]) -> None:
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
        sizes = [sum(len(one.axis) for one in part) for part in (drawn, summed, shown)]
        self._expected = np.zeros(sizes[0])
        self._drawn = np.zeros(sizes[0])
        self._sums = np.zeros(sizes[1])
        self._shown = np.zeros(sizes[2])
        self._gathered = _views(drawn, self._expected) + _views(summed, self._sums)
        self._showing = _views(shown, self._shown)

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        """What each metric says of itself, once."""
        found = {one.name: MetricInfo(one.name, KINDS[one.how], one.help, one.unit) for one in self.families}
        return tuple(found.values())

    def live(self, tick: Tick) -> None:
        """A second passes."""
        for view, part, places, read in self._gathered:
            found = read(tick)
            view += found.take(places) if part is None else found.ravel()[part]

    def write(self, tick: Tick, random: np.random.Generator, row: Floats) -> None:
        """The numbers of all series at the end of that second, in the order of `keys`."""
        np.maximum(self._expected, 0.0, out=self._expected)
        self._drawn += random.poisson(self._expected)
        self._expected[:] = 0.0
        for view, part, places, read in self._showing:
            found = read(tick)
            view[:] = found.take(places) if part is None else found.ravel()[part]
        counted, summed = self._drawn.size, self._sums.size
        row[:counted] = self._drawn
        row[counted : counted + summed] = self._sums
        row[counted + summed :] = self._shown


def _sources(family: Family) -> Places:
    return np.full(len(family.axis), -1, np.intp) if family.name.startswith(_POD_METRICS) else family.axis.sources


def _views(families: Sequence[Family], vector: Floats) -> list[tuple[Floats, slice | None, Places, Reading]]:
    """The part of the vector that each family fills; families without series are left out."""
    found: list[tuple[Floats, slice | None, Places, Reading]] = []
    at = 0
    for one in families:
        size = len(one.axis)
        if size:
            found.append((vector[at : at + size], _row(one.axis.places), one.axis.places, one.read))
        at += size
    return found


def _row(places: Places) -> slice | None:
    """The places as a slice where they follow each other: much cheaper to read."""
    first = int(places[0])
    return slice(first, first + len(places)) if np.array_equal(places, np.arange(first, first + len(places))) else None
