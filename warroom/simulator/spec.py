"""What a fault or an action may name and set: parameters with unit, default and bounds, and the checks of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from warroom.simulator.fields import bounds
from warroom.simulator.topology import Topology

ANY: Final = (None, "*", "all")
"""What stands for every region."""
SEVERAL: Final = ("service", "region", "zone", "edge", "network", "fault")
"""Targets that may be a list of names."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. A default of None means that the thing stays as it is. `text` parameters have no bounds."""

    name: str
    unit: str
    default: float | str | None
    least: float = 0.0
    most: float = math.inf
    doc: str = ""
    text: bool = False


def params(*given: Param) -> dict[str, Param]:
    """Parameters by their names."""
    return {one.name: one for one in given}


def target_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A target with what stands in `scope` beside the rest, and without what means everything."""
    scope = given.get("scope")
    flat = {**given, **(scope if isinstance(scope, Mapping) else {})}
    flat.pop("scope", None)
    return {str(key): value for key, value in flat.items() if not (key == "region" and value in ANY)}


def check_params(where: str, known: Mapping[str, Param], given: Mapping[str, Any]) -> list[str]:
    """What is wrong with parameters, one sentence each."""
    found = []
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"use any of {', '.join(known) or 'none'}"
            found.append(f"{where} has no parameter '{name}'; {advice}")
            continue
        rule = known[name]
        if value is None or rule.text:
            if value is not None and not isinstance(value, str | int | float):
                found.append(f"{where}: {name} must be text")
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            found.append(f"{where}: {name} must be a number ({rule.unit})")
        elif not rule.least <= value <= rule.most:
            found.append(f"{where}: {name} {value:g} must be {bounds(rule.least, rule.most)}")
    return found


def check_target(
    where: str,
    topology: Topology,
    allowed: Sequence[str],
    needs: Sequence[str],
    given: Mapping[str, Any],
    *,
    one_service: bool = False,
) -> list[str]:
    """What is wrong with a target, one sentence each. `one_service`: it may not be several."""
    target = target_of(given)
    found = [
        f"{where} has no target '{key}'; use any of {', '.join(allowed) or 'none'}"
        for key in target
        if key not in allowed
    ]
    if needs and not any(key in target for key in needs):
        found.append(f"{where} needs a target: one of {', '.join(needs)}")
    known = _known(topology)
    for key, value in target.items():
        if key in known and key in allowed:
            several = key in SEVERAL and not (one_service and key == "service")
            values: Sequence[object] = value if several and isinstance(value, list | tuple) else [value]
            if not values:
                found.append(f"{where}: {key} names nothing; known are {', '.join(known[key])}")
            if not several and not isinstance(value, str):
                found.append(f"{where}: {key} must be one name, as {next(iter(known[key]), 'none')!r}")
                continue
            found += [
                f"{where}: there is no {key} {one!r}; {_advice(str(one), known[key])}"
                for one in values
                if one not in known[key]
            ]
        elif key == "slice" and key in allowed:
            found += _check_slice(where, topology, value)
    if "group" in target and not found:
        found += _check_group(where, topology, target)
    return found


THINGS: Final[Mapping[str, tuple[str, Callable[[Any], bool], str]]] = {
    "database": ("service", lambda one: one.kind == "database", "is not a database"),
    "cache": ("service", lambda one: one.hit > 0, "is not a cache"),
    "certificate": ("service", lambda one: one.certificate_days is not None, "has no certificate"),
    "disk": ("service", lambda one: one.disk_gb > 0, "has no disk"),
    "autoscaler": ("service", lambda one: one.autoscaler is not None, "has no autoscaler"),
    "pool": ("edge", lambda one: one.pool > 0, "has no pool"),
    "breaker": ("edge", lambda one: one.breaker is not None, "has no breaker"),
}
"""What faults and effects can be about: the target that has to have it, how that is seen, and words for where not."""


def check_thing(where: str, topology: Topology, thing: str, target: Mapping[str, Any]) -> list[str]:
    """Which of the targets have not what a fault or an effect is about; the targets themselves are known."""
    if not thing:
        return []
    key, has, words = THINGS[thing]
    owned = {one.name: one for one in (topology.services if key == "service" else topology.edges)}
    return [f"{where}: {name} {words}" for name in named(target.get(key, ())) if not has(owned[name])]


def check_word(where: str, what: str, word: str, known: Sequence[str]) -> list[str]:
    """Whether a word that was given, if any was, is one of those that there are."""
    return [f"{where}: there is no {what} {word!r}; {_advice(word, known)}"] if word and word not in known else []


def check_variant(where: str, topology: Topology, target: Mapping[str, Any], word: str) -> list[str]:
    """Whether the flag that is aimed at, which is known, has this variant; no word stands for the usual one."""
    flag = next(one for one in topology.flags if one.name == target["flag"])
    return check_word(where, f"variant of {flag.name}", word, flag.variants)


def check_version(where: str, topology: Topology, target: Mapping[str, Any], word: str) -> list[str]:
    """Whether the model that is aimed at, which is known, has this version; no word stands for the usual one."""
    model = next(one for one in topology.models if one.name == target["model"])
    return check_word(where, f"version of {model.name}", word, model.versions)


def named(value: object) -> tuple[str, ...]:
    """One name or several."""
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else (str(value),)


def _known(topology: Topology) -> dict[str, tuple[str, ...]]:
    zones = {zone for region in topology.regions for zone in region.zones}
    return {
        "service": tuple(one.name for one in topology.services),
        "region": tuple(one.name for one in topology.regions),
        "zone": tuple(sorted(zones)),
        "edge": tuple(one.name for one in topology.edges),
        "queue": tuple(one.name for one in topology.queues),
        "journey": tuple(one.name for one in topology.journeys),
        "model": tuple(one.name for one in topology.models),
        "feature": tuple(one.name for one in topology.features),
        "flag": tuple(one.name for one in topology.flags),
        "quota": tuple(one.name for one in topology.quotas),
        "automation": topology.automations,
        "network": tuple(sorted({one.network for one in topology.services})),
    }


def _advice(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(known)}" if known else "the topology has none"


def _check_slice(where: str, topology: Topology, value: object) -> list[str]:
    if not isinstance(value, Mapping) or len(value) != 1:
        return [f"{where}: slice must be one dimension with one value, as {{country: DE}}"]
    ((dimension, one),) = value.items()
    if dimension not in topology.slices:
        return [f"{where}: there is no slice {dimension!r}; {_advice(str(dimension), tuple(topology.slices))}"]
    if one not in topology.slices[dimension]:
        return [f"{where}: {dimension} has no {one!r}; {_advice(str(one), tuple(topology.slices[dimension]))}"]
    return []


def _check_group(where: str, topology: Topology, target: Mapping[str, Any]) -> list[str]:
    model = next((one for one in topology.models if one.name == target.get("model")), None)
    if model is None or target["group"] not in model.groups:
        known = tuple(model.groups) if model else ()
        return [f"{where}: there is no group {target['group']!r}; {_advice(str(target['group']), known)}"]
    return []
