"""The alert intake as a participant: decisions become commands of one client.

One invariant: at most one command of it is without an answer, and nothing is decided while one is or while the
replica lags behind an own command. So a repeated alert meets the state its first coming led to, and doubles nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final

from warroom.client.client import Client
from warroom.client.errors import ClientError
from warroom.client.room import Room
from warroom.client.view import LobbyLine, Settled
from warroom.incident.commands import AcknowledgeAlert, AttachAlert, Command, DeclareIncident, ResolveAlert
from warroom.incident.fields import Alert as RecordedAlert
from warroom.incident.state import IncidentState
from warroom.incident.verdict import Reason
from warroom.incident.words import Milestone, Status
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.decide import (
    Acknowledge,
    AnyDecision,
    Attach,
    Duplicate,
    Held,
    HeldAlert,
    Ignore,
    Open,
    Resolve,
    decide_alert,
)
from warroom.participants.intake.outcome import Outcome, Word
from warroom.participants.intake.rules import Rules
from warroom.tracing.spans import Tracer

PATIENCE: Final = 10.0
"""Seconds to wait for the link, the replica or an answer before the sender is asked to come again."""
RECONNECT_PATIENCE: Final = 2.0
"""Seconds to wait for a link that is down. Senders keep their alerts longer than they keep a connection."""
RULE_REMARK: Final = "warroom_rule"
"""The annotation under which an attached alert carries the rule and revision that attached it."""

MOST_FOLLOWED: Final = 150
"""How many incidents are followed: those people work on first, then the newest that still have an alert firing."""

_OVER: Final = frozenset(status.value for status in Status if status.is_over)
_OLDEST: Final = timedelta(days=3650)
_MOVED_ON: Final = frozenset({Reason.CONFLICT.value, Reason.OVER.value, Reason.NOT_FOUND.value})
_NOT_FOR_GOOD: Final = frozenset({Reason.NOT_ALLOWED.value, "uncertain"})
_WORDS: Final[dict[type[AnyDecision], Word]] = {
    Open: "opened",
    Attach: "attached",
    Acknowledge: "acknowledged",
    Resolve: "resolved",
}


def _now() -> datetime:
    return datetime.now(UTC)


class Intake:
    """`async with Intake(client, rules) as intake`, then `await intake.handle(alert)`. The client is its alone."""

    def __init__(
        self,
        client: Client,
        rules: Rules,
        *,
        patience: float = PATIENCE,
        now: Callable[[], datetime] = _now,
        tracer: Tracer | None = None,
    ) -> None:
        self.rules = rules
        self._tracer = tracer
        self._client = client
        self._patience = patience
        self._now = now
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._owed: dict[str, int] = {}
        self._listed = False
        self._held: dict[str, tuple[IncidentState, Held]] = {}
        self._unsubscribe: Callable[[], None] | None = None

    async def __aenter__(self) -> Intake:
        self._unsubscribe = self._client.on_change(lambda _topics: self._changed.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()

    async def handle(self, alert: Alert) -> Outcome:
        """Carry one alert to the room. Returns once the server has answered for good, or `unavailable`."""
        if self._tracer is None:
            return await self._handled(alert)
        with self._tracer.span("alert", "consumer") as span:
            outcome = await self._handled(alert)
            span.attributes |= {"outcome": outcome.word, "incident.id": outcome.incident}
            span.error = outcome.word if outcome.word in ("unavailable", "refused") else ""
            return outcome

    async def _handled(self, alert: Alert) -> Outcome:
        async with self._turn:
            try:
                async with asyncio.timeout(self._patience):
                    await self._ready()
                return await self._carried(alert)
            except TimeoutError:
                return Outcome("unavailable", reason=self._client.link.words or "the server does not answer in time")
            except ClientError as error:
                return Outcome("unavailable", reason=str(error))

    def held(self) -> list[Held]:
        """The incidents that matter to alerts, oldest first, as the replica knows them."""
        rooms = [room for room in self._client.rooms.values() if room.state.seq and not room.view.ended]
        rooms.sort(key=lambda room: (str(room.state.milestones.get(Milestone.DECLARED, "")), room.incident))
        return [self._held_of(room.state) for room in rooms if _matters(room.state)]

    async def _ready(self) -> None:
        """Wait until nothing is under way and all that matters is known."""
        if not self._client.link.is_live:
            await self._client.live(min(self._patience, RECONNECT_PATIENCE))
        for ticket in list(self._client.tickets.values()):
            await ticket.settled()
        if not self._listed:
            # Longer than the time around it, so that it ends with the list itself and never with a cached one.
            await self._client.follow_lobby(timeout=2 * self._patience)
            self._listed = True
        while not self._knows_all(await self._followed()):
            await self._change()

    async def _followed(self) -> list[Room]:
        wanted = self._wanted()
        for incident, room in list(self._client.rooms.items()):
            if incident not in wanted:
                room.leave()
                self._held.pop(incident, None)
        return [await self._client.follow(incident) for incident in sorted(wanted)]

    def _wanted(self) -> set[str]:
        lobby = self._client.lobby or {}
        lines = sorted(lobby.values(), key=lambda line: line.declared_at, reverse=True)
        lines = sorted((line for line in lines if _is_wanted(line)), key=lambda line: line.status in _OVER)
        wanted = {line.incident for line in lines[:MOST_FOLLOWED]} | set(self._owed)
        # The list of incidents may come later than the answer to an own command.
        known = (room for room in self._client.rooms.values() if room.incident not in lobby and room.state.seq)
        return wanted | {room.incident for room in known if _matters(room.state)}

    def _knows_all(self, rooms: Iterable[Room]) -> bool:
        for room in rooms:
            if not room.view.ended and not room.caught_up.is_set():
                return False
            if room.view.ended or room.state.seq >= self._owed.get(room.incident, 0):
                self._owed.pop(room.incident, None)
        return self._client.lobby is not None and not self._owed

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _carried(self, alert: Alert, *, last_try: bool = False, timed: bool = True) -> Outcome:
        decision = decide_alert(self.rules, alert, self.held())
        if isinstance(decision, Ignore):
            return Outcome("ignored", "", decision.rule, decision.reason, decision.unmatched)
        if isinstance(decision, Duplicate):
            return Outcome("duplicate", decision.incident, decision.rule, decision.reason)
        incident = ""
        for target, command in self._commands(decision, alert, timed=timed):
            settled = await self._settled(target, command)
            incident = settled.incident
            if settled.accepted:
                continue
            if settled.reason in _NOT_FOR_GOOD:
                return Outcome("unavailable", incident, decision.rule, settled.words)
            # Invalid means that the clocks here and at the server differ too much: then its own times must do.
            timed = settled.reason != Reason.INVALID.value
            if last_try or (timed and settled.reason not in _MOVED_ON):
                return Outcome("refused", incident, decision.rule, settled.words)
            # Somebody was first: look again at what they left.
            async with asyncio.timeout(self._patience):
                await self._ready()
            return await self._carried(alert, last_try=True, timed=timed)
        return Outcome(_WORDS[type(decision)], incident, decision.rule, decision.reason)

    async def _settled(self, incident: str, command: Command) -> Settled:
        ticket = self._client.submit(command, incident)
        async with asyncio.timeout(self._patience):
            settled = await ticket.settled()
        if settled.accepted and settled.seq:
            self._owed[settled.incident] = max(settled.seq, self._owed.get(settled.incident, 0))
        for back in self._client.refused:
            if back.n == ticket.n:
                self._client.seen(back.serial)
        return settled

    def _commands(self, decision: AnyDecision, alert: Alert, *, timed: bool) -> list[tuple[str, Command]]:
        remarks = {RULE_REMARK: f"{decision.rule}, rules {decision.revision}"}
        recorded = alert.recorded(self.rules.service(alert), remarks)
        match decision:
            case Open():
                return [("", self._declaration(decision, recorded, remarks[RULE_REMARK], timed=timed))]
            case Attach():
                return [(decision.incident, AttachAlert(alert=recorded))]
            case Acknowledge():
                ack = AcknowledgeAlert(source=recorded.source, fingerprint=recorded.fingerprint)
                return [(incident, ack) for incident in decision.incidents]
            case Resolve():
                ended = self._plausible(alert.ends_at) if timed else None
                over = ResolveAlert(source=recorded.source, fingerprint=recorded.fingerprint, ended_at=ended)
                return [(incident, over) for incident in decision.incidents]
        return []

    def _declaration(self, decision: Open, recorded: RecordedAlert, by_rule: str, *, timed: bool) -> DeclareIncident:
        started = self._plausible(recorded.starts_at) if timed else None
        told = [recorded.summary, recorded.annotations.get("description", "")]
        told.append(f"Opened by the alert {recorded.name} of {recorded.source} (rule {by_rule}).")
        return DeclareIncident(
            title=decision.title,
            severity=decision.severity,
            services=decision.services,
            summary="\n\n".join(dict.fromkeys(text for text in told if text))[:10_000],
            triage=decision.triage,
            private=decision.private,
            impact_started_at=started if decision.impact else None,
            detected_at=None if decision.impact else started,
            alert=recorded,
        )

    def _plausible(self, moment: datetime | None) -> datetime | None:
        """The moment as the server would take it: a sender's clock that runs ahead must not cost the alert."""
        now = self._now()
        return None if moment is None or moment < now - _OLDEST else min(moment, now)

    def _held_of(self, state: IncidentState) -> Held:
        cached = self._held.get(state.id)
        if cached is None or cached[0] is not state:
            cached = (state, _held_of(state))
            self._held[state.id] = cached
        return cached[1]


def _is_wanted(line: LobbyLine) -> bool:
    return line.firing > 0 or line.status not in _OVER


def _matters(state: IncidentState) -> bool:
    return not state.status.is_over or any(alert.status != "resolved" for alert in state.alerts)


def _held_of(state: IncidentState) -> Held:
    alerts = {
        (alert.source, alert.fingerprint): HeldAlert(
            alert.starts_at, alert.status != "resolved", alert.status == "acknowledged", dict(alert.labels)
        )
        for alert in state.alerts
    }
    services = {*state.services, *(alert.service for alert in state.alerts if alert.service)}
    return Held(state.id, state.status.is_live, state.private, frozenset(services), alerts)
