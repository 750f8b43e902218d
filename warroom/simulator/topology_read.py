"""Topologies from plain data, checked: every name that is used exists, shares add up, nobody calls in a circle."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from warroom.simulator.fields import TopologyError, read
from warroom.simulator.topology import (
    MOST_EDGES,
    MOST_REGIONS,
    MOST_SERVICES,
    Edge,
    Feature,
    Flag,
    Journey,
    Model,
    Queue,
    Quota,
    Region,
    Service,
    Setting,
    Topology,
)

Part = TypeVar("Part")
MOST_RPS: Final = 1_000_000.0
_LISTS: Final[Mapping[str, tuple[type[Any], int]]] = {
    "regions": (Region, MOST_REGIONS),
    "services": (Service, MOST_SERVICES),
    "edges": (Edge, MOST_EDGES),
    "queues": (Queue, 40),
    "journeys": (Journey, 20),
    "quotas": (Quota, 20),
    "flags": (Flag, 40),
    "settings": (Setting, 80),
    "features": (Feature, 40),
    "models": (Model, 12),
}
_PLAIN: Final = ("name", "title", "base_rps", "slices", "automations")
_PATCHES: Final = {
    "service": "services", "edge": "edges", "queue": "queues", "journey": "journeys", "quota": "quotas",
    "flag": "flags",
    "feature": "features", "model": "models", "region": "regions",
}  # fmt: skip

_OWN: Final = ("base_rps", "title")
"""What a patch may set of the topology itself."""


def topology_of(given: object, where: str = "topology") -> Topology:
    """A topology from plain data. An edge may be written `{edge: a->b, calls: 2}` or with `source` and `target`.

    Raises:
        TopologyError: with the place of the first thing that is wrong.
    """
    if not isinstance(given, Mapping):
        raise TopologyError(f"{where}: a topology is a mapping with name, regions, services, edges and journeys")
    unknown = [key for key in given if key not in _LISTS and key not in _PLAIN]
    if unknown:
        raise TopologyError(f"{where}.{unknown[0]}: is not a known key; use any of {', '.join((*_PLAIN, *_LISTS))}")
    parts = {key: _list(cls, given.get(key, ()), f"{where}.{key}", most) for key, (cls, most) in _LISTS.items()}
    name, title = given.get("name"), given.get("title", "")
    if not isinstance(name, str) or not name or not isinstance(title, str):
        raise TopologyError(f"{where}: name and title must be text, and the name must be there")
    topology = Topology(
        name=name,
        title=title or name,
        base_rps=_rps(given.get("base_rps", 100.0), where),
        slices=_slices(given.get("slices", {}), f"{where}.slices"),
        automations=_automations(given.get("automations", ()), where),
        document=copy.deepcopy(dict(given)),
        **parts,
    )
    _check(topology, where)
    return topology


def patched(topology: Topology, changes: Sequence[Mapping[str, Any]]) -> Topology:
    """A topology with some values set otherwise; see `Topology.patched`."""
    document = copy.deepcopy(dict(topology.document))
    for at, change in enumerate(changes):
        where = f"patch.{at}"
        values = change.get("set") if isinstance(change, Mapping) else None
        if not isinstance(values, Mapping):
            raise TopologyError(
                f"{where}: must name one thing and what to `set`, as {{service: web, set: {{threads: 64}}}}"
            )
        kind = next((key for key in change if key in _PATCHES), None)
        if kind is None:
            unknown = [key for key in change if key != "set"] or [key for key in values if key not in _OWN]
            if unknown:
                raise TopologyError(
                    f"{where}: {str(unknown[0])!r} cannot be set; name any of {', '.join(_PATCHES)},"
                    f" or set {' or '.join(_OWN)} of the whole"
                )
            document.update(values)
            continue
        found = next((one for one in document.get(_PATCHES[kind], ()) if _called(one) == change[kind]), None)
        if found is None:
            raise TopologyError(f"{where}: there is no {kind} {change[kind]!r} in {topology.name}")
        found.update(values)
    return topology_of(document, f"{topology.name} (patched)")


def _called(given: Mapping[str, Any]) -> str:
    return str(given.get("edge") or given.get("name") or f"{given.get('source')}->{given.get('target')}")


def _list(cls: type[Part], given: object, where: str, most: int) -> tuple[Part, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TopologyError(f"{where}: must be a list")
    if len(given) > most:
        raise TopologyError(f"{where}: has {len(given)} entries; at most {most} are possible")
    return tuple(read(cls, _spelt(one), f"{where}.{at}") for at, one in enumerate(given))


def _spelt(given: Any) -> Any:
    """`edge: a->b` written out."""
    if not isinstance(given, Mapping) or "edge" not in given:
        return given
    source, _, target = str(given["edge"]).partition("->")
    return {"source": source.strip(), "target": target.strip()} | {k: v for k, v in given.items() if k != "edge"}


def _rps(given: object, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= MOST_RPS:
        raise TopologyError(f"{where}.base_rps: must be a number above 0 and at most {MOST_RPS:g}")
    return float(given)


def _slices(given: object, where: str) -> dict[str, dict[str, float]]:
    if not isinstance(given, Mapping) or len(given) > 8:
        raise TopologyError(f"{where}: must be a mapping of at most 8 dimensions")
    found: dict[str, dict[str, float]] = {}
    for dimension, values in given.items():
        fits = isinstance(values, Mapping) and all(isinstance(v, int | float) and 0 <= v <= 1 for v in values.values())
        if not fits or not 0.99 <= sum(values.values()) <= 1.01:
            raise TopologyError(f"{where}.{dimension}: must give each value a share, and the shares must add up to 1")
        found[str(dimension)] = {str(key): float(value) for key, value in values.items()}
    return found


def _automations(given: object, where: str) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise TopologyError(f"{where}.automations: must be a list of names")
    return tuple(given)


def _check(topology: Topology, where: str) -> None:
    for key in ("regions", "services", "journeys"):
        if not getattr(topology, key):
            raise TopologyError(f"{where}.{key}: needs at least one entry")
    for key in ("regions", "services", "edges", "queues", "journeys", "quotas", "flags", "features", "models"):
        found = [one.name for one in getattr(topology, key)]
        twice = next((one for one in found if found.count(one) > 1), None)
        if twice:
            raise TopologyError(f"{where}.{key}: '{twice}' is there twice")
    _check_names(topology, where)
    _check_shares(topology, where)
    _check_circle(topology, where)


def _check_names(topology: Topology, where: str) -> None:
    services, regions = set(topology.service_index), set(topology.region_index)
    journeys = {one.name for one in topology.journeys}

    def known(names: Iterable[str], among: Iterable[str], place: str, what: str) -> None:
        missing = sorted(set(names) - set(among))
        if missing:
            raise TopologyError(
                f"{where}.{place}: there is no {what} {missing[0]!r}; known are {', '.join(sorted(among))}"
            )

    for region in topology.regions:
        known(region.rtt_ms, regions, f"regions.{region.name}.rtt_ms", "region")
    for flag in topology.flags:
        known((flag.default, *flag.unguarded), flag.variants, f"flags.{flag.name}", "variant")
    for service in topology.services:
        known(service.regions, regions, f"services.{service.name}.regions", "region")
        known((service.primary,) if service.primary else (), regions, f"services.{service.name}.primary", "region")
    for edge in topology.edges:
        named = (edge.source, edge.target, *((edge.cached_by,) if edge.cached_by else ()))
        known(named, services, f"edges.{edge.name}", "service")
        known(edge.journeys, journeys, f"edges.{edge.name}.journeys", "journey")
    for queue in topology.queues:
        known((queue.source, queue.target), services, f"queues.{queue.name}", "service")
    known((one.entry for one in topology.journeys), services, "journeys", "service")
    for place, owned in (("quotas", topology.quotas), ("flags", topology.flags), ("settings", topology.settings)):
        known((one.service for one in owned), services, place, "service")
    for feature in topology.features:
        known((feature.producer, *feature.consumers), services, f"features.{feature.name}", "service")
    features, models = {one.name for one in topology.features}, {one.name for one in topology.models}
    for model in topology.models:
        provider = (model.provider,) if model.provider else ()
        known((model.service, *provider), services, f"models.{model.name}", "service")
        known(model.group_rate, model.groups, f"models.{model.name}.group_rate", "group")
        known(model.features, features, f"models.{model.name}.features", "feature")
    known((one.model for one in topology.journeys if one.model), models, "journeys", "model")


def _check_shares(topology: Topology, where: str) -> None:
    for key, found in (("regions", topology.regions), ("journeys", topology.journeys)):
        total = sum(one.share for one in found)
        if not 0.99 <= total <= 1.01:
            raise TopologyError(f"{where}.{key}: the shares add up to {total:g}; they must add up to 1")
    for journey in topology.journeys:
        entry = topology.services[topology.service_index[journey.entry]]
        if entry.kind == "external":
            raise TopologyError(f"{where}.journeys.{journey.name}: users cannot enter by an external service")


def _check_circle(topology: Topology, where: str) -> None:
    """Calls go one way: a service that waits for itself would never answer."""
    left = {one.name for one in topology.services}
    waits: dict[str, set[str]] = {name: set() for name in left}
    for edge in topology.edges:
        waits[edge.source].add(edge.target)
    while left:
        leaves = {name for name in left if not waits[name] & left}
        if not leaves:
            raise TopologyError(f"{where}.edges: {', '.join(sorted(left)[:4])} call each other in a circle")
        left -= leaves
