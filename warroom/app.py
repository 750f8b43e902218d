"""The composition root: a store, the relay, the playbooks, the server and the participants in its process, as one.

    serve  -> SqliteStore -> CoordinationServer <- websocket - Client <- Intake <- Door (HTTP)
                          -> Relay -> Prometheus, Loki, Jaeger, Alertmanager, Grafana

Participants in the process come in by the same door as everybody, with tokens of their own. Invariant: whatever
happens, what was opened is closed in the reverse order, and the participants go before the server does.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warroom.app_health import Watcher, watching
from warroom.app_listen import CannotServe, reachable_at, server_tls, tls_to_ourselves
from warroom.app_sources import open_relay, source_of
from warroom.client.client import Client
from warroom.incident.words import Access
from warroom.participants.intake.door import Door, DoorSettings
from warroom.participants.intake.listener import DoorError, Listener, serve_door
from warroom.participants.intake.participant import Intake
from warroom.participants.intake.quarantine import Quarantine
from warroom.participants.intake.rules import load_rules
from warroom.playbooks.load import installed_library
from warroom.server.auth import digest_of, is_live, mint
from warroom.server.log import SERVICE, JsonLines, log_to_stderr
from warroom.server.run import run_server
from warroom.server.settings import ServerSettings
from warroom.settings.fields import IntakeSettings, PrometheusSettings, Settings
from warroom.settings.places import places
from warroom.store.port import EventStore
from warroom.store.sqlite import SqliteStore
from warroom.telemetry.panels import PanelFileError, load_panels
from warroom.telemetry.relay import Relay
from warroom.telemetry.session import Source
from warroom.tracing.exporter import BadCollector, Exporter
from warroom.tracing.logs import OtlpLogs
from warroom.tracing.opening import open_exporter
from warroom.tracing.spans import Tracer

LOG_FILE = "log.db"
QUARANTINE_FILE = "quarantine.jsonl"
INTAKE_SECRET_FILE = "intake.secret"  # noqa: S105 (the name of a file)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve. `owner` is called by that name in the room and has admin access.

    `yielding`: take another port when the wanted one is in use, and do without the intake when its port is.
    """

    settings: Settings
    data_dir: Path
    owner: str
    intake: bool = True
    yielding: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that takes commands. `remarks` are sentences an operator should see."""

    url: str
    token: str = field(repr=False)
    intake_url: str = ""
    intake_secret: str = field(default="", repr=False)
    ca_file: str = ""
    remarks: tuple[str, ...] = ()


async def serve(plan: Plan, stop: asyncio.Event, ready: Callable[[Running], None]) -> None:
    """Serve until `stop` is set. `ready` is called once, when commands and alerts are taken.

    Raises:
        CannotServe: the settings cannot work, or an address cannot be listened on.
        StoreError: the log cannot be opened; the subclass says why.
    """
    log_to_stderr(getattr(logging, plan.settings.log_level.upper()), plan.settings.environment)
    async with running(plan, stop) as it:
        ready(it)
        await stop.wait()


@asynccontextmanager
async def running(plan: Plan, stop: asyncio.Event) -> AsyncIterator[Running]:
    """A server with its participants, up for as long as the context is entered; `stop` is set if it ends by itself.

    Raises:
        CannotServe, StoreError: as `serve`.
    """
    settings = plan.settings
    tls = server_tls(settings.listen)
    make_data_dir(plan.data_dir)
    async with AsyncExitStack() as stack:
        exporter = stack.enter_context(own_telemetry(settings))
        store = await SqliteStore.open(plan.data_dir / LOG_FILE)
        stack.push_async_callback(store.close)
        token = await kept_token(store, plan.data_dir / "owner.token", plan.owner, Access.ADMIN, plan.clock())
        relay = await _relay(stack, settings)
        remarks = [*store.remarks]
        ending = asyncio.Event()
        watcher = Watcher(settings, plan.data_dir, store, relay, places().state / "stack")
        port = await _server(stack, plan, store, relay, tls, (ending, stop), remarks, watcher, exporter)
        running_ = reachable_at(settings.listen.host, port, secure=tls is not None)
        ca_file = str(settings.listen.tls_cert.absolute()) if settings.listen.tls_cert else ""
        intake_url = secret = ""
        if plan.intake and settings.intake.enabled:
            trust = tls_to_ourselves(ca_file)
            intake_url, secret = await _intake(stack, plan, store, running_, trust, remarks, exporter)
        watcher.intake_url = intake_url
        await stack.enter_async_context(watching(watcher))
        yield Running(running_, token, intake_url, secret, ca_file, tuple(remarks))


@contextmanager
def own_telemetry(settings: Settings) -> Iterator[Exporter | None]:
    """The way to the collector that the settings name, taken by this process's log as well; None without one.

    Raises:
        CannotServe: the address cannot work.
    """
    try:
        exporter = open_exporter(settings.telemetry.otlp, settings.environment)
    except BadCollector as wrong:
        raise CannotServe(f"telemetry.otlp {wrong}") from None
    if exporter is None:
        yield None
        return
    log = logging.getLogger("warroom")
    handler = OtlpLogs(SERVICE, exporter, JsonLines(settings.environment).told)
    log.addHandler(handler)
    try:
        yield exporter
    finally:
        log.removeHandler(handler)
        exporter.close()


def make_data_dir(path: Path) -> None:
    """Make the directory of the log, for its owner only.

    Raises:
        CannotServe: it cannot be used.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid == os.getuid():
            path.chmod(0o700)
    except OSError as error:
        raise CannotServe(f"the data directory {path} cannot be used: {error.strerror}") from None


