"""The HTTP API of Prometheus 3 over the embedded one.

Answers, statuses and words follow https://prometheus.io/docs/prometheus/latest/querying/api/ and what a 3.5.3 answers.
Nothing is scraped from here, and there is no admin API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from warroom.embedded import prometheus_said as said
from warroom.embedded.metrics import VERSION, EmbeddedMetrics, matchers_of
from warroom.embedded.prometheus_ask import Params, chosen, label_name, params_of, wrong
from warroom.embedded.promql.engine import TOO_FINE
from warroom.embedded.promql.errors import PromqlError
from warroom.embedded.promql.parse import format_query
from warroom.embedded.rules_now import GroupNow, RuleNow
from warroom.telemetry.alerts import Matcher

_STATUS = {"bad_data": 400, "execution": 422, "timeout": 503}
_ALL = (float("-inf"), float("inf"))
_KINDS = {"": ("alerting", "recording"), "alert": ("alerting",), "record": ("recording",)}
_TRUNCATED = "results truncated due to limit"

Answering = Callable[[Params], Awaitable[Response]]


def prometheus_app(metrics: EmbeddedMetrics, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The application, for a port of its own; `more` are further routes, such as that of remote write."""
    api = PrometheusApi(metrics)
    both = ["GET", "POST"]
    routes: list[BaseRoute] = [
        *more,
        _route("/query", api.query, both),
        _route("/query_range", api.query_range, both),
        _route("/query_exemplars", api.query_exemplars, both),
        _route("/format_query", api.format_query, both),
        _route("/labels", api.labels, both),
        _route("/series", api.series, both),
        Route("/api/v1/label/{name}/values", api.label_values, methods=["GET"]),
        _route("/metadata", api.metadata),
        _route("/targets", api.targets),
        _route("/alerts", api.alerts),
        _route("/rules", api.rules),
        _route("/alertmanagers", api.alertmanagers),
        _route("/status/buildinfo", api.buildinfo),
        _route("/status/runtimeinfo", api.runtimeinfo),
        _route("/status/config", api.config),
        _route("/status/flags", api.flags),
        _route("/status/tsdb", api.tsdb),
        _route("/status/walreplay", api.walreplay),
        Route("/-/ready", _text("Prometheus Server is Ready.\n")),
        Route("/-/healthy", _text("Prometheus Server is Healthy.\n")),
    ]
    handlers: Mapping[Any, Any] = {404: _missing, 405: _method}
    return Starlette(routes=routes, exception_handlers=dict(handlers))


def plain(status: int, words: str) -> Response:
    """A refusal in plain text, as Prometheus gives it outside of queries."""
    return PlainTextResponse(words + "\n", status, headers={"X-Content-Type-Options": "nosniff"})


