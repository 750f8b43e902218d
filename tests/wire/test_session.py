"""The client's half of the session, one rule at a time; the interleavings of all of them are elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from warroom.incident.record import GENESIS
from warroom.wire import effects as x
from warroom.wire import messages as m
from warroom.wire import session as s
from warroom.wire.codec import Batch
from warroom.wire.numbering import Numbering, Take

NOTE = {"type": "add-note", "text": "hello"}
INCIDENT = "INC-7K3Q"


def welcome(**changes: Any) -> m.Welcome:
    said: dict[str, Any] = {
        "server": "1", "epoch": "e1", "session": "s", "name": "jana", "access": "responder", "now": "", "floor": 0,
    }  # fmt: skip
    return m.Welcome(**{**said, **changes})


def live(now: float = 0.0, **changes: Any) -> s.ClientSession:
    session = s.ClientSession("client-jana")
    session.connected(now)
    session.heard(welcome(**changes), now)
    return session


def sent(effects: list[x.Effect], kind: type[m.Up]) -> list[Any]:
    return [effect.frame for effect in effects if isinstance(effect, x.Send) and isinstance(effect.frame, kind)]


def numbers(effects: list[x.Effect]) -> list[int]:
    return [frame.n for frame in sent(effects, m.CommandFrame)]


def test_it_introduces_itself_with_the_first_number_without_an_answer() -> None:
    frame = m.CommandFrame(t="command", n=7, incident=INCIDENT, command=NOTE)
    session = s.ClientSession("client-jana", next_n=8, pending=[frame], kind="cli")
    [hello] = sent(session.connected(0.0), m.Hello)
    assert (hello.client, hello.first, hello.kind, hello.protocol) == ("client-jana", 7, "cli", (1, 1))


def test_nothing_but_a_welcome_counts_before_the_welcome() -> None:
    session = s.ClientSession("client-jana")
    session.connected(0.0)
    assert session.heard(m.OutcomeDown(n=1), 0.0) == []
    assert session.heard(m.Incidents(whole=True), 0.0) == []
    assert session.phase == "hello"


def test_what_is_known_is_settled_and_the_rest_sent_in_order() -> None:
    pending = [m.CommandFrame(t="command", n=n, incident=INCIDENT, command=NOTE) for n in range(3, 8)]
    session = s.ClientSession("client-jana", next_n=8, pending=pending)
    session.connected(0.0)
    known = (m.OutcomeDown(n=3, incident=INCIDENT, seq=9), m.OutcomeDown(n=4, reason="over", words="It is closed"))
    effects = session.heard(welcome(floor=2, known=known), 0.0)
    assert [(one.n, one.seq, one.reason) for one in effects if isinstance(one, x.Answered)] == [
        (3, 9, ""),
        (4, 0, "over"),
    ]
    assert numbers(effects) == [5, 6, 7]


def test_it_subscribes_before_it_sends_so_that_own_events_are_the_answers() -> None:
    session = s.ClientSession("client-jana")
    session.follow(INCIDENT)
    session.submit(INCIDENT, NOTE, 0.0)
    session.connected(0.0)
    kinds = [type(one.frame) for one in session.heard(welcome(), 0.0) if isinstance(one, x.Send)]
    assert kinds == [m.Subscribe, m.CommandFrame, m.Ping]


def test_at_most_a_window_is_on_its_way_and_answers_open_it() -> None:
    session = live(limits=m.Limits(commands_per_second=1e6, burst=10**6))
    out = [n for _ in range(100) for n in numbers(session.submit(INCIDENT, NOTE, 0.0))]
    assert out == list(range(1, s.WINDOW + 1))
    assert numbers(session.heard(m.OutcomeDown(n=1), 0.1)) == [s.WINDOW + 1]
    assert session.is_sent(s.WINDOW + 1)
    assert not session.is_sent(s.WINDOW + 2)


def test_it_goes_no_faster_than_the_server_allows() -> None:
    session = live(limits=m.Limits(commands_per_second=10, burst=10))
    out: list[tuple[float, int]] = []
    now = 0.0
    for _ in range(60):
        out += [(now, n) for n in numbers(session.submit(INCIDENT, NOTE, now))]
    while len(out) < 60:
        assert session.due() == session.due()
        now = max(now, session.due())
        out += [(now, n) for n in numbers(session.tick(now))]
        for _, n in out:
            out += [(now, more) for more in numbers(session.heard(m.OutcomeDown(n=n), now))]
    assert [n for _, n in out] == list(range(1, 61))
    for start, _ in out:
        assert len([when for when, _ in out if start <= when < start + 1]) <= 10 + 10


def test_when_one_is_missing_it_sends_again_from_there() -> None:
    session = live()
    for _ in range(5):
        session.submit(INCIDENT, NOTE, 0.0)
    assert numbers(session.heard(m.Resend(n=3), 0.1)) == [3, 4, 5]
    [drop] = session.heard(m.Resend(n=0), 0.1)
    assert isinstance(drop, x.Drop)


def test_what_is_not_answered_goes_out_again_after_a_while() -> None:
    session = live()
    session.submit(INCIDENT, NOTE, 0.0)
    again = []
    for step in range(1, 150):
        session.heard(m.Pong(), step / 10)
        again += [(step / 10, n) for n in numbers(session.tick(step / 10))]
    assert again == [(s.REPEAT_AFTER, 1)]


def test_an_answer_that_comes_twice_counts_once() -> None:
    session = live()
    session.submit(INCIDENT, NOTE, 0.0)
    assert len(session.heard(m.OutcomeDown(n=1, seq=4), 0.1)) == 1
    assert session.heard(m.OutcomeDown(n=1, seq=4), 0.1) == []


def test_answers_are_confirmed_with_the_next_heartbeat_but_not_before_they_are_off_the_outbox() -> None:
    session = live()
    session.submit(INCIDENT, NOTE, 0.0)
    session.submit(INCIDENT, NOTE, 0.0)
    assert sent(session.heard(m.OutcomeDown(n=1), 0.1), m.Confirm) == []
    [confirm] = sent(session.tick(s.PING_EVERY), m.Confirm)
    assert confirm.n == 1
    session.heard(m.Pong(), 3.1)
    assert sent(session.tick(2 * s.PING_EVERY), m.Confirm) == []
    session.heard(m.OutcomeDown(n=2), 6.1)
    assert [frame.n for frame in sent(session.goodbye(), m.Confirm)] == [2]


def test_a_silent_server_is_asked_and_then_left_within_ten_seconds() -> None:
    session = live()
    assert sent(session.tick(1.0), m.Ping) == []
    assert len(sent(session.tick(s.PING_EVERY), m.Ping)) == 1
    assert [type(effect) for effect in session.tick(s.SILENCE)] == [x.Drop]
    assert s.SILENCE <= 10 - 1
    session = s.ClientSession("client-jana")
    session.connected(0.0)
    assert [type(effect) for effect in session.tick(s.HELLO_TIMEOUT)] == [x.Drop]


def test_a_black_hole_is_not_filled_with_pings() -> None:
    session = live()
    now, pings, wakes = 0.0, 0, 0
    while True:
        now = max(now + 0.02, session.due())
        wakes += 1
        effects = session.tick(now)
        if any(isinstance(effect, x.Drop) for effect in effects):
            break
        pings += len(sent(effects, m.Ping))
    assert now == pytest.approx(s.SILENCE, abs=0.1)
    assert 2 <= pings <= 8
    assert wakes <= 12


def test_an_idle_session_wakes_only_for_its_heartbeat() -> None:
    session = live()
    now, wakes = 0.0, 0
    while now < 60:
        now = session.due()
        wakes += 1
        for effect in session.tick(now):
            if isinstance(effect, x.Send) and isinstance(effect.frame, m.Ping):
                session.heard(m.Pong(at=effect.frame.at), now + 0.01)
    assert wakes <= 60 / s.PING_EVERY + 2


def test_latency_is_what_a_ping_took() -> None:
    session = live()
    assert session.heard(m.Pong(at=5.0), 5.25) == [x.Latency(0.25)]
    assert session.heard(m.Pong(at=9.0), 5.25) == []


def test_standing_wishes_are_said_again_after_a_reconnect() -> None:
    session = live()
    lobby = m.Lobby(t="lobby")
    assert session.stand("lobby", lobby) == [x.Send(lobby)]
    session.disconnected()
    session.connected(1.0)
    assert sent(session.heard(welcome(), 1.0), m.Lobby) == [lobby]
    goodbye = m.Lobby(t="lobby", follow=False)
    assert session.drop_standing("lobby", goodbye) == [x.Send(goodbye)]
    session.disconnected()
    session.connected(2.0)
    assert sent(session.heard(welcome(), 2.0), m.Lobby) == []


@pytest.mark.parametrize(("floor", "known"), [(2, 0), (0, 2), (1, 0)])
def test_a_server_that_knows_more_shows_that_the_outbox_is_an_old_copy(floor: int, known: int) -> None:
    frame = m.CommandFrame(t="command", n=1, incident=INCIDENT, command=NOTE)
    session = s.ClientSession("client-jana", next_n=2, pending=[frame])
    session.connected(0.0)
    outcomes = (m.OutcomeDown(n=known),) if known else ()
    effects = session.heard(welcome(floor=floor, known=outcomes), 0.0)
    assert [type(effect) for effect in effects] == [x.Rewound, x.Drop]


def test_a_snapshot_is_put_together_and_a_damaged_one_asked_for_again() -> None:
    session = live()
    session.follow(INCIDENT)
    header = m.SnapshotHeader(incident=INCIDENT, epoch="e1", seq=5, hash="ab" * 32, size=6, parts=2, head=7)
    assert session.heard(header, 0.0) == []
    assert session.heard_binary(b"abc", 0.0) == []
    [fresh] = session.heard_binary(b"def", 0.0)
    assert fresh == x.Fresh(INCIDENT, "e1", 5, bytes.fromhex("ab" * 32), b"abcdef", "new", False)
    assert session.positions[INCIDENT].seq == 5
    session.heard(header, 0.0)
    session.heard_binary(b"abc", 0.0)
    effects = session.heard_binary(b"de", 0.0)
    assert [type(effect) for effect in effects] == [x.Say, x.Send]
    session.heard(header, 0.0)
    assert [type(effect) for effect in session.heard_binary(b"far too long", 0.0)] == [x.Say, x.Send]
    assert session.heard_binary(b"from nowhere", 0.0) == []


@pytest.mark.parametrize(("size", "parts"), [(0, 0), (10, 0), (1, 2), (-1, -1), (2**40, 1)])
def test_a_snapshot_of_no_or_endless_size_is_not_waited_for(size: int, parts: int) -> None:
    session = live()
    session.follow(INCIDENT)
    header = m.SnapshotHeader(incident=INCIDENT, epoch="e1", seq=5, hash="ab", size=size, parts=parts)
    assert [type(effect) for effect in session.heard(header, 0.0)] == [x.Drop]


def test_an_empty_answer_says_that_it_has_caught_up() -> None:
    session = live()
    session.follow(INCIDENT)
    assert session.heard(Batch(INCIDENT, GENESIS, (), 0), 0.0) == [x.Tail(INCIDENT, (), True)]
    assert session.heard(Batch(INCIDENT, GENESIS, (), 9), 0.0) == []


def test_a_subscription_that_is_not_answered_is_asked_for_again() -> None:
    session = live()
    assert len(sent(session.follow(INCIDENT), m.Subscribe)) == 1
    again = []
    for step in range(1, 15):
        session.heard(m.Pong(), float(step))
        again += sent(session.tick(float(step)), m.Subscribe)
    assert len(again) == 1


def test_numbers_are_taken_once_and_in_order() -> None:
    numbering = Numbering(floor=2, last=4)
    assert [numbering.take(n) for n in (2, 4, 5, 7, 8, 6, 7, 5)] == [
        Take.SETTLED, Take.REPEAT, Take.NEW, Take.GAP, Take.WAIT, Take.NEW, Take.NEW, Take.REPEAT,
    ]  # fmt: skip
    assert numbering.take(9) is Take.GAP


def test_hello_confirms_what_a_restored_server_has_forgotten() -> None:
    numbering = Numbering(floor=2, last=3)
    numbering.opened(first=10)
    assert (numbering.floor, numbering.expected) == (9, 10)
    numbering.opened(first=1)
    assert (numbering.floor, numbering.expected) == (9, 10)
