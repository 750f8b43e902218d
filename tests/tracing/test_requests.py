"""A request to the telemetry servers and the question it led to are one trace; a shared answer has no question."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.server.house import house
from tests.server.sources import Prometheus
from tests.tracing.collector import collecting, exporting
from warroom.telemetry import errors
from warroom.telemetry.relay import Relay
from warroom.tracing.spans import Tracer

QUERY = 'secret_series{customer="acme"}'
PAST = {"start": 1000.0, "end": 1060.0, "step": 10.0}


async def test_a_question_is_inside_of_its_request_and_names_no_query(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        async with (
            Relay({"prometheus": Prometheus()}) as relay,
            house(tmp_path, relay=relay, tracer=Tracer("warroom", exporter)) as at,
        ):
            raw = await at.raw(await at.token())
            incident = await raw.declare()
            for number, method in ((1, "explore"), (2, "explore"), (3, "nonsense\x1b[2J")):
                params = {"incident": incident, "query": QUERY, **PAST}
                await raw.send(t="request", id=number, method=method, params=params)
                assert (await raw.until("response", id=number))["ok"] is (number < 3)
            session = raw.welcome["session"]
            await asyncio.to_thread(collector.wait, lambda: collector.named("request unknown"))
            await raw.close()
    first, second = sorted(collector.named("request explore"), key=lambda span: span.attributes["request.id"])
    (upstream,) = collector.named("upstream prometheus")
    (unknown,) = collector.named("request unknown")
    assert (upstream.trace, upstream.parent) == (first.trace, first.id)
    assert second.trace != first.trace
    assert upstream.message.start_time_unix_nano >= first.message.start_time_unix_nano
    assert upstream.message.end_time_unix_nano <= first.message.end_time_unix_nano
    assert upstream.attributes == {"source": "prometheus", "question": "explore", "outcome": "ok"}
    assert first.attributes["request.id"] == f"{session}:1"
    assert (first.attributes["incident.id"], first.attributes["outcome"]) == (incident, "ok")
    assert (unknown.attributes["outcome"], unknown.message.status.message) == ("not-found", "not-found")
    told = "".join(str(span.message) for span in collector.spans)
    assert "acme" not in told
    assert "nonsense" not in told


async def test_a_source_that_fails_is_an_outcome_on_both(tmp_path: Path) -> None:
    source = Prometheus()
    source.fail = errors.Unreachable("nobody is at 10.0.0.1")
    with collecting() as collector, exporting(collector.url) as exporter:
        async with (
            Relay({"prometheus": source}) as relay,
            house(tmp_path, relay=relay, tracer=Tracer("warroom", exporter)) as at,
        ):
            raw = await at.raw(await at.token())
            await raw.send(t="request", id=1, method="explore", params={"query": QUERY, **PAST})
            assert not (await raw.until("response", id=1))["ok"]
            await asyncio.to_thread(collector.wait, lambda: collector.named("request explore"))
            await raw.close()
    (request,), (upstream,) = collector.named("request explore"), collector.named("upstream prometheus")
    assert upstream.parent == request.id
    assert (request.attributes["outcome"], upstream.attributes["outcome"]) == ("unreachable", "unreachable")
    assert "10.0.0.1" not in str(upstream.message) + str(request.message)
