"""What is asked of whoever facilitates an exercise: by its hosts all of it, by everybody else their own whispers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.server.house import House, house
from warroom.client.client import Client
from warroom.client.errors import Refused
from warroom.incident.words import Access

EXERCISE = {
    "scenario": "edge", "title": "Edge", "seed": 7, "truth": "ab" * 32, "hosts": ["hana"],
}  # fmt: skip


class Facilitating:
    """Somebody who facilitates; `done` is what hosts let happen."""

    def __init__(self, incident: str) -> None:
        self.incident = incident
        self.hosts = frozenset({"hana"})
        self.done: list[tuple[str, Mapping[str, Any], str]] = []

    def view(self) -> Mapping[str, Any]:
        return {"second": 61, "truth": ["CHG-118"]}

    def whispers(self, who: str) -> Sequence[Mapping[str, Any]]:
        return [{"at": "", "sender": "CEO", "to": who, "text": f"for {who}", "inject": "I1"}]

    async def do(self, what: str, told: Mapping[str, Any], by: str) -> str:
        if what != "fire":
            raise ValueError(f"cannot {what!r}")
        self.done.append((what, told, by))
        return "delivered"


async def declared(place: House, client: Client) -> Facilitating:
    command = {"type": "declare-incident", "title": "Slow", "triage": True, "exercise": EXERCISE}
    settled = await client.submit(command).settled()
    assert settled.accepted, settled.words
    place.server.facilitation = Facilitating(settled.incident)
    return place.server.facilitation


async def test_hosts_see_and_do_and_players_hear_only_what_is_theirs(tmp_path):
    async with house(tmp_path) as place, place.client("hana") as host, place.client("jana", Access.ADMIN) as player:
        it = await declared(place, host)
        assert await host.request("exercise", incident=it.incident) == {"second": 61, "truth": ["CHG-118"]}
        told = {"inject_id": "I1"}
        assert await host.request("facilitate", incident=it.incident, do="fire", told=told) == {"words": "delivered"}
        assert it.done == [("fire", told, "hana")]
        heard = await player.request("whispers", incident=it.incident)
        assert [one["text"] for one in heard["whispers"]] == ["for jana"]
        for method, more in (("exercise", {}), ("facilitate", {"do": "fire", "told": told})):
            with pytest.raises(Refused, match="those who host"):
                await player.request(method, incident=it.incident, **more)
        assert len(it.done) == 1


async def test_what_cannot_be_done_is_said_in_words(tmp_path):
    async with house(tmp_path) as place, place.client("hana") as host:
        it = await declared(place, host)
        with pytest.raises(Refused, match="cannot 'explode'"):
            await host.request("facilitate", incident=it.incident, do="explode")


async def test_a_real_incident_and_one_that_is_not_there_have_no_facilitator(tmp_path):
    async with house(tmp_path) as place, place.client("hana") as host:
        settled = await host.submit({"type": "declare-incident", "title": "Real"}).settled()
        with pytest.raises(Refused, match="no exercise"):
            await host.request("exercise", incident=settled.incident)
        with pytest.raises(Refused, match="there is no incident"):
            await host.request("whispers", incident="INC-0000")
