"""The demo's house: log, made-up telemetry and server in one loop, with everybody's tokens.

Invariant: what was opened is closed in the reverse order, and a temporary directory never outlives it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from warroom.demo.clock import DemoClock
from warroom.demo.names import ALERTMANAGER, CAST, ELSEWHERE
from warroom.demo.past import DEPLOYED, PLAYBOOK, tell_past
from warroom.demo.series import PANELS
from warroom.demo.telemetry import health, sources, watching
from warroom.demo.world import World
from warroom.incident.words import Access
from warroom.playbooks.load import installed_library
from warroom.server.auth import mint
from warroom.server.run import run_server
from warroom.server.settings import ServerSettings
from warroom.store.sqlite import SqliteStore
from warroom.telemetry.relay import Relay

LOG_FILE = "log.db"


class CannotShow(Exception):
    """The demo cannot start; one sentence says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`me` is the name of the one who runs it; `port` 0 takes a free one; `keep` is where the log is to stay."""

    me: str
    clock: DemoClock
    seed: int = 7
    port: int = 0
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """A house that takes commands. `tokens` are by name; `head` is the last entry of the past."""

    plan: Plan
    url: str
    world: World
    incident: str
    elsewhere: str
    head: int
    tokens: dict[str, str] = field(repr=False)

    @property
    def me(self) -> str:
        return self.plan.me


@asynccontextmanager
async def house(plan: Plan) -> AsyncIterator[Open]:
    """Log with its past, telemetry and server, up for as long as the context is entered.

    Raises:
        CannotShow: the port is taken, or the directory to keep cannot be used.
        StoreError: the log cannot be written.
    """
    async with AsyncExitStack() as stack:
        directory = _directory(plan, stack)
        store = await SqliteStore.open(directory / LOG_FILE)
        stack.push_async_callback(store.close)
        zero = plan.clock.moment()
        library = installed_library()
        playbook = next(one for one in library.playbooks if one.id == PLAYBOOK).pinned().model_dump(mode="json")
        past = tell_past(zero, plan.seed, playbook)
        for chronicle in (past.main, *past.others):
            await chronicle.write(store)
        tokens = {}
        for name in (*CAST, ELSEWHERE, ALERTMANAGER):
            tokens[name] = await mint(store, name, Access.RESPONDER, by="warroom demo", at=zero, label="demo")
        tokens[plan.me] = await mint(store, plan.me, Access.COMMANDER, by="warroom demo", at=zero, label="demo")
        world = World(plan.seed, (zero + timedelta(minutes=DEPLOYED)).timestamp())
        relay = await stack.enter_async_context(Relay(sources(world, plan.clock), clock=plan.clock))
        monitor = health(relay, store, directory)
        settings = ServerSettings(
            port=plan.port, name="made-up data", data_dir=directory, close_seconds=0.3, clock=plan.clock.moment
        )
        stop = asyncio.Event()
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        work = run_server(
            settings, store, relay=relay, playbooks=library, panel_templates=PANELS,
            reports=lambda _: {"health": monitor.latest}, ready=lambda _, port: ready.set_result(port), stop=stop,
        )  # fmt: skip
        serving = asyncio.create_task(work, name="demo-server")
        waited: set[asyncio.Future[Any]] = {serving, ready}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            try:
                await serving
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                raise CannotShow(f"cannot listen on port {plan.port}: {why}; --port 0 takes a free one") from None
            raise CannotShow("the server ended as soon as it began")
        stack.push_async_callback(_end, stop, serving)
        # The server closes the log when it ends: nobody looks at it then any more.
        await stack.enter_async_context(watching(monitor))
        yield Open(
            plan, f"ws://127.0.0.1:{ready.result()}/ws", world, past.main.state.id, past.others[0].state.id,
            past.main.state.seq, tokens,
        )  # fmt: skip


async def _end(stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    stop.set()
    await serving


def _directory(plan: Plan, stack: AsyncExitStack) -> Path:
    """Where the log is kept, made if it is not there; a temporary one goes with the stack."""
    if plan.keep is None:
        directory = Path(tempfile.mkdtemp(prefix="warroom-demo-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        return directory
    if (plan.keep / LOG_FILE).exists():
        raise CannotShow(f"{plan.keep} holds a log already; name a directory that is new or empty")
    try:
        plan.keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotShow(f"{plan.keep} cannot be used: {error.strerror or error}") from None
    return plan.keep
