"""The room as its people know it: declared, written by several, resumed, redacted, private, merged."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.server.house import eventually, house
from warroom.incident import commands as c
from warroom.incident.words import Access


async def test_what_one_declares_and_writes_another_sees(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client("jana") as jana, home.client("tom", Access.RESPONDER) as tom:
        declared = await jana.submit(c.DeclareIncident(title="Checkout is down")).settled()
        assert declared.accepted
        assert declared.incident.startswith("INC-")
        theirs = await tom.follow(declared.incident)
        mine = await jana.follow(declared.incident)
        await asyncio.gather(theirs.caught_up.wait(), mine.caught_up.wait())
        settled = await tom.submit(c.AddNote(text="Pods restart"), declared.incident).settled()
        assert settled.accepted
        await eventually(lambda: mine.state.seq == settled.seq)
        assert mine.state.timeline[settled.seq - 1].words == "Pods restart"
        assert mine.state.head_hash == theirs.state.head_hash


async def test_a_restarted_server_goes_on_where_it_was(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token())
        incident = await raw.declare()
        await raw.command(2, incident, type="add-note", text="one")
        outcome = await raw.until("outcome", n=2)
        await raw.close()
    async with house(tmp_path) as home:
        raw = await home.raw(await home.token(), client=raw.seen[0]["session"] + "x")
        await raw.command(1, incident, type="add-note", text="two")
        assert (await raw.until("outcome", n=1))["seq"] == outcome["seq"] + 1
        await raw.close()
