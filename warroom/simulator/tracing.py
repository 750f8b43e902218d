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
from warroom.simulator.tick import Tick
from warroom.simulator.walk import Walker

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
        self._maker = SpanMaker(axes, dice)
        self._names = tuple(one.name for one in axes.topology.services)
        self._pending: list[tuple[int, int, Told]] = []
        self._number = 0
        self._kept: tuple[Moment, Laws] | None = None
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
        kept, by_service = kept_share(faults)
        count = self._dice.count(min(self._each_second, float(tick.requests.sum())) * kept)
        if not count:
            return
        laws = self._laws(world, moment)
        self._walker.own_status = {at: int(code) for at, code in own_codes(self._axes, faults).items()}
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
        if self._kept is not None and _alike(self._kept[0], moment):
            return self._kept[1]
        laws = Laws(world, Answers(Seconds([moment])))
        self._kept = moment, laws
        return laws

    def _keeps(self, part: Told, by_service: dict[str, float]) -> bool:
        through = {span.service for span in part.trace.spans}
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


def _alike(before: Moment, now: Moment) -> bool:
    """Whether two seconds differ by no more than the noise of the load."""
    was, tick = before.tick, now.tick
    if tick.second - was.second >= _LAWS_LAST or tick.slices or was.slices or before.faults != now.faults:
        return False
    return _close(was, tick)


def _close(was: Tick, tick: Tick) -> bool:
    if tick.weight is not was.weight and not np.array_equal(tick.weight, was.weight):
        return False
    slow, slower = float(was.latency.sum()), float(tick.latency.sum())
    fails, failing = float(was.call_errors.sum()), float(tick.call_errors.sum())
    return abs(slow - slower) < _ALIKE * slow and abs(fails - failing) < _ALIKE_ERRORS + _ALIKE * fails
