"""Several seconds of a world at once: every array of a tick with time as one more axis in front.

Samples are made of many seconds in one go, because the arrays of a single one are so small that calling numpy costs
more than the numbers do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.axes import Floats
from warroom.simulator.moment import KEPT, part_of
from warroom.simulator.tick import SliceTick, Tick

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault, World

_BESIDE: Final = frozenset(("answers", "mix", "lasting", "flags_on", "config_values", "started"))
_NONE: Final = np.zeros(0)


@dataclass(slots=True, eq=False)
class Moment:
    """A second with what is beside its tick: answers (4, K, S, R), their mix (K, S, R), and lasting failures (S, R).

    What the world is set to is there where a scrape is due: which variants are on, settings that are numbers, and
    (S, R) when processes were started.
    """

    tick: Tick
    answers: Floats
    mix: Floats
    lasting: Floats
    faults: tuple[ActiveFault, ...]
    flags_on: Floats = field(default_factory=lambda: _NONE)
    config_values: Floats = field(default_factory=lambda: _NONE)
    started: Floats = field(default_factory=lambda: _NONE)


def moment_of(world: World, faults: tuple[ActiveFault, ...]) -> Moment:
    """The second that a world has just lived. The engine puts new arrays in place of old ones, so these stay."""
    count = len(world.topology.services)
    second = world.state.second
    return Moment(
        world.tick, second.answers[:, :, :count], second.mix[:, :count], world.knobs.permanent[:count], faults
    )


class Shelf:
    """Knows which arrays have been asked for, so that those of the next seconds are taken all at once."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._take: Callable[[Moment], tuple[Floats, ...]] | None = None

    def learn(self, name: str) -> None:
        """This one is wanted, too."""
        self._names.append(name)
        if len(self._names) > 1:
            self._take = attrgetter(*(_path(one) for one in self._names))

    def fill(self, seconds: Seconds) -> None:
        """Put all that is known to be wanted into place."""
        if self._take is None:
            return
        rows = [self._take(one) for one in seconds.moments]
        if len(rows) == 1:
            found = [one[None] for one in rows[0]]
        else:
            found = [_stacked(parts) for parts in zip(*rows, strict=True)]
        for name, values in zip(self._names, found, strict=True):
            seconds.__dict__[name] = _cut(seconds.moments, name, values)


class Seconds:
    """Moments in order; an attribute is that of all of them, stacked: (T, ...)."""

    def __init__(self, moments: Sequence[Moment], shelf: Shelf | None = None) -> None:
        self.moments, self._shelf = moments, shelf
        if shelf is not None and moments:
            shelf.fill(self)

    def __len__(self) -> int:
        return len(self.moments)

    def __getattr__(self, name: str) -> Floats:
        if name.startswith("_"):
            raise AttributeError(name)
        take = attrgetter(_path(name))
        found = _cut(self.moments, name, _stacked([take(one) for one in self.moments]))
        self.__dict__[name] = found
        if self._shelf is not None:
            self._shelf.learn(name)
        return found

    @property
    def sliced(self) -> list[tuple[int, tuple[SliceTick, ...]]]:
        """The seconds in which some slice differs, by place, with the slices."""
        return [(at, one.tick.slices) for at, one in enumerate(self.moments) if one.tick.slices]


def _path(name: str) -> str:
    """Where a moment has it: what a tick keeps is taken from there as it is, which costs less than the figure."""
    if name in _BESIDE:
        return name
    return f"tick.moment.{KEPT[name][0]}" if name in KEPT else f"tick.{name}"


def _cut(moments: Sequence[Moment], name: str, values: Floats) -> Floats:
    """The figure of that name from what was taken for it."""
    return part_of(moments[0].tick.moment.layout, values, KEPT[name][1]) if name in KEPT else values


def _stacked(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts).reshape(len(parts), *parts[0].shape)


class Intervals:
    """Which of some seconds lie between which scrapes, where the last scrapes may be none of them.

    `ends` are the places of the seconds at whose end a scrape is due, rising.
    """

    def __init__(self, count: int, ends: Sequence[int]) -> None:
        starts = [0, *(end + 1 for end in ends)]
        self._whole = starts[-1] >= count
        self._starts = starts[:-1] if self._whole else starts

    def sums(self, numbers: Floats, before: Floats) -> tuple[Floats, Floats]:
        """Sums of (T, ...) over each interval, `before` being what the first one has already.

        Returns (scrapes, ...), and what the interval has that is not over yet.
        """
        found: Floats = np.add.reduceat(numbers, self._starts, axis=0)
        found[0] += before
        return (found, np.zeros_like(before)) if self._whole else (found[:-1], found[-1])


def running(totals: Floats, gains: Floats) -> Floats:
    """Totals after each of several gains (the first axis): always added one after the other, so that it does not
    matter how many are added at once.
    """
    found: Floats = np.cumsum(np.concatenate([totals[None], gains]), axis=0)[1:]
    return found
