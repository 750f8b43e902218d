"""What every request is made of: who asks, what it takes, what it stands on, and how it says no.

Invariant: an incident that the asker may not see answers exactly as one that is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Reason
from warroom.incident.words import Access
from warroom.playbooks.load import Library
from warroom.server.clock import Steady
from warroom.server.heads import HeadSigner
from warroom.server.lobby import Lobby
from warroom.server.metrics import Metrics
from warroom.server.settings import ServerSettings
from warroom.store.port import EventStore
from warroom.telemetry.panels import PanelTemplate
from warroom.telemetry.relay import Relay
from warroom.tracing.spans import Tracer
from warroom.wire.messages import Incident

LARGEST = 700 * 1024
"""Bytes of the largest result, so that its frame stays within what a client reads."""

Query = Annotated[str, Field(min_length=1, max_length=4000)]


class Refused(Exception):
    """The answer is no: `reason` is a stable word, the text is for a person."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Facilitation(Protocol):
    """Whoever facilitates the exercise that this server is for, as far as people ask it something over the wire."""

    @property
    def incident(self) -> str: ...
    @property
    def hosts(self) -> frozenset[str]: ...
    def view(self) -> Mapping[str, Any]:
        """What only hosts see: what is to come, the faults, the truth. JSON-able."""
        ...

    def whispers(self, who: str) -> Sequence[Mapping[str, Any]]:
        """What was said to that person in private, oldest first. JSON-able."""
        ...

    async def do(self, what: str, told: Mapping[str, Any], by: str) -> str:
        """Let something happen by hand; returns what was done in words. Raises ValueError: what is wrong, in words."""
        ...


class Desk(Protocol):
    """What answers stand on."""

    settings: ServerSettings
    store: EventStore
    metrics: Metrics
    lobby: Lobby
    tracer: Tracer | None
    signer: HeadSigner
    relay: Relay | None
    playbooks: Library | None
    panel_templates: tuple[PanelTemplate, ...]
    reports: Mapping[str, Callable[[], Any]]
    facilitation: Facilitation | None
    steady: Steady

    def token_revoked(self, digest: bytes) -> None: ...
    def counts(self) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks what of whom."""

    desk: Desk
    actor: Actor


class Params(BaseModel):
    """What a method takes; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Nothing(Params):
    pass


class OfIncident(Params):
    incident: Incident


class MaybeIncident(Params):
    incident: Incident | None = None


Answer: TypeAlias = Callable[[Question, Any], Awaitable[Any]]
"""Gives plain JSON values, or bytes that are JSON already."""


class Method(NamedTuple):
    """One kind of request. `scoped` says that a token bounded to some incidents may ask it.

    `telemetry`: for an incident the asker sees, if the token is bounded. `free`: a query of the asker's own making,
    for those whom `telemetry.explore` allows it, and for others where spotlight, pins or board show exactly it.
    """

    access: Access
    params: type[Params]
    answer: Answer
    scoped: bool = True
    telemetry: bool = False
    free: bool = False


def visible(ask: Question, incident: str) -> bool:
    """Whether the asker sees that incident in the list."""
    line = ask.desk.lobby.lines.get(incident)
    return line is not None and line.visible_to(ask.actor)


def seen(ask: Question, incident: str) -> IncidentState:
    """What the list knows of an incident that the asker may see.

    Raises:
        Refused: there is none, or it may not be seen.
    """
    line = ask.desk.lobby.lines.get(incident)
    if line is None or not line.visible_to(ask.actor):
        raise Refused(Reason.NOT_FOUND, f"there is no incident {incident}")
    return IncidentState(id=incident, title=line.shown["title"], services=tuple(line.shown["services"]))
