"""Lines that a state of a service makes it write, again and again while it lasts.

Each row: where it holds (services, regions), how often a second it is said, and the words. Invariant: a row holds
nowhere while nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warroom.simulator.axes import Axes, Floats
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_still import Still
from warroom.simulator.moment import Moment
from warroom.simulator.tick import Tick

Holds: TypeAlias = Callable[[Tick], NDArray[np.bool_]]
Words: TypeAlias = Callable[[Tick, int, int], dict[str, Any]]

SECOND: Final = 1_000_000_000
_SLOW: Final = (
    "SELECT o.* FROM orders o JOIN lines l USING (order_id) WHERE o.created > now() - interval '1 day'",
    "UPDATE stock SET reserved = reserved + $1 WHERE sku = $2",
    "SELECT sku, price FROM products WHERE category = $1 ORDER BY rank LIMIT 50",
    "INSERT INTO outbox (topic, payload) VALUES ($1, $2)",
)


@dataclass(frozen=True, slots=True)
class State:
    """A state of services, and what they say of it."""

    msg: str
    level: str
    often: float
    holds: Holds
    words: Words


def _usual_hit(axes: Axes) -> Floats:
    return np.array([[one.hit] * axes.count for one in axes.topology.services], np.float64)


class Screen:
    """Tells a second in which no state can hold from others, at little cost. It knows the lowest bounds of `states`."""

    def __init__(self, axes: Axes) -> None:
        self._hit = 0.9 * _usual_hit(axes)
        self._still = Still("plan", "supply.gc", "lag", "primary", "hit", "now.crew")
        self._calm = False
        self._bounds: Floats = np.empty(0)

    def quiet(self, t: Tick) -> bool:
        """Whether nothing is to be said of the states of services."""
        m = t.moment
        if not self._still.since(m):
            self._calm, self._bounds = self._is_calm(t), self._bounds_of(m)
        if not self._calm or not (m.memory is None or (t.memory <= 0.88 * t.memory_limit).all()):
            return False
        found = np.concatenate((m.now.cpu_seconds, m.disk, m.before), axis=None)
        return not (found > self._bounds).any()

    def _is_calm(self, t: Tick) -> bool:
        """Whether what seldom changes makes no state hold, and caches have what they usually have."""
        loud = (t.gc > 0.04) | (np.abs(t.skew_s) > 5.0) | (t.lag_s > 5.0)
        return not (loud | (t.alone.places(t.alone["hit"])[0] < self._hit)).any()

    @staticmethod
    def _bounds_of(m: Moment) -> Floats:
        """For the CPU, disks, and the errors of the second before: a cache that fails is as good as cold."""
        size = m.layout.disk_size
        disk = np.where(size > 0, 0.88 * size, np.inf)
        # A hundredth more of the CPU is in use than requests need.
        return np.concatenate((0.91 * m.now.crew.cores, disk, np.full(m.before.shape, 0.15)), axis=None)


def states(axes: Axes) -> tuple[State, ...]:
    """All of them, in a fixed order."""
    usual_hit = _usual_hit(axes)
    databases = np.array([[one.kind == "database"] * axes.count for one in axes.topology.services], bool)
    numbers = np.arange(axes.count)

    def lags(t: Tick) -> NDArray[np.bool_]:
        behind: NDArray[np.bool_] = databases & (t.lag_s > 5.0) & (t.primary[:, None] != numbers)
        return behind

    def percent(top: Floats, whole: Floats, s: int, r: int) -> float:
        return round(100.0 * float(top[s, r]) / max(float(whole[s, r]), 1e-9), 1)

    return (
        State("cpu throttled", "warn", 0.2, lambda t: t.cpu > 0.93,
              lambda t, s, r: {"throttled_percent": round(100 * float(min(t.cpu[s, r], 1.0)) - 40, 1)}),
        State("gc pause", "warn", 0.4, lambda t: t.gc > 0.04,
              lambda t, s, r: {"pause_ms": round(1000 * float(t.gc[s, r])),
                               "heap_mb": round(float(t.memory[s, r]) / 2**20)}),
        State("memory is high", "warn", 0.06, lambda t: t.memory > 0.88 * np.maximum(t.memory_limit, 1.0),
              lambda t, s, r: {"used_mb": round(float(t.memory[s, r]) / 2**20),
                               "limit_mb": round(float(t.memory_limit[s, r]) / 2**20)}),
        State("disk is filling", "warn", 0.03, lambda t: (t.disk_size > 0) & (t.disk > 0.88 * t.disk_size),
              lambda t, s, r: {"used_percent": percent(t.disk, t.disk_size, s, r)}),
        State("write failed", "error", 0.5, lambda t: (t.disk_size > 0) & (t.disk >= 0.999 * t.disk_size),
              lambda *_: {"error": "no space left on device", "as": "PANIC"}),
        State("token is not valid yet", "error", 0.4, lambda t: np.abs(t.skew_s) > 5.0,
              lambda t, s, r: {"skew_seconds": round(float(t.skew_s[s, r]), 1)}),
        State("cache is cold", "warn", 0.1, lambda t: (usual_hit > 0) & (t.hit < 0.75 * usual_hit),
              lambda t, s, r: {"hit_ratio": round(float(t.hit[s, r]), 3)}),
        State("replication lag", "warn", 0.2, lags, lambda t, s, r: {"lag_seconds": round(float(t.lag_s[s, r]), 1)}),
    )  # fmt: skip


class StateLines:
    """Says what holds."""

    def __init__(self, axes: Axes, dice: Dice, desk: LineDesk) -> None:
        self._axes, self._dice, self._desk = axes, dice, desk
        self._states, self._screen = states(axes), Screen(axes)
        self._seen = set(axes.pairs)
        services = axes.topology.services
        self._databases = tuple(pair for pair in axes.pairs if services[pair[0]].kind == "database")
        self._caches = tuple(pair for pair in axes.pairs if services[pair[0]].kind == "cache")

    def live(self, tick: Tick, ns: int) -> None:
        """A second passes, from `ns` (nanoseconds) on."""
        if not self._screen.quiet(tick):
            self._unusual(tick, ns)
        self._usual(tick, ns)

    def _unusual(self, tick: Tick, ns: int) -> None:
        for one in self._states:
            holding = one.holds(tick)
            if holding.any():
                for service, region in np.argwhere(holding).tolist():
                    if (service, region) in self._seen and self._dice.share() < one.often:
                        self._say(ns, service, region, one.level, one.msg, one.words(tick, service, region))

    def _usual(self, tick: Tick, ns: int) -> None:
        """What is said while all is well."""
        dice = self._dice
        for service, region in self._databases:
            if dice.share() < 0.04:
                slow = round(240 + 900 * dice.share() ** 3 + 1000 * float(tick.wait[service, region]), 1)
                words = {"duration_ms": slow, "statement": _SLOW[dice.between(0, len(_SLOW) - 1)]}
                self._say(ns, service, region, "info", "slow statement", words)
            if tick.second % 3600 == 1800 and tick.backup_age_s[service] < 90_000:
                self._backup(tick, ns, service, region)
        if tick.second % 30 == 10:
            for service, region in self._caches:
                hit = round(float(tick.hit[service, region]), 3)
                self._say(ns, service, region, "info", "cache stats", {"hit_ratio": hit, "keys": round(4e6 * hit)})

    def _backup(self, tick: Tick, ns: int, service: int, region: int) -> None:
        size = float(tick.backup_bytes[service])
        self._say(ns, service, region, "info" if size > 0 else "warn", "backup finished", {"bytes": round(size)})

    def _say(self, ns: int, service: int, region: int, level: str, msg: str, fields: dict[str, Any]) -> None:
        self._desk.add(service, region, ns + int(self._dice.share() * SECOND), level, msg, fields)
