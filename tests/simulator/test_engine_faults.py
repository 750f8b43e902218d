"""Every type of fault can be seen, and is gone when it is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.simulator.worlds import failed, models, shop
from warroom.simulator.faults import FAULT_TYPES, Fault, FaultError
from warroom.simulator.tick import Tick
from warroom.simulator.world import World

Look = Callable[[World], float]


def of(field: str, name: str, region: int = 0) -> Look:
    """A figure of a service, an edge, a queue, a feature or a model."""

    def look(world: World) -> float:
        topology, array = world.topology, getattr(world.tick, field)
        for owned in (topology.services, topology.edges, topology.queues, topology.features, topology.models):
            rows = [one.name for one in owned]
            if name in rows and len(array) == len(rows):
                value = array[rows.index(name)]
                return float(value[region] if np.ndim(value) else value)
        raise AssertionError(name)

    return look


def total(field: str) -> Look:
    return lambda world: float(np.nansum(getattr(world.tick, field)))


SHOP: list[tuple[str, dict[str, Any], dict[str, Any], Look, float]] = [
    ("latency_add", {"service": "shipping"}, {"ms": 400}, of("latency", "shipping"), 5),
    ("latency_add", {"edge": "checkout->payment"}, {"ms": 400}, of("call_latency", "checkout->payment"), 2),
    ("latency_add", {"service": "shipping", "slice": {"country": "US"}}, {"ms": 5_000}, failed, 20),
    ("service_time_x", {"service": "catalog"}, {}, of("own", "catalog"), 2.5),
    ("cpu_saturation", {"service": "edge", "scope": {"region": "*"}}, {"service_time_x": 40}, failed, 100),
    ("gc_pause", {"service": "checkout"}, {}, of("gc", "checkout"), 5),
    ("error_rate", {"service": "payment"}, {}, of("errors", "payment"), 100),
    ("error_rate", {"service": "catalog", "slice": {"product": "OLJCESPC7Z"}}, {"rate": 1}, failed, 50),
    ("crash_loop", {"service": "cart"}, {}, of("restarts", "cart"), 100),
    ("scale_to_zero", {"service": "shipping"}, {}, failed, 50),
    ("pool_shrink", {"edge": "checkout->postgres"}, {"factor": 0.01}, of("pool_timeouts", "checkout->postgres"), 100),
    ("pool_leak", {"edge": "checkout->postgres"}, {"per_minute": 3}, of("pool_used", "checkout->postgres"), 10),
    ("memory_leak", {"service": "recommend"}, {"mb_per_minute": 300}, of("memory", "recommend"), 1.2),
    ("disk_fill", {"service": "postgres"}, {"gb_per_minute": 100}, of("disk", "postgres"), 1.2),
    ("queue_consumer_slow", {"queue": "mails"}, {"factor": 0.05}, of("queue_lag", "mails"), 100),
    ("traffic_surge", {}, {"factor": 4}, total("requests"), 3.5),
    ("retry_policy", {"edge": "payment->psp"}, {"retries": 6}, of("retried", "payment->psp"), 1.0),
    ("packet_loss", {"network": ["apps", "data"]}, {"loss": 0.3}, of("network_s", "cart->redis"), 50),
    ("partition", {"edge": "checkout->payment"}, {}, failed, 50),
    ("dns_empty", {"service": "payment"}, {}, of("call_errors", "checkout->payment"), 50),
    ("cert_expired", {"service": "payment"}, {}, of("handshake_errors", "payment"), 100),
    ("clock_skew", {"service": "cart"}, {}, of("skew_s", "cart"), 100),
    ("config_bad_value", {"service": "web", "key": "cache_ttl_s"}, {"threads_x": 0.02}, of("wait", "web"), 10),
    ("flag_flip", {"flag": "new-checkout"}, {"error_rate": 0.5}, of("errors", "checkout"), 50),
    ("flag_flip", {"flag": "new-checkout"}, {"harm": 0.2}, total("wrong"), 100),
    ("deploy_bad", {"service": "catalog"}, {"error_rate": 0.5, "fraction": 0.5}, of("errors", "catalog"), 50),
    ("failover_split", {"service": "postgres"}, {}, of("divergent_writes", "postgres"), 100),
    ("replication_lag", {"service": "postgres"}, {}, of("lag_s", "postgres", 1), 100),
    ("data_loss", {"service": "postgres"}, {"fraction": 0.3}, of("permanent", "postgres"), 100),
    ("quota_exhausted", {"quota": "psp-requests"}, {}, total("quota_refused"), 100),
    ("dependency_3p_down", {"service": "psp"}, {}, failed, 50),
    ("feature_file_oversize", {"feature": "bot-features"}, {}, failed, 100),
]
MODELS: list[tuple[str, dict[str, Any], dict[str, Any], Look, float]] = [
    ("feature_schema_change", {"feature": "income"}, {}, of("feature_nulls", "income"), 10),
    ("input_drift", {"model": "ranking"}, {}, of("psi", "ranking"), 10),
    ("input_drift", {"model": "ranking"}, {}, total("wrong"), 100),
    ("slice_bias", {"model": "credit", "group": "under-30"}, {}, total("wrong"), 100),
    ("model_swap", {"model": "ranking"}, {}, total("wrong"), 100),
    ("llm_rate_limit", {"model": "assistant"}, {"limit_x": 0.1}, of("llm_limited", "assistant"), 100),
    ("llm_quality_drop", {"model": "assistant"}, {}, total("wrong"), 50),
]


def seen(world: World, kind: str, target: dict[str, Any], params: dict[str, Any], look: Look, times: float) -> None:
    world.run(30)
    before = look(world)
    world.begin(Fault("F1", kind, target, params))
    most = before
    for _ in range(240):
        world.step()
        most = max(most, look(world))
    assert np.isfinite(most)
    assert most > max(before, 1e-4) * times
    assert world.severity("F1") == 1.0


@pytest.mark.parametrize(("kind", "target", "params", "look", "times"), SHOP)
def test_in_the_shop(kind: str, target: dict[str, Any], params: dict[str, Any], look: Look, times: float) -> None:
    seen(shop(), kind, target, params, look, times)


@pytest.mark.parametrize(("kind", "target", "params", "look", "times"), MODELS)
def test_on_the_ml_platform(
    kind: str, target: dict[str, Any], params: dict[str, Any], look: Look, times: float
) -> None:
    seen(models(), kind, target, params, look, times)


LESS: list[tuple[str, dict[str, Any], dict[str, Any], Look]] = [
    ("traffic_drop", {}, {}, total("requests")),
    ("cache_flush", {"service": "redis"}, {}, of("hit", "redis")),
    ("backup_unusable", {"service": "postgres"}, {}, of("backup_bytes", "postgres")),
    ("automation_runaway", {"service": "web"}, {"per_minute": 10}, of("replicas", "web")),
]


@pytest.mark.parametrize(("kind", "target", "params", "look"), LESS)
def test_what_gets_less(kind: str, target: dict[str, Any], params: dict[str, Any], look: Look) -> None:
    world = shop()
    world.run(30)
    before = look(world)
    world.begin(Fault("F1", kind, target, params))
    world.run(60)
    assert look(world) < before * 0.5


def test_a_feature_that_is_not_refreshed_ages() -> None:
    world = models()
    world.begin(Fault("F1", "feature_stale", {"feature": "user-activity"}))
    world.run(900)
    assert of("feature_age", "user-activity")(world) > 880
    assert of("feature_age", "item-stats")(world) < 600


def test_labels_that_are_late_age() -> None:
    world = models()
    before = of("label_age", "ranking")(world)
    world.begin(Fault("F1", "label_delay", {"model": "ranking"}))
    world.run(300)
    assert of("label_age", "ranking")(world) == pytest.approx(before + 300)


def test_an_autoscaler_that_reads_too_little_takes_replicas_away() -> None:
    world = shop()
    world.begin(Fault("F1", "autoscaler_wrong_signal", {"service": "web"}, {"reads_x": 0.05}))
    world.run(900)
    assert of("desired", "web")(world) <= 4


@pytest.mark.parametrize("kind", sorted(FAULT_TYPES))
def test_every_type_says_what_it_is(kind: str) -> None:
    assert FAULT_TYPES[kind].doc
    assert all(one.doc for one in FAULT_TYPES[kind].params.values())


def test_a_ramp_rises_and_a_period_comes_and_goes() -> None:
    world = shop()
    world.begin(Fault("R", "error_rate", {"service": "payment"}, ramp=10))
    world.begin(Fault("P", "error_rate", {"service": "cart"}, {"period_s": 10, "duty": 0.3}))
    world.run(5)
    assert world.severity("R") == pytest.approx(0.5)
    assert world.severity("P") == 0.0
    world.run(6)
    assert world.severity("P") == 1.0


def test_a_fault_ends_by_itself() -> None:
    world = shop()
    world.begin(Fault("F1", "error_rate", {"service": "payment"}, lasts=30))
    world.run(30)
    assert world.active("F1")
    world.run(10)
    assert not world.active("F1")
    assert failed(world) < 0.01


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("F1", "cpu_fire", {"service": "web"}), "no type 'cpu_fire'"),
        (Fault("F1", "error_rate", {"service": "wep"}), "did you mean 'web'?"),
        (Fault("F1", "error_rate", {"service": "web"}, {"rate": 1.5}), "between 0 and 1"),
        (Fault("F1", "error_rate", {}), "needs a target"),
        (Fault("F1", "pool_leak", {"edge": "edge->web"}), "has no pool"),
        (Fault("F1", "data_loss", {"service": "web"}), "is not a database"),
        (Fault("F1", "error_rate", {"service": "web", "slice": {"country": "XX"}}), "country has no 'XX'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(fault: Fault, says: str) -> None:
    with pytest.raises(FaultError) as refusal:
        shop().begin(fault)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_nothing_wrong_is_nothing_felt() -> None:
    world = shop(changes_per_hour=6)
    for _ in range(900):
        tick: Tick = world.step()
        assert failed(world) < 0.005
        assert np.isfinite(tick.latency).all()
