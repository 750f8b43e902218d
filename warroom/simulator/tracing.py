"""Which requests are followed, and when their traces are complete."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.answers import Answers
from warroom.simulator.axes import Axes
from warroom.simulator.blurs import kept_share
from warroom.simulator.dice import Dice
from warroom.simulator.laws import Laws
from warroom.simulator.notes import Notes
from warroom.simulator.request_cells import Versions
from warroom.simulator.scrapes import own_codes
from warroom.simulator.seconds import Moment, Seconds
from warroom.simulator.spans import SpanMaker, Told
from warroom.simulator.walk import Walker
from warroom.telemetry.traces import outline_of

if TYPE_CHECKING:
    from warroom.simulator.world import World

_LAWS_LAST: Final = 15
"""Seconds for which requests are followed by the same laws, while no more has changed than noise does."""
_ALIKE: Final = 0.1
"""Relative: how far two seconds are apart that are alike."""
_ALIKE_ERRORS: Final = 0.001


class Tracing:
    """Follows so many requests a second, or all where there are fewer."""

    def __init__(self, axes: Axes, dice: Dice, each_second: float, notes: Notes) -> None:
        self._axes, self._dice, self._each_second, self._notes = axes, dice, each_second, notes
        self._walker = Walker(axes, dice)
        self._maker = SpanMaker(axes, dice, self._walker.roles.acts)
        self._names = tuple(one.name for one in axes.topology.services)
        self._pending: list[tuple[int, int, Told]] = []
        self._number = 0
        self._kept: _Kept | None = None
        self.started: list[Told] = []
        """The requests that began in this second, with all that will become of them."""
        self.traces = 0
        self.spans = 0

    def live(self, world: World, moment: Moment, versions: Versions) -> list[Told]:
        """A second passes. Returns the parts of traces that ended in it, in order of their ends."""
        self.started = []
        if self._each_second > 0:
            self._follow(world, moment, versions)
        until = int((world.tick.now + 1.0) * 1e6)
        ended: list[Told] = []
        while self._pending and self._pending[0][0] < until:
            ended.append(heappop(self._pending)[2])
        self.traces += len(ended)
        self.spans += sum([len(one.trace.spans) for one in ended])
        return ended

    def _follow(self, world: World, moment: Moment, versions: Versions) -> None:
        tick, faults = moment.tick, moment.faults
        kept, by_service = kept_share(faults) if faults else (1.0, {})
        count = self._dice.count(min(self._each_second, float(tick.requests.sum())) * kept)
        if not count:
            return
        laws = self._laws(world, moment)
        codes = own_codes(self._axes, faults) if faults else {}
        self._walker.own_status = {at: int(code) for at, code in codes.items()}
        for _ in range(count):
            walk = self._walker.walk(laws, versions)
            if walk is None:
                return
            start = int((tick.now + self._dice.share()) * 1e6)
            parts = self._maker.told(walk, start)
            if by_service and not self._keeps(parts[0], by_service):
                continue
            self.started += parts
            for part in parts:
                self._number += 1
                heappush(self._pending, (part.due, self._number, part))
            self._blame(parts, tick.second)

    def _laws(self, world: World, moment: Moment) -> Laws:
        """The laws of that second, or those of a few seconds ago while nothing has happened since."""
        if self._kept is None or not self._kept.fit(moment):
            self._kept = _Kept(moment, Laws(world, Answers(Seconds([moment]))))
        return self._kept.laws

    def _keeps(self, part: Told, by_service: dict[str, float]) -> bool:
        through = {service for service, _, _ in outline_of(part.trace.spans).acts}
        return all(self._dice.share() < share for name, share in by_service.items() if name in through)

    def _blame(self, parts: list[Told], second: int) -> None:
        """Note the fault behind a trace that failed or passed through what is ill."""
        blamed = self._notes.blamed
        if not blamed:
            return
        for part in parts:
            for one in part.served:
                fault = blamed.get(self._names[one.node.service])
                if fault is not None:
                    self._notes.add("trace", one.trace_id, fault, second)
                    return


class _Kept:
    """The laws of a second, and what they must not be far from."""

    def __init__(self, moment: Moment, laws: Laws) -> None:
        self._moment, self.laws = moment, laws
        tick = moment.tick
        self._latency, self._errors = float(tick.latency.sum()), float(tick.call_errors.sum())

    def fit(self, now: Moment) -> bool:
        """Whether that second differs by no more than the noise of the load."""
        before, tick = self._moment, now.tick
        was = before.tick
        if tick.second - was.second >= _LAWS_LAST or tick.slices or was.slices or before.faults != now.faults:
            return False
        # The engine puts new shares in place of old ones: the same array has not changed.
        if tick.moment.weight is not was.moment.weight and not np.array_equal(tick.weight, was.weight):
            return False
        slow, fails = self._latency, self._errors
        return (
            abs(slow - float(tick.latency.sum())) < _ALIKE * slow
            and abs(fails - float(tick.call_errors.sum())) < _ALIKE_ERRORS + _ALIKE * fails
        )
