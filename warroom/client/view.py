"""What a client knows, as immutable values that may be read from any thread.

Invariant: a part is a new object only when it changed, so two views can be compared by identity, part by part.
Nothing here needs pydantic, so that a first paint does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from warroom.incident.state import IncidentState

if TYPE_CHECKING:
    from warroom.telemetry.log_buffer import LogBuffer
    from warroom.telemetry.series import Full, Trouble

LinkStatus = Literal["connecting", "live", "reconnecting", "refused", "closed"]


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to the server. `words` say why it is not live; `retry_at` is when it is tried next."""

    status: LinkStatus
    since: datetime
    retry_at: datetime | None = None
    latency_ms: float | None = None
    words: str = ""
    session: str = ""
    name: str = ""
    access: str = ""
    server: str = ""
    epoch: str = ""

    @property
    def is_live(self) -> bool:
        return self.status == "live"


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to one command. `seq` is the last record it led to (0: already so, nothing to record)."""

    n: int
    incident: str
    seq: int = 0
    reason: str = ""
    words: str = ""

    @property
    def accepted(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class Unsent:
    """A command that has no answer yet. `sent` tells whether it is on its way on the present connection."""

    n: int
    incident: str
    command: Mapping[str, Any]
    made_at: datetime
    sent: bool = False


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that came back, kept until it has been seen (`serial` names it for that).

    `reason` is a `Reason` of the core, or `uncertain`: whether it was recorded cannot be known.
    """

    serial: int
    n: int
    incident: str
    command: Mapping[str, Any]
    made_at: datetime
    refused_at: datetime
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class LobbyLine:
    """One incident in the list; times as the log stamps them (`2026-11-21T03:04:05.678901Z`), or empty."""

    incident: str
    seq: int
    title: str
    severity: str
    status: str
    commander: str = ""
    services: tuple[str, ...] = ()
    declared_at: str = ""
    updated_at: str = ""
    next_update_due: str = ""
    firing: int = 0
    private: bool = False
    here: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the room. `state` is here, idle or lost."""

    name: str
    access: str
    kind: str = "console"
    state: str = "here"
    looking_at: str = ""
    typing: bool = False
    since: str = ""


@dataclass(frozen=True, slots=True)
class Spotlight:
    """The commander points at `target`: a pane, or an entry (`entry:41`). `shown` is what that pane shows."""

    target: str
    by: str
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person. `serial` counts up, so a reader knows which are new."""

    serial: int
    level: Literal["information", "warning", "error"]
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RoomView:
    """One followed incident.

    `stale` while the state may lag behind the server's (not live, or still catching up); `ended` says in words why
    the server stopped telling us (no access, gone), empty otherwise.
    """

    incident: str
    state: IncidentState
    people: tuple[Person, ...] = ()
    spectators: int = 0
    spotlight: Spotlight | None = None
    unsent: tuple[Unsent, ...] = ()
    stale: bool = True
    caught_up: bool = False
    ended: str = ""


@dataclass(frozen=True, slots=True)
class PanelView:
    """One watched panel. `full` is the whole window, `trouble` why it is not current; `version` counts changes."""

    id: str
    incident: str
    full: Full | None = None
    trouble: Trouble | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class TailView:
    """One tailed log query. `buffer` is shared and only grows; `version` counts what happened, lines or trouble.

    `lost` are lines nobody brought here, `backfilled` those that the server fetched after its source had dropped them.
    """

    id: str
    incident: str
    query: str
    buffer: LogBuffer
    trouble: Trouble | None = None
    version: int = 0
    lost: int = 0
    backfilled: int = 0


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """All of it at one moment. `lobby` is None until the list has come once."""

    link: Link
    lobby: Mapping[str, LobbyLine] | None = None
    rooms: Mapping[str, RoomView] = field(default_factory=lambda: _NOTHING)
    panels: Mapping[str, PanelView] = field(default_factory=lambda: _NOTHING)
    tails: Mapping[str, TailView] = field(default_factory=lambda: _NOTHING)
    unsent: tuple[Unsent, ...] = ()
    refused: tuple[RefusedCommand, ...] = ()
    notices: tuple[Notice, ...] = ()
