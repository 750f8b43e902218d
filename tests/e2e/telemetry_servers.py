"""A Loki and a Jaeger on loopback that answer as real ones were recorded to, and count what they are asked.

The form of every answer is a recording of `tests/contract`; lines and times in it are the test's own. A question they
were not recorded with is kept in `unknown`, where the test that runs them finds it and fails.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.contract.replay import exchanges

Exchange = Mapping[str, Any]
Asked = tuple[str, dict[str, str]]

_SELECTOR = re.compile(r'\{service_name(=~"\.\+"|="(?P<service>\w+)")\}')
_COUNTING = re.compile(
    r"sum by \(detected_level\) \(count_over_time\((?P<selector>\{[^}]*\}) \[(?P<seconds>\d+)s\]\)\)"
)
_NS = 1_000_000_000


class Line:
    """A log line, with its time in nanoseconds."""

    def __init__(self, text: str, service: str, level: str) -> None:
        self.ns, self.text, self.service, self.level = time.time_ns(), text, service, level

    @property
    def stream(self) -> dict[str, Any]:
        """The line alone in its stream, metadata apart from the labels."""
        value = [str(self.ns), self.text, {"structuredMetadata": {"detected_level": self.level}}]
        return {"stream": {"service_name": self.service}, "values": [value]}


class LokiServer:
    """`asked` are (path, parameters) of all questions, `tails` the queries of all tails that were ever opened."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.tails: list[str] = []
        self.unknown: list[str] = []
        self._recorded = exchanges("loki-3.7.6")
        self._frame = exchanges("loki-3.7.6", "tails")["tail_categorized"]["frames"][0]["data"]
        self._lines: list[Line] = []
        self._open: dict[ServerConnection, str] = {}
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="loki", daemon=True)
        self._thread.start()
        assert self._up.wait(10), "the Loki does not start"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def say(self, text: str, service: str = "shop", level: str = "info") -> None:
        """A service writes a line; whoever tails it hears of it."""
        asyncio.run_coroutine_threadsafe(self._say(Line(text, service, level)), self._loop).result(10)

    def tails_of(self, query: str) -> int:
        """How many tails of this query were opened."""
        return self.tails.count(query)

    def close(self) -> None:
        """Stop answering, at once, as a server that dies."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _start(self) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, compression=None, close_timeout=0.2
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        self._up.set()

    async def _end(self) -> None:
        assert self._server is not None
        for connection in list(self._server.connections):
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _say(self, line: Line) -> None:
        self._lines.append(line)
        frame = json.dumps({**self._frame, "streams": [line.stream]})
        for connection, query in list(self._open.items()):
            if _picks(query, line):
                await connection.send(frame)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, params))
        if parts.path == "/loki/api/v1/tail":
            if _SELECTOR.fullmatch(params["query"]) and "categorize-labels" in request.headers.get_all(
                "X-Loki-Response-Encoding-Flags"
            ):
                self.tails.append(params["query"])
                return None
            self.unknown.append(request.path)
            return connection.respond(HTTPStatus.BAD_REQUEST, "parse error")
        status, kind, body = self._answer(parts.path, params)
        if status == 404:
            self.unknown.append(request.path)
        response = connection.respond(HTTPStatus(status), body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = kind
        return response

    def _answer(self, path: str, params: dict[str, str]) -> tuple[int, str, str]:
        names = {
            "/ready": "ready",
            "/loki/api/v1/status/buildinfo": "buildinfo",
            "/loki/api/v1/labels": "labels",
            "/loki/api/v1/detected_fields": "detected_fields",
        }
        if path == "/loki/api/v1/query_range":
            selector, counting = _SELECTOR.fullmatch(params["query"]), _COUNTING.fullmatch(params["query"])
            if selector:
                return self._body("query_range_structured_metadata_categorized", self._streams(params))
            if counting and _SELECTOR.fullmatch(counting["selector"]):
                return self._body("metric_count_over_time", self._counts(params, counting))
        elif path == "/loki/api/v1/label/service_name/values":
            services = sorted({line.service for line in self._lines})
            return self._said({**self._recorded["label_values"], "body": {"status": "success", "data": services}})
        elif path in names:
            return self._said(self._recorded[names[path]])
        return self._said(self._recorded["error_not_found"])

    def _body(self, recording: str, result: list[dict[str, Any]]) -> tuple[int, str, str]:
        exchange = copy.deepcopy(self._recorded[recording])
        exchange["body"]["data"]["result"] = result
        return self._said(exchange)

    def _said(self, exchange: Exchange) -> tuple[int, str, str]:
        body = exchange["body"]
        kind = (exchange.get("headers") or {}).get("Content-Type", "application/json; charset=UTF-8")
        return exchange["status"], kind, body if isinstance(body, str) else json.dumps(body)

    def _streams(self, params: dict[str, str]) -> list[dict[str, Any]]:
        start, end, limit = int(params["start"]), int(params["end"]), int(params["limit"])
        found = [line for line in self._lines if start <= line.ns < end and _picks(params["query"], line)]
        found = found[:limit] if params["direction"] == "forward" else found[::-1][:limit]
        return [line.stream for line in found]

    def _counts(self, params: dict[str, str], counting: re.Match[str]) -> list[dict[str, Any]]:
        start, end = int(params["start"]) // _NS, int(params["end"]) // _NS
        step, window = int(float(params["step"].removesuffix("s"))), int(counting["seconds"])
        found = []
        for level in sorted({line.level for line in self._lines}):
            stamps = [
                line.ns / _NS for line in self._lines if line.level == level and _picks(counting["selector"], line)
            ]
            counts = [(at, sum(at - window < stamp <= at for stamp in stamps)) for at in range(start, end + 1, step)]
            values = [[at, str(count)] for at, count in counts if count]
            if values:
                found.append({"metric": {"detected_level": level}, "values": values})
        return found

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        params = parse_qs(urlsplit(connection.request.path).query)
        query, limit = params["query"][-1], int(params.get("limit", ["0"])[-1])
        start = int(params.get("start", [str(time.time_ns() - 3600 * _NS)])[-1])
        older = [line for line in self._lines if line.ns >= start and _picks(query, line)][-limit:] if limit else []
        try:
            for line in older:
                await connection.send(json.dumps({**self._frame, "streams": [line.stream]}))
            self._open[connection] = query
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self._open.pop(connection, None)


def _picks(query: str, line: Line) -> bool:
    found = _SELECTOR.fullmatch(query)
    return found is not None and found["service"] in (None, line.service)


class JaegerServer:
    """Has the recorded traces, moved to the last minutes. `asked` are (path, parameters) of all questions."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.unknown: list[str] = []
        self._recorded = exchanges("jaeger-2.19.0")
        found = copy.deepcopy(self._recorded["search_default_limit_100"]["body"]["data"])
        later = int((time.time() - 60) * 1_000_000) - max(span["startTime"] for one in found for span in one["spans"])
        for span in (span for one in found for span in one["spans"]):
            span["startTime"] += later
            for log in span.get("logs") or ():
                log["timestamp"] += later
        self._traces: dict[str, Any] = {one["traceID"]: one for one in found}
        server = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = server._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, path: str) -> int:
        """How often that path was asked for."""
        return sum(asked == path for asked, _ in self.asked)

    def close(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, address: str) -> tuple[int, str, bytes]:
        parts = urlsplit(address)
        path, params = parts.path, {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.asked.append((path, params))
        names = {"/": "root_html", "/api/services": "services"}
        if path in names:
            return _bytes_of(self._recorded[names[path]])
        if path == "/api/operations" and params == {"service": "checkout"}:
            return _bytes_of(self._recorded["operations"])
        if path == "/api/traces" and params.keys() == {"service", "start", "end", "limit"}:
            return _bytes_of(self._recorded["search_service_limit2"], self._found(params))
        trace = self._traces.get(path.removeprefix("/api/traces/"))
        if trace is not None and not params:
            return _bytes_of(self._recorded["trace"], [trace])
        self.unknown.append(address)
        return _bytes_of(self._recorded["trace_not_found"])

    def _found(self, params: dict[str, str]) -> list[Any]:
        def fits(trace: Any) -> bool:
            services = {process["serviceName"] for process in trace["processes"].values()}
            began = min(span["startTime"] for span in trace["spans"])
            return params["service"] in services and int(params["start"]) <= began <= int(params["end"])

        return [trace for trace in self._traces.values() if fits(trace)][: int(params["limit"])]


def _bytes_of(exchange: Exchange, data: list[Any] | None = None) -> tuple[int, str, bytes]:
    body = exchange["body"]
    if data is not None:
        body = {**body, "data": data}
    text = body if isinstance(body, str) else json.dumps(body)
    return exchange["status"], exchange["headers"]["Content-Type"], text.encode()
