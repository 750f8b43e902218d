"""A log that an earlier version wrote: every event there was, two of them erased. It stays readable, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import orjson
import pytest

from tests.incident.core_room import BEN, CHIEF, ID, CoreRoom, plain
from warroom.incident import commands as c
from warroom.incident.chain import verify
from warroom.incident.decode import UPCASTS, fold, is_known, read_event
from warroom.incident.events import TAGS, EvidencePinned
from warroom.incident.record import GENESIS, Record
from warroom.incident.record_json import record_from_json, record_json
from warroom.incident.snapshot import decode, encode
from warroom.incident.verdict import Refusal

OLD = Path(__file__).with_name("log_of_0_1.jsonl")
SINCE = {
    "evidence-pinned.2", "panel-added", "panel-removed",
    "exercise-started", "inject-delivered", "hint-asked", "hint-given", "person-withheld", "person-returned",
    "pace-set", "action-requested", "action-approved", "action-rejected", "action-started", "action-finished",
    "world-changed", "exercise-marked", "truth-revealed", "exercise-stopped", "hypothesis-rated",
}  # fmt: skip
"""Types of events that came later."""


@cache
def old_log(incident: str = ID) -> tuple[Record, ...]:
    records: list[Record] = []
    for body in map(orjson.loads, OLD.read_bytes().splitlines()):
        if body["incident"] == incident:
            records.append(record_from_json(body, incident, records[-1].hash if records else GENESIS))
    return tuple(records)


@pytest.mark.parametrize("incident", [ID, "INC-2222"])
def test_the_chain_holds_and_every_event_is_understood(incident):
    log = old_log(incident)
    assert verify(log) is None
    for record in log:
        assert is_known(record.tag)
        assert (read_event(record) is None) == (record.payload is None), record.tag
    state = fold(log)
    assert not state.opaque
    assert plain(decode(encode(state))) == plain(state)
    assert [record_from_json(record_json(one), incident, one.previous) for one in log] == list(log)


def test_every_type_of_event_that_was_is_in_it():
    tags = {record.tag for incident in (ID, "INC-2222") for record in old_log(incident)}
    assert tags | SINCE == TAGS.keys() | UPCASTS.keys()


def test_evidence_of_the_first_version_is_a_metric():
    log = old_log()
    pinned = [record for record in log if record.tag == "evidence-pinned"]
    assert len(pinned) == 3
    assert isinstance(read_event(pinned[0]), EvidencePinned)
    state = fold(log)
    first, erased, last = state.evidence
    assert (first.kind, first.data, first.unit, first.note) == ("metric", "", "ratio", "see the jump")
    assert first.series == (("checkout", (1.0, 2.0, 3.5), (0.5, None, 0.25)), ("", (), ()))
    assert (erased.number, erased.title, erased.series) == (2, "[redacted]", ())
    assert (last.number, last.title) == (3, "latency")
    entry = state.entry(pinned[0].seq)
    assert (entry.kind, entry.text, entry.ref) == ("evidence-pinned", "Evidence 1: Error rate: see the jump", 1)


def test_an_old_log_goes_on_in_the_new_version_and_both_versions_can_be_erased():
    room = CoreRoom()
    room.log, room.state = list(old_log()), fold(old_log())
    room.at = room.log[-1].recorded_at
    room.does(c.ReopenIncident(reason="again"), CHIEF)
    room.does(c.PinEvidence(evidence={"title": "errors", "kind": "logs", "data": '{"lines":[]}'}), BEN)
    assert room.log[-1].tag == "evidence-pinned.2"
    assert room.state.timeline[-1].kind == "evidence-pinned"
    assert [pin.number for pin in room.state.evidence] == [1, 2, 3, 4]
    gone = [pin.seq for pin in room.state.evidence if pin.title != "[redacted]"]
    for seq in gone:
        verdict = room.say(c.RedactEntry(entry=seq, reason="names of customers"), CHIEF)
        assert not isinstance(verdict, Refusal)
    kept = [replace(one, payload=None, salt=None) if one.seq in gone else one for one in room.log]
    assert verify(kept) is None
    assert plain(fold(kept).evidence) == plain(room.state.evidence)
    assert {pin.title for pin in room.state.evidence} == {"[redacted]"}
