"""One line of the list of incidents, from the state."""

from __future__ import annotations

from typing import Any

from warroom.incident.record import stamp
from warroom.incident.state import IncidentState
from warroom.incident.words import Milestone


def lobby_line(state: IncidentState) -> dict[str, Any]:
    """Who leads, how bad, where it stands; times as the log stamps them, empty for none."""
    declared = state.milestones.get(Milestone.DECLARED)
    last = state.entry(state.seq)
    return {
        "incident": state.id,
        "seq": state.seq,
        "title": state.title,
        "severity": state.severity.value,
        "status": state.status.value,
        "commander": state.commander,
        "services": state.services,
        "declared_at": stamp(declared) if declared else "",
        "updated_at": stamp(last.recorded_at) if last else "",
        "next_update_due": stamp(state.next_update_due) if state.next_update_due else "",
        "firing": sum(alert.status != "resolved" for alert in state.alerts),
        "private": state.private,
    }
