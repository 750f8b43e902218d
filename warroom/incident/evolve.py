"""evolve: the state after one more record. It refuses and raises nothing, and costs the same at any length of log.

Invariant: entry `seq` stands at `timeline[seq - 1]`, and every record, known or not, redacted or not, has its entry.
"""

from __future__ import annotations

from warroom.incident import events as e
from warroom.incident.describe import describe, reference
from warroom.incident.folds import duties, exercise, lifecycle, redaction, signals, words, work
from warroom.incident.folds.change import REDACTED, Changes, Fold
from warroom.incident.record import Record, kind_of
from warroom.incident.state import Entry, IncidentState, changed

FOLDS: dict[type[e.Event], Fold] = {
    **lifecycle.FOLDS,
    **duties.FOLDS,
    **words.FOLDS,
    **redaction.FOLDS,
    **work.FOLDS,
    **signals.FOLDS,
    **exercise.FOLDS,
}
_PLACEHOLDERS = {**words.PLACEHOLDERS, **work.PLACEHOLDERS, **signals.PLACEHOLDERS}


def evolve(state: IncidentState, record: Record, event: e.Event | None) -> IncidentState:
    """The state once `record`, which carries `event`, is part of it.

    `event` None means a tombstone (the record has no payload) or a type this version does not know, which becomes an
    opaque entry. A record that is not the next one of this incident leaves the state as it is: a repeat is harmless,
    and a gap is for the caller to fill (`state.seq` tells).
    """
    if record.seq != state.seq + 1 or (state.id and record.incident != state.id):
        return state
    if event is not None:
        fold = FOLDS.get(type(event))
        changes = fold(state, record, event) if fold else {}
        text, number = describe(event), reference(event)
    else:
        changes, text, number = _without_event(state, record)
    entry = Entry(
        record.seq,
        kind_of(record.tag),
        record.actor,
        record.recorded_at,
        record.occurred_at,
        text,
        record.duty,
        number,
        redacted=record.payload is None,
    )
    changes["timeline"] = changes.get("timeline", state.timeline).append(entry)
    changes["id"] = record.incident
    changes["seq"] = record.seq
    changes["head_hash"] = record.hash
    changes["participants"] = {**state.participants, record.actor: record.recorded_at}
    return changed(state, changes)


def _without_event(state: IncidentState, record: Record) -> tuple[Changes, str, int | None]:
    if record.payload is not None:
        return {"opaque": state.opaque + 1}, f"An event this version does not know ({record.tag})", None
    placeholder = _PLACEHOLDERS.get(kind_of(record.tag))
    if placeholder is None:
        return {}, REDACTED, None
    changes = placeholder(state, record, None)
    slices = {"tasks", "hypotheses", "decisions", "evidence"} & changes.keys()
    return changes, REDACTED, len(changes[slices.pop()]) if slices else None
