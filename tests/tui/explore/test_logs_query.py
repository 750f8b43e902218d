"""LogQL rewritten by a keypress: what comes out asks for exactly the value that was pointed at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.tui.explore.logs_query import (
    LogQuery,
    Matcher,
    counted,
    field_name,
    narrowed,
    parse,
    pattern_filtered,
    quoted,
    start_query,
    stream_query,
    unquoted,
)

QUERY = '{service_name=~"checkout|payments", env="prod"} |= "x" | json | status!="500"'
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(VALUES)
def test_any_value_survives_its_quotes(value: str) -> None:
    assert unquoted(quoted(value)) == value
    assert "\n" not in quoted(value)


@given(VALUES.filter(bool), st.booleans())
def test_any_label_value_is_asked_for_exactly(value: str, keep: bool) -> None:
    made = parse(narrowed(QUERY, "label", "pod", value, keep=keep))
    assert Matcher("pod", "=" if keep else "!=", value) in made.matchers
    assert made.pipeline == parse(QUERY).pipeline


@given(VALUES.filter(bool), st.sampled_from(["label", "metadata", "json", "logfmt", "text"]), st.booleans())
def test_in_and_out_undo_each_other_and_are_never_there_twice(value: str, origin: str, keep: bool) -> None:
    once = narrowed(QUERY, origin, "field", value, keep=keep)
    assert narrowed(once, origin, "field", value, keep=keep) == once
    other = narrowed(once, origin, "field", value, keep=not keep)
    assert narrowed(other, origin, "field", value, keep=keep) == once


def test_in_on_a_label_replaces_what_the_selector_says_of_it() -> None:
    made = narrowed(QUERY, "label", "service_name", "checkout", keep=True)
    assert made == '{service_name="checkout", env="prod"} |= "x" | json | status!="500"'


def test_out_keeps_what_the_selector_says() -> None:
    made = narrowed(QUERY, "label", "service_name", "checkout", keep=False)
    assert made.startswith('{service_name=~"checkout|payments", env="prod", service_name!="checkout"}')


def test_a_selector_that_excludes_all_it_named_still_names_something() -> None:
    # Loki refuses a selector in which every matcher could match nothing at all.
    assert narrowed('{app="x"}', "label", "app", "x", keep=False) == '{app=~".+", app!="x"}'


def test_a_level_that_was_detected_is_no_label_of_the_stream() -> None:
    assert narrowed('{app="x"}', "label", "detected_level", "error", keep=True) == '{app="x"} | detected_level="error"'


@pytest.mark.parametrize(
    ("query", "origin", "name", "made"),
    [
        ('{a="b"}', "metadata", "trace_id", '{a="b"} | trace_id="7"'),
        ('{a="b"}', "json", "http.status", '{a="b"} | json | http_status="7"'),
        ('{a="b"} | json', "json", "status", '{a="b"} | json | status="7"'),
        ('{a="b"} | logfmt', "logfmt", "status", '{a="b"} | logfmt | status="7"'),
        ('{a="b"} |= "| json"', "json", "status", '{a="b"} |= "| json" | json | status="7"'),
        ('{a="b"}', "logfmt", "a", '{a="b"} | logfmt | a_extracted="7"'),
        ('{a="b"} | json', "text", "", '{a="b"} |= "7" | json'),
        ('{a="b"} |= "q" != "r" | json', "text", "", '{a="b"} |= "q" != "r" |= "7" | json'),
        ('{a="b"} | line_format "{{.x}}"', "text", "", '{a="b"} | line_format "{{.x}}" |= "7"'),
    ],
)
def test_where_a_condition_goes(query: str, origin: str, name: str, made: str) -> None:
    assert narrowed(query, origin, name, "7", keep=True, taken=["a"]) == made


def test_a_pattern_becomes_a_pattern_filter() -> None:
    assert pattern_filtered('{a="b"} | json', "pool <_> ms") == '{a="b"} |> "pool <_> ms" | json'
    assert pattern_filtered('{a="b"} |> "x"', "x", keep=False) == '{a="b"} !> "x"'


def test_a_different_field_that_ends_alike_is_left_alone() -> None:
    made = narrowed('{a="b"} | json | my_status!="7"', "json", "status", "7", keep=True)
    assert made == '{a="b"} | json | my_status!="7" | status="7"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('rate({a="b"}[5m])', "log query begins with {"),
        ("checkout", "begins with a selector"),
        ('{a="b"', "} is missing"),
        ("{a}", "no matcher"),
        ('{a="b", }}', "no matcher"),
    ],
)
def test_what_is_no_log_query_is_said(text: str, words: str) -> None:
    if text == '{a="b", }}':
        assert parse(text).pipeline == "}"
        return
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(text)


def test_braces_commas_and_comments_in_strings_are_text() -> None:
    found = parse('{a="x}, b=\\"c\\"", d=`e{`} |= "#no comment" # a comment')
    assert found.matchers == (Matcher("a", "=", 'x}, b="c"'), Matcher("d", "=", "e{"))


def test_the_start_query_names_the_services() -> None:
    assert start_query(["checkout"]) == '{service_name="checkout"}'
    assert start_query(["checkout-api", "pay.ments"]) == '{service_name=~"checkout-api|pay\\\\.ments"}'
    assert start_query([]) == '{service_name=~".+"}'


def test_counting_and_the_stream_of_a_line() -> None:
    assert counted('{a="b"} |= "x"', 30.0) == 'sum by (detected_level) (count_over_time({a="b"} |= "x" [30s]))'
    assert stream_query((("a", "b"), ("detected_level", "error"), ("e", ""))) == '{a="b"}'


@given(st.text(min_size=1, max_size=20))
def test_a_field_name_is_always_a_label_name(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z_]\w*", field_name(name), re.ASCII)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["=", "!=", "=~", "!~"]), VALUES), max_size=4))
def test_what_is_written_is_read_again(made: list[tuple[str, str, str]]) -> None:
    query = LogQuery(tuple(Matcher(*one) for one in made), '|= "x"')
    assert parse(query.text()) == query
