"""Spans and log records, sent as OTLP over HTTP in JSON, in batches, from one thread.

Invariant: a collector that is slow or gone slows no service; the queue is bounded and what does not fit is counted.
Format: https://opentelemetry.io/docs/specs/otlp/#otlphttp, https://github.com/open-telemetry/opentelemetry-proto
"""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import figures

SERVER, CLIENT = 2, 3
"""Span kinds, by opentelemetry.proto.trace.v1.Span.SpanKind."""
OK, ERROR = 1, 2
"""Status codes, by opentelemetry.proto.trace.v1.Status.StatusCode."""

SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}
KEPT = 5000
"""Spans, and log records, that wait at most."""
BATCH = 500


@dataclass
class Span:
    """One piece of work of one service. Ids are lower-case hex; times are nanoseconds since 1970."""

    service: str
    name: str
    kind: int
    trace_id: str
    parent_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    start: int = field(default_factory=time.time_ns)
    end: int = 0
    error: str = ""

    def child(self, service: str, name: str, kind: int, **attributes: Any) -> Span:
        """A span below this one."""
        return Span(service, name, kind, self.trace_id, self.span_id, dict(attributes))

    def as_otlp(self) -> dict[str, Any]:
        """The span as opentelemetry.proto.trace.v1.Span in JSON."""
        status = {"code": ERROR, "message": self.error} if self.error else {"code": OK}
        said = {
            "traceId": self.trace_id,
            "spanId": self.span_id,
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": str(self.start),
            "endTimeUnixNano": str(self.end),
            "attributes": _attributes(self.attributes),
            "status": status,
        }
        return {**said, "parentSpanId": self.parent_id} if self.parent_id else said


@dataclass(frozen=True)
class Line:
    """One log line of one service, said within a span."""

    service: str
    level: str
    message: str
    span: Span
    at: int = field(default_factory=time.time_ns)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """The line as it is written to standard output."""
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at // 10**9))
            + f".{self.at // 10**6 % 1000:03}Z",
            "level": self.level.lower(),
            "service": self.service,
            "message": self.message,
            "trace_id": self.span.trace_id,
            "span_id": self.span.span_id,
            **self.attributes,
        }
        return json.dumps(said)

    def as_otlp(self) -> dict[str, Any]:
        """The line as opentelemetry.proto.logs.v1.LogRecord in JSON."""
        return {
            "timeUnixNano": str(self.at),
            "observedTimeUnixNano": str(self.at),
            "severityNumber": SEVERITIES[self.level],
            "severityText": self.level,
            "body": {"stringValue": self.message},
            "attributes": _attributes(self.attributes),
            "traceId": self.span.trace_id,
            "spanId": self.span.span_id,
        }


class Sender:
    """Takes spans and lines at any time; `start` and `stop` run the thread that sends them, once a second.

    Without an address spans are dropped and lines only written out.
    """

    def __init__(self, address: str = "", *, quiet: bool = False) -> None:
        self._address = address.rstrip("/")
        self._quiet = quiet
        self._spans: deque[Span] = deque()
        self._lines: deque[Line] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what is left, and end."""
        self._stop.set()
        self._thread.join(timeout=10)

    def span(self, span: Span) -> None:
        """Take a span that ended."""
        self._take(self._spans, span, "traces")

    def line(self, line: Line) -> None:
        """Write a line out, and take it."""
        if not self._quiet:
            sys.stdout.write(line.as_json() + "\n")
        self._take(self._lines, line, "logs")

    def _take(self, queue: deque[Any], item: Any, signal: str) -> None:
        if not self._address:
            return
        if len(queue) >= KEPT:
            figures.lost.labels(signal).inc()
        else:
            queue.append(item)

    def _run(self) -> None:
        while True:
            stopping = self._stop.wait(1.0)
            self._send_all(self._spans, "traces", "resourceSpans", "scopeSpans", "spans")
            self._send_all(self._lines, "logs", "resourceLogs", "scopeLogs", "logRecords")
            sys.stdout.flush()
            if stopping:
                return

    def _send_all(self, queue: deque[Any], signal: str, *names: str) -> None:
        while queue:
            batch = [queue.popleft() for _ in range(min(len(queue), BATCH))]
            taken = self._post(f"/v1/{signal}", _by_service(batch, *names))
            (figures.sent if taken else figures.lost).labels(signal).inc(len(batch))
            if not taken:
                return

    def _post(self, path: str, body: Mapping[str, Any]) -> bool:
        parts = urlsplit(self._address)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 4318, timeout=5)
        try:
            connection.request("POST", parts.path + path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == 200


def _by_service(batch: Sequence[Any], outer: str, middle: str, inner: str) -> dict[str, Any]:
    services: dict[str, list[Any]] = {}
    for one in batch:
        services.setdefault(one.service, []).append(one.as_otlp())
    return {
        outer: [
            {
                "resource": {"attributes": _attributes({"service.name": name, "service.namespace": "sample"})},
                middle: [{"scope": {"name": "warroom.sample"}, inner: items}],
            }
            for name, items in services.items()
        ]
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values as opentelemetry.proto.common.v1.KeyValue; int64 is a string in OTLP's JSON."""
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
