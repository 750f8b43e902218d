"""Every kind of effect can be done, and those that undo what a fault set end it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.simulator.worlds import failed, models, shop
from warroom.simulator.effects import EFFECT_KINDS, Effect, EffectError
from warroom.simulator.faults import Fault

TARGETS: dict[str, dict[str, Any]] = {
    "cache_warm": {"service": "redis"}, "cert_reissue": {"service": "payment"},
    "end_fault": {"fault": "F0"}, "drain": {"region": "eu-west"}, "undrain": {"region": "eu-west"},
    "flag": {"flag": "new-checkout"}, "config": {"service": "web", "key": "cache_ttl_s"},
    "retries": {"edge": "web->cart"},
    "timeout": {"edge": "web->cart"}, "breaker": {"edge": "payment->psp"}, "failover": {"service": "postgres"},
    "consumers": {"queue": "mails"}, "quota": {"quota": "psp-requests"}, "block": {"slice": {"country": "DE"}},
    "pool_recycle": {"edge": "cart->redis"}, "feed_quarantine": {"feature": "bot-features"},
    "restore": {"service": "postgres"}, "disk_free": {"service": "postgres"}, "none": {},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(EFFECT_KINDS) - {"model"}))
def test_every_kind_can_be_done(kind: str) -> None:
    world = shop()
    world.act(Effect(kind, TARGETS.get(kind, {"service": "web"})))
    for _ in range(60):
        assert np.isfinite(world.step().latency).all()


@pytest.mark.parametrize(
    ("fault", "effect"),
    [
        (Fault("F", "deploy_bad", {"service": "web"}, {"error_rate": 0.9}), Effect("rollback", {"service": "web"})),
        (Fault("F", "flag_flip", {"flag": "new-checkout"}, {"variant": "on", "error_rate": 1}),
         Effect("flag", {"flag": "new-checkout"}, {"variant": "off"})),
        (Fault("F", "config_bad_value", {"service": "web", "key": "cache_ttl_s"}, {"value": "0", "error_rate": 0.9}),
         Effect("config", {"service": "web", "key": "cache_ttl_s"})),
        (Fault("F", "cert_expired", {"service": "payment"}), Effect("cert_reissue", {"service": "payment"})),
        (Fault("F", "dns_empty", {"service": "payment"}), Effect("dns_record", {"service": "payment"})),
        (Fault("F", "quota_exhausted", {"quota": "psp-requests"}), Effect("quota", {"quota": "psp-requests"})),
        (Fault("F", "automation_runaway", {"service": "shipping", "automation": "capacity-tool"}),
         Effect("stop_automation", {"automation": "capacity-tool"})),
        (Fault("F", "feature_file_oversize", {"feature": "bot-features"}),
         Effect("feed_quarantine", {"feature": "bot-features"})),
    ],
)  # fmt: skip
def test_undoing_it_cures(fault: Fault, effect: Effect) -> None:
    world = shop()
    world.begin(fault)
    world.run(180)
    assert failed(world) > 0.02
    assert world.act(effect) == ("F",)
    world.run(180)
    assert failed(world) < 0.01


def test_a_model_falls_back() -> None:
    world = models()
    world.begin(Fault("F", "input_drift", {"model": "ranking"}))
    world.run(60)
    before = float(world.tick.wrong.sum())
    world.act(Effect("model", {"model": "ranking"}, {"do": "fallback"}))
    world.run(60)
    assert float(world.tick.wrong.sum()) < before * 0.5
    assert float(world.tick.fallback[0]) == 1.0


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(EffectError, match="did you mean 'web'"):
        shop().act(Effect("restart", {"service": "wep"}))


def test_the_kill_switch_of_the_security_rules_turns_them_off_where_they_are() -> None:
    world = shop()
    edge = world.topology.service_index["edge"]
    assert (world.step().security == 1).all()
    world.act(Effect("flag", {"flag": "waf-managed-rules"}, {"variant": "off"}))
    off = world.step().security
    assert (off[edge] == 0).all()
    assert off.sum() == off.size - off[edge].size
    world.act(Effect("flag", {"flag": "waf-managed-rules"}))
    assert (world.step().security == 1).all()


def test_what_was_restarted_comes_back_by_itself() -> None:
    world = shop()
    web = world.topology.service_index["web"]
    before = world.tick.replicas[web].copy()
    world.act(Effect("restart", {"service": "web"}))
    assert (world.step().replicas[web] < before).any()
    assert (world.run(70).replicas[web] == before).all()


def test_a_rollback_takes_the_last_of_the_old_version_away() -> None:
    world = shop()
    web = world.topology.service_index["web"]
    world.begin(Fault("F1", "deploy_bad", {"service": "web"}, {"error_rate": 0.3}))
    world.run(30)
    world.act(Effect("rollback", {"service": "web"}, {"minutes": 1}))
    assert not world.active("F1")
    world.run(300)
    assert float(world.tick.errors[web].max()) < 0.01
    assert sorted(float(one) for one in world.tick.weight[web, 0]) == [0.0, 0.0, 0.0, 1.0]
