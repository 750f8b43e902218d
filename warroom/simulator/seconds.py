"""Several seconds of a world at once, for samples: every figure of a tick with time as one more axis in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator.axes import Floats
from warroom.simulator.figures import FIGURES
from warroom.simulator.stretch import stacked, stretches
from warroom.simulator.tick import SliceTick, Tick

if TYPE_CHECKING:
    from warroom.simulator.world import ActiveFault, World

_BESIDE: Final = frozenset(("flags_on", "config_values", "started"))
_NONE: Final = np.zeros(0)


@dataclass(slots=True, eq=False)
class Moment:
    """A second with what is beside its tick.

    What the world is set to is there where a scrape is due: which variants are on, settings that are numbers, and
    (S, R) when processes were started.
    """

    tick: Tick
    faults: tuple[ActiveFault, ...]
    flags_on: Floats = field(default_factory=lambda: _NONE)
    config_values: Floats = field(default_factory=lambda: _NONE)
    started: Floats = field(default_factory=lambda: _NONE)


def moment_of(world: World, faults: tuple[ActiveFault, ...]) -> Moment:
    """The second that a world has just lived."""
    return Moment(world.tick, faults)


class Seconds:
    """Moments in order; an attribute is the figure of that name of all of them: (T, ...)."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self._stretches = stretches([one.tick.moment for one in moments])

    def __len__(self) -> int:
        return len(self.moments)

    def __getattr__(self, name: str) -> Floats:
        if name in _BESIDE:
            found = stacked([getattr(one, name) for one in self.moments])
        elif name in FIGURES:
            parts = [FIGURES[name](one) for one in self._stretches]
            found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        else:
            raise AttributeError(f"seconds have no {name!r}")
        self.__dict__[name] = found
        return found

    @property
    def sliced(self) -> list[tuple[int, tuple[SliceTick, ...]]]:
        """The seconds in which some slice differs, by place, with the slices."""
        return [(at, one.tick.slices) for at, one in enumerate(self.moments) if one.tick.slices]


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
