"""Automated colleagues in a live exercise: each a client of their own, with a token of their own, acting as people do.

Invariant: they see what a player sees and nothing else; what the room refuses them is left alone.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from warroom.client.client import Client
from warroom.client.room import Room
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.deeds import Act
from warroom.tabletop.live import Facilitator
from warroom.tabletop.look import PlayerView

_SETTLED_WITHIN = 20.0
_LETTERS_A_SECOND = 30.0
_LONGEST_TYPING = 3.0
_PANES = {
    "post-chat": "chat", "propose-hypothesis": "hypotheses", "rate-hypothesis": "hypotheses",
    "support-hypothesis": "hypotheses", "refute-hypothesis": "hypotheses", "pin-evidence": "metrics",
    "request-action": "tasks", "approve-action": "tasks", "complete-step": "playbook", "add-task": "tasks",
    "acknowledge-alert": "alerts",
}  # fmt: skip
"""Where somebody looks who does that."""
_LOG = logging.getLogger(__name__)


class LiveTeam:
    """`async with LiveTeam(...)`: in the room for as long as it is entered. `tokens` are by name."""

    def __init__(
        self,
        colleagues: Bot,
        facilitator: Facilitator,
        tokens: Mapping[str, str],
        url: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._colleagues, self._facilitator = colleagues, facilitator
        self._tokens, self._url, self._tls = dict(tokens), url, tls
        self._stack = AsyncExitStack()
        self._clients: dict[str, tuple[Client, Room]] = {}
        self._working: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        incident = self._facilitator.incident
        for name, token in self._tokens.items():
            client = Client(self._url, token, kind="automation", agent="colleague", tls=self._tls)
            await self._stack.enter_async_context(client)
            room = await client.follow(incident)
            room.present(looking_at="timeline")
            self._clients[name] = client, room
        self._working = asyncio.create_task(self._work(), name="exercise-colleagues")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        await self._stack.aclose()

    async def _work(self) -> None:
        facilitator = self._facilitator
        drill, clock = facilitator.drill, facilitator.clock
        second = drill.second
        while not drill.finished:
            await clock.until(second + 1)
            second = int(clock.monotonic())
            view = PlayerView(
                second, clock.now(), facilitator.state, drill.look(), drill.runbook, facilitator.all_whispers()
            )
            try:
                for act in self._colleagues.act(view):
                    await self._do(act)
            except Exception:
                _LOG.exception("a colleague did not know what to do")

    async def _do(self, act: Act) -> None:
        found = self._clients.get(act.who)
        if found is None:
            return
        client, room = found
        pane = _PANES.get(str(act.fields["type"]), "timeline")
        words = str(act.fields.get("text", ""))
        if pane == "chat" and self._facilitator.clock.speed:
            room.present(looking_at=pane, typing=True)
            seconds = min(_LONGEST_TYPING, len(words) / _LETTERS_A_SECOND)
            await self._facilitator.clock.wait(seconds)
        room.present(looking_at=pane)
        ticket = client.submit(act.fields, self._facilitator.incident)
        async with asyncio.timeout(_SETTLED_WITHIN):
            settled = await ticket.settled()
        if not settled.accepted:
            _LOG.info("%s was refused: %s", act.who, settled.words)
