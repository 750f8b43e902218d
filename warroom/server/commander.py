"""Where a command goes: to its incident's room, to the lobby to declare, or straight to a recorded refusal.

Invariant: commands of one outbox for two incidents are never under way at once, so their order is the author's.
"""

from __future__ import annotations

import asyncio
import logging

from pydantic import ValidationError

from warroom.incident import commands as c
from warroom.incident.state import Actor
from warroom.incident.verdict import Reason, Refusal
from warroom.server.lobby import Lobby
from warroom.server.log import where
from warroom.server.outboxes import Outbox
from warroom.server.room import Job, Room
from warroom.server.tasks import Tasks
from warroom.store.port import StoreDamaged, StoreFailed
from warroom.wire.codec import first_complaint
from warroom.wire.messages import CommandFrame

_LOG = logging.getLogger(__name__)


class Commander:
    """Takes numbered commands in their order. Work that was begun is finished also when its connection ends."""

    def __init__(self, lobby: Lobby, tasks: Tasks) -> None:
        self._lobby = lobby
        self._tasks = tasks

    def take_at_once(self, frame: CommandFrame, box: Outbox, actor: Actor) -> bool:
        """As `take`, when the number is the next and its room is open and free; else False, and nothing was done."""
        room = self._lobby.rooms.get(frame.incident)
        if room is None or not box.expects(frame.n) or (box.in_flight and box.target is not room):
            return False
        command = self._parse(frame)
        if isinstance(command, c.DeclareIncident | c.MergeIncident | Refusal):
            return False
        box.take(frame.n)
        box.sent(frame.n, room)
        room.submit(Job(command, actor, box.client, frame.n, box))
        return True

    async def take(self, frame: CommandFrame, box: Outbox, actor: Actor) -> None:
        """Bring a command whose number is the next to whoever answers it; the answer goes to `box`."""
        lobby = self._lobby
        room = lobby.rooms.get(frame.incident)
        command = self._parse(frame)
        if room is not None and not isinstance(command, c.DeclareIncident | c.MergeIncident | Refusal):
            if box.in_flight and box.target is not room:
                await self._wait_turn(box, room, frame.n)
                if box.numbering.last < frame.n:
                    return
            box.sent(frame.n, room)
            room.submit(Job(command, actor, box.client, frame.n, box))
            return
        await self._wait_turn(box, None, frame.n)
        if box.numbering.last < frame.n:
            return
        box.sent(frame.n, None)
        work = self._tasks.start(self._finish(frame, command, box, actor))
        await asyncio.wait([work])

    async def _wait_turn(self, box: Outbox, target: Room | None, n: int) -> None:
        """Until nothing of this outbox is in flight for another incident. If that failed, `n` has to come again."""
        if box.in_flight:
            await box.turn(target)
            if box.stalled_at:
                box.numbering.last = min(box.numbering.last, n - 1)

    async def _finish(self, frame: CommandFrame, command: c.AnyCommand | Refusal, box: Outbox, actor: Actor) -> None:
        try:
            await self._elsewhere(frame, command, box, actor)
        except StoreFailed:
            raise
        except Exception as error:  # what became of the command is in the store, or nothing did
            extra = {"incident": frame.incident, "where": where(error), "request_id": f"{box.client}:{frame.n}"}
            _LOG.error("a command failed", extra=extra)
            box.abandon()

    async def _elsewhere(self, frame: CommandFrame, command: c.AnyCommand | Refusal, box: Outbox, actor: Actor) -> None:
        """A command that is for no open room: to declare, for an incident to be loaded, or to be refused."""
        lobby = self._lobby
        n, incident = frame.n, frame.incident
        if isinstance(command, Refusal):
            await lobby.refuse(box, n, incident, command)
        elif isinstance(command, c.DeclareIncident):
            if incident:
                words = "a new incident has no id yet: leave `incident` empty"
                await lobby.refuse(box, n, incident, Refusal(Reason.INVALID, words))
            else:
                await lobby.declare(command, actor, box, n)
        else:
            await self._to_room(incident, command, box, n, actor)

    async def _to_room(self, incident: str, command: c.AnyCommand, box: Outbox, n: int, actor: Actor) -> None:
        lobby = self._lobby
        try:
            room = await lobby.room(incident)
        except StoreDamaged:
            words = f"the log of {incident} is damaged, so nothing can be added to it; run `warroom verify`"
            await lobby.refuse(box, n, incident, Refusal(Reason.UNREADABLE, words))
            return
        if room is None:
            words = f"there is no incident {incident}" if incident else "this command needs an incident"
            await lobby.refuse(box, n, incident, Refusal(Reason.NOT_FOUND, words))
            return
        if isinstance(command, c.MergeIncident):
            into = lobby.lines.get(command.into)
            if into is None or not into.visible_to(actor):
                await lobby.refuse(box, n, incident, Refusal(Reason.NOT_FOUND, f"there is no incident {command.into}"))
                return
        box.sent(n, room)
        room.submit(Job(command, actor, box.client, n, box))

    def _parse(self, frame: CommandFrame) -> c.AnyCommand | Refusal:
        try:
            return c.COMMAND.validate_python(frame.command)
        except ValidationError as wrong:
            return Refusal(Reason.INVALID, f"the command cannot be read: {first_complaint(wrong)}")
        except RecursionError:
            return Refusal(Reason.INVALID, "the command is nested too deeply")
