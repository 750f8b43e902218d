"""Chance for single draws: cheap numbers from one seeded stream, in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
_PAGE = 4096
ID = 16
"""Digits of an id."""


class Dice:
    """Uniform and normal numbers, whole numbers and choices. PCG64, drawn by the page."""

    def __init__(self, seed: int, purpose: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, purpose])))
        # Pages are refilled in place, so that taking from them needs no look-up.
        self._uniform: list[float] = []
        self._normal: list[float] = []
        self._take_uniform, self._take_normal = self._uniform.pop, self._normal.pop
        self._ids, self._next_id = "", 0

    def share(self) -> float:
        """Between 0 and 1, without 1."""
        try:
            return self._take_uniform()
        except IndexError:
            self._uniform.extend(self._random.random(_PAGE).tolist())
            return self._take_uniform()

    def normal(self) -> float:
        """Mean 0, deviation 1."""
        try:
            return self._take_normal()
        except IndexError:
            self._normal.extend(self._random.standard_normal(_PAGE).tolist())
            return self._take_normal()

    def happens(self, share: float) -> bool:
        """Whether something that happens in this share of all cases does; what never happens costs no draw."""
        return share > 0 and self.share() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.share() * (high - low + 1))

    def count(self, mean: float) -> int:
        """How often something happens whole and by chance: the whole part, and one more with what is left."""
        whole = int(mean)
        left = mean - whole
        return whole + (left > 0 and self.share() < left)

    def pick(self, shares: Sequence[float]) -> int:
        """A place, each as likely as its share."""
        at = self.share() * sum(shares)
        for place, share in enumerate(shares):
            at -= share
            if at < 0:
                return place
        return len(shares) - 1

    def ids(self, count: int) -> str:
        """So many times 16 hex digits that no other has, in one text."""
        end = self._next_id + ID * count
        while end > len(self._ids):
            page = self._random.integers(1, 1 << 64, _PAGE, np.uint64)[::-1]
            self._ids, end = self._ids[self._next_id :] + page.astype(">u8").tobytes().hex(), end - self._next_id
            self._next_id = 0
        found = self._ids[self._next_id : end]
        self._next_id = end
        return found


class Streams:
    """A generator for each kind of draw, so that it does not matter how many of a kind are drawn at once."""

    def __init__(self, seed: int, purpose: int) -> None:
        seeds = np.random.SeedSequence([seed, purpose]).spawn(4)
        self.counters, self.buckets, self.statuses, self.durations = (
            np.random.Generator(np.random.PCG64(one)) for one in seeds
        )
