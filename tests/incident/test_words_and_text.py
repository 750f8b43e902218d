"""What people type is read, cleaned and bounded before it reaches anything."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.incident.core_room import CoreRoom
from warroom.incident import commands as c
from warroom.incident.decode import UPCASTS, fold, is_known, read_event
from warroom.incident.events import TAGS, NoteAdded
from warroom.incident.ids import ALPHABET, incident_id, parse_incident_id
from warroom.incident.snapshot import decode, encode
from warroom.incident.text import clean_line, clean_text
from warroom.incident.vector import Vector
from warroom.incident.verdict import Reason
from warroom.incident.words import Duty, Severity

anything = st.text(st.characters(), max_size=60)


@given(anything)
def test_cleaned_text_holds_nothing_a_terminal_obeys_and_stays_as_it_is(text):
    for clean in (clean_text, clean_line):
        cleaned = clean(text)
        assert clean(cleaned) == cleaned
        assert not [ch for ch in cleaned if unicodedata.category(ch) in {"Cc", "Cs"} and ch not in "\n\t"]
        assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200f\ufeff\u061c\U000e0041") & set(
            cleaned
        )
        assert not re.search("(^|\\s|[\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](\\s|$)", cleaned)
        cleaned.encode()
    assert not set("\n\t") & set(clean_line(text))


@given(st.text("a \n\u0301\u0645\u200c\u200d\u061c\ufe0f\U0001f469\U0001f680\U0001f3fd\U000e0041", max_size=12))
def test_joiners_stay_only_between_what_they_join(text):
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    for place in [at for at, char in enumerate(cleaned) if char in "\u200c\u200d"]:
        for beside in (cleaned[:place][-1:], cleaned[place + 1 :][:1]):
            assert beside
            assert beside not in "a \n\u200c\u200d"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\U0001f469\u200d\U0001f680 is on it", "\U0001f469\u200d\U0001f680 is on it"),
        ("\U0001f469\U0001f3fd\u200d\U0001f680", "\U0001f469\U0001f3fd\u200d\U0001f680"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u200c\u0645\u200d", "\u0645"),
        ("\u0645\u200c\u200d\u200c\u0645", "\u0645\u200c\u0645"),
        ("\u0645\u200c \u200c\u0645", "\u0645 \u0645"),
        ("pay\u200dments", "payments"),
        ("\u061ca\U000e0041\U000e007fb", "ab"),
    ],
)
def test_joined_emoji_and_persian_spacing_are_kept(written, kept):
    assert clean_text(written) == clean_line(written) == kept


def test_lone_surrogates_never_reach_the_log():
    assert clean_text("a\ud800b") == "ab"


@pytest.mark.parametrize("body", ["", "   ", "\x1b", "\u200b"])
def test_words_that_are_nothing_are_refused(body):
    with pytest.raises(ValidationError):
        c.AddNote(text=body)


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x" * 201},
        {"title": "x", "services": ["s"] * 51},
        {"title": "x", "unknown": 1},
        {"title": "x", "severity": "SEV9"},
        {"title": "x", "detected_at": "2026-01-01T00:00:00"},
        {"title": ["x"]},
        {},
    ],
)
def test_a_malformed_declaration_is_refused(body):
    with pytest.raises(ValidationError):
        c.COMMAND.validate_python({"type": "declare-incident", **body})


@given(st.integers(0, 2**64))
def test_ids_are_read_as_they_are_said(number):
    made = incident_id(number)
    assert parse_incident_id(made) == made
    assert (
        parse_incident_id(made.lower()) == parse_incident_id(made[4:]) == parse_incident_id(f" inc {made[4:]} ") == made
    )
    assert set(made[4:]) <= set(ALPHABET)


def test_misread_letters_are_forgiven_and_others_named():
    assert parse_incident_id("inc-oil0") == "INC-0110"
    for wrong in ("INC-7K3", "7K3Q!", "", "INC-UUUU"):
        with pytest.raises(ValueError, match="INC-7K3Q"):
            parse_incident_id(wrong)


@pytest.mark.parametrize(
    ("typed", "severity"),
    [("sev-1", "SEV1"), ("2", "SEV2"), ("P3", "SEV3"), ("critical", "SEV1"), ("Sev 4", "SEV4"), ("unset", "unset")],
)
def test_severities_as_typed(typed, severity):
    assert Severity.parse(typed) == severity


def test_what_is_no_severity_or_duty_is_named():
    with pytest.raises(ValueError, match="'bad' is not a severity"):
        Severity.parse("bad")
    with pytest.raises(ValueError, match="'boss' is not a duty"):
        Duty.parse("boss")
    assert Duty.parse("Incident Commander") is Duty.parse("ic") is Duty.INCIDENT_COMMANDER
    assert Severity.SEV1.meaning.startswith("Critical")


@given(st.lists(st.integers()), st.lists(st.integers(), max_size=600), st.data())
def test_a_vector_is_a_sequence_whose_versions_stay(items, more, data):
    vector = Vector(items)
    grown = vector
    for item in more:
        grown = grown.append(item)
    assert list(vector) == items
    assert list(grown) == items + more
    assert len(grown) == len(items) + len(more)
    assert grown[-3:] == tuple((items + more)[-3:])
    if len(grown):
        place = data.draw(st.integers(0, len(grown) - 1))
        changed = grown.replace(place, None)
        assert changed[place] is None
        assert grown[place] == (items + more)[place] == grown[place - len(grown)]
    with pytest.raises(IndexError):
        grown[len(grown)]
    with pytest.raises(IndexError):
        grown.replace(len(grown), 0)


@pytest.mark.parametrize("start", [0, 1, 127, 128, 129, 8191, 8192, 8193, 16_383, 16_384])
def test_a_vector_grows_past_every_seam(start):
    vector = Vector(range(start))
    for item in range(start, start + 260):
        vector = vector.append(item)
    assert list(vector) == [vector[i] for i in range(len(vector))] == list(range(start + 260))
    for place in {0, start, start // 2, start + 259}:
        assert list(vector.replace(place, -1)) == [-1 if i == place else i for i in range(start + 260)]


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"shape":1}', b'{"shape":99}', b"nonsense", b""])
def test_what_is_no_snapshot_is_refused(data):
    with pytest.raises(ValueError):
        decode(data)


def test_a_snapshot_with_a_broken_part_is_refused():
    data = encode(CoreRoom.declared().state)
    for old, new in ((b'"investigating"', b'"napping"'), (b'"services":[]', b'"services":7'), (b'"title"', b'"tilte"')):
        assert old in data
        with pytest.raises(ValueError):
            decode(data.replace(old, new, 1))


def test_an_unknown_event_is_kept_and_nothing_is_decided_on_it(monkeypatch):
    room = CoreRoom.declared()
    room.does(c.AddNote(text="hello"))
    monkeypatch.delitem(TAGS, "note-added")
    assert not is_known("note-added")
    room.state = fold(room.log)
    assert (room.state.opaque, len(room.state.timeline), room.state.timeline[1].kind) == (1, 2, "note-added")
    assert room.refuses(c.AddNote(text="x")).reason is Reason.UNREADABLE


def test_a_payload_that_is_not_what_its_type_says_is_opaque():
    room = CoreRoom.declared()
    for payload in (b'{"type":"incident-declared"}', b"not json", b"[]", b'{"type":"note-added","text":"x"}'):
        assert read_event(replace(room.log[0], payload=payload)) is None
        assert fold([replace(room.log[0], payload=payload)]).opaque == 1


def test_a_retired_type_is_brought_up_to_date_as_it_is_read(monkeypatch):
    monkeypatch.setitem(UPCASTS, "remark.1", lambda body: {"type": "remark.2", "body": body["words"]})
    monkeypatch.setitem(UPCASTS, "remark.2", lambda body: {"type": "note-added", "text": body["body"]})
    record = replace(CoreRoom.declared().log[0], tag="remark.1", payload=b'{"type":"remark.1","words":"old"}')
    assert is_known("remark.1")
    assert read_event(record) == NoteAdded(text="old")
    assert read_event(replace(record, payload=b"{}")) is None
