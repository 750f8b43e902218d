"""Panels have an identity, frames a codec, and a window a fold."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.telemetry.panel import Panel, Threshold
from warroom.telemetry.series import (
    Delta,
    Frame,
    Full,
    Last,
    Points,
    Recovered,
    Series,
    Trouble,
    apply,
    decode,
    encode,
)

times = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
numbers = st.floats(allow_nan=False)
values = st.none() | numbers
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
labels = st.dictionaries(texts, texts, max_size=3).map(lambda said: tuple(sorted(said.items())))
notes = st.lists(texts, max_size=2).map(tuple)


@st.composite
def fulls(draw) -> Full:
    count = draw(st.integers(1, 6))
    start, step = draw(times), draw(st.sampled_from([0.25, 1.0, 15.0]))
    row = st.lists(values, min_size=count, max_size=count).map(tuple)
    series = draw(st.lists(st.builds(Series, labels, texts, st.just(start), st.just(step), row), max_size=3))
    return Full("p-1", draw(st.integers(1, 99)), start, step, count, tuple(series), draw(notes), draw(notes))


deltas = st.builds(
    Delta,
    panel_id=texts,
    rev=st.integers(1, 2**40),
    start=times,
    count=st.integers(0, 5),
    points=st.lists(st.builds(Points, st.integers(0, 50), st.lists(values, max_size=4).map(tuple)), max_size=3).map(
        tuple
    ),
    trimmed_before=times,
    added=st.lists(st.tuples(labels, texts), max_size=2).map(tuple),
    warnings=st.none() | notes,
    infos=st.none() | notes,
)
troubles = st.builds(
    Trouble,
    texts,
    texts,
    st.sampled_from(["unreachable", "not-ready", "denied", "bad-query", "too-heavy", "protocol"]),
    texts,
    times,
    st.integers(1, 9999),
    times,
    st.lists(st.builds(Last, texts, times, numbers), max_size=2).map(tuple),
)
recoveries = st.builds(Recovered, texts, texts, times, times, st.integers(1, 9))


@given(fulls() | deltas | troubles | recoveries)
def test_every_frame_survives_the_wire(frame: Frame):
    assert decode(encode(frame)) == frame


def test_what_json_cannot_say_is_said_in_words():
    full = Full("p-1", 1, 0.0, 1.0, 4, (Series((), "", 0.0, 1.0, (math.nan, math.inf, -math.inf, None)),))
    assert json.loads(encode(full))["series"][0]["values"] == ["NaN", "+Inf", "-Inf", None]
    back = decode(encode(full))
    assert isinstance(back, Full)
    assert math.isnan(back.series[0].values[0])


@pytest.mark.parametrize("body", [b"{}", b"[]", b"nonsense", b'{"kind":"full"}', b'{"kind":"new"}', b"null"])
def test_what_is_no_frame_is_refused(body):
    with pytest.raises(ValueError):
        decode(body)


def window(*values: float | None, rev: int = 1) -> Full:
    return Full("p-1", rev, 10.0, 1.0, len(values), (Series((), "x", 10.0, 1.0, values),))


def test_a_delta_replaces_appends_and_trims():
    delta = Delta("p-1", 2, 12.0, 2, (Points(0, (7.0, 8.0)),), trimmed_before=11.0)
    after = apply(window(1.0, 2.0, 3.0), delta)
    assert (after.start, after.count, after.newest) == (11.0, 3, 13.0)
    assert after.series[0].values == (2.0, 7.0, 8.0)
    assert after.series[0].times == (11.0, 12.0, 13.0)


def test_a_series_that_a_delta_does_not_name_has_a_gap_and_a_new_one_had_gaps():
    new = ((("a", "b"),), "new")
    delta = Delta("p-1", 2, 13.0, 1, (Points(1, (5.0,)),), trimmed_before=10.0, added=(new,))
    after = apply(window(1.0, 2.0, 3.0), delta)
    assert [series.values for series in after.series] == [(1.0, 2.0, 3.0, None), (None, None, None, 5.0)]
    assert after.series[0].last == (12.0, 3.0)


@pytest.mark.parametrize(
    "delta",
    [
        Delta("p-2", 2, 13.0, 1, (), 10.0),
        Delta("p-1", 3, 13.0, 1, (), 10.0),
        Delta("p-1", 1, 13.0, 1, (), 10.0),
        Delta("p-1", 2, 14.0, 1, (), 10.0),
        Delta("p-1", 2, 9.0, 1, (), 10.0),
    ],
)
def test_a_delta_that_does_not_follow_is_refused(delta):
    with pytest.raises(ValueError):
        apply(window(1.0, 2.0, 3.0), delta)


def test_a_panel_is_its_content():
    panel = Panel("Errors", "up", thresholds=(Threshold(0.5),))
    assert panel.id == Panel("Errors", "up", thresholds=(Threshold(0.5),)).id
    assert panel.id == "p-" + panel.id[2:]
    others = [
        Panel("errors", "up", thresholds=(Threshold(0.5),)),
        Panel("Errors", "down", thresholds=(Threshold(0.5),)),
        Panel("Errors", "up"),
        Panel("Errors", "up", thresholds=(Threshold(0.5),), step=5),
        Panel("Errors", "up", thresholds=(Threshold(0.5),), source="other"),
    ]
    assert len({panel.id, *(other.id for other in others)}) == 6
    assert Panel("A", "up", step=1).id == Panel("A", "up", step=1.0).id


@given(st.integers(0, 10**6), st.sampled_from([0.2, 1.0, 7.5, 15.0]), st.floats(1e9, 2e9))
def test_the_newest_column_is_never_in_the_future_nor_a_step_old(seed, step, at):
    panel = Panel(str(seed), "up", step=step, window=step * 10)
    newest = panel.time_of(panel.column_at(at))
    assert newest - at < 0.002
    assert at - newest < step + 0.002
    assert 0 <= panel.phase < step


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"step": 0}, "step"),
        ({"step": float("nan")}, "step"),
        ({"step": 0.0001}, "milliseconds"),
        ({"step": 60, "window": 30}, "window"),
        ({"step": 1, "window": 11_001}, "11000"),
        ({"window": float("inf")}, "window"),
    ],
)
def test_a_panel_that_cannot_be_asked_is_refused_in_words(numbers, words):
    with pytest.raises(ValueError, match=words):
        Panel("x", "up", **numbers)


def test_legends():
    labels = {"__name__": "up", "job": "api", "instance": "a:1"}
    assert Panel("x", "up", legend="{{instance}} of {{ job }}{{nothing}}").legend_of(labels) == "a:1 of api"
    assert Panel("x", "up").legend_of(labels) == "up{instance=a:1, job=api}"
    assert Panel("Title", "sum(up)").legend_of({}) == "Title"
    assert Panel("x", "sum by (job)(up)").legend_of({"job": "api"}) == "job=api"
