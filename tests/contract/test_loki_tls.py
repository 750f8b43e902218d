"""A Loki behind TLS that wants a certificate of its peers: queries and tails show it, and trust only what is set."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import aclosing

import pytest

from tests.client.test_client_tls import certificate
from tests.contract.tail_server import Session, TailServer, frame
from warroom.telemetry import errors
from warroom.telemetry.loki import Loki
from warroom.telemetry.source import Access, Limits, Source

__all__ = ["certificate"]

BASE = 1_795_247_417_000_000_000
A = {"service": "a"}


@pytest.fixture
def mutual(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_queries_and_tails_show_the_certificate_of_the_settings(certificate, mutual):
    sessions = [Session([frame((BASE, "one"), labels=A)])]
    async with TailServer(sessions, [(BASE, "one", A)], tls=mutual) as server:
        source = Source(server.url, "loki", verify=str(certificate))
        loki = Loki(source, Limits(total=5.0), Access(client_cert=str(certificate)))
        page = await loki.query_range_ns("{}", BASE, BASE + 1)
        assert [line.text for line in page.lines] == ["one"]
        async with asyncio.timeout(10), aclosing(loki.tail("{}")) as tail:
            async for batch in tail:
                assert [line.text for line in batch.lines] == ["one"]
                break
        await loki.close()


async def test_a_certificate_that_nobody_trusts_is_told_and_no_line_is_taken(certificate, mutual):
    told = asyncio.Event()
    said = []

    def trouble(error):
        said.append(error)
        told.set()

    async with TailServer([Session()], tls=mutual) as server:
        loki = Loki(Source(server.url, "loki"), Limits(total=5.0))
        with pytest.raises(errors.Unreachable, match="certificate"):
            await loki.query_range_ns("{}", BASE, BASE + 1)

        async def listen():
            async with aclosing(loki.tail("{}", trouble=trouble)) as tail:
                async for _ in tail:
                    raise AssertionError("nothing can be heard here")

        listening = asyncio.create_task(listen())
        async with asyncio.timeout(10):
            await told.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        assert isinstance(said[0], errors.Unreachable)
        assert "certificate" in str(said[0])
        assert server.tails == []
        await loki.close()
