"""Random numbers by second and purpose: what is drawn for a second never depends on what happened before it."""

from __future__ import annotations

from typing import Final

import numpy as np

from warroom.simulator.layout import Array

BLOCK: Final = 512
OFFSET: Final = 1 << 30


class Noise:
    """Rows of draws, one a second, from PCG64 seeded with the world's seed, the purpose, and the block of seconds."""

    def __init__(self, seed: int, purpose: int, width: int, *, uniform: bool = False) -> None:
        self._seed, self._purpose, self._width, self._uniform = seed, purpose, width, uniform
        self._block = -1
        self._rows: Array = np.zeros((0, width))

    def at(self, second: int) -> Array:
        """(width,): standard normal draws of a second, or uniform ones."""
        rows, row = self.block(second)
        found: Array = rows[row]
        return found

    def block(self, second: int) -> tuple[Array, int]:
        """The draws of the block that a second is in, and its row there. A block is never written."""
        block, row = divmod(second + OFFSET, BLOCK)
        if block != self._block:
            random = np.random.Generator(np.random.PCG64([abs(self._seed), self._purpose, block]))
            shape = (BLOCK, self._width)
            self._rows = random.random(shape) if self._uniform else random.standard_normal(shape)
            self._block = block
        return self._rows, row
