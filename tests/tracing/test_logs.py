"""The server's log says what it works on, and the same lines reach the collector."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.server.house import house
from tests.tracing.collector import collecting, exporting
from warroom import __version__
from warroom.server.log import FIELDS, JsonLines
from warroom.tracing.logs import OtlpLogs
from warroom.tracing.spans import Tracer

ALWAYS = {"timestamp", "level", "service", "version", "environment", "room", "words"}


@contextmanager
def logged(*more: logging.Handler) -> Iterator[io.StringIO]:
    """What is logged as the server logs it, everything of it."""
    text = io.StringIO()
    ours = logging.StreamHandler(text)
    ours.setFormatter(JsonLines("test"))
    log = logging.getLogger("warroom")
    before = (log.handlers, log.level, log.propagate)
    log.handlers, log.propagate = [ours, *more], False
    log.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        log.handlers, log.propagate = before[0], before[2]
        log.setLevel(before[1])


def lines(text: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_every_line_has_the_standard_fields_and_no_other_slips_in() -> None:
    with logged() as text:
        extra = {"incident": "INC-7K3Q", "password": "swordfish", "message_body": "swordfish"}
        logging.getLogger("warroom.server").info("words", extra=extra)
    (line,) = lines(text)
    assert set(line) == ALWAYS | {"incident"}
    assert (line["service"], line["version"], line["environment"]) == ("warroom", __version__, "test")
    assert line["timestamp"].endswith("+00:00")
    assert set(FIELDS).isdisjoint(ALWAYS)


async def test_a_command_is_found_by_its_id_and_its_trace(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        sent = OtlpLogs("warroom", exporter, JsonLines("test").told)
        with logged(sent) as text:
            async with house(tmp_path, tracer=Tracer("warroom", exporter)) as at:
                raw = await at.raw(await at.token(), client="a-client-of-mine")
                incident = await raw.declare()
                await raw.command(2, incident, type="add-note", text="swordfish")
                await raw.until("outcome", n=2)
                await asyncio.to_thread(collector.wait, lambda: len(collector.named("receive")) == 2)
                await raw.close()
        exporter.close(5)
    found = {line["request_id"]: line for line in lines(text) if line["words"] == "command"}
    assert set(found) == {"a-client-of-mine:1", "a-client-of-mine:2"}
    span = next(span for span in collector.named("receive") if span.attributes["request.id"].endswith(":2"))
    line = found["a-client-of-mine:2"]
    assert (line["trace_id"], line["span_id"], line["outcome"]) == (span.trace, span.id, "accepted")
    (there,) = [one for one in collector.lines if one.attributes.get("request_id") == "a-client-of-mine:2"]
    assert (there.trace, there.id, there.message.body.string_value) == (span.trace, span.id, "command")
    assert "swordfish" not in text.getvalue()


async def test_lines_of_a_request_have_its_id_also_without_traces(tmp_path: Path) -> None:
    with logged() as text:
        async with house(tmp_path) as at:
            raw = await at.raw(await at.token())
            await raw.send(t="request", id=7, method="query", params={"query": "up"})
            await raw.until("response", id=7)
            session = raw.welcome["session"]
            await raw.send(t="request", id=8, method="instant", params={"query": "up"})
            await raw.until("response", id=8)
            await raw.close()
    (audit,) = [line for line in lines(text) if line["words"] == "query"]
    assert audit["request_id"] == f"{session}:8"
    assert "trace_id" not in audit


async def test_the_text_of_a_query_stays_here(tmp_path: Path) -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        sent = OtlpLogs("warroom", exporter, JsonLines("test").told)
        with logged(sent) as text:
            async with house(tmp_path, tracer=Tracer("warroom", exporter)) as at:
                raw = await at.raw(await at.token())
                await raw.send(t="request", id=1, method="instant", params={"query": "my_secret_metric"})
                await raw.until("response", id=1)
                await raw.close()
        exporter.close(5)
    assert "my_secret_metric" in text.getvalue()
    assert [line for line in collector.lines if line.message.body.string_value == "query"]
    assert "my_secret_metric" not in repr([*map(str, (one.message for one in [*collector.lines, *collector.spans]))])
