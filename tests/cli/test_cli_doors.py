"""The other doors of a served room: alerts over HTTP, TLS, and the console in a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from fcntl import ioctl
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.cli.cli_home import CliHome, until

ALERT = {
    "version": "4", "groupKey": "g", "truncatedAlerts": 0, "status": "firing", "receiver": "warroom",
    "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
    "alerts": [{
        "status": "firing", "labels": {"alertname": "HighErrorRatio", "severity": "critical", "service": "checkout"},
        "annotations": {"summary": "5xx above 5 %"}, "startsAt": "2026-11-21T09:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prom", "fingerprint": "f00d",
    }],
}  # fmt: skip


def _post(url: str, secret: str, body: object) -> int:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_an_alert_opens_an_incident(home: CliHome) -> None:
    home.ok("declare", "by hand")
    url = home.runtime()["intake_url"] + "/alertmanager"
    secret = (home.data / "intake.secret").read_text().strip()
    assert _post(url, "wrong" * 5, ALERT) == 401
    assert _post(url, secret, ALERT) == 200
    assert _post(url, secret, ALERT) == 200, "a repeat doubles nothing"
    opened = [one for one in home.json("list")["incidents"] if one["firing"]]
    assert len(opened) == 1
    assert home.json("show", opened[0]["incident"])["alerts"][0]["fingerprint"] == "f00d"
    assert _post(url, secret, {"version": "4"}) == 400
    assert home.json("quarantine", "list")["entries"][0]["kind"] == "malformed"
    assert secret not in home.ok("quarantine", "list", "--json")


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for this machine, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "war.example.org")])
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
        .sign(key, hashes.SHA256())
    )
    cert, pem = directory / "cert.pem", directory / "key.pem"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert, pem


def test_tls_from_end_to_end(home: CliHome, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    process = home.popen("serve", "--host", "0.0.0.0", "--tls-cert", str(cert), "--tls-key", str(key))
    until(home.runtime_file.exists)
    assert home.runtime()["url"].startswith("wss://127.0.0.1:")
    home.ok("declare", "behind TLS")
    assert home.json("show")["title"] == "behind TLS"
    invitation = home.ok("invite", "--name", "petr").strip()
    assert invitation.startswith("wss://")
    (tmp_path / "guest").mkdir()
    guest = CliHome(tmp_path / "guest")
    untrusted = guest.run("join", invitation, "--no-console")
    assert (untrusted.returncode, "not trusted" in untrusted.stderr) == (1, True), untrusted.stderr
    guest.env["WARROOM_CA_FILE"] = str(cert)
    joined = guest.run("join", invitation, "--no-console")
    assert joined.returncode == 0, joined.stderr
    assert guest.json("list")["incidents"][0]["title"] == "behind TLS"
    guest.ok("note", "over TLS")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_the_console_opens_and_starts_its_server(home: CliHome) -> None:
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        home.command(), env=home.env | {"COLORTERM": "truecolor"}, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, cwd=home.base,
    )  # fmt: skip
    os.close(slave)
    screen = Screen(master)
    try:
        until(home.runtime_file.exists)
        home.ok("declare", "seen-in-the-console")
        screen.wait_for("seen-in-the-console")
        os.write(master, b"\x11")
        screen.drain(process)
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    assert home.run("list").returncode == 0, "the incident goes on without the console"


class Screen:
    """What a terminal was sent, as words."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._said = b""

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            self._said += os.read(self._master, 65_536)
        except OSError:
            return False
        return True

    def wait_for(self, words: str, seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while words not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._said.decode("utf-8", "replace")):
            assert time.monotonic() < deadline, self._said[-2000:]
            self._read(0.2)

    def drain(self, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            assert time.monotonic() < deadline, "the console did not end"
            self._read(0.1)
