"""All four backends on four loopback ports, until they are told to end.

Invariant: what was opened is closed, whatever failed; of this package only this module reads the machine's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from warroom.embedded.alertmanager_http import alertmanager_app
from warroom.embedded.backends import Backends, Keep
from warroom.embedded.jaeger_http import jaeger_app
from warroom.embedded.listen import CannotListen, Listening, bound, listen
from warroom.embedded.loki_http import loki_app
from warroom.embedded.otlp_metrics import otlp_routes
from warroom.embedded.prometheus_http import prometheus_app
from warroom.embedded.remote_write import write_routes
from warroom.embedded.rule_files import RuleError, load_rules
from warroom.embedded.scrape import BadTarget, Scraper, ScrapeTarget, target_of
from warroom.telemetry.clock import Clock, SystemClock

PORT_BASE = 9870
"""Ports from here on: beside those that the servers themselves have by default."""

KINDS = ("prometheus", "loki", "jaeger", "alertmanager")
"""What listens, in the order of the ports."""

_LOG = logging.getLogger(__name__)


class CannotServe(ValueError):
    """Why the backends cannot be served; one sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve. `retention` is seconds of metrics and logs; `interval` seconds between scrapes, and between
    evaluations of rules that name no interval; a `port_base` of 0 takes four free ports.
    """

    port_base: int = PORT_BASE
    rules: tuple[Path, ...] = ()
    targets: tuple[str, ...] = ()
    retention: float = 86_400.0
    interval: float = 15.0


@dataclass(frozen=True, slots=True)
class Served:
    """Where each kind of server is, and the backends behind them."""

    urls: dict[str, str]
    backends: Backends


async def serve(plan: Plan, stop: asyncio.Event, ready: Callable[[Served], None], clock: Clock | None = None) -> None:
    """Serve until `stop` is set; `ready` is called once every port answers.

    Raises:
        CannotServe: a rule file, a target or a port cannot be used.
    """
    clock = clock or SystemClock()
    try:
        groups = [group for path in plan.rules for group in load_rules(path)]
        targets = [target_of(one) for one in plan.targets]
    except (RuleError, BadTarget) as wrong:
        raise CannotServe(str(wrong)) from None
    held: list[Scraper] = []
    keep = Keep(metrics=plan.retention, logs=plan.retention, traces=plan.retention)
    backends = Backends(
        clock.now, rules=groups, interval=plan.interval, keep=keep, targets=lambda: held[0].targets() if held else ()
    )
    async with contextlib.AsyncExitStack() as open_ones:
        urls = await _listen(backends, plan, clock, open_ones)
        tasks = [asyncio.create_task(_evaluate(backends, clock), name="embedded-rules")]
        if targets:
            held.append(_scraper(backends, targets, plan, clock))
            tasks.append(asyncio.create_task(held[0].run(), name="embedded-scrape"))
        ready(Served(urls, backends))
        ending = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in (ending, *tasks):
                one.cancel()
            await asyncio.gather(ending, *tasks, return_exceptions=True)


async def _listen(backends: Backends, plan: Plan, clock: Clock, open_ones: contextlib.AsyncExitStack) -> dict[str, str]:
    apps: dict[str, ASGIApp] = {
        "prometheus": prometheus_app(
            backends.metrics, [*write_routes(backends.series_store), *otlp_routes(backends.series_store)]
        ),
        "loki": loki_app(backends.logql, clock.now),
        "jaeger": jaeger_app(backends.trace_store, clock.now, backends.promql),
        "alertmanager": alertmanager_app(backends.alert_store),
    }
    sockets = []
    try:
        for number, kind in enumerate(KINDS):
            sockets.append(bound(plan.port_base + number if plan.port_base else 0, kind))
    except CannotListen as wrong:
        for sock in sockets:
            sock.close()
        raise CannotServe(str(wrong)) from None
    found: dict[str, Listening] = {}
    for kind, sock in zip(KINDS, sockets, strict=True):
        found[kind] = await listen(apps[kind], sock)
        open_ones.push_async_callback(found[kind].stop)
    return {kind: one.url for kind, one in found.items()}


def _scraper(backends: Backends, targets: Sequence[ScrapeTarget], plan: Plan, clock: Clock) -> Scraper:
    return Scraper(backends.series_store, targets, clock, interval=plan.interval)


async def _evaluate(backends: Backends, clock: Clock) -> None:
    """Evaluate rules each second. What a rule fails with is in its health; whatever else is told once and gone on."""
    told = False
    while True:
        try:
            backends.tick(clock.now())
        except Exception:
            if not told:
                _LOG.exception("rules could not be evaluated")
            told = True
        await clock.wait(1.0)
