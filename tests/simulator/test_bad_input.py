"""What cannot be is said in one sentence, and what is not refused can begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.simulator.worlds import models, shop
from warroom.simulator.effects import EFFECT_KINDS, Effect, EffectError, check_effect
from warroom.simulator.faults import FAULT_TYPES, Fault, FaultError, check_fault
from warroom.simulator.topology import Topology, TopologyError
from warroom.simulator.topology_files import load_topology
from warroom.simulator.topology_read import topology_of
from warroom.simulator.world import World

SHOP = load_topology("shop")


def everything(topology: Topology) -> dict[str, Sequence[Any]]:
    """By kind of target, all that there is of it."""
    owned = ("service", "region", "edge", "queue", "journey", "model", "feature", "flag", "quota")
    found: dict[str, Sequence[Any]] = {key: [one.name for one in getattr(topology, f"{key}s")] for key in owned}
    return found | {
        "zone": ["a", "b"], "network": sorted({one.network for one in topology.services}), "fault": ["F0", "F9"],
        "slice": [{key: name} for key, values in topology.slices.items() for name in values],
        "automation": topology.automations, "tool": ["loki"], "metric": ["up"], "key": ["waf_rules"],
    }  # fmt: skip


@pytest.mark.parametrize("made", [shop, models], ids=["shop", "ml-platform"])
def test_what_is_not_refused_can_begin_and_be_done(made: Any) -> None:
    world: World = made()
    known = everything(world.topology)
    done = set()
    for kind, needs in [(one.name, one.needs) for one in (*FAULT_TYPES.values(), *EFFECT_KINDS.values())]:
        for key in needs or ("",):
            targets: list[Mapping[str, Any]] = [{key: one} for one in known[key][:1]] if key else [{}]
            targets += [{key: list(known[key][:2])}, {key: []}] if key else []
            for target in targets:
                if kind in FAULT_TYPES and not check_fault(fault := Fault("F1", kind, target), world.topology):
                    world.begin(fault)
                    world.step()
                    world.end("F1")
                    done.add(kind)
                elif kind in EFFECT_KINDS and not check_effect(effect := Effect(kind, target), world.topology):
                    world.act(effect)
                    done.add(kind)
                world.step()
    assert len(done) > 50


@pytest.mark.parametrize(
    ("kind", "target", "params", "said"),
    [
        ("data_loss", {"service": ["postgres", "edge"]}, {}, "edge is not a database"),
        ("cert_expired", {"service": "web"}, {}, "web has no certificate"),
        ("disk_fill", {"service": "web"}, {}, "web has no disk"),
        ("autoscaler_wrong_signal", {"service": "redis"}, {}, "redis has no autoscaler"),
        ("pool_leak", {"edge": "web->recommend"}, {}, "web->recommend has no pool"),
        ("flag_flip", {"flag": "new-checkout"}, {"variant": "onn"}, "did you mean 'on'?"),
        ("flag_flip", {"flag": ["new-checkout"]}, {}, "flag must be one name"),
        ("deploy_bad", {"service": ["web", "edge"]}, {}, "service must be one name"),
        ("config_bad_value", {"key": "waf_rules"}, {}, "needs a target: one of service"),
        ("automation_runaway", {"service": "web", "automation": "robot"}, {}, "there is no automation 'robot'"),
        ("traffic_surge", {"region": []}, {}, "region names nothing"),
    ],
)
def test_a_fault_that_would_do_nothing_is_refused(kind: str, target: Any, params: Any, said: str) -> None:
    with pytest.raises(FaultError, match=f"fault F1 .*{said.replace('?', '[?]')}"):
        shop().begin(Fault("F1", kind, target, params))


@pytest.mark.parametrize(
    ("kind", "target", "params", "said"),
    [
        ("breaker", {"edge": "web->cart"}, {}, "web->cart has no breaker"),
        ("cache_warm", {"service": "web"}, {}, "web is not a cache"),
        ("cert_reissue", {"service": "web"}, {}, "web has no certificate"),
        ("restore", {"service": "web"}, {}, "web is not a database"),
        ("consumers", {"queue": ["mails", "order-events"]}, {}, "queue must be one name"),
    ],
)
def test_an_effect_that_would_do_nothing_is_refused(kind: str, target: Any, params: Any, said: str) -> None:
    with pytest.raises(EffectError, match=said):
        shop().act(Effect(kind, target, params))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"set": {"thread": 3}}, "'thread' cannot be set"),
        ({"servce": "edge", "set": {"threads": 3}}, "'servce' cannot be set"),
        ({"service": "edge", "set": {"thread": 3}}, "did you mean 'threads'"),
        ({"service": "edgy", "set": {"threads": 3}}, "there is no service 'edgy'"),
        ({"flag": "new-checkout", "set": {"default": "maybe"}}, "there is no variant 'maybe'"),
        ({"journey": "browse", "set": {"entry": "psp"}}, "users cannot enter by an external service"),
        ({"region": "eu-west", "set": {"rtt_ms": {"mars": 9}}}, "there is no region 'mars'"),
    ],
)
def test_a_patch_that_fits_nothing_is_refused(change: Any, said: str) -> None:
    with pytest.raises(TopologyError, match=said):
        SHOP.patched([change])


def test_a_patch_of_the_whole() -> None:
    assert SHOP.patched([{"set": {"base_rps": 90}}]).base_rps == 90


def test_a_topology_that_is_none_is_refused() -> None:
    with pytest.raises(TopologyError, match="a topology is a mapping"):
        topology_of(["edge"])
