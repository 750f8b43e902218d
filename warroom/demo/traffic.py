"""The requests of the imaginary production, one in `KEPT` of them: what its log lines and traces tell of.

Invariant: a request is a function of world, second and number, made when it is asked for and the same each time; a
share of them fails and takes as long as the world's figures of that second say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

from warroom.demo import world as w
from warroom.demo.past import DEPLOYED
from warroom.demo.world import World

KEPT = 24
"""Of so many requests one has a trace and lines in the log."""
REACH = 5400.0
"""Seconds before the demo began from which on there are requests."""
LONGEST = 12
"""Seconds within which a request is over and everything is written."""
FULL = 0.97
"""Share of the pool in use from which on no connection is free."""
BROWSED, SEARCHED, INVOICED = 1.0, 0.35, 0.12
"""Requests kept in a second, of those that nothing happened to."""
_FLAG_OFF, _FLAG_ON = 900.0, 420.0
"""Seconds after the deploy, and after the way back began, when recommendations were switched."""
_PAUSED, _RESUMED = -720.0, 75.0
"""When billing's mail worker stood still, seconds from the beginning of the demo."""
_SAFE = 5e-4
_NORMAL = NormalDist()
_MASK = (1 << 64) - 1
_Z99 = _NORMAL.inv_cdf(0.99)


class Dice:
    """Fixed draws for a text, by splitmix64 (Steele et al., 2014, "Fast splittable pseudorandom number generators")."""

    __slots__ = ("_state",)

    def __init__(self, text: str) -> None:
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def whole(self) -> int:
        """The next 64 bits."""
        self._state = z = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def share(self) -> float:
        """The next number from 0 up to 1."""
        return (self.whole() >> 11) * 2.0**-53

    def between(self, low: int, high: int) -> int:
        """The next whole number from `low` up to and with `high`."""
        return low + int(self.share() * (high - low + 1))

    def count(self, mean: float) -> int:
        """A whole number that is `mean` on average."""
        return int(mean + self.share())


@dataclass(frozen=True, slots=True)
class Moment:
    """The figures of one second; those that begin with `well` are of services on which nothing happened."""

    at: float
    sick: float
    errors: float
    p50: float
    p99: float
    pool: float
    rate: float
    bad_share: float
    version: str
    well_errors: float
    well_p50: float
    well_p99: float
    recommends: bool
    invoices: bool
    twice: bool

    @property
    def full(self) -> bool:
        """Whether no connection of the pool is free."""
        return self.pool >= FULL

    @property
    def attempts(self) -> float:
        """Checkouts tried in a second."""
        return self.rate / (1 - self.errors)


