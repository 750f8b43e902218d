"""Metric queries: what is counted in which step, how values become one, and how two sides find each other."""

from __future__ import annotations

import math

import pytest

from warroom.embedded.log_store import LogStore
from warroom.embedded.logql import LogQL, LogqlError, QueryLimits
from warroom.telemetry.logs import LogLine

SECOND = 1_000_000_000
T0 = 1_795_247_280
"""Seconds; a multiple of a minute."""


def store_of(*rows):
    """Lines of (seconds after T0, labels, text)."""
    store = LogStore(limits=LogStore().limits)
    for at, labels, text in sorted(rows, key=lambda row: row[0]):
        pairs = tuple(sorted(labels.items()))
        store.append([LogLine(T0 * SECOND + round(at * SECOND), text, pairs, (("detected_level", "info"),))])
    return store


def values_of(store, query, at=60):
    """Label sets without what Loki adds, and values at one moment."""
    found = LogQL(store).instant(query, T0 + at)
    return {tuple(pair for pair in one.labels if pair[0] not in ("detected_level", "service_name")): one.value
            for one in found.samples}  # fmt: skip


A, B = {"app": "a"}, {"app": "b"}
BY_APP = 'sum by (app) (count_over_time({app=~".+"}[1m]))'
A_ALONE = 'sum by (app) (count_over_time({app="a"}[1m]))'
A_BY_K = 'sum by (app, k) (count_over_time({app="a"} | logfmt [1m]))'
NUMBERS = store_of(
    (5, A, "v=1 d=1s s=1KB k=x"), (10, A, "v=4 d=500ms s=2KB k=x"), (20, A, "v=2 d=2s s=3KB k=y"),
    (30, A, "v=3 d=3s s=4KB k=y"),
    (40, B, "v=10 d=1m s=1MB k=x"), (59, B, "v=30 d=1h s=2MB k=y"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "a", "b"),
    [
        ('count_over_time({app=~".+"}[1m])', 4, 2), ('rate({app=~".+"}[1m])', 4 / 60, 2 / 60),
        ('bytes_over_time({app=~".+"}[1m])', 18 + 21 + 18 + 18, 19 + 19),
        ('bytes_rate({app=~".+"}[1m])', 75 / 60, 38 / 60),
        ('count_over_time({app=~".+"}[30s])', 0, 2), ('count_over_time({app=~".+"}[1m] offset 20s)', 4, 1),
        ('count_over_time({app=~".+"} |= "k=x" [1m])', 2, 1),
        ('sum by (app) (sum_over_time({app=~".+"} | logfmt | unwrap v [1m]))', 10, 40),
        ('avg_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 2.5, 20),
        ('min_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 1, 10),
        ('max_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 4, 30),
        ('first_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 1, 10),
        ('last_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 3, 30),
        ('stdvar_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', 1.25, 100),
        ('stddev_over_time({app=~".+"} | logfmt | unwrap v [1m]) by (app)', math.sqrt(1.25), 10),
        ('quantile_over_time(0.5, {app=~".+"} | logfmt | unwrap v [1m]) by (app)', 2.5, 20),
        ('quantile_over_time(1, {app=~".+"} | logfmt | unwrap v [1m]) by (app)', 4, 30),
        ('quantile_over_time(2, {app=~".+"} | logfmt | unwrap v [1m]) by (app)', math.inf, math.inf),
        ('max_over_time({app=~".+"} | logfmt | unwrap duration(d) [1m]) by (app)', 3, 3600),
        ('max_over_time({app=~".+"} | logfmt | unwrap duration_seconds(d) [1m]) by (app)', 3, 3600),
        ('max_over_time({app=~".+"} | logfmt | unwrap bytes(s) [1m]) by (app)', 4000, 2_000_000),
        ('sum by (app) (rate({app=~".+"} | logfmt | unwrap v [1m]))', 10 / 60, 40 / 60),
        ('max_over_time({app=~".+"} | logfmt | unwrap v | v < 4 [1m]) by (app)', 3, 0),
        ('sum by (app) (count_over_time({app=~".+"} | logfmt | k="x" [1m]))', 2, 1),
        ('avg by (app) (sum_over_time({app=~".+"} | logfmt | unwrap v [1m]))', 2.5, 20),
        ('count by (app) (count_over_time({app=~".+"} | logfmt [1m]))', 4, 2),
        ('sum without (detected_level, service_name) (count_over_time({app=~".+"}[1m]))', 4, 2),
        ('max by (app) (max_over_time({app=~".+"} | logfmt | unwrap v [1m]))', 4, 30),
        ('min by (app) (min_over_time({app=~".+"} | logfmt | unwrap v [1m]))', 1, 10),
        ('stddev by (app) (sum_over_time({app=~".+"} | logfmt | unwrap v [1m]))', math.sqrt(1.25), 10),
        ('stdvar by (app) (sum_over_time({app=~".+"} | logfmt | unwrap v [1m]))', 1.25, 100),
        ('2 * sum by (app) (count_over_time({app=~".+"}[1m])) - 1', 7, 3),
        ('sum by (app) (count_over_time({app=~".+"}[1m])) ^ 2 % 5', 1, 4),
        ('sum by (app) (count_over_time({app=~".+"}[1m])) > 2', 4, 0),
        ('sum by (app) (count_over_time({app=~".+"}[1m])) > bool 2', 1, 0.0),
        ('2 < sum by (app) (count_over_time({app=~".+"}[1m]))', 4, 0),
        ('topk(1, sum by (app) (count_over_time({app=~".+"}[1m])))', 4, 0),
        ('bottomk(1, sum by (app) (count_over_time({app=~".+"}[1m])))', 0, 2),
        (f'{BY_APP} / on (app) sum by (app) (count_over_time({{app=~".+"}} |= "k=x" [1m]))', 2, 2),
        ('sum by (app) (count_over_time({app=~".+"}[1m])) and sum by (app) (count_over_time({app="a"}[1m]))', 4, 0),
        ('sum by (app) (count_over_time({app=~".+"}[1m])) unless sum by (app) (count_over_time({app="a"}[1m]))', 0, 2),
        ('sum by (app) (count_over_time({app="a"}[1m])) or sum by (app) (count_over_time({app=~".+"}[1m]))', 4, 2),
    ],
)  # fmt: skip
def test_a_value_of_each_of_two_apps(query, a, b):
    found = {dict(labels)["app"]: value for labels, value in values_of(NUMBERS, query).items()}
    wanted = {name: value for name, value in (("a", a), ("b", b)) if value or value is not b or "bool" in query}
    wanted = {name: value for name, value in wanted.items() if value != 0 or isinstance(value, float)}
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("vector(3)", {(): 3.0}), ("1 + 1", {(): 2.0}), ("vector(1) + vector(1)", {(): 2.0}),
        ("vector(4) > 3", {(): 4.0}),
        ('sum(count_over_time({app=~".+"}[1m]))', {(): 6.0}),
        ('count(sum by (app) (count_over_time({app=~".+"}[1m])))', {(): 2.0}),
        ('sum(count_over_time({app="none"}[1m]))', {}),
        ('sum(count_over_time({app="none"}[1m])) or vector(0)', {(): 0.0}),
        ('absent_over_time({app="none", x="y"}[1m])', {(("app", "none"), ("x", "y")): 1.0}),
        ('absent_over_time({app="a"}[1m])', {}),
        ('sum by (k) (count_over_time({app=~".+"} | logfmt [1m]))', {(("k", "x"),): 3.0, (("k", "y"),): 3.0}),
        ('sum by (app, k) (count_over_time({app="a"} | logfmt [1m]))', {(("app", "a"), ("k", "x")): 2.0, (("app", "a"),
        ("k", "y")): 2.0}),
        ('sum by (nothing) (count_over_time({app=~".+"}[1m]))', {(): 6.0}),
        ('label_replace(sum by (app) (count_over_time({app="a"}[1m])), "to", "${1}x", "app", "(.*)")', {(("app", "a"),
        ("to", "ax")): 4.0}),
        ('label_replace(sum by (app) (count_over_time({app="a"}[1m])), "to", "x", "app", "z")', {(("app", "a"),): 4.0}),
        (f"{A_BY_K} / on (app) group_left () {A_ALONE}",
         {(("app", "a"), ("k", "x")): 0.5, (("app", "a"), ("k", "y")): 0.5}),
        (f"{A_ALONE} / on (app) group_right () {A_BY_K}",
         {(("app", "a"), ("k", "x")): 2.0, (("app", "a"), ("k", "y")): 2.0}),
        (f'sum by (app, k) (count_over_time({{app="a"}} | logfmt | k="x" [1m])) / ignoring (k) {A_ALONE}',
         {(("app", "a"),): 0.5}),
    ],
)  # fmt: skip
def test_values_of_whole_label_sets(query, wanted):
    assert values_of(NUMBERS, query) == wanted


def test_sorted_series_come_in_order_of_their_values():
    logql = LogQL(NUMBERS)
    rising = logql.instant('sort(sum by (app) (count_over_time({app=~".+"}[1m])))', T0 + 60)
    falling = logql.instant('sort_desc(sum by (app) (count_over_time({app=~".+"}[1m])))', T0 + 60)
    assert [one.value for one in rising.samples] == [2, 4]
    assert [one.value for one in falling.samples] == [4, 2]


def test_a_counter_that_starts_again_is_counted_on():
    store = store_of(*((at, A, f"c={(at * 2) % 50}") for at in range(0, 61, 10)))
    ((_, value),) = values_of(store, 'avg by (app) (rate_counter({app="a"} | logfmt | unwrap c [1m]))').items()
    # 70 in 50 seconds, two of them after it began at 0 again, drawn out to the minute.
    assert value == pytest.approx(1.4)


def test_a_range_has_its_end_and_not_its_start():
    store = store_of((0, A, "at the start"), (60, A, "at the end"))
    assert values_of(store, 'count_over_time({app="a"}[1m])') == {(("app", "a"),): 1}
    assert values_of(store, 'count_over_time({app="a"}[61s])') == {(("app", "a"),): 2}


def test_steps_fall_on_multiples_of_their_length_and_empty_ones_are_left_out():
    store = store_of((5, A, "x"), (65, A, "y"), (66, A, "z"), (185, A, "w"))
    ((line),) = LogQL(store).matrix('sum(count_over_time({app="a"}[1m]))', T0 + 3, T0 + 200, 60).lines
    assert line.times == (T0 + 60, T0 + 120, T0 + 240)
    assert line.values == (1, 2, 1)


def test_without_a_grouping_series_are_apart_by_what_stands_beside_their_lines():
    store = LogStore()
    store.append([LogLine(T0 * SECOND + at, "x", (("app", "a"),), (("trace_id", f"t{at % 2}"),)) for at in range(4)])
    found = LogQL(store).instant('count_over_time({app="a"}[1m])', T0 + 1)
    assert [dict(one.labels)["trace_id"] for one in found.samples] == ["t0", "t1"]
    found = LogQL(store).instant('sum by (trace_id) (count_over_time({app="a"}[1m]))', T0 + 1)
    assert [(one.labels, one.value) for one in found.samples] == [
        ((("trace_id", "t0"),), 2),
        ((("trace_id", "t1"),), 2),
    ]


MIXED = store_of((5, A, '{"v": 1}'), (10, A, "no json"))


def test_a_line_that_cannot_be_read_fails_a_metric_query_unless_it_is_filtered_or_nobody_asks():
    for query in ('count_over_time({app="a"} | json [1m])', 'sum by (v) (count_over_time({app="a"} | json [1m]))'):
        with pytest.raises(LogqlError, match="pipeline error: 'JSONParserErr'"):
            values_of(MIXED, query)
    assert values_of(MIXED, 'sum by (app) (count_over_time({app="a"} | json | __error__="" [1m]))') == {
        (("app", "a"),): 1
    }
    assert values_of(MIXED, 'sum(count_over_time({app="a"} | json [1m]))') == {(): 2}
    assert values_of(MIXED, 'sum by (__error__) (count_over_time({app="a"} | json [1m]))') == {
        (): 1, (("__error__", "JSONParserErr"),): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('{app="a"}', "log queries are not supported as an instant query type"),
        (f"{A_BY_K} / on (app) {A_ALONE}",
         "many-to-one matching must be explicit"),
        (f"{A_ALONE} / on (app) {A_BY_K}",
         "found duplicate series on the right hand-side"),
        ('label_replace(sum by (app) (count_over_time({app=~".+"}[1m])), "app", "x", "app", ".*")', "same labelset"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused(query, words):
    with pytest.raises(LogqlError, match=words):
        values_of(NUMBERS, query)


def test_limits_are_told_in_lokis_words():
    logql = LogQL(NUMBERS, QueryLimits(series=1, points=10, entries=5, length=3600.0))
    with pytest.raises(LogqlError, match=r"maximum number of series \(1\) reached"):
        logql.instant('count_over_time({app=~".+"}[1m])', T0 + 60)
    with pytest.raises(LogqlError, match=r"maximum number of series \(1\) reached"):
        logql.matrix('count_over_time({app=~".+"}[1m])', T0, T0 + 60, 60)
    with pytest.raises(LogqlError, match="exceeded maximum resolution of 10 points"):
        logql.matrix('rate({app="a"}[1m])', T0, T0 + 60, 1)
    with pytest.raises(LogqlError, match=r"\(query length: 2h0m0s, limit: 1h\)"):
        logql.matrix('rate({app="a"}[1m])', T0 - 7200, T0, 3600)
    with pytest.raises(LogqlError, match=r"max_entries_limit_per_query \(6 > 5\)"):
        logql.query_range('{app="a"}', 0, 1, 6)
    with pytest.raises(LogqlError, match="zero or negative query resolution"):
        logql.matrix('rate({app="a"}[1m])', T0, T0 + 60, 0)
    with pytest.raises(LogqlError, match="lists lines"):
        logql.matrix('{app="a"}', T0, T0 + 60, 60)


def test_work_is_bounded_by_lines_and_values_and_told_as_taking_too_long():
    for limits in (QueryLimits(lines=3), QueryLimits(values=1)):
        with pytest.raises(LogqlError, match="request timed out") as refused:
            LogQL(NUMBERS, limits).instant('count_over_time({app=~".+"}[1m])', T0 + 60)
        assert refused.value.status == 504
    with pytest.raises(LogqlError, match="request timed out"):
        LogQL(NUMBERS, QueryLimits(lines=3)).query_range('{app=~".+"}', T0 * SECOND, (T0 + 90) * SECOND)
