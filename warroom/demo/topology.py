"""Who calls whom in the imaginary production, how often, with which failures and how fast: figures of a moment.

Invariant: they are the world's own figures, those behind its panels and requests, not counts of what was sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from statistics import NormalDist

from warroom.demo.spans import TRIES
from warroom.demo.traffic import BROWSED, INVOICED, KEPT, SEARCHED, Moment, quantile

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
_BUSY = 0.16
"""Seconds of a checkout that are work: what is beyond them is waiting for a connection."""


@dataclass(frozen=True, slots=True)
class Fare:
    """Calls a second, the share of them that fails, and seconds within which 95 of 100 are answered."""

    rate: float
    errors: float
    p95: float


def fares(now: Moment) -> dict[str, Fare]:
    """How each service fares; those that nobody calls have no entry."""
    tried, browsed, searched = now.attempts, BROWSED * KEPT, SEARCHED * KEPT
    placed, well = now.rate, quantile(now.well_p50, now.well_p99, 0.95)
    ill = quantile(now.p50, now.p99, 0.95)
    refused = tried * now.errors if now.full else 0.0
    acquired = tried + (TRIES - 1) * refused
    calls = tried + browsed + searched
    failed = tried * now.errors + (browsed + searched) * now.well_errors
    found = {
        "checkout-api": Fare(tried, now.errors, ill),
        "edge-gateway": Fare(calls, failed / calls, _mixed(now, tried / calls)),
        "orders-db": Fare(placed, 0.0, _BUSY * 0.22),
        "payments": Fare(placed, 0.0, _BUSY * 0.45),
        "pgbouncer": Fare(acquired, TRIES * refused / acquired, max(0.004, ill - _BUSY)),
        "search": Fare(searched, now.well_errors, well),
        "storefront": Fare(browsed, now.well_errors, well),
    }
    if now.recommends:
        found["recommendations"] = Fare(browsed, 0.0, well * 0.3)
    if now.invoices:
        found["billing"] = Fare(INVOICED * KEPT, now.well_errors, well)
    return found


def edges(now: Moment) -> dict[tuple[str, str], float]:
    """Calls a second from one service to another."""
    rate = {name: fare.rate for name, fare in fares(now).items()}
    wanted = (
        ("edge-gateway", "checkout-api"), ("edge-gateway", "storefront"), ("edge-gateway", "search"),
        ("storefront", "recommendations"), ("checkout-api", "pgbouncer"), ("checkout-api", "orders-db"),
        ("checkout-api", "payments"),
    )  # fmt: skip
    return {pair: rate[pair[1]] for pair in wanted if pair[1] in rate}


def _mixed(now: Moment, share: float) -> float:
    """The 95th of 100 where that share of the requests are checkouts and the rest are well, by bisection."""
    low, high = 0.0, quantile(now.p50, now.p99, 0.99) + quantile(now.well_p50, now.well_p99, 0.99)
    for _ in range(30):
        middle = (low + high) / 2
        within = share * _within(now.p50, now.p99, middle) + (1 - share) * _within(now.well_p50, now.well_p99, middle)
        low, high = (middle, high) if within < 0.95 else (low, middle)
    return high


def _within(p50: float, p99: float, seconds: float) -> float:
    """The share of requests answered within so many seconds."""
    return _NORMAL.cdf(log(seconds / p50) / log(p99 / p50) * _Z99)
