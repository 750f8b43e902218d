"""What docs/security.md claims about files, logs, redaction and proofs, on a real server with real commands."""

from __future__ import annotations

import http.client
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.cli_home import CliHome
from tests.server.house import house
from warroom.incident.words import Access

SECRET = "hunter2-correct-horse-battery"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[CliHome]:
    made = CliHome(tmp_path)
    try:
        yield made
    finally:
        made.close()


def metrics(home: CliHome) -> str:
    parts = urlsplit(home.runtime()["url"])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def holding(base: Path, words: str) -> list[str]:
    """Files under `base` that hold these words."""
    return [str(path) for path in base.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_secrets_stay_where_they_belong_and_a_redaction_leaves_nothing(home: CliHome, tmp_path: Path) -> None:
    incident = home.json("declare", "Checkout is down", "--private")["incident"]
    seq = home.json("note", incident, f"the password is {SECRET}")["entry"]
    invitation = home.json("invite", "--name", "sam")
    code = invitation["code"]
    other = CliHome(_made(tmp_path / "sam"))
    other.ok("join", invitation["invitation"], "--no-console")
    token = home.runtime()["token"]

    log = (home.state / "server.log").read_text()
    assert log
    for words in (SECRET, token, code, "Checkout", "sam"):
        assert words not in log
        assert words not in metrics(home)
    assert {json.loads(line).get("level") for line in log.splitlines() if line.startswith("{")} == {"info"}

    assert holding(home.data, token) == [str(home.data / "owner.token")]
    assert not holding(home.data, code)
    for path in [*home.data.rglob("*"), home.runtime_file, *other.state.rglob("*")]:
        if path.is_file() and (path.parent == home.data or "token" in path.name or path == home.runtime_file):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.runtime_file.parent.stat().st_mode) == 0o700

    assert holding(home.data, SECRET)
    home.ok("redact", incident, str(seq), "a password", "--yes")
    assert not holding(home.data, SECRET)
    assert not holding(home.base / "run", SECRET)
    assert "1 redacted" in home.ok("verify", incident)


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_rewritten_log_parts_from_what_was_exported(home: CliHome, tmp_path: Path) -> None:
    incident = home.json("declare", "Checkout is down")["incident"]
    home.ok("note", incident, "the first truth")
    kept = tmp_path / "kept.jsonl"
    home.ok("export", incident, "-o", str(kept))
    assert "1 signed heads hold" in home.ok("verify", str(kept))
    home.ok("note", incident, "more")
    assert home.json("import", str(kept))["added"] == 0
    elsewhere = CliHome(_made(tmp_path / "elsewhere"))
    assert "whole" in elsewhere.ok("verify", str(kept))
    forged = kept.read_bytes().replace(b"the first truth", b"another story!!")
    (tmp_path / "forged.jsonl").write_bytes(forged)
    assert home.run("verify", str(tmp_path / "forged.jsonl")).returncode == 5


async def test_who_is_offered_command_sees_a_private_incident_until_the_offer_ends(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ana = await home.raw(await home.token("ana", Access.COMMANDER))
        sam = await home.raw(await home.token("sam", Access.RESPONDER))
        incident = await ana.declare(private=True)
        await ana.command(2, incident, type="take-command")
        await sam.send(t="lobby")
        assert (await sam.until("incidents"))["lines"] == []
        await ana.command(3, incident, type="offer-command", to="sam", brief="it is all yours")
        assert [line["incident"] for line in (await sam.until("incidents"))["lines"]] == [incident]
        await sam.follow(incident)
        await ana.command(4, incident, type="end-command-offer", reason="sam sleeps")
        assert (await sam.until("closed", incident=incident))["reason"] == "private"
        await ana.close()
        await sam.close()
