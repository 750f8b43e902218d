"""The way of one command, from the person's key to every screen, is one trace at the collector."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.house import DEADLINE, eventually, house
from tests.tracing.collector import Collector, Got, collecting, exporting
from warroom.client.client import Client
from warroom.client.thread import ClientThread
from warroom.incident.commands import AddNote, DeclareIncident
from warroom.tracing.context import begun
from warroom.tracing.spans import Tracer

SECRET = "the password is swordfish"


async def came(collector: Collector, check: Any) -> None:
    await asyncio.to_thread(collector.wait, check)


def only(collector: Collector, name: str, trace: str) -> Got:
    found = [span for span in collector.named(name) if span.trace == trace]
    assert len(found) == 1, f"{name}: {len(found)}"
    return found[0]


async def declared(client: Client) -> str:
    return (await client.submit(DeclareIncident(title="Checkout is down")).settled()).incident


async def test_one_trace_from_the_key_to_every_screen(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        server_side, console, other = (Tracer(name, exporter) for name in ("warroom", "warroom-console", "other"))
        async with (
            house(tmp_path, tracer=server_side) as at,
            at.client("jana", tracer=console, outbox=tmp_path / "box.db") as jana,
            at.client("tom", tracer=other) as tom,
        ):
            incident = await declared(jana)
            for client in (jana, tom):
                await (await client.follow(incident)).caught_up.wait()
            pressed = time.monotonic()
            settled = await jana.submit(AddNote(text=SECRET), incident, pressed=pressed).settled()
            await eventually(lambda: tom.rooms[incident].state.seq >= settled.seq)
            await came(collector, lambda: collector.named("command add-note") and len(collector.named("applied")) == 2)

        root = collector.named("command add-note")[0]
        of_trace = {name: only(collector, name, root.trace) for name in ("outbox", "send", "ack", "receive", "decide")}
        of_trace |= {name: only(collector, name, root.trace) for name in ("append", "fan-out")}
        applied = [span for span in collector.named("applied") if span.trace == root.trace]
    assert root.parent == ""
    assert {of_trace[name].parent for name in ("outbox", "send", "ack", "receive")} == {root.id}
    assert {of_trace[name].parent for name in ("decide", "append", "fan-out")} == {of_trace["receive"].id}
    assert {span.parent for span in applied} == {of_trace["fan-out"].id}
    assert {span.service for span in applied} == {"warroom-console", "other"}
    assert (root.service, of_trace["receive"].service) == ("warroom-console", "warroom")

    assert abs(root.message.start_time_unix_nano - console.at(pressed)) < 1_000
    order = ["outbox", "send", "receive", "decide", "append", "fan-out"]
    begins = [root.message.start_time_unix_nano, *(of_trace[name].message.start_time_unix_nano for name in order)]
    assert begins == sorted(begins)
    for span in (root, *of_trace.values(), *applied):
        assert span.message.start_time_unix_nano <= span.message.end_time_unix_nano
    for name in ("decide", "append"):
        following = order[order.index(name) + 1]
        ended = of_trace[name].message.end_time_unix_nano
        assert ended <= of_trace[following].message.start_time_unix_nano
    assert root.message.end_time_unix_nano >= of_trace["ack"].message.end_time_unix_nano

    said = of_trace["receive"].attributes
    assert (said["command.type"], said["incident.id"], said["outcome"]) == ("add-note", incident, "accepted")
    assert of_trace["fan-out"].attributes == {"followers": 2}
    assert root.resource["deployment.environment.name"] == "test"


async def test_nothing_that_was_written_is_in_a_span_and_no_trace_in_the_log(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom", exporter)
        async with house(tmp_path, tracer=tracer) as at, at.client("jana", tracer=tracer) as jana:
            incident = await declared(jana)
            await jana.submit(AddNote(text=SECRET), incident).settled()
            await came(collector, lambda: collector.named("command add-note"))
            records = await at.store.read(incident, 0, 100)
        told = "".join(str(span.message) for span in collector.spans)
        ids = {span.trace for span in collector.spans}
    assert SECRET not in told
    assert "Checkout" not in told
    kept = repr(records)
    assert not [one for one in ids if one in kept]


async def test_a_refusal_and_a_declaration_have_their_way_too(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom", exporter)
        async with house(tmp_path, tracer=tracer) as at, at.client("jana", tracer=tracer) as jana:
            await declared(jana)
            await jana.submit(AddNote(text="to nobody"), "INC-ZZZZ").settled()
            await came(collector, lambda: len(collector.named("receive")) == 2 and collector.named("command add-note"))
        refused = collector.named("command add-note")[0]
        outcomes = sorted(span.attributes["outcome"] for span in collector.named("receive"))
    assert outcomes == ["accepted", "not-found"]
    assert refused.message.status.message == "not-found"


async def test_a_console_in_its_thread_begins_with_the_key(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom-console", exporter)
        async with house(tmp_path, tracer=Tracer("warroom", exporter)) as at:
            thread = ClientThread(at.url, await at.token(), tracer=tracer)
            pressed = time.monotonic()
            thread.start()
            try:
                future = thread.submit({"type": "declare-incident", "title": "x"}, pressed=pressed)
                assert (await asyncio.wrap_future(future)).accepted
                await came(collector, lambda: collector.named("command declare-incident"))
            finally:
                await asyncio.to_thread(thread.stop)
        root = collector.named("command declare-incident")[0]
        receive = only(collector, "receive", root.trace)
    assert abs(root.message.start_time_unix_nano - tracer.at(pressed)) < 1_000
    assert receive.parent == root.id


HOSTILE: list[Any] = [
    "", "x", "00-", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
    "ff-" + "1" * 32 + "-" + "1" * 16 + "-01", "00-" + "G" * 32 + "-" + "1" * 16 + "-01",
    "00-" + "A" * 32 + "-" + "1" * 16 + "-01", "00-" + "1" * 32 + "-" + "1" * 16 + "-01\n", "\x1b[2J" * 20,
    "00-" + "١" * 32 + "-" + "1" * 16 + "-01", "0" * 100_000, 7, None, True, [], {}, ["00"], {"a": {"b": "c"}},
]  # fmt: skip


@pytest.mark.parametrize("trace", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_is_no_traceparent_is_ignored_and_closes_nothing(tmp_path: Path, trace: Any) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        async with house(tmp_path, tracer=Tracer("warroom", exporter)) as at:
            raw = await at.raw(await at.token())
            await raw.send(
                t="command", n=1, incident="", command={"type": "declare-incident", "title": "x"}, trace=trace
            )
            assert (await raw.until("outcome", n=1))["reason"] == ""
            await raw.send(t="ping", at=1.0)
            await raw.until("pong")
            await came(collector, lambda: collector.named("receive"))
            await raw.close()
        receive = collector.named("receive")[0]
    assert receive.parent == ""
    assert set(receive.trace) != {"0"}


async def test_who_does_not_want_a_trace_gets_none(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        async with house(tmp_path, tracer=Tracer("warroom", exporter)) as at:
            raw = await at.raw(await at.token())
            quiet = begun().header[:-2] + "00"
            for n, trace in ((1, quiet), (2, begun().header)):
                await raw.send(
                    t="command", n=n, incident="", command={"type": "declare-incident", "title": "x"}, trace=trace
                )
                await raw.until("outcome", n=n)
            await came(collector, lambda: collector.named("receive"))
            await raw.close()
        assert len(collector.named("receive")) == 1
        assert collector.named("receive")[0].trace != quiet[3:35]


async def test_off_by_default_nothing_of_it_is_on_the_wire(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom-console", exporter)
        async with house(tmp_path) as at, at.client("jana", tracer=tracer) as jana:
            raw = await at.raw(await at.token("tom"))
            assert raw.welcome["traces"] is False
            incident = await declared(jana)
            await raw.follow(incident)
            await jana.submit(AddNote(text="x"), incident).settled()
            events = await raw.until("events", incident=incident)
            await raw.close()
            await came(collector, lambda: collector.named("command add-note"))
        assert "traces" not in events
        assert not collector.named("receive")


async def test_off_by_default_nothing_is_sent(tmp_path: Path) -> None:
    with collecting() as collector:
        async with house(tmp_path) as at, at.client("jana") as jana:
            await declared(jana)
            assert (at.server.tracer, jana._desk.traces, at.server.lobby.traces) == (None, None, None)
        assert collector.connections == 0


async def test_a_collector_that_is_not_there_costs_only_the_spans(tmp_path: Path) -> None:
    with exporting("http://127.0.0.1:9") as exporter:
        tracer = Tracer("warroom", exporter)
        async with house(tmp_path, tracer=tracer) as at, at.client("jana", tracer=tracer) as jana:
            incident = await declared(jana)
            async with asyncio.timeout(DEADLINE):
                for _ in range(50):
                    await jana.submit(AddNote(text="x"), incident).settled()
    assert exporter.sent.total() == 0
    assert exporter.dropped["spans"] >= 50 * 5
    assert 'warroom_otlp_dropped_total{kind="spans"}' in exporter.metrics()
