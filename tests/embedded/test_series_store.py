"""The store of samples: what goes in by blocks and by series comes out alike, and what cannot be taken is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from warroom.embedded.promql import Engine, PromqlError
from warroom.embedded.series_store import STALE, SampleRefused, SeriesStore
from warroom.telemetry.alerts import Exemplar, Matcher
from warroom.telemetry.block import Block, SeriesKey
from warroom.telemetry.prometheus_data import Matrix, MetricInfo

T0 = 1_700_000_000.0


def key(name: str, **labels: str) -> SeriesKey:
    return tuple(sorted({"__name__": name, **labels}.items()))


KEYS = tuple(key("m", i=str(number)) for number in range(5))


def raw(store: SeriesStore, query: str, at: float) -> dict[SeriesKey, list[tuple[float, float]]]:
    """Samples of a range by series."""
    found = Engine(store).evaluate(query, at)
    assert isinstance(found, Matrix)
    return {line.labels: list(zip(line.times, line.values, strict=True)) for line in found.lines}


def test_blocks_and_single_series_give_the_same_samples():
    draw = np.random.Generator(np.random.PCG64(1))
    blocks, series = SeriesStore(), SeriesStore()
    for number in range(40):
        times = T0 + number * 10 + np.array([0.0, 5.0])
        values = draw.random((2, len(KEYS)))
        values[0, number % 5] = math.nan
        blocks.append(Block(KEYS, times, values))
        for column, one in enumerate(KEYS):
            for at, value in zip(times, values[:, column], strict=True):
                if not math.isnan(value):
                    series.append_samples(one, [at], [value])
    assert raw(blocks, "m[1h]", T0 + 400) == raw(series, "m[1h]", T0 + 400)
    assert len(raw(blocks, "m[1h]", T0 + 400)[KEYS[0]]) == 80 - 8


def test_a_series_that_comes_later_joins_and_one_that_goes_stays_as_it_was():
    store = SeriesStore()
    store.append(Block(KEYS[:3], np.array([T0]), np.array([[1.0, 2.0, 3.0]])))
    store.append(Block(KEYS[:4], np.array([T0 + 5]), np.array([[1.0, 2.0, 3.0, 4.0]])))
    store.append(Block(KEYS[1:4], np.array([T0 + 10]), np.array([[2.0, 3.0, 4.0]])))
    found = raw(store, "m[1m]", T0 + 10)
    assert [len(found[one]) for one in KEYS[:4]] == [2, 3, 3, 2]
    assert found[KEYS[3]] == [(T0 + 5, 4.0), (T0 + 10, 4.0)]


def test_a_series_with_times_of_its_own_keeps_all_its_samples_in_order():
    store = SeriesStore()
    store.append(Block(KEYS, np.array([T0, T0 + 10]), np.ones((2, 5))))
    # The axis is ahead of this series: another block brought the others further.
    store.append(Block(KEYS[:4], np.array([T0 + 30]), np.ones((1, 4))))
    store.append_samples(KEYS[4], [T0 + 20, T0 + 25], [7.0, 8.0])
    store.append_samples(KEYS[4], [T0 + 40], [9.0])
    assert raw(store, 'm{i="4"}[1m]', T0 + 50)[KEYS[4]] == [
        (T0, 1.0), (T0 + 10, 1.0), (T0 + 20, 7.0), (T0 + 25, 8.0), (T0 + 40, 9.0),
    ]  # fmt: skip
    assert Engine(store).instant('m{i="4"}', T0 + 26).samples[0].value == 8.0


@pytest.mark.parametrize(
    ("times", "values", "words"),
    [
        ([T0 - 1], [1.0], "out of order sample"),
        ([T0], [9.0], "duplicate sample for timestamp 1700000000000; overrides not allowed: existing 3, new value 9"),
        ([T0 - 90_000], [1.0], "out of bounds"),
        ([T0 + 1, T0 + 1], [4.0, 5.0],
         "duplicate sample for timestamp 1700000001000; overrides not allowed: existing 4, new value 5"),
        ([T0 + 2, T0 + 1], [4.0, 5.0], "out of order sample"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_in_prometheus_words(times, values, words):
    store = SeriesStore()
    store.append_samples(KEYS[0], [T0], [3.0])
    with pytest.raises(SampleRefused) as refused:
        store.append_samples(KEYS[0], times, values)
    assert str(refused.value) == words


def test_the_same_sample_twice_is_no_fault_and_what_came_before_a_refusal_stays():
    store = SeriesStore()
    store.append_samples(KEYS[0], [T0], [math.nan])
    store.append_samples(KEYS[0], [T0], [math.nan])
    with pytest.raises(SampleRefused):
        store.append_samples(KEYS[0], [T0 + 5, T0 + 4], [1.0, 2.0])
    assert [at for at, _ in raw(store, "m[1m]", T0 + 10)[KEYS[0]]] == [T0, T0 + 5]


def test_a_marker_ends_a_series_at_once():
    store = SeriesStore()
    store.append_samples(KEYS[0], [T0], [1.0])
    store.append_samples(KEYS[1], [T0, T0 + 5], [1.0, STALE])
    assert len(Engine(store).instant("m", T0 + 6).samples) == 1
    store.mark_stale([KEYS[0], KEYS[1], key("unknown")], T0 + 7)
    assert Engine(store).instant("m", T0 + 8).samples == ()
    assert len(Engine(store).instant("m", T0 + 4).samples) == 2


def test_what_is_older_than_the_retention_goes():
    store = SeriesStore(retention=3600)
    store.append(Block(KEYS, T0 + np.arange(1000) * 15.0, np.ones((1000, 5))))
    store.append_samples(key("old"), [T0 + 12_000], [1.0])
    store.exemplars([Exemplar(KEYS[0], (("trace_id", "a"),), 1.0, T0 + at) for at in (0.0, 14_990.0)])
    store.trim(T0 + 17_000)
    assert store.label_values("__name__") == ["m"]
    assert store.oldest >= T0 + 13_400
    assert [one.at for one in store.exemplars_of([Matcher("__name__", "m")], 0, math.inf)] == [T0 + 14_990]
    store.append(Block(KEYS, np.array([T0 + 17_000]), np.ones((1, 5))))
    assert len(Engine(store).instant("m", T0 + 17_000).samples) == 5


def test_labels_are_listed_by_what_has_samples_in_the_time():
    store = SeriesStore()
    store.append_samples(key("a", job="x"), [T0], [1.0])
    store.append_samples(key("b", job="y", zone="z"), [T0 + 600], [1.0])
    assert store.label_names() == ["__name__", "job", "zone"]
    assert store.label_values("job", (), T0 - 10, T0 + 10) == ["x"]
    assert store.label_names([(Matcher("__name__", "b"),)]) == ["__name__", "job", "zone"]
    assert store.select([Matcher("job", "x|y", is_regex=True)], T0 + 500, T0 + 700) == [key("b", job="y", zone="z")]
    store.metadata([MetricInfo("a", "gauge", "one", ""), MetricInfo("a", "gauge", "two", "")])
    assert [one.help for one in store.known("a")] == ["two"]


def test_a_query_is_refused_when_it_costs_too_much():
    store = SeriesStore()
    store.append(Block(KEYS, T0 + np.arange(100) * 15.0, np.ones((100, 5))))
    with pytest.raises(PromqlError, match="would load too many samples") as many:
        Engine(store, most_samples=100).range("rate(m[5m])", T0, T0 + 1500, 15)
    assert many.value.error_type == "execution"
    ticks = iter(range(100))
    with pytest.raises(PromqlError, match="query timed out in expression evaluation") as late:
        Engine(store, timeout=1.5, clock=lambda: float(next(ticks))).instant("1 + 2 + 3", T0)
    assert late.value.error_type == "timeout"
    with pytest.raises(PromqlError, match="exceeded maximum resolution of 11,000 points"):
        Engine(store).range("m", T0, T0 + 11_001, 1)


def test_a_pattern_that_would_never_end_elsewhere_is_matched_at_once():
    store = SeriesStore()
    store.append_samples(key("m", path="a" * 60 + "b"), [T0], [1.0])
    assert Engine(store).instant('m{path=~"(a+)+c"}', T0).samples == ()
