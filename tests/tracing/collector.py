"""A collector on a loopback port: takes OTLP/HTTP in JSON and reads it with the protocol's own messages, strictly."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from warroom.tracing.exporter import Exporter
from warroom.tracing.opening import about

MESSAGES = {"/v1/traces": ExportTraceServiceRequest, "/v1/logs": ExportLogsServiceRequest}
IDS = ("traceId", "spanId", "parentSpanId")


@dataclass
class Got:
    """One span or line, as the collector understood it."""

    service: str
    resource: dict[str, Any]
    message: Any

    @property
    def name(self) -> str:
        return str(self.message.name)

    @property
    def trace(self) -> str:
        return self.message.trace_id.hex()

    @property
    def id(self) -> str:
        return self.message.span_id.hex()

    @property
    def parent(self) -> str:
        return self.message.parent_span_id.hex()

    @property
    def attributes(self) -> dict[str, Any]:
        return values(self.message.attributes)


@dataclass
class Collector:
    """What came. `status` is answered to everything; `connections` counts who came at all."""

    port: int = 0
    status: int = 200
    answer: bytes = b"{}"
    connections: int = 0
    spans: list[Got] = field(default_factory=list)
    lines: list[Got] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> list[Got]:
        return [span for span in list(self.spans) if span.name == name]

    def wait(self, check: Any, seconds: float = 10.0) -> None:
        """Wait until `check()` is true of what came."""
        with self.changed:
            assert self.changed.wait_for(check, seconds), f"{[one.name for one in self.spans]}, {self.wrong}"
        assert not self.wrong

    def take(self, path: str, body: bytes) -> None:
        message = MESSAGES[path]()
        json_format.Parse(json.dumps(_bytes_as_base64(json.loads(body))), message, ignore_unknown_fields=False)
        if isinstance(message, ExportTraceServiceRequest):
            for resource in message.resource_spans:
                said = values(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [Got(said["service.name"], said, span) for span in scope.spans]
        else:
            for resource in message.resource_logs:
                said = values(resource.resource.attributes)
                for scope in resource.scope_logs:
                    self.lines += [Got(said["service.name"], said, line) for line in scope.log_records]


def values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    return getattr(pair.value, pair.value.WhichOneof("value"))


def _bytes_as_base64(value: Any) -> Any:
    """OTLP says ids in hexadecimal where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [_bytes_as_base64(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, inner in value.items():
        if key in IDS:
            raw = bytes.fromhex(inner)
            assert len(raw) == (16 if key == "traceId" else 8)
            found[key] = base64.b64encode(raw).decode()
        else:
            found[key] = _bytes_as_base64(inner)
    return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""
    it = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            it.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with it.changed:
                try:
                    assert self.headers["Content-Type"] == "application/json"
                    if it.status == 200:
                        it.take(self.path, body)
                except Exception as error:
                    it.wrong.append(repr(error))
                it.changed.notify_all()
            self.send_response(it.status)
            self.send_header("Content-Length", str(len(it.answer)))
            self.end_headers()
            self.wfile.write(it.answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def exporting(url: str, **more: Any) -> Iterator[Exporter]:
    """An exporter that is closed at the end."""
    exporter = Exporter(url, about("test"), "0", every=0.02, **more)
    try:
        yield exporter
    finally:
        exporter.close()
