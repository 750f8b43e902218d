"""The intake as a whole, with the real client: what it does while there is no server."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.intake.hostile_requests import GOOD, ROUTING_KEY, SECRET, Request
from warroom.participants.intake.listener import DoorError
from warroom.participants.intake.rules import load_rules
from warroom.participants.intake.service import IntakeSettings, running_intake


def settings_for(tmp_path: Path, port: int = 0) -> IntakeSettings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    return IntakeSettings(
        f"ws://127.0.0.1:{nobody}", "token-of-the-intake", SECRET, load_rules(), {"shop": ROUTING_KEY},
        port=port, state_dir=tmp_path / "state",
    )  # fmt: skip


def ask(url: str, request: Request) -> tuple[int, bytes]:
    wanted = urllib.request.Request(url + request.path, request.body or None, {**request.head()}, method=request.method)
    try:
        with urllib.request.urlopen(wanted) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


async def test_without_a_server_it_starts_and_asks_senders_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warroom.participants.intake.participant.RECONNECT_PATIENCE", 0.05)
    settings = settings_for(tmp_path)
    async with running_intake(settings) as running:
        status, body = await asyncio.to_thread(ask, running.listener.url, Request(body=GOOD))
        assert status == 503
        assert json.loads(body)["alerts"][0]["outcome"] == "unavailable"
        status, body = await asyncio.to_thread(ask, running.listener.url, Request(method="GET", path="/healthz"))
        assert (status, json.loads(body)["status"]) == (200, "degraded")
        status, _ = await asyncio.to_thread(ask, running.listener.url, Request(body=b"{"))
        assert status == 400
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    kept = (tmp_path / "state" / "quarantine.jsonl").read_text()
    assert len(kept.splitlines()) == 1
    for secret in (settings.token, SECRET, ROUTING_KEY):
        assert secret not in repr(settings)


async def test_a_taken_port_ends_it_cleanly_with_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DoorError, match=r"the intake cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
            async with running_intake(settings_for(tmp_path, taken.getsockname()[1])):
                raise AssertionError("it must not open")
