"""Answers become what is drawn: every kind of panel, with units, thresholds, mappings and names as they were meant."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.dashboards.made import END, START, dashboard, full, instant, panel, scope_of, shown
from warroom.dashboards.answers import Failed, Lines
from warroom.dashboards.data import (
    Box,
    Cell,
    Chart,
    Heat,
    Histogram,
    Listing,
    LogRow,
    Logs,
    Mark,
    Readings,
    RowTitle,
    States,
    Table,
    Words,
)  # fmt: skip
from warroom.dashboards.panel_data import panel_data
from warroom.dashboards.queries import queries

A, B = {"job": "a"}, {"job": "b"}
STEPS = {
    "mode": "absolute",
    "steps": [{"value": None, "color": "green"}, {"value": 10, "color": "orange"}, {"value": 20, "color": "red"}],
}


def fields(overrides: list[Any] | None = None, **defaults: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": defaults, "overrides": overrides or []}}


def override(matcher: str, options: Any, **properties: Any) -> dict[str, Any]:
    said = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": said}


def chart_of(one: dict[str, Any], *series: Any) -> Chart:
    body = shown(dashboard(one), *series).body
    assert isinstance(body, Chart)
    return body


def test_a_chart_has_a_line_for_each_series_named_by_its_legend() -> None:
    one = panel("timeseries", "up", **fields(unit="bytes", custom={"fillOpacity": 20}))
    one["targets"][0]["legendFormat"] = "{{job}} of $__dashboard"
    body = chart_of(one, (A, [1.0, None, 3.0]), (B, [4.0, 5.0, 6.0]))
    assert [line.name for line in body.lines] == ["a of D", "b of D"]
    assert body.lines[0].values == (1.0, None, 3.0)
    assert body.lines[0].times[0] <= START < body.lines[0].times[0] + 15
    assert (body.lines[0].fill, body.axes[0].unit, len(body.axes)) == (0.2, "bytes", 1)
    assert (body.start, body.end) == (START, END)


def test_without_a_legend_metric_and_labels_name_a_series() -> None:
    body = chart_of(panel("timeseries", "up"), ({"__name__": "up", "job": "a", "z": "1"}, [1.0]))
    assert body.lines[0].name == 'up{job="a", z="1"}'
    one = panel("timeseries", "up")
    one["targets"][0]["legendFormat"] = "__auto"
    body = chart_of(one, ({"job": "a", "env": "x"}, [1.0]), ({"job": "b", "env": "x"}, [1.0]))
    assert [line.name for line in body.lines] == ["a", "b"]


def test_overrides_give_series_their_own_axis_name_sign_and_unit() -> None:
    rules = [
        override("byName", "b", unit="percent", custom__axisPlacement="right", displayName="${__field.labels.job}!"),
        override("byRegexp", "/^b$/", custom__transform="negative-Y", decimals=1),
        override("byFrameRefID", "Z", unit="s"),
    ]
    one = panel("timeseries", "up", **fields(rules, unit="bytes"))
    one["targets"][0]["legendFormat"] = "{{job}}"
    body = chart_of(one, (A, [1.0]), (B, [2.0]))
    assert [(line.name, line.unit, line.axis, line.values) for line in body.lines] == [
        ("a", "bytes", 0, (1.0,)), ("b!", "percent", 1, (-2.0,)),
    ]  # fmt: skip
    assert [(axis.unit, axis.right) for axis in body.axes] == [("bytes", False), ("percent", True)]


def test_stacks_thresholds_and_the_legends_numbers() -> None:
    one = panel(
        "timeseries", "up",
        options={"legend": {"calcs": ["mean", "max", "count"], "displayMode": "table", "placement": "right"}},
        **fields(unit="ms", thresholds=STEPS,
                 custom={"stacking": {"mode": "percent", "group": "A"}, "thresholdsStyle": {"mode": "area"}}),
    )  # fmt: skip
    body = chart_of(one, (A, [1.0, 3.0]))
    assert (body.stacking, body.lines[0].stack, body.show_limits, body.legend, body.legend_side) == (
        "percent", "A", "areas", "table", "right",
    )  # fmt: skip
    assert [(limit.value, limit.mark.level) for limit in body.limits] == [
        (None, "ok"), (10.0, "warning"), (20.0, "critical"),
    ]  # fmt: skip
    assert [(one.name, one.text) for one in body.lines[0].legend] == [("Mean", "2 ms"), ("Max", "3 ms"), ("Count", "2")]


def test_thresholds_that_a_chart_does_not_show_say_nothing() -> None:
    assert chart_of(panel("timeseries", "up", **fields(thresholds=STEPS)), (A, [99.0])).limits == ()


def test_a_stat_reduces_maps_and_marks() -> None:
    mappings = [
        {"type": "value", "options": {"0": {"text": "DOWN", "color": "red"}, "1": {"text": "UP", "color": "green"}}},
        {"type": "range", "options": {"from": 100, "to": None, "result": {"text": "lots"}}},
        {"type": "special", "options": {"match": "null", "result": {"text": "gone"}}},
    ]
    one = panel("stat", "up", options={"reduceOptions": {"calcs": ["lastNotNull"]}},
                **fields(mappings=mappings, thresholds=STEPS))  # fmt: skip
    body = shown(
        dashboard(one), (A, [1.0, 0.0]), (B, [5.0, 200.0]), ({"job": "c"}, [15.0]), ({"job": "d"}, [None])
    ).body
    assert isinstance(body, Readings)
    assert [(tile.reading.text, tile.reading.mark.level) for tile in body.tiles] == [
        ("DOWN", "critical"), ("lots", "critical"), ("15", "warning"), ("gone", ""),
    ]  # fmt: skip
    assert body.tiles[0].spark is not None
    assert body.tiles[0].spark.values == (1.0, 0.0)


def test_a_stat_without_colour_marks_nothing() -> None:
    one = panel("stat", "up", options={"colorMode": "none", "graphMode": "none"}, **fields(thresholds=STEPS))
    body = shown(dashboard(one), (A, [99.0])).body
    assert isinstance(body, Readings)
    assert (body.tiles[0].reading.mark, body.tiles[0].spark, body.tint) == (Mark(), None, "")


def test_gauges_bars_and_slices_know_their_share() -> None:
    gauge = shown(dashboard(panel("gauge", "up", **fields(min=0, max=200, unit="percent"))), (A, [50.0])).body
    assert isinstance(gauge, Readings)
    assert (gauge.style, gauge.tiles[0].share, gauge.low, gauge.high) == ("gauge", 0.25, 0, 200)
    bars = shown(dashboard(panel("bargauge", "up")), (A, [5.0]), (B, [10.0])).body
    assert isinstance(bars, Readings)
    assert [tile.share for tile in bars.tiles] == [0.5, 1.0]
    slices = shown(dashboard(panel("piechart", "up")), (A, [1.0]), (B, [3.0])).body
    assert isinstance(slices, Readings)
    assert [tile.share for tile in slices.tiles] == [0.75, 0.25]
    whole = shown(dashboard(panel("gauge", "up", **fields(unit="percentunit"))), (A, [0.3])).body
    assert isinstance(whole, Readings)
    assert whole.tiles[0].share == pytest.approx(0.3)


def table_of(one: dict[str, Any], *samples: Any) -> Table:
    for target in one["targets"]:
        target |= {"format": "table", "instant": True}
    body = shown(dashboard(one), *samples).body
    assert isinstance(body, Table)
    return body


def rows(body: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in body.rows]


def test_a_table_has_labels_as_columns_and_hides_names_and_sorts_as_chosen() -> None:
    steps = [{"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "Size"},
                                            "indexByName": {"job": 1, "Value": 0}}}]  # fmt: skip
    rules = [
        override("byName", "Size", unit="bytes", custom__cellOptions={"type": "color-background"}, thresholds=STEPS)
    ]
    one = panel("table", "x", transformations=steps, options={"sortBy": [{"displayName": "Size", "desc": True}]},
                **fields(rules))  # fmt: skip
    body = table_of(one, (A, 1024.0), (B, 2048.0))
    assert [(column.name, column.numeric, column.style) for column in body.columns] == [
        ("Size", True, "background"), ("job", False, "text"),
    ]  # fmt: skip
    assert rows(body) == [["2 KiB", "b"], ["1 KiB", "a"]]
    assert body.rows[0][0].mark.level == "critical"
    assert body.rows[0][1] == Cell("b", "b")


def test_two_queries_merge_into_one_row_for_each_set_of_labels() -> None:
    one = panel(
        "table",
        "x",
        "y",
        transformations=[{"id": "merge"}],
        **fields([override("byType", "time", custom__hidden=True)]),
    )
    body = table_of(one, (A, 1.0), (B, 2.0))
    assert [column.name for column in body.columns] == ["job", "Value #A", "Value #B"]
    assert rows(body) == [["a", "1", "1"], ["b", "2", "2"]]


def test_the_columns_of_an_old_table() -> None:
    old = {
        "type": "table-old", "datasource": "prometheus", "transform": "table", "sort": {"col": 1, "desc": True},
        "targets": [{"refId": "A", "expr": "x", "format": "table", "instant": True}],
        "styles": [
            {"pattern": "Time", "type": "hidden"},
            {"pattern": "Value", "type": "number", "unit": "s", "alias": "Age", "decimals": 1, "colorMode": "cell",
             "colors": ["green", "orange", "red"], "thresholds": ["5", "10"]},
            {"pattern": "/.*/", "type": "string"},
        ],
    }  # fmt: skip
    body = shown(dashboard(old), (A, 7.0), (B, 12.0)).body
    assert isinstance(body, Table)
    assert [column.name for column in body.columns] == ["job", "Age"]
    assert rows(body) == [["b", "12.0 s"], ["a", "7.0 s"]]
    assert [row[1].mark.level for row in body.rows] == ["critical", "warning"]


def test_a_heatmap_of_prometheus_buckets_counts_each_bucket_alone() -> None:
    one = panel("heatmap", "x", options={"yAxis": {"unit": "s"}})
    one["targets"][0] |= {"format": "heatmap", "legendFormat": "{{le}}"}
    body = shown(dashboard(one), ({"le": "+Inf"}, [10.0]), ({"le": "0.5"}, [4.0]), ({"le": "1"}, [9.0])).body
    assert isinstance(body, Heat)
    assert body.buckets == ("500 ms", "1 s", "+Inf")
    assert body.cells == ((4.0,), (5.0,), (1.0,))
    assert (body.low, body.high, body.bounds[-1]) == (1.0, 5.0, math.inf)


def test_a_heatmap_and_a_histogram_made_of_values() -> None:
    series = (A, [1.0, 2.0, 2.5, 9.0])
    heat = shown(dashboard(panel("heatmap", "x", options={"calculate": True})), series).body
    assert isinstance(heat, Heat)
    assert sum(cell or 0 for row in heat.cells for cell in row) == 4
    histogram = shown(dashboard(panel("histogram", "x", options={"bucketSize": 2})), series).body
    assert isinstance(histogram, Histogram)
    assert [(one.low, one.high, one.counts) for one in histogram.bins] == [
        (0, 2, (1.0,)), (2, 4, (2.0,)), (4, 6, (0.0,)), (6, 8, (0.0,)), (8, 10, (1.0,)),
    ]  # fmt: skip


def test_states_join_while_they_last_and_stop_where_nothing_is_known() -> None:
    mapping = [
        {"type": "value", "options": {"1": {"text": "up", "color": "green"}, "0": {"text": "down", "color": "red"}}}
    ]
    one = panel("state-timeline", "up", **fields(mappings=mapping))
    body = shown(dashboard(one), (A, [1.0, 1.0, 0.0, None, 1.0])).body
    assert isinstance(body, States)
    (row,) = body.rows
    times = [(segment.text, round((segment.end - segment.start) / 15)) for segment in row.segments[:2]]
    assert times == [("up", 2), ("down", 1)]
    assert row.segments[1].mark.level == "critical"
    assert row.segments[2].end == END
    every = shown(dashboard(panel("status-history", "up", **fields(mappings=mapping))), (A, [1.0, 1.0])).body
    assert isinstance(every, States)
    assert (every.merged, len(every.rows[0].segments)) == (False, 2)


def test_log_lines_come_in_the_order_chosen_with_a_level() -> None:
    made = dashboard(
        panel("logs", '{a="b"}', datasource={"type": "loki"}, options={"sortOrder": "Ascending", "showTime": True})
    )
    asked = queries(made, made.panels[0], scope_of(made))
    lines = Lines((LogRow(2.0, "ERROR boom"), LogRow(1.0, "fine", "info", (("app", "x"),))))
    body = panel_data(made, made.panels[0], scope_of(made), asked, {"A": lines}).body
    assert isinstance(body, Logs)
    assert [(row.text, row.level) for row in body.rows] == [("fine", "info"), ("ERROR boom", "error")]
    assert (body.newest_first, body.show_time, body.show_labels) == (False, True, False)


def test_texts_lose_their_markup_and_gain_their_variables() -> None:
    markdown = {
        "type": "text",
        "options": {"mode": "markdown", "content": "# Hi $v\n* **one** [two](http://x)\n\x1b[31m"},
    }
    html = {
        "type": "text",
        "options": {"mode": "html", "content": "<h1>A &amp; B</h1><script>evil()</script><p>x<br>y</p>"},
    }
    made = dashboard(markdown, html, variables=[{"name": "v", "type": "constant", "query": "you"}])
    bodies = [shown(made, place=at).body for at in (0, 1)]
    assert bodies[0] == Words("Hi you\n• one two (http://x)\n[31m", "# Hi you\n* **one** [two](http://x)\n[31m")
    assert bodies[1] == Words("A & B\nx\ny")


def test_lists_say_what_they_are_of_and_rows_what_they_hide() -> None:
    alerts = {"type": "alertlist", "options": {"maxItems": 5, "stateFilter": {"firing": True, "normal": False},
              "alertInstanceLabelFilter": '{severity=~"a|b", team="x"}'}}  # fmt: skip
    body = shown(dashboard(alerts)).body
    assert body == Listing("alerts", 5, states=("firing",), labels=(("severity", "=~", "a|b"), ("team", "=", "x")))
    assert shown(dashboard({"type": "row", "title": "R"})).body == RowTitle(False, 0)


def test_what_cannot_be_drawn_is_a_box_with_its_reason() -> None:
    body = shown(dashboard(panel("geomap", "x"))).body
    assert body == Box("geomap: a map has no shape in a terminal")
    assert shown(dashboard(panel("acme-panel", "x"))).body == Box("acme-panel is a plugin that is not supported")
    assert shown(dashboard(panel("stat"))).body == Box("it has no query")


def test_a_failed_query_is_said_and_the_others_are_shown() -> None:
    made = dashboard(panel("timeseries", "bad(", "up"))
    asked = queries(made, made.panels[0], scope_of(made))
    answers = {"A": Failed("parse error"), "B": full(asked.queries[1], (A, [1.0]))}
    data = panel_data(made, made.panels[0], scope_of(made), asked, answers)
    assert data.errors == ("query A: parse error",)
    assert isinstance(data.body, Chart)
    assert len(data.body.lines) == 1
    assert not data.empty


def test_no_data_is_told_in_the_authors_words() -> None:
    data = shown(dashboard(panel("stat", "up", title="$v", **fields(noValue="quiet"))))
    assert (data.empty, data.no_value, data.title) == (True, "quiet", "$v")


def test_math_over_two_queries() -> None:
    one = panel("timeseries", "a", "b")
    one["targets"][0]["hide"] = one["targets"][1]["hide"] = True
    one["targets"].append(
        {"refId": "C", "datasource": {"uid": "__expr__"}, "type": "math", "expression": "($A - $B) / 2 + 1"}
    )
    made = dashboard(one)
    asked = queries(made, made.panels[0], scope_of(made))
    answers = {
        "A": full(asked.queries[0], (A, [4.0, 8.0]), (B, [1.0, 1.0])),
        "B": full(asked.queries[1], (A, [2.0, 2.0])),
    }
    body = panel_data(made, made.panels[0], scope_of(made), asked, answers).body
    assert isinstance(body, Chart)
    assert [line.values for line in body.lines] == [(2.0, 4.0)]


def test_an_instant_answer_alone_fills_a_table_without_transformations() -> None:
    one = panel("table", "up")
    one["targets"][0]["instant"] = True
    made = dashboard(one)
    asked = queries(made, made.panels[0], scope_of(made))
    answer = instant(asked.queries[0], (A, 1.0), (B, 0.0))
    body = panel_data(made, made.panels[0], scope_of(made), asked, {"A": answer}).body
    assert isinstance(body, Table)
    assert [row[1:] for row in rows(body)] == [['{job="a"}', "1"], ['{job="b"}', "0"]]


def test_a_shifted_panel_is_shown_where_it_is_looked_at() -> None:
    one = panel("timeseries", "up", timeShift="1h")
    data = shown(dashboard(one), (A, [1.0] * 41))
    assert data.time_note == "1h earlier"
    assert isinstance(data.body, Chart)
    assert (data.body.start, data.body.end) == (START, END)
    assert START - 15 <= data.body.lines[0].times[0] <= START
