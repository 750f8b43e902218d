"""Conditions on answers, words filled from a row, and questions in words: what whoever writes a runbook relies on."""

from __future__ import annotations

import math

import pytest

from warroom.tabletop.answers import Answer, HoldsError, Row, filled, filled_query, names_in, names_of, read_holds
from warroom.tabletop.asked import AskedError, matchers_of, matches, seconds, words_of

ROWS = Answer((Row({"service": "edge"}, 0.2), Row({"service": "web"}, 0.7), Row({"service": "cart"}, math.nan)))


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("any", ["web", "edge"]),
        ("value > 0.5", ["web"]),
        ("value < 0.5", ["edge"]),
        ("value > 0.1 and count >= 2", ["web", "edge"]),
        ("value > 0.5 and count >= 2", None),
        ("value > 0.9", None),
        ("total >= 0.89", ["web", "edge"]),
        ("total < 0.5", None),
        ("none", None),
    ],
)
def test_a_condition_keeps_the_rows_that_make_it_true_the_best_first(text: str, services: list[str] | None) -> None:
    held = read_holds(text).of(ROWS)
    assert (None if held is None else [row.labels["service"] for row in held.rows]) == services


def test_none_holds_when_there_is_no_row_but_one_that_is_no_number() -> None:
    assert read_holds("none").of(Answer((Row({}, math.nan),))) is not None
    assert read_holds("count == 0").of(Answer()) is not None


@pytest.mark.parametrize("text", ["value", "value > x", "values > 1", "any and value > 1", "value > 1 or count > 1"])
def test_what_is_no_condition_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(HoldsError, match="write any, none, or like"):
        read_holds(text)


def test_words_are_filled_by_name_and_nothing_is_evaluated() -> None:
    names = names_of(Row({"job": "edge", "region": "eu"}, 0.1234, "a line"))
    assert filled("{service} in {region}: {value}, {text}", names) == "edge in eu: 0.123, a line"
    assert filled("{nobody} {0} {service.__class__} {service!r}", names) == "? {0} {service.__class__} {service!r}"


def test_a_value_cannot_leave_the_quotes_of_a_query() -> None:
    query = filled_query('up{job="$service"} or ${region}x', {"service": 'a"} or vector(1) #\\', "region": "eu"})
    assert query == 'up{job="a\\"} or vector(1) #\\\\"} or eux'
    assert names_in("{service} $change_id ${region} rate(x[5m])") == {"service", "change_id", "region"}


def test_words_of_a_question_are_read_with_their_signs() -> None:
    words = words_of('service=edge errors text~"bad deploy" tag.region!=eu', ("service", "errors", "text", "tag."))
    assert [(word.name, word.sign, word.value) for word in words] == [
        ("service", "=", "edge"), ("errors", "", ""), ("text", "~", "bad deploy"), ("tag.region", "!=", "eu"),
    ]  # fmt: skip
    assert words[2].fits("A BAD DEPLOY of edge")
    assert not words[3].fits("eu")


@pytest.mark.parametrize("text", ["service=", "=edge", "colour=red", 'text~"open'])
def test_a_question_that_cannot_be_read_says_what_would_be_right(text: str) -> None:
    with pytest.raises(AskedError):
        words_of(text, ("service", "text"))


def test_matchers_are_those_of_prometheus() -> None:
    regex, unequal = matchers_of('{alertname=~"Edge.*", severity!="info"}')
    assert matches(regex, "EdgeErrors")
    assert not matches(regex, "MyEdgeErrors")
    assert matches(unequal, "critical")
    assert matchers_of("{}") == matchers_of("") == ()
    with pytest.raises(AskedError, match="regular expression"):
        matches(matchers_of('{a=~"("}')[0], "b")
    with pytest.raises(AskedError, match="write matchers like"):
        matchers_of("{a}")


def test_durations_are_read_as_prometheus_writes_them() -> None:
    assert [seconds(text) for text in ("300ms", "5m", "1.5h", "2d")] == [0.3, 300, 5400, 172_800]
    with pytest.raises(AskedError, match="no duration"):
        seconds("soon")
