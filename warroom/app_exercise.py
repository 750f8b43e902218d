"""The composition root of exercises: log, imaginary production, embedded backends, server and facilitator, as one.

    Drill (world, telemetry) -> embedded backends -> Relay -> CoordinationServer <- websocket - Facilitator, colleagues
                                                                                 <- websocket - players

Invariant: nothing here reads the settings of real backends, integrations or alerts, and while it runs the process opens
no connection but to its own server. What was opened is closed in the reverse order.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warroom.app_exercise_store import LOG_FILE, keep_key
from warroom.app_listen import CannotServe, reachable_at, server_tls, tls_to_ourselves
from warroom.client.client import Client
from warroom.incident.decode import fold
from warroom.incident.ids import incident_id
from warroom.incident.record import Record
from warroom.incident.words import Access
from warroom.ops import machine
from warroom.ops.health import Result, Status
from warroom.ops.monitor import Monitor
from warroom.playbooks.load import installed_library
from warroom.server import summary
from warroom.server.auth import invite, mint
from warroom.server.run import run_server
from warroom.server.settings import ServerSettings
from warroom.settings.fields import ListenSettings
from warroom.store.port import EventStore
from warroom.store.sqlite import SqliteStore
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.branch import going_on
from warroom.tabletop.clock import ExerciseClock
from warroom.tabletop.deeds import FACILITATOR, Whisper
from warroom.tabletop.drill import Drill, Telemetry
from warroom.tabletop.headless import play
from warroom.tabletop.isolation import isolated
from warroom.tabletop.live import Facilitator
from warroom.tabletop.live_team import LiveTeam
from warroom.tabletop.model import Scenario
from warroom.tabletop.responders import Colleagues
from warroom.tabletop.room import Room
from warroom.telemetry.backend import SourceState
from warroom.telemetry.clock import SystemClock
from warroom.telemetry.relay import Relay

MONTH = 31 * 86_400
"""Seconds that a token and a code live, by the exercise's clock, which may run fast."""
_LABEL = "exercise"


class CannotHost(Exception):
    """The exercise cannot be hosted as asked; one sentence says why and what would be right."""


@dataclass(frozen=True, slots=True)
class ExercisePlan:
    """What to play, and how. `me` runs it: as a host, or `solo` as the one player among automated colleagues.

    `speed` is the pace once it starts, which is when `players` are in the room, else by a host's hand; where `me` is no
    host, as when solo, once they are there. `branch` is a log, and the second of it from which this exercise goes on.
    `directory` is where the log stays, `incident` what the exercise is called on it. TLS is as for `serve`.

    `team` plays by itself, the usual colleagues where it is None and the exercise solo. It has played for the first
    `head_start` seconds when the exercise opens, which then runs already; `start` lies so long in the past.
    """

    scenario: Scenario
    seed: int
    me: str
    directory: Path
    start: datetime
    speed: float = 1.0
    players: int = 0
    solo: bool = False
    listen: ListenSettings = field(default_factory=lambda: ListenSettings(port=0))
    branch: tuple[tuple[Record, ...], int] | None = None
    team: Bot | None = None
    head_start: int = 0
    telemetry: Telemetry | None = None
    incident: str = field(default_factory=lambda: incident_id(secrets.randbits(40), 6))


@dataclass(frozen=True, slots=True)
class OpenExercise:
    """An exercise that takes players. `codes` are one for each player; `token` is of whoever runs it."""

    plan: ExercisePlan
    url: str
    clock: ExerciseClock
    facilitator: Facilitator
    token: str = field(repr=False)
    codes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def incident(self) -> str:
        return self.plan.incident

    async def start(self) -> None:
        """Let its time run, at the pace of the plan."""
        await self.facilitator.do("pace", {"speed": self.plan.speed}, self.plan.me)


