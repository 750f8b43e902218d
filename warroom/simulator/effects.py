"""What people can do to the production: the kinds of effects, what each may be aimed at, and its parameters.

An effect is what an action does once it is done; how long it took, and who approved it, is not known here. What a kind
does stands in `act`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from warroom.simulator.spec import (
    Param,
    check_params,
    check_target,
    check_thing,
    check_variant,
    check_version,
    params,
    target_of,
)
from warroom.simulator.topology import Topology


class EffectError(ValueError):
    """An effect that cannot be; one sentence."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing done to the production."""

    kind: str
    target: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def aim(self) -> dict[str, Any]:
        """The target with its scope beside the rest."""
        return target_of(self.target)

    def number(self, name: str) -> float | None:
        """A parameter as a number: what is set, else the default, None where neither is there."""
        given = self.params.get(name)
        found = EFFECT_KINDS[self.kind].params[name].default if given is None else given
        return float(found) if isinstance(found, int | float) else None

    def value(self, name: str) -> float:
        """A parameter that has a default."""
        return self.number(name) or 0.0

    def word(self, name: str) -> str:
        """A parameter as text, empty where nothing is set."""
        found = self.params.get(name, EFFECT_KINDS[self.kind].params[name].default)
        return "" if found is None else str(found)


@dataclass(frozen=True, slots=True)
class EffectKind:
    """What effects of one kind may be aimed at (`needs`: at least one of these) and set."""

    name: str
    doc: str
    target: tuple[str, ...]
    needs: tuple[str, ...]
    params: Mapping[str, Param]


def _kind(name: str, doc: str, target: str, needs: str, *given: Param) -> EffectKind:
    return EffectKind(name, doc, tuple(target.split()), tuple(needs.split()), params(*given))


def _word(name: str, default: str | None, doc: str) -> Param:
    return Param(name, "text", default, text=True, doc=doc)


def _factor(name: str, default: float, doc: str) -> Param:
    return Param(name, "factor", default, 0, 1_000, doc)


def _share(name: str, default: float, doc: str) -> Param:
    return Param(name, "share", default, 0, 1, doc)


