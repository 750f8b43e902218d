"""Any byte that is not what was written is found, and the record it stands in is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.incident.core_room import BEN, CHIEF, JANA, CoreRoom
from warroom.incident import commands as c
from warroom.incident.chain import head_signed_by, seal_all, sign_head, verify
from warroom.incident.decode import fold
from warroom.incident.record import GENESIS, Record
from warroom.incident.record_json import record_from_json, record_json
from warroom.incident.state import IncidentState


def written() -> list[Record]:
    room = CoreRoom.declared(severity="SEV2")
    room.does(c.TakeCommand(), JANA)
    for number in range(6):
        room.does(c.AddNote(text=f"note {number}"), BEN)
    room.does(c.RedactEntry(entry=5, reason="a password"), CHIEF)
    return [replace(r, payload=None, salt=None) if r.seq == 5 else r for r in room.log]


LOG = written()
BYTES = ("payload", "salt", "payload_hash", "previous", "hash")
TEXTS = ("incident", "tag", "actor", "access", "client")


def test_what_was_written_verifies_with_its_tombstone():
    assert verify(LOG) is None
    assert verify(LOG[3:], LOG[2].hash, after=3) is None
    assert verify([]) is None


@given(st.integers(0, len(LOG) - 1), st.sampled_from(BYTES), st.integers(0, 10_000), st.integers(1, 255))
@settings(deadline=None, max_examples=300)
def test_any_flipped_byte_is_found_and_named(place, field, position, flip):
    value = getattr(LOG[place], field)
    if value is None:
        return
    position %= len(value)
    changed = value[:position] + bytes([value[position] ^ flip]) + value[position + 1 :]
    broken = verify([*LOG[:place], replace(LOG[place], **{field: changed}), *LOG[place + 1 :]])
    assert broken is not None
    assert broken.seq == place + 1


@given(st.integers(0, len(LOG) - 1), st.sampled_from(TEXTS), st.text(min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=200)
def test_any_changed_word_of_the_envelope_is_found_and_named(place, field, extra, front):
    value = getattr(LOG[place], field)
    changed = extra + value if front else value + extra
    broken = verify([*LOG[:place], replace(LOG[place], **{field: changed}), *LOG[place + 1 :]])
    assert broken is not None
    assert broken.seq == place + 1


@pytest.mark.parametrize("place", range(len(LOG)))
@pytest.mark.parametrize("field", ["n", "recorded_at", "occurred_at", "duty"])
def test_numbers_and_times_are_covered_too(place, field):
    value = getattr(LOG[place], field)
    more = {"n": lambda: value + 1, "duty": lambda: value + ",scribe"}.get(
        field, lambda: value + timedelta(microseconds=1)
    )()
    broken = verify([*LOG[:place], replace(LOG[place], **{field: more}), *LOG[place + 1 :]])
    assert broken is not None
    assert broken.seq == place + 1


@pytest.mark.parametrize("place", range(1, len(LOG)))
def test_a_missing_a_swapped_and_a_doubled_record_are_named(place):
    missing = verify([*LOG[: place - 1], *LOG[place:]])
    assert missing is not None
    assert (missing.seq, missing.what) == (place, f"missing; {place + 1} follows {place - 1}")
    swapped = [*LOG]
    swapped[place - 1], swapped[place] = swapped[place], swapped[place - 1]
    assert (found := verify(swapped)) is not None
    assert found.seq == place
    doubled = verify([*LOG[:place], *LOG[place - 1 :]])
    assert doubled is not None
    assert doubled.seq == place
    assert "after" in doubled.what


def test_a_tombstone_must_carry_the_hash_of_what_was_there():
    stone = LOG[4]
    assert stone.payload is None
    broken = verify([*LOG[:4], replace(stone, payload_hash=bytes(32)), *LOG[5:]])
    assert str(broken) == "record 5: the hash does not match"
    kept_salt = verify([*LOG[:4], replace(stone, salt=b"salt"), *LOG[5:]])
    assert str(kept_salt) == "record 5: the payload is gone but its salt is not"


def test_a_record_of_another_incident_does_not_pass():
    broken = verify([*LOG[:3], replace(LOG[3], incident="INC-0000"), *LOG[4:]])
    assert str(broken) == "record 4: belongs to INC-0000"


def test_a_tail_that_follows_another_head_is_refused():
    assert str(verify(LOG[3:], GENESIS, after=3)) == "record 4: does not follow the record before it"


def test_fields_cannot_be_moved_into_each_other():
    first = LOG[0]
    shifted = replace(first, tag=first.tag[:-1], actor=first.tag[-1] + first.actor)
    broken = verify([shifted])
    assert broken is not None
    assert broken.seq == 1


def test_sealing_needs_an_id_and_one_salt_for_each_event():
    verdict = CoreRoom().say(c.DeclareIncident(title="x"))
    assert isinstance(verdict, tuple)
    with pytest.raises(ValueError, match="needs its id"):
        seal_all(IncidentState(), verdict, JANA, LOG[0].recorded_at, "outbox-1", 1, [b"s" * 16])
    with pytest.raises(ValueError):
        seal_all(IncidentState(id="INC-0000"), verdict, JANA, LOG[0].recorded_at, "outbox-1", 1, [])


def test_records_say_who_held_which_duty_then():
    assert LOG[1].duty == ""
    room = CoreRoom.declared()
    room.does(c.TakeCommand(), JANA)
    room.does(c.AssignRole(duty="scribe", who="jana"), JANA)
    room.does(c.AddNote(text="x"), JANA)
    assert room.log[-1].duty == "incident_commander,scribe"
    assert (room.log[-1].access, room.log[-1].actor) == ("responder", "jana")


def test_a_signed_head_holds_for_that_head_only():
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    head = LOG[-1]
    signature = sign_head(key, head.incident, head.seq, head.hash)
    assert len(signature) == 64
    assert head_signed_by(public, head.incident, head.seq, head.hash, signature)
    assert not head_signed_by(public, "INC-0000", head.seq, head.hash, signature)
    assert not head_signed_by(public, head.incident, head.seq - 1, head.hash, signature)
    assert not head_signed_by(public, head.incident, head.seq, LOG[0].hash, signature)
    assert not head_signed_by(public, head.incident, head.seq, head.hash, bytes(64))
    assert not head_signed_by(b"short", head.incident, head.seq, head.hash, signature)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not head_signed_by(other, head.incident, head.seq, head.hash, signature)


def test_json_and_back_is_the_same_record_and_still_verifies():
    previous = GENESIS
    again = []
    for record in LOG:
        again.append(record_from_json(record_json(record), record.incident, previous))
        previous = again[-1].hash
    assert again == LOG
    assert verify(again) is None
    assert fold(again).head_hash == LOG[-1].hash


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seq", "1", "'seq' of a record must be a whole number"),
        ("seq", True, "'seq' of a record must be a whole number"),
        ("tag", 7, "'tag' of a record must be text"),
        ("hash", "xyz", "'hash' of a record must be hexadecimal"),
        ("at", "yesterday", "'at' of a record must be a time"),
        ("occurred", "2026-01-01T00:00:00", "'occurred' of a record must be a time"),
        ("salt", 5, "'salt' of a record must be"),
    ],
)
def test_a_malformed_record_is_named_by_its_field(field, value, words):
    body = {**record_json(LOG[0]), field: value}
    with pytest.raises(ValueError, match=words):
        record_from_json(body, LOG[0].incident, GENESIS)
    del body[field]
    with pytest.raises(ValueError, match=f"a record has no '{field}'"):
        record_from_json(body, LOG[0].incident, GENESIS)
