"""The server's half of command numbering: which number of an outbox comes next, and what any other number means.

Invariant: every number is taken once, in order 1, 2, 3 ..., whatever is repeated, lost or swapped on the way.
"""

from __future__ import annotations

from enum import Enum


class Take(Enum):
    """What to do with a numbered command."""

    NEW = "new"
    """It is the one expected: decide it."""
    REPEAT = "repeat"
    """It was taken before: give its first answer again, or wait for it where it is still being made."""
    SETTLED = "settled"
    """Its answer was confirmed and forgotten; nobody waits for it: ignore it."""
    GAP = "gap"
    """One before it is missing: ask with `resend` for `expected`, ignore this one."""
    WAIT = "wait"
    """A later one while the missing one has been asked for: ignore it."""


class Numbering:
    """The numbers of one outbox. `floor` is the highest confirmed, `last` the highest taken."""

    def __init__(self, floor: int = 0, last: int = 0) -> None:
        self.floor = floor
        self.last = max(floor, last)
        self._asked = 0

    @property
    def expected(self) -> int:
        return self.last + 1

    def opened(self, first: int) -> None:
        """A connection says hello: all numbers below `first` are settled on its side, also those unknown here."""
        self.confirm(first - 1)
        self._asked = 0

    def confirm(self, n: int) -> None:
        """Outcomes up to `n` may be forgotten."""
        self.floor = max(self.floor, n)
        self.last = max(self.last, self.floor)

    def take(self, n: int) -> Take:
        """Judge the number of a command that has arrived; NEW advances the count."""
        if n <= self.floor:
            return Take.SETTLED
        if n <= self.last:
            return Take.REPEAT
        if n == self.last + 1:
            self.last = n
            return Take.NEW
        if self._asked == self.expected:
            return Take.WAIT
        self._asked = self.expected
        return Take.GAP
