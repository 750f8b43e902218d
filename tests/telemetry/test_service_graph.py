"""Who calls whom and how they are: each colour by its rule, each source by its name, silence as a warning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.sources import Jaeger
from tests.telemetry.fake_time import FakeClock
from warroom.telemetry import errors
from warroom.telemetry.graph import ServiceEdge, ServiceGraph
from warroom.telemetry.prometheus import Line, Matrix, Sample, Vector
from warroom.telemetry.relay import NOBODY, Relay
from warroom.telemetry.service_graph import Facts, compose, health_of, means, service_graph, values

START, END = 999_000.0, 1_000_000.0


@pytest.mark.parametrize(
    ("rate", "errors_", "p95", "health", "word"),
    [
        (None, None, None, "unknown", "nothing tells"),
        (0.0, None, None, "unknown", "no calls"),
        (1.0, 0.0, 0.2, "green", ""),
        (1.0, 0.0, None, "green", ""),
        (1.0, 0.0099, 0.999, "green", ""),
        (1.0, 0.01, 0.2, "amber", "1.0% of its calls fail (amber from 1%)"),
        (1.0, 0.0, 1.0, "amber", "takes 1 s or longer"),
        (1.0, 0.05, 0.1, "red", "5.0% of its calls fail (red from 5%)"),
        (1.0, 1.0, 9.0, "red", "100.0%"),
    ],
)
def test_the_colours(rate, errors_, p95, health, word):
    found, words = health_of(rate, errors_, p95)
    assert found == health
    assert word in words
    assert bool(words) is (health != "green")


def test_services_that_only_one_source_knows_are_in_the_graph():
    facts = Facts({"b": 2.0}, {"b": 0.5}, {"b": 0.1})
    graph = compose([ServiceEdge("a", "b", 3), ServiceEdge("a", "a", 1)], facts, ("c",), (), ())
    assert [(node.name, node.health) for node in graph.nodes] == [("a", "unknown"), ("b", "red"), ("c", "unknown")]
    assert graph.edges == (ServiceEdge("a", "a", 1), ServiceEdge("a", "b", 3))


def test_numbers_that_are_none_do_not_count():
    nan = float("nan")
    lines = (Line((("service_name", "a"),), (1.0, 2.0), (nan, 4.0)), Line((("service_name", "b"),), (1.0,), (nan,)))
    assert means(Matrix(lines)) == {"a": 4.0}
    samples = (
        Sample((("service_name", "a"),), 1.0, nan),
        Sample((), 1.0, 3.0),
        Sample((("service_name", "b"),), 1.0, 3.0),
    )
    assert values(Vector(samples)) == {"b": 3.0}


class SpanMetrics:
    """A Prometheus with span metrics of two services."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def instant(self, query: str, at: float | None = None) -> Vector:
        self.asked.append(query)
        said = {"checkout": 500.0} if "quantile" in query else {"checkout": 0.2} if "ERROR" in query else {
            "checkout": 10.0, "payments": 1.0,
        }  # fmt: skip
        return Vector(tuple(Sample((("service_name", name),), END, value) for name, value in said.items()))


class Bare(Jaeger):
    """A Jaeger without service performance."""

    async def calls(self, services: Any, start: float, end: float, step: float) -> Matrix:
        raise errors.BadQuery("jaeger: not configured")


async def graph_of(**sources: Any) -> ServiceGraph:
    async with Relay(sources, clock=FakeClock()) as relay:
        return await service_graph(relay, START, END, NOBODY)


async def test_jaegers_own_figures_come_first():
    prometheus = SpanMetrics()
    graph = await graph_of(jaeger=Jaeger(), prometheus=prometheus)
    assert prometheus.asked == []
    assert graph.sources == ("calls: Jaeger's dependencies", "rates, errors, latency: Jaeger's service performance")
    assert graph.warnings == ()


async def test_span_metrics_take_their_place_where_jaeger_has_none():
    prometheus = SpanMetrics()
    graph = await graph_of(jaeger=Bare(), prometheus=prometheus)
    checkout, payments = graph.nodes
    assert (checkout.health, checkout.error_ratio, checkout.p95_seconds) == ("amber", pytest.approx(0.02), 0.5)
    assert (payments.health, payments.rate, payments.error_ratio) == ("green", 1.0, 0.0)
    assert graph.sources[-1] == "rates, errors, latency: span metrics in Prometheus"
    assert all("[1000s]" in query for query in prometheus.asked)


async def test_without_figures_all_is_unknown_and_a_warning_says_why():
    graph = await graph_of(jaeger=Bare())
    assert {node.health for node in graph.nodes} == {"unknown"}
    assert graph.edges
    graph = await graph_of(jaeger=Jaeger(), prometheus=SpanMetrics())
    assert graph.warnings == ()


async def test_a_dead_jaeger_is_a_warning_while_prometheus_knows_something():
    jaeger = Jaeger()
    jaeger.fail = errors.Unreachable("jaeger refused the connection")

    async def services() -> tuple[str, ...]:
        raise jaeger.fail

    jaeger.services = services
    graph = await graph_of(jaeger=jaeger, prometheus=SpanMetrics())
    assert [node.name for node in graph.nodes] == ["checkout", "payments"]
    assert "jaeger refused the connection" in graph.warnings
    with pytest.raises(errors.Unreachable, match="refused"):
        await graph_of(jaeger=jaeger)


async def test_nobody_is_asked_twice_for_the_same_graph():
    jaeger = Jaeger()
    async with Relay({"jaeger": jaeger}, clock=FakeClock()) as relay:
        first = await service_graph(relay, START, END, NOBODY)
        again = await service_graph(relay, START, END, NOBODY)
    assert first == again
    assert [what for what, _ in jaeger.asked] == ["dependencies"]
