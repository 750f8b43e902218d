"""Turns the seconds of a world into telemetry: samples, exemplars, log lines and traces, handed to a sink.

The emitter draws from streams of its own, so that what it emits never changes what the engine does, and the same seed
and world give the same telemetry to the byte, however many scrapes are made at once. Time is the world's; before
second 0 samples are taken every `history_scrape` seconds and traces only in the last quarter of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.axes import Axes
from warroom.simulator.catalogue import families
from warroom.simulator.catalogue_models import model_families
from warroom.simulator.dice import Dice, Streams
from warroom.simulator.facts import Facts
from warroom.simulator.meters import Meters
from warroom.simulator.notes import Notes
from warroom.simulator.requests import INFOS, Requests
from warroom.simulator.scrapes import Scrapes
from warroom.simulator.seconds import moment_of
from warroom.simulator.tracing import Tracing
from warroom.simulator.writing import Writing
from warroom.telemetry.block import Sink
from warroom.telemetry.prometheus_data import MetricInfo

if TYPE_CHECKING:
    from warroom.simulator.world import World

HISTORY_SCRAPE: Final = 15
TRACED_HISTORY: Final = 900
BATCHED_BEFORE: Final = -1800
"""Up to this second samples are handed over many at a time: nobody looks at them yet."""
_BATCH: Final = 300
"""Seconds."""
_COUNTS, _WALKS, _LINES, _LINE_COUNTS, _BLURS = range(1, 6)


@dataclass(frozen=True, slots=True)
class Figures:
    """How much was emitted so far."""

    samples: int
    lines: int
    traces: int
    spans: int
    exemplars: int


class Emitter:
    """Call `after_step` after each step of the world, `flush` when no more will come."""

    def __init__(
        self, world: World, sink: Sink, *, scrape: int = 5, traces_per_second: float = 3.0, logs: bool = True,
        seed: int | None = None, history_scrape: int = HISTORY_SCRAPE, gather: int = 0,
    ) -> None:  # fmt: skip
        """`scrape` seconds lie between samples. `gather` seconds at least are made into samples together: more is
        cheaper, but nobody sees the newest for so long. `seed` is the world's unless another is given.
        """
        self._world, self._sink, self._gather = world, sink, gather
        self._scrape, self._history_scrape = max(1, scrape), max(1, history_scrape)
        seed = world.seed if seed is None else seed
        self.axes = axes = Axes(world.topology)
        self._facts = Facts(axes, world)
        self._notes = Notes(world.topology)
        streams = Streams(seed, _COUNTS)
        meters = Meters((*families(axes), *model_families(axes), *self._facts.families()), streams.counters)
        requests = Requests(axes, world.versions, streams)
        self._scrapes = Scrapes(axes, meters, requests, self._facts, Dice(seed, _BLURS), sink)
        lines = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _LINE_COUNTS])))
        self._writing = Writing(axes, Dice(seed, _LINES), lines, self._notes) if logs else None
        self._tracing = Tracing(axes, Dice(seed, _WALKS), traces_per_second, self._notes)
        self._lines = 0
        sink.metadata((*INFOS, *meters.infos))

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        """What each metric says of itself."""
        return (*INFOS, *self._scrapes.meters.infos)

    @property
    def provenance(self) -> Notes:
        """Which fault is behind what: hidden from players."""
        return self._notes

    @property
    def figures(self) -> Figures:
        """How much was emitted so far."""
        tracing = self._tracing
        return Figures(self._scrapes.samples, self._lines, tracing.traces, tracing.spans, self._scrapes.exemplars)

    def after_step(self) -> None:
        """Emit the second that the world has just lived."""
        world = self._world
        tick, faults, versions = world.tick, world.faults, world.versions
        second = tick.second
        every = self._scrape if second >= 0 else self._history_scrape
        due, traced = (second + 1) % every == 0, second >= -TRACED_HISTORY
        moment = moment_of(world, faults)
        self._notes.live(faults, second)
        self._scrapes.live(moment, versions, due=due)
        ended = self._tracing.live(world, moment, versions) if traced else []
        if ended:
            self._sink.traces([one.trace for one in ended])
            self._scrapes.remember(ended)
        if self._writing is not None:
            lines = self._writing.live(tick, versions, faults, self._tracing.started, world.changes, traced=traced)
            if lines:
                self._lines += len(lines)
                self._sink.lines(lines)
        if due:
            self._scrapes.scraped()
            if self._scrapes.waiting >= (self._gather if second >= BATCHED_BEFORE else max(self._gather, _BATCH)):
                self._scrapes.hand_over()

    def flush(self) -> None:
        """Hand over what is batched."""
        self._scrapes.hand_over()
