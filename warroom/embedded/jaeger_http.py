"""The HTTP API of a Jaeger over the trace store: the JSON of its user interface, API v3, and OTLP pushes.

Answers, errors and their content types are those of Jaeger 2.19. What needs a storage of its own there (archive) is
not configured here, and says so as Jaeger does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from warroom.embedded.jaeger_metrics import metrics_json
from warroom.embedded.jaeger_said import resource_spans, summary_json, trace_json
from warroom.embedded.jaeger_wrong import Wrong, duration, whole
from warroom.embedded.otlp import OtlpError, accepted, pushed, refused
from warroom.embedded.otlp_messages import TRACES
from warroom.embedded.otlp_traces import traces_of
from warroom.embedded.promql import Engine
from warroom.embedded.trace_store import TraceStore, resolved
from warroom.telemetry.jaeger_read import summary_of
from warroom.telemetry.traces import Trace, TraceSearch

VERSION = "2.19.0"
"""The Jaeger whose answers these are."""

DEFAULT_LIMIT = 100
LONGEST_SEARCH = 2 * 86_400.0
"""Seconds that a search without a start looks back."""

MOST = 1_000_000

_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_DIGITS = re.compile(r"[0-9a-fA-F]+")
_PAGE = f"""<!DOCTYPE html><title>Jaeger</title>
<script>const JAEGER_VERSION = {{"gitCommit":"","gitVersion":"{VERSION}","buildDate":""}};</script>
<p>warroom's embedded Jaeger: its API is under /api. There is no user interface.
"""

Handler = Callable[[Request], Awaitable[Response]]


def jaeger_app(store: TraceStore, now: Callable[[], float], engine: Engine | None = None) -> Starlette:
    """The application, for a port of its own. `engine` has the span metrics behind /api/metrics."""
    api = JaegerApi(store, now, engine)
    get, post = ["GET"], ["POST"]
    routes = [
        Route("/", _page, methods=get),
        Route("/api/services", _kept(api.services), methods=get),
        Route("/api/services/{service:path}/operations", _kept(api.legacy_operations), methods=get),
        Route("/api/operations", _kept(api.operations), methods=get),
        Route("/api/traces", _kept(api.search), methods=get),
        Route("/api/traces/{trace_id}", _kept(api.trace), methods=get),
        Route("/api/dependencies", _kept(api.dependencies), methods=get),
        Route("/api/metrics/{what:str}", _kept(api.metrics), methods=get),
        Route("/api/archive/{trace_id}", _kept(api.archive), methods=post),
        Route("/api/transform", _kept(api.transform), methods=post),
        Route("/api/v3/services", _kept_v3(api.v3_services), methods=get),
        Route("/api/v3/operations", _kept_v3(api.v3_operations), methods=get),
        Route("/api/v3/traces", _kept_v3(api.v3_search), methods=get),
        Route("/api/v3/traces/{trace_id}", _kept_v3(api.v3_trace), methods=get),
        Route("/api/v3/trace-summaries", _kept_v3(api.v3_summaries), methods=get),
        Route("/v1/traces", api.push, methods=[*post, "GET", "PUT", "DELETE"]),
    ]
    missing: Mapping[Any, Any] = {404: _missing, 405: _missing, HTTPException: _missing}
    return Starlette(routes=routes, exception_handlers=dict(missing))


class JaegerApi:
    """What each path answers. Raises Wrong where Jaeger refuses."""

    def __init__(self, store: TraceStore, now: Callable[[], float], engine: Engine | None) -> None:
        self._store, self._now, self._engine = store, now, engine

    async def services(self, _: Request) -> Response:
        names = self._store.services()
        return _answer(list(names), len(names))

    async def operations(self, request: Request) -> Response:
        found = self._operations(_service(request.query_params.get("service", "")), request)
        return _answer(found, len(found))

    async def legacy_operations(self, request: Request) -> Response:
        names = sorted({one["name"] for one in self._operations(request.path_params["service"], request)})
        return _answer(names, len(names))

    async def search(self, request: Request) -> Response:
        asked = request.query_params
        raw = asked.get("raw") == "true"
        ids = asked.getlist("traceID")
        if ids:
            found, errors = [], []
            for one in (_trace_id(said) for said in ids):
                trace = self._store.raw(one)
                if trace is not None:
                    found.append(trace_json(trace, raw=raw))
                else:
                    errors.append({"msg": "trace not found", "traceID": one})
            return _answer(found, errors=errors or None)
        traces = self._found(self._wanted(request))
        return _answer([trace_json(one, raw=raw) for one in traces])

    async def trace(self, request: Request) -> Response:
        asked = request.query_params
        for name in ("start", "end"):
            whole(asked.get(name, ""), name)
        trace = self._known(request.path_params["trace_id"])
        return _answer([trace_json(trace, raw=asked.get("raw") == "true")], pretty=asked.get("prettyPrint") == "true")

    async def dependencies(self, request: Request) -> Response:
        asked = request.query_params
        end = whole(asked.get("endTs", ""), "endTs")
        lookback = whole(asked.get("lookback", ""), "lookback")
        seconds = self._now() if end is None else end / 1000
        edges = self._store.dependencies(seconds, 86_400.0 if lookback is None else lookback / 1000)
        return _answer([{"parent": one.parent, "child": one.child, "callCount": one.calls} for one in edges])

    async def metrics(self, request: Request) -> Response:
        if request.path_params["what"] not in ("calls", "errors", "latencies"):
            raise HTTPException(404)
        if self._engine is None:
            raise Wrong("metrics querying is currently disabled", 501)
        return _json(metrics_json(self._engine, request.path_params["what"], request.query_params, self._now()))

    async def archive(self, request: Request) -> Response:
        self._known(request.path_params["trace_id"])
        raise Wrong("archive span storage was not configured", 500)

    async def transform(self, request: Request) -> Response:
        try:
            said = orjson.loads(await request.body())
            traces, _ = traces_of(said if isinstance(said, dict) else {})
        except (orjson.JSONDecodeError, OtlpError) as wrong:
            raise Wrong(f"cannot unmarshal OTLP : {wrong}", 400) from None
        return _answer([trace_json(one) for one in traces])

    async def push(self, request: Request) -> Response:
        if request.method != "POST":
            return PlainTextResponse("405 method not allowed, supported: [POST]", 405)
        try:
            traces, left_out = traces_of(await pushed(request, TRACES))
        except OtlpError as wrong:
            return refused(request, wrong)
        self._store.add(traces)
        words = "spans without a trace id or a span id were left out" if left_out else ""
        return accepted(request, left_out, words)

    async def v3_services(self, _: Request) -> Response:
        return _json({"services": list(self._store.services())})

    async def v3_operations(self, request: Request) -> Response:
        asked = request.query_params
        found = self._store.operations(_service(asked.get("service", "")), asked.get("span_kind", ""))
        return _json({"operations": [{"name": one.name, "spanKind": one.kind} for one in found]})

    async def v3_search(self, request: Request) -> Response:
        traces = self._found(_v3_wanted(request))
        if not traces:
            raise Wrong("No traces found", 404)
        return _json({"result": {"resourceSpans": resource_spans(traces)}})

    async def v3_trace(self, request: Request) -> Response:
        trace = self._store.raw(_trace_id(request.path_params["trace_id"]))
        if trace is None:
            raise Wrong("No traces found", 404)
        return _json({"result": {"resourceSpans": resource_spans([trace])}})

    async def v3_summaries(self, request: Request) -> Response:
        traces = self._found(_v3_wanted(request))
        if not traces:
            raise Wrong("No traces found", 404)
        return _json({"summaries": [summary_json(one, summary_of(resolved(one))) for one in traces]})

    def _operations(self, service: str, request: Request) -> list[dict[str, str]]:
        found = self._store.operations(service, request.query_params.get("spanKind", ""))
        return [{"name": one.name, "spanKind": one.kind} for one in found]

    def _known(self, said: str) -> Trace:
        trace = self._store.raw(_trace_id(said))
        if trace is None:
            raise Wrong("trace not found", 404)
        return trace

    def _found(self, wanted: TraceSearch) -> list[Trace]:
        if not 0 < wanted.limit <= MOST:
            raise Wrong("search depth must be greater than 0 and less than max traces", 500)
        found = []
        for trace in self._store.matching(wanted):
            found.append(trace)
            if len(found) >= wanted.limit:
                break
        return found

    def _wanted(self, request: Request) -> TraceSearch:
        asked = request.query_params
        start, end = whole(asked.get("start", ""), "start"), whole(asked.get("end", ""), "end")
        limit = whole(asked.get("limit", ""), "")
        shortest, longest = (
            duration(asked.get("minDuration", ""), "minDuration"),
            duration(asked.get("maxDuration", ""), "maxDuration"),
        )
        tags = _tags(asked.getlist("tag"), asked.getlist("tags"))
        service = _service(asked.get("service", ""))
        if shortest and longest and longest < shortest:
            raise Wrong("'maxDuration' should be greater than 'minDuration'")
        until = self._now() if end is None else end / 1_000_000
        return TraceSearch(
            service,
            until - LONGEST_SEARCH if start is None else start / 1_000_000,
            until,
            asked.get("operation", ""),
            tuple(tags.items()),
            shortest or 0.0,
            longest or 0.0,
            limit=DEFAULT_LIMIT if limit is None else limit,
        )


def _v3_wanted(request: Request) -> TraceSearch:
    """A search of API v3, whose names are written in either way."""
    asked = {re.sub(r"_([a-z])", lambda one: one[1].upper(), name): text for name, text in request.query_params.items()}
    times = [asked.get(f"query.startTime{which}", "") for which in ("Min", "Max")]
    if not all(times):
        raise Wrong("query.startTimeMin and query.startTimeMax are required")
    try:
        start, end = (datetime.fromisoformat(one.replace("Z", "+00:00")).timestamp() for one in times)
    except ValueError:
        raise Wrong("malformed parameter query.startTimeMin or query.startTimeMax: RFC 3339 is expected") from None
    tags = asked.get("query.attributes", "")
    limit = whole(asked.get("query.searchDepth", ""), "query.searchDepth")
    return TraceSearch(
        asked.get("query.serviceName", ""),
        start,
        end,
        asked.get("query.operationName", ""),
        tuple(_tags([], [tags] if tags else []).items()),
        duration(asked.get("query.durationMin", ""), "query.durationMin") or 0.0,
        duration(asked.get("query.durationMax", ""), "query.durationMax") or 0.0,
        limit=DEFAULT_LIMIT if limit is None else limit,
    )


def _tags(pairs: Sequence[str], objects: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in pairs:
        name, colon, value = one.partition(":")
        if not colon:
            raise Wrong(f"malformed 'tag' parameter, expecting key:value, received: {one}")
        found[name] = value
    for said in objects:
        try:
            told = orjson.loads(said)
        except orjson.JSONDecodeError as wrong:
            raise Wrong(f"malformed 'tags' parameter, cannot unmarshal JSON: {wrong}") from None
        if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
            raise Wrong("malformed 'tags' parameter, cannot unmarshal JSON: names with texts are expected")
        found |= told
    return found


def _trace_id(said: str) -> str:
    if len(said) > 32:
        raise Wrong(f"TraceID cannot be longer than 32 hex characters: {said[:80]}")
    if not _DIGITS.fullmatch(said):
        raise Wrong(f'strconv.ParseUint: parsing "{said}": invalid syntax')
    return said.lower().zfill(32)


def _service(said: str) -> str:
    if not said:
        raise Wrong("parameter 'service' is required")
    return said


def _kept(answer: Handler) -> Handler:
    """The handler, its refusals said in the envelope of the user interface's API, which is called plain text."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Wrong as wrong:
            said = {
                "data": None,
                "total": 0,
                "limit": 0,
                "offset": 0,
                "errors": [{"code": wrong.status, "msg": str(wrong)}],
            }
            return Response(orjson.dumps(said) + b"\n", wrong.status, _TEXT)

    return answered


def _kept_v3(answer: Handler) -> Handler:
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Wrong as wrong:
            said = {"error": {"httpCode": wrong.status, "message": str(wrong)}}
            return Response(orjson.dumps(said) + b"\n", wrong.status, _TEXT)

    return answered


def _answer(
    data: Any, total: int = 0, *, errors: Sequence[Mapping[str, Any]] | None = None, pretty: bool = False
) -> Response:
    return _json({"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}, pretty=pretty)


def _json(said: Any, *, pretty: bool = False) -> Response:
    return Response(orjson.dumps(said, option=orjson.OPT_INDENT_2 if pretty else None), media_type="application/json")


async def _page(_: Request) -> Response:
    return HTMLResponse(_PAGE)


async def _missing(_: Request, __: Exception) -> Response:
    return Response("404 page not found\n", 404, _TEXT)