class PrometheusApi:
    """What each path answers. Raises PromqlError."""

    def __init__(self, metrics: EmbeddedMetrics) -> None:
        self._metrics, self._started = metrics, metrics.now()

    async def query(self, asked: Params) -> Response:
        """At one moment."""
        query, at, limit = asked.get("query"), asked.time("time", self._metrics.now()), asked.limit()
        weight = self._metrics.weight(query, at, at, 1)
        return await self._answered(lambda: said.answer_json(self._metrics.engine.at(query, at), matrix=False,
                                                             limit=limit), weight)  # fmt: skip

    async def query_range(self, asked: Params) -> Response:
        """Over a range."""
        query, limit = asked.get("query"), asked.limit()
        for name in ("start", "end"):
            if not asked.get(name):
                raise wrong(name, 'cannot parse "" to a valid timestamp')
        start, end = asked.time("start", 0.0), asked.time("end", 0.0)
        if end < start:
            raise wrong("end", "end timestamp must not be before start time")
        step = asked.seconds("step")
        if step <= 0:
            raise wrong("step", "zero or negative query resolution step widths are not accepted. "
                        "Try a positive integer")  # fmt: skip
        weight = self._metrics.weight(query, start, end, step)
        return await self._answered(
            lambda: said.answer_json(self._metrics.engine.over(query, start, end, step), matrix=True, limit=limit),
            weight,
        )

    async def query_exemplars(self, asked: Params) -> Response:
        """Exemplars of the series in a query."""
        start, end = asked.time("start", _ALL[0]), asked.time("end", _ALL[1])
        if end < start:
            raise PromqlError("bad_data", "end timestamp must not be before start timestamp")
        with_words = _of_query(lambda: self._metrics.exemplars_of(asked.get("query"), start, end))
        return _success(said.exemplars_json(with_words))

    async def format_query(self, asked: Params) -> Response:
        """A query, laid out."""
        return _success(_of_query(lambda: format_query(asked.get("query"))))

    async def labels(self, asked: Params) -> Response:
        """Label names."""
        return _listed(self._metrics.store.label_names(_matching(asked), *_span(asked)), asked.limit())

    async def label_values(self, request: Request) -> Response:
        """Values of a label."""

        async def values(asked: Params) -> Response:
            label = label_name(request.path_params["name"])
            return _listed(self._metrics.store.label_values(label, _matching(asked), *_span(asked)), asked.limit())

        return await _refusing(values)(request)

    async def series(self, asked: Params) -> Response:
        """Label sets of series."""
        matching = _matching(asked)
        if not matching:
            raise PromqlError("bad_data", "no match[] parameter provided")
        found = {key for one in matching for key in self._metrics.store.select(one, *_span(asked))}
        return _listed([dict(key) for key in sorted(found)], asked.limit())

    async def metadata(self, asked: Params) -> Response:
        """What metrics say of themselves."""
        found = self._metrics.store.known(asked.get("metric") or None)
        limit = asked.limit()
        return _success({one.name: [{"type": one.kind, "unit": one.unit, "help": one.help}]
                         for one in (found[:limit] if limit else found)})  # fmt: skip

    async def targets(self, asked: Params) -> Response:
        """What is scraped."""
        active = asked.get("state").lower() in ("", "any", "active")
        found = [said.target_json(one) for one in self._metrics.targets_now()] if active else []
        return _success({"activeTargets": found, "droppedTargets": [], "droppedTargetCounts": {}})

    async def alerts(self, _: Params) -> Response:
        """Alerts that are pending or firing."""
        found = [alert for group in self._metrics.groups() for rule in group.rules for alert in rule.alerts]
        return _success({"alerts": [said.alert_json(one) for one in found]})

    async def rules(self, asked: Params) -> Response:
        """Rules by their groups; a group without any that are asked for is left out."""
        kinds = _KINDS.get(asked.get("type"))
        if kinds is None:
            raise wrong("type", f'not supported value "{asked.get("type")}"')
        wanted = {name: asked.all(f"{name}[]") for name in ("rule_name", "rule_group", "file")}
        alerts = asked.get("exclude_alerts").lower() not in ("1", "t", "true")
        groups = []
        for group in self._metrics.groups():
            kept = _kept(group, kinds, wanted)
            if kept or not any((asked.get("type"), *wanted.values())):
                groups.append(said.group_json(group, kept, alerts=alerts))
        return _success({"groups": groups})

    async def alertmanagers(self, _: Params) -> Response:
        """There are none that it posts to."""
        return _success({"activeAlertmanagers": [], "droppedAlertmanagers": []})

    async def buildinfo(self, _: Params) -> Response:
        """The Prometheus that it answers as."""
        return _success({"version": VERSION, "revision": "warroom", "branch": "embedded", "buildUser": "",
                         "buildDate": "", "goVersion": ""})  # fmt: skip

    async def runtimeinfo(self, _: Params) -> Response:
        """How it does."""
        kept = self._metrics.store.retention
        return _success({
            "startTime": said.moment(self._started), "CWD": "", "hostname": "warroom",
            "serverTime": said.moment(self._metrics.now()), "reloadConfigSuccess": True,
            "lastConfigTime": said.moment(self._started), "corruptionCount": 0, "goroutineCount": 1, "GOMAXPROCS": 1,
            "GOMEMLIMIT": 0, "GOGC": "", "GODEBUG": "", "storageRetention": f"{kept:.0f}s" if kept else "for ever",
        })  # fmt: skip

    async def config(self, _: Params) -> Response:
        """It has no file of settings; this is what one would say."""
        return _success({"yaml": "global:\n  evaluation_interval: 1m\nscrape_configs: []\n"})

    async def flags(self, _: Params) -> Response:
        """What it can do, in the flags of Prometheus."""
        return _success({
            "enable-feature": "exemplar-storage", "query.lookback-delta": "5m", "query.max-samples": "50000000",
            "query.timeout": f"{self._metrics.engine.timeout:g}s",
        })  # fmt: skip

    async def tsdb(self, _: Params) -> Response:
        """What fills the store."""
        store = self._metrics.store
        return _success(said.cardinality_json(store.sizes(), store.count, store.oldest, store.newest))

    async def walreplay(self, _: Params) -> Response:
        """It reads no log."""
        return _success({"min": 0, "max": 0, "current": 0})

    async def _answered(self, work: Callable[[], bytes], weight: float) -> Response:
        try:
            return _json(await self._metrics.in_thread(work, weight))
        except PromqlError as refused:
            raise _in_query(refused) from None


def _route(path: str, work: Answering, methods: Sequence[str] = ("GET",)) -> Route:
    return Route(f"/api/v1{path}", _refusing(work), methods=list(methods))


def _refusing(work: Answering) -> Callable[[Request], Awaitable[Response]]:
    """With the parameters of a request; a refusal becomes an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await work(await params_of(request))
        except PromqlError as refused:
            told = {"status": "error", "errorType": refused.error_type, "error": str(refused)}
            return _json(orjson.dumps(told), _STATUS[refused.error_type])

    return answer


def _kept(group: GroupNow, kinds: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> list[RuleNow]:
    if not (chosen(wanted, "rule_group", group.name) and chosen(wanted, "file", group.file)):
        return []
    return [one for one in group.rules if one.rule.kind in kinds and chosen(wanted, "rule_name", one.rule.name)]


def _matching(asked: Params) -> list[tuple[Matcher, ...]]:
    try:
        return matchers_of(asked.all("match[]"))
    except PromqlError as refused:
        words = str(refused)
        raise refused if words.startswith("invalid parameter") else wrong("match[]", words) from None


def _span(asked: Params) -> tuple[float, float]:
    start, end = asked.time("start", _ALL[0]), asked.time("end", _ALL[1])
    if end < start:
        raise PromqlError("bad_data", "end timestamp must not be before start time")
    return start, end


def _of_query(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except PromqlError as refused:
        raise _in_query(refused) from None


def _in_query(refused: PromqlError) -> PromqlError:
    """What is wrong with a query is said of the parameter."""
    words = str(refused)
    if refused.error_type != "bad_data" or words.startswith("invalid parameter") or words == TOO_FINE:
        return refused
    return wrong("query", words)


def _listed(items: Sequence[Any], limit: int) -> Response:
    if limit and len(items) > limit:
        return _json(orjson.dumps({"status": "success", "data": items[:limit], "warnings": [_TRUNCATED]}))
    return _success(list(items))


def _success(data: Any) -> Response:
    return _json(orjson.dumps({"status": "success", "data": data}))


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _text(words: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(words)

    return answer


async def _missing(_: Request, __: HTTPException) -> Response:
    return plain(404, "404 page not found")


async def _method(_: Request, __: HTTPException) -> Response:
    return plain(405, "Method Not Allowed")
