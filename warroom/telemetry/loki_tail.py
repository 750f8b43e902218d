"""A tail of Loki that has no gaps: it reconnects, and asks for what the tail itself did not deliver.

Follows https://grafana.com/docs/loki/latest/reference/loki-http-api/#stream-logs over a websocket. A tail of Loki ends
after an hour (`tail_max_duration`), which is bridged in silence; a tenant has ten (`max_concurrent_tail_requests`),
which is told as TooHeavy.

Invariant: each line is given out once, and what could not be got is counted in `LogBatch.lost`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from warroom.telemetry.errors import BadQuery, Denied, NotReady, Protocol, TelemetryError, TooHeavy, Unreachable
from warroom.telemetry.logs import LogBatch, LogLine
from warroom.telemetry.loki_read import Frame, frame_of, ns_of
from warroom.telemetry.loki_tail_merge import Doubt, Merge, Pace, Settled
from warroom.telemetry.source import Access, Source
from warroom.telemetry.upstream import Answer, Upstream, tls_of

if TYPE_CHECKING:
    from warroom.telemetry.loki import Loki

LONGEST_DELAY = 5
"""Seconds that Loki grants for `delay_for`."""

MOST_BACKFILL = 100_000
"""Lines that one window of doubt is filled with; what is beyond is counted as lost."""

SLAB = 5000
"""Lines of one batch at most."""

Trouble = Callable[[TelemetryError | None], None]


async def follow(
    loki: Loki,
    query: str,
    since: int | None,
    limit: int,
    delay_for: int,
    trouble: Trouble | None = None,
    pace: Pace | None = None,
) -> AsyncGenerator[LogBatch, None]:
    """See `Loki.tail`; `since` is in nanoseconds."""
    if not 0 <= delay_for <= LONGEST_DELAY:
        raise BadQuery(f"delay_for: {delay_for} s cannot be asked for; a tail is late by 0 to {LONGEST_DELAY} s")
    if limit < 0:
        raise BadQuery(f"limit: {limit} older lines cannot be asked for; ask for 0 or more")
    tail = _Tail(loki, query, since, limit, delay_for, pace or Pace(), trouble or (lambda _told: None))
    async with aclosing(tail.batches()) as batches:
        async for batch in batches:
            yield batch


class _Straight(connect):
    """Follows no redirect: credentials go where the settings say and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Tail:
    def __init__(
        self, loki: Loki, query: str, since: int | None, limit: int, delay_for: int, pace: Pace, trouble: Trouble
    ) -> None:
        self._loki = loki
        self._upstream: Upstream = loki.upstream
        self._clock = loki.clock
        self._query = query
        self._since, self._limit, self._delay = since, limit, delay_for
        self._pace = pace
        self._trouble = trouble
        self._told = False
        self._merge = Merge(self._now(), pace)

    async def batches(self) -> AsyncGenerator[LogBatch, None]:
        failures = 0
        while True:
            heard = False
            try:
                async with self._connect() as socket:
                    self._tell(None)
                    self._merge.connected(self._clock.monotonic())
                    async with aclosing(self._listen(socket)) as listening:
                        async for batch in listening:
                            heard = True
                            yield batch
            except (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, EOFError, TimeoutError) as gone:
                error, bridged = self._why(gone), _hour_is_over(gone)
            except NotReady as busy:
                error, bridged = busy, False
            for batch in _slabs(Settled(self._merge.dropped(), 0, 0)):
                yield batch
            if bridged:
                continue
            failures = 1 if heard else failures + 1
            self._tell(error)
            await self._clock.wait(min(self._pace.longest_wait, self._pace.first_wait * 2 ** min(failures - 1, 10)))

    async def _listen(self, socket: ClientConnection) -> AsyncGenerator[LogBatch, None]:
        while True:
            doubt = self._merge.doubt
            patience = None if doubt is None else doubt.due - self._clock.monotonic()
            if doubt is not None and patience is not None and patience <= 0:
                for batch in _slabs(await self._settle(doubt)):
                    yield batch
                continue
            try:
                async with asyncio.timeout(patience):
                    data = await socket.recv()
            except TimeoutError:
                continue
            given = self._merge.take(self._frame(data), self._clock.monotonic())
            for batch in _slabs(Settled(given, 0, 0)):
                yield batch

    def _frame(self, data: str | bytes) -> Frame:
        try:
            return frame_of(orjson.loads(data))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            raise self._upstream.strange(type(unexpected).__name__) from None

    async def _settle(self, doubt: Doubt) -> Settled:
        """Ask for the window in doubt. A failure is put off, and given up in the end."""
        start, end = self._merge.window(doubt, self._now())
        found: list[LogLine] = []
        try:
            async with aclosing(self._loki.pages(self._query, start, end, "forward")) as pages:
                async for page in pages:
                    found += page.lines
                    if len(found) >= MOST_BACKFILL and page.full:
                        beyond = await self._count(found[-1].ns, end)
                        return self._merge.settled(doubt, found, uncounted=beyond)
        except TelemetryError:
            return self._merge.put_off(doubt, self._clock.monotonic())
        return self._merge.settled(doubt, found)

    async def _count(self, start: int, end: int) -> int:
        """How many lines there are after `start`; 1 when not even that can be told."""
        counting = f"sum(count_over_time({self._query}\n[{end - start}ns]))"
        try:
            vector = await self._loki.instant(counting, end / 1_000_000_000)
        except TelemetryError:
            return 1
        return max(1, int(sum(sample.value for sample in vector.samples)))

    def _connect(self) -> _Straight:
        source, access, limits = self._upstream.source, self._upstream.access, self._upstream.limits
        trusted = tls_of(source, access)
        return _Straight(
            self._url(),
            additional_headers=_let_in(source, access),
            user_agent_header="warroom",
            proxy=source.proxy,
            ssl=trusted or None,
            open_timeout=limits.total,
            close_timeout=1.0,
            max_size=limits.body,
        )

    def _url(self) -> str:
        """A tail that follows on an earlier one begins at the last line heard: what is told twice is left out."""
        since, limit = self._since, self._limit
        if self._merge.started:
            since, limit = self._merge.newest, max(limit, 1)
        asked = {"query": self._query, "limit": str(limit), "delay_for": str(self._delay)}
        if since is not None:
            asked["start"] = str(since)
        return f"ws{self._upstream.source.base.removeprefix('http')}/loki/api/v1/tail?{urlencode(asked)}"

    def _why(self, gone: Exception) -> TelemetryError:
        """What a failed or ended connection means. Raises it where another try would end in the same way."""
        name, where = self._upstream.source.name, urlsplit(self._upstream.source.url).netloc
        if isinstance(gone, InvalidStatus):
            raise_or_wait = self._refusal(gone)
        elif isinstance(gone, ConnectionClosed):
            raise_or_wait = self._closed(gone)
        elif isinstance(gone, InvalidMessage | EOFError):
            raise_or_wait = Unreachable(f"{name} at {where} dropped the connection of the tail")
        elif isinstance(gone, InvalidHandshake | InvalidURI):
            raise_or_wait = Protocol(f"{name} at {where} does not speak as a websocket ({type(gone).__name__})")
        elif isinstance(gone, TimeoutError):
            raise_or_wait = Unreachable(f"{name} at {where} did not open a tail in time")
        elif "CERTIFICATE" in repr(gone) or "SSL" in repr(gone):
            raise_or_wait = Unreachable(f"{name} at {where} has a TLS certificate that the settings do not trust")
        else:
            raise_or_wait = Unreachable(f"{name} at {where} refused or dropped the connection of the tail")
        if isinstance(raise_or_wait, BadQuery | Denied | TooHeavy | Protocol):
            raise raise_or_wait from None
        return raise_or_wait

    def _refusal(self, gone: InvalidStatus) -> TelemetryError:
        response = gone.response
        if 300 <= response.status_code < 400:
            return Protocol(f"{self._upstream.source.name} redirects its tail; set its URL to where it really answers")
        kind, body = response.headers.get("Content-Type", "").lower(), bytes(response.body or b"")
        if response.status_code == 400 and body.strip() == b"Bad Request":
            # What Loki says to a plain request: the upgrade was lost on the way.
            return Protocol(
                f"{self._upstream.source.name} was reached without a websocket; does a proxy let them through?"
            )
        return self._upstream.refusal(Answer(response.status_code, body, kind))

    def _closed(self, gone: ConnectionClosed) -> TelemetryError:
        name = self._upstream.source.name
        reason = self._upstream.source.clean(gone.rcvd.reason) if gone.rcvd else ""
        if "only log selector" in reason or "parse error" in reason:
            return BadQuery(f"{name}: {reason}; a tail follows lines, not a metric")
        if "max concurrent tail" in reason:
            return TooHeavy(f"{name}: {reason}; end another tail first")
        return Unreachable(f"{name} ended the tail{f': {reason}' if reason else ''}")

    def _tell(self, error: TelemetryError | None) -> None:
        if error is not None or self._told:
            self._trouble(error)
        self._told = error is not None

    def _now(self) -> int:
        return ns_of(self._clock.now())


def _hour_is_over(gone: Exception) -> bool:
    return isinstance(gone, ConnectionClosed) and gone.rcvd is not None and "max duration" in gone.rcvd.reason


def _slabs(settled: Settled) -> list[LogBatch]:
    """Batches of bounded size. Counts stand in the last one."""
    lines = settled.lines
    if not lines and not settled.lost:
        return []
    batches = [LogBatch(lines[at : at + SLAB]) for at in range(0, len(lines) - SLAB, SLAB)]
    rest = lines[len(batches) * SLAB :]
    return [*batches, LogBatch(rest, settled.lost, settled.backfilled)]


def _let_in(source: Source, access: Access) -> dict[str, str]:
    """Headers of the handshake; the way of `Upstream`, and metadata apart from the labels, which a tail would drop."""
    headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels", **access.headers}
    if source.token is not None:
        headers["Authorization"] = f"Bearer {source.token}"
    if source.username is not None:
        pair = f"{source.username}:{source.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if access.tenant:
        headers["X-Scope-OrgID"] = access.tenant
    return headers
