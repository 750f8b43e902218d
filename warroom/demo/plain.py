"""The demo without a console: the one who runs it is in the room, and each entry is a line of text.

Invariant: every entry of the exercise is put out once, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from warroom.app_exercise import ExercisePlan, exercise
from warroom.client.client import Client
from warroom.client.errors import ClientError
from warroom.client.room import Room


async def follow(plan: ExercisePlan, put: Callable[[str], None], seconds: float | None) -> int:
    """Put out entry after entry until the exercise is over, or `seconds` of real time are. Returns how many there were.

    Raises:
        CannotHost, CannotPlay, StoreError: it cannot be opened.
        ClientError: the log does not verify, or the server does not say.
    """
    async with exercise(plan) as opened, Client(opened.url, opened.token, agent="demo") as client:
        room = await client.follow(opened.incident)
        shown = 0
        changed = asyncio.Event()
        client.on_change(lambda _: changed.set())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while room.state.exercise is None or room.state.exercise.running:
                    shown = _put_new(room, shown, put)
                    await changed.wait()
                    changed.clear()
                await opened.facilitator.over.wait()
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
