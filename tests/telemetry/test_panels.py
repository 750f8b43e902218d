"""Panel files, variables that stay values, and the panels that come with warroom."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.panels import (
    PanelFileError,
    PanelTemplate,
    duration,
    load_panels,
    parse_panels,
    resolve_all,
    seconds,
)
from warroom.telemetry.promql import plain, substitute

FILE = b"""
panels:
  - title: Errors of $service
    expr: rate(http_requests_total{job="$service",code=~"5.."}[$__rate_interval])
    legend: "{{instance}}"
    unit: ratio
    step: 5s
    window: 30m
    thresholds: [{value: 0.05}, {value: 0.01, level: warning}]
  - {title: Up, expr: 'up{job="$service"}'}
"""


def test_a_file_gives_panels():
    errors, up = resolve_all(parse_panels(FILE, "panels.yaml"), {"service": "checkout"})
    assert errors.title == "Errors of checkout"
    assert errors.expr == 'rate(http_requests_total{job="checkout",code=~"5.."}[60s])'
    assert (errors.step, errors.window, errors.unit, errors.columns) == (5.0, 1800.0, "ratio", 360)
    assert [(line.value, line.level) for line in errors.thresholds] == [(0.05, "critical"), (0.01, "warning")]
    assert (up.step, up.window, up.source) == (15.0, 3600.0, "prometheus")


def test_step_and_scrape_interval_can_be_overridden():
    (template,) = parse_panels(b'panels: [{title: x, expr: "rate(a[$__rate_interval]) + b[$__interval]"}]', "f")
    panel = template.resolve({}, scrape_interval=0.2, step=0.5, window=10)
    assert panel.expr == "rate(a[800ms]) + b[500ms]"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "must be a mapping"),
        (b"panels: []", "panels: "),
        (b"panels: [{title: x}]", r"panels\[0\]\.expr: field required"),
        (b"panels: [{title: x, expr: up, colour: red}]", r"panels\[0\]\.colour: extra inputs"),
        (b"panels: [{title: x, expr: up, unit: apples}]", r"panels\[0\]\.unit: .*'apples'"),
        (b"panels: [{title: x, expr: up, step: soon}]", r"panels\[0\]\.step: 'soon' is not a duration"),
        (b"panels: [{title: x, expr: up, step: 0s}]", r"panels\[0\]\.step: "),
        (b"panels: [{title: x, expr: up, step: true}]", r"panels\[0\]\.step: true is not a duration"),
        (b"panels: [{title: x, expr: up, step: 1h, window: 1m}]", r"panels\[0\]\.window"),
        (b"panels: [{title: x, expr: up, step: 1s, window: 7d}]", r"panels\[0\]\.window.*11000"),
        (b"panels: [{title: x, expr: up, thresholds: [{value: .nan}]}]", r"thresholds\[0\]\.value"),
        (b"panels: [{title: x, expr: 'up{job=$service}'}]", r"panels\[0\]\.expr: \$service stands outside"),
        (b"panels: [{title: x, expr: 'up{job=\"a}'}]", r"panels\[0\]\.expr: a string that begins"),
        (b"panels: [{title: x\n expr: up}]", "line 2"),
        (b"panels: [{title: x, expr: !!python/object:os.system up}]", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: " + b"[" * 5000, "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(body, words):
    with pytest.raises(PanelFileError, match=words) as caught:
        parse_panels(body, "my-panels.yaml")
    assert str(caught.value).startswith("my-panels.yaml:")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_too_large_is_named(tmp_path):
    with pytest.raises(PanelFileError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_panels(tmp_path / "nothing.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(PanelFileError, match="larger"):
        load_panels(tmp_path / "big.yaml")
    (tmp_path / "panels.yaml").write_bytes(FILE)
    assert len(load_panels(tmp_path / "panels.yaml")) == 2


def test_a_variable_without_a_value_is_named_with_those_there_are():
    template = PanelTemplate(title="x", expr='up{job="$service",zone="$zone"}')
    assert template.variables == {"service", "zone"}
    with pytest.raises(PanelFileError, match=r"panel 'x': expr: \$zone is not a variable here; there are \$service"):
        resolve_all((template,), {"service": "a"})


@pytest.mark.parametrize(
    ("expr", "value", "becomes"),
    [
        ('up{job="$s"}', 'a"} or up{job="b', r'up{job="a\"} or up{job=\"b"}'),
        ('up{job="$s"}', "a\\", r'up{job="a\\"}'),
        ("up{job='$s'}", "it's", r"up{job='it\'s'}"),
        ('up{job=~"$s"}', "a.b|.*", r'up{job=~"a\\.b\\|\\.\\*"}'),
        ('up{job!~ "x-${s}-y"}', "(", r'up{job!~ "x-\\(-y"}'),
        ("up{job=~`$s`}", "a.b", r"up{job=~`a\.b`}"),
        ('up{job="$s"}', "a\nb\x01", r'up{job="a\nb\x01"}'),
        ('label_replace(up, "a", "$1", "b", "(.*)")', "x", 'label_replace(up, "a", "$1", "b", "(.*)")'),
        ('up{job=~"api$"}', "x", 'up{job=~"api$"}'),
        ('up{job="$s"} # "not $s a string', "x", 'up{job="x"} # "not $s a string'),
        ('up{a="\\"$s"}', "x", 'up{a="\\"x"}'),
    ],
)
def test_a_value_cannot_leave_its_string_nor_become_a_pattern(expr, value, becomes):
    assert substitute(expr, {"s": value}, {}) == becomes


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_changes_the_structure_of_an_expression(value):
    done = substitute('up{job="$s"} + 1', {"s": value}, {})
    body = done.removeprefix('up{job="').removesuffix('"} + 1')
    assert re.fullmatch(r'(?:[^"\\\n]|\\.)*', body)


def test_a_backtick_cannot_be_put_into_a_raw_string():
    with pytest.raises(ValueError, match="backtick"):
        substitute("up{job=`$s`}", {"s": "a`b"}, {})


def test_texts_for_people_keep_what_is_unknown():
    assert plain("$service costs $5 or ${price}", {"service": "api"}) == "api costs $5 or ${price}"


@pytest.mark.parametrize(
    ("said", "length"), [("15s", 15), ("1h30m", 5400), ("250ms", 0.25), (5, 5), (2.5, 2.5), ("1d", 86400)]
)
def test_durations(said, length):
    assert seconds(said) == length
    assert seconds(duration(length)) == length


@pytest.mark.parametrize("said", ["", "15", "1s1h", "-5s", "five", None, [], False])
def test_what_is_no_duration_is_refused(said):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(said)


def test_the_panels_that_come_with_warroom_resolve_for_any_service():
    panels = resolve_all(DEFAULT_PANELS, {"service": 'odd "name"'})
    assert [panel.title for panel in panels] == ["Error ratio", "Requests", "Latency p99", "CPU", "Up"]
    assert len({panel.id for panel in panels}) == 5
    assert all(r"odd \"name\"" in panel.expr and "$" not in panel.expr for panel in panels)
