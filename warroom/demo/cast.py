"""One automated responder: a real client of its own, that looks around, types before it writes, and takes a no.

Invariant: it acts by commands over its own websocket, as people do; what the server refuses is noted and left alone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from warroom.client.client import Client
from warroom.client.room import Room
from warroom.demo.clock import DemoClock
from warroom.incident.state import IncidentState

_LETTERS_A_SECOND = 26.0
_SHORTEST_TYPING, _LONGEST_TYPING = 0.9, 3.6
_PANES = ("metrics", "timeline", "alerts", "playbook", "chat", "tasks", "hypotheses")
_SETTLED_WITHIN = 10.0


class Responder:
    """`async with Responder(...)`: in the room for as long as it is entered. `refused` are the words of each no.

    It looks here and there, unless it `stays_at` one pane.
    """

    def __init__(
        self, name: str, url: str, token: str, incident: str, clock: DemoClock, seed: int, *, stays_at: str = ""
    ) -> None:
        self.name = name
        self.refused: list[str] = []
        self._client = Client(url, token, kind="automation", agent="demo")
        self._incident = incident
        self._clock = clock
        self._chance = random.Random(f"{seed}/{name}")  # noqa: S311 (where a made-up person looks)
        self._room: Room | None = None
        self._looking = stays_at or self._chance.choice(_PANES)
        self._wanders = not stays_at
        self._busy = asyncio.Lock()
        self._wandering: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Responder:
        await self._client.__aenter__()
        self._room = await self._client.follow(self._incident)
        self._show(typing=False)
        if self._wanders:
            self._wandering = asyncio.create_task(self._wander(), name=f"demo-{self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wandering is not None:
            self._wandering.cancel()
            await asyncio.gather(self._wandering, return_exceptions=True)
        await self._client.__aexit__(None, None, None)

    @property
    def room(self) -> Room:
        """The incident it is in."""
        if self._room is None:
            raise RuntimeError(f"{self.name} has not come in yet")
        return self._room

    @property
    def state(self) -> IncidentState:
        """The incident as it knows it."""
        return self.room.state

    @property
    def client(self) -> Client:
        return self._client

    def look(self, pane: str) -> None:
        """Turn to a pane."""
        if pane and pane != self._looking:
            self._looking = pane
            self._show(typing=False)

    async def type(self, text: str, pane: str = "chat") -> None:
        """Be seen typing for as long as these words take."""
        self._looking = pane
        self._show(typing=True)
        try:
            await self._clock.wait(min(_LONGEST_TYPING, max(_SHORTEST_TYPING, len(text) / _LETTERS_A_SECOND)))
        finally:
            self._show(typing=False)

    async def say(self, text: str) -> bool:
        """Write to everybody, typing first."""
        async with self._busy:
            await self.type(text)
            return await self._submit({"type": "post-chat", "text": text})

    async def act(self, command: Mapping[str, Any], pane: str = "") -> bool:
        """Do something; whether it was accepted."""
        async with self._busy:
            self.look(pane)
            return await self._submit(command)

    async def _submit(self, command: Mapping[str, Any]) -> bool:
        ticket = self._client.submit(command, self._incident)
        async with asyncio.timeout(_SETTLED_WITHIN):
            settled = await ticket.settled()
        if not settled.accepted:
            self.refused.append(settled.words)
        return settled.accepted

    async def _wander(self) -> None:
        """Look here and there while nothing else is to be done."""
        while True:
            await self._clock.wait(self._chance.uniform(7.0, 22.0))
            if not self._busy.locked():
                self.look(self._chance.choice(_PANES))

    def _show(self, *, typing: bool) -> None:
        self.room.present(looking_at=self._looking, typing=typing)
