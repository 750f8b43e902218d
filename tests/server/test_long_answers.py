"""Answers larger than what is kept for a slow reader, and an archive taken out while others write."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.server.house import house
from warroom.incident import commands as c
from warroom.server.connection import prepare
from warroom.store.archive import read_archive, verify_archive


async def test_an_archive_comes_in_parts_of_one_moment_whoever_writes_meanwhile(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client("jana") as jana:
        incident = (await jana.submit(c.DeclareIncident(title="Down")).settled()).incident
        for number in range(60):
            note = await jana.submit(c.AddNote(text=f"{number} " + '"' * 9_000), incident).settled()
        part = await jana.request("export", incident=incident)
        lines = part["lines"]
        upto = orjson.loads(lines[0])["records"]
        assert upto == note.seq
        assert part["next"] == len(lines) < upto
        await jana.submit(c.AddNote(text="written meanwhile"), incident).settled()
        while part["next"] is not None:
            part = await jana.request("export", incident=incident, after=part["next"], upto=upto)
            lines += part["lines"]
        archive = read_archive([line.encode() + b"\n" for line in lines])
        assert len(archive.records) == upto
        assert verify_archive(archive).whole


async def test_one_large_answer_makes_nobody_a_slow_reader(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        jana = await home.raw(await home.token())
        (session,) = home.server.sessions.values()
        long = "x" * 900_000
        session.wire.write(prepare(orjson.dumps({"t": "notice", "level": "warning", "words": long})))
        assert (await jana.until("notice"))["words"] == long
        session.warn("and another")
        assert (await jana.until("notice"))["words"] == "and another"
