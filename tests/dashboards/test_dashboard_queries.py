"""What a panel asks, of whom and on which grid; and where its panels lie."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dashboards.made import END, START, chosen, dashboard, panel, scope_of
from warroom.dashboards.layout import lay_out
from warroom.dashboards.queries import is_log_query, queries, round_step
from warroom.dashboards.sources import Book
from warroom.dashboards.values import Scope


def only(made: Any, **more: Any) -> Any:
    (query,) = queries(made, made.panels[0], more.pop("scope", scope_of(made)), **more).queries
    return query


def test_a_range_query_lies_on_whole_steps_that_fill_the_panel() -> None:
    query = only(dashboard(panel("timeseries", "rate(up[$__rate_interval])")), columns=40)
    assert (query.kind, query.mode, query.step) == ("prometheus", "range", 15)
    assert (query.start % 15, query.end % 15) == (0, 0)
    assert query.expr == "rate(up[60s])"
    assert END - query.end < 15


def test_the_least_interval_of_panel_and_target_counts() -> None:
    assert only(dashboard(panel("timeseries", "up", interval="1m"))).step == 60
    slow = panel("timeseries")
    slow["targets"] = [{"expr": "up", "interval": "30s", "intervalFactor": 2}]
    assert only(dashboard(slow)).step == 60
    assert only(dashboard(panel("timeseries", "up", maxDataPoints=2))).step == 300


def test_no_query_asks_for_more_points_than_prometheus_answers() -> None:
    made = dashboard(panel("timeseries", "up", interval="1s"))
    query = only(made, scope=Scope({}, START, START + 30 * 86_400), columns=100_000)
    assert (query.end - query.start) / query.step <= 11_000


@given(st.floats(0.001, 100_000))
def test_steps_are_round_and_near(length: float) -> None:
    step = round_step(length)
    assert round_step(step) == step
    assert 1 / 3.1 <= step / length <= 3.1


def test_a_panels_own_time_and_shift() -> None:
    made = dashboard(panel("timeseries", "up", timeFrom="2h", timeShift="1d"))
    query = only(made)
    assert query.shift == 86_400
    assert query.end - query.start == pytest.approx(7200, abs=60)
    assert query.end <= END - 86_400


def test_instant_tables_and_both_ways() -> None:
    both = panel("table")
    both["targets"] = [{"expr": "up", "format": "table", "instant": True, "range": True}]
    query = only(dashboard(both))
    assert (query.mode, query.format, query.end) == ("instant", "table", END)
    both["type"] = "timeseries"
    assert only(dashboard(both)).mode == "range"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"type": "loki", "uid": "x"}, "loki"),
        ({"type": "prometheus"}, "prometheus"),
        ("$ds", "loki"),
        ({"uid": "${DS_X}"}, "prometheus"),
        ("My Loki", "loki"),
        ("by name", "loki"),
        (None, "prometheus"),
        ({"uid": "-- Mixed --"}, "loki"),
    ],
)
def test_who_answers_is_found_however_the_author_named_it(source: Any, kind: str) -> None:
    one = panel("timeseries", "sum(rate(x[1m]))", datasource=source)
    if source == {"uid": "-- Mixed --"}:
        one["targets"][0]["datasource"] = {"type": "loki"}
    made = dashboard(
        one,
        variables=[{"name": "ds", "type": "datasource", "query": "loki"}],
        __inputs=[{"name": "DS_X", "pluginId": "prometheus"}],
    )
    assert only(made, book=Book({"by name": "loki"})).kind == kind


def test_a_source_that_is_not_supported_is_said() -> None:
    made = dashboard(panel("timeseries", datasource={"type": "influxdb"}, targets=[{"rawSql": "SELECT 1"}]))
    asked = queries(made, made.panels[0], scope_of(made))
    assert asked.queries == ()
    assert asked.refused == ("query A asks influxdb, which is not supported",)


@pytest.mark.parametrize(
    ("expr", "lines"),
    [
        ('{app="x"} |= "error"', True), ('sum(rate({app="x"}[1m]))', False), ('count_over_time({a="b"}[5m])', False),
        ('  {a="b"} | json | rate > 5', True), ('topk by (a) (3, rate({b="c"}[1m]))', False),
    ],
)  # fmt: skip
def test_log_lines_and_numbers_of_loki_are_told_apart(expr: str, lines: bool) -> None:
    assert is_log_query(expr) is lines
    made = dashboard(panel("logs", expr, datasource={"type": "loki"}))
    assert (only(made).format == "logs") is lines


def test_a_hidden_target_is_asked_for_only_when_an_expression_needs_it() -> None:
    one = panel("timeseries", "a", "b")
    one["targets"][0]["hide"] = one["targets"][1]["hide"] = True
    math = {"refId": "C", "datasource": {"type": "__expr__"}, "type": "math", "expression": "$A * 2"}
    one["targets"].append(math)
    made = dashboard(one)
    assert [query.ref for query in queries(made, made.panels[0], scope_of(made)).queries] == ["A"]


def test_a_panel_may_use_the_queries_of_another() -> None:
    other = panel("stat", datasource={"uid": "-- Dashboard --"}, id=2)
    other["targets"] = [{"refId": "A", "datasource": {"uid": "-- Dashboard --"}, "panelId": 1}]
    made = dashboard(panel("timeseries", "up"), other)
    assert [query.expr for query in queries(made, made.panels[1], scope_of(made)).queries] == ["up"]


def test_a_value_that_would_change_an_expression_refuses_that_query_alone() -> None:
    made = dashboard(panel("timeseries", "rate($v[5m])", "up"))
    scope = Scope({"v": chosen("up or down", trusted=False)}, START, END)
    asked = queries(made, made.panels[0], scope)
    assert [query.ref for query in asked.queries] == ["B"]
    assert asked.refused[0].startswith("query A: $v stands outside of quotes")


def grid(x: int, y: int, w: int, h: int, **more: Any) -> dict[str, Any]:
    return panel("stat", "up", gridPos={"x": x, "y": y, "w": w, "h": h}, **more)


def test_the_grid_becomes_cells_without_gaps_or_overlaps() -> None:
    made = dashboard(grid(0, 0, 8, 4), grid(8, 0, 8, 4), grid(16, 0, 8, 4), grid(0, 4, 24, 8))
    places = [(one.x, one.y, one.w, one.h) for one in lay_out(made, scope_of(made), 100)]
    assert places == [(0, 0, 33, 6), (33, 0, 34, 6), (67, 0, 33, 6), (0, 6, 100, 12)]


def test_a_collapsed_row_hides_its_panels_until_it_is_opened() -> None:
    row = {"type": "row", "title": "R", "collapsed": True, "panels": [grid(0, 1, 24, 4)]}
    made = dashboard({**row, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}, grid(0, 2, 24, 4))
    closed = lay_out(made, scope_of(made), 100)
    assert [(one.panel.kind, one.hidden) for one in closed] == [("row", 2)] or closed[0].hidden >= 1
    opened = lay_out(made, scope_of(made), 100, folded={closed[0].key: False})
    assert len(opened) > len(closed)


def test_panels_repeat_side_by_side_and_below_each_other() -> None:
    variable = {"name": "h", "type": "custom", "query": "a,b,c", "multi": True, "current": {"value": ["a", "b", "c"]}}
    across = dashboard(grid(0, 0, 24, 4, repeat="h", maxPerRow=2), variables=[variable])
    places = lay_out(across, scope_of(across), 96)
    assert [(one.x, one.y, one.w) for one in places] == [(0, 0, 48), (48, 0, 48), (0, 6, 48)]
    assert [one.scope.values["h"].values for one in places] == [("a",), ("b",), ("c",)]
    assert len({one.key for one in places}) == 3
    down = dashboard(grid(4, 0, 6, 4, repeat="h", repeatDirection="v"), variables=[variable])
    assert [(one.x, one.y) for one in lay_out(down, scope_of(down), 96)] == [(16, 0), (16, 6), (16, 12)]


def test_rows_repeat_with_their_panels() -> None:
    variable = {"name": "h", "type": "custom", "query": "a,b", "multi": True, "current": {"value": ["a", "b"]}}
    row = {"type": "row", "title": "$h", "repeat": "h", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": []}
    made = dashboard(row, grid(0, 1, 24, 4), variables=[variable])
    places = lay_out(made, scope_of(made), 96)
    assert [(one.panel.kind, one.scope.values["h"].values, one.y) for one in places] == [
        ("row", ("a",), 0), ("stat", ("a",), 1), ("row", ("b",), 7), ("stat", ("b",), 8),
    ]  # fmt: skip


_PLACES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(0, 30), st.integers(0, 12)), max_size=12
)


@given(_PLACES, st.integers(1, 300))
def test_panels_never_overlap_and_never_leave_the_screen(places: list[tuple[int, int, int, int]], width: int) -> None:
    made = dashboard(*(grid(*place, id=at) for at, place in enumerate(places)))
    taken: set[tuple[int, int]] = set()
    placed = lay_out(made, scope_of(made), width)
    assert len(placed) == len(places)
    for one in placed:
        assert one.w >= 1
        assert 0 <= one.x < max(width, 8)
        assert one.x + one.w <= max(width, 24)
        if width >= 24:
            cells = {(x, y) for x in range(one.x, one.x + one.w) for y in range(one.y, one.y + one.h)}
            assert not cells & taken
            taken |= cells
