"""Samples of all series at one moment, as a Prometheus would have scraped them, in rows of a block.

What does not answer is not scraped: its series have no sample then, and its counters begin anew when it is back.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.answers import Answers
from warroom.simulator.axes import Axes, Floats
from warroom.simulator.blurs import Blurs
from warroom.simulator.dice import Dice
from warroom.simulator.facts import Facts
from warroom.simulator.meters import Meters
from warroom.simulator.requests import BOUNDS, LE, Requests
from warroom.simulator.spans import Told
from warroom.simulator.tick import Tick
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import Block, SeriesKey, Sink

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault

DOWN: Final = 0.2
"""Where fewer of a service's replicas answer, its scrape fails."""
_BUCKETS: Final = "http_request_duration_seconds_bucket"


class Scrapes:
    """Gathers each second, takes samples when told to, and hands them over in blocks."""

    def __init__(
        self, axes: Axes, meters: Meters, requests: Requests, facts: Facts, random: np.random.Generator, dice: Dice,
        sink: Sink,
    ) -> None:  # fmt: skip
        self._axes, self.meters, self._requests, self._facts = axes, meters, requests, facts
        self._random, self._sink = random, sink
        self._blurs = Blurs(dice)
        self._rows: list[Floats] = []
        self._times: list[float] = []
        self._down = np.zeros(len(axes.topology.services) * axes.count, bool)
        self._versions: tuple[tuple[str, ...], ...] | None = None
        self._codes: dict[int, str] = {}
        self._base: dict[SeriesKey, float] = {}
        self._bases: Floats | None = None
        self._newest: dict[tuple[int, int, str, int], tuple[float, float, str]] = {}
        self._told: dict[tuple[int, int, str, int], float] = {}
        self.samples = 0
        self.exemplars = 0
        self._arrange()

    @property
    def waiting(self) -> int:
        """Rows that were not handed over."""
        return len(self._rows)

    def live(self, answers: Answers, versions: tuple[tuple[str, ...], ...], faults: Sequence[ActiveFault]) -> None:
        """A second passes."""
        codes = own_codes(self._axes, faults)
        if versions != self._versions or any(self._codes.get(at) != code for at, code in codes.items()):
            self.hand_over()
            self._versions = versions
            self._codes.update(codes)
            self._requests.arrange(versions, self._codes)
            self._arrange()
        self.meters.live(answers.tick)
        self._requests.live(answers)

    def remember(self, told: Sequence[Told]) -> None:
        """Requests that were followed to their end: the newest of each bucket becomes its exemplar."""
        for part in told:
            for one in part.served:
                node = one.node
                bucket = bisect_left(BOUNDS, node.length)
                at = one.end / 1e6
                place = node.service, node.region, node.version, bucket
                if at > self._newest.get(place, (0.0, 0.0, ""))[0]:
                    self._newest[place] = at, node.length, one.trace_id

    def take(self, tick: Tick, faults: Sequence[ActiveFault]) -> None:
        """Samples of everything at the end of that second."""
        self._facts.look()
        row = np.empty(len(self._keys))
        count = len(self.meters.keys)
        self._restarts(tick)
        self.meters.write(tick, self._random, row[:count])
        self._requests.write(tick, self._random, row[count:])
        if self._returned.any():
            self._begin_anew(row)
        if self._bases is not None:
            row -= self._bases
        self._blurs.apply(faults, tick.second, row)
        if self._down.any():
            row[(self._sources >= 0) & self._down[self._sources]] = math.nan
        self._rows.append(row)
        self._times.append(tick.now + 1.0)

    def hand_over(self) -> None:
        """Give the sink what was taken."""
        if not self._rows:
            return
        values = np.stack(self._rows) if len(self._rows) > 1 else self._rows[0][None]
        self.samples += int(values.size)
        self._sink.append(Block(self._keys, np.array(self._times), values))
        self._rows.clear()
        self._times.clear()
        if self._newest:
            self._exemplars()

    _keys: tuple[SeriesKey, ...] = ()

    def _arrange(self) -> None:
        if self._bases is not None:
            self._base.update(zip(self._keys, self._bases.tolist(), strict=True))
        known: dict[SeriesKey, SeriesKey] = getattr(self, "_known", {})
        # A series keeps its key object for life: receivers know columns again by it.
        self._keys = tuple(known.setdefault(key, key) for key in (*self.meters.keys, *self._requests.keys))
        self._known = known
        self._sources = np.concatenate([self.meters.sources, self._requests.sources])
        self._restarting = np.concatenate([self.meters.restarting, self._requests.sources >= 0])
        if self._bases is not None:
            self._bases = np.array([self._base.get(key, 0.0) for key in self._keys])
        self._blurs.arrange(self._keys)
        self._returned = np.zeros(len(self._down), bool)

    def _restarts(self, tick: Tick) -> None:
        down = tick.up.ravel() < DOWN
        self._returned = self._down & ~down
        self._down = down
        if self._returned.any():
            self._facts.started.ravel()[self._returned] = tick.now

    def _begin_anew(self, row: Floats) -> None:
        columns = self._restarting & (self._sources >= 0) & self._returned[self._sources]
        if self._bases is None:
            self._bases = np.zeros(len(row))
        self._bases[columns] = row[columns]

    def _exemplars(self) -> None:
        found: list[Exemplar] = []
        for place, (at, length, trace_id) in self._newest.items():
            service, region, version, bucket = place
            labels = self._requests.series_of(service, region, version)
            # A store takes exemplars of a series in order of time only.
            if labels is None or at <= self._told.get(place, 0.0):
                continue
            self._told[place] = at
            series = tuple(sorted((("__name__", _BUCKETS), ("le", LE[bucket]), *labels)))
            found.append(Exemplar(series, (("trace_id", trace_id),), length, at, trace_id))
        self._newest.clear()
        self.exemplars += len(found)
        self._sink.exemplars(found)


def own_codes(axes: Axes, faults: Sequence[ActiveFault]) -> dict[int, str]:
    """By service, the status that its own failures have where a fault names one."""
    found: dict[int, str] = {}
    for one in faults:
        status = one.fault.params.get("status")
        service = axes.topology.service_index.get(str(one.fault.target.get("service", "")))
        if status is not None and service is not None and str(int(status)) not in ("502", "503", "504"):
            found[service] = str(int(status))
    return found
