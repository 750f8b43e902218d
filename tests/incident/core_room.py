"""A room without a server: commands go in, records come out, the clock moves a second each time."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from warroom.incident import commands as c
from warroom.incident.chain import seal_all
from warroom.incident.decide import decide
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.vector import Vector
from warroom.incident.verdict import Refusal, Verdict
from warroom.incident.words import Access

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ID = "INC-7K3Q"


def person(name: str, access: Access = Access.RESPONDER, *scopes: str) -> Actor:
    return Actor(name, access, frozenset(scopes))


JANA, BEN, MEI = person("jana"), person("ben"), person("mei")
CHIEF = person("chief", Access.COMMANDER)
WATCHER = person("watcher", Access.OBSERVER)


class CoreRoom:
    """`state` and `log` after everything said so far."""

    def __init__(self, incident: str = ID) -> None:
        self.state = IncidentState(id=incident)
        self.log: list[Record] = []
        self.at = START
        self.n = 0

    @classmethod
    def declared(cls, **fields: Any) -> CoreRoom:
        room = cls()
        room.does(c.DeclareIncident(title="Checkout fails", **fields), JANA)
        return room

    def say(self, command: c.Command, actor: Actor = JANA, *, after: float = 1.0) -> Verdict:
        """What becomes of `command`; accepted events are on the log when this returns."""
        self.at += timedelta(seconds=after)
        self.n += 1
        verdict = decide(self.state, command, actor, self.at)
        if isinstance(verdict, tuple):
            salts = [bytes([self.n % 256, i]) * 8 for i in range(len(verdict))]
            records, self.state = seal_all(self.state, verdict, actor, self.at, "outbox-1", self.n, salts)
            self.log.extend(records)
        return verdict

    def does(self, command: c.Command, actor: Actor = JANA, *, after: float = 1.0) -> list[str]:
        """As `say`, for what must be accepted; returns the tags of the events."""
        verdict = self.say(command, actor, after=after)
        assert isinstance(verdict, tuple), verdict
        return [proposed.event.TAG for proposed in verdict]

    def refuses(self, command: c.Command, actor: Actor = JANA) -> Refusal:
        """As `say`, for what must be refused, without a trace in the log."""
        before = self.state
        verdict = self.say(command, actor)
        assert isinstance(verdict, Refusal), verdict
        assert self.state is before
        assert verdict.words
        return verdict


def plain(value: Any) -> Any:
    """A state, or any part of it, by value: comparable with ==."""
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, {f.name: plain(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, Vector | tuple):
        return (type(value).__name__, [plain(item) for item in value])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return (type(value).__name__, value.value)
    return (type(value).__name__, value)
