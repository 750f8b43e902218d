from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.incident import chain
from warroom.incident.events import IncidentDeclared, NoteAdded
from warroom.incident.record import GENESIS, Record
from warroom.incident.record_json import record_json
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Proposed
from warroom.incident.words import Access
from warroom.wire import messages as m
from warroom.wire.codec import Batch, FrameError, decode_down, decode_up, encode, encode_events

AT = datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=UTC)


def records() -> tuple[Record, ...]:
    events = [Proposed(IncidentDeclared(title="Checkout ist langsam"))]
    events += [Proposed(NoteAdded(text=f"naïve note {i} \U0001f525")) for i in range(5)]
    actor = Actor("jana", Access.RESPONDER)
    made, _ = chain.seal_all(IncidentState(id="INC-7K3Q"), events, actor, AT, "client-jana", 1, [b"s" * 16] * 6)
    return made


UPS = [
    m.Hello(t="hello", protocol=(1, 1), client="abcdefgh", first=3, kind="cli"),
    m.CommandFrame(t="command", n=1, incident="INC-7K3Q", command={"type": "add-note", "text": "é"}),
    m.Confirm(t="confirm", n=0),
    m.Subscribe(t="subscribe", position=m.Position(incident="INC-7K3Q", epoch="e", seq=4, hash="ab")),
    m.Unsubscribe(t="unsubscribe", incident="INC-7K3Q"),
    m.Lobby(t="lobby"),
    m.PresenceUp(t="presence", incident="INC-7K3Q", looking_at="chat", idle=3, typing=True),
    m.SpotlightUp(t="spotlight", incident="INC-7K3Q", target="entry:4"),
    m.Watch(
        t="watch",
        incident="INC-7K3Q",
        id="p1",
        panel=m.PanelSpec(title="Errors", query="up", thresholds=(m.Threshold(value=0.5),)),
    ),
    m.Unwatch(t="unwatch", id="p1"),
    m.Request(t="request", id=1, method="server.info", params={"deep": [1, {"er": None}]}),
    m.Ping(t="ping", at=1.5),
]


@pytest.mark.parametrize("frame", UPS, ids=lambda frame: frame.t)
def test_what_a_client_says_arrives_as_it_was_said(frame: m.Up) -> None:
    assert decode_up(encode(frame)) == frame
    assert decode_up(encode(frame).decode()) == frame


def test_records_arrive_byte_for_byte_and_the_chain_holds() -> None:
    sent = records()
    batch = decode_down(encode_events("INC-7K3Q", sent, GENESIS, 9))
    assert batch == Batch("INC-7K3Q", GENESIS, sent, 9)
    assert isinstance(batch, Batch)
    assert chain.verify(batch.records) is None


def test_a_record_has_one_shape_on_the_wire_and_in_exports() -> None:
    sent = records()
    said = orjson.loads(encode_events("INC-7K3Q", sent, GENESIS))
    assert said["records"] == [record_json(record) for record in sent]
    m.Events.model_validate(said)


def test_a_redacted_record_has_no_payload() -> None:
    from dataclasses import replace

    gone = replace(records()[0], payload=None, salt=None)
    batch = decode_down(encode_events("INC-7K3Q", [gone], GENESIS))
    assert isinstance(batch, Batch)
    assert batch.records == (gone,)


DEEP = b'{"t":"request","id":1,"method":"x","params":' + b'{"a":' * 40 + b"1" + b"}" * 41


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b'{"t":"ping","at":NaN}', "not JSON"),
        (b'{"t":"ping","at":1e999}', "not JSON"),
        (b'{"t":"request","id":1,"method":"\\ud800"}', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (DEEP, "nested deeper than 32"),
        (b'{"t":"request","id":1,"method":"x","params":{"a":' + b"[" * 900 + b"]" * 900 + b"}}", "nested deeper"),
        (b'{"t":"ping","pad":"' + b"x" * m.MAX_UP + b'"}', "at most 262144"),
        (b"{}", "names no kind"),
        (b'{"t":7}', "names no kind"),
        (b'{"t":"welcome"}', "names no kind"),
        (b'{"t":"command","n":"1","command":{}}', "`n`"),
        (b'{"t":"command","n":1.5,"command":{}}', "`n`"),
        (b'{"t":"command","n":true,"command":{}}', "`n`"),
        (b'{"t":"command","n":0,"command":{}}', "`n`"),
        (b'{"t":"command","n":99999999999999999999,"command":{}}', "`n`"),
        (b'{"t":"command","n":1}', "`command`"),
        (b'{"t":"command","n":1,"command":[]}', "`command`"),
        (b'{"t":"command","n":1,"incident":"INC-../../x","command":{}}', "`incident`"),
        (b'{"t":"confirm","n":1,"colour":"red"}', "`colour`"),
        (b'{"t":"hello","protocol":[1],"client":"abcdefgh"}', "`protocol.1`"),
        (b'{"t":"hello","protocol":[1,1],"client":"a b"}', "`client`"),
        (b'{"t":"subscribe","position":{"incident":"INC-7K3Q","seq":-1}}', "`position.seq`"),
        (b'{"t":"watch","incident":"INC-7K3Q","id":"p","panel":{"title":"x","query":""}}', "`panel.query`"),
    ],
)
def test_what_is_malformed_gets_one_sentence_that_names_the_field(data: bytes, words: str) -> None:
    with pytest.raises(FrameError) as wrong:
        decode_up(data)
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)
    assert len(str(wrong.value)) < 400


def test_a_complaint_repeats_no_secret_and_no_escape_sequence() -> None:
    with pytest.raises(FrameError) as wrong:
        decode_up(orjson.dumps({"t": "hello", "protocol": [1, 1], "client": "abcdefgh", "token": "wr_" + "x" * 300}))
    assert "wr_" not in str(wrong.value)
    with pytest.raises(FrameError) as wrong:
        decode_up(orjson.dumps({"t": "ping", "\x1b[2J\x07": 1}))
    assert "\x1b" not in str(wrong.value)


def test_what_a_newer_server_says_is_passed_over() -> None:
    assert decode_down(b'{"t":"fanfare"}') is None
    pong = decode_down(b'{"t":"pong","at":2.5,"mood":"good"}')
    assert pong == m.Pong(at=2.5)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": "1"}, {"hash": "zz"}, {"at": "yesterday"}, {"at": "2026-11-21T09:30:00"}, {"n": None}, {"actor": 7},
        {"salt": 5}, {"payload_hash": None}, {"tag": ["x"]},
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_an_error_and_nothing_else(change: dict[str, object]) -> None:
    said = orjson.loads(encode_events("INC-7K3Q", records(), GENESIS))
    said["records"][2] |= change
    with pytest.raises(FrameError):
        decode_down(orjson.dumps(said))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = [frame.t for frame in UPS] + ["events", "welcome", "snapshot", "outcome", "panel", "response"]  # type: ignore[attr-defined]
FIELDS = ["n", "incident", "command", "position", "client", "protocol", "records", "previous", "head", "id", "panel"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_hostile_frames_raise_nothing_but_frame_errors(kind: str, fields: dict[str, object]) -> None:
    data = orjson.dumps({"t": kind, **fields})
    for decode in (decode_up, decode_down):
        try:
            frame = decode(data)
        except FrameError:
            continue
        if isinstance(frame, m.Up | m.Down):
            encode(frame)


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_nothing_but_frame_errors(data: bytes) -> None:
    for decode in (decode_up, decode_down):
        with pytest.raises(FrameError):
            decode(data)