@asynccontextmanager
async def exercise(plan: ExercisePlan, clock: ExerciseClock | None = None) -> AsyncIterator[OpenExercise]:
    """An exercise with everybody who plays by themselves, up for as long as the context is entered.

    Raises:
        CannotHost: the port is taken, or the directory cannot be used.
        CannotPlay: the room refused the exercise.
        StoreError: the log cannot be written.
    """
    async with AsyncExitStack() as stack:
        isolation = stack.enter_context(isolated())
        clock = clock or ExerciseClock(plan.start)
        team = plan.team or (Colleagues(plan.seed) if plan.solo else None)
        drill, records, whispers = await asyncio.to_thread(_opening, plan, team)
        clock.go_on_from(drill.second)
        store = await _store(stack, plan, records)
        keep_key(plan.directory, drill.key)
        tokens = await _tokens(store, plan, team, clock.moment())
        codes = [
            await invite(store, Access.RESPONDER, by=plan.me, at=clock.moment(), code_seconds=MONTH, ttl_seconds=MONTH)
            for _ in range(plan.players)
        ]
        relay = await stack.enter_async_context(Relay(drill.backends.clients(), clock=clock))
        monitor = _health(relay, plan.directory)
        # The facilitator answers the server's questions and is a client of it: it is made between the two.
        seat = _Seat(frozenset(drill.hosts))
        url, trust = await _serve(stack, plan, store, relay, clock, monitor, seat)
        isolation.ports.add(urlsplit(url).port or 0)
        client = Client(url, tokens[FACILITATOR], kind="automation", agent="exercise", tls=trust)
        await stack.enter_async_context(client)
        facilitator = Facilitator(client, drill, clock, hosts=drill.hosts, speed=plan.speed, whispers=whispers)
        await facilitator.take_up(plan.incident)
        seat.taken_by(facilitator)
        await _working(stack, monitor.run(), "exercise-health")
        await _working(stack, facilitator.run(), "exercise-facilitator")
        if team is not None:
            theirs = {name: tokens[name] for name in team.team}
            await stack.enter_async_context(LiveTeam(team, facilitator, theirs, url, trust))
        opened = OpenExercise(plan, url, clock, facilitator, tokens[plan.me], tuple(codes))
        if (plan.players or plan.me not in drill.hosts) and not plan.head_start:
            await _working(stack, _start_when_here(opened, team), "exercise-start")
        stack.push_async_callback(facilitator.abandon)
        yield opened


def _opening(plan: ExercisePlan, team: Bot | None) -> tuple[Drill, tuple[Record, ...], tuple[Whisper, ...]]:
    """The drill as it stands before anybody comes, with its log until then and what was whispered."""
    if plan.branch is not None:
        records, second = plan.branch
        return going_on(records, plan.scenario, second, incident=plan.incident)
    hosts = () if plan.solo else (plan.me,)
    drill = Drill(
        plan.scenario, plan.seed, plan.start, key=secrets.token_bytes(32), hosts=hosts,
        speed=plan.speed if plan.head_start else 0.0, telemetry=plan.telemetry, history=True,
    )  # fmt: skip
    room = Room(plan.incident, plan.seed, secrets.token_hex(16))
    refusal = room.ask(FACILITATOR, drill.declaration(), plan.start)
    if refusal is not None:
        raise CannotHost(f"the exercise could not be declared: {refusal.words}")
    whispers: tuple[Whisper, ...] = ()
    if plan.head_start and team is not None:
        whispers = play(drill, room, team, seconds=plan.head_start).whispers
    return drill, tuple(room.records), whispers


async def _store(stack: AsyncExitStack, plan: ExercisePlan, records: Sequence[Record]) -> SqliteStore:
    """The exercise's own log, with what is on it so far."""
    if (plan.directory / LOG_FILE).exists():
        raise CannotHost(f"{plan.directory} holds a log already; name a directory that is new or empty")
    try:
        plan.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotHost(f"{plan.directory} cannot be used: {error.strerror or error}") from None
    store = await SqliteStore.open(plan.directory / LOG_FILE)
    stack.push_async_callback(store.close)
    await keep(store, records)
    return store


async def keep(store: EventStore, records: Sequence[Record]) -> None:
    """Write a whole log that is not there yet, in one durable step.

    Raises:
        StoreError: it cannot be written.
    """
    if records:
        line = summary.encode(summary.line_of(fold(records)))
        await store.append(records[0].incident, 0, list(records), summary=line)


async def keep_in(directory: Path, records: Sequence[Record]) -> None:
    """Write a whole log into a directory of its own.

    Raises:
        StoreError: it cannot be written.
    """
    store = await SqliteStore.open(directory / LOG_FILE)
    try:
        await keep(store, records)
    finally:
        await store.close()


async def _tokens(store: EventStore, plan: ExercisePlan, team: Bot | None, at: datetime) -> dict[str, str]:
    """Tokens by name: of the facilitator, of whoever runs it, of the colleagues."""
    names = {FACILITATOR: Access.RESPONDER, plan.me: Access.COMMANDER}
    names |= dict.fromkeys(team.team if team is not None else (), Access.RESPONDER)
    return {name: await mint(store, name, access, by="warroom", at=at, label=_LABEL) for name, access in names.items()}


