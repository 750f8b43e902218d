"""The transformations of a dashboard's author, each on frames as small as they can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.dashboards.calcs import CALCS, calculated
from warroom.dashboards.model import Transformation
from warroom.dashboards.panel_data import drawn_kinds
from warroom.dashboards.support import PANELS, TRANSFORMATIONS
from warroom.dashboards.tables import Field, Frame
from warroom.dashboards.transform import known_steps, transformed
from warroom.dashboards.values import Scope

SCOPE = Scope({}, 0.0, 600.0)


def series(name: str, *values: float | None, ref: str = "A", **labels: str) -> Frame:
    times = tuple(float(at) for at in range(len(values)))
    return Frame(
        ref, (Field("Time", "time", times), Field("Value", "number", values, tuple(sorted(labels.items())), name))
    )


def table(ref: str = "A", **columns: Any) -> Frame:
    fields = [
        Field(name, "text" if any(isinstance(one, str) for one in values) else "number", tuple(values))
        for name, values in columns.items()
    ]
    return Frame(ref, tuple(fields), "table")


def done(kind: str, options: dict[str, Any], *frames: Frame) -> list[dict[str, list[Any]]]:
    found = transformed(tuple(frames), [Transformation(kind, options, "$")], SCOPE)
    return [{one.shown: list(one.values) for one in frame.fields} for frame in found]


def test_what_the_page_says_is_done_is_done() -> None:
    assert known_steps() == set(TRANSFORMATIONS)
    assert drawn_kinds() | {"row"} == {kind for kind, one in PANELS.items() if one.drawn}


def test_reduce_makes_a_row_of_each_series_or_a_number_of_each_field() -> None:
    frames = series("a", 1, 2, 3), series("b", 5, None)
    assert done("reduce", {"reducers": ["max", "mean"]}, *frames) == [
        {"Field": ["a", "b"], "Max": [3, 5], "Mean": [2, 5]}
    ]
    assert done("reduce", {"mode": "reduceFields", "reducers": ["sum"]}, table(x=[1, 2], y=[3, 4])) == [
        {"x": [3], "y": [7]}
    ]
    labelled = series("", 1, job="x"), series("", 2, job="y")
    assert done("reduce", {"reducers": ["last"], "labelsToFields": True}, *labelled) == [
        {"job": ["x", "y"], "Last": [1, 2]}
    ]


def test_joins_by_time_by_a_field_and_by_labels() -> None:
    joined = done("seriesToColumns", {}, series("a", 1, 2), series("b", 3, 4, 5))
    assert joined == [{"Time": [0, 1, 2], "a": [1, 2, None], "b": [3, 4, 5]}]
    left, right = table(host=["x", "y"], cpu=[1, 2]), table(host=["y", "z"], mem=[3, 4])
    inner = done("joinByField", {"byField": "host", "mode": "inner"}, left, right)
    assert [list(one.values()) for one in inner] == [[["y"], [2], [3]]]
    outer = done("joinByField", {"byField": "host"}, left, right)
    assert [list(one.values()) for one in outer] == [[["x", "y", "z"], [1, 2, None], [None, 3, 4]]]
    by_labels = done(
        "joinByLabels", {"value": "kind"}, series("", 1, job="x", kind="cpu"), series("", 2, job="x", kind="mem")
    )
    assert by_labels == [{"job": ["x"], "cpu": [1], "mem": [2]}]


def test_merge_makes_one_row_of_what_agrees() -> None:
    found = done("merge", {}, table(job=["a", "b"], x=[1, 2]), table(job=["b", "c"], y=[3, 4]))
    assert found == [{"job": ["a", "b", "c"], "x": [1, 2, None], "y": [None, 3, 4]}]


def test_rows_of_series_and_labels_as_columns() -> None:
    assert done("seriesToRows", {}, series("a", 1, 2)) == [{"Time": [1, 0], "Metric": ["a", "a"], "Value": [2, 1]}]
    assert done("labelsToFields", {}, series("a", 1, job="x")) == [{"Time": [0], "job": ["x"], "Value": [1]}]
    rows = done("labelsToFields", {"mode": "rows"}, series("a", 1, job="x"))
    assert rows == [{"label": ["job"], "value": ["x"]}]


def test_names_are_filtered_ordered_and_replaced() -> None:
    frame = table(a=[1], b=[2], c=[3])
    options = {"excludeByName": {"a": True}, "renameByName": {"b": "B"}, "indexByName": {"c": 0, "b": 1}}
    assert done("organize", options, frame) == [{"c": [3], "B": [2]}]
    assert done("filterFieldsByName", {"include": {"names": ["a"], "pattern": "c"}}, frame) == [{"a": [1], "c": [3]}]
    assert done("filterFieldsByName", {"exclude": {"pattern": "/[ab]/"}}, frame) == [{"c": [3]}]
    assert done("renameByRegex", {"regex": "([ab])", "renamePattern": "$1$1"}, frame) == [
        {"aa": [1], "bb": [2], "c": [3]}
    ]
    assert done("filterByRefId", {"include": "A|B"}, series("a", 1), series("c", 1, ref="C"))[0]["a"] == [1]


def test_rows_are_filtered_sorted_limited_and_grouped() -> None:
    frame = table(host=["x", "y", "x"], v=[1, 3, 2])
    above = {"filters": [{"fieldName": "v", "config": {"id": "greater", "options": {"value": 1}}}], "match": "all"}
    assert done("filterByValue", above, frame) == [{"host": ["y", "x"], "v": [3, 2]}]
    assert done("filterByValue", {**above, "type": "exclude"}, frame) == [{"host": ["x"], "v": [1]}]
    assert done("sortBy", {"sort": [{"field": "v", "desc": True}]}, frame)[0]["v"] == [3, 2, 1]
    assert done("limit", {"limitField": "2"}, frame)[0]["v"] == [1, 3]
    grouped = {"host": {"operation": "groupby"}, "v": {"operation": "aggregate", "aggregations": ["sum", "count"]}}
    assert done("groupBy", {"fields": grouped}, frame) == [{"host": ["x", "y"], "v (sum)": [3, 3], "v (count)": [2, 1]}]
    matrix = {"rowField": "host", "columnField": "v", "valueField": "v"}
    assert done("groupingToMatrix", matrix, frame) == [
        {"host\\v": ["x", "y"], "1": [1, None], "3": [None, 3], "2": [2, None]}
    ]


@pytest.mark.parametrize(
    ("options", "name", "values"),
    [
        ({"mode": "binary", "binary": {"left": "a", "operator": "/", "right": "b"}}, "a / b", [0.5, None]),
        ({"mode": "binary", "binary": {"left": {"matcher": {"options": "a"}}, "operator": "*", "right":
           {"fixed": "10"}}, "alias": "ten"}, "ten", [10, 20]),
        ({"mode": "reduceRow", "reduce": {"reducer": "sum"}}, "Total", [3, 2]),
        ({"mode": "reduceRow", "reduce": {"reducer": "max", "include": ["a"]}, "alias": "m"}, "m", [1, 2]),
        ({"mode": "index"}, "Row", [0, 1]),
        ({"mode": "cumulativeFunctions", "cumulative": {"field": "a", "reducer": "sum"}}, "cumulative(a)", [1, 3]),
        ({"mode": "unary", "unary": {"fieldName": "a", "operator": "abs"}}, "abs(a)", [1, 2]),
    ],
)  # fmt: skip
def test_a_field_is_calculated(options: dict[str, Any], name: str, values: list[Any]) -> None:
    frame = table(a=[1.0, 2.0], b=[2.0, 0.0])
    assert done("calculateField", options, frame)[0][name] == values
    assert set(done("calculateField", {**options, "replaceFields": True}, frame)[0]) == {name}


def test_texts_become_numbers_times_and_fields() -> None:
    frame = table(x=["1.5", "no"])
    convert = {"conversions": [{"targetField": "x", "destinationType": "number"}]}
    assert done("convertFieldType", convert, frame) == [{"x": [1.5, None]}]
    json_ = table(line=['{"a": 1, "b": "c"}', "not"])
    assert done("extractFields", {"source": "line", "format": "json", "replace": True}, json_) == [
        {"a": [1, None], "b": ["c", None]}
    ]
    pairs = table(line=['level=info msg="a b"'])
    assert done("extractFields", {"source": "line", "format": "kvp", "replace": True}, pairs) == [
        {"level": ["info"], "msg": ["a b"]}
    ]
    assert done("formatTime", {"timeField": "Time", "outputFormat": "HH:mm"}, series("a", 1))[0]["Time"] == ["00:00"]
    trend = done("timeSeriesTable", {}, series("", 1, 2, job="x"), series("", 3, job="y"))
    assert trend == [{"job": ["x", "y"], "Trend #A": [2, 3]}]
    assert done("transpose", {}, table(k=["a", "b"], v=[1, 2])) == [{"k": ["v"], "a": [1], "b": [2]}]


def test_a_step_may_be_for_some_queries_or_switched_off() -> None:
    frames = series("a", 1, ref="A"), series("b", 2, ref="B")
    only_b = Transformation("renameByRegex", {"regex": "b", "renamePattern": "c"}, "$", refs="B")
    assert [one.fields[1].shown for one in transformed(frames, [only_b], SCOPE)] == ["a", "c"]
    off = Transformation("limit", {"limitField": 0}, "$", disabled=True)
    assert transformed(frames, [off], SCOPE) == frames


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lastNotNull", 2), ("last", None), ("first", 1), ("min", 1), ("max", 5), ("mean", 3), ("sum", 12),
        ("range", 4), ("diff", 1), ("diffperc", 1), ("delta", 6), ("median", 4), ("p95", 5), ("count", 5),
        ("distinctCount", 4),
        ("changeCount", 3), ("nonsense", None),
    ],
)  # fmt: skip
def test_every_calculation(name: str, value: float | None) -> None:
    assert calculated(name, [1.0, 4.0, 5.0, 2.0, None]) == value


@given(st.lists(st.none() | st.floats(), max_size=6))
def test_no_series_breaks_a_calculation(values: list[float | None]) -> None:
    for name in (*CALCS, "p50", "p99"):
        calculated(name, values)


_OPTIONS = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.sampled_from(["a", "Time", "max", "/x/", "sum"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["fields", "mode", "byField", "include", "names", "sort", "field", "filters", "config", "id",
                         "binary", "left", "right", "matcher", "options", "operation", "reducers", "conversions"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.sampled_from(sorted(TRANSFORMATIONS)),
    st.dictionaries(
        st.sampled_from(
            ["fields", "mode", "byField", "include", "sort", "filters", "reduce", "binary", "limitField", "source"]
        ),
        _OPTIONS,
        max_size=4,
    ),
)
def test_no_options_break_a_transformation(kind: str, options: dict[str, Any]) -> None:
    frames = series("a", 1, None, 3, job="x"), table("B", a=["x", "y"], b=[1.0, None])
    for frame in transformed(frames, [Transformation(kind, options, "$")], SCOPE):
        assert {len(one.values) for one in frame.fields} <= {frame.length}
