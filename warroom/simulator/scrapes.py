"""Samples of all series, as a Prometheus would have scraped them: seconds are gathered and made into blocks together.

What does not answer is not scraped: its series have no sample then, and its counters begin anew when it is back.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warroom.simulator.axes import Axes, Floats, key_of
from warroom.simulator.blurs import Blurs
from warroom.simulator.dice import Dice
from warroom.simulator.facts import Facts
from warroom.simulator.meters import Meters
from warroom.simulator.request_cells import BOUNDS, LE, Versions
from warroom.simulator.requests import Requests
from warroom.simulator.seconds import Moment, Seconds
from warroom.simulator.spans import Served, Told
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import Block, SeriesKey, Sink

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault

Place: TypeAlias = tuple[int, int, str, int]
"""Service, region, version and bucket."""

DOWN: Final = 0.2
"""Where fewer of a service's replicas answer, its scrape fails."""
_BUCKETS: Final = "http_request_duration_seconds_bucket"


class Scrapes:
    """Gathers seconds, and hands over the samples of those in which a scrape was due.

    Invariant: how many scrapes are made at once changes no sample.
    """

    def __init__(
        self, axes: Axes, meters: Meters, requests: Requests, facts: Facts, dice: Dice, sink: Sink
    ) -> None:  # fmt: skip
        self._axes, self.meters, self._requests, self._facts, self._sink = axes, meters, requests, facts, sink
        self._blurs = Blurs(dice)
        self._waiting: list[Moment] = []
        self._due: list[int] = []
        self._down = np.zeros(len(axes.topology.services) * axes.count, bool)
        self._versions: Versions = ()
        self._codes: dict[int, str] = {}
        self._keys: tuple[SeriesKey, ...] = ()
        self._known: dict[SeriesKey, SeriesKey] = {}
        self._base: dict[SeriesKey, float] = {}
        self._bases: Floats | None = None
        self._newest: dict[Place, Served] = {}
        self._told: dict[Place, float] = {}
        self._measuring: dict[Place, SeriesKey] = {}
        self._measured: list[Exemplar] = []
        self.samples = 0
        self.exemplars = 0
        self._arrange()

    @property
    def waiting(self) -> int:
        """Seconds of which no samples were made yet."""
        return len(self._waiting)

    def live(self, moment: Moment, versions: Versions, *, due: bool) -> None:
        """A second passes, at the end of which a scrape may be due."""
        codes = own_codes(self._axes, moment.faults) if moment.faults else {}
        if versions != self._versions or any(self._codes.get(at) != code for at, code in codes.items()):
            self.hand_over()
            self._sample()
            self._versions = versions
            self._codes.update(codes)
            self._requests.arrange(versions, self._codes)
            self._arrange()
        if due:
            self._facts.look(moment)
            self._due.append(len(self._waiting))
        self._waiting.append(moment)

    def remember(self, told: Sequence[Told]) -> None:
        """Requests that were followed to their end: the newest of each bucket becomes its exemplar."""
        newest = self._newest
        for part in told:
            for one in part.served:
                node = one.node
                place = node.service, node.region, node.version, bisect_left(BOUNDS, node.length)
                known = newest.get(place)
                if known is None or one.end > known.end:
                    newest[place] = one

    def scraped(self) -> None:
        """A scrape was due, and what ended before it has been remembered."""
        for place, one in self._newest.items():
            at, trace_id = one.end / 1e6, one.trace_id
            series = self._measuring.get(place) or self._series_of(place)
            # A store takes exemplars of a series in order of time only.
            if series is None or at <= self._told.get(place, 0.0):
                continue
            self._told[place] = at
            self._measured.append(Exemplar(series, (("trace_id", trace_id),), one.node.length, at, trace_id))
        self._newest.clear()

    def _series_of(self, place: Place) -> SeriesKey | None:
        """The buckets' series at a place; None for a version that no metrics know of."""
        service, region, version, bucket = place
        labels = self._requests.series_of(service, region, version)
        if labels is None:
            return None
        found = key_of(_BUCKETS, {**labels, "le": LE[bucket]})
        self._measuring[place] = found
        return found

    def hand_over(self) -> None:
        """Give the sink the samples of all scrapes that were due."""
        if self._due:
            self._sample()
        if self._measured:
            self.exemplars += len(self._measured)
            self._sink.exemplars(self._measured)
            self._measured = []

    def _sample(self) -> None:
        """Make samples of what is waiting, up to the last scrape if there is one, else take in what led to the next."""
        if not self._waiting:
            return
        ends = self._due
        until = ends[-1] + 1 if ends else len(self._waiting)
        now, self._waiting, self._due = self._waiting[:until], self._waiting[until:], []
        returned = [self._restarts(now[at]) for at in ends]
        seconds, due = Seconds(now), Seconds([now[at] for at in ends])
        rows = self.meters.live(seconds, ends, due), self._requests.live(seconds, ends, due)
        if not ends:
            return
        values = np.concatenate(rows, axis=1)
        for row, moment, (back, down) in zip(values, due.moments, returned, strict=True):
            self._finish(row, moment, back, down)
        self.samples += int(values.size)
        self._sink.append(Block(self._keys, np.array([one.tick.now + 1.0 for one in due.moments]), values))

    def _restarts(self, moment: Moment) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What is back in that scrape, and what is down: (services * regions)."""
        down = moment.tick.up.ravel() < DOWN
        back = self._down & ~down
        self._down = down
        if back.any():
            self._facts.started = np.where(
                back.reshape(self._facts.started.shape), moment.tick.now, self._facts.started
            )
        moment.started = self._facts.started
        return back, down

    def _finish(self, row: Floats, moment: Moment, back: NDArray[np.bool_], down: NDArray[np.bool_]) -> None:
        """What began anew, what is shown otherwise than it is, and what is not reached."""
        if back.any():
            if self._bases is None:
                self._bases = np.zeros(len(row))
            columns = self._restarting & (self._sources >= 0) & back[self._sources]
            self._bases[columns] = row[columns]
        if self._bases is not None:
            row -= self._bases
        self._blurs.apply(moment.faults, moment.tick.second, row)
        if down.any():
            row[(self._sources >= 0) & down[self._sources]] = math.nan

    def _arrange(self) -> None:
        if self._bases is not None:
            self._base.update(zip(self._keys, self._bases.tolist(), strict=True))
        grid = self._requests.grid
        # A series keeps its key object for life: receivers know columns again by it.
        self._keys = tuple(self._known.setdefault(key, key) for key in (*self.meters.keys, *grid.keys))
        self._sources = np.concatenate([self.meters.sources, grid.sources])
        self._restarting = np.concatenate([self.meters.restarting, grid.sources >= 0])
        if self._bases is not None:
            self._bases = np.array([self._base.get(key, 0.0) for key in self._keys])
        self._blurs.arrange(self._keys)


def own_codes(axes: Axes, faults: Sequence[ActiveFault]) -> dict[int, str]:
    """By service, the status that its own failures have where a fault names one."""
    found: dict[int, str] = {}
    for one in faults:
        status = one.fault.params.get("status")
        service = axes.topology.service_index.get(str(one.fault.target.get("service", "")))
        if status is not None and service is not None and str(int(status)) not in ("502", "503", "504"):
            found[service] = str(int(status))
    return found
