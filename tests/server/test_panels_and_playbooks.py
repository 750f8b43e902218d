"""Panels through the relay, and playbooks, as a connection sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.house import eventually, house
from warroom.incident.words import Access
from warroom.playbooks.load import installed_library
from warroom.telemetry.prometheus import Matrix
from warroom.telemetry.relay import Relay

UP = {"title": "Up", "query": "up", "step": 15, "window": 600}


class Empty:
    """A source that answers and has nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def range(self, query: str, start: float, end: float, step: float) -> Matrix:
        self.asked += 1
        return Matrix(())


async def test_two_who_watch_a_panel_cost_one_question(tmp_path: Path) -> None:
    source = Empty()
    async with Relay({"prometheus": source}) as relay, house(tmp_path, relay=relay) as home:
        token = await home.token()
        one = await home.raw(token, client="client-one")
        two = await home.raw(token, client="client-two")
        incident = await one.declare(services=["checkout"])
        for raw in (one, two):
            await raw.send(t="watch", incident=incident, id="p1", panel=UP)
            assert (await raw.until("panel", id="p1"))["body"]["kind"] == "full"
        assert source.asked == 1
        await one.send(t="watch", incident=incident, id="p2", panel={**UP, "source": "moon"})
        assert "moon" in (await one.until("panel", id="p2"))["body"]["message"]
        await one.send(t="watch", incident=incident, id="p3", panel={**UP, "unit": "furlongs"})
        assert "unit" in (await one.until("panel", id="p3"))["body"]["message"]
        await one.send(t="request", id=1, method="panels.for", params={"incident": incident})
        panels = (await one.until("response"))["result"]["panels"]
        assert "checkout" in panels[0]["query"]
        await one.send(t="watch", incident=incident, id="p4", panel=panels[0])
        assert (await one.until("panel", id="p4"))["body"]["kind"] == "full"
        await one.close()
        await two.close()
        await eventually(lambda: not home.server.sessions)


async def test_without_telemetry_the_panel_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await raw.send(t="watch", incident=incident, id="p", panel=UP)
        body = (await raw.until("panel"))["body"]
        assert body["kind"] == "trouble"
        assert "no telemetry source" in body["message"]
        await raw.close()


async def test_playbooks_are_listed_and_suggested(tmp_path: Path) -> None:
    async with house(tmp_path, playbooks=installed_library()) as home:
        raw = await home.raw(await home.token("tom", Access.OBSERVER))
        other = await home.raw(await home.token("jana"), client="client-of-jana")
        incident = await other.declare(title="Database connections are exhausted")

        async def ask(method: str, **params: Any) -> Any:
            await raw.send(t="request", id=1, method=method, params=params)
            return (await raw.until("response"))["result"]

        listed = (await ask("playbooks.list"))["playbooks"]
        suggested = (await ask("playbooks.suggest", incident=incident))["playbooks"]
        assert {one["id"] for one in suggested} <= {one["id"] for one in listed}
        best = suggested[0]
        assert best["reasons"]
        pinned = {key: best[key] for key in ("id", "title", "version", "digest", "steps")}
        await other.command(2, incident, type="attach-playbook", playbook=pinned)
        assert (await other.until("outcome", n=2))["reason"] == ""
        await raw.close()
        await other.close()
