"""Encrypted doors, clocks that go back, a loop that stands still, and a second server on the same log."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server.house import eventually, house
from warroom.client.client import Client
from warroom.client.connect import tls_context
from warroom.client.errors import Refused
from warroom.incident import commands as c
from warroom.incident.chain import verify
from warroom.incident.words import Access
from warroom.server.clock import Steady


class Wall:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "warroom test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


@pytest.fixture
def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_a_room_behind_tls_works_whole(tmp_path: Path, pem: Path, tls: ssl.SSLContext) -> None:
    async with house(tmp_path, tls=tls, limits={"command_burst": 1000}) as home:
        url = home.url.replace("ws:", "wss:")
        trusted = tls_context(pem)
        token = await home.token("jana")
        async with Client(url, token, tls=trusted) as jana, Client(url, await home.token("tom"), tls=trusted) as tom:
            incident = (await jana.submit(c.DeclareIncident(title="Checkout is down")).settled()).incident
            large = [jana.submit(c.AddNote(text=f"{n} " + "x" * 4000), incident) for n in range(300)]
            seqs = [(await ticket.settled()).seq for ticket in large]
            room = await tom.follow(incident)
            await eventually(lambda: room.state.seq == seqs[-1])
            said = await tom.submit(c.AddNote(text="after a megabyte of snapshot"), incident).settled()
            await eventually(lambda: room.state.seq == said.seq)


async def test_an_untrusted_certificate_is_refused_by_the_client_and_harms_nobody(
    tmp_path: Path, pem: Path, tls: ssl.SSLContext
) -> None:
    async with house(tmp_path, tls=tls) as home:
        url = home.url.replace("ws:", "wss:")
        token = await home.token("jana")
        async with Client(url, token) as client:
            with pytest.raises(Refused, match="is not trusted"):
                await client.live()
        assert not home.server.sessions
        async with Client(url, token, tls=tls_context(pem)) as client:
            await client.live()
    assert not home.fatal


async def test_plain_words_to_an_encrypted_door_get_nowhere(tmp_path: Path, tls: ssl.SSLContext) -> None:
    async with house(tmp_path, tls=tls) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.server.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in await reader.read()
        writer.close()
        assert not home.server.sessions


async def test_a_clock_that_goes_back_changes_no_order_and_no_number(tmp_path: Path) -> None:
    wall = Wall()
    async with house(tmp_path, clock=wall) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await raw.follow(incident)
        for n, step in enumerate((-1, 30, -400, 0, -1), start=2):
            wall.off = timedelta(days=step)
            await raw.command(n, incident, type="add-note", text=f"note {n}")
            told = await raw.until("events")
            assert told["records"][-1]["n"] == n
        records = await home.store.read(incident)
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        assert verify(records) is None
        times = [record.recorded_at for record in records]
        assert times != sorted(times)
        assert [outcome.n for outcome in await home.store.outcomes(records[-1].client)] == [1, 2, 3, 4, 5, 6]
        await raw.close()
    async with house(tmp_path, clock=wall) as home:
        again = await home.raw(await home.token())
        await again.send(t="subscribe", position={"incident": incident})
        assert (await again.until("snapshot"))["seq"] == len(records)
        await again.close()


async def test_a_clock_that_goes_back_makes_no_token_live_longer_and_ends_none(tmp_path: Path) -> None:
    wall = Wall()
    async with house(tmp_path, clock=wall, tokens_every=0.1) as home:
        lasting = await home.raw(await home.token("ann", ttl_seconds=3600), client="client-of-ann")
        short_token = await home.token("tom", ttl_seconds=1)
        short = await home.raw(short_token, client="client-of-tom")
        admin = await home.raw(await home.token("root", Access.ADMIN), client="client-of-root")
        wall.off = timedelta(days=-1)
        assert (await short.closed())[0] == 4401
        await admin.send(t="request", id=1, method="invite.create", params={"access": "observer", "ttl_seconds": 600})
        code = (await admin.until("response"))["result"]["code"]
        invited = await home.raw(headers={"Authorization": f"Invite {code}"}, client="client-invited")
        assert invited.welcome["access"] == "observer"
        assert (await lasting.declare()).startswith("INC-")
        for raw in (lasting, admin, invited):
            await raw.close()


def test_steady_time_takes_the_later_of_both_clocks() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    wall, seconds = [start], [100.0]
    steady = Steady(lambda: wall[0], lambda: seconds[0])
    seconds[0] += 10
    wall[0] = start - timedelta(hours=1)
    assert steady() == start + timedelta(seconds=10)
    wall[0] = start + timedelta(hours=8)  # it slept, and its seconds stood still
    assert steady() == start + timedelta(hours=8)


async def test_a_loop_that_stood_still_holds_it_against_nobody(tmp_path: Path) -> None:
    async with house(tmp_path, limits={"idle_seconds": 1.0, "stalled_seconds": 1.0, "heartbeat": 0.3}) as home:
        token = await home.token()
        people = [await home.raw(token, client=f"client-{number:04d}") for number in range(20)]
        incident = await people[0].declare()
        asyncio.get_running_loop().call_soon(threading.Event().wait, 3)
        await people[0].command(2, incident, type="add-note", text="after three seconds of nothing")
        assert (await people[0].until("outcome", n=2))["reason"] == ""
        for raw in people[1:]:
            await raw.send(t="ping")
            await raw.until("pong")
        assert home.server.metrics.evicted.total() == 0
        assert len(home.server.sessions) == 20
        for raw in people:
            await raw.close()


async def test_a_second_server_on_the_same_log_is_refused_in_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        told = [sys.executable, "-m", "warroom", "serve", "--port", "0", "--no-intake", "--data-dir", str(tmp_path)]
        surroundings = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)}
        (tmp_path / "run").mkdir(mode=0o700)
        second = await asyncio.create_subprocess_exec(
            *told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=surroundings
        )
        async with asyncio.timeout(30):
            out, err = await second.communicate()
        assert second.returncode
        assert f"is in use by process {os.getpid()}".encode() in out + err
        assert b"Traceback" not in out + err
        raw = await home.raw(await home.token())
        assert (await raw.declare()).startswith("INC-")
        await raw.close()
