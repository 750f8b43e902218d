"""All embedded backends as one: behind our relay, made worse and well again, and the same in every run."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import orjson
import pytest

from warroom.embedded.backends import Backends, Keep
from warroom.embedded.ruler import read_rules
from warroom.telemetry import shapes
from warroom.telemetry.alerts import Exemplar
from warroom.telemetry.block import Block
from warroom.telemetry.errors import BadQuery, NotReady, TelemetryError, Unreachable
from warroom.telemetry.logs import LogLine
from warroom.telemetry.prometheus_data import MetricInfo
from warroom.telemetry.relay import Relay
from warroom.telemetry.traces import Span, Trace, TraceSearch

START = 1_800_000_000.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
RULES = """
groups:
  - name: shop
    rules:
      - record: service:requests:rate1m
        expr: sum by (job) (rate(http_requests_total[1m]))
      - alert: ErrorsHigh
        expr: rate(http_requests_total{status="500"}[1m]) > 1
        for: 30s
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.job }} fails"}
"""


class Production:
    """Two minutes of a small shop, in which errors begin after one."""

    def __init__(self, seed: int = 0) -> None:
        self.at = START
        self.backends = Backends(lambda: self.at, rules=read_rules(RULES, "shop.yml"), seed=seed, wait=self.waited)
        self.waits: list[float] = []

    async def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def run(self, seconds: int = 120) -> Backends:
        keys = tuple(
            tuple(sorted({"__name__": "http_requests_total", "job": "web", "status": status}.items()))
            for status in ("200", "500")
        )
        for second in range(seconds):
            self.at = START + second
            if second % 5 == 0:
                counts = np.array([[100.0 * second, 10.0 * max(0, second - 60)]])
                self.backends.append(Block(keys, np.array([self.at]), counts))
            ns = int(self.at) * 10**9
            self.backends.lines([LogLine(ns, f"request {second}", (("service_name", "web"),), (("trace_id", TRACE),))])
            self.backends.tick(self.at)
        span = Span("aaaaaaaaaaaaaaaa", "", "web", "GET /", int(self.at * 1e6), 1000, "server", error=True)
        self.backends.traces([Trace(TRACE, (span,))])
        self.backends.exemplars([Exemplar(keys[0], (("trace_id", TRACE),), 0.2, self.at, TRACE)])
        self.backends.metadata([MetricInfo("http_requests_total", "counter", "Requests.", "")])
        return self.backends


async def test_the_relay_asks_them_as_it_asks_real_servers() -> None:
    backends = Production().run()
    now = START + 119

    async def ask(relay: Relay, source: str, question: object) -> object:
        async def said(client: object) -> bytes:
            return orjson.dumps(shapes.plain(await question(client)))  # type: ignore[operator]

        return json.loads(await relay.ask(source, "pane", question, 1.0, said))

    async with Relay(backends.clients()) as relay:
        drawn = json.loads(await relay.explore("prometheus", "service:requests:rate1m", now - 60, now, 15))
        rules = await ask(relay, "prometheus", lambda client: client.rules())
        lines = await ask(relay, "loki", lambda client: client.query_range('{service_name="web"}', START, now + 1, 5))
        found = await ask(relay, "jaeger", lambda client: client.search(TraceSearch("web", START, now + 1)))
        groups = await ask(relay, "alertmanager", lambda client: client.groups())
        states = await relay.sources()
    assert drawn["series"][0]["values"][-1] > 100
    assert "ErrorsHigh" in json.dumps(rules)
    assert "request 119" in json.dumps(lines)
    assert TRACE in json.dumps(found)
    assert "web fails" in json.dumps(groups)
    assert [(one.name, one.healthy) for one in states] == [
        ("prometheus", True), ("loki", True), ("jaeger", True), ("alertmanager", True)
    ]  # fmt: skip


async def test_a_tool_that_is_down_does_not_answer_until_it_is_restored() -> None:
    backends = Production().run()
    clients = backends.clients()
    backends.degrade("loki", down=True)
    with pytest.raises(Unreachable):
        await clients["loki"].labels()
    with pytest.raises(Unreachable):
        await clients["loki"].ready()
    with pytest.raises(Unreachable):
        backends.gate("loki")
    assert await clients["jaeger"].services() == ("web",)
    assert list(backends.degraded) == ["loki"]
    backends.restore("loki")
    assert "service_name" in await clients["loki"].labels()
    assert backends.degraded == {}


async def test_a_tail_ends_when_its_tool_goes_down() -> None:
    backends = Production().run(10)
    tail = backends.clients()["loki"].tail('{service_name="web"}', START, 100)
    assert len((await anext(tail)).lines) == 10
    backends.degrade("loki", down=True)
    backends.lines([LogLine(int(START + 11) * 10**9, "more", (("service_name", "web"),))])
    with pytest.raises(Unreachable):
        async with asyncio.timeout(10):
            await anext(tail)


async def test_slow_dashboards_make_the_metrics_slow() -> None:
    production = Production()
    clients = production.run().clients()
    production.backends.degrade("dashboards", latency=0.5, latency_x=3)
    await clients["prometheus"].instant("up")
    await clients["alertmanager"].groups()
    assert production.waits == [pytest.approx(0.9)]
    production.backends.degrade("dashboards", latency=60)
    with pytest.raises(Unreachable, match="within 10 s"):
        await clients["prometheus"].instant("up")
    assert production.waits[1:] == [10.0]


def outcomes(seed: int, count: int = 200) -> list[bool]:
    backends = Production(seed).backends
    backends.degrade("prometheus", error_rate=0.3)
    found = []
    for _ in range(count):
        try:
            backends.gate("prometheus")
            found.append(True)
        except NotReady:
            found.append(False)
    return found


def test_which_answers_fail_is_decided_by_the_seed() -> None:
    assert outcomes(1) == outcomes(1)
    assert outcomes(1) != outcomes(2)
    assert 30 < outcomes(1).count(False) < 90


@pytest.mark.parametrize(
    "wrong",
    [{"tool": "grafana"}, {"tool": "loki", "error_rate": 1.5}, {"tool": "loki", "latency": -1},
     {"tool": "loki", "latency_x": 0.5}],
)  # fmt: skip
def test_a_degradation_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    tool = str(wrong.pop("tool"))
    with pytest.raises(ValueError):
        Production().backends.degrade(tool, **wrong)  # type: ignore[arg-type]


async def test_two_runs_say_the_same() -> None:
    def said(backends: Backends) -> object:
        return (
            backends.promql.range('{__name__=~".+"}', START, START + 119, 5),
            backends.alert_store.alerts(), backends.alert_store.changes(), backends.ruler.groups(),
        )  # fmt: skip

    assert said(Production().run()) == said(Production().run())


async def test_clients_refuse_with_telemetry_errors_and_nothing_else() -> None:
    clients = Production().run(10).clients()
    for question in (
        clients["prometheus"].instant("sum("), clients["loki"].query_range("{", START, START + 1),
        clients["jaeger"].trace("xyz"), clients["jaeger"].search(TraceSearch("", 0, 1)),
        clients["alertmanager"].expire_silence("nobody"), clients["alertmanager"].create_silence([], 0, 1, "a", "b"),
    ):  # fmt: skip
        with pytest.raises(TelemetryError) as told:
            await question
        assert isinstance(told.value, BadQuery)


async def test_old_samples_are_let_go_of() -> None:
    production = Production()
    backends = Backends(lambda: production.at, keep=Keep(metrics=60.0))
    key = (("__name__", "x"),)
    for second in range(0, 1200, 10):
        production.at = START + second
        backends.append(Block((key,), np.array([production.at]), np.array([[1.0]])))
        backends.tick(production.at)
    assert backends.series_store.oldest > START + 600
