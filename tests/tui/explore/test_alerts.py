"""The alerts pane: groups, who is on it, silences with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.consoles import ROOM, SIZES, shows, until
from tests.tui.explore.answering import AnsweringWire, answering
from tests.tui.local_wire import START
from warroom.telemetry import shapes
from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Silence

NOW = START.timestamp() + 44 * 60


def alert(name: str, service: str, severity: str, ago: float, **more: Any) -> ActiveAlert:
    labels = (("alertname", name), ("service", service), ("severity", severity))
    annotations = (("runbook_url", "https://runbooks.example/pool"), ("summary", f"{name} of {service}"))
    return ActiveAlert(f"fp-{name}", labels, annotations, NOW - ago, 0.0, more.pop("state", "active"), **more)


GROUPS = (
    AlertGroup((("service", "checkout"),), "warroom", (alert("PoolFull", "checkout", "critical", 1980),)),
    AlertGroup(
        (("service", "cart"),),
        "warroom",
        (
            alert("SlowCart", "cart", "warning", 60),
            alert("DiskFull", "cart", "warning", 600, state="suppressed", silenced_by=("s1",)),
        ),
    ),
)
SILENCE = Silence("s1", (Matcher("alertname", "DiskFull"),), NOW - 60, NOW + 86_400, "marek", "disk is being grown")
ANSWERS: dict[str, Any] = {
    "alerts": {"groups": shapes.plain(GROUPS)},
    "silences": {"silences": shapes.plain((SILENCE,))},
    "explore": ValueError("no such source"),
    "silence.create": {"id": "s2"},
    "silence.expire": {},
    "silence.extend": {"id": "s3"},
}


@pytest.mark.parametrize("size", SIZES)
async def test_alerts_stand_in_their_groups_with_state_in_words(size: tuple[int, int]) -> None:
    async with answering(ANSWERS, size) as (_, app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: shows(app, "PoolFull") and shows(app, "FIRING") and shows(app, "SILENCED"))
        assert shows(app, "service=checkout")
        assert shows(app, "1 of 2 firing")


async def test_taking_an_alert_attaches_and_acknowledges_it_by_name() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: shows(app, "SlowCart"))
        await pilot.press("g", "j")
        await until(pilot, lambda: shows(app, "PoolFull of checkout"))
        await pilot.press("a")
        await until(pilot, lambda: shows(app, "ACK ana"))
        found = [one for one in wire.states[ROOM].alerts if one.fingerprint == "fp-PoolFull"]
        assert [(one.status, one.acknowledged_by) for one in found] == [("acknowledged", "ana")]


async def test_a_silence_needs_a_length_and_a_reason() -> None:
    def sent(wire: AnsweringWire) -> list[dict[str, Any]]:
        return wire.asked_for("silence.create")

    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: shows(app, "SlowCart"))
        await pilot.press("g", "j", "s", "enter")
        await until(pilot, lambda: shows(app, "how long and why") or shows(app, "1h"))
        assert sent(wire) == []
        await pilot.press(*"deploying the fix", "enter")
        await until(pilot, lambda: len(sent(wire)) == 1)
        made = sent(wire)[0]
        assert (made["seconds"], made["comment"]) == (3600.0, "deploying the fix")
        assert {one["name"] for one in made["matchers"]} == {"alertname", "service", "severity"}


async def test_silences_are_listed_extended_and_ended() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("A", "V")
        await until(pilot, lambda: shows(app, "marek: disk is being grown"))
        await pilot.press("e", "enter")
        await until(
            pilot, lambda: wire.asked_for("silence.extend") == [{"incident": ROOM, "id": "s1", "seconds": 3600.0}]
        )
        await pilot.press("x")
        await until(pilot, lambda: wire.asked_for("silence.expire") == [{"incident": ROOM, "id": "s1"}])
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "PoolFull"))


async def test_pinned_alerts_are_read_without_alertmanager() -> None:
    async with answering(ANSWERS) as (wire, app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: shows(app, "PoolFull"))
        await pilot.press("p")
        await until(pilot, lambda: len(wire.states[ROOM].evidence) > 0)
        kept = list(wire.states[ROOM].evidence)[-1]
        assert (kept.kind, kept.title) == ("alerts", "2 alerts firing of 3")
        wire.answers["alerts"] = ValueError("alertmanager refused the connection")
        await pilot.press("escape")
        app.open_pane(ROOM, "alerts", {"pane": "alerts", "data": kept.data})
        await until(pilot, lambda: shows(app, "PoolFull"))
