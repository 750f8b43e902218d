"""Lines that are made on a short way say what the long way says, and none is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.emitted import Run
from warroom.simulator.axes import Axes
from warroom.simulator.dice import Dice
from warroom.simulator.line_desk import LineDesk
from warroom.simulator.line_forms import form_of, text_of
from warroom.simulator.line_states import Screen, states
from warroom.simulator.line_still import Still
from warroom.simulator.topology_files import load_topology

STYLES = ("json", "logfmt", "postgres", "redis")
NAMES = st.sampled_from(["operation", "queue", "route", "status", "duration_ms", "trace_id", "plan", "as"])
VALUES = st.one_of(
    st.sampled_from(['a "b"', "a=b", "", "{}", "%s", "line\nline", "back\\slash", "123456789.5", "0123456789abcdef"]),
    st.text(max_size=8).filter(lambda one: one.isprintable()),
    st.integers(0, 999),
)
TRACES = st.text("0123456789abcdef", min_size=32, max_size=32)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(STYLES),
    st.sampled_from(["request", "message handled"]),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.one_of(st.floats(0.0, 1e6), st.sampled_from([0.05, 0.25, 0.35, 2.675, 99.95, 1e5, 119_999.95])),
    TRACES,
)
def test_a_form_is_filled_in_as_the_whole_line_would_be_written(style, msg, before, after, duration, trace):
    def fields(took, of):
        return {**before, "duration_ms": took, "trace_id": of, **after}

    form = form_of(style, "info", msg, fields)
    assert form(duration, trace) == text_of(style, "info", msg, fields(round(duration, 1), trace))


TROUBLES = {
    "cpu throttled": ("cpu_saturation", {"service": "catalog"}, {"service_time_x": 6}),
    "gc pause": ("gc_pause", {"service": "orders"}, {"every_s": 4, "pause_ms": 900}),
    "memory is high": ("memory_leak", {"service": "payment"}, {"mb_per_minute": 4_000}),
    "disk is filling": ("disk_fill", {"service": "postgres"}, {"gb_per_minute": 2_000}),
    "write failed": ("disk_fill", {"service": "postgres"}, {"gb_per_minute": 20_000}),
    "token is not valid yet": ("clock_skew", {"service": "payment"}, {"seconds": 90}),
    "cache is cold": ("cache_flush", {"service": "redis"}, {"fraction": 0.9}),
    "replication lag": ("replication_lag", {"service": "postgres"}, {"slope": 3}),
}
"""By what a state says, what brings it about."""


@pytest.mark.parametrize("state", [*TROUBLES, "a cache that fails"])
def test_no_state_that_holds_is_screened_out(state):
    run = Run()
    axes = run.emitter.axes
    screen, held = Screen(axes), set()
    run.live(5)
    kind, target, params = TROUBLES.get(state, ("error_rate", {"service": "redis"}, {"rate": 0.4}))
    run.wrong(kind, target, **params)
    for _ in range(60):
        run.live(1)
        tick = run.world.tick
        holding = {one.msg for one in states(axes) if one.holds(tick).any()}
        assert not (holding and screen.quiet(tick)), holding
        held |= holding
    assert TROUBLES.keys() >= held
    assert (state if state in TROUBLES else "cache is cold") in held


def test_every_state_is_known():
    assert TROUBLES.keys() == {one.msg for one in states(Axes(load_topology("shop")))}


@pytest.mark.parametrize("topology", ["shop", "payments", "ml-platform"])
def test_a_good_day_is_screened_out(topology):
    run = Run(topology)
    screen = Screen(run.emitter.axes)
    for _ in range(60):
        run.live(1)
        assert screen.quiet(run.world.tick)


CHANGES = [
    ("shop", "error_rate", {"service": "payment"}, {"rate": 0.2}),
    ("shop", "crash_loop", {"service": "cart"}, {"fraction": 0.5}),
    ("shop", "memory_leak", {"service": "catalog"}, {"mb_per_minute": 20_000}),
    ("shop", "traffic_surge", {}, {"factor": 6}),
    ("shop", "quota_exhausted", {"quota": "psp-requests"}, {"limit_x": 0.1}),
    ("shop", "queue_consumer_slow", {"queue": "mails"}, {"factor": 0.02}),
    ("ml-platform", "feature_file_oversize", {"feature": "user-activity"}, {"factor": 9}),
    ("ml-platform", "feature_schema_change", {"feature": "user-activity"}, {}),
]


@pytest.mark.parametrize(("topology", "kind", "target", "params"), CHANGES, ids=[one[1] for one in CHANGES])
def test_who_looks_only_at_what_changed_misses_nothing(topology, kind, target, params, monkeypatch):
    def said():
        run = Run(topology, changes=40.0)
        run.live(10)
        run.wrong(kind, target, **params)
        return run.live(80).written

    looked = []
    since = Still.since

    def counted(still, moment):
        same = since(still, moment)
        looked.append(same)
        return same

    monkeypatch.setattr(Still, "since", counted)
    short = said()
    assert {True, False} == set(looked)
    monkeypatch.setattr(Still, "since", lambda *_: False)
    assert said() == short


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([0, 3]), st.integers(0, 5), st.integers(0, 3_000_000_000)), max_size=40),
        max_size=4,
    )
)
def test_lines_come_in_order_of_time_and_at_one_moment_as_they_were_thought_of(seconds):
    desk = LineDesk(Axes(load_topology("corner-shop")), Dice(1, 1))
    thought, taken, number = [], [], 0
    for second, lines in enumerate(seconds):
        begin = second * 1_000_000_000
        for service, coarse, after in lines:
            # Many at the very same moment.
            ns = begin + (after if coarse else after // 1_000_000_000 * 1_000_000_000)
            desk.put(service, 0, ns, "info", str(number))
            thought.append((ns, number))
            number += 1
        taken += [(line.ns, int(line.text)) for line in desk.take(begin + 1_000_000_000)]
    until = len(seconds) * 1_000_000_000
    assert taken == sorted(one for one in thought if one[0] < until)
