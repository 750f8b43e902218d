"""The log lines of the imaginary production: what its services wrote in each second, each line of a known form.

Invariant: a line is a function of the world and its second; lines of a request carry its trace; no line says that the
pool is full but while it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from warroom.demo import world as w
from warroom.demo.traffic import Dice, Moment, Request, Traffic
from warroom.telemetry.logs import LogLine, Pairs

HOLE = "<_>"
POOL = 200
_SLOW = 700_000
_WINDOW = 30


@dataclass(frozen=True, slots=True)
class Form:
    """Lines of one kind: `pattern` has `<_>` where they differ."""

    service: str
    level: str
    pattern: str

    @property
    def labels(self) -> Pairs:
        """The labels of its stream."""
        return _labels(self.service)


class Written(NamedTuple):
    """A line and its form."""

    line: LogLine
    form: Form


@lru_cache(64)
def _template(pattern: str) -> str:
    return pattern.replace("%", "%%").replace(HOLE, "%s")


@lru_cache(64)
def _labels(service: str) -> Pairs:
    return (("namespace", "shop"), ("region", "eu-west-1"), ("service_name", service))


_REQUEST = Form("edge-gateway", "info", "level=info msg=request method=<_> path=<_> status=200 duration_ms=<_> "
                "upstream=<_> trace_id=<_>")  # fmt: skip
_UPSTREAM = Form("edge-gateway", "error", 'level=error msg="upstream failed" method=<_> path=<_> status=<_> '
                 "duration_ms=<_> upstream=<_> trace_id=<_>")  # fmt: skip
_PLACED = Form("checkout-api", "info", '{"level":"info","msg":"order placed","order":"o-<_>","amount":"<_>",'
               '"currency":"EUR","duration_ms":<_>,"trace_id":"<_>"}')  # fmt: skip
_PRICED = Form("checkout-api", "info", '{"level":"info","msg":"cart priced","items":<_>,"trace_id":"<_>"}')
_WAITED = Form("checkout-api", "warn", '{"level":"warn","msg":"waited for a connection","waited_ms":<_>,'
               '"in_use":<_>,"max":200,"trace_id":"<_>"}')  # fmt: skip
_RETRIED = Form("checkout-api", "warn", '{"level":"warn","msg":"payment timed out, trying again","attempt":2,'
                '"version":"<_>","trace_id":"<_>"}')  # fmt: skip
NO_CONNECTION = Form("checkout-api", "error", '{"level":"error","msg":"timeout waiting for a connection",'
                     '"pool":"orders","in_use":200,"max":200,"waited_ms":<_>,"status":503,'
                     '"trace_id":"<_>"}')  # fmt: skip
_DEADLINE = Form("checkout-api", "error", '{"level":"error","msg":"deadline exceeded","waited_ms":<_>,'
                 '"in_use":<_>,"max":200,"status":504,"trace_id":"<_>"}')  # fmt: skip
_CHARGED = Form("payments", "info", "level=info msg=charged provider=acme-pay duration_ms=<_> trace_id=<_>")
EXHAUSTED = Form("pgbouncer", "warn", "WARNING orders/checkout: pool exhausted, 200 of 200 connections in use, "
                 "<_> clients waiting")  # fmt: skip
_STATS = Form("pgbouncer", "info", "LOG stats: <_> of 200 connections in use, <_> transactions/s")
_IDLE = Form("pgbouncer", "info", "LOG S-<_>: orders/checkout idle in transaction for <_> s")
_VIEWED = Form("storefront", "info", "GET /product/<_> 200 <_>ms cache=<_>")
_BROKEN = Form("storefront", "error", "GET /product/<_> 500 <_>ms: template failed")
_CART = Form("storefront", "debug", "DEBUG cart <_> read from redis in <_>ms")
_SERVED = Form("search", "info", 'level=info msg="query served" hits=<_> duration_ms=<_> trace_id=<_>')
_UNSERVED = Form("search", "error", 'level=error msg="query failed" duration_ms=<_> trace_id=<_>')
_MERGED = Form("search", "debug", 'level=debug msg="segments merged" segments=<_> took_ms=<_>')
_SENT = Form("billing", "info", '{"level":"info","msg":"invoice sent","invoice":"i-<_>","trace_id":"<_>"}')
_UNSENT = Form("billing", "error", '{"level":"error","msg":"mail server refused","invoice":"i-<_>","trace_id":"<_>"}')
_TWICE = Form("billing", "warn", '{"level":"warn","msg":"retry after success: invoice sent again","invoice":"i-<_>",'
              '"trace_id":"<_>"}')  # fmt: skip
_ROLLOUT = Form("deployer", "info", 'level=info msg="rollout began" service=checkout-api version=<_> pods=30')
_READY = Form("deployer", "info", 'level=info msg="pods ready" service=checkout-api version=<_> ready=<_> pods=30')
_FLAG = Form("deployer", "info", 'level=info msg="flag changed" service=storefront flag=recommendations value=<_>')
SERVICES = ("billing", "checkout-api", "deployer", "edge-gateway", "payments", "pgbouncer", "search", "storefront")
"""Who writes, by name."""


class LogBook:
    """Every line there is, by time."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._written = lru_cache(4096)(self._of)

    def forward(self, start: int, end: int) -> Iterator[list[Written]]:
        """Lines from `start` up to `end` (nanoseconds), a part at a time, the oldest first."""
        for low, high in self._windows(start, end):
            yield self._window(low, high)

    def backward(self, start: int, end: int) -> Iterator[list[Written]]:
        """As `forward`, the newest first."""
        for low, high in reversed(self._windows(start, end)):
            yield self._window(low, high)[::-1]

    def _windows(self, start: int, end: int) -> list[tuple[int, int]]:
        start = max(start, self.traffic.first * 1_000_000_000)
        end = min(end, int(self.traffic.now() * 1e9) + 1)
        size = _WINDOW * 1_000_000_000
        edges = [start, *range((start // size + 1) * size, end, size), end]
        return [(low, high) for low, high in pairwise(edges) if low < high]

    def _window(self, low: int, high: int) -> list[Written]:
        cells = self.traffic.cells(low / 1e9, (high - 1) / 1e9)
        found = [one for cell in cells for one in self._written(cell) if low <= one.line.ns < high]
        return sorted(found, key=lambda one: (one.line.ns, one.line.text))

    def _of(self, cell: int) -> tuple[Written, ...]:
        traffic = self.traffic
        found = [one for request in traffic.of(cell) for one in _of_request(request)]
        now, dice = traffic.moment(float(cell)), Dice(f"{traffic.world.seed}/lines/{cell}")
        return (*found, *_of_pool(now, cell, dice), *_of_quiet(cell, dice), *_of_changes(traffic, cell))


def _line(form: Form, ns: int, values: tuple[object, ...], beside: tuple[tuple[str, str], ...] = ()) -> Written:
    text = _template(form.pattern) % values
    metadata = tuple(sorted((("detected_level", form.level), *beside)))
    return Written(LogLine(ns, text, form.labels, metadata), form)


def _of_request(one: Request) -> Iterator[Written]:
    trace = (("trace_id", one.trace_id),)
    end = one.end * 1000 + one.draw % 1000
    ms = one.duration // 1000
    if one.kind == "invoice":
        number = one.draw % 90_000 + 10_000
        yield _line(_UNSENT if one.failed else _SENT, end, (number, one.trace_id), trace)
        if one.moment.twice and one.draw % 3 == 0:
            yield _line(_TWICE, end + 400_000_000, (number, one.trace_id), trace)
        return
    if one.kind == "checkout":
        yield from _of_checkout(one, (*trace, ("pod", one.pod), ("version", one.version)))
    elif one.kind == "search":
        hits = () if one.failed else (one.draw % 240,)
        yield _line(_UNSERVED if one.failed else _SERVED, end - 900_000, (*hits, ms, one.trace_id), trace)
    else:
        how = () if one.failed else ("hit" if one.draw % 25 else "miss",)
        yield _line(_BROKEN if one.failed else _VIEWED, end - 900_000, (one.draw % 4000, ms, *how), trace)
    method, path, upstream = {
        "checkout": ("POST", "/api/checkout", "checkout-api"), "search": ("GET", "/search", "search"),
    }.get(one.kind, ("GET", f"/product/{one.draw % 4000}", "storefront"))  # fmt: skip
    status = (one.status,) if one.failed else ()
    values = method, path, *status, one.whole // 1000, upstream, one.trace_id
    yield _line(_UPSTREAM if one.failed else _REQUEST, end, values, trace)


def _of_checkout(one: Request, beside: Pairs) -> Iterator[Written]:
    start, end = one.start * 1000, (one.start + one.duration) * 1000 + one.draw % 700
    yield _line(_PRICED, start + 4_000_000, (one.draw % 6 + 1, one.trace_id), beside)
    waited, in_use = one.wait // 1000, round(one.moment.pool * POOL)
    if one.failed and one.full:
        yield _line(NO_CONNECTION, end, (waited, one.trace_id), beside)
        return
    if one.failed:
        yield _line(_DEADLINE, end, (waited, in_use, one.trace_id), beside)
        return
    if one.wait > _SLOW:
        yield _line(_WAITED, start + one.wait * 1000, (waited, in_use, one.trace_id), beside)
    if one.retried:
        yield _line(_RETRIED, start + one.wait * 1000 + 1_000_000, (one.version, one.trace_id), beside)
    if one.draw % 3 == 0:
        charged = one.duration - one.wait
        yield _line(_CHARGED, end - 2_000_000, (charged * 42 // 100_000, one.trace_id), beside[:1])
    amount = f"{one.draw % 180 + 9}.{one.draw % 100:02d}"
    yield _line(_PLACED, end, (one.draw % 900_000 + 100_000, amount, one.duration // 1000, one.trace_id), beside)


def _of_pool(now: Moment, cell: int, dice: Dice) -> Iterator[Written]:
    ns = cell * 1_000_000_000
    if now.full:
        # Clients that wait are told in bursts, as a pooler does.
        for _ in range(dice.between(2, 5) if dice.share() < 0.22 else dice.count(0.35)):
            waiting = 1150 + int(260 * now.sick) + dice.between(0, 60)
            yield _line(EXHAUSTED, ns + int(dice.share() * 1e9), (waiting,))
    if dice.share() < 0.3 * now.sick * now.bad_share:
        yield _line(_IDLE, ns + int(dice.share() * 1e9), (f"0x{dice.between(4096, 65_535):x}", dice.between(40, 400)))
    if cell % 15 == 0:
        yield _line(_STATS, ns + 3_000_000, (round(now.pool * POOL), round(now.rate * 2)))


def _of_quiet(cell: int, dice: Dice) -> Iterator[Written]:
    ns = cell * 1_000_000_000
    if dice.share() < 0.25:
        number = f"c-{dice.between(10_000, 99_999)}"
        yield _line(_CART, ns + int(dice.share() * 1e9), (number, dice.between(1, 4)))
    if dice.share() < 0.05:
        yield _line(_MERGED, ns + int(dice.share() * 1e9), (dice.between(3, 9), dice.between(40, 300)))


def _of_changes(traffic: Traffic, cell: int) -> Iterator[Written]:
    """What was rolled out and switched."""
    world = traffic.world
    for began, version, seconds in (
        (world.deployed_at, w.BAD_VERSION, 60.0), (world.fixed_at, world.fixed_version, w.ROLLOUT),
    ):  # fmt: skip
        if began is None or not math.isfinite(began) or not 0 <= cell - math.floor(began) <= seconds + 10:
            continue
        since, ns = cell - math.floor(began), cell * 1_000_000_000
        if since == 1:
            yield _line(_ROLLOUT, ns + 1_000_000, (version,))
        elif since % 10 == 0:
            yield _line(_READY, ns + 5_000_000, (version, min(w.PODS, int(since / seconds * w.PODS))))
    on = traffic.recommends(float(cell))
    if on != traffic.recommends(float(cell - 1)):
        yield _line(_FLAG, cell * 1_000_000_000 + 7_000_000, ("on" if on else "off",))
