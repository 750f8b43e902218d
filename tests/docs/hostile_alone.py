"""Hostile input that needs a server of its own: crowds, tokens that end, readers that stop, web pages, TLS.

`ALONE` is the table, `run_alone` runs one case against a fresh server.
"""

from __future__ import annotations

import asyncio
import socket as sockets
import ssl
import tempfile
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.docs.hostile_port import welcomed
from tests.server.hostile import UPGRADE, Attacker
from tests.server.house import eventually, house
from warroom.app_listen import server_tls
from warroom.incident.words import Access
from warroom.server.auth import digest_of
from warroom.settings.fields import ListenSettings


@dataclass(frozen=True, slots=True)
class Alone:
    """A case with a server of its own; `settings` are passed to it."""

    name: str
    door: str
    expected: str
    attack: Callable[[Attacker], Awaitable[str]]
    settings: dict[str, Any]


ALONE: list[Alone] = []


def alone(name: str, door: str, expected: str, **settings: Any) -> Callable[[Any], Any]:
    def add(attack: Any) -> Any:
        ALONE.append(Alone(name, door, expected, attack, settings))
        return attack

    return add


async def run_alone(one: Alone, path: Path) -> str:
    """What the attack led to, on a fresh server."""
    async with house(path, **one.settings) as home:
        attacker = Attacker(home, await home.token("eve"), "")
        try:
            return await asyncio.wait_for(one.attack(attacker), 20)
        finally:
            await attacker.close()


@alone("more connections than are taken", "floods", "http 503", limits={"connections": 20})
async def _crowd(a: Attacker) -> str:
    for _ in range(20):
        await welcomed(a)
    return await a.handshake({"Authorization": f"Bearer {a.token}"})


@alone("a token that expires while connected", "handshake", "close 4401", tokens_every=0.1)
async def _expires(a: Attacker) -> str:
    return await (await welcomed(a, await a.weak(ttl_seconds=1))).end()


@alone("a token revoked by another process while connected", "handshake", "close 4401", tokens_every=0.1)
async def _revoked(a: Attacker) -> str:
    token = await a.weak()
    socket = await welcomed(a, token)
    await a.home.store.revoke_token(digest_of(token), datetime.now(UTC))
    return await socket.end()


@alone("a token revoked by a request while connected", "handshake", "close 4401")
async def _put_out(a: Attacker) -> str:
    token = await a.weak()
    socket = await welcomed(a, token)
    await a.request("token.revoke", token=await a.home.token("root", Access.ADMIN), id=digest_of(token).hex()[:16])
    return await socket.end()


@alone("the same client id twice", "hello", "close 4409")
async def _twice(a: Attacker) -> str:
    first = await welcomed(a, client="the-same-client")
    await welcomed(a, client="the-same-client")
    return await first.end()


@alone("a reader that stops reading", "floods", "cut, 0 commands lost", limits={"stalled_seconds": 0.5})
async def _stalls(a: Attacker) -> str:
    writer = await a.home.raw(await a.home.token("writer"))
    incident = await writer.declare()
    socket = await a.tcp()
    socket.writer.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    headers = {**UPGRADE, "Host": "127.0.0.1", "Authorization": f"Bearer {a.token}"}
    lines = ["GET /ws HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    socket.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    await socket.reader.readuntil(b"\r\n\r\n")
    await socket.hello()
    await socket.until("welcome")
    await socket.say(t="subscribe", position={"incident": incident})
    await socket.until("snapshot")
    socket.reader._transport.pause_reading()  # type: ignore[attr-defined]
    acked = 0
    evicted = a.home.server.metrics.evicted
    for n in range(2, 1500):
        await writer.command(n, incident, type="post-chat", text="x" * 9_900)
        acked += (await writer.until("outcome", n=n))["reason"] == ""
        if evicted.total():
            break
        await asyncio.sleep(0.02)
    await eventually(lambda: evicted.total() > 0)
    await writer.close()
    return f"cut, {n - 1 - acked} commands lost"


PAGE = {"origins": ("https://board.example",)}


async def _from_page(a: Attacker, origin: str, **hello: Any) -> str:
    status = {**UPGRADE, "Host": "127.0.0.1", "Origin": origin}
    socket = await a.tcp()
    lines = ["GET /ws HTTP/1.1", *(f"{key}: {value}" for key, value in status.items())]
    socket.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = (await socket.reader.readuntil(b"\r\n\r\n")).split()[1].decode()
    if head != "101":
        return f"http {head}"
    await socket.hello(**hello)
    said = await socket.until("welcome")
    return "welcome" if said["t"] == "welcome" else f"close {said['code']}"


def _page(name: str, expected: str, origin: str, token: str) -> None:
    async def attack(a: Attacker) -> str:
        return await _from_page(a, origin, token=a.token if token == "right" else token)

    ALONE.append(Alone(name, "web page", expected, attack, PAGE))


_page("an allowed page with a right token", "welcome", "https://board.example", "right")
_page("an allowed page without a token", "close 4401", "https://board.example", "")
_page("an allowed page with a wrong token", "close 4401", "https://board.example", "wr_" + "A" * 43)
_page("an allowed page with a long token", "close 4400", "https://board.example", "x" * 300)
_page("a foreign page with a right token", "http 403", "https://evil.example", "right")
_page("the allowed name by http", "http 403", "http://board.example", "right")
_page("the allowed name with a port", "http 403", "https://board.example:444", "right")
_page("a name that ends like the allowed one", "http 403", "https://evilboard.example", "right")


# -- a server with TLS -------------------------------------------------------------------------------------------------


def _certificate() -> ssl.SSLContext:
    """A context with a certificate made now, as `warroom serve` makes its own from the files it is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with tempfile.TemporaryDirectory() as place:
        files = ListenSettings(tls_cert=Path(place) / "cert.pem", tls_key=Path(place) / "key.pem")
        (Path(place) / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (Path(place) / "key.pem").write_bytes(private)
        context = server_tls(files)
    assert context is not None
    return context


TLS = {"tls": _certificate(), "host": "127.0.0.1"}


@alone("plain HTTP to a TLS port", "http", "cut", **TLS)
async def _plain(a: Attacker) -> str:
    return await a.http("GET /healthz HTTP/1.1")


async def _secure(a: Attacker, newest: ssl.TLSVersion) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", a.home.server.port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return "cut"
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    status = (await reader.readline()).split()[1].decode()
    writer.transport.abort()
    return f"http {status}"


@alone("TLS 1.1", "http", "cut", **TLS)
async def _old_tls(a: Attacker) -> str:
    return await _secure(a, ssl.TLSVersion.TLSv1_1)


@alone("TLS 1.2", "http", "http 200", **TLS)
async def _tls(a: Attacker) -> str:
    return await _secure(a, ssl.TLSVersion.TLSv1_2)
