"""Scrapes loopback targets into the series store as a Prometheus does: samples, `up`, `scrape_*` series, staleness.

Invariant: a series that a target no longer tells, and every series of a target that cannot be scraped, is marked as
ended at that scrape; nothing beyond loopback is ever asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from warroom.embedded.exposition import BadExposition, Exposed, read_exposition
from warroom.embedded.series_store import SampleRefused, SeriesStore
from warroom.telemetry.alerts import Exemplar, Target
from warroom.telemetry.block import SeriesKey
from warroom.telemetry.clock import Clock

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer, after decompression."""

_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.6,*/*;q=0.1"
_LOG = logging.getLogger(__name__)


class BadTarget(ValueError):
    """A target that cannot be scraped from here; one sentence."""


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """What is scraped, and the labels that its series get."""

    job: str
    instance: str
    url: str


@dataclass(slots=True)
class _Seen:
    """How the last scrape of a target went."""

    health: str = "unknown"
    error: str = ""
    at: float = 0.0
    series: set[SeriesKey] = field(default_factory=set)


def target_of(said: str) -> ScrapeTarget:
    """A target as the command line names it: `[JOB=]HOST:PORT[/PATH]`, the host on loopback. Raises BadTarget."""
    named = re.match(r"([\w.-]+)=(.*)", said)
    job, address = (named[1], named[2]) if named is not None else ("scraped", said)
    parts = urlsplit(address if "://" in address else f"http://{address}")
    shown = "JOB=127.0.0.1:9100 or 127.0.0.1:9100/metrics would be one"
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadTarget(f"{said!r} is no target; {shown}") from None
    if parts.scheme != "http" or not host or port is None or parts.username is not None:
        raise BadTarget(f"{said!r} is no target; {shown}")
    if host != "localhost" and not _loopback(host):
        raise BadTarget(f"{said!r}: only targets of this machine are scraped; {shown}")
    where = f"[{host}]" if ":" in host else host
    path = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
    return ScrapeTarget(job, f"{where}:{port}", f"http://{where}:{port}{path}")


class Scraper:
    """Scrapes every target each `interval` seconds while `run` runs. Belongs to one event loop."""

    def __init__(
        self,
        store: SeriesStore,
        targets: Sequence[ScrapeTarget],
        clock: Clock,
        *,
        interval: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._store, self._clock, self._interval = store, clock, interval
        self._transport = transport
        self._seen = {target: _Seen() for target in targets}

    def targets(self) -> tuple[Target, ...]:
        """All targets and how their last scrape went."""
        return tuple(
            Target(one.job, one.instance, seen.health, seen.error, seen.at,
                   (("instance", one.instance), ("job", one.job)))
            for one, seen in self._seen.items()
        )  # fmt: skip

    async def run(self) -> None:
        """Scrape until cancelled."""
        while True:
            began = self._clock.monotonic()
            await self.once()
            await self._clock.wait(max(0.0, self._interval - (self._clock.monotonic() - began)))

    async def once(self) -> None:
        """Scrape every target one time, all at the same time."""
        timeout = httpx.Timeout(min(10.0, self._interval))
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, transport=self._transport) as client:
            await asyncio.gather(*(self._scrape(client, one) for one in self._seen))

    async def _scrape(self, client: httpx.AsyncClient, target: ScrapeTarget) -> None:
        at, began = round(self._clock.now(), 3), self._clock.monotonic()
        seen = self._seen[target]
        samples: list[Exposed] = []
        try:
            samples = await self._fetch(client, target)
            seen.health, seen.error = "up", ""
        except (httpx.HTTPError, BadExposition) as failed:
            seen.health, seen.error = "down", _words(failed)
        seen.at = at
        took = self._clock.monotonic() - began
        kept, told = self._keep(target, samples, at)
        own = {
            "up": float(seen.health == "up"),
            "scrape_duration_seconds": took,
            "scrape_samples_scraped": float(len(samples)),
            "scrape_samples_post_metric_relabeling": float(len(samples)),
            "scrape_series_added": float(len(told - seen.series)),
        }
        for name, value in own.items():
            kept += self._append(_key((("__name__", name),), target), at, value)
        self._store.mark_stale(sorted(seen.series - told), at)
        seen.series = told
        if kept:
            _LOG.debug("samples of a scrape were refused", extra={"count": kept, "reason": target.instance})

    async def _fetch(self, client: httpx.AsyncClient, target: ScrapeTarget) -> list[Exposed]:
        async with client.stream("GET", target.url, headers={"Accept": _ACCEPT}) as answer:
            if answer.status_code != 200:
                raise BadExposition(f"server returned HTTP status {answer.status_code} {answer.reason_phrase}".rstrip())
            parts, size = [], 0
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > LARGEST:
                    raise BadExposition(f"the answer has more than {LARGEST // 1024**2} MiB")
                parts.append(part)
        try:
            text = b"".join(parts).decode()
        except UnicodeDecodeError:
            raise BadExposition("the answer is not UTF-8") from None
        openmetrics = "openmetrics" in answer.headers.get("content-type", "")
        samples, infos = read_exposition(text, openmetrics=openmetrics)
        self._store.metadata(infos)
        return samples

    def _keep(self, target: ScrapeTarget, samples: Sequence[Exposed], at: float) -> tuple[int, set[SeriesKey]]:
        """How many samples were refused, and the series that were told."""
        refused, told = 0, set[SeriesKey]()
        for one in samples:
            key = _key(one.labels, target)
            refused += self._append(key, at if one.at is None else one.at, one.value)
            if one.at is None:
                # A series with times of its own has no end that a scrape could tell.
                told.add(key)
            if one.exemplar is not None:
                labels, value, when = one.exemplar
                found = Exemplar(key, labels, value, at if when is None else when, dict(labels).get("trace_id", ""))
                self._store.exemplars([found])
        return refused, told

    def _append(self, key: SeriesKey, at: float, value: float) -> int:
        try:
            self._store.append_samples(key, (at,), (value,))
        except SampleRefused:
            return 1
        return 0


def _key(labels: Sequence[tuple[str, str]], target: ScrapeTarget) -> SeriesKey:
    """The target's own labels count; what a sample says of itself under their names is kept beside them."""
    named = dict(labels)
    for name, value in (("job", target.job), ("instance", target.instance)):
        if name in named:
            named[f"exported_{name}"] = named[name]
        named[name] = value
    return tuple(sorted(named.items()))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _words(failed: Exception) -> str:
    if isinstance(failed, httpx.TimeoutException):
        return "context deadline exceeded"
    return " ".join(str(failed).split())[:200] or type(failed).__name__
