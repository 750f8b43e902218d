"""Variables: what to ask for them, what they become, and how their values stay values in a query."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dashboards.made import END, START, chosen, dashboard, scope_of
from warroom.dashboards.adhoc import with_filters
from warroom.dashboards.model import Option, Variable
from warroom.dashboards.values import Scope, fill_address, fill_query, fill_text, variables_in
from warroom.dashboards.variables import choose, circles, in_order, options_of, result_words, wanted_of


def variable(**said: Any) -> Variable:
    return dashboard(variables=[{"name": "v", **said}]).variables[0]


def scope(**values: Any) -> Scope:
    return Scope(values, START, END, step=15.0, scrape=15.0, title="D", uid="u")


MANY = chosen("a", "b.c", list_like=True)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("${v}", "{a,b.c}"), ("[[v]]", "{a,b.c}"), ("${v:csv}", "a,b.c"), ("${v:pipe}", "a|b.c"), ("${v:raw}", "a,b.c"),
        ("${v:regex}", "(a|b\\.c)"), ("${v:json}", '["a", "b.c"]'), ("${v:queryparam}", "var-v=a&var-v=b.c"),
        ("${v:singlequote}", "'a','b.c'"), ("${v:doublequote}", '"a","b.c"'), ("${v:distributed}", "a,v=b.c"),
        ("${v:glob}", "{a,b.c}"), ("${v:lucene}", '("a" OR "b.c")'), ("${v:percentencode}", "%7Ba%2Cb.c%7D"),
        ("${v:text}", "a + b.c"), ("$other stays", "$other stays"), ("$1", "$1"),
    ],
)  # fmt: skip
def test_every_format_of_grafana(said: str, text: str) -> None:
    assert fill_text(said.replace("${v}", "${v:glob}").replace("[[v]]", "[[v:glob]]"), scope(v=MANY)) == text


def test_a_text_for_people_says_what_people_chose() -> None:
    everything = chosen("a", "b", list_like=True, all_of=True)
    assert fill_text("On $v", scope(v=everything)) == "On All"
    one = choose(variable(type="custom"), [Option("7", "seven")], scope())
    assert fill_text("On $v", scope(v=one)) == "On seven"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("$__interval", "15s"), ("$__interval_ms", "15000"), ("$__rate_interval", "60s"), ("$__range", "600s"),
        ("$__range_s", "600"), ("${__range_ms}", "600000"), ("$__from", "1700000000000"), ("${__to}", "1700000600000"),
        ("${__from:date:YYYY-MM}", "2023-11"), ("${__from:date:seconds}", "1700000000"),
        ("${__to:date}", "2023-11-14T22:23:20.000Z"),
        ("$__dashboard", "D"), ("${__dashboard.uid}", "u"),
    ],
)  # fmt: skip
def test_grafanas_own_variables(said: str, text: str) -> None:
    assert fill_text(said, scope()) == text


@pytest.mark.parametrize(
    ("expr", "value", "filled"),
    [
        ('up{a="$v"}', chosen("x"), 'up{a="x"}'),
        ('up{a=~"$v"}', MANY, 'up{a=~"(a|b\\\\.c)"}'),
        ('up{a=~"$v"}', chosen("b.c", list_like=True), 'up{a=~"b\\\\.c"}'),
        ('up{a=~"$v"}', chosen("a|b"), 'up{a=~"a|b"}'),
        ('up{a=~"$v"}', chosen("a", list_like=True, all_of=True, verbatim=".+"), 'up{a=~".+"}'),
        ("{a=~`$v`}", MANY, "{a=~`(a|b\\.c)`}"),
        ("sum by ($v) (up)", chosen("job", trusted=False), "sum by (job) (up)"),
        ("rate(up[$v])", chosen("5m"), "rate(up[5m])"),
        ('label_replace(up, "a", "$1", "b", "(.*)")', chosen("x"), 'label_replace(up, "a", "$1", "b", "(.*)")'),
        ('up{a="$v"}', chosen('x"} or {b="y', trusted=False), 'up{a="x\\"} or {b=\\"y"}'),
        ("up{a='$v'}", chosen("it's"), "up{a='it\\'s'}"),
        ('up{a="$v"} # $v', chosen("x"), 'up{a="x"} # $v'),
    ],
)
def test_a_value_stays_where_it_was_put(expr: str, value: Any, filled: str) -> None:
    assert fill_query(expr, scope(v=value)) == filled


def test_a_servers_value_outside_of_quotes_must_be_a_plain_word() -> None:
    with pytest.raises(ValueError, match=r"\$v stands outside of quotes and its value is no plain word"):
        fill_query("rate($v[5m])", scope(v=chosen("up or vector(1)", trusted=False)))
    with pytest.raises(ValueError, match="backtick"):
        fill_query("{a=`$v`}", scope(v=chosen("x`y", trusted=False)))


@given(st.text(max_size=40), st.sampled_from(['"', "'"]), st.booleans())
def test_no_value_ends_the_string_it_stands_in(value: str, sign: str, list_like: bool) -> None:
    filled = fill_query(f"up{{a={sign}$v{sign}}}", scope(v=chosen(value, list_like=list_like, trusted=False)))
    inner = filled.removeprefix(f"up{{a={sign}").removesuffix(f"{sign}}}")
    at = 0
    while at < len(inner):
        assert inner[at] not in {sign, "\n"}
        at += 2 if inner[at] == "\\" else 1
    assert at == len(inner)


def test_an_address_cannot_be_broken_by_a_value() -> None:
    assert fill_address("https://x/?q=${v}&r=$v", scope(v=chosen("a&b=/"))) == "https://x/?q=a%26b%3D%2F&r=a%26b%3D%2F"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("label_values(job)", ("label_values", "", "job")),
        ('label_values(up{job="$job", a=~"x,y"}, instance)', ("label_values", 'up{job="node", a=~"x,y"}', "instance")),
        ("label_names()", ("label_names", "", "")),
        ("metrics(node_.*)", ("metrics", "node_.*", "")),
        ("query_result(topk(5, up))", ("query_result", "topk(5, up)", "")),
        ('up{job="node"}', ("series", 'up{job="node"}', "")),
    ],
)
def test_what_to_ask_prometheus_for_a_variable(query: str, wanted: tuple[str, str, str]) -> None:
    found = wanted_of(variable(type="query", query=query), scope(job=chosen("node")))
    assert found is not None
    assert (found.ask, found.selector, found.label) == wanted


def test_what_to_ask_loki_for_a_variable() -> None:
    said = {"label": "app", "stream": '{job="$job"}', "type": 1}
    found = wanted_of(variable(type="query", query=said), scope(job=chosen("x")), "loki")
    assert found is not None
    assert (found.ask, found.selector, found.label, found.kind) == ("label_values", '{job="x"}', "app", "loki")


def test_a_query_that_is_not_understood_is_said() -> None:
    with pytest.raises(ValueError, match="not one of label_values"):
        wanted_of(variable(type="query", query="SHOW TAG VALUES"), scope())


def test_the_pattern_of_a_variable_picks_text_and_value() -> None:
    answer = result_words([({"__name__": "up", "job": "a", "instance": "h:1"}, 1.0, 1.0)])
    assert answer == ('up{job="a",instance="h:1"} 1 1000',)
    named = variable(type="query", regex='/job="(?<text>[^"]+).*instance="(?<value>[^"]+)/')
    assert options_of(named, answer, scope()) == (Option("h:1", "a"),)
    first = variable(type="query", regex="/h(\\d)/")
    assert options_of(first, ("h1", "x", "h2", "h1"), scope()) == (Option("1", "1"), Option("2", "2"))


def test_a_pattern_that_could_run_for_ever_picks_everything_unchanged() -> None:
    assert options_of(variable(type="query", regex="/(a+)+$/"), ("a" * 50 + "b",), scope())[0].value == "a" * 50 + "b"


@pytest.mark.parametrize(
    ("how", "order"),
    [
        (0, ["b10", "B2", "a1"]), (1, ["B2", "a1", "b10"]), (2, ["b10", "a1", "B2"]), (3, ["a1", "B2", "b10"]),
        (4, ["b10", "B2", "a1"]), (5, ["a1", "b10", "B2"]),
    ],
)  # fmt: skip
def test_options_are_sorted_as_their_author_chose(how: int, order: list[str]) -> None:
    found = options_of(variable(type="query", sort=how), ("b10", "B2", "a1"), scope())
    assert [one.value for one in found] == order


def test_lists_of_custom_and_interval_variables() -> None:
    custom = variable(type="custom", query="one, two : 2, a\\,b")
    assert options_of(custom, (), scope()) == (Option("one", "one"), Option("2", "two"), Option("a,b", "a,b"))
    interval = variable(type="interval", query="1m,10m", auto=True, auto_count=10, auto_min="10s")
    options = options_of(interval, (), scope())
    assert choose(interval, options, scope(), ["auto"]).values == ("60s",)
    assert choose(interval, options, scope(), ["10m"]).values == ("10m",)


def test_what_is_chosen_picked_then_saved_then_all_then_first() -> None:
    options = [Option("a", "A"), Option("b", "B")]
    plain = variable(type="query", current={"value": "b", "text": "B"})
    assert choose(plain, options, scope()).values == ("b",)
    assert choose(plain, options, scope(), ["A"]).values == ("a",)
    assert choose(plain, options, scope(), ["gone"]).values == ("b",)
    everything = variable(type="query", includeAll=True, multi=True, allValue=".*", current={"value": ["$__all"]})
    all_of = choose(everything, options, scope())
    assert (all_of.all_of, all_of.verbatim, all_of.values) == (True, ".*", ("a", "b"))
    assert choose(everything, options, scope(), ["b", "a"]).values == ("b", "a")
    assert choose(variable(type="query"), options, scope()).values == ("a",)
    assert choose(variable(type="query"), [], scope()).values == ()


def test_variables_come_after_those_they_need_and_circles_are_named() -> None:
    made = dashboard(
        variables=[
            {"name": "pod", "query": 'label_values(up{ns="$ns"}, pod)'},
            {"name": "ns", "query": "label_values(up, ns)", "datasource": {"uid": "${ds}"}},
            {"name": "ds", "type": "datasource", "query": "prometheus"},
            {"name": "x", "query": "label_values(up{a='$y'}, b)"},
            {"name": "y", "query": "label_values(up{a='$x'}, b)"},
        ]
    )
    assert [one.name for one in in_order(made.variables)][:3] == ["ds", "ns", "pod"]
    assert circles(made.variables) == {"x", "y"}
    assert variables_in("$a ${b:csv} [[c]] $a") == ("a", "b", "c")


@pytest.mark.parametrize(
    ("expr", "filtered"),
    [
        ("up", 'up{a="x"}'),
        ("up{}", 'up{a="x"}'),
        ('sum by (job) (rate(up{b="c"}[5m]))', 'sum by (job) (rate(up{b="c",a="x"}[5m]))'),
        ("up / on (job) other", 'up{a="x"} / on (job) other{a="x"}'),
        ("up offset 5m and 1", 'up{a="x"} offset 5m and 1'),
        ('{app="{y}"} |= "up"', '{app="{y}",a="x"} |= "up"'),
        ("histogram_quantile(0.9, sum(b_bucket) by (le))", 'histogram_quantile(0.9, sum(b_bucket{a="x"}) by (le))'),
    ],
)  # fmt: skip
def test_an_ad_hoc_filter_is_added_to_every_selector(expr: str, filtered: str) -> None:
    assert with_filters(expr, [("a", "=", "x")]) == filtered


def test_an_ad_hoc_filter_cannot_break_out() -> None:
    assert with_filters("up", [("a", "=", 'x"} or {b="')]) == 'up{a="x\\"} or {b=\\""}'
    assert with_filters("up", [("a} or x", "=", "x"), ("a", "; drop", "x")]) == "up"


def test_the_saved_choice_of_a_whole_dashboard_is_in_its_scope() -> None:
    made = dashboard(
        variables=[
            {"name": "env", "type": "custom", "query": "prod,dev", "current": {"value": "dev"}},
            {"name": "who", "type": "textbox", "current": {"value": "me"}},
        ]
    )
    assert fill_text("$env $who", scope_of(made)) == "dev me"
    assert fill_text("$env $who", scope_of(made, env="prod", who="you")) == "prod you"
