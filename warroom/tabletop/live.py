"""The facilitator of a live exercise: a participant like all others, who lets happen what the drill says.

Invariant: a second of the imaginary production is worked out once the exercise's clock has passed it and all that the
facilitator did before it is on the log; so what happens depends on the log and the scenario alone, not on the machine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from warroom.client.client import Client
from warroom.client.room import Room, Ticket
from warroom.incident.record import stamp
from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.by_hand import HANDS, told_of
from warroom.tabletop.clock import ExerciseClock
from warroom.tabletop.deeds import Deed, Whisper
from warroom.tabletop.drill import Drill
from warroom.tabletop.host_view import host_view

_SETTLED_WITHIN = 20.0
_LOG = logging.getLogger(__name__)


class CannotPlay(Exception):
    """The exercise cannot begin or go on; one sentence says why."""


class Facilitator:
    """Hosts one exercise over its own websocket. `incident` is empty until `take_up`.

    It is also what the server's questions to the facilitator are answered by. `missing` is how many players have yet to
    come in before it starts by itself.
    """

    def __init__(
        self,
        client: Client,
        drill: Drill,
        clock: ExerciseClock,
        *,
        hosts: Sequence[str] = (),
        speed: float = 1.0,
        whispers: Sequence[Whisper] = (),
    ) -> None:
        self.drill, self.clock = drill, clock
        self.incident = ""
        self.missing = 0
        self.refused: list[str] = []
        self.over = asyncio.Event()
        self._client = client
        self._hosts = frozenset(hosts)
        self._speed = speed
        self._room: Room | None = None
        self._whispers = [(one, stamp(clock.moment())) for one in whispers]
        self._doing = asyncio.Lock()

    # -- in the room -------------------------------------------------------------------------------------------------

    @property
    def room(self) -> Room:
        """The exercise's room.

        Raises:
            CannotPlay: it has not been opened.
        """
        if self._room is None:
            raise CannotPlay("the exercise has not been opened yet")
        return self._room

    @property
    def state(self) -> IncidentState:
        """The incident as the facilitator knows it."""
        return self.room.state

    async def take_up(self, incident: str) -> None:
        """Take up an exercise that is on the log: one just declared, or one to go on with."""
        self.incident = incident
        self._room = await self._client.follow(incident)
        async with asyncio.timeout(_SETTLED_WITHIN):
            await self._room.caught_up.wait()
        self._client.on_change(lambda _: self._keep_pace())
        self._keep_pace()

    async def abandon(self) -> None:
        """Say on the log that the exercise ends unfinished, if it does."""
        if self.over.is_set() or (self.state.exercise is not None and not self.state.exercise.running):
            return
        with suppress(TimeoutError):
            async with self._doing:
                await self._do(self.drill.stop("abandoned"))

    async def run(self) -> None:
        """Let it happen until it is over. Colleagues and hosts may act meanwhile."""
        while not self.drill.finished:
            await self.clock.until(self.drill.second + 1)
            async with self._doing:
                await self._do(self.drill.advance(self.state))
            # Others on the loop get their turn after each second, also while it catches up.
            await asyncio.sleep(0)
        stopped = None if self.state.exercise is None else self.state.exercise.stopped_at
        self.clock.end(stopped or self.clock.moment())
        self.over.set()

    def on_change(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call when the room or who is in it may have changed; returns what ends that."""
        return self._client.on_change(lambda _: call())

    def _keep_pace(self) -> None:
        exercise = self.state.exercise
        if exercise is None or not exercise.running or exercise.speed == self.clock.speed:
            return
        self._speed = exercise.speed or self._speed
        self.clock.pace(exercise.speed)

    async def _do(self, deeds: Sequence[Deed]) -> None:
        """Let deeds happen, in order; what the room refuses is kept in words and stops nothing."""
        tickets: list[Ticket] = []
        for deed in deeds:
            if isinstance(deed, Whisper):
                self._whispers.append((deed, stamp(self.clock.moment())))
            else:
                tickets.append(self._client.submit(deed.fields, self.incident))
        if not tickets:
            return
        async with asyncio.timeout(_SETTLED_WITHIN):
            for ticket in tickets:
                settled = await ticket.settled()
                if not settled.accepted:
                    _LOG.warning("the room refused the facilitator: %s", settled.words)
                    self.refused.append(settled.words)

    # -- asked over the wire -----------------------------------------------------------------------------------------

    @property
    def hosts(self) -> frozenset[str]:
        """Who may see and do what only hosts may."""
        return self._hosts

    def view(self) -> Mapping[str, Any]:
        """What the facilitator's screen shows; see `host_view`. `missing` as here."""
        return {**host_view(self.drill, self.state, self.clock.speed), "missing": self.missing}

    def whispers(self, who: str) -> Sequence[Mapping[str, Any]]:
        """What was said in private to that person, or to a duty they hold or held."""
        held = {holding.duty for holding in (*self.state.roles, *self.state.past_roles) if holding.who == who}
        return [
            {"at": at, "sender": one.sender, "to": one.to, "text": one.text, "inject": one.inject}
            for one, at in self._whispers
            if one.to in ("all", who) or (one.to in tuple(Duty) and Duty(one.to) in held)
        ]

    def all_whispers(self) -> tuple[Whisper, ...]:
        """Everything said in private so far, for those who play by themselves."""
        return tuple(one for one, _ in self._whispers)

    async def do(self, what: str, told: Mapping[str, Any], by: str) -> str:
        """Let something happen by hand: a word of `HANDS`, with what it takes.

        Raises:
            ValueError: no such word, or what it takes is wrong; says what would be right.
        """
        hand = HANDS.get(what)
        if hand is None:
            raise ValueError(f"the facilitator cannot {what!r}; it can {', '.join(HANDS)}")
        arguments = told_of(what, hand, told)
        if what == "resume":
            hand, arguments = HANDS["pace"], {"speed": self._speed}
        async with self._doing:
            before = len(self.refused)
            await self._do(hand.of(self.drill)(**arguments))
        if len(self.refused) > before:
            raise ValueError(self.refused[-1])
        _LOG.info("by hand", extra={"who": by, "did": what})
        return hand.done
