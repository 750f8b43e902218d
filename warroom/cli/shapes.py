"""The shapes that `--json` prints for an incident's state: stable, documented, told by the state's own names.

Invariant: a field is only ever added; times are RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from warroom.incident.measures import measures
from warroom.incident.record import stamp
from warroom.incident.state import IncidentState

_LEFT_OUT = frozenset({"alert_index", "timeline", "chat", "head_hash", "milestone_seqs", "sources", "panels_added"})


def plain(value: Any) -> Any:
    """A value of the state as JSON knows it."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Enum) or value is None or isinstance(value, str | int | float | bool):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, bytes):
        return value.hex()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(one) for one in value)
    return [plain(one) for one in value]


def incident_shape(state: IncidentState) -> dict[str, Any]:
    """The state without its timeline, which `log` prints; `commander` and `measures` beside."""
    body: dict[str, Any] = {
        one.name: plain(getattr(state, one.name)) for one in fields(state) if one.name not in _LEFT_OUT
    }
    body["incident"] = body.pop("id")
    body["head_hash"] = state.head_hash.hex()
    body["commander"] = state.commander
    body["measures"] = [
        {
            "name": one.name,
            "formula": one.formula,
            "seconds": None if one.value is None else one.value.total_seconds(),
            "reason": one.reason,
            "entries": list(one.seqs),
        }
        for one in measures(state)
    ]
    return body
