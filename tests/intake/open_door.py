"""A door whose room is a list, and two ways to ask it: over a socket, and without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.intake.hostile_requests import MOST_BYTES, ROUTING_KEY, SECRET, Request
from warroom.participants.intake.alert import Alert
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import Listener
from warroom.participants.intake.outcome import Outcome
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.reading import Bounds

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)


@dataclass
class Room:
    """Stands where the participant stands: notes what it is handed, answers as told."""

    alerts: list[Alert] = field(default_factory=list)
    answer: Callable[[Alert], Outcome | Awaitable[Outcome]] = lambda alert: Outcome("opened", "INC-7K3Q", "open")

    async def __call__(self, alert: Alert) -> Outcome:
        self.alerts.append(alert)
        answered = self.answer(alert)
        return answered if isinstance(answered, Outcome) else await answered


def make_door(room: Room, quarantine: Quarantine | None = None, **changes: Any) -> Door:
    told: dict[str, Any] = {"per_second": 1e6, "burst": 10**6, "bounds": Bounds(size=MOST_BYTES), **changes}
    settings = DoorSettings(secret=SECRET, routing_keys={"shop": ROUTING_KEY}, **told)
    kept = Quarantine(secrets=[SECRET, ROUTING_KEY]) if quarantine is None else quarantine
    return Door(settings, room, kept, now=lambda: NOW)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(listener: Listener, request: Request) -> Answer:
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: 127.0.0.1:{listener.port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.head().items()]
    lines.append(f"Content-Length: {len(request.body)}")
    return await ask_raw(listener, "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)


async def ask_raw(listener: Listener, raw: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(listener.host, listener.port)
    try:
        writer.write(raw)
        async with asyncio.timeout(20):
            answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    if not answer:
        raise ConnectionResetError("closed without an answer")
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in rest}
    return Answer(int(first.split()[1]), headers, body)


async def asgi(app: Any, request: Request) -> Answer:
    """One request without a socket."""
    path, _, query = request.path.partition("?")
    sent: list[dict[str, Any]] = []
    parts = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in request.head().items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2), "scheme": "http", "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return Answer(sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, body)