# -- the server ------------------------------------------------------------------------------------------------------


async def _server(
    stack: AsyncExitStack,
    plan: Plan,
    store: SqliteStore,
    relay: Relay | None,
    tls: ssl.SSLContext | None,
    events: tuple[asyncio.Event, asyncio.Event],
    remarks: list[str],
    watcher: Watcher,
    exporter: Exporter | None = None,
) -> int:
    """Start the server as a task that ends with the stack; returns its port."""
    listen, prometheus = plan.settings.listen, plan.settings.prometheus
    port = listen.port if not plan.yielding or _is_free(listen.host, listen.port) else 0
    try:
        templates = load_panels(prometheus.panels) if prometheus.panels else ()
        server = ServerSettings(
            host=listen.host,
            port=port,
            data_dir=plan.data_dir,
            tls=tls,
            behind_proxy=listen.insecure,
            clock=plan.clock,
            explore=Access(plan.settings.telemetry.explore),
        )
    except PanelFileError as wrong:
        raise CannotServe(str(wrong)) from None
    except ValueError as wrong:
        raise CannotServe(f"{wrong} (--tls-cert and --tls-key, or --insecure-i-know)") from None
    ending, ended = events
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    work = run_server(
        server,
        store,
        relay=relay,
        playbooks=installed_library(),
        panel_templates=templates,
        tracer=Tracer(SERVICE, exporter) if exporter is not None else None,
        more_metrics=exporter.metrics if exporter is not None else str,
        reports=watcher.attach,
        ready=lambda _host, taken: started.set_result(taken),
        stop=ending,
    )
    task = asyncio.create_task(work, name="coordination-server")
    waiting: set[asyncio.Future[Any]] = {task, started}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        try:
            await task
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise CannotServe(f"cannot listen on {listen.host}:{port}: {why}") from None
    task.add_done_callback(lambda _: ended.set())
    stack.push_async_callback(_end, ending, task)
    taken = await started
    if port != listen.port:
        remarks.append(f"port {listen.port} is in use; listening on {taken}")
    return taken


def _is_free(host: str, port: int) -> bool:
    """Whether that port can be listened on at this moment."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError as error:
        return error.errno != errno.EADDRINUSE


async def _end(ending: asyncio.Event, task: asyncio.Task[None]) -> None:
    ending.set()
    await task


# -- tokens and secrets ----------------------------------------------------------------------------------------------


async def kept_token(store: EventStore, path: Path, name: str, access: Access, at: datetime) -> str:
    """The token kept in `path`, or a new one when there is none, it has ended, or it is another's.

    It outlives the process, so that a console goes on after a restart.
    """
    text = _read_secret(path)
    if text:
        row = await store.token(digest_of(text))
        if row is not None and is_live(row, at) and row.name == name and row.access == access.value:
            return text
        if row is not None:
            await store.revoke_token(row.digest, at)
    token = await mint(store, name, access, by="warroom serve", at=at, label=path.stem)
    _write_secret(path, token)
    return token


def intake_secret(settings: IntakeSettings, data_dir: Path) -> str:
    """The secret of the settings, or one made up at the first start and kept."""
    if settings.secret:
        return settings.secret
    path = data_dir / INTAKE_SECRET_FILE
    secret = _read_secret(path)
    if not secret:
        secret = secrets.token_urlsafe(24)
        _write_secret(path, secret)
    return secret


def _read_secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _write_secret(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        fresh.replace(path)
    except OSError as error:
        raise CannotServe(f"{path} cannot be written: {error.strerror}") from None


# -- telemetry and the intake ----------------------------------------------------------------------------------------


async def _relay(stack: AsyncExitStack, settings: Settings) -> Relay | None:
    try:
        return await open_relay(stack, settings, places().state)
    except ValueError as wrong:
        raise CannotServe(str(wrong)) from None


def prometheus_source(settings: PrometheusSettings) -> Source:
    """Where Prometheus is, as its client wants it told.

    Raises:
        ValueError: a field cannot work.
    """
    return source_of(settings, "prometheus")


async def _intake(
    stack: AsyncExitStack,
    plan: Plan,
    store: EventStore,
    url: str,
    tls: ssl.SSLContext | None,
    remarks: list[str],
    exporter: Exporter | None = None,
) -> tuple[str, str]:
    """Open the door for alerts; returns its URL and secret, empty when it had to yield."""
    settings = plan.settings.intake
    tracer = Tracer(f"{SERVICE}-intake", exporter) if exporter is not None else None
    secret = intake_secret(settings, plan.data_dir)
    token = await kept_token(store, plan.data_dir / "intake.token", "intake", Access.RESPONDER, plan.clock())
    try:
        rules = load_rules(settings.rules)
        about = DoorSettings(secret=secret, routing_keys=dict(settings.routing_keys))
        quarantine = Quarantine(plan.data_dir / QUARANTINE_FILE, secrets=(secret, *settings.routing_keys.values()))
        outbox = plan.data_dir / "intake" / "outbox.db"
        client = await stack.enter_async_context(
            Client(url, token, outbox=outbox, kind="automation", agent="intake", tls=tls, tracer=tracer)
        )
        intake = await stack.enter_async_context(Intake(client, rules, tracer=tracer))
        door = Door(about, intake.handle, quarantine)
        listener: Listener = await serve_door(door.app, settings.host, settings.port)
    except DoorError as error:
        if not plan.yielding:
            raise CannotServe(str(error)) from None
        remarks.append(f"no alerts are taken: {error}")
        return "", ""
    except ValueError as wrong:
        raise CannotServe(f"the intake: {wrong}") from None
    stack.push_async_callback(listener.stop)
    return listener.url, secret
