"""Dashboards of every age and in every envelope are read into the same model, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dashboards.made import END, START, dashboard, panel
from warroom.dashboards.answers import Failed
from warroom.dashboards.check import check
from warroom.dashboards.layout import lay_out
from warroom.dashboards.model import Dashboard, DashboardError
from warroom.dashboards.panel_data import panel_data
from warroom.dashboards.queries import queries
from warroom.dashboards.read import load_dashboard, parse_dashboard, read_dashboard
from warroom.dashboards.values import Scope
from warroom.dashboards.variables import settled

CLASSIC: dict[str, Any] = {"title": "Web", "uid": "web", "schemaVersion": 39, "panels": [panel("stat", "up")]}
NEWER: dict[str, Any] = {
    "title": "Web",
    "elements": {
        "p": {
            "kind": "Panel",
            "spec": {
                "id": 7,
                "title": "Up",
                "data": {
                    "kind": "QueryGroup",
                    "spec": {
                        "queries": [
                            {
                                "kind": "PanelQuery",
                                "spec": {
                                    "refId": "A",
                                    "query": {"kind": "DataQuery", "group": "prometheus", "spec": {"expr": "up"}},
                                },
                            }
                        ]
                    },
                },
                "vizConfig": {
                    "kind": "VizConfig",
                    "group": "stat",
                    "spec": {"options": {}, "fieldConfig": {"defaults": {"unit": "bytes"}}},
                },
            },
        }
    },
    "layout": {
        "kind": "RowsLayout",
        "spec": {
            "rows": [
                {
                    "kind": "RowsLayoutRow",
                    "spec": {
                        "title": "First",
                        "layout": {
                            "kind": "GridLayout",
                            "spec": {
                                "items": [
                                    {
                                        "kind": "GridLayoutItem",
                                        "spec": {
                                            "x": 6, "y": 0, "width": 8, "height": 5,
                                            "element": {"kind": "ElementReference", "name": "p"},
                                        },
                                    }
                                ]
                            },
                        },
                    },
                }
            ]
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        CLASSIC,
        {"dashboard": CLASSIC, "meta": {"slug": "web"}},
        {"kind": "Dashboard", "apiVersion": "v1", "metadata": {"name": "web"}, "spec": CLASSIC},
        {"kind": "GrafanaDashboard", "metadata": {"name": "x"}, "spec": {"json": json.dumps(CLASSIC)}},
    ],
)
def test_an_envelope_makes_no_difference(said: dict[str, Any]) -> None:
    assert read_dashboard(said) == read_dashboard(CLASSIC)


def test_the_newest_schema_gives_rows_panels_places_and_queries() -> None:
    made = read_dashboard({"kind": "Dashboard", "metadata": {"name": "web"}, "spec": NEWER})
    row, stat = made.panels
    assert (row.kind, row.title) == ("row", "First")
    assert (stat.kind, stat.title, stat.id, stat.fields.defaults["unit"]) == ("stat", "Up", 7, "bytes")
    assert (stat.grid.x, stat.grid.y, stat.grid.w, stat.grid.h) == (6, 1, 8, 5)
    assert (stat.targets[0].expr, stat.targets[0].source.kind) == ("up", "prometheus")
    assert check(made).summary == "1 of 1 panel can be drawn"


def test_rows_of_the_oldest_schema_become_places_on_the_grid() -> None:
    said = {
        "title": "Old",
        "rows": [
            {"title": "A", "showTitle": True, "height": "250px",
             "panels": [{"type": "graph", "span": 8, "targets": [{"expr": "up"}]}, {"type": "text", "span": 4}]},
            {"title": "B", "collapse": True, "panels": [{"type": "singlestat", "span": 12}]},
        ],
    }  # fmt: skip
    made = read_dashboard(said)
    assert [(one.kind, one.grid.x, one.grid.y, one.grid.w, one.grid.h) for one in made.panels] == [
        ("row", 0, 0, 24, 1), ("timeseries", 0, 1, 16, 7), ("text", 16, 1, 8, 7), ("row", 0, 8, 24, 1),
    ]  # fmt: skip
    (inner,) = made.panels[3].panels
    assert (made.panels[3].collapsed, inner.kind, inner.path) == (True, "stat", "$.rows[1].panels[0]")


def test_an_old_graph_keeps_its_axes_stack_and_thresholds() -> None:
    old = {
        "type": "graph", "stack": True, "fill": 4, "lines": True, "targets": [{"expr": "up"}], "linewidth": 2,
        "yaxes": [{"format": "bytes", "logBase": 10, "min": "0"}, {"format": "percent"}],
        "seriesOverrides": [{"alias": "/rx/", "yaxis": 2, "transform": "negative-Y"}],
        "thresholds": [{"value": 5, "colorMode": "critical", "op": "gt"}],
        "legend": {"show": True, "values": True, "avg": True, "max": True, "alignAsTable": True},
    }  # fmt: skip
    (one,) = read_dashboard({"panels": [old]}).panels
    defaults = one.fields.defaults
    assert (defaults["unit"], defaults["min"], defaults["custom"]["stacking"]["mode"]) == ("bytes", "0", "normal")
    assert defaults["custom"]["fillOpacity"] == 40
    assert defaults["thresholds"]["steps"][1] == {"value": 5.0, "color": "red"}
    assert one.options["legend"]["calcs"] == ["mean", "max"] or set(one.options["legend"]["calcs"]) == {"mean", "max"}
    assert dict(one.fields.overrides[0].properties)["unit"] == "percent"


def test_an_old_singlestat_keeps_its_calculation_thresholds_and_mappings() -> None:
    old = {
        "type": "singlestat", "valueName": "avg", "format": "s", "thresholds": "1,2", "colorValue": True,
        "colors": ["green", "orange", "red"], "valueMaps": [{"value": "null", "op": "=", "text": "N/A"}],
        "gauge": {"show": True, "minValue": 0, "maxValue": 5}, "targets": [{"expr": "up"}],
    }  # fmt: skip
    (one,) = read_dashboard({"panels": [old]}).panels
    assert (one.kind, one.options["reduceOptions"]["calcs"]) == ("gauge", ["mean"])
    assert [step["color"] for step in one.fields.defaults["thresholds"]["steps"]] == ["green", "orange", "red"]
    assert one.fields.defaults["max"] == 5


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[1, 2]", "f.json: is no dashboard: it must be a JSON object, not a list"),
        (b"{}", "f.json: is no dashboard: it has neither `panels` nor `rows` nor `elements`"),
        (b'{"panels": [', "f.json: is not JSON at line 1, column 13"),
        (b"\xff", "f.json: is not JSON"),
        (b'{"kind": "Pod", "spec": {}}', "f.json: is a Pod object; a Dashboard is what can be read"),
        (b'{"kind": "GrafanaDashboard", "spec": {"json": "{"}}', "f.json: `spec.json` is not JSON"),
        (b'{"panels": [' + b"{}," * 2000 + b"{}]}", "f.json: has 2001 panels; at most 2000 are read"),
    ],
)
def test_what_is_no_dashboard_gets_one_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(DashboardError) as refused:
        parse_dashboard(body, "f.json")
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match=r"no\.json: cannot be read: No such file"):
        load_dashboard(tmp_path / "no.json")


def test_a_library_panel_that_is_not_in_the_file_is_a_box_with_its_name() -> None:
    made = dashboard({"id": 1, "gridPos": {}, "libraryPanel": {"uid": "x", "name": "Shared"}})
    assert [one.code for one in check(made).findings] == ["panel.library"]
    asked = queries(made, made.panels[0], Scope({}, START, END))
    assert "Shared" in repr(panel_data(made, made.panels[0], Scope({}, START, END), asked, {}).body)


_KEYS = (
    "panels", "rows", "type", "title", "targets", "expr", "gridPos", "x", "y", "w", "h", "fieldConfig", "defaults",
    "overrides", "matcher", "id", "options", "properties", "value", "unit", "thresholds", "steps", "color", "mappings",
    "templating", "list", "name", "query", "regex", "sort", "current", "text", "includeAll", "multi", "allValue",
    "transformations", "repeat", "legend", "calcs", "reduceOptions", "styles", "pattern", "yaxes", "format", "span",
    "collapsed", "datasource", "uid", "spec", "kind", "elements", "layout", "items", "rows", "links", "url", "custom",
    "mode", "content", "annotations", "time", "from", "interval", "displayName", "decimals", "min", "max", "byField",
)  # fmt: skip
_WORDS = st.sampled_from(
    ["timeseries", "graph", "singlestat", "table-old", "table", "stat", "text", "row", "heatmap", "query", "interval",
     "up", "custom", "byRegexp", "byName", "reduce", "organize", "merge", "joinByField", "$a", "${b:csv}", "now-5m",
     "range", "5m", "(a+)+$", "percent", "bytes", "RowsLayout", "red", "/x/", "{{a}}", "1", "label_values(up, job)",
     "$__all"]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=60,
)
_DASHBOARDS = st.fixed_dictionaries(
    {
        "panels": st.lists(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=10) | _JSON, max_size=4),
        "templating": st.fixed_dictionaries(
            {"list": st.lists(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=10), max_size=3)}
        ),
    }
)


def _use(made: Dashboard) -> None:
    """Everything that is done with a dashboard, with no answer and with a failure for each query."""
    check(made)
    scope = settled(made, Scope({}, START, END))
    for width in (9, 80, 200):
        lay_out(made, scope, width)
    for one in made.every_panel():
        asked = queries(made, one, scope)
        panel_data(made, one, scope, asked, {})
        data = panel_data(made, one, scope, asked, {query.ref: Failed("no") for query in asked.queries})
        assert hash(data) is not None


def _outcome(read: Callable[[], Dashboard]) -> Dashboard | str:
    """The dashboard, or the sentence that refuses it."""
    try:
        return read()
    except DashboardError as refused:
        return str(refused)


@given(_JSON)
def test_any_json_is_a_dashboard_or_one_sentence(said: Any) -> None:
    made = _outcome(lambda: read_dashboard(said))
    if isinstance(made, Dashboard):
        _use(made)
    else:
        assert "\n" not in made


@given(_DASHBOARDS)
def test_any_dashboard_can_be_checked_laid_out_asked_for_and_shown(said: Any) -> None:
    _use(read_dashboard(said))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_dashboard_or_one_sentence(body: bytes) -> None:
    made = _outcome(lambda: parse_dashboard(body))
    assert isinstance(made, Dashboard) or "\n" not in made
