"""A whole dashboard before a real Prometheus: variables asked, queries answered, panels filled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dashboards.made import chosen, dashboard, panel
from tests.real_servers import PROMETHEUS, RealServer, SickExporter, start_prometheus
from warroom.dashboards.answers import Answer, Instant, Sample
from warroom.dashboards.data import Chart, Readings, Table
from warroom.dashboards.model import Dashboard
from warroom.dashboards.panel_data import panel_data
from warroom.dashboards.queries import Query, queries
from warroom.dashboards.values import Scope, fill_query
from warroom.dashboards.variables import choose, in_order, options_of, result_words, wanted_of
from warroom.telemetry.series import Full, Series, Value

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with (
        SickExporter(rate=200, error_ratio=0.25) as exporter,
        start_prometheus(tmp_path_factory.mktemp("dashboards"), {"checkout": [exporter.target]}) as server,
    ):
        yield server


def ask(server: RealServer, path: str, **said: Any) -> Any:
    return json.loads(server.get(f"/api/v1/{path}?{urlencode(said, doseq=True)}"))["data"]


def answer(server: RealServer, query: Query) -> Answer:
    if query.mode == "instant":
        found = ask(server, "query", query=query.expr, time=query.end)["result"]
        samples = [
            Sample(tuple(sorted(one["metric"].items())), float(one["value"][0]), float(one["value"][1]))
            for one in found
        ]
        return Instant(tuple(samples))
    found = ask(server, "query_range", query=query.expr, start=query.start, end=query.end, step=query.step)["result"]
    count = round((query.end - query.start) / query.step) + 1
    lines = []
    for one in found:
        values: list[Value] = [None] * count
        for at, value in one["values"]:
            values[round((at - query.start) / query.step)] = float(value)
        lines.append(Series(tuple(sorted(one["metric"].items())), "", query.start, query.step, tuple(values)))
    return Full("p", 1, query.start, query.step, count, tuple(lines))


def chosen_values(server: RealServer, made: Dashboard, scope: Scope) -> Scope:
    """The scope after every variable has asked what it needs, as a caller does it."""
    for variable in in_order(made.variables):
        wanted = wanted_of(variable, scope)
        found: Any = ()
        if wanted and wanted.ask == "label_values":
            found = ask(
                server, f"label/{wanted.label}/values", **({"match[]": wanted.selector} if wanted.selector else {})
            )
        elif wanted and wanted.ask == "query_result":
            result = ask(server, "query", query=wanted.selector)["result"]
            found = result_words([(one["metric"], one["value"][0], float(one["value"][1])) for one in result])
        values = {**scope.values, variable.name: choose(variable, options_of(variable, found, scope), scope)}
        scope = Scope(values, scope.start, scope.end, scrape=1.0, title=made.title)
    return scope


def test_variables_queries_and_panels_of_a_live_server(server: RealServer) -> None:
    legend = [{"refId": "A", "expr": 'sum by (job) (rate(http_requests_total{job=~"$job"}[$__rate_interval]))',
               "legendFormat": "{{job}}"}]  # fmt: skip
    old = {"type": "singlestat", "valueName": "current", "datasource": "prometheus", "format": "none",
           "targets": [{"expr": 'count(up{instance="$instance"})'}]}  # fmt: skip
    rows = panel("table", targets=[{"expr": "up", "format": "table", "instant": True}])
    made = dashboard(
        panel("timeseries", targets=legend), old, rows,
        variables=[
            {"name": "instance", "query": 'label_values(up{job=~"$job"}, instance)'},
            {"name": "job", "query": "label_values(up, job)", "includeAll": True, "multi": True},
            {"name": "seen", "query": "query_result(up)", "regex": '/job="([^"]+)"/'},
        ],
    )  # fmt: skip
    rates = "sum(rate(http_requests_total[4s] offset 1s))"
    server.wait_until(lambda: bool(ask(server, "query", query=rates)["result"]), "giving rates")
    now = float(ask(server, "query", query="time()")["result"][1])
    scope = chosen_values(server, made, Scope({}, now - 30, now, scrape=1.0))
    assert scope.values["job"].values == scope.values["seen"].values == ("checkout",)
    bodies = []
    for one in made.panels:
        asked = queries(made, one, scope)
        data = panel_data(made, one, scope, asked, {query.ref: answer(server, query) for query in asked.queries})
        assert not data.errors
        bodies.append(data.body)
    chart, stat, table = bodies
    assert isinstance(chart, Chart)
    assert [line.name for line in chart.lines] == ["checkout"]
    assert isinstance(stat, Readings)
    assert stat.tiles[0].reading.text == "1"
    assert isinstance(table, Table)
    assert "checkout" in [cell.text for cell in table.rows[0]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=20), list_like=st.booleans(), sign=st.sampled_from(["=", "=~", "!~"]))
def test_prometheus_takes_every_value_for_a_value(server: RealServer, value: str, list_like: bool, sign: str) -> None:
    """With its pattern signs escaped as one of a list, a value is matched as it is."""
    scope = Scope({"v": chosen(value, list_like=list_like or sign != "=", trusted=False)}, 0, 60)
    expr = fill_query(f'count(label_replace(vector(1), "x", "y", "", "")) or up{{a{sign}"$v"}}', scope)
    assert ask(server, "query", query=expr)["resultType"] == "vector"