@dataclass(frozen=True, slots=True)
class Request:
    """`kind` is checkout, browse, search or invoice. Times are microseconds; `duration` is that of the service which
    answers it, `whole` with the gateway before it. `draw` seeds what else is made up of it.
    """

    kind: str
    trace_id: str
    start: int
    duration: int
    whole: int
    failed: bool
    full: bool
    retried: bool
    version: str
    pod: str
    draw: int
    moment: Moment

    @property
    def end(self) -> int:
        """When it was over, microseconds since the epoch."""
        return self.start + self.whole

    @property
    def status(self) -> int:
        """Its HTTP status at the gateway."""
        if not self.failed:
            return 200
        return 500 if self.kind != "checkout" else 503 if self.full else 504

    @property
    def wait(self) -> int:
        """Microseconds of a checkout that went by before it had a connection, or gave up."""
        busy = min(self.duration, 140_000 + self.draw % 40_000)
        return self.duration - (busy // 3 if self.failed else busy)


def quantile(p50: float, p99: float, share: float) -> float:
    """Seconds within which that share is answered, of a log-normal with these two."""
    return p50 * math.exp(math.log(p99 / p50) / _Z99 * _NORMAL.inv_cdf(share))


class Traffic:
    """All requests of a world. `now` tells the time; nothing later than that exists."""

    def __init__(self, world: World, now: Callable[[], float]) -> None:
        self.world, self.now = world, now
        self.zero = world.deployed_at - DEPLOYED * 60
        self.first = math.floor(self.zero - REACH)
        self._well = World(world.seed + 1, deployed_at=float("inf"))
        self._key = f"warroom-demo/{world.seed}".encode()
        self.moment = lru_cache(4096)(self._moment)
        """The figures at a time that is not after now."""
        self.of = lru_cache(4096)(self._of)
        """The requests that began in a second, by time; only of seconds that have begun."""

    def cells(self, start: float, end: float) -> range:
        """The seconds of which something can lie between these times."""
        return range(max(self.first, math.floor(start) - LONGEST), math.floor(min(end, self.now())) + 1)

    def recommends(self, at: float) -> bool:
        """Whether the flag for recommendations is on."""
        fixed = self.world.fixed_at
        return at - self.world.deployed_at < _FLAG_OFF or (fixed is not None and at > fixed + _FLAG_ON)

    def _moment(self, at: float) -> Moment:
        world, well = self.world, self._well
        new, old = w.new_pods(world, at), w.old_pods(world, at)
        fixed = world.fixed_at is not None and at > world.fixed_at
        since = at - self.zero
        return Moment(
            at, world.sickness(at), w.errors(world, at), w.p50(world, at), w.p99(world, at), w.pool(world, at),
            w.requests(world, at), new / max(1.0, new + old), world.fixed_version if fixed else w.GOOD_VERSION,
            w.errors(well, at), w.p50(well, at), w.p99(well, at),
            self.recommends(at), not _PAUSED <= since <= _RESUMED, since < _PAUSED,
        )  # fmt: skip

    def find(self, trace_id: str) -> Request | None:
        """The request with that trace, if it has begun."""
        place = self._place(trace_id)
        if place is None or not self.first <= place[0] <= self.now():
            return None
        found = (one for one in self.of(place[0]) if one.trace_id == trace_id)
        return next((one for one in found if one.start <= self.now() * 1e6), None)

    def _of(self, cell: int) -> tuple[Request, ...]:
        now, dice = self.moment(float(cell)), Dice(f"{self.world.seed}/traffic/{cell}")
        kinds = ["checkout"] * dice.count(now.attempts / KEPT)
        kinds += ["browse"] * dice.count(BROWSED) + ["search"] * dice.count(SEARCHED)
        kinds += ["invoice"] * (dice.count(INVOICED) if now.invoices else 0)
        made = [self._request(kind, now, cell, number) for number, kind in enumerate(kinds)]
        return tuple(sorted(made, key=lambda one: one.start))

    def _request(self, kind: str, now: Moment, cell: int, number: int) -> Request:
        dice = Dice(f"{self.world.seed}/request/{cell}/{number}")
        ill = kind == "checkout"
        errors, p50, p99 = (
            (now.errors, now.p50, now.p99) if ill else (now.well_errors, now.well_p50, now.well_p99)
        )  # fmt: skip
        place = dice.share()
        seconds = quantile(p50, p99, min(1 - _SAFE, max(_SAFE, place)))
        duration = int(min(LONGEST - 2.5, seconds) * 1e6)
        bad = dice.share() < now.bad_share
        # The slowest fail: so durations of all of them together stay what the latency says.
        failed = place > 1 - errors
        retried = ill and bad and not failed and dice.share() < 0.02 + 0.4 * now.sick
        version = w.BAD_VERSION if bad else now.version
        suffix = "7d9f8b6c5" if version == w.BAD_VERSION else "5c4b7f9d8"
        return Request(
            kind, self._id(cell, number), cell * 1_000_000 + int(dice.share() * 1e6), duration,
            duration + (0 if kind == "invoice" else dice.between(1500, 5000)), failed, ill and now.full, retried,
            version, f"checkout-api-{suffix}-{dice.between(0, w.PODS - 1):02d}", dice.whole(), now,
        )  # fmt: skip

    # Ids say where the request is, so that a trace is found without a list of them all

    def _sealed(self, body: bytes, place: bytes) -> bytes:
        return blake2b(body, key=self._key, person=place, digest_size=8).digest()

    def _id(self, cell: int, number: int) -> str:
        body = (cell << 16 | number).to_bytes(8, "big")
        tag = self._sealed(body, b"tag")
        hidden = bytes(one ^ two for one, two in zip(body, self._sealed(tag, b"place"), strict=True))
        return (tag + hidden).hex()

    def _place(self, trace_id: str) -> tuple[int, int] | None:
        raw = bytes.fromhex(trace_id)
        tag, hidden = raw[:8], raw[8:]
        body = bytes(one ^ two for one, two in zip(hidden, self._sealed(tag, b"place"), strict=True))
        if self._sealed(body, b"tag") != tag:
            return None
        said = int.from_bytes(body, "big")
        return said >> 16, said & 0xFFFF
