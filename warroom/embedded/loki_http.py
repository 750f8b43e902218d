"""A Loki's HTTP API over a `LogQL`: push, queries, labels, series, volumes, patterns, fields, and the tail.

Follows https://grafana.com/docs/loki/latest/reference/loki-http-api/ as Loki 3.7 answers it, its plain-text errors
included. One tenant, no authentication: it is for loopback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from warroom.embedded import loki_answers as answers
from warroom.embedded import loki_push, otlp
from warroom.embedded.log_store import Refused
from warroom.embedded.logql import LogQL, LogqlError
from warroom.embedded.loki_answers import FLAG, Asked
from warroom.embedded.loki_tail import Following, follow
from warroom.embedded.otlp_messages import LOGS
from warroom.telemetry.logs import LogLine

VERSION = "3.7.6"
"""The Loki whose answers these are."""

_API = "/loki/api/v1"
_TEXT = "text/plain; charset=utf-8"
_BUILD = {
    "version": VERSION, "revision": "", "branch": "embedded", "buildUser": "", "buildDate": "", "goVersion": "",
}  # fmt: skip
_NO_RULES: Mapping[str, Mapping[str, Any]] = {"rules": {"groups": []}, "alerts": {"alerts": []}}
_LONGEST_DELAY = 5

Answer = TypeVar("Answer")


def loki_app(logql: LogQL, now: Callable[[], float] = time.time, *, may_push: bool = True) -> Starlette:
    """The application, to be served at the root of a port. `now`: the clock that lines are stamped with. Without
    `may_push` what is pushed is refused.
    """
    loki = _Loki(logql, now, may_push)
    routes: list[Route | WebSocketRoute] = [
        Route(path, loki.answered(handler), methods=methods) for path, handler, methods in loki.table()
    ]
    routes.insert(0, WebSocketRoute(f"{_API}/tail", loki.tail))
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})


@dataclass(frozen=True, slots=True)
class _Loki:
    logql: LogQL
    now: Callable[[], float]
    may_push: bool

    def table(self) -> list[tuple[str, Callable[[Request, Asked], Awaitable[Response]], list[str]]]:
        """Paths, what answers them, and by which methods."""
        asked = ["GET", "POST"]
        return [
            (f"{_API}/push", self.push, ["POST"]),
            ("/otlp/v1/logs", self.push_otlp, ["POST"]),
            (f"{_API}/query_range", self.query_range, asked),
            (f"{_API}/query", self.query, asked),
            (f"{_API}/labels", self.labels, asked),
            (f"{_API}/label", self.labels, asked),
            (f"{_API}/label/{{name}}/values", self.label_values, asked),
            (f"{_API}/series", self.series, asked),
            (f"{_API}/index/stats", self.index_stats, asked),
            (f"{_API}/index/volume", self.volume, asked),
            (f"{_API}/index/volume_range", self.volume_range, asked),
            (f"{_API}/patterns", self.patterns, asked),
            (f"{_API}/detected_labels", self.detected_labels, asked),
            (f"{_API}/detected_fields", self.detected_fields, asked),
            (f"{_API}/detected_field/{{name}}/values", self.detected_field_values, asked),
            (f"{_API}/format_query", self.format_query, asked),
            (f"{_API}/tail", self.plain_tail, ["GET"]),
            (f"{_API}/status/buildinfo", self.buildinfo, ["GET"]),
            ("/prometheus/api/v1/rules", self.rules, ["GET"]),
            ("/prometheus/api/v1/alerts", self.rules, ["GET"]),
            ("/ready", self.ready, ["GET"]),
        ]

    def answered(
        self, handler: Callable[[Request, Asked], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler with the parameters of the request read, its refusals told as Loki tells them."""

        async def answer(request: Request) -> Response:
            try:
                params = dict(request.query_params)
                form = "application/x-www-form-urlencoded"
                if request.method == "POST" and request.headers.get("content-type", "").startswith(form):
                    body = (await otlp.body_of(request)).decode("utf-8", "replace")
                    params |= dict(parse_qsl(body, keep_blank_values=True))
                    request.state.form = parse_qsl(body, keep_blank_values=True)
                return await handler(request, Asked(params, self._now_ns()))
            except LogqlError as refused:
                return _refusal(refused.words, refused.status)
            except otlp.OtlpError as refused:
                return _refusal(str(refused), refused.status)

        return answer

    def _now_ns(self) -> int:
        return round(self.now() * 1_000_000) * 1000

    # -- writing -----------------------------------------------------------------------------------------------------

    async def push(self, request: Request, _asked: Asked) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        body = await otlp.body_of(request)
        try:
            lines = loki_push.of_json(body) if kind == "application/json" else loki_push.of_protobuf(body, otlp.LARGEST)
            self._keep(lines)
        except loki_push.PushError as wrong:
            return _refusal(f"{wrong}\n", wrong.status)
        return Response(status_code=204)

    async def push_otlp(self, request: Request, _asked: Asked) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in ("application/json", "application/x-protobuf"):
            return _status(f"content type: {kind} is not supported", 400)
        try:
            self._keep(loki_push.of_otlp(await otlp.pushed(request, LOGS)))
        except otlp.OtlpError as wrong:
            return _status(str(wrong), wrong.status)
        except loki_push.PushError as wrong:
            return _status(str(wrong), wrong.status)
        return Response(status_code=204)

    def _keep(self, lines: list[LogLine]) -> None:
        if not self.may_push:
            raise loki_push.PushError("lines are not taken here: they come from elsewhere in this process", 403)
        if not lines:
            raise loki_push.PushError(loki_push.NOTHING, 422)
        sorted_out = list(loki_push.within(lines, self.now()))
        refused = [one for one in sorted_out if isinstance(one, Refused)]
        refused += self.logql.store.append([one for one in sorted_out if isinstance(one, LogLine)])
        if refused:
            full = any(one.words.startswith("maximum active stream limit") for one in refused)
            raise loki_push.PushError(loki_push.refusal(refused, len(lines)), 429 if full else 400)

    # -- queries -----------------------------------------------------------------------------------------------------

    async def query_range(self, request: Request, asked: Asked) -> Response:
        start, end = asked.range()
        limit, direction = asked.limit(), asked.direction()
        step, query = asked.step(start, end), asked.text("query")

        def work() -> dict[str, Any]:
            if self.logql.is_metric(query):
                return answers.matrix_answer(self.logql.matrix_ns(query, start, end, step))
            found = self.logql.found(query, start, end, limit, direction)
            return answers.lines_answer(found, _categorized(request.headers))

        return _json(await _worked(work))

    async def query(self, _request: Request, asked: Asked) -> Response:
        query, at = asked.text("query"), asked.moment("time", self._now_ns())
        asked.limit()

        def work() -> dict[str, Any]:
            vector = self.logql.instant_ns(query, at)
            return answers.vector_answer(vector, self.logql.is_scalar(query))

        return _json(await _worked(work))

    async def labels(self, _request: Request, asked: Asked) -> Response:
        start, end = asked.span()
        return _json(answers.listed(self.logql.labels(start, end, asked.text("query"))))

    async def label_values(self, request: Request, asked: Asked) -> Response:
        start, end = asked.span()
        found = self.logql.label_values(request.path_params["name"], asked.text("query"), start, end)
        return _json(answers.listed(found))

    async def series(self, request: Request, asked: Asked) -> Response:
        start, end = asked.span()
        pairs = [*request.query_params.multi_items(), *getattr(request.state, "form", ())]
        matchers = [value for name, value in pairs if name in ("match[]", "match")]
        found = self.logql.series(matchers, start, end)
        return _json(answers.success([dict(labels) for labels in found]))

    async def index_stats(self, _request: Request, asked: Asked) -> Response:
        start, end = asked.span()
        query = asked.text("query")
        streams, lines, size = await _worked(lambda: self.logql.index_stats(query, start, end))
        return _json({"streams": streams, "chunks": streams, "bytes": size, "entries": lines})

    async def volume(self, _request: Request, asked: Asked) -> Response:
        return await self._volume(asked, over=False)

    async def volume_range(self, _request: Request, asked: Asked) -> Response:
        return await self._volume(asked, over=True)

    async def _volume(self, asked: Asked, over: bool) -> Response:
        start, end = asked.range()
        step = asked.step(start, end) if over else 0
        query, limit = asked.text("query"), asked.limit()
        by = [name for name in asked.text("targetLabels").split(",") if name]
        named = asked.text("aggregateBy") == "labels"
        found = await _worked(lambda: self.logql.volume_ns(query, start, end, step, by, named))
        return _json(answers.volume_answer(found[:limit], over))

    async def patterns(self, _request: Request, asked: Asked) -> Response:
        start, end = asked.range()
        query, step = asked.text("query"), asked.step(start, end)
        found = await _worked(lambda: self.logql.patterns(query, start / 1e9, end / 1e9, step / 1e9))
        rows = [
            {"pattern": one.pattern, "level": one.level, "samples": [[int(at), count] for at, count in one.samples]}
            for one in found
        ]
        return _json(answers.success(rows))

    async def detected_labels(self, _request: Request, asked: Asked) -> Response:
        start, end = asked.span()
        found = self.logql.detected_labels(asked.text("query"), start, end)
        return _json({"detectedLabels": [{"label": name, "cardinality": count} for name, count in found]})

    async def detected_fields(self, _request: Request, asked: Asked) -> Response:
        start, end = asked.range()
        query, lines, limit = asked.text("query"), asked.limit("line_limit"), asked.limit("limit", 1000)
        found = await _worked(lambda: self.logql.detected_fields_ns(query, start, end, lines))
        fields = [
            {"label": one.name, "type": one.kind, "cardinality": one.cardinality, "parsers": list(one.parsers) or None}
            for one in found[:limit]
        ]
        return _json({"fields": fields, "limit": limit} if fields else {})

    async def detected_field_values(self, request: Request, asked: Asked) -> Response:
        start, end = asked.range()
        name, query = request.path_params["name"], asked.text("query")
        lines, limit = asked.limit("line_limit"), asked.limit("limit", 1000)
        found = await _worked(lambda: self.logql.detected_field_values_ns(name, query, start, end, limit, lines))
        return _json({"values": list(found), "limit": limit} if found else {})

    async def format_query(self, _request: Request, asked: Asked) -> Response:
        try:
            return _json(answers.success(self.logql.format_query(asked.text("query"))))
        except LogqlError as wrong:
            return _json({"status": "invalid-query", "error": wrong.words}, wrong.status)

    # -- the rest ----------------------------------------------------------------------------------------------------

    async def buildinfo(self, _request: Request, _asked: Asked) -> Response:
        return _json(_BUILD)

    async def rules(self, request: Request, _asked: Asked) -> Response:
        return _json(answers.success(_NO_RULES[request.url.path.rpartition("/")[2]]))

    async def ready(self, _request: Request, _asked: Asked) -> Response:
        return PlainTextResponse("ready\n")

    async def plain_tail(self, _request: Request, _asked: Asked) -> Response:
        return _refusal("Bad Request\n", 400)

    # -- the tail ----------------------------------------------------------------------------------------------------

    async def tail(self, socket: WebSocket) -> None:
        """Older lines in the first frame, then new ones as they are kept, until the peer goes."""
        try:
            following = self._following(Asked(dict(socket.query_params), self._now_ns()))
        except LogqlError as refused:
            await socket.send_denial_response(_refusal(refused.words, refused.status))
            return
        await socket.accept()
        if following is None:
            await socket.close(1011, "only log selector is supported")
            return
        following.categorized = _categorized(socket.headers)
        await follow(socket, following)

    def _following(self, asked: Asked) -> Following | None:
        """What a tail is asked for; None for a metric query."""
        query = asked.text("query")
        if asked.whole("delay_for", 0) > _LONGEST_DELAY:
            raise LogqlError(f"delay_for can't be greater than {_LONGEST_DELAY}")
        limit = asked.limit() if asked.text("limit") != "0" else 0
        start, _ = asked.span()
        if self.logql.is_metric(query):
            return None
        return Following(self.logql, query, start, min(limit, self.logql.limits.entries))


async def _worked(work: Callable[[], Answer]) -> Answer:
    return await asyncio.to_thread(work)


def _categorized(headers: Mapping[str, str]) -> bool:
    return FLAG in headers.get("x-loki-response-encoding-flags", "").replace(" ", "").split(",")


def _json(said: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(said), status, media_type="application/json; charset=UTF-8")


def _refusal(words: str, status: int) -> Response:
    headers = {"X-Content-Type-Options": "nosniff", "Content-Type": _TEXT}
    return Response(words.encode("utf-8", "replace"), status, headers=headers)


def _status(words: str, status: int) -> Response:
    """An OTLP refusal: a google.rpc.Status with its message alone, in protobuf whatever was asked in."""
    said = words.encode("utf-8", "replace")
    return Response(b"\x12" + _varint(len(said)) + said, status, media_type="application/octet-stream")


def _varint(number: int) -> bytes:
    said = b""
    while number > 0x7F:
        said += bytes([number & 0x7F | 0x80])
        number >>= 7
    return said + bytes([number])


async def _not_found(_request: Request, _error: Exception) -> Response:
    return _refusal("404 page not found\n", 404)


async def _not_allowed(_request: Request, _error: Exception) -> Response:
    return Response(status_code=405)
