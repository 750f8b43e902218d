"""What folds share: the shape of a change, and the ways to edit one item of a slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from warroom.incident.record import Record
from warroom.incident.state import IncidentState
from warroom.incident.vector import Vector

Changes = dict[str, Any]
"""Field of `IncidentState` -> its new value; fields that stay are left out, so that they keep their identity."""
Fold = Callable[[IncidentState, Record, Any], Changes]

REDACTED = "[redacted]"
"""Stands where words have been erased."""

T = TypeVar("T")


def at_number(items: Vector[T], number: int) -> T | None:
    """The item numbered `number` (from 1), or None when the reference dangles."""
    return items[number - 1] if 1 <= number <= len(items) else None
