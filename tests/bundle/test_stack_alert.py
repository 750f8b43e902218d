"""An alert in the bundled Alertmanager, in its container, opens an incident of the server on this loopback."""

from __future__ import annotations

import json
import socket
import urllib.request
from datetime import UTC, datetime

import pytest

from tests.bundle.conftest import StackHome
from tests.cli.cli_home import until

pytestmark = pytest.mark.timeout(600)
DOOR = ("127.0.0.1", 8766)


def _listens() -> bool:
    with socket.socket() as door:
        return door.connect_ex(DOOR) == 0


def test_an_alert_of_the_container_arrives_in_the_room(stack: StackHome) -> None:
    assert not _listens(), "something else has the intake's port"
    stack.home.env["WARROOM_INTAKE__PORT"] = str(DOOR[1])
    stack.ok("up", "--profile", "minimal")
    stack.home.ok("declare", "a drill")  # starts the server of this home, with its intake
    until(_listens)
    alert = {
        "labels": {"alertname": "PoolFull", "service": "checkout", "severity": "critical", "job": "shop"},
        "annotations": {"summary": "the pool of checkout is full"},
        "startsAt": datetime.now(UTC).isoformat(),
    }
    asked = urllib.request.Request(
        "http://127.0.0.1:9093/api/v2/alerts",
        json.dumps([alert]).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200

    def opened() -> list[dict[str, object]]:
        found = stack.home.json("list")["incidents"]
        return [one for one in found if one["services"] == ["checkout"] and one["firing"] == 1]

    until(opened, seconds=60)
    incident = opened()[0]
    assert (incident["severity"], incident["title"]) == ("SEV1", "the pool of checkout is full")
