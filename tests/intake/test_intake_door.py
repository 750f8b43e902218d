"""The door: the exact answer to each request, over real sockets, and no 500 whatever is sent."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.intake.hostile_requests import (
    CASES,
    GOOD,
    ROUTING_KEY,
    SECRET,
    Request,
    am,
    event,
    pd,
    recorded_bodies,
    webhook,
    with_alert,
)
from tests.intake.open_door import Room, asgi, ask, ask_raw, make_door
from warroom.participants.intake import listener as listening
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import DoorError, Listener, serve_door
from warroom.participants.intake.outcome import Outcome
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.reading import Bounds, RateLimit, Secrets


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
async def door(room: Room) -> Door:
    return make_door(room)


@pytest.fixture
async def listener(door: Door) -> AsyncIterator[Listener]:
    running = await serve_door(door.app)
    yield running
    await running.stop()


async def test_every_hostile_request_gets_its_exact_status(listener: Listener) -> None:
    got = {name: (await ask(listener, request)).status for name, request, _ in CASES}
    assert got == {name: status for name, _, status in CASES}
    assert len(got) == len(CASES) >= 120


async def test_every_refusal_says_why_in_json_and_never_repeats_a_secret(listener: Listener) -> None:
    for name, request, status in CASES:
        answer = await ask(listener, request)
        told = answer.json()
        assert answer.headers["content-type"] == "application/json", name
        assert SECRET not in answer.body.decode(), name
        assert ROUTING_KEY not in answer.body.decode(), name
        if status >= 400:
            assert told.get("error") or told.get("errors"), name


@pytest.mark.parametrize("body", recorded_bodies(), ids=lambda body: body["status"])
async def test_recorded_bodies_reach_the_room(listener: Listener, room: Room, body: dict[str, Any]) -> None:
    answer = await ask(listener, am(body))
    assert answer.status == 200
    assert [alert.fingerprint for alert in room.alerts] == [alert["fingerprint"] for alert in body["alerts"]]
    assert answer.json()["alerts"][0]["outcome"] == "opened"
    assert answer.json()["alerts"][0]["incident"] == "INC-7K3Q"


async def test_a_malformed_field_is_named_and_kept(listener: Listener, door: Door) -> None:
    answer = await ask(listener, am(with_alert(labels={"alertname": 3})))
    assert answer.json()["field"] == "alerts[0].labels.alertname"
    assert answer.json()["error"] == "alerts[0].labels.alertname: is a number; expected a string"
    entry = (await ask(listener, Request(method="GET", path="/quarantine"))).json()["entries"][0]
    assert (entry["field"], entry["kind"], entry["at"]) == (
        "alerts[0].labels.alertname",
        "malformed",
        "2026-11-21T09:41:00Z",
    )
    assert '"alertname": 3' in entry["body"]


async def test_one_bad_alert_does_not_take_the_good_ones_with_it(listener: Listener, room: Room) -> None:
    good = webhook()["alerts"][0]
    answer = await ask(listener, am(webhook(alerts=[good, {"status": "firing"}, {**good, "fingerprint": "b"}])))
    assert answer.status == 400
    assert answer.json()["field"] == "alerts[1].labels"
    assert [alert.fingerprint for alert in room.alerts] == [good["fingerprint"], "b"]


async def test_a_pagerduty_client_gets_the_bodies_it_knows(listener: Listener, room: Room) -> None:
    good = await ask(listener, pd(event()))
    assert (good.status, good.json()) == (
        202,
        {"status": "success", "message": "Event processed", "dedup_key": "disk"},
    )
    bad = await ask(listener, pd(event(event_action="explode")))
    assert bad.json() == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["event_action: is 'explode'; expected trigger, acknowledge or resolve"],
    }
    assert room.alerts[0].source == "pagerduty/shop"
    keyless = [(await ask(listener, pd(event(dedup_key=...)))).json()["dedup_key"] for _ in range(2)]
    assert keyless[0] == keyless[1] == room.alerts[-1].fingerprint
    assert len(keyless[0]) == 32


@pytest.mark.parametrize("request_", [am(webhook()), pd(event())], ids=["alertmanager", "pagerduty"])
async def test_an_unreachable_room_is_503_so_that_the_sender_keeps_it(
    listener: Listener, room: Room, request_: Request
) -> None:
    room.answer = lambda alert: Outcome("unavailable", reason="no connection to the server")
    answer = await ask(listener, request_)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    health = (await ask(listener, Request(method="GET", path="/healthz", secret=None))).json()
    assert (health["status"], health["troubles"]) == ("degraded", ["no connection to the server"])
    room.answer = Room.answer
    assert (await ask(listener, request_)).status in (200, 202)
    assert (await ask(listener, Request(method="GET", path="/healthz", secret=None))).json()["status"] == "ok"


async def test_a_handler_that_breaks_is_503_and_never_500(listener: Listener, room: Room) -> None:
    def broken(alert: Alert) -> Outcome:
        raise RuntimeError("a bug")

    room.answer = broken
    answer = await ask(listener, am(webhook()))
    assert answer.status == 503
    assert "a bug" not in answer.body.decode()


async def test_a_room_that_does_not_answer_is_503_in_time(room: Room) -> None:
    never = asyncio.Event()

    async def waiting() -> Outcome:
        await never.wait()
        return Outcome("opened")

    room.answer = lambda alert: waiting()
    answer = await asgi(make_door(room, handle_seconds=0.02).app, am(webhook()))
    assert answer.status == 503
    assert b"did not answer in time" in answer.body


async def test_after_one_alert_failed_the_rest_waits_for_the_next_time(room: Room) -> None:
    room.answer = lambda alert: Outcome("unavailable", reason="away")
    good = webhook()["alerts"][0]
    body = webhook(alerts=[{**good, "fingerprint": str(i)} for i in range(5)])
    answer = await asgi(make_door(room).app, am(body))
    assert answer.status == 503
    assert len(room.alerts) == 1
    assert [alert["outcome"] for alert in answer.json()["alerts"]] == ["unavailable"] * 5


async def test_what_the_server_refuses_is_422_and_kept(room: Room) -> None:
    room.answer = lambda alert: Outcome("refused", reason="the incident was closed")
    kept = Quarantine()
    door = make_door(room, kept)
    assert (await asgi(door.app, am(webhook()))).status == 422
    assert (await asgi(door.app, pd(event()))).status == 422
    assert [entry.kind for entry in kept.entries()] == ["refused", "refused"]


async def test_what_no_rule_speaks_about_is_kept(room: Room) -> None:
    room.answer = lambda alert: Outcome("ignored", reason="no rule fits", unmatched=True)
    kept = Quarantine()
    assert (await asgi(make_door(room, kept).app, am(webhook()))).status == 200
    assert kept.entries()[0].kind == "unmatched"
    room.answer = lambda alert: Outcome("ignored", rule="heartbeat", reason="always fires")
    assert (await asgi(make_door(room, kept).app, am(webhook()))).status == 200
    assert len(kept) == 1


async def test_alerts_left_out_by_the_sender_are_told(room: Room) -> None:
    kept = Quarantine()
    answer = await asgi(make_door(room, kept).app, am(webhook(truncatedAlerts=7)))
    assert answer.json()["left_out_by_sender"] == 7
    assert kept.entries()[0].problem == "7 alerts were left out by the sender; raise max_alerts of its webhook"


async def test_a_flood_is_429_per_address_and_heals(room: Room) -> None:
    clock = [0.0]
    told = DoorSettings(secret=SECRET, per_second=1.0, burst=3)
    door = Door(told, room, Quarantine(), monotonic=lambda: clock[0])
    statuses = [(await asgi(door.app, am(webhook()))).status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert (await asgi(door.app, am(webhook(), secret=None))).headers["retry-after"] == "1"
    assert (await asgi(door.app, Request(method="GET", path="/healthz"))).status == 200
    clock[0] += 1.0
    assert (await asgi(door.app, am(webhook()))).status == 200


def test_the_rate_limit_forgets_the_oldest_address() -> None:
    limit = RateLimit(0.0, 1, lambda: 0.0)
    assert limit.admit("first")
    assert not limit.admit("first")
    for number in range(5000):
        assert limit.admit(str(number))
    assert limit.admit("first")


async def test_chunks_without_end_are_cut_at_the_limit(listener: Listener) -> None:
    head = f"POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    assert (await ask_raw(listener, head.encode() + chunk * 17)).status == 413


async def test_a_length_that_lies_is_413_before_the_body(listener: Listener) -> None:
    head = f"POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n"
    assert (await ask_raw(listener, head.encode())).status == 413


async def test_a_body_that_does_not_come_is_408(room: Room) -> None:
    running = await serve_door(make_door(room, bounds=Bounds(seconds=0.05)).app)
    head = f"POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    try:
        assert (await ask_raw(running, head.encode())).status == 408
    finally:
        await running.stop()


@pytest.mark.parametrize("head", [b"", b"POST /alertmanager HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "])
async def test_a_head_that_does_not_come_ends_the_connection(
    listener: Listener, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HEADER_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection(listener.host, listener.port)
    writer.write(head)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n",
        b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
    ],
    ids=["TLS", "no path", "header name", "negative length", "two lengths", "long line", "many headers"],
)
async def test_what_is_no_http_is_400_and_the_door_stays_open(listener: Listener, raw: bytes) -> None:
    try:
        assert (await ask_raw(listener, raw)).status == 400
    except ConnectionResetError:
        # Closed with input unread, which is as good as an answer.
        assert len(raw) > 10_000
    assert (await ask(listener, am(webhook()))).status == 200


def test_secrets_must_be_long_and_are_not_shown() -> None:
    with pytest.raises(ValueError, match="shorter than 16 characters"):
        Secrets({"intake": "short"})
    with pytest.raises(ValueError, match="shorter than 16"):
        Door(DoorSettings(secret=""), Room(), Quarantine())
    assert SECRET not in repr(DoorSettings(secret=SECRET, routing_keys={"a": ROUTING_KEY}))


async def test_the_door_takes_a_socket_and_tells_its_port(room: Room) -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = await serve_door(make_door(room).app, sock=sock)
    assert running.port == sock.getsockname()[1]
    assert running.url == f"http://127.0.0.1:{running.port}"
    assert (await ask(running, am(webhook()))).status == 200
    await running.stop()
    await running.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", running.port)


async def test_an_address_in_use_is_told_in_a_sentence(listener: Listener, door: Door) -> None:
    with pytest.raises(DoorError, match=rf"cannot listen on 127.0.0.1:{listener.port}: Address already in use"):
        await serve_door(door.app, port=listener.port)
    with pytest.raises(DoorError, match=r"cannot use no\.such\.host\.invalid:1"):
        await serve_door(door.app, host="no.such.host.invalid", port=1)


async def test_stopping_lets_a_request_under_way_finish(room: Room) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> Outcome:
        started.set()
        await finish.wait()
        return Outcome("opened", "INC-7K3Q")

    room.answer = lambda alert: slow()
    running = await serve_door(make_door(room).app)
    asked = asyncio.create_task(ask(running, am(webhook())))
    await started.wait()
    stopping = asyncio.create_task(running.stop())
    finish.set()
    assert (await asked).status == 200
    await stopping


async def test_the_door_leaves_signals_to_its_host(door: Door) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    running = await serve_door(door.app)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    await running.stop()


async def test_a_flood_of_strangers_does_not_stop_a_known_sender(listener: Listener) -> None:
    async def stranger() -> int:
        return (await ask(listener, am(b"x" * 1000, secret="guess-guess-guess"))).status

    async def known() -> int:
        return (await ask(listener, Request(body=GOOD))).status

    statuses = await asyncio.gather(*(known() if i % 20 == 0 else stranger() for i in range(200)))
    assert [status for i, status in enumerate(statuses) if i % 20 == 0] == [200] * 10
    assert {status for i, status in enumerate(statuses) if i % 20} == {401}


def test_recordings_are_of_two_versions() -> None:
    assert len(list((Path(__file__).parent / "recorded").glob("alertmanager-*.json"))) == 2
