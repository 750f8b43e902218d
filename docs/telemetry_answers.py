"""What the telemetry servers of the story answer, for pictures of the panes: the incident of tests/tui/story.py.

A release of checkout-api leaks a database connection with every retry: the pool of pgbouncer fills at 09:00, requests
wait for a connection and fail, and from 09:22 on the rollback helps. Metrics, lines, traces and alerts all tell that.
Invariant: the same clock gives the same answers, so a picture changes only when a pane does.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.tui.local_wire import START
from warroom.bundle.state import ServiceState, StackState
from warroom.ops.health import Health, Past, Result, Status
from warroom.telemetry import shapes
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Silence
from warroom.telemetry.graph import ServiceEdge, ServiceGraph, ServiceNode
from warroom.telemetry.logs import LogLine
from warroom.telemetry.series import Full, Series, encode
from warroom.telemetry.traces import Span, SpanLog, Trace, TraceSummary

NOW = START.timestamp() + 44.5 * 60
WORST = START.timestamp() + 15.7 * 60
"""When the trace of the note of 09:14 began."""
TRACE = "7f1c9a3b5d2e4f60718293a4b5c6e02a"
P99 = "histogram_quantile(0.99, sum by (service, le) (rate(http_request_duration_seconds_bucket[5m])))"
LINES = '{env="prod", namespace="shop"}'

_STACK = Path(__file__).parents[1] / "stack" / "grafana" / "dashboards"
_SERVICES = ("checkout-api", "edge-gateway", "payments", "cart-svc")
_Course = tuple[float, float, float]
_COURSES: dict[str, tuple[_Course, ...]] = {
    "p99": ((0.42, 5.6, 2.4), (0.55, 5.9, 2.6), (0.31, 0.9, 0.6), (0.12, 0.35, 0.2)),
    "p95": ((0.21, 3.4, 1.5), (0.28, 3.6, 1.7), (0.18, 0.5, 0.4), (0.07, 0.2, 0.1)),
    "error": ((0.002, 0.13, 0.049), (0.0015, 0.09, 0.034), (0.001, 0.03, 0.012), (0.0004, 0.004, 0.001)),
    "requests": ((48.0, 21.0, 32.0), (410.0, 330.0, 372.0), (44.0, 19.0, 29.0), (120.0, 96.0, 110.0)),
    "saturation": ((0.40, 0.99, 0.61), (0.22, 0.35, 0.30), (0.30, 0.42, 0.5), (0.20, 0.25, 0.22)),
}
"""Of each service in that order: before, at the worst, and where it would come to rest."""
_ALERTS = (
    ("CheckoutP99High", "checkout-api", "critical", 4.1, "p99 is 2.4 s, the promise is 0.8 s"),
    ("CheckoutBurnsBudget", "checkout-api", "critical", 6.5, "5 % of requests fail, 1 in 1000 is promised"),
    ("PgPoolSaturated", "pgbouncer", "warning", 11, "122 of 200 connections in use, 212 clients wait"),
    ("PaymentQueueGrows", "payments", "warning", 19, "7.9 k payments wait, 96 more each minute"),
    ("BatchLate", "invoice-batch", "warning", -48, "the run of 08:00 has not ended"),
)


# -- metrics -----------------------------------------------------------------------------------------------------------


def course(at: float, before: float, worst: float, after: float) -> float:
    """A value at a moment (seconds since the epoch): up at 09:04, and on its way down from 09:22."""
    minute = (at - START.timestamp()) / 60
    rise = 1 / (1 + math.exp(-(minute - 6.5)))
    fall = 1 / (1 + math.exp(-(minute - 28) / 2.5))
    return before + (worst - before) * rise - (worst - after) * fall * rise


def _measure(query: str) -> str:
    if "latency" in query or "duration" in query:
        return "p95" if "p95" in query else "p99"
    return next((name for name in _COURSES if name in query), "requests")


def _value(measure: str, place: int, at: float) -> float:
    wave = 0.05 * math.sin(at / 41 + 2.1 * place) + 0.04 * math.sin(at / 97 + place) + 0.03 * math.sin(at / 17)
    return course(at, *_COURSES[measure][place]) * (1 + wave)


def matrix(query: str, start: float, end: float, step: float) -> Full:
    """Series of a query, one for each service; when alerts fired for a query of those."""
    count = max(1, round((end - start) / step) + 1)
    times = [start + step * at for at in range(count)]
    if "ALERTS" in query:
        found = [
            Series(
                (("alertname", name), ("service", service), ("severity", severity)),
                name,
                start,
                step,
                tuple(1.0 if at >= START.timestamp() + 60 * begun else None for at in times),
            )
            for name, service, severity, begun, _ in _ALERTS
        ]
        if query.startswith("count"):
            kept = [one for one in found if "critical" not in query or ("severity", "critical") in one.labels]
            firing = tuple(float(sum(one.values[at] is not None for one in kept)) for at in range(count))
            found = [Series((), "firing", start, step, firing)]
        return Full("", 1, start, step, count, tuple(found))
    measure = _measure(query)
    if query.startswith("sum("):
        sums = tuple(sum(_value(measure, place, at) for place in range(len(_SERVICES))) for at in times)
        return Full("", 1, start, step, count, (Series((), "all", start, step, sums),))
    drawn = 1 if query.startswith("max(") else len(_SERVICES)
    series = tuple(
        Series(
            (("job", "shop"), ("service", name)),
            name,
            start,
            step,
            tuple(_value(measure, place, at) for at in times),
        )
        for place, name in enumerate(_SERVICES[:drawn])
    )
    return Full("", 1, start, step, count, series)


def _explore(params: Mapping[str, Any]) -> Any:
    return orjson.loads(encode(matrix(params["query"], params["start"], params["end"], params["step"])))


def _instant(params: Mapping[str, Any]) -> Any:
    query, at = params["query"], params["at"]
    if query.startswith("ALERTS"):
        labels = [
            [["alertname", name], ["alertstate", "firing"], ["service", service], ["severity", severity]]
            for name, service, severity, _, _ in _ALERTS
        ]
        return {"samples": [{"labels": one, "at": at, "value": 1.0} for one in labels]}
    samples = [
        {"labels": [["job", "shop"], ["service", name]], "at": at, "value": _value(_measure(query), place, at)}
        for place, name in enumerate(_SERVICES)
    ]
    return {"samples": samples}


def _exemplars(params: Mapping[str, Any]) -> Any:
    chance = random.Random(7)
    found = []
    for number in range(14):
        at = params["start"] + (params["end"] - params["start"]) * (number + chance.random()) / 14
        value = course(at, *_COURSES["p99"][0]) * chance.uniform(0.5, 1.0)
        trace = f"{chance.getrandbits(128):032x}"
        found.append({"series": [], "labels": [["trace_id", trace]], "value": value, "at": at, "trace_id": trace})
    found.append({"series": [], "labels": [["trace_id", TRACE]], "value": 4.82, "at": WORST, "trace_id": TRACE})
    return {"exemplars": sorted(found, key=lambda one: one["at"])}


# -- logs --------------------------------------------------------------------------------------------------------------

_Said = Callable[[random.Random], str]
_BAD: tuple[tuple[str, str, _Said], ...] = (
    ("error", "checkout-api", lambda r: f"pool exhausted: waited 3000ms for a connection, in_use=200 max=200 "
                                        f"order=o-{r.randrange(51_000, 52_000)}"),
    ("error", "checkout-api", lambda r: f"retry {r.randrange(4, 12)}/11 gave up, its connection is not released "
                                        f"rev=v2.14.0 order=o-{r.randrange(51_000, 52_000)}"),
    ("error", "payments", lambda r: f'{{"level":"error","msg":"context deadline exceeded",'
                                    f'"ms":{r.randrange(4000, 4900)},"order":"o-{r.randrange(51_000, 52_000)}"}}'),
    ("warn", "edge-gateway", lambda r: f"upstream 503 route=/checkout client=mobile-{r.choice(('ios', 'android'))} "
                                       f"pop=fra{r.randrange(1, 4)} took={r.randrange(3000, 4900)}ms"),
    ("warn", "cart-svc", lambda r: f"retry {r.randrange(1, 5)}/5 upstream=checkout-api "
                                   f"backoff={r.choice((120, 240, 480))}ms"),
    ("warn", "pgbouncer", lambda r: f"no free server connection: waiting={r.randrange(212, 1900)} "
                                    f"maxwait={r.uniform(1, 5):.1f}s"),
)  # fmt: skip
_CALM: tuple[tuple[str, str, _Said], ...] = (
    ("info", "checkout-api", lambda r: f"order placed o-{r.randrange(51_000, 52_000)} in {r.randrange(80, 420)}ms"),
    ("info", "payments", lambda r: f"authorize ok psp=adyen took={r.randrange(160, 210)}ms "
                                   f"amount={r.randrange(900, 9900)}"),
    ("info", "edge-gateway", lambda r: f"POST /checkout 200 {r.randrange(90, 460)}ms pop=fra{r.randrange(1, 4)}"),
    ("debug", "cart-svc", lambda r: f"cache hit key=sess:{r.randrange(16**4):04x} ttl={r.randrange(20, 300)}s"),
    ("info", "pgbouncer", lambda r: f"stats: cl_active=198 cl_waiting={r.randrange(180, 240)} sv_active=122 "
                                    f"maxwait={r.uniform(0.2, 1.4):.1f}s"),
)  # fmt: skip
_LATE: tuple[tuple[str, str, _Said], ...] = (
    ("info", "checkout-api", lambda r: f"pod ready rev=v2.13.8 node=ip-10-4-7-{r.randrange(10, 60)}"),
    ("info", "trafficctl", lambda r: f"shift eu-west-1 -> eu-central-1 {r.randrange(14, 22)}% (target 30%)"),
)


def log_lines(count: int = 1500) -> list[LogLine]:
    """Lines of the last hour, oldest first, in the share of errors that the metrics have."""
    chance = random.Random(11)
    made = []
    for ns in sorted(round((NOW - 3600 * chance.random() ** 1.3) * 1e9) for _ in range(count)):
        bad = course(ns / 1e9, 0.01, 0.62, 0.3)
        forms = _BAD if chance.random() < bad else _LATE if ns / 1e9 > NOW - 900 and chance.random() < 0.06 else _CALM
        level, service, said = chance.choice(forms)
        about = [("detected_level", level)]
        if level in ("error", "warn"):
            about.append(("trace_id", TRACE if chance.random() < 0.02 else f"{chance.getrandbits(128):032x}"))
        labels = (("env", "prod"), ("namespace", "shop"), ("service_name", service))
        made.append(LogLine(ns, said(chance), labels, tuple(about)))
    return made


# -- traces ------------------------------------------------------------------------------------------------------------


def trace() -> Trace:
    """The trace of the note of 09:14: a checkout whose payment is tried eleven times more, each with a connection."""
    start = round(WORST * 1e6)

    def span(name: str, parent: str, service: str, operation: str, at: float, took: float, **more: Any) -> Span:
        process = (("host.name", f"{service}-6f7c"), ("service.version", "v2.14.0"))
        kept = process if service == "checkout-api" else process[:1]
        return Span(
            name, parent, service, operation, start + round(at * 1000), round(took * 1000), process=kept, **more
        )

    full = (("error", "true"), ("db.system", "postgresql"), ("db.pool.in_use", "200"), ("db.pool.max", "200"),
            ("otel.status_description", "pool exhausted: waited for a connection, 200 of 200 in use"))  # fmt: skip
    waits = [
        span(f"w{number}", "pay", "checkout-api", "acquire connection", 180 + 350 * number, 330 + 4 * (number % 3),
             kind="client", error=True, tags=full,
             logs=(SpanLog(start + (480 + 350 * number) * 1000,
                           (("event", "timeout"), ("connection", "not released"))),))
        for number in range(12)
    ]  # fmt: skip
    gave_up = (("http.response.status_code", "503"), ("error", "true"))
    return Trace(
        TRACE,
        (
            span("edge", "", "edge-gateway", "POST /checkout", 0, 4820, kind="server", error=True,
                 tags=(*gave_up, ("client", "mobile-ios"), ("pop", "fra2"))),
            span("submit", "edge", "checkout-api", "SubmitOrder", 14, 4788, kind="server", error=True, tags=gave_up),
            span("session", "edge", "edge-gateway", "verify session", 3, 8),
            span("flags", "submit", "checkout-api", "read flags", 15, 3),
            span("cart", "submit", "cart-svc", "GET /cart", 19, 41, kind="server"),
            span("redis", "cart", "cart-svc", "redis GET", 27, 3.2, kind="client"),
            *(span(f"price{number}", "cart", "cart-svc", "postgres SELECT price", 31 + 4 * number, 3, kind="client")
              for number in range(6)),
            span("stock", "submit", "inventory", "Reserve", 66, 58, kind="server"),
            span("rows", "stock", "inventory", "postgres UPDATE stock", 74, 38, kind="client"),
            span("pay", "submit", "checkout-api", "AuthorizePayment", 130, 4660, error=True,
                 tags=(("retry.count", "11"), ("otel.status_description", "gave up after 11 retries"))),
            *waits,
            span("psp", "pay", "payments", "Authorize", 4390, 212, kind="server"),
            span("adyen", "psp", "payments", "adyen POST /payments", 4404, 181, kind="client"),
            span("store", "pay", "checkout-api", "postgres INSERT payment", 4608, 176, kind="client", error=True,
                 tags=full),
        ),
    )  # fmt: skip


def summaries(count: int = 50) -> tuple[TraceSummary, ...]:
    """What a search for checkouts finds, the newest first; the trace of the note among them."""
    chance = random.Random(5)
    others = (("checkout-api", 9), ("cart-svc", 2), ("payments", 2), ("edge-gateway", 1))
    operations = ("POST /checkout", "POST /checkout", "POST /checkout", "POST /checkout/confirm", "GET /checkout")
    made = []
    for _ in range(count - 1):
        at = NOW - 2400 * chance.random() ** 1.2
        failed = chance.random() < course(at, 0.0, 0.6, 0.3)
        seconds = course(at, 0.4, 4.6, 2.0) * (chance.uniform(0.7, 1.05) if failed else chance.uniform(0.05, 0.4))
        made.append(
            TraceSummary(
                f"{chance.getrandbits(128):032x}", "edge-gateway", chance.choice(operations), round(at * 1e6),
                round(seconds * 1e6), chance.randrange(14, 24) if failed else chance.randrange(7, 11),
                chance.randrange(3, 15) if failed else 0, others,
            )
        )  # fmt: skip
    shown = trace()
    failed_spans = sum(span.error for span in shown.spans)
    made.append(
        TraceSummary(TRACE, "edge-gateway", "POST /checkout", shown.start, shown.duration, len(shown.spans),
                     failed_spans, others)
    )  # fmt: skip
    return tuple(sorted(made, key=lambda one: -one.start))


# -- services, alerts, health, the stack -------------------------------------------------------------------------------


def services() -> ServiceGraph:
    """Who calls whom."""
    nodes = (
        ServiceNode("web", "green", 260.0, 0.0004, 0.31),
        ServiceNode("mobile-bff", "green", 148.0, 0.0009, 0.36),
        ServiceNode("edge-gateway", "amber", 372.0, 0.034, 1.7, "3.4 % errors, over 1 %"),
        ServiceNode("checkout-api", "red", 32.0, 0.058, 1.5, "5.8 % errors, over 5 %"),
        ServiceNode("cart-svc", "green", 110.0, 0.001, 0.1),
        ServiceNode("inventory", "green", 41.0, 0.0, 0.06),
        ServiceNode("payments", "amber", 29.0, 0.012, 0.41, "1.2 % errors, over 1 %"),
        ServiceNode("search", "green", 88.0, 0.0002, 0.12),
        ServiceNode("redis", "unknown", words="only its callers tell of it"),
        ServiceNode("pgbouncer", "unknown", words="only its callers tell of it"),
        ServiceNode("adyen", "unknown", words="only its callers tell of it"),
    )
    calls = (
        ("web", "edge-gateway", 936_000), ("mobile-bff", "edge-gateway", 403_000),
        ("edge-gateway", "checkout-api", 115_000), ("edge-gateway", "cart-svc", 396_000),
        ("edge-gateway", "search", 316_000), ("checkout-api", "cart-svc", 118_000),
        ("checkout-api", "inventory", 148_000), ("checkout-api", "payments", 104_000),
        ("checkout-api", "pgbouncer", 1_270_000), ("cart-svc", "redis", 512_000),
        ("inventory", "pgbouncer", 148_000), ("payments", "adyen", 104_000), ("payments", "pgbouncer", 208_000),
    )  # fmt: skip
    return ServiceGraph(nodes, tuple(ServiceEdge(*one) for one in calls), ("jaeger", "prometheus"))


def alerts() -> tuple[AlertGroup, ...]:
    """What Alertmanager has: one group for each service."""
    made = []
    for name, service, severity, begun, summary in _ALERTS:
        silenced = name == "BatchLate"
        labels = (("alertname", name), ("env", "prod"), ("service", service), ("severity", severity))
        annotations = (
            ("runbook_url", f"https://runbooks.example/{service}#{name.lower()}"),
            ("summary", summary),
        )
        made.append(
            ActiveAlert(
                name.lower(), labels, annotations, START.timestamp() + 60 * begun, 0.0,
                "suppressed" if silenced else "active", silenced_by=("s-41",) if silenced else (),
                receivers=("warroom",), url=f"http://127.0.0.1:9090/alerts?search={name}",
            )
        )  # fmt: skip
    names = dict.fromkeys(one.label("service") for one in made)
    return tuple(
        AlertGroup((("service", name),), "warroom", tuple(one for one in made if one.label("service") == name))
        for name in names
    )


_SILENCE = Silence(
    "s-41",
    (Matcher("alertname", "BatchLate"), Matcher("service", "invoice-batch")),
    NOW - 1500,
    NOW + 5700,
    "june",
    "the run is repeated at 11:00, after checkout is well",
)


def health() -> Health:
    """How the server is: Loki has just come back slowly, the disk fills."""
    well, so_so = Status.HEALTHY, Status.DEGRADED
    told = (
        ("cpu", well, "18 % of 8 cores in use", 0.1, {"percent": 18.0, "cores": 8, "load_1m": 1.4}),
        ("memory", well, "41 % in use, 18 GiB available", 0.1, {"percent": 41.0}),
        ("disk", so_so, "86 % used, 11 GiB free where the log is", 0.2,
         {"percent": 86.0, "path": "/var/lib/warroom/log"}),
        ("store", well, "takes records; 68 commits, 2.1 ms each", 0.4, {"commits": 68, "mean_commit_ms": 2.1}),
        ("clocks", well, "5 connected, all within 2 s", 0.0,
         {"ana": 0.02, "june": -0.11, "marek": 0.04, "sofia": 0.31, "tomas": -0.06}),
        ("prometheus", well, "answers", 6.2, {"kind": "prometheus", "breaker": "closed", "version": "3.14.0"}),
        ("loki", so_so, "loki at 127.0.0.1:3100 did not answer in time", 10_000.0,
         {"kind": "loki", "breaker": "open", "url": "http://127.0.0.1:3100", "version": "3.7.6"}),
        ("jaeger", well, "answers", 9.8, {"kind": "jaeger", "breaker": "closed", "version": "2.20.0"}),
        ("alertmanager", well, "answers", 3.1, {"kind": "alertmanager", "breaker": "closed", "version": "0.34.0"}),
        ("grafana", well, "answers", 11.4, {"kind": "grafana", "breaker": "closed", "version": "13.1.0"}),
        ("intake", well, "alerts reach the room", 1.6, {}),
        ("stack", so_so, "5 of 6 services are well; loki starting", 0.3, {}),
    )  # fmt: skip
    results = tuple(Result(name, status, words, took, NOW - 3, details) for name, status, words, took, details in told)
    history = {}
    for one in results:
        ill = {"loki": range(30, 41), "disk": range(8, 41), "stack": range(38, 41)}.get(one.name, range(0))
        history[one.name] = tuple(
            Past(NOW - 15 * (40 - at), so_so if at in ill else well, one.response_time_ms) for at in range(41)
        )
    return Health(so_so, NOW - 3, results, history)


def stack() -> StackState:
    """The bundled stack, half an hour up; Loki was ended once for its memory."""
    mib = 1024 * 1024
    up = "2026-11-21T08:51:04Z"
    rows = (
        ("prometheus", "prom/prometheus:v3.14.0", 4.1, 212, 1024, (9090,)),
        ("alertmanager", "prom/alertmanager:v0.34.0", 0.3, 38, 256, (9093,)),
        ("loki", "grafana/loki:3.7.6", 61.5, 887, 1024, (3100, 9096)),
        ("jaeger", "jaegertracing/jaeger:2.20.0", 7.8, 241, 1024, (16686, 4317)),
        ("collector", "otel/opentelemetry-collector-contrib:0.159.0", 5.2, 148, 512, (4317, 4318)),
        ("grafana", "grafana/grafana:13.1.0", 2.4, 196, 512, (3000,)),
    )
    made = [
        ServiceState(
            name, "running", "healthy", "healthy", up, 0, cpu, used * mib, most * mib, image, ports,
        )
        for name, image, cpu, used, most, ports in rows
    ]  # fmt: skip
    made[2] = ServiceState(
        "loki", "running", "starting", "starting: 503 from http://127.0.0.1:3100/ready", "2026-11-21T09:41:50Z", 1,
        61.5, 887 * mib, 1024 * mib, "grafana/loki:3.7.6", (3100, 9096),
    )  # fmt: skip
    made.append(ServiceState("sample", "absent", "none", "not started", image="warroom-sample:0.1.0"))
    return StackState("ok", "", "2026-11-21T09:42:27Z", tuple(made))


# -- all of it ---------------------------------------------------------------------------------------------------------


def _dashboards() -> list[dict[str, Any]]:
    found = [orjson.loads(path.read_bytes()) for path in sorted(_STACK.glob("*.json"))]
    return [
        {"uid": one["uid"], "title": one["title"], "folder": "warroom", "tags": one.get("tags", [])} for one in found
    ]


def _dashboard(params: Mapping[str, Any]) -> Any:
    models = (orjson.loads(path.read_bytes()) for path in _STACK.glob("*.json"))
    return {"dashboard": next(one for one in models if one["uid"] == params["uid"])}


def _values(params: Mapping[str, Any]) -> Any:
    return {"values": ["shop"] if re.fullmatch("job", params.get("label", "")) else list(_SERVICES)}


ANSWERS: dict[str, Any] = {
    "explore": _explore,
    "instant": _instant,
    "metrics.names": {"values": ["http_request_duration_seconds_bucket", "http_requests_total"], "kinds": {}},
    "metrics.values": _values,
    "metrics.exemplars": _exemplars,
    "traces.services": {"values": ["cart-svc", "checkout-api", "edge-gateway", "inventory", "payments"]},
    "traces.search": lambda params: {
        "traces": shapes.plain(tuple(one for one in summaries() if one.duration >= params["shortest"] * 1e6))
    },
    "trace": shapes.plain(trace()),
    "services": shapes.plain(services()),
    "alerts": {"groups": shapes.plain(alerts())},
    "silences": {"silences": shapes.plain((_SILENCE,))},
    "health": {"health": shapes.plain(health())},
    "stack": {"stack": shapes.plain(stack()), "words": ""},
    "dashboards": {"dashboards": _dashboards()},
    "dashboard": _dashboard,
}
"""By method, as tests/tui/explore/answering.py takes them."""
