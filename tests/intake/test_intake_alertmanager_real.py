"""Debian's Alertmanager posts to the door: what it really sends, and what it does when the room is away."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.intake.core_client import CoreClient
from tests.intake.hostile_requests import SECRET
from tests.real_servers import ALERTMANAGER, RealServer, start_alertmanager
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import Listener, serve_door
from warroom.participants.intake.outcome import Outcome
from warroom.participants.intake.participant import Intake
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.rules import load_rules

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is not installed"),
]


class Watched:
    """The participant, with each alert and its outcome noted and told."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.seen: list[tuple[Alert, Outcome]] = []
        self._news = asyncio.Event()

    async def __call__(self, alert: Alert) -> Outcome:
        outcome = await self.intake.handle(alert)
        self.seen.append((alert, outcome))
        self._news.set()
        return outcome

    async def until(self, condition: Callable[[list[str]], bool]) -> list[str]:
        """The words so far, once the condition holds."""
        async with asyncio.timeout(60):
            while not condition([outcome.word for _, outcome in self.seen]):
                self._news.clear()
                await self._news.wait()
        return [outcome.word for _, outcome in self.seen]


@pytest.fixture
async def client() -> CoreClient:
    return CoreClient(clock=lambda: datetime.now(UTC))


@pytest.fixture
async def watched(client: CoreClient) -> AsyncIterator[Watched]:
    async with Intake(client, load_rules()) as intake:  # type: ignore[arg-type]
        yield Watched(intake)


@pytest.fixture
async def listener(watched: Watched) -> AsyncIterator[Listener]:
    door = Door(DoorSettings(secret=SECRET), watched, Quarantine())
    running = await serve_door(door.app)
    yield running
    await running.stop()


@pytest.fixture
async def alertmanager(listener: Listener, tmp_path: Path) -> AsyncIterator[RealServer]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    server = await asyncio.to_thread(start_alertmanager, tmp_path, f"{listener.url}/alertmanager", secret)
    yield server
    await asyncio.to_thread(server.stop)


async def tell(server: RealServer, *instances: str, ended: bool = False) -> None:
    """Post alerts to Alertmanager as Prometheus does."""
    now = datetime.now(UTC)
    alerts: list[dict[str, Any]] = [
        {
            "labels": {"alertname": "TargetDown", "job": "shop", "instance": name, "severity": "critical"},
            "annotations": {"summary": "shop is down"},
            "startsAt": (now - timedelta(minutes=5)).isoformat(),
            "endsAt": (now - timedelta(seconds=1) if ended else now + timedelta(hours=1)).isoformat(),
            "generatorURL": "http://prometheus.example/graph",
        }
        for name in instances
    ]
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )
    answer = await asyncio.to_thread(urllib.request.urlopen, request)
    answer.close()
    assert answer.status == 200


async def test_fired_and_resolved_by_the_real_one(
    alertmanager: RealServer, watched: Watched, client: CoreClient
) -> None:
    await tell(alertmanager, "a:1", "b:1")
    words = await watched.until(lambda words: len(words) >= 2)
    assert words[:2] == ["opened", "attached"]
    state = client.states["INC-0001"]
    assert (state.title, state.services, state.severity.value) == ("shop is down", ("shop",), "SEV1")
    assert {dict(alert.labels)["instance"] for alert in state.alerts} == {"a:1", "b:1"}
    await tell(alertmanager, "a:1", ended=True)
    await watched.until(lambda words: "resolved" in words)
    held = {dict(alert.labels)["instance"]: alert.status for alert in client.states["INC-0001"].alerts}
    assert held == {"a:1": "resolved", "b:1": "firing"}
    assert list(client.states) == ["INC-0001"]


async def test_while_the_room_is_away_the_real_one_comes_again(
    alertmanager: RealServer, watched: Watched, client: CoreClient
) -> None:
    client.online = False
    await tell(alertmanager, "a:1")
    words = await watched.until(lambda words: len(words) >= 2)
    assert set(words) == {"unavailable"}
    client.online = True
    words = await watched.until(lambda words: "opened" in words)
    assert len(client.states["INC-0001"].alerts) == 1
