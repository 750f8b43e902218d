"""wss: an authority of one's own is trusted by its file, and nobody else's."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.client.waiting import until
from tests.model_server import Log
from tests.socket_server import SocketServer
from warroom.client.client import Client
from warroom.client.connect import tls_context
from warroom.client.errors import Refused
from warroom.incident.commands import DeclareIncident


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "warroom test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_an_authority_given_by_file_is_trusted(certificate: Path) -> None:
    async with (
        SocketServer(Log(), tls=serving(certificate)) as server,
        Client(server.url, "jana", tls=tls_context(certificate)) as client,
    ):
        await client.live()
        assert (await client.submit(DeclareIncident(title="Checkout is slow")).settled()).accepted


async def test_a_certificate_that_nobody_vouches_for_ends_it_in_words(certificate: Path) -> None:
    async with SocketServer(Log(), tls=serving(certificate)) as server, Client(server.url, "jana") as client:
        with pytest.raises(Refused, match="is not trusted"):
            await client.live()
        assert server.connections == 0
        assert server.headers == []


async def test_plain_text_is_not_tried_on_an_encrypted_door(certificate: Path) -> None:
    async with SocketServer(Log(), tls=serving(certificate)) as server:
        url = server.url.replace("wss:", "ws:")
        async with Client(url, "jana") as client:
            await until(client, lambda: client.link.retry_at is not None)
            assert client.link.status == "connecting"
        assert server.headers == []
