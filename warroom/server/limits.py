"""Token buckets: how much of something is allowed per second, with a burst.

Invariant: a bucket's cost in memory is bounded, also when every attempt comes from a new address.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Bucket:
    """Holds up to `burst` and fills by `rate` a second. Spending may go into debt down to minus `burst`."""

    __slots__ = ("_at", "_burst", "_held", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._held = burst
        self._at = now

    def spend(self, amount: float, now: float) -> float:
        """Take `amount`; returns what is left, negative when it was too much."""
        held = min(self._burst, self._held + (now - self._at) * self._rate) - amount
        self._at = now
        self._held = max(held, -2 * self._burst)
        return held

    def left(self, now: float) -> float:
        """What could be spent now."""
        return min(self._burst, self._held + (now - self._at) * self._rate)


class Failures:
    """Failed attempts by whoever made them; `blocked` when there were too many."""

    MOST = 10_000

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def blocked(self, who: Hashable, now: float) -> bool:
        bucket = self._buckets.get(who)
        return bucket is not None and bucket.left(now) < 1

    def failed(self, who: Hashable, now: float) -> None:
        """Count one failure; the longest unseen are forgotten first."""
        bucket = self._buckets.pop(who, None) or Bucket(self._rate, self._burst, now)
        bucket.spend(1, now)
        self._buckets[who] = bucket
        if len(self._buckets) > self.MOST:
            self._buckets.popitem(last=False)
