"""Followed incidents, watched panels and submitted commands, as their owners hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import orjson

from warroom.client.tail import Speaker as TailSpeaker
from warroom.client.tail import TailFeed
from warroom.client.view import PanelView, Person, RoomView, Settled, Spotlight, Unsent
from warroom.incident.state import IncidentState
from warroom.telemetry import series
from warroom.wire import messages as m


class Ticket:
    """One submitted command: `n` numbers it in its outbox, `command` is its JSON."""

    def __init__(self, unsent: Unsent) -> None:
        self.n = unsent.n
        self.incident = unsent.incident
        self.command = unsent.command
        self.made_at = unsent.made_at
        self._answer: Settled | None = None
        self._waiting: set[asyncio.Future[Settled]] = set()

    @property
    def answer(self) -> Settled | None:
        """The answer, once there is one."""
        return self._answer

    async def settled(self) -> Settled:
        """Wait for the answer, for ever: put a timeout around it. `.accepted` tells; a refusal has `.words`.

        Raises:
            asyncio.CancelledError: the client was closed first; a command on disk is sent by the next one.
        """
        if self._answer is not None:
            return self._answer
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    def settle(self, answer: Settled) -> None:
        """The answer has come (called by the client)."""
        self._answer = answer
        for future in self._waiting:
            if not future.done():
                future.set_result(answer)

    def abandon(self) -> None:
        """The client closes: nobody will hear (called by the client)."""
        for future in self._waiting:
            future.cancel()


class Speaker(TailSpeaker, Protocol):
    """What a room needs of its client."""

    def tell(self, frame: m.Up) -> None:
        """Send a frame now if the link is live, else never: for what is only true now."""
        ...

    def stand(self, key: str, frame: m.Up) -> None: ...
    def drop_standing(self, key: str, goodbye: m.Up) -> None: ...
    def touch(self, *topics: str | tuple[str, str]) -> None: ...
    def panel_id(self) -> str: ...
    def forget_room(self, room: Room) -> None: ...
    def add_feed(self, feed: PanelFeed) -> None: ...
    def drop_feed(self, feed: PanelFeed) -> None: ...


class PanelFeed:
    """A watched panel; `view` is its newest state, `stop()` ends it. `id` is its key in `View.panels`."""

    def __init__(self, speaker: Speaker, incident: str, panel: Mapping[str, Any], key: str = "") -> None:
        self.id = key or speaker.panel_id()
        self.incident = incident
        self.view = PanelView(self.id, incident)
        self._speaker = speaker
        spec = m.PanelSpec.model_validate(dict(panel))
        self._watch = m.Watch(t="watch", incident=incident, id=self.id, panel=spec)
        speaker.add_feed(self)
        speaker.stand(f"watch {self.id}", self._watch)

    def stop(self) -> None:
        """Watch no longer."""
        self._speaker.drop_standing(f"watch {self.id}", m.Unwatch(t="unwatch", id=self.id))
        self._speaker.drop_feed(self)

    def hear(self, body: Mapping[str, Any]) -> None:
        """A panel frame has come (called by the client)."""
        full, trouble = self.view.full, self.view.trouble
        try:
            frame = series.decode(orjson.dumps(body))
            match frame:
                case series.Full():
                    full, trouble = frame, None
                case series.Delta():
                    if full is None:
                        raise ValueError("a delta before the whole window")
                    full, trouble = series.apply(full, frame), None
                case series.Trouble():
                    trouble = frame
                case series.Recovered():
                    trouble = None
        except ValueError:
            self._speaker.tell(m.Unwatch(t="unwatch", id=self.id))
            self._speaker.tell(self._watch)
            return
        self.view = replace(self.view, full=full, trouble=trouble, version=self.view.version + 1)
        self._speaker.touch(("panel", self.id))


class Room:
    """One followed incident. `view` is all of it, immutable; `caught_up` is set while nothing is known to be missing.

    `state` has seq 0 until something is known. `unsent` are the commands for it that have no answer yet.
    """

    def __init__(self, speaker: Speaker, incident: str, state: IncidentState) -> None:
        self.incident = incident
        self.caught_up = asyncio.Event()
        self.view = RoomView(incident, state)
        self._speaker = speaker

    @property
    def state(self) -> IncidentState:
        return self.view.state

    @property
    def people(self) -> tuple[Person, ...]:
        return self.view.people

    @property
    def spotlight(self) -> Spotlight | None:
        return self.view.spotlight

    @property
    def unsent(self) -> tuple[Unsent, ...]:
        return self.view.unsent

    @property
    def stale(self) -> bool:
        return self.view.stale

    def present(self, looking_at: str = "", idle: int = 0, typing: bool = False) -> None:
        """Tell the others what this person looks at; `idle` in seconds. Said again after a reconnect."""
        frame = m.PresenceUp(
            t="presence", incident=self.incident, looking_at=looking_at[:64], idle=max(0, idle), typing=typing
        )
        self._speaker.stand(f"presence {self.incident}", frame)

    def light(self, target: str, shown: Mapping[str, Any] | None = None) -> None:
        """Point at something for everybody (commander); empty ends it. Lost when the link is not live.

        Raises:
            ValueError: `shown` is larger than what a spotlight carries.
        """
        self._speaker.tell(
            m.SpotlightUp(t="spotlight", incident=self.incident, target=target[:64], shown=dict(shown or {}))
        )

    def watch(self, panel: Mapping[str, Any], key: str = "") -> PanelFeed:
        """Follow a panel (fields of `wire.messages.PanelSpec`); `key` names it in the view, unique in this client.

        Raises:
            ValueError: the panel is not one; names the field.
        """
        return PanelFeed(self._speaker, self.incident, panel, key)

    def tail(self, query: str, key: str = "") -> TailFeed:
        """Follow the new lines of a log query; `key` names the tail in the view, unique in this client.

        Raises:
            ValueError: the query is empty or too long.
        """
        return TailFeed(self._speaker, self.incident, query, key)

    def leave(self) -> None:
        """Stop following."""
        self._speaker.forget_room(self)

    def fold(self, state: IncidentState, *, caught_up: bool) -> None:
        """The state has moved on (called by the client)."""
        changed = state is not self.view.state
        if caught_up:
            self.caught_up.set()
        self.view = replace(self.view, state=state, caught_up=self.caught_up.is_set(), ended="")
        self.freshen(live=True)
        if changed:
            self._speaker.touch(("state", self.incident))

    def freshen(self, *, live: bool) -> None:
        """The link came or went (called by the client)."""
        stale = not (live and self.caught_up.is_set())
        if stale != self.view.stale:
            self.view = replace(self.view, stale=stale, caught_up=self.caught_up.is_set())
            self._speaker.touch(("state", self.incident))

    def lost(self) -> None:
        """The link is gone: what comes next is not known to be all (called by the client)."""
        self.caught_up.clear()
        self.freshen(live=False)

    def end(self, words: str) -> None:
        """The server tells no more of it, and what is known is to be forgotten (called by the client)."""
        self.caught_up.clear()
        self.view = RoomView(self.incident, IncidentState(), unsent=self.view.unsent, ended=words)
        self._speaker.touch(("state", self.incident), ("people", self.incident))

    def hear_people(self, frame: m.PresenceDown) -> None:
        people = tuple(Person(**person.model_dump()) for person in frame.people)
        self.view = replace(self.view, people=people, spectators=frame.spectators)
        self._speaker.touch(("people", self.incident))

    def hear_spotlight(self, spotlight: Spotlight | None) -> None:
        self.view = replace(self.view, spotlight=spotlight)
        self._speaker.touch(("people", self.incident))

    def hold(self, unsent: tuple[Unsent, ...]) -> None:
        """The commands without an answer have changed (called by the client)."""
        if unsent != self.view.unsent:
            self.view = replace(self.view, unsent=unsent)
