"""The exporter: what a collector gets, what it costs when there is none, and what can never happen to who hands in."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from tests.tracing.collector import collecting, exporting
from warroom.tracing.context import CURRENT, begun, is_traceparent, read
from warroom.tracing.exporter import MOST, BadCollector, address_of
from warroom.tracing.spans import LogLine, Tracer


def one(tracer: Tracer, name: str = "x") -> None:
    tracer.tell(name, begun(), "", tracer.now(), tracer.now())


def test_every_kind_of_value_and_field_is_read_back_as_it_was() -> None:
    context, parent = begun(), begun()
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom", exporter)
        said = {"text": 'ü\x00"', "count": 2**53, "ratio": 0.5, "yes": True}
        tracer.tell("name", context, parent.span, 17, 18, "server", "not-found", **said)
        exporter.take(LogLine("warroom", 19, logging.WARNING, "words", context, {"incident": "INC-7K3Q"}))
        collector.wait(lambda: collector.spans and collector.lines)
    span, line = collector.spans[0], collector.lines[0]
    assert (span.trace, span.id, span.parent, span.name) == (context.trace, context.span, parent.span, "name")
    assert (span.message.start_time_unix_nano, span.message.end_time_unix_nano) == (17, 18)
    assert (span.message.kind, span.message.status.code, span.message.status.message) == (2, 2, "not-found")
    assert span.attributes == said
    assert (line.message.body.string_value, line.message.severity_text, line.message.severity_number) == (
        "words", "WARN", 13,
    )  # fmt: skip
    assert (line.trace, line.id, line.message.time_unix_nano) == (context.trace, context.span, 19)
    assert line.attributes == {"incident": "INC-7K3Q"}


def test_spans_inside_of_each_other_are_of_one_trace_also_across_tasks() -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        tracer = Tracer("warroom", exporter)

        async def inner() -> None:
            with tracer.span("inner"):
                await asyncio.sleep(0)

        async def outer() -> None:
            with tracer.span("outer", "server"):
                await asyncio.gather(asyncio.create_task(inner()), inner())
            assert CURRENT.get() is None

        asyncio.run(outer())
        with pytest.raises(KeyError), tracer.span("failed"):
            raise KeyError("what was typed")
        collector.wait(lambda: len(collector.spans) == 4)
    root = collector.named("outer")[0]
    assert [(span.trace, span.parent) for span in collector.named("inner")] == [(root.trace, root.id)] * 2
    failed = collector.named("failed")[0]
    assert failed.trace != root.trace
    assert failed.message.status.message == "KeyError"


def test_a_collector_that_says_no_for_good_is_not_asked_again() -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        collector.status = 400
        tracer = Tracer("warroom", exporter)
        one(tracer)
        exporter.close(5)
        assert exporter.dropped["spans"] == 1
        assert collector.connections == 1


def test_what_a_collector_leaves_out_is_counted() -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        collector.answer = b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"full"}}'
        tracer = Tracer("warroom", exporter)
        for _ in range(5):
            one(tracer)
        exporter.close(5)
    assert (exporter.sent["spans"] >= 1, exporter.sent["spans"] + exporter.dropped["spans"]) == (True, 5)


def test_a_collector_that_comes_back_gets_what_waited() -> None:
    with collecting() as collector, exporting(collector.url) as exporter:
        collector.status = 503
        tracer = Tracer("warroom", exporter)
        one(tracer, "early")
        with collector.changed:
            assert collector.changed.wait_for(lambda: collector.connections, 10)
        collector.status = 200
        one(tracer, "late")
        collector.wait(lambda: collector.named("early") and collector.named("late"))
    assert exporter.dropped.total() == 0


def test_a_collector_that_takes_and_never_answers_holds_nobody_up() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        with exporting(f"http://127.0.0.1:{silent.getsockname()[1]}") as exporter:
            tracer = Tracer("warroom", exporter)
            one(tracer)
            silent.settimeout(10)
            peer, _ = silent.accept()
            for _ in range(3 * MOST):
                one(tracer)
            assert exporter.dropped["spans"] > MOST
            exporter.close(0.1)
        peer.close()


def test_nothing_waits_for_ever_and_nothing_is_kept_without_bound() -> None:
    with exporting("http://127.0.0.1:9") as exporter:
        tracer = Tracer("warroom", exporter)
        threads = [threading.Thread(target=lambda: [one(tracer) for _ in range(MOST)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(exporter._queue) <= 2 * MOST
    assert exporter.dropped["spans"] == 4 * MOST
    one(tracer)
    assert exporter.dropped["spans"] == 4 * MOST + 1


@pytest.mark.parametrize(
    "url",
    [
        "localhost:4318",
        "ftp://x",
        "http://",
        "http://a:b@x",
        "http://x?token=1",
        "http://x:port",
        "http://x/a b",
        "://",
    ],
)
def test_what_is_no_address_is_said_in_one_sentence(url: str) -> None:
    with pytest.raises(BadCollector) as wrong:
        address_of(url)
    assert "give http://HOST:4318" in str(wrong.value)
    assert "a:b" not in str(wrong.value)


def test_addresses_of_collectors() -> None:
    assert address_of("http://127.0.0.1:4318") == (False, "127.0.0.1", 4318, "")
    assert address_of("https://[::1]/otlp/") == (True, "::1", 4318, "/otlp")


def test_a_traceparent_is_read_as_it_is_written() -> None:
    context = begun()
    assert read(context.header) == context
    assert read(context.header[:-2] + "00") is None
    assert read(context.header[:-2] + "ff") == context
    assert not is_traceparent(context.header.upper())
    assert not is_traceparent("01" + context.header[2:] + "-more")


def test_what_is_off_loads_nothing_that_speaks_http() -> None:
    program = (
        "import sys, warroom.tracing.spans, warroom.client.thread;"
        "sys.exit(any(name in sys.modules for name in ('http.client', 'warroom.tracing.exporter', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
