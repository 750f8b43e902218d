"""What each kind of effect does to a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from warroom.simulator import aims
from warroom.simulator.effects import Effect
from warroom.simulator.layout import GB, Array
from warroom.simulator.spec import named

if TYPE_CHECKING:
    from warroom.simulator.world import World

PROMOTION_SECONDS: Final = 30.0
"""How long a database cannot be written while another copy becomes the primary."""


def _row(world: World, aim: Mapping[str, Any]) -> int:
    return world.topology.service_index[named(aim["service"])[0]]


def _at(world: World, aim: Mapping[str, Any], kind: str) -> int:
    return [one.name for one in getattr(world.topology, f"{kind}s")].index(str(aim[kind]))


def _set(array: Array, mask: Array, value: float | Array) -> None:
    array[mask > 0] = value


def _end_fault(world: World, effect: Effect) -> None:
    for one in named(effect.aim["fault"]):
        if world.active(one):
            world.end(one)


def _scale(world: World, effect: Effect) -> None:
    mask = aims.cells(world.layout, effect.aim)
    wanted, state = world.state.wanted, world.state
    absolute = effect.number("replicas")
    new = np.full_like(wanted, absolute) if absolute is not None else np.ceil(wanted * effect.value("replicas_x"))
    new = np.where(mask > 0, new, wanted)
    state.starting = np.maximum(state.starting + np.maximum(new - wanted, 0.0), 0.0)
    state.wanted = new
    world.controls.threads_x *= np.where(mask > 0, effect.value("threads_x"), 1.0)
    world.controls.cores_x *= np.where(mask > 0, effect.value("cores_x"), 1.0)
    world.add_change("scale", str(effect.aim["service"]), _scaled(effect))


def _scaled(effect: Effect) -> str:
    absolute = effect.number("replicas")
    if absolute is not None:
        return f"{effect.aim['service']} to {absolute:g} replicas"
    parts = [
        f"{name[:-2]} x{effect.value(name):g}"
        for name in ("replicas_x", "threads_x", "cores_x")
        if effect.value(name) != 1
    ]
    return f"{effect.aim['service']}: {', '.join(parts) or 'unchanged'}"


def _restart(world: World, effect: Effect) -> None:
    mask = aims.cells(world.layout, effect.aim)
    _down(world, mask, effect.value("downtime_s"))
    state = world.state
    state.leaked = np.where(mask > 0, 0.0, state.leaked)
    state.restarts = state.restarts + mask * state.wanted
    kind = world.layout.service(named(effect.aim["service"])[0]).kind
    if kind == "cache":
        state.hit = np.where(mask > 0, 0.0, state.hit)
    out = aims.links(world.layout, effect.aim, outgoing=True)
    state.leaked_pool = np.where(out > 0, 0.0, state.leaked_pool)
    world.add_change("restart", str(effect.aim["service"]), f"{effect.aim['service']} restarted")


def _down(world: World, mask: Array, seconds: float) -> None:
    world.controls.down = np.where(mask > 0, seconds, world.controls.down)


def _rollback(world: World, effect: Effect) -> None:
    row = _row(world, effect.aim)
    versions, name = world.rollouts, effect.word("version")
    if name and name not in versions.names[row]:
        slot = versions.slot_for(row, name, world.state.weight)
    else:
        slot = versions.names[row].index(name) if name else versions.previous[row]
    versions.roll(row, slot, world.state.weight, world.second, effect.value("minutes") * 60)
    service = world.topology.services[row].name
    world.add_change(
        "rollback", service, f"{service} back to {versions.names[row][slot]}", version=versions.names[row][slot]
    )
    world.cure("deploy_bad", service=service)


def _drain(world: World, effect: Effect, sign: float = 1.0) -> None:
    aim, share = effect.aim, effect.value("fraction")
    controls = world.controls
    if "zone" in aim:
        key = (str(aim.get("service", "")), str(aim.get("region", "")), str(aim["zone"]))
        controls.zones[key] = share if sign > 0 else max(controls.zones.get(key, 0.0) - share, 0.0)
        controls.zones = {one: left for one, left in controls.zones.items() if left > 0}
    elif "service" in aim:
        mask = aims.cells(world.layout, aim)
        controls.drained = np.where(mask > 0, _moved(controls.drained, share, sign), controls.drained)
    else:
        regions = aims.in_regions(world.layout, aim)
        controls.away = np.where(regions > 0, _moved(controls.away, share, sign), controls.away)
    what = aim.get("zone") or aim.get("service") or aim.get("region")
    world.add_change(
        "config", str(aim.get("service", "")), f"traffic {'led away from' if sign > 0 else 'back to'} {what}"
    )


def _moved(old: Array, share: float, sign: float) -> Array:
    return np.maximum(old, share) if sign > 0 else np.maximum(old - share, 0.0)


def _undrain(world: World, effect: Effect) -> None:
    _drain(world, effect, -1.0)


def _flag(world: World, effect: Effect) -> None:
    name = str(effect.aim["flag"])
    flag = world.topology.flags[_at(world, effect.aim, "flag")]
    variant = effect.word("variant") or flag.default
    world.flags[name] = variant
    world.add_change("flag", flag.service, f"{name} -> {variant}")
    for fault in world.cured_by("flag_flip", flag=name):
        if (fault.word("variant") or "") != variant:
            world.end(fault.id)


def _config(world: World, effect: Effect) -> None:
    service, key = str(effect.aim["service"]), str(effect.aim.get("key", ""))
    usual = next((one.value for one in world.topology.settings if (one.service, one.key) == (service, key)), "")
    value = effect.word("value") or usual
    world.settings[service, key] = value
    world.add_change("config", service, f"{key} = {value}")
    for fault in world.cured_by("config_bad_value", service=service):
        if str(fault.aim.get("key", "")) == key and fault.word("value") != value:
            world.end(fault.id, keep=True)


def _shed(world: World, effect: Effect) -> None:
    share, controls = effect.value("fraction"), world.controls
    if "journey" in effect.aim:
        _set(controls.turned_away, aims.journeys(world.layout, effect.aim), share)
    else:
        _set(controls.shed, aims.cells(world.layout, effect.aim), share)
    what = effect.aim.get("journey") or effect.aim.get("service")
    world.add_change("config", str(effect.aim.get("service", "")), f"{share:.0%} of {what} refused")


def _callers(world: World, effect: Effect) -> Array:
    """A service's own calls, and an edge's."""
    mask = aims.links(world.layout, effect.aim, outgoing=True)
    if "service" in effect.aim:
        mask = np.maximum(mask, aims.links(world.layout, effect.aim))
        mask[world.layout.edges :] *= str(effect.aim["service"]) in world.topology.entries
    return mask


def _retries(world: World, effect: Effect) -> None:
    mask = _callers(world, effect)
    _set(world.controls.retries, mask, effect.value("retries"))
    budget = effect.number("budget")
    if budget is not None:
        _set(world.controls.budget, mask, budget)
    for fault in world.cured_by("retry_policy"):
        if (aims.links(world.layout, fault.aim, outgoing=True) * mask).any():
            world.end(fault.id)
    what = next(iter(effect.aim.values()))
    world.add_change("config", str(effect.aim.get("service", "")), f"retries of {what}: {effect.value('retries'):g}")


def _timeout(world: World, effect: Effect) -> None:
    mask = aims.links(world.layout, effect.aim, outgoing=True)
    _set(world.controls.timeout, mask, effect.value("ms") / 1000)
    what = next(iter(effect.aim.values()))
    world.add_change("config", str(effect.aim.get("service", "")), f"time limit of {what}: {effect.value('ms'):g} ms")


def _breaker(world: World, effect: Effect) -> None:
    state = {"open": 1.0, "closed": -1.0, "auto": 0.0}[effect.word("state")]
    _set(world.controls.breaker, aims.links(world.layout, effect.aim), state)
    world.add_change("config", "", f"breaker {effect.aim['edge']}: {effect.word('state')}")


def _failover(world: World, effect: Effect) -> None:
    row = _row(world, effect.aim)
    state, old = world.state, int(world.state.primary[row])
    region = str(effect.aim.get("region", ""))
    new = world.topology.region_index[region] if region else _other(world, row, old)
    if new == old:
        return
    writes = world.writes(row)
    lost = float(state.divergent[row]) + writes * max(float(state.lag[row, new]), 0.0)
    world.lose_writes(row, lost)
    world.promote(row, new, PROMOTION_SECONDS)
    service = world.topology.services[row].name
    world.add_change("failover", service, f"primary of {service} is now {world.topology.regions[new].name}")
    world.cure("failover_split", service=service)


def _other(world: World, row: int, old: int) -> int:
    there = [at for at in range(world.layout.regions) if world.layout.present[row, at] and at != old]
    return there[0] if there else old


def _cache_warm(world: World, effect: Effect) -> None:
    mask = aims.cells(world.layout, effect.aim) * effect.value("fraction")
    world.state.hit = np.maximum(world.state.hit, world.layout.hit * mask)


def _consumers(world: World, effect: Effect) -> None:
    world.controls.consumers_x[_at(world, effect.aim, "queue")] *= effect.value("factor")
    world.add_change("scale", "", f"consumers of {effect.aim['queue']} x{effect.value('factor'):g}")


def _quota(world: World, effect: Effect) -> None:
    world.controls.quota_x[_at(world, effect.aim, "quota")] *= effect.value("factor")
    world.cure("quota_exhausted", quota=str(effect.aim["quota"]))
    world.add_change("config", "", f"quota {effect.aim['quota']} x{effect.value('factor'):g}")


def _stop_automation(world: World, effect: Effect) -> None:
    aim = effect.aim
    for fault in (*world.cured_by("automation_runaway"), *world.cured_by("autoscaler_wrong_signal")):
        if any(key in aim and aim[key] == fault.aim.get(key) for key in ("automation", "service")):
            world.end(fault.id)
    if "service" in aim:
        _set(world.controls.held, aims.cells(world.layout, {"service": aim["service"]}), 1.0)
    what = aim.get("automation") or f"autoscaler of {aim.get('service')}"
    world.add_change("config", str(aim.get("service", "")), f"{what} stopped")


def _block(world: World, effect: Effect) -> None:
    part = aims.slice_of(world.layout, effect.aim)
    if part is None:
        return
    regions = aims.in_regions(world.layout, effect.aim)
    world.controls.blocked[:, regions > 0] = part[2] * effect.value("fraction")
    world.add_change("config", "", f"{part[0]} {part[1]}: {effect.value('fraction'):.0%} blocked")


def _pool_recycle(world: World, effect: Effect) -> None:
    mask = aims.links(world.layout, effect.aim)
    world.state.leaked_pool = np.where(mask > 0, 0.0, world.state.leaked_pool)
    world.add_change("restart", "", f"connections of {effect.aim['edge']} recycled")


def _cert_reissue(world: World, effect: Effect) -> None:
    service = str(effect.aim["service"])
    world.certificates[_row(world, effect.aim)] = world.now + effect.value("days") * 86_400
    world.cure("cert_expired", service=service)
    world.add_change("certificate", service, f"certificate of {service} valid for {effect.value('days'):g} days")


def _dns_record(world: World, effect: Effect) -> None:
    service = str(effect.aim["service"])
    world.cure("dns_empty", service=service)
    world.add_change("dns", service, f"record of {service} written by hand")


def _model(world: World, effect: Effect) -> None:
    at, name, do = _at(world, effect.aim, "model"), str(effect.aim["model"]), effect.word("do")
    model, controls = world.topology.models[at], world.controls
    if do in ("rollback", "swap"):
        versions = list(model.versions)
        chosen = effect.word("version") or (versions[1] if do == "rollback" and len(versions) > 1 else versions[0])
        world.plane.version[at] = versions.index(chosen) if chosen in versions else 0
        for kind in ("model_swap", "slice_bias"):
            world.cure(kind, model=name)
    elif do == "fallback":
        controls.fallback[at] = 1.0
    elif do == "pause":
        controls.paused[at] = 1.0
    else:
        controls.fallback[at] = controls.paused[at] = 0.0
    world.add_change("model", model.service, f"{name}: {do} {effect.word('version')}".rstrip())


def _quarantine(world: World, effect: Effect) -> None:
    feature = str(effect.aim["feature"])
    world.controls.quarantined[_at(world, effect.aim, "feature")] = 1.0
    for kind in ("feature_schema_change", "feature_file_oversize"):
        world.cure(kind, feature=feature)
    world.add_change("config", "", f"feed {feature} held back; the last good one is used")


def _downtime(world: World, effect: Effect) -> None:
    _down(world, aims.cells(world.layout, effect.aim), effect.value("seconds"))
    world.add_change("maintenance", str(effect.aim["service"]), f"{effect.aim['service']} taken down")


def _queue_limit(world: World, effect: Effect) -> None:
    _set(world.controls.queue, aims.cells(world.layout, effect.aim), effect.value("limit"))
    world.add_change(
        "config", str(effect.aim["service"]), f"at most {effect.value('limit'):g} requests wait at a replica"
    )


def _restore(world: World, effect: Effect) -> None:
    row = _row(world, effect.aim)
    service = world.topology.services[row].name
    if world.knobs.backup[row] <= 0:
        world.add_change("maintenance", service, f"restore of {service} failed: the backup is empty")
        return
    world.state.divergent = world.state.divergent.copy()
    world.state.divergent[row] = 0.0
    for kind in ("data_loss", "failover_split", "replication_lag"):
        world.cure(kind, service=service)
    world.add_change("maintenance", service, f"data of {service} put in order")


def _disk_free(world: World, effect: Effect) -> None:
    mask = aims.cells(world.layout, effect.aim)
    world.state.disk = np.maximum(world.state.disk - mask * effect.value("gb") * GB, 0.0)


def _none(_world: World, _effect: Effect) -> None:
    """Some actions change nothing."""


ACT: Final[Mapping[str, Callable[[World, Effect], None]]] = {
    "end_fault": _end_fault, "scale": _scale, "restart": _restart, "rollback": _rollback, "drain": _drain,
    "undrain": _undrain, "flag": _flag, "config": _config, "shed": _shed, "retries": _retries, "timeout": _timeout,
    "breaker": _breaker, "failover": _failover, "cache_warm": _cache_warm, "consumers": _consumers, "quota": _quota,
    "stop_automation": _stop_automation, "block": _block, "pool_recycle": _pool_recycle, "cert_reissue": _cert_reissue,
    "dns_record": _dns_record, "model": _model, "feed_quarantine": _quarantine, "downtime": _downtime,
    "queue_limit": _queue_limit, "restore": _restore, "disk_free": _disk_free, "none": _none,
}  # fmt: skip
