"""Tails from the log server to the console's buffer: real sockets, real clients, a slow reader, a reconnect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.house import House, Raw, eventually, house
from tests.server.sources import Loki
from warroom.client.client import Client
from warroom.incident.words import Access
from warroom.telemetry.logs import LogLine
from warroom.telemetry.relay import Relay

QUERY = '{app="checkout"}'


def line(number: int, text: str = "") -> LogLine:
    return LogLine(10**18 + number, text or f"line {number}", (("app", "checkout"),), (("trace_id", f"{number:x}"),))


@asynccontextmanager
async def room(path: Path, loki: Loki, **limits: Any) -> AsyncIterator[tuple[House, Raw, str]]:
    async with Relay({"loki": loki}) as relay, house(path, relay=relay, limits=limits) as home:
        raw = await home.raw(await home.token("jana"), client="client-of-jana")
        incident = await raw.declare(services=["checkout"])
        await raw.follow(incident)
        yield home, raw, incident
        await raw.close()


@pytest.fixture
def loki() -> Loki:
    return Loki()


async def numbers(raw: Raw, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        body = (await raw.until("lines"))["body"]
        assert body["kind"] == "lines"
        found += range(body["first"], body["first"] + len(body["lines"]))
    return found


async def test_two_connections_share_a_tail_and_it_ends_with_the_last(tmp_path, loki):
    async with room(tmp_path, loki) as (home, raw, incident):
        other = await home.raw(await home.token("rui", Access.RESPONDER), client="client-of-rui")
        for one in (raw, other):
            await one.send(t="tail", incident=incident, id="l1", query=QUERY)
        await eventually(lambda: "warroom_telemetry_tail_readers 2" in home.server.relay.metrics())
        loki.say(line(1), line(2))
        for one in (raw, other):
            frame = await one.until("lines", id="l1")
            assert frame["lost"] == 0
            assert [(row[0], row[1], row[2], row[3]) for row in frame["body"]["lines"]] == [
                (0, str(10**18 + n), f"line {n}", {"trace_id": f"{n:x}"}) for n in (1, 2)
            ]
            assert frame["body"]["streams"] == [{"app": "checkout"}]
        assert loki.tails == [QUERY]
        await other.close()
        await raw.send(t="untail", id="l1")
        await eventually(lambda: "warroom_telemetry_tail_readers 0" in home.server.relay.metrics())


async def test_an_observer_tails_exactly_what_the_spotlight_shows(tmp_path, loki):
    async with room(tmp_path, loki) as (home, raw, incident):
        await raw.command(2, incident, type="assign-role", duty="incident_commander", who="jana")
        while not (await raw.until("events"))["records"]:
            pass
        tom = await home.raw(await home.token("tom", Access.OBSERVER), client="client-of-tom")
        await tom.follow(incident)
        await tom.send(t="tail", incident=incident, id="l1", query=QUERY)
        body = (await tom.until("lines"))["body"]
        assert (body["kind"], body["reason"]) == ("trouble", "denied")
        assert loki.tails == []
        await raw.send(t="spotlight", incident=incident, target="logs", shown={"pane": "logs", "query": QUERY})
        await tom.until("spotlight")
        await tom.send(t="tail", incident=incident, id="l1", query=QUERY)
        await eventually(lambda: loki.tails == [QUERY])
        loki.say(line(1))
        assert (await tom.until("lines"))["body"]["lines"]
        await tom.close()


async def test_hostile_tails_get_words_or_close_the_connection(tmp_path, loki):
    async with room(tmp_path, loki) as (home, raw, incident):
        for source, words in (("moon", "no telemetry source 'moon'"), ("loki", "")):
            await raw.send(t="tail", incident=incident, id="x", query=QUERY, source=source)
            if words:
                assert words in (await raw.until("lines", id="x"))["body"]["message"]
        for n in range(20):
            await raw.send(t="tail", incident=incident, id=f"t{n}", query=f"{{a={n}}}")
        assert "at most 16 tails" in (await raw.until("lines"))["body"]["message"]
        await raw.send(t="tail", incident="INC-0000", id="y", query=QUERY)
        assert (await raw.until("closed", incident="INC-0000"))["reason"] == "not-found"
        for wrong in ({"query": ""}, {"query": "x" * 4001}, {"query": 7}, {}, {"query": "x", "more": 1}):
            other = await home.raw(await home.token("rui"), client="client-of-rui")
            await other.send(t="tail", incident=incident, id="l1", **wrong)
            assert (await other.closed())[0] == 4400


async def test_a_spotlight_that_is_too_large_closes_and_its_text_is_cleaned(tmp_path, loki):
    async with room(tmp_path, loki) as (_, raw, incident):
        await raw.command(2, incident, type="assign-role", duty="incident_commander", who="jana")
        while not (await raw.until("events"))["records"]:
            pass
        shown: dict[str, Any] = {"pane": "logs", "query": "\x1b[31mred\u202e", "more": [{"a\x07": "b\x00"}]}
        await raw.send(t="spotlight", incident=incident, target="logs", shown=shown)
        assert (await raw.until("spotlight"))["shown"] == {"pane": "logs", "query": "[31mred", "more": [{"a": "b"}]}
        await raw.send(t="spotlight", incident=incident, target="logs", shown={"query": "x" * 9000})
        assert await raw.closed() == (4400, "spotlight: `shown`: has 9012 bytes as JSON; at most 8192 are shown")


async def test_a_reader_that_stops_reading_delays_nobody_and_is_not_sent_everything(tmp_path, loki):
    """Lines for a reader that reads nothing wait in a bounded place; the others get all of them."""
    async with room(tmp_path, loki, stalled_seconds=100.0) as (home, raw, incident):
        slow = await home.raw(await home.token("rui"), client="client-of-rui", max_queue=1)
        for one in (raw, slow):
            await one.send(t="tail", incident=incident, id="l1", query=QUERY)
        await eventually(lambda: "warroom_telemetry_tail_readers 2" in home.server.relay.metrics())
        for batch in range(30):
            loki.say(*(line(batch * 100 + n, "x" * 4000) for n in range(100)))
            assert await numbers(raw, 100) == list(range(batch * 100, batch * 100 + 100))
        session = next(one for one in home.server.sessions.values() if one.actor.name == "rui")
        assert session.wire.buffered < 512 * 1024
        got: list[int] = []
        lost = 0
        while not got or got[-1] < 2999:
            frame = await slow.until("lines")
            lost += frame["lost"]
            got += range(frame["body"]["first"], frame["body"]["first"] + len(frame["body"]["lines"]))
        assert got == sorted(set(got))
        assert len(got) + lost == 3000
        await slow.close()


async def test_a_client_keeps_the_lines_in_order_over_a_reconnect(tmp_path, loki):
    async with room(tmp_path, loki) as (home, _, incident), home.client("rui", Access.RESPONDER) as client:
        follower = await client.follow(incident)
        await asyncio.wait_for(follower.caught_up.wait(), 10)
        feed = follower.tail(QUERY)
        readers = "warroom_telemetry_tail_readers 1"
        await eventually(lambda: readers in home.server.relay.metrics())
        loki.say(line(1), line(2))
        await eventually(lambda: feed.view.buffer.end == 2)
        session = next(one for one in home.server.sessions.values() if one.actor.name == "rui")
        session.wire.abort()
        await eventually(lambda: readers not in home.server.relay.metrics())
        loki.say(line(3))
        await eventually(lambda: readers in home.server.relay.metrics())
        loki.say(line(4))
        await eventually(lambda: feed.view.buffer.end == 4)
        assert [one.text for one in feed.view.buffer.slice(0, 9)[1]] == [f"line {n}" for n in range(1, 5)]
        assert (feed.view.lost, feed.view.trouble) == (0, None)
        assert client.view().tails[feed.id].query == QUERY
        feed.stop()
        await eventually(lambda: readers not in home.server.relay.metrics())
        assert not client.view().tails


async def test_a_client_is_told_of_trouble_and_a_spotlight_of_its_own_is_bounded(tmp_path, loki):
    async with room(tmp_path, loki) as (home, _, incident), home.client("tom", Access.OBSERVER) as client:
        assert isinstance(client, Client)
        follower = await client.follow(incident)
        feed = follower.tail(QUERY)
        await eventually(lambda: feed.view.trouble is not None)
        assert feed.view.trouble.reason == "denied"
        with pytest.raises(ValueError, match="at most 8192"):
            follower.light("logs", {"query": "x" * 9000})
