"""What the hosts of an exercise see and its players do not: what is to come, what is broken, the truth. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.incident.state import IncidentState
from warroom.tabletop.drill import Drill


def host_view(drill: Drill, state: IncidentState, speed: float) -> Mapping[str, Any]:
    """The drill as JSON-able data: `second`, `speed`, `users` (of the last second), `schedule`, `faults`, `tools`,
    `muted`, `overrides` (the value by metric, None for silence), `actions` with their verdicts, `milestones` (`met` at
    which second), `truth` in stages and how many are `revealed`.
    """
    scenario = drill.scenario
    slo = drill.world.slo
    return {
        "second": drill.second,
        "speed": speed,
        "finished": drill.finished,
        "scenario": scenario.metadata.id,
        "title": scenario.metadata.title,
        "hard_stop": scenario.metadata.duration.hard_stop,
        "expected": scenario.metadata.duration.expected,
        "users": {"requests": float(slo.requests), "failed": float(slo.failed), "late": float(slo.late)},
        "schedule": [
            {
                "id": row.id, "at": row.at, "when": row.when, "state": row.state, "to": row.to, "sender": row.sender,
                "text": row.text, "forces": row.forces, "cost": row.cost,
            }
            for row in drill.schedule
        ],
        "faults": _faults(drill),
        "tools": {
            tool: {"latency": one[0], "error_rate": one[1], "down": one[2]} for tool, one in drill.degraded.items()
        },
        "muted": sorted(drill.muted),
        "overrides": {metric: value for metric, (_, value) in drill.tampering.overrides.items()},
        "actions": [
            {"id": one.id, "title": one.title, "verdict": one.verdict, "takes": one.takes} for one in scenario.actions
        ],
        "milestones": [
            {"id": one.id, "text": one.text or one.event or one.when or "", "due": one.due,
             "met": _met(drill, one.event), "judged": "event" if one.event else "score"}
            for one in scenario.milestones
        ],
        "withheld": sorted(state.exercise.withheld) if state.exercise else [],
        "truth": list(drill.truth_text),
        "revealed": sum(1 for entry in state.timeline if entry.kind == "truth-revealed"),
        "debrief": list(scenario.debrief),
    }  # fmt: skip


def _met(drill: Drill, event: str | None) -> int | None:
    """The second at which an event came first; None for what only the score can tell, or what has not come."""
    if event is None:
        return None
    name, _, arguments = event.partition(":")
    wanted = tuple(part.strip() for part in arguments.split("|") if part.strip())
    seconds = drill.production.facts.happened(name.strip(), wanted)
    return int(seconds[0]) if seconds else None


def _faults(drill: Drill) -> list[dict[str, Any]]:
    felt = {one.fault.id: one.severity for one in drill.world.faults}
    return [
        {
            "id": one.id, "type": one.type, "target": dict(one.target), "at": one.at, "harmless": one.harmless,
            "text": one.text, "severity": float(felt.get(one.id, 0.0)),
        }
        for one in drill.scenario.all_faults
    ]  # fmt: skip
