"""Every hostile case gets its exact answer, while another room keeps getting its acks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server import hostile
from tests.server.house import House, Raw, eventually, house


async def _write_on(raw: Raw, incident: str, acked: list[int], stop: asyncio.Event) -> None:
    n = 1
    while not stop.is_set():
        n += 1
        await raw.command(n, incident, type="add-note", text=f"note {n}")
        outcome = await raw.until("outcome", n=n)
        assert outcome["reason"] == ""
        acked.append(n)
        await asyncio.sleep(0.03)


async def test_each_case_gets_its_exact_answer_while_another_room_is_written_to(tmp_path: Path) -> None:
    async with house(tmp_path, limits={"hello_seconds": 0.5, "failures": 10_000, "invite_failures": 10_000}) as home:
        other = await home.raw(await home.token("jana"), client="other-room")
        there = await other.declare()
        mine = await home.raw(await home.token("sam"), client="attacked-room")
        attacked = await mine.declare()
        acked: list[int] = []
        stop = asyncio.Event()
        writing = asyncio.create_task(_write_on(other, there, acked, stop))
        wrong = []
        cases = [one for one in hostile.CASES if "guessing" not in one.name]
        token = await home.token("eve")
        for one in cases:
            before = len(acked)
            got = await hostile.run(one, home, token, attacked)
            await eventually(lambda before=before: len(acked) > before or writing.done())
            if got != one.expected:
                wrong.append(f"{one.door}: {one.name}: expected {one.expected}, got {got}")
        stop.set()
        await writing
        assert not wrong, "\n".join(wrong)
        assert len(cases) > 120
        assert len(acked) >= len(cases)
        assert not home.fatal
        await other.close()
        await mine.close()


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


@pytest.mark.parametrize("name", ["guessing tokens", "guessing invites"])
async def test_who_guesses_is_slowed_down_and_nobody_else(guarded: House, name: str) -> None:
    token = await guarded.token("jana")
    one = next(one for one in hostile.CASES if one.name == name)
    assert await hostile.run(one, guarded, token, "INC-0000") == one.expected
    raw = await guarded.raw(token)
    assert (await raw.declare()).startswith("INC-")
    await raw.close()


def test_names_are_told_apart() -> None:
    assert not [name for name, count in Counter((one.door, one.name) for one in hostile.CASES).items() if count > 1]
