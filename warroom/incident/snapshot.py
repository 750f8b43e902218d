"""The whole state as JSON and back: what a newcomer gets instead of the log.

Invariant: `decode(encode(state))` equals `state` field by field. Objects are arrays in the order of their fields, so
that ten thousand entries stay small; `SHAPE` changes with them and a snapshot of another shape is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson

from warroom.incident import exercise_state as x
from warroom.incident import state as s
from warroom.incident.vector import Vector
from warroom.incident.words import Duty, Milestone, Severity, Status

SHAPE = 3

_Decoder = Callable[[Any], Any]


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _rows(make: Callable[[list[Any]], Any]) -> _Decoder:
    return lambda rows: tuple(make(row) for row in rows)


def _vector(make: Callable[[list[Any]], Any]) -> _Decoder:
    return lambda rows: Vector(make(row) for row in rows)


def _pairs(first: type, second: _Decoder) -> _Decoder:
    return lambda rows: tuple((first(a), second(b)) for a, b in rows)


def _row(cls: type, **decoders: _Decoder) -> Callable[[list[Any]], Any]:
    """Makes an object of `cls` from its array; named fields go through their decoder first."""
    names = [field.name for field in fields(cls)]
    places = [(names.index(name), decoder) for name, decoder in decoders.items()]

    def make(row: list[Any]) -> Any:
        for place, decoder in places:
            row[place] = decoder(row[place])
        return cls(*row)

    return make


def _line(row: list[Any]) -> tuple[str, tuple[float, ...], tuple[float | None, ...]]:
    return row[0], tuple(row[1]), tuple(row[2])


_parse = datetime.fromisoformat
_label_pairs = _rows(tuple)
_entry = _row(s.Entry, recorded_at=_parse, occurred_at=_parse)
_task = _row(s.Task, added_at=_parse, due_at=_moment, ended_at=_moment)
_finding = _row(s.Finding, at=_parse, pins=tuple)
_hypothesis = _row(s.Hypothesis, proposed_at=_parse, evidence=_rows(_finding))
_objection = _row(s.Objection, at=_parse)
_decision = _row(s.Decision, opened_at=_parse, options=tuple, objections=_rows(_objection), decided_at=_moment)
_evidence = _row(s.EvidencePin, at=_parse, start=_moment, end=_moment, series=_rows(_line))
_panel = _row(s.BoardPanel, added_at=_parse, thresholds=_rows(tuple))
_alert = _row(s.AlertState, starts_at=_parse, ended_at=_moment, labels=_label_pairs, annotations=_label_pairs)
_link = _row(s.Link)
_change = _row(s.Change, at=_parse)
_counter = _row(s.Counter, at=_parse)
_update = _row(s.Update, published_at=_parse)
_step = _row(s.StepState, at=_moment)
_playbook = _row(s.PlaybookState, attached_at=_parse, steps=_rows(_step))
_offer = _row(s.CommandOffer, at=_parse)
_acted = _row(x.ActionState, requested_at=_parse, started_at=_moment, ends_at=_moment, ended_at=_moment)
_exercise = _row(
    x.ExerciseState, hosts=tuple, actions=_rows(_row(x.OfferedAction)), roles=lambda names: tuple(map(Duty, names)),
    started_at=_parse, withheld=frozenset, injects=tuple, stopped_at=_moment, marks=_rows(_row(x.Mark)),
)  # fmt: skip
_holding = _row(s.Holding, duty=Duty, since=_parse, until=_moment)

_DECODERS: dict[str, _Decoder] = {
    "head_hash": bytes.fromhex,
    "status": Status,
    "severity": Severity,
    "services": tuple,
    "members": frozenset,
    "milestones": lambda body: {Milestone(k): _parse(v) for k, v in body.items()},
    "milestone_seqs": lambda body: {Milestone(k): v for k, v in body.items()},
    "corrected": lambda names: frozenset(map(Milestone, names)),
    "severities": _pairs(Severity, _parse),
    "statuses": _pairs(Status, _parse),
    "roles": _rows(_holding),
    "past_roles": _rows(_holding),
    "offer": lambda row: None if row is None else _offer(row),
    "timeline": _vector(_entry),
    "chat": Vector,
    "pins": tuple,
    "tasks": _vector(_task),
    "hypotheses": _vector(_hypothesis),
    "decisions": _vector(_decision),
    "evidence": _vector(_evidence),
    "alerts": _vector(_alert),
    "links": _vector(_link),
    "changes": _vector(_change),
    "counters": _rows(_counter),
    "updates": _vector(_update),
    "next_update_due": _moment,
    "absorbed": tuple,
    "playbooks": _rows(_playbook),
    "board": _rows(_panel),
    "exercise": lambda row: None if row is None else _exercise(row),
    "actions": _vector(_acted),
    "participants": lambda body: {name: _parse(at) for name, at in body.items()},
}
_DERIVED = frozenset({"alert_index"})

_GETTERS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    cls: attrgetter(*(field.name for field in fields(cls)))
    for cls in (
        s.Entry, s.Task, s.Hypothesis, s.Finding, s.Objection, s.Decision, s.EvidencePin, s.BoardPanel, s.AlertState,
        s.Link, s.Change, s.Counter, s.Update, s.StepState, s.PlaybookState, s.CommandOffer, s.Holding,
        x.ExerciseState, x.ActionState, x.OfferedAction, x.Mark,
    )
}  # fmt: skip
_FIELDS = tuple(field.name for field in fields(s.IncidentState) if field.name not in _DERIVED)
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS


def encode(state: s.IncidentState) -> bytes:
    """The state as JSON bytes, the same bytes for the same state."""
    body = {name: getattr(state, name) for name in _FIELDS}
    body["timeline"] = list(map(_GETTERS[s.Entry], state.timeline))
    return orjson.dumps({"shape": SHAPE, **body}, default=_plain, option=_OPTIONS)


def _plain(value: object) -> object:
    getter = _GETTERS.get(type(value))
    if getter is not None:
        return getter(value)
    if isinstance(value, Vector):
        return list(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a state holds no {type(value).__name__}")


def decode(data: bytes) -> s.IncidentState:
    """The state that `encode` wrote.

    Raises:
        ValueError: not a snapshot, or one of another shape.
    """
    body = orjson.loads(data)
    if not isinstance(body, dict) or body.pop("shape", None) != SHAPE:
        raise ValueError(f"not a snapshot of shape {SHAPE}")
    try:
        for name, decoder in _DECODERS.items():
            body[name] = decoder(body[name])
        alerts = body["alerts"]
        body["alert_index"] = {(alert.source, alert.fingerprint): place for place, alert in enumerate(alerts)}
        return s.IncidentState(**body)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a snapshot: {error}") from None
