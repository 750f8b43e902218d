"""A client without a network for screen tests: the real core decides and folds, in this process.

Invariant: what a test sees on screen went through `decide`, `seal` and `evolve`, as it does on a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from warroom.client.view import Link, LobbyLine, PanelView, Person, RoomView, Settled, Spotlight, TailView, View
from warroom.incident.chain import seal
from warroom.incident.commands import COMMAND
from warroom.incident.decide import decide
from warroom.incident.decode import read_event
from warroom.incident.evolve import evolve
from warroom.incident.lobby import lobby_line
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access
from warroom.telemetry.log_buffer import LogBuffer
from warroom.telemetry.logs import LogLine
from warroom.telemetry.series import Full, Trouble

START = datetime(2026, 11, 21, 8, 58, 0, tzinfo=UTC)


class LocalWire:
    """One person's client; `others` act through `act(name, ...)`. `clock` moves only by hand."""

    def __init__(self, me: str = "ana", panels: tuple[Mapping[str, Any], ...] = ()) -> None:
        self.me = me
        self.clock = START
        self.states: dict[str, IncidentState] = {}
        self.people: dict[str, tuple[Person, ...]] = {}
        self.wake: Callable[[View], None] = lambda _: None
        self.n = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.present_calls: list[tuple[str, str, bool]] = []
        self.specs = panels
        self.suggestions: list[dict[str, Any]] = []
        self.fulls: dict[str, Full] = {}
        self.latest = View(
            Link("live", START, latency_ms=18.0, name=me, access="commander", session="s", server="warroom"), lobby={}
        )

    def opener(self, wake: Callable[[View], None]) -> LocalWire:
        """What the console calls to get its client."""
        self.wake = wake
        return self

    def now(self) -> datetime:
        return self.clock

    def act(self, who: str, payload: Mapping[str, Any], incident: str = "", *, at: datetime | None = None) -> Settled:
        """Let somebody do something, now or at a given time."""
        self.n += 1
        self.clock = at or self.clock
        command = COMMAND.validate_python(dict(payload))
        actor = Actor(who, Access.COMMANDER)
        if command.TAG == "declare-incident":
            incident = f"INC-7K3{len(self.states):X}"
        state = self.states.get(incident, IncidentState(id=incident))
        verdict = decide(state, command, actor, self.clock)
        if isinstance(verdict, Refusal):
            return Settled(self.n, incident, reason=verdict.reason, words=verdict.words)
        for proposed in verdict:
            record = seal(state, proposed, actor, self.clock, f"client-{who}", self.n, b"0" * 16)
            state = evolve(state, record, read_event(record))
        self.states[incident] = state
        self._publish(incident)
        return Settled(self.n, incident, state.seq)

    def _publish(self, incident: str) -> None:
        lobby = {id_: LobbyLine(**lobby_line(state)) for id_, state in self.states.items()}
        rooms = dict(self.latest.rooms)
        if incident in rooms:
            old = rooms[incident]
            rooms[incident] = replace(old, state=self.states[incident], people=self.people.get(incident, ()))
        self.show(replace(self.latest, lobby=lobby, rooms=rooms))

    def show(self, view: View) -> None:
        """Hand out another view."""
        self.latest = view
        self.wake(view)

    def start(self) -> None: ...

    def stop(self, timeout: float = 1.0) -> None: ...

    def submit(self, command: Mapping[str, Any], incident: str = "") -> Future[Settled]:
        future: Future[Settled] = Future()
        try:
            future.set_result(self.act(self.me, command, incident))
        except ValueError as error:
            future.set_exception(error)
        return future

    def follow(self, incident: str) -> None:
        if incident in self.states and incident not in self.latest.rooms:
            room = RoomView(incident, self.states[incident], self.people.get(incident, ()), stale=False, caught_up=True)
            self.show(replace(self.latest, rooms={**self.latest.rooms, incident: room}))

    def leave(self, incident: str) -> None:
        self.latest = replace(self.latest, rooms={k: v for k, v in self.latest.rooms.items() if k != incident})

    def follow_lobby(self) -> None:
        self._publish("")

    def present(self, incident: str, looking_at: str = "", idle: int = 0, typing: bool = False) -> None:
        self.present_calls.append((incident, looking_at, typing))

    def light(self, incident: str, target: str, shown: Mapping[str, Any] | None = None) -> None:
        self.asked.append(("light", {"target": target, **({"shown": dict(shown)} if shown else {})}))
        if incident in self.latest.rooms:
            lit = Spotlight(target, self.me, dict(shown or {})) if target else None
            room = replace(self.latest.rooms[incident], spotlight=lit)
            self.show(replace(self.latest, rooms={**self.latest.rooms, incident: room}))

    def watch(self, incident: str, panel: Mapping[str, Any]) -> str:
        key = f"panel-{panel['title']}"
        full = self.fulls.get(str(panel["title"]))
        self.show(replace(self.latest, panels={**self.latest.panels, key: PanelView(key, incident, full=full)}))
        return key

    def unwatch(self, panel: str) -> None: ...

    def tail(self, incident: str, query: str) -> str:
        self.asked.append(("tail", {"incident": incident, "query": query}))
        key = f"tail-{len(self.asked)}"
        view = TailView(key, incident, query, LogBuffer())
        self.show(replace(self.latest, tails={**self.latest.tails, key: view}))
        return key

    def untail(self, key: str) -> None:
        self.show(replace(self.latest, tails={k: v for k, v in self.latest.tails.items() if k != key}))

    def lines(self, key: str, lines: Sequence[LogLine], lost: int = 0, trouble: Trouble | None = None) -> None:
        """Let these lines come on a tail."""
        old = self.latest.tails[key]
        old.buffer.extend(lines, lost)
        new = replace(old, version=old.version + 1, lost=old.lost + lost, trouble=trouble)
        self.show(replace(self.latest, tails={**self.latest.tails, key: new}))

    def request(self, method: str, *, timeout: float = 10.0, **params: Any) -> Future[Any]:
        self.asked.append((method, params))
        future: Future[Any] = Future()
        answers: dict[str, Any] = {
            "panels.for": {"panels": list(self.specs)},
            "playbooks.suggest": {"playbooks": self.suggestions},
            "playbooks.list": {"playbooks": self.suggestions},
        }
        future.set_result(answers.get(method))
        return future

    def seen(self, n: int) -> None: ...


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
