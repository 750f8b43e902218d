"""The imaginary production: one service, the deploy that made it sick, and what made it well again.

Invariant: every value is a function of time, seed and what was done when; nothing that lies in the past ever changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

PODS = 30
ROLLOUT = 75.0
"""Seconds until a change has reached every pod."""
BAD_VERSION, GOOD_VERSION = "v2.14.0", "v2.13.8"
_ONSET = 80.0
_EXHAUSTED = 470.0
_RELIEF_AFTER, _RELIEF = 915.0, 0.09
"""Seconds after the deploy when load was shed, and how much that helped."""
_DRAIN = 32.0
_LAG = 240.0


@lru_cache(32768)
def _draw(seed: int, name: str, bucket: int) -> float:
    """A fixed number from -1 to 1 for each bucket of time."""
    return crc32(f"{seed}/{name}/{bucket}".encode()) / 2**31 - 1.0


def noise(seed: int, name: str, at: float, width: float) -> float:
    """Smooth noise from -1 to 1 that changes its mind every `width` seconds."""
    place = at / width
    bucket = math.floor(place)
    share = place - bucket
    share = share * share * (3 - 2 * share)
    return _draw(seed, name, bucket) * (1 - share) + _draw(seed, name, bucket + 1) * share


def _step(since: float, middle: float, width: float) -> float:
    """From 0 to 1 around `middle` seconds."""
    return float(0.5 + 0.5 * math.tanh((since - middle) / width / 2))


@dataclass
class World:
    """`deployed_at` is when the bad version went out, epoch seconds; `fixed_at` when the way back began."""

    seed: int
    deployed_at: float
    fixed_at: float | None = None
    fixed_version: str = GOOD_VERSION

    def fix(self, at: float, version: str = GOOD_VERSION) -> None:
        """The way back begins; a second one changes nothing."""
        if self.fixed_at is None:
            self.fixed_at, self.fixed_version = at, version

    def fixed_pods(self, at: float) -> int:
        """Pods that are on the good version again."""
        if self.fixed_at is None or at <= self.fixed_at:
            return 0
        return min(PODS, int((at - self.fixed_at) / ROLLOUT * PODS))

    def sickness(self, at: float) -> float:
        """How bad it is, from 0 to 1: a first step soon after the deploy, a second when the pool is exhausted."""
        since = at - self.deployed_at
        rise = 0.42 * _step(since, _ONSET, 18.0) + 0.58 * _step(since, _EXHAUSTED, 40.0)
        rise *= 1 - _RELIEF * _step(since, _RELIEF_AFTER, 12.0)
        if self.fixed_at is None or at <= self.fixed_at:
            return rise
        since = at - self.fixed_at
        left = 1 - 0.55 * min(1.0, since / ROLLOUT)
        if since > ROLLOUT * 0.6:
            left *= math.exp(-(since - ROLLOUT * 0.6) / _DRAIN)
        return float(rise * left)

    def wobble(self, name: str, at: float, slow: float, fast: float) -> float:
        """A factor around 1."""
        return 1 + slow * noise(self.seed, name, at, 95.0) + fast * noise(self.seed, name + "'", at, 11.0)


def p99(world: World, at: float) -> float:
    """Seconds within which 99 of 100 requests are answered."""
    sick = world.sickness(at)
    return (0.31 + 3.9 * sick) * world.wobble("p99", at, 0.05 + 0.07 * sick, 0.05)


def p50(world: World, at: float) -> float:
    """Median seconds to an answer."""
    return (0.08 + 0.46 * world.sickness(at)) * world.wobble("p50", at, 0.05, 0.04)


def errors(world: World, at: float) -> float:
    """Share of requests that fail."""
    return (0.0016 + 0.104 * math.pow(world.sickness(at), 1.3)) * world.wobble("errors", at, 0.1, 0.1)


def requests(world: World, at: float) -> float:
    """Checkouts completed in a second."""
    tide = 1 + 0.05 * math.sin(at / 700)
    return 46.0 * tide * (1 - 0.46 * world.sickness(at)) * world.wobble("requests", at, 0.04, 0.05)


def pool(world: World, at: float) -> float:
    """Share of the database connections in use."""
    return min(1.0, (0.42 + 0.68 * world.sickness(at)) * world.wobble("pool", at, 0.03, 0.025))


def queue(world: World, at: float) -> float:
    """Payments that wait."""
    lagged = sum(world.sickness(at - _LAG * part / 6) for part in range(7)) / 7
    return float(round((90 + 5400 * lagged) * world.wobble("queue", at, 0.06, 0.02)))


def new_pods(world: World, at: float) -> float:
    """Ready pods of the bad version."""
    if at < world.deployed_at:
        return 0.0
    up = min(PODS, int((at - world.deployed_at) / 60.0 * PODS))
    flaky = 2 if world.sickness(at) > 0.6 and noise(world.seed, "crash", at, 40.0) > 0.45 else 0
    return float(max(0, up - world.fixed_pods(at) - flaky))


def old_pods(world: World, at: float) -> float:
    """Ready pods of the good version."""
    if at < world.deployed_at:
        return float(PODS)
    return float(max(0, PODS - int((at - world.deployed_at) / 60.0 * PODS)) + world.fixed_pods(at))


Measure = Callable[[World, float], float]
