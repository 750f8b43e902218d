"""Who leads, who holds which duty, and that somebody answers the alerts: the first minutes of a drill by the book."""

from __future__ import annotations

from collections.abc import Iterator

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.bots.team import COMMANDER, SEATS, TEAM, reachable, speaker
from warroom.tabletop.deeds import Act, act
from warroom.tabletop.look import PlayerView

FIRST, BETWEEN = 10, 6
"""Seconds after the start at which command is taken, and from one duty to the next."""
OUT_OF_REACH = 45
"""Seconds after which the duty of somebody out of reach goes to another."""


class Seats:
    """Takes command, gives the duties out, and fills a seat whose holder is out of reach, or was there only in the past
    that a branch goes on from.
    """

    def __init__(self) -> None:
        self._missing: dict[str, int] = {}

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        state = view.state
        if view.second < FIRST:
            return
        if state.commander not in TEAM:
            who = next((who for who in (COMMANDER, *TEAM) if reachable(state, who)), "")
            if who:
                reason = {"reason": f"{state.commander} is not here"} if state.commander else {}
                yield act(who, "take-command", **reason)
            return
        yield from self._replace(view)
        due = (view.second - FIRST) // BETWEEN
        for place, (duty, who) in enumerate(self._wanted(state), start=1):
            holder = state.holder(duty)
            free = not holder or (holder not in TEAM and not duty.is_shared)
            if place <= due and free and reachable(state, who):
                yield act(state.commander, "assign-role", duty=duty.value, who=who)
                return

    def _wanted(self, state: IncidentState) -> list[tuple[Duty, str]]:
        required = state.exercise.roles if state.exercise is not None else ()
        always = (Duty.OPERATIONS_LEAD, Duty.COMMUNICATIONS_LEAD, Duty.SCRIBE)
        needed = (
            {one.needs for one in state.exercise.actions} | {one.approval for one in state.exercise.actions}
            if state.exercise
            else set()
        )
        return [(duty, who) for duty, who in SEATS if duty in always or duty in required or duty.value in needed]

    def _replace(self, view: PlayerView) -> Iterator[Act]:
        state = view.state
        for held in state.roles:
            if held.who not in TEAM or reachable(state, held.who):
                self._missing.pop(held.who, None)
                continue
            since = self._missing.setdefault(held.who, view.second)
            if view.second - since < OUT_OF_REACH:
                continue
            other = next((who for who in reversed(TEAM) if reachable(state, who) and who != held.who), "")
            if not other:
                continue
            if held.duty is Duty.INCIDENT_COMMANDER:
                yield act(other, "take-command", reason=f"{held.who} is out of reach")
            elif not held.duty.is_shared and reachable(state, state.commander):
                yield act(state.commander, "assign-role", duty=held.duty.value, who=other)
            return


class Answering:
    """Acknowledges the incident with its first alert, and every alert soon after it came."""

    PATIENCE = 12

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def act(self, view: PlayerView) -> Iterator[Act]:
        """What is asked for in this second."""
        state = view.state
        if state.alerts and not state.acknowledged_by:
            yield act(speaker(state, Duty.INCIDENT_COMMANDER, TEAM), "acknowledge-incident")
        who = speaker(state, Duty.OPERATIONS_LEAD, TEAM)
        for alert in state.alerts:
            if alert.status != "firing":
                self._seen.pop((alert.source, alert.fingerprint), None)
                continue
            since = self._seen.setdefault((alert.source, alert.fingerprint), view.second)
            if view.second - since >= self.PATIENCE and who:
                yield act(who, "acknowledge-alert", source=alert.source, fingerprint=alert.fingerprint)
                return
