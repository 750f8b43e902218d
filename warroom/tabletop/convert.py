"""From what a scenario says to what the simulator, the room and the board understand.

Invariant: pure translation; nothing here decides when anything happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from warroom.data import shipped_data_dir
from warroom.embedded.ruler import RuleGroup, load_rules
from warroom.simulator.effects import Effect
from warroom.simulator.faults import Fault, FaultError
from warroom.simulator.load import Load, LoadEvent
from warroom.simulator.topology import Topology
from warroom.simulator.topology_files import load_topology
from warroom.tabletop.acts import ActionSpec, EffectSpec
from warroom.tabletop.model import FaultSpec, Scenario, Slo
from warroom.tabletop.runbook import Runbook, load_runbook

_OK = 'sum(rate(user_requests_total{outcome="ok"}[1m])) / sum(rate(user_requests_total[1m]))'
_FAILED = 'sum(rate(user_requests_total{outcome="failed"}[1m])) / sum(rate(user_requests_total[1m]))'
_LATE = 'sum(rate(user_requests_total{outcome="late"}[1m])) / sum(rate(user_requests_total[1m]))'
_NAMES: Mapping[str, tuple[str, str]] = {
    "availability": (_OK, "ratio"), "error_ratio": (_FAILED, "ratio"), "late_ratio": (_LATE, "ratio"),
}  # fmt: skip
_ERRORS = (
    'sum(rate(http_requests_total{{job="{x}",status=~"5.."}}[1m])) / sum(rate(http_requests_total{{job="{x}"}}[1m]))'
)
_QUANTILE = 'histogram_quantile({q}, sum by (le) (rate(http_request_duration_seconds_bucket{{job="{x}"}}[1m])))'
_LATENCY = (
    'sum(rate(http_request_duration_seconds_sum{{job="{x}"}}[1m])) '
    '/ sum(rate(http_request_duration_seconds_count{{job="{x}"}}[1m]))'
)
_CALLS: Mapping[str, tuple[str, str]] = {
    "err": (_ERRORS, "ratio"),
    "p50": (_QUANTILE.replace("{q}", "0.5"), "seconds"),
    "p95": (_QUANTILE.replace("{q}", "0.95"), "seconds"),
    "p99": (_QUANTILE.replace("{q}", "0.99"), "seconds"),
    "rps": ('sum(rate(http_requests_total{{job="{x}"}}[1m]))', "per_second"),
    "latency": (_LATENCY, "seconds"),
    "cpu": ('avg(process_cpu_utilisation{{job="{x}"}})', "ratio"),
    "memory": ('max(process_resident_memory_bytes{{job="{x}"}})', "bytes"),
    "lag": ('max(queue_oldest_message_age_seconds{{queue="{x}"}})', "seconds"),
    "depth": ('sum(queue_messages{{queue="{x}"}})', ""),
    "replication_lag": ('max(db_replication_lag_seconds{{job="{x}"}})', "seconds"),
    "feature_age": ('max(feature_age_seconds{{feature="{x}"}})', "seconds"),
    "psi": ('max(model_input_psi{{model="{x}"}})', ""),
}
_WORDS: Mapping[str, str] = {"err": "errors", "rps": "requests"}
"""Figures whose names are no words."""
_JOURNEY = (
    'sum(rate(user_requests_total{{journey="{x}",outcome="failed"}}[1m])) '
    '/ sum(rate(user_requests_total{{journey="{x}"}}[1m]))'
)
_CALL = re.compile(r"(1\s*-\s*)?([a-z0-9_]+)\s*(?:\(\s*([A-Za-z0-9_.-]+)\s*\))?")


def topology_for(scenario: Scenario) -> Topology:
    """The topology of a scenario, patched as it says.

    Raises:
        TopologyError: there is none of that name, or a patch does not fit.
    """
    whole = load_topology(scenario.world.topology)
    return whole.patched([dict(one) for one in scenario.world.patch]) if scenario.world.patch else whole


def load_for(scenario: Scenario) -> Load:
    """The load on the imaginary production."""
    load = scenario.world.load
    events = tuple(
        LoadEvent(float(one.at), one.multiply, one.lasts, one.ramp, one.region, one.journey) for one in load.events
    )
    return Load(load.base_rps, load.diurnal, load.amplitude, load.noise, events)


def fault_of(spec: FaultSpec) -> Fault:
    """A fault of a scenario as the simulator takes it."""
    lasts = None if spec.lasts is None else float(spec.lasts)
    return Fault(spec.id, spec.type, dict(spec.target), dict(spec.params), float(spec.ramp), lasts)


def fault_from(fields: Mapping[str, Any]) -> Fault:
    """A fault from plain fields: id, type, target, params, ramp, lasts.

    Raises:
        FaultError: something that a fault needs is missing.
    """
    try:
        return Fault(
            str(fields["id"]), str(fields["type"]), dict(fields.get("target", {})), dict(fields.get("params", {})),
            float(fields.get("ramp", 0.0)), None if fields.get("lasts") is None else float(fields["lasts"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise FaultError(f"a fault needs id and type, and figures for ramp and lasts: {error}") from None


def effect_of(spec: EffectSpec) -> Effect:
    """An effect of an action as the simulator takes it."""
    return Effect(spec.kind, dict(spec.target), dict(spec.params))


def offered(action: ActionSpec) -> dict[str, Any]:
    """What players see of an action."""
    return {
        "id": action.id, "title": action.title, "kind": action.kind, "target": action.target, "text": action.text,
        "takes_seconds": action.takes, "needs": action.needs, "approval": action.approval,
    }  # fmt: skip


def _title(slo: Slo, figure: str, what: str, *, rest: bool) -> str:
    """The objective in words; `rest` where it is what the figure leaves of 1."""
    if slo.sli.strip() == slo.id:
        return slo.id
    if rest:
        words = f"served well at {what}" if figure == "err" else f"1 - {figure} of {what}"
    else:
        words = f"{_WORDS.get(figure, figure.replace('_', ' '))} of {what}"
    return f"{slo.id}: {words if what else slo.sli}"


def panel_of(slo: Slo, scenario: Scenario) -> dict[str, Any] | None:
    """A chart of what users are promised, as the board takes it; None where no query says it."""
    found = _CALL.fullmatch(slo.sli.strip())
    if found is None:
        return None
    query, unit = _query(found[2], found[3] or "", topology_for(scenario))
    if not query:
        return None
    bound = slo.at_least if slo.at_least is not None else slo.at_most
    return {
        "title": _title(slo, found[2], found[3] or "", rest=bool(found[1]))[:100],
        "query": f"1 - ({query})" if found[1] else query, "unit": unit, "step": 5,
        "window": min(1800, max(900, scenario.world.history.warmup)),
        "thresholds": [] if bound is None else [
            {"value": bound, "above": slo.at_most is not None, "label": "promised"}
        ],
    }  # fmt: skip


def _query(name: str, argument: str, topology: Topology) -> tuple[str, str]:
    if not argument:
        return _NAMES.get(name, ("", ""))
    known = _CALLS.get(name)
    if known is None:
        return "", ""
    if name == "err" and any(one.name == argument for one in topology.journeys):
        return _JOURNEY.format(x=argument), "ratio"
    return known[0].format(x=argument), known[1]


@lru_cache(maxsize=8)
def rules_for(topology: str) -> tuple[RuleGroup, ...]:
    """The alert rules of a topology, those that ship; none where there is no file."""
    path = shipped_data_dir("scenarios") / "rules" / f"{topology}.yml"
    return load_rules(path) if path.is_file() else ()


def runbook_for(topology: str) -> Runbook | None:
    """The runbook of a topology, if one ships."""
    try:
        return load_runbook(topology)
    except FileNotFoundError:
        return None


def stages(story: str) -> tuple[str, ...]:
    """The paragraphs of the truth, in the order they are revealed in."""
    return tuple(part.strip() for part in re.split(r"\n\s*\n", story) if part.strip())
