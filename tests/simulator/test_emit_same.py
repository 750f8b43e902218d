"""What is emitted follows from the seed alone, leaves the engine as it is, and keeps the rules of its formats."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from tests.simulator.emitted import START, Run, well

TOPOLOGIES = ("shop", "payments", "ml-platform")


def eventful(seed=11, **how):
    run = Run(seed=seed, changes=40.0, **how)
    run.live(60)
    run.wrong("error_rate", {"service": "payment"}, rate=0.3)
    run.wrong("metric_gap", {"service": "cart"}, fraction=0.5)
    run.wrong("log_delay", {"service": "web"}, seconds=20)
    run.live(120)
    return run


def test_the_same_seed_gives_the_same_telemetry_to_the_byte():
    assert eventful().kept.digest() == eventful().kept.digest()


def test_another_seed_gives_other_telemetry():
    assert eventful(12).kept.digest() != eventful().kept.digest()


def test_emitting_changes_nothing_in_the_production():
    lived = eventful().world.digest()
    assert eventful(traces=0.0, logs=False, scrape=1).world.digest() == lived


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_names_and_labels_are_as_prometheus_wants_them(topology):
    kept = well(topology)
    keys = {key for block in kept.blocks for key in block.keys}
    families = {info.name: info.kind for info in kept.infos}
    for key in keys:
        labels = dict(key)
        assert list(key) == sorted(key)
        assert len(labels) == len(key)
        name = labels["__name__"]
        assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name)
        assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label) for label in labels)
        assert labels["job"] == labels["service"]
        whole = re.sub("_(bucket|sum|count)$", "", name)
        kind = families.get(name) or families.get(whole)
        assert kind is not None, name
        assert (kind == "counter") == name.endswith("_total") or kind == "histogram" or name != whole, name


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_series_are_unique_and_their_keys_the_same_objects(topology):
    kept = well(topology)
    for block in kept.blocks:
        assert len(set(block.keys)) == len(block.keys)
    assert all(one is other for one, other in zip(kept.blocks[0].keys, kept.blocks[-1].keys, strict=True))


def test_series_of_a_new_version_join_and_the_others_keep_their_keys():
    run = Run()
    before = run.live(30).blocks[-1].keys
    run.wrong("deploy_bad", {"service": "cart"}, version="v303", fraction=0.5, error_rate=0.2)
    after = run.live(90).blocks[-1].keys
    known = {id(key) for key in before}
    assert len(after) > len(before)
    assert sum(id(key) in known for key in after) == len(before)
    assert run.kept.gained("http_requests_total", START + 30, service="cart", version="v303", status="500") > 0


def test_counters_never_go_back():
    kept = well("shop")
    for name in {dict(key)["__name__"] for key in kept.blocks[-1].keys}:
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            for key, (_, values) in kept.series(name).items():
                assert (np.diff(values) >= 0).all(), key


def test_a_service_that_was_down_has_no_samples_and_its_counters_begin_anew():
    run = Run()
    run.live(60)
    run.wrong("scale_to_zero", {"service": "cart", "region": "eu-west"})
    run.live(60)
    run.world.end("F-scale_to_zero")
    kept = run.live(180)
    up = kept.series("up", service="cart", region="eu-west")
    ((times, values),) = up.values()
    gone = [at for at, value in zip(times, values, strict=True) if value == 0]
    assert gone
    counts = kept.series("http_request_duration_seconds_count", service="cart", region="eu-west")
    ((counted, numbers),) = counts.values()
    assert not set(gone) & set(counted)
    assert sum(step < 0 for step in np.diff(numbers)) == 1
    assert kept.last("process_start_time_seconds", service="cart", region="eu-west") > START


def test_times_rise_within_every_series_and_stream():
    run = eventful()
    times = [at for block in run.kept.blocks for at in block.times.tolist()]
    assert times == sorted(set(times))
    newest: dict[object, int] = {}
    for line in run.kept.written:
        assert newest.get(line.labels, 0) <= line.ns
        newest[line.labels] = line.ns
        assert re.fullmatch("[a-z_]+", "".join(name for name, _ in line.labels))
        assert list(line.metadata) == sorted(line.metadata)


def test_nothing_comes_before_it_has_happened():
    run = Run()
    for _ in range(60):
        run.live(1)
        now = run.world.now
        assert all(line.ns <= now * 1e9 for line in run.kept.written)
        assert all(span.end <= now * 1e6 for trace in run.kept.followed for span in trace.spans)
        assert all(one.at <= now for one in run.kept.measured)
        assert all(block.times[-1] <= now for block in run.kept.blocks)


def test_history_has_samples_every_quarter_minute_and_traces_only_at_its_end():
    run = Run(warmup=2400, traces=0.5)
    kept = run.live(2400)
    times = [at for block in kept.blocks for at in block.times.tolist()]
    assert set(np.diff(times)) == {15.0}
    assert len(times) == 160
    first = min(span.start for trace in kept.followed for span in trace.spans) / 1e6
    assert START - 900 <= first < START - 850
    assert kept.written[0].ns / 1e9 < START - 2300


def test_every_series_has_a_number():
    kept = well("shop")
    for key, value in zip(kept.blocks[-1].keys, kept.blocks[-1].values[-1].tolist(), strict=True):
        assert math.isfinite(value) or dict(key)["__name__"] == "service_build_info", key
