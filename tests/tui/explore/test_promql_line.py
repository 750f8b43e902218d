"""What a PromQL line offers where the cursor stands, and the units it guesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.explore.waiting import Later
from warroom.tui.explore.metric_completion import Completer
from warroom.tui.explore.promql_line import place_of, unit_of
from warroom.tui.widgets.prompt import word_at


@pytest.mark.parametrize(
    ("line", "kind", "token", "metric", "label"),
    [
        ("", "metric", "", "", ""),
        ("ra", "metric", "ra", "", ""),
        ("sum(rate(http_re", "metric", "http_re", "", ""),
        ("up == ", "metric", "", "", ""),
        ("http_requests_total{", "label", "", "http_requests_total", ""),
        ('http_requests_total{job="a", st', "label", "st", "http_requests_total", ""),
        ('rate(http_requests_total{status="5', "value", "5", "http_requests_total", "status"),
        ('up{job=~"checkout|pay', "value", "pay", "up", "job"),
        ('up{job="a"} + no', "metric", "no", "", ""),
        ("sum by (serv", "grouping", "serv", "", ""),
        ("rate(up[5", "none", "", "", ""),
        ('label_replace(up, "x', "none", "", "", ""),
    ],
)
def test_the_place_of_the_cursor(line: str, kind: str, token: str, metric: str, label: str) -> None:
    place = place_of(line)
    assert (place.kind, place.token, place.metric, place.label) == (kind, token, metric, label)
    assert place.kind == "none" or place.before + place.token == line


@given(st.text('abc_{}()[]"=~!|, 5', max_size=30))
def test_no_line_breaks_it(line: str) -> None:
    place = place_of(line)
    assert line.endswith(place.token)


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "seconds"),
        ("rate(http_requests_total[5m])", "per_second"),
        ("process_resident_memory_bytes", "bytes"),
        ("rate(process_cpu_seconds_total[1m])", "cores"),
        ('sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))', "ratio"),
        ("up", "none"),
        ("node_memory_usage_ratio", "ratio"),
    ],
)
def test_units_follow_the_usual_names(query: str, unit: str) -> None:
    assert unit_of(query) == unit


def test_offers_replace_what_was_begun_and_are_asked_for_once() -> None:
    later = Later(
        {
            "metrics.names": {"values": ["http_requests_total", "up"], "kinds": {"up": ["gauge", "scraped", ""]}},
            "metrics.labels": {"values": ["instance", "job"]},
            "metrics.values": {"values": ["checkout", "payments"]},
        }
    )
    completer = Completer(later.ask)
    completer.prepare()

    def offered(line: str) -> list[str]:
        return [one.text for one in completer.complete(word_at(line, len(line)))]

    assert offered("sum(ht") == ["sum(http_requests_total"]
    assert offered("ra")[0] == "rate("
    assert offered("up{j") == ["up{job="]
    assert offered('up{job="pay') == ['up{job="payments']
    assert offered("up{j") == ["up{job="]
    assert later.asked.count("metrics.labels") == 1
