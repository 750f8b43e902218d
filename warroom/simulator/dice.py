"""Chance for single draws: cheap numbers from one seeded stream, in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
_PAGE = 4096


class Dice:
    """Uniform and normal numbers, whole numbers and choices. PCG64, drawn by the page."""

    def __init__(self, seed: int, purpose: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, purpose])))
        self._uniform: list[float] = []
        self._normal: list[float] = []
        self._ids: list[str] = []

    def share(self) -> float:
        """Between 0 and 1, without 1."""
        if not self._uniform:
            self._uniform = self._random.random(_PAGE).tolist()
        return self._uniform.pop()

    def normal(self) -> float:
        """Mean 0, deviation 1."""
        if not self._normal:
            self._normal = self._random.standard_normal(_PAGE).tolist()
        return self._normal.pop()

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.share() * (high - low + 1))

    def count(self, mean: float) -> int:
        """How often something happens whole and by chance: the whole part, and one more with what is left."""
        whole = int(mean)
        return whole + (self.share() < mean - whole)

    def pick(self, shares: Sequence[float]) -> int:
        """A place, each as likely as its share."""
        at = self.share() * sum(shares)
        for place, share in enumerate(shares):
            at -= share
            if at < 0:
                return place
        return len(shares) - 1

    def id(self) -> str:
        """16 hex digits that no other has."""
        if not self._ids:
            self._ids = [f"{one:016x}" for one in self._random.integers(1, 1 << 64, _PAGE, np.uint64).tolist()]
        return self._ids.pop()


class Streams:
    """A generator for each kind of draw, so that it does not matter how many of a kind are drawn at once."""

    def __init__(self, seed: int, purpose: int) -> None:
        seeds = np.random.SeedSequence([seed, purpose]).spawn(4)
        self.counters, self.buckets, self.statuses, self.durations = (
            np.random.Generator(np.random.PCG64(one)) for one in seeds
        )
