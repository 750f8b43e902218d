"""Spans and log lines on their way to a collector: OTLP over HTTP, in batches, by a thread of its own.

    take -> queue (bounded) -> thread: batch -> POST /v1/traces, /v1/logs

Invariant: `take` neither blocks nor raises, whatever the collector does; what cannot be kept or sent is counted.
The thread imports what speaks HTTP, so nothing of it is loaded where nothing is sent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from warroom.tracing.spans import LogLine, Span, Value

if TYPE_CHECKING:
    from http.client import HTTPConnection

MOST = 8192
"""Spans and lines that wait; what comes beyond is dropped."""
BATCH = 512
EVERY = 1.0
"""Seconds between two sendings, unless a batch is full before."""
TIMEOUT = 5.0
LONGEST_PAUSE = 30.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_LARGEST_ANSWER = 64 * 1024

_LOG = logging.getLogger(__name__)


class BadCollector(ValueError):
    """The address cannot be that of a collector; the words follow the name of what was set."""


class Exporter:
    """Sends what it is given to the collector at `url` (`http://127.0.0.1:4318`). `about` describes the process.

    `dropped` and `sent` count by kind, `spans` and `logs`. `close` sends what waits, for a bounded time.
    """

    def __init__(self, url: str, about: Mapping[str, Value], version: str, *, every: float = EVERY) -> None:
        """
        Raises:
            BadCollector: the address cannot work.
        """
        self._secure, self._host, self._port, self._path = address_of(url)
        self._about = about
        self._version = version
        self._every = every
        self._queue: deque[Span | LogLine] = deque()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._deadline = float("inf")
        self._connection: HTTPConnection | None = None
        self._unreachable = False
        self.dropped: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="warroom-otlp", daemon=True)
        self._thread.start()

    def take(self, item: Span | LogLine) -> None:
        """Queue one; any thread may."""
        queue = self._queue
        if len(queue) >= MOST or self._ended.is_set():
            self.dropped[_kind(item)] += 1
            return
        queue.append(item)
        if len(queue) == BATCH:
            self._wake.set()

    def close(self, timeout: float = 1.0) -> None:
        """Send what waits and end, within `timeout` seconds; what is left then is counted as dropped."""
        self._deadline = time.monotonic() + timeout
        self._ended.set()
        self._wake.set()
        self._thread.join(timeout)

    def metrics(self) -> str:
        """What was sent and dropped, in Prometheus's text format."""
        lines: list[str] = []
        for name, words, counts in (
            ("warroom_otlp_sent_total", "Spans and log lines that the collector took.", self.sent),
            ("warroom_otlp_dropped_total", "Spans and log lines that it did not, or that did not fit.", self.dropped),
        ):
            lines += [f"# HELP {name} {words}", f"# TYPE {name} counter"]
            lines += [f'{name}{{kind="{kind}"}} {counts[kind]}' for kind in ("spans", "logs")]
        return "\n".join(lines) + "\n"

    # -- inside the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        from warroom.tracing import otlp

        pause = 0.0
        while True:
            # A full batch hurries; a collector that does not answer is left alone all the same.
            if pause:
                self._ended.wait(pause)
            else:
                self._wake.wait(self._every)
            self._wake.clear()
            pause = self._drain(otlp, pause)
            if self._ended.is_set():
                break
        for item in self._queue:
            self.dropped[_kind(item)] += 1
        self._queue.clear()
        self._hang_up()

    def _drain(self, otlp: Any, pause: float) -> float:
        """Send all that waits; returns how long to leave the collector alone, 0 while it answers."""
        while self._queue and time.monotonic() < self._deadline:
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            spans = [one for one in batch if isinstance(one, Span)]
            lines = [one for one in batch if isinstance(one, LogLine)]
            spans_taken = self._send("spans", spans, otlp.traces)
            lines_taken = self._send("logs", lines, otlp.logs)
            left: Sequence[Span | LogLine] = [*([] if spans_taken else spans), *([] if lines_taken else lines)]
            if left:
                # They wait for the next try at the head of the queue, which may be over its bound by one batch.
                self._queue.extendleft(reversed(left))
                return min(LONGEST_PAUSE, 2 * pause or self._every)
        return 0.0

    def _send(self, kind: str, items: Sequence[Any], encode: Callable[..., bytes]) -> bool:
        """Whether these are done with: taken by the collector, or refused for good and counted."""
        if not items:
            return True
        path = f"{self._path}/v1/{'traces' if kind == 'spans' else 'logs'}"
        try:
            status, answer = self._post(path, encode(items, self._about, self._version))
        except Exception as error:  # whatever a network does; the product goes on
            self._hang_up()
            self._failed(type(error).__name__)
            return False
        if status in _TRY_AGAIN:
            self._failed(f"status {status}")
            return False
        if status >= 300:
            self._failed(f"status {status}")
            self.dropped[kind] += len(items)
            return True
        refused = min(len(items), _refused(answer, kind))
        self.dropped[kind] += refused
        self.sent[kind] += len(items) - refused
        if self._unreachable:
            self._unreachable = False
            _LOG.info("the collector takes spans and logs again")
        return True

    def _failed(self, reason: str) -> None:
        if not self._unreachable:
            self._unreachable = True
            _LOG.warning("the collector takes no spans and logs", extra={"reason": reason})

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        for fresh in (False, True):
            connection = self._connection
            if connection is None or fresh:
                self._hang_up()
                connection, fresh = self._connected(), True
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json", "User-Agent": "warroom"})
                response = connection.getresponse()
                answer = response.read(_LARGEST_ANSWER)
                if not response.isclosed():
                    self._hang_up()
                return response.status, answer
            except ConnectionError:
                # A kept connection that the other side has closed meanwhile is tried once anew.
                if fresh:
                    raise
        raise AssertionError("the second try returns or raises")

    def _connected(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._secure else HTTPConnection
        left = max(0.1, min(TIMEOUT, self._deadline - time.monotonic()))
        self._connection = kind(self._host, self._port, timeout=left)
        return self._connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def address_of(url: str) -> tuple[bool, str, int, str]:
    """Whether TLS, host, port and path of a collector's address.

    Raises:
        BadCollector: it is none, or carries a password, a query or a fragment.
    """
    right = "give http://HOST:4318 or https://HOST:4318"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadCollector(f"is not an address; {right}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadCollector(f"is not an address of a collector; {right}")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadCollector(f"takes no user, password or query; {right}")
    path = parts.path.rstrip("/")
    if not path.isascii() or any(char <= " " for char in path + parts.hostname):
        raise BadCollector(f"has characters that an address has not; {right}")
    return parts.scheme == "https", parts.hostname, port or 4318, path


def _refused(answer: bytes, kind: str) -> int:
    """How many of a batch the collector says it left out (`partialSuccess`)."""
    import orjson

    try:
        told = orjson.loads(answer or b"{}").get("partialSuccess") or {}
        return max(0, int(told.get("rejectedSpans" if kind == "spans" else "rejectedLogRecords", 0)))
    except (ValueError, TypeError, AttributeError):
        return 0


def _kind(item: Span | LogLine) -> str:
    return "spans" if isinstance(item, Span) else "logs"
