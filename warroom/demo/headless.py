"""The demo without a console: the one who runs it is in the room, and each entry is a line of text.

Invariant: every entry of the main incident is put out once, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from warroom.client.client import Client
from warroom.client.errors import ClientError
from warroom.client.room import Room
from warroom.demo.house import Plan
from warroom.demo.run import living


async def follow(plan: Plan, put: Callable[[str], None], seconds: float | None) -> int:
    """Put out entry after entry until `seconds` of real time are over; None for no end. Returns how many there were.

    Raises:
        CannotShow, StoreError: it cannot start.
        ClientError: the log does not verify, or the server does not say.
    """
    async with living(plan) as (opened, _), Client(opened.url, opened.tokens[opened.me], agent="demo") as client:
        room = await client.follow(opened.incident)
        shown = 0
        changed = asyncio.Event()
        client.on_change(lambda _: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while True:
                    shown = _put_new(room, shown, put)
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            shown = _put_new(room, shown, put)
        proof = await client.request("verify")
        if not proof["ok"]:
            broken = next(one for one in proof["incidents"] if not one["ok"])
            raise ClientError(f"the log of {broken['incident']} does not verify: {broken['broken']}")
        return shown


def _put_new(room: Room, shown: int, put: Callable[[str], None]) -> int:
    state = room.state
    for seq in range(shown + 1, state.seq + 1):
        entry = state.timeline[seq - 1]
        words = " ".join(entry.words.split())
        put(f"{entry.occurred_at:%H:%M:%S}  {seq:>3}  {entry.actor:<12}  {entry.kind:<22}  {words}")
    return state.seq
