"""What happens once, when a fault begins and when it is ended by its host rather than undone by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.simulator import aims
from warroom.simulator.faults import Fault
from warroom.simulator.versions import Traits

if TYPE_CHECKING:
    from warroom.simulator.world import World

LINK_LOST: Final = 43.0
"""Seconds without a writable copy when a failover is forced on a database."""


def begins(world: World, fault: Fault) -> None:
    """The first effects of a fault."""
    start = _BEGIN.get(fault.type)
    if start:
        start(world, fault)


def ends(world: World, fault: Fault) -> None:
    """Put back what the fault had set."""
    stop = _END.get(fault.type)
    if stop:
        stop(world, fault)


def _deploy(world: World, fault: Fault) -> None:
    service = str(fault.aim["service"])
    row = world.topology.service_index[service]
    versions = world.rollouts
    name = fault.word("version") or versions.next_name(row)
    slot = versions.slot_for(row, name, world.state.weight)
    versions.traits[row, slot] = Traits(
        time_x=fault.value("service_time_x"), cpu_x=fault.value("cpu_x"), errors=fault.value("error_rate"),
        calls_x=fault.value("calls_x"), harm=fault.value("harm"), memory=fault.value("memory_mb_per_minute"),
        pool=fault.value("pool_per_minute"),
    )  # fmt: skip
    minutes = fault.value("minutes")
    versions.roll(row, slot, world.state.weight, world.second, minutes * 60, fault.value("fraction"))
    if "region" in fault.aim:
        inside = aims.in_regions(world.layout, fault.aim)
        rollout = versions.rollouts[-1]
        rollout.before = rollout.before.copy()
        rollout.regions = inside
    share = fault.value("fraction")
    part = f" ({share:.0%})" if share < 1 else ""
    world.add_change("deploy", service, f"{service} {name}{part}", version=name, by="deploy-bot", fault=fault.id)


def _undeploy(world: World, fault: Fault) -> None:
    row = world.topology.service_index[str(fault.aim["service"])]
    versions = world.rollouts
    versions.roll(row, versions.previous[row], world.state.weight, world.second, 0.0)


def _flip(world: World, fault: Fault) -> None:
    name = str(fault.aim["flag"])
    flag = next(one for one in world.topology.flags if one.name == name)
    other = next((one for one in flag.variants if one != world.flags[name]), flag.default)
    world.flags[name] = fault.word("variant") or other
    world.add_change("flag", flag.service, f"{name} -> {world.flags[name]}", by="product", fault=fault.id)


def _unflip(world: World, fault: Fault) -> None:
    name = str(fault.aim["flag"])
    world.flags[name] = next(one.default for one in world.topology.flags if one.name == name)


def _configure(world: World, fault: Fault) -> None:
    service, key = str(fault.aim["service"]), str(fault.aim.get("key", "")) or "config"
    world.settings[service, key] = fault.word("value") or "changed"
    text = f"{key} = {world.settings[service, key]}"
    world.add_change("config", service, text, by="config-push", fault=fault.id)


def _reconfigure(world: World, fault: Fault) -> None:
    service, key = str(fault.aim["service"]), str(fault.aim.get("key", "")) or "config"
    usual = [one.value for one in world.topology.settings if (one.service, one.key) == (service, key)]
    world.settings[service, key] = usual[0] if usual else ""


def _flush(world: World, fault: Fault) -> None:
    lost = aims.cells(world.layout, fault.aim) * fault.value("fraction")
    world.state.hit = world.state.hit * (1 - lost)


def _split(world: World, fault: Fault) -> None:
    row = world.topology.service_index[str(fault.aim["service"])]
    old = int(world.state.primary[row])
    wished = fault.aim.get("region")
    there = [at for at in range(world.layout.regions) if world.layout.present[row, at]]
    others = [at for at in there if at != old]
    new = world.topology.region_index[str(wished)] if wished else (others[0] if others else old)
    world.promote(row, new, LINK_LOST)
    service = world.topology.services[row].name
    text = f"primary of {service} is now {world.topology.regions[new].name}"
    world.add_change("failover", service, text, by="orchestrator", fault=fault.id)


def _expire(world: World, fault: Fault) -> None:
    for row in np.flatnonzero(aims.cells(world.layout, fault.aim).any(axis=1)):
        world.certificates[row] = world.now


def _renew(world: World, fault: Fault) -> None:
    for row in np.flatnonzero(aims.cells(world.layout, fault.aim).any(axis=1)):
        world.certificates[row] = world.now + 90 * 86_400


def _swap(world: World, fault: Fault) -> None:
    at = world.model_index[str(fault.aim["model"])]
    model = world.topology.models[at]
    name = fault.word("version")
    world.plane.version[at] = model.versions.index(name) if name in model.versions else len(model.versions) - 1
    text = f"{model.name} -> {name or model.versions[-1]}"
    world.add_change("model", model.service, text, by="retraining", fault=fault.id)


def _unswap(world: World, fault: Fault) -> None:
    world.plane.version[world.model_index[str(fault.aim["model"])]] = 0.0


_BEGIN: Final = {
    "deploy_bad": _deploy, "flag_flip": _flip, "config_bad_value": _configure, "cache_flush": _flush,
    "failover_split": _split, "cert_expired": _expire, "model_swap": _swap,
}  # fmt: skip
_END: Final = {
    "deploy_bad": _undeploy, "flag_flip": _unflip, "config_bad_value": _reconfigure, "cert_expired": _renew,
    "model_swap": _unswap,
}  # fmt: skip
