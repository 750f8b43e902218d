"""The whole alert intake: client, participant, quarantine and door, started and ended together.

One invariant: the door opens last and closes first, so no alert is taken that cannot be carried on.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from warroom.client.client import Client
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import Listener, serve_door
from warroom.participants.intake.participant import Intake
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.rules import Rules

DEFAULT_PORT: Final = 8766


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """`url` and `token` lead to the coordination server; `secret` and `routing_keys` open the door.

    `state_dir` holds the outbox and the quarantine; without it both are in memory and end with the process.
    """

    url: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    rules: Rules
    routing_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    state_dir: Path | None = None
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class RunningIntake:
    """What runs. `listener.url` is where the door is."""

    listener: Listener
    door: Door
    intake: Intake
    quarantine: Quarantine


@asynccontextmanager
async def running_intake(settings: IntakeSettings) -> AsyncIterator[RunningIntake]:
    """Run the alert intake for as long as the block lasts. It also starts while the server is away.

    Raises:
        DoorError: the address of the door cannot be had.
        ValueError: a secret is too short.
        OSError: the state directory cannot be used.
    """
    home = settings.state_dir
    if home is not None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = [settings.secret, settings.token, *settings.routing_keys.values()]
    quarantine = Quarantine(home / "quarantine.jsonl" if home else None, secrets=known)
    client = Client(
        settings.url,
        settings.token,
        outbox=home / "intake.outbox" if home else None,
        kind="automation",
        agent="alert intake",
        tls=settings.tls,
    )
    async with client, Intake(client, settings.rules) as intake:
        door = Door(DoorSettings(settings.secret, settings.routing_keys), intake.handle, quarantine)
        listener = await serve_door(door.app, settings.host, settings.port)
        try:
            yield RunningIntake(listener, door, intake, quarantine)
        finally:
            await listener.stop()