class _Seat:
    """The facilitator's place at the server's desk, from before it has come in."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts
        self._who: Facilitator | None = None

    def taken_by(self, who: Facilitator) -> None:
        self._who = who

    @property
    def incident(self) -> str:
        return self._who.incident if self._who else ""

    def view(self) -> Mapping[str, Any]:
        return self._who.view() if self._who else {}

    def whispers(self, who: str) -> Sequence[Mapping[str, Any]]:
        return self._who.whispers(who) if self._who else ()

    async def do(self, what: str, told: Mapping[str, Any], by: str) -> str:
        if self._who is None:
            raise ValueError("the exercise has not been opened yet")
        return await self._who.do(what, told, by)


async def _serve(
    stack: AsyncExitStack,
    plan: ExercisePlan,
    store: SqliteStore,
    relay: Relay,
    clock: ExerciseClock,
    monitor: Monitor,
    seat: _Seat,
) -> tuple[str, ssl.SSLContext | None]:
    """Start the server as a task that ends with the stack; returns its URL, and how to trust it from here."""
    listen = plan.listen
    try:
        settings = ServerSettings(
            host=listen.host, port=listen.port, name="EXERCISE", data_dir=plan.directory, close_seconds=0.3,
            clock=clock.moment, tls=server_tls(listen), behind_proxy=listen.insecure,
        )  # fmt: skip
    except (CannotServe, ValueError) as wrong:
        raise CannotHost(str(wrong)) from None
    stop = asyncio.Event()
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    work = run_server(
        settings, store, relay=relay, playbooks=installed_library(), reports=lambda _: {"health": monitor.latest},
        facilitation=seat, ready=lambda _, port: ready.set_result(port), stop=stop,
    )  # fmt: skip
    serving = asyncio.create_task(work, name="exercise-server")
    waited: set[asyncio.Future[Any]] = {serving, ready}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        try:
            await serving
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            where = f"{listen.host}:{listen.port}"
            raise CannotHost(f"cannot listen on {where}: {why}; --port 0 takes a free one") from None
        raise CannotHost("the server ended as soon as it began")

    async def end() -> None:
        stop.set()
        await serving

    stack.push_async_callback(end)
    trust = tls_to_ourselves(str(listen.tls_cert.absolute()) if listen.tls_cert else "")
    return reachable_at(listen.host, ready.result(), secure=settings.tls is not None), trust


def _health(relay: Relay, directory: Path) -> Monitor:
    """What the health pane shows: this machine, and the imaginary backends, labelled as such."""

    async def looked() -> list[Result]:
        return [machine.memory(), await asyncio.to_thread(machine.disk, directory)]

    async def backends() -> list[Result]:
        return [_backend(one) for one in await relay.sources()]

    return Monitor({"machine": looked, "backends": backends}, SystemClock())


def _backend(one: SourceState) -> Result:
    status = Status.HEALTHY if one.healthy else Status.DEGRADED
    words = "of the exercise: an imaginary production behind it" if one.healthy else one.words
    details = {"kind": one.kind, "breaker": one.state, "version": one.version}
    return Result(one.name, status, words, one.latency_ms or 0.0, details=details)


async def _working(stack: AsyncExitStack, work: Any, name: str) -> None:
    """Let it work until the stack is left."""
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def _start_when_here(opened: OpenExercise, team: Bot | None) -> None:
    """Start once everybody is in the room: all players that were asked for, or whoever plays without a host; but not
    what was started by hand meanwhile.
    """
    plan, room = opened.plan, opened.facilitator.room
    wanted = plan.players or 1

    def here() -> int:
        aside = {FACILITATOR, plan.me} if plan.players else {FACILITATOR}
        return len({one.name for one in room.people} - aside - set(team.team if team is not None else ()))

    facilitator, changed = opened.facilitator, asyncio.Event()
    forget = facilitator.on_change(changed.set)
    try:
        while (missing := max(0, wanted - here())) and not facilitator.clock.speed:
            facilitator.missing = missing
            changed.clear()
            await changed.wait()
        if not facilitator.clock.speed:
            await opened.start()
    finally:
        facilitator.missing = 0
        forget()


def fresh_directory(root: Path, scenario: Scenario, at: datetime | None = None) -> Path:
    """A directory of its own for a new run, by scenario and time."""
    moment = at or datetime.now(UTC)
    wanted = root / f"{scenario.metadata.code}-{moment:%Y%m%dT%H%M%S}"
    found, number = wanted, 2
    while found.exists():
        found, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return found