MODEL_DEEDS: Final = ("rollback", "swap", "fallback", "pause", "resume")
BREAKER_STATES: Final = ("auto", "open", "closed")
_KINDS: Final = (
    _kind("end_fault", "a fault is over", "fault", "fault"),
    _kind("scale", "more or fewer replicas, threads or cores", "service region", "service",
          _factor("replicas_x", 1.5, "of the replicas"), _factor("threads_x", 1.0, "of the threads"),
          _factor("cores_x", 1.0, "of the cores"), Param("replicas", "count", None, 0, 5_000, "in each region")),
    _kind("restart", "all replicas start again", "service region", "service",
          Param("downtime_s", "s", 30.0, 0, 86_400, "until they are ready")),
    _kind("rollback", "back to another version", "service", "service", _word("version", None,
    "none set: the one before"),
          Param("minutes", "min", 0.0, 0, 1_440, "until all have it")),
    _kind("drain", "traffic is led elsewhere", "region service zone", "region service zone",
          _share("fraction", 1.0, "of the traffic")),
    _kind("undrain", "traffic is led back", "region service zone", "region service zone",
          _share("fraction", 1.0, "of what was led away")),
    _kind("flag", "a switch is thrown", "flag", "flag", _word("variant", None, "none set: the usual one")),
    _kind("config", "a setting is changed", "service key", "service", _word("value", None, "none set: the usual one")),
    _kind("shed", "a share of the load is refused at once", "service journey region", "service journey",
          _share("fraction", 0.8, "of the load; 0 ends it")),
    _kind("retries", "callers try again less often", "edge service journey", "edge service journey",
          Param("retries", "attempts", 0.0, 0, 50, "after the first"),
          Param("budget", "share", None, 0, 100, "of the calls that may be tried again")),
    _kind("timeout", "callers wait otherwise", "edge service", "edge service",
          Param("ms", "ms", 1_000.0, 1, 600_000, "for an answer")),
    _kind("breaker", "a breaker is forced", "edge", "edge", _word("state", "open", ", ".join(BREAKER_STATES))),
    _kind("failover", "another region's copy becomes the primary", "service region", "service"),
    _kind("cache_warm", "a cache is filled", "service region", "service", _share("fraction", 1.0,
    "of what it usually has")),
    _kind("consumers", "more consumers of a queue", "queue", "queue", _factor("factor", 2.0, "of the consumers")),
    _kind("quota", "a provider allows more", "quota", "quota", _factor("factor", 2.0, "of the limit")),
    _kind("stop_automation", "a program that acts by itself is stopped", "automation service", "automation service"),
    _kind("block", "a part of the users is kept out", "slice region", "slice region",
          _share("fraction", 1.0, "of them; 0 lets them in")),
    _kind("pool_recycle", "connections are closed and opened anew", "edge", "edge"),
    _kind("cert_reissue", "a new certificate", "service", "service", Param("days", "days", 90.0, 1, 3_650, "valid")),
    _kind("dns_record", "the address is written by hand", "service", "service"),
    _kind("model", "what answers for a model", "model", "model", _word("do", "rollback", ", ".join(MODEL_DEEDS)),
          _word("version", None, "to swap to")),
    _kind("feed_quarantine", "inputs are held back, and the last good ones used", "feature", "feature"),
    _kind("downtime", "a service is taken down", "service region", "service",
          Param("seconds", "s", 60.0, 1, 86_400, "until it is back")),
    _kind("queue_limit", "how many requests may wait", "service region", "service",
          Param("limit", "requests", 100.0, 0, 1e7, "waiting at each replica")),
    _kind("restore", "lost or divergent data is put in order", "service", "service"),
    _kind("disk_free", "room on a disk", "service region", "service", Param("gb", "GB", 100.0, 0, 1e6, "freed")),
    _kind("none", "nothing changes", "service region edge queue model", ""),
)  # fmt: skip
EFFECT_KINDS: Final[Mapping[str, EffectKind]] = {one.name: one for one in _KINDS}
_ABOUT: Final = {
    "failover": "database", "restore": "database", "cache_warm": "cache", "cert_reissue": "certificate",
    "disk_free": "disk", "pool_recycle": "pool", "breaker": "breaker",
}  # fmt: skip
"""What a kind is about, see `spec.THINGS`; others can be anywhere."""
_ONE_SERVICE: Final = ("rollback", "config", "failover", "cert_reissue", "dns_record", "restore")
_CHOICES: Final = {("model", "do"): MODEL_DEEDS, ("breaker", "state"): BREAKER_STATES}


def check_effect(effect: Effect, topology: Topology) -> list[str]:
    """What is wrong with an effect for a topology, one sentence each; nothing when it can be done."""
    kind = EFFECT_KINDS.get(effect.kind)
    if kind is None:
        return [f"there is no effect {effect.kind!r}; use any of {', '.join(EFFECT_KINDS)}"]
    where = f"effect {effect.kind}"
    found = check_target(
        where, topology, kind.target, kind.needs, effect.target, one_service=effect.kind in _ONE_SERVICE
    )
    found += check_params(where, kind.params, effect.params)
    for (name, param), choices in _CHOICES.items():
        if not found and effect.kind == name and effect.word(param) not in choices:
            found.append(f"{where}: {param} {effect.word(param)!r} must be one of {', '.join(choices)}")
    if not found:
        found += check_thing(where, topology, _ABOUT.get(effect.kind, ""), effect.aim)
    if not found and effect.kind == "flag":
        found += check_variant(where, topology, effect.aim, effect.word("variant"))
    if not found and effect.kind == "model":
        found += check_version(where, topology, effect.aim, effect.word("version"))
    return found
