"""From the bytes of a record to its event, and back; old types are brought up to date as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from pydantic import ValidationError

from warroom.incident.events import EVENT, TAGS, Event
from warroom.incident.evolve import evolve
from warroom.incident.record import Record
from warroom.incident.state import IncidentState

UPCASTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    # What the first version kept is a metric of the second.
    "evidence-pinned": lambda body: {**body, "type": "evidence-pinned.2"},
}
"""Tag of a retired event type -> the same fact in the next version's shape, its `type` included. They chain."""


def is_known(tag: str) -> bool:
    """Whether this version can read events of that type."""
    return tag in TAGS or tag in UPCASTS


def read_event(record: Record) -> Event | None:
    """The event of `record`; None when it is redacted, of an unknown type, or not what its type says."""
    if record.payload is None or not is_known(record.tag):
        return None
    try:
        if record.tag in UPCASTS:
            return EVENT.validate_json(orjson.dumps(_upcast(record.tag, orjson.loads(record.payload))))
        event = TAGS[record.tag].model_validate_json(record.payload)
    except (ValidationError, ValueError, KeyError, TypeError):
        return None
    return event


def _upcast(tag: str, body: dict[str, Any]) -> dict[str, Any]:
    while tag in UPCASTS:
        body = UPCASTS[tag](body)
        tag = body["type"]
    return body


def payload_of(event: Event) -> bytes:
    """The canonical bytes of `event`: its JSON as `orjson` writes it, `type` included."""
    return orjson.dumps(event.model_dump(mode="json"))


def fold(records: Iterable[Record], state: IncidentState | None = None) -> IncidentState:
    """The state after `records`, from `state` or from nothing."""
    now = IncidentState() if state is None else state
    for record in records:
        now = evolve(now, record, read_event(record))
    return now
