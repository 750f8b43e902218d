"""A client whose server is the core itself, in memory: real decisions and folds, no network.

It can be cut off, answer late, and lose the answer to a command that was recorded, as a network does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from warroom.client.errors import Unreachable
from warroom.client.view import LobbyLine, Settled
from warroom.incident.chain import seal_all
from warroom.incident.commands import Command
from warroom.incident.decide import decide
from warroom.incident.lobby import lobby_line
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)


class Ticket:
    def __init__(self, n: int) -> None:
        self.n = n
        self.future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()

    async def settled(self) -> Settled:
        return await asyncio.shield(self.future)


class Room:
    def __init__(self, client: CoreClient, incident: str) -> None:
        self.client = client
        self.incident = incident
        self.caught_up = asyncio.Event()
        self.caught_up.set()
        self.view = SimpleNamespace(ended="")

    @property
    def state(self) -> IncidentState:
        return self.client.states.get(self.incident, IncidentState())

    def leave(self) -> None:
        del self.client.rooms[self.incident]


@dataclass
class CoreClient:
    """`submitted` are the commands in the order they reached the core."""

    access: Access = Access.RESPONDER
    states: dict[str, IncidentState] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    submitted: list[Command] = field(default_factory=list)
    refused: tuple[Any, ...] = ()
    online: bool = True
    answers: bool = True
    lobby_comes: bool = True
    lobby: Mapping[str, LobbyLine] | None = None
    callbacks: list[Callable[[Any], None]] = field(default_factory=list)
    late: list[tuple[Ticket, Settled]] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: NOW
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def link(self) -> Any:
        return SimpleNamespace(is_live=self.online, words="" if self.online else "cut off")

    async def live(self, timeout: float) -> None:
        if not self.online:
            raise Unreachable("cut off")

    def on_change(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    async def follow_lobby(self, timeout: float) -> None:
        self.list_incidents()

    def list_incidents(self) -> None:
        lines = (lobby_line(state) for state in self.states.values())
        self.lobby = {line["incident"]: LobbyLine(**line) for line in lines}

    async def follow(self, incident: str) -> Room:
        return self.rooms.setdefault(incident, Room(self, incident))

    def seen(self, serial: int) -> None:
        self.refused = tuple(one for one in self.refused if one.serial != serial)

    def submit(self, command: Command, incident: str = "") -> Ticket:
        self.submitted.append(command)
        self.reached.set()
        ticket = Ticket(len(self.submitted))
        settled = self.record(command, incident, "intake", ticket.n)
        if self.answers:
            ticket.future.set_result(settled)
        else:
            self.tickets[ticket.n] = ticket
            self.late.append((ticket, settled))
        return ticket

    def deliver_answers(self) -> None:
        """What was held back arrives."""
        for ticket, settled in self.late:
            self.tickets.pop(ticket.n)
            ticket.future.set_result(settled)
        self.late.clear()
        self.answers = True

    def record(self, command: Command, incident: str = "", who: str = "ana", n: int = 1) -> Settled:
        """Decide and fold, as the server would."""
        name = incident or f"INC-{len(self.states) + 1:04}"
        state = self.states.get(name, IncidentState(id=name))
        actor = Actor(who, self.access)
        verdict = decide(state, command, actor, self.clock())
        if isinstance(verdict, Refusal):
            self.refused = (*self.refused, SimpleNamespace(n=n, serial=n))
            return Settled(n, name, reason=verdict.reason.value, words=verdict.words)
        salts = [bytes(16)] * len(verdict)
        self.states[name] = state = seal_all(state, verdict, actor, self.clock(), "intake", n, salts)[1]
        if self.lobby_comes:
            self.list_incidents()
        for callback in list(self.callbacks):
            callback(frozenset())
        return Settled(n, name, seq=state.seq if verdict else 0)
