"""What one connection follows of the telemetry: panels and tails, each for an incident it sees, within its access.

Invariant: who may not query freely follows exactly what the board, the spotlight and the pins show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from warroom.incident.state import Actor, IncidentState
from warroom.server.connection import Wire
from warroom.server.lobby import Lobby
from warroom.server.panels import PanelDesk
from warroom.server.settings import ServerSettings
from warroom.server.shown import may_tail, may_watch
from warroom.server.tails import TailDesk
from warroom.telemetry.default_panels import DEFAULT_PANELS
from warroom.telemetry.panels import PanelTemplate, resolve_all
from warroom.telemetry.relay import Relay
from warroom.wire import messages as m

_AUDIT = logging.getLogger("warroom.queries")


class House(Protocol):
    """What it stands on."""

    settings: ServerSettings
    lobby: Lobby
    relay: Relay | None
    panel_templates: tuple[PanelTemplate, ...]


class Following:
    """`actor` says who; `say` sends a frame."""

    def __init__(
        self, house: House, session: str, wire: Wire, actor: Callable[[], Actor], say: Callable[[m.Down], None]
    ) -> None:
        limits = house.settings.limits
        self._house = house
        self._actor = actor
        self._say = say
        self._panels = PanelDesk(house.relay, session, wire.write, limits.panels)
        self._tails = TailDesk(house.relay, wire, limits.tails)

    async def watch(self, frame: m.Watch) -> None:
        """Follow a panel, or say in its own frames why not."""
        if not self._sees(frame.incident):
            return
        if not self._is_free():
            state, spotlight = await self._room(frame.incident)
            shown = spotlight.shown if spotlight is not None else {}
            if not may_watch(state, shown, frame.panel, self._default_queries(state)):
                words = f"{self._needed()}, or a board or spotlight that shows this panel"
                self._panels.refuse(frame.id, frame.panel.source, "denied", words)
                return
        self._panels.watch(frame.incident, frame.id, frame.panel)

    async def unwatch(self, frame: m.Unwatch) -> None:
        """Follow that panel no longer."""
        self._panels.unwatch(frame.id)

    async def tail(self, frame: m.Tail) -> None:
        """Follow the lines of a query, or say in its own frames why not."""
        if not self._sees(frame.incident):
            return
        if not self._is_free():
            state, spotlight = await self._room(frame.incident)
            if not may_tail(state, spotlight.shown if spotlight is not None else {}, frame.query):
                words = f"{self._needed()}, or a spotlight or pin that shows exactly this query"
                self._tails.refuse(frame.id, frame.source, "denied", words)
                return
        _AUDIT.info(
            "tail",
            extra={"who": self._actor().name, "incident": frame.incident, "method": "tail", "query": frame.query[:500]},
        )
        self._tails.tail(frame.incident, frame.id, frame.source, frame.query)

    async def untail(self, frame: m.Untail) -> None:
        """Follow that tail no longer."""
        self._tails.untail(frame.id)

    def forget(self, incident: str) -> None:
        """The incident may no longer be seen."""
        self._panels.forget(incident)
        self._tails.forget(incident)

    def close(self) -> None:
        """The connection ends."""
        self._panels.close()
        self._tails.close()

    def _sees(self, incident: str) -> bool:
        line = self._house.lobby.lines.get(incident)
        if line is not None and line.visible_to(self._actor()):
            return True
        words = f"there is no incident {incident}"
        self._say(m.Closed(incident=incident, reason="not-found", words=words))
        return False

    def _is_free(self) -> bool:
        return self._actor().access.covers(self._house.settings.explore)

    def _needed(self) -> str:
        return f"this needs {self._house.settings.explore} access"

    async def _room(self, incident: str) -> tuple[IncidentState, m.SpotlightDown | None]:
        room = await self._house.lobby.room(incident)
        return (IncidentState(id=incident), None) if room is None else (room.state, room.spotlight)

    def _default_queries(self, state: IncidentState) -> frozenset[str]:
        templates = self._house.panel_templates or DEFAULT_PANELS
        return frozenset(
            panel.expr.strip()
            for service in state.services[:4]
            for panel in resolve_all(templates, {"service": service})
        )
