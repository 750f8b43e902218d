"""From the settings to the clients of the telemetry servers: only those that are set, each with its own credentials.

Invariant: a server that does not answer keeps nobody from serving; settings that cannot work are one sentence at the
start.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warroom.bundle.secret_files import GRAFANA_PASSWORD
from warroom.settings.fields import GrafanaSettings, Settings, SourceSettings
from warroom.telemetry.alertmanager import Alertmanager
from warroom.telemetry.grafana import Grafana
from warroom.telemetry.jaeger import Jaeger
from warroom.telemetry.loki import Loki
from warroom.telemetry.prometheus import Prometheus
from warroom.telemetry.relay import Relay
from warroom.telemetry.session import Source
from warroom.telemetry.upstream import Access

GRAFANA_OWNER = "admin"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


async def open_relay(stack: AsyncExitStack, settings: Settings, state_dir: Path) -> Relay | None:
    """The relay over every server that is set, closed with `stack`; None when none is. `state_dir` is where the
    bundled stack keeps its secrets.

    Raises:
        ValueError: a setting of a server cannot work.
    """
    clients = clients_of(settings, state_dir)
    if not clients:
        return None
    for client in clients.values():
        stack.push_async_callback(_close, client)
    return await stack.enter_async_context(Relay(clients))


def clients_of(settings: Settings, state_dir: Path) -> dict[str, Any]:
    """A client for each server that is set, by its kind. Make them inside the event loop that they serve.

    Raises:
        ValueError: a setting cannot work; the sentence names server and field.
    """
    makers: Mapping[str, Any] = {
        "prometheus": Prometheus,
        "alertmanager": Alertmanager,
        "loki": Loki,
        "jaeger": Jaeger,
        "grafana": Grafana,
    }
    clients: dict[str, Any] = {}
    for name, make in makers.items():
        told: SourceSettings = getattr(settings, name)
        if name == "grafana":
            told = with_kept_password(settings.grafana, state_dir)
        if told.url:
            clients[name] = make(source_of(told, name), access=access_of(told))
    return clients


def source_of(settings: SourceSettings, name: str) -> Source:
    """Where a server is, as its client wants it told.

    Raises:
        ValueError: a field cannot work.
    """
    return Source(
        url=settings.url,
        name=name,
        token=settings.token or None,
        username=settings.username or None,
        password=settings.password or None,
        verify=str(settings.ca_file) if settings.ca_file else settings.verify,
        proxy=settings.proxy or None,
    )


def access_of(settings: SourceSettings) -> Access:
    """How to be let in, beyond what the source says."""
    return Access(
        client_cert=str(settings.client_cert or ""),
        client_key=str(settings.client_key or ""),
        tenant=settings.tenant,
    )


def with_kept_password(settings: GrafanaSettings, state_dir: Path) -> SourceSettings:
    """Grafana's settings, with the password that the bundled stack keeps where none is set: only for a Grafana on this
    machine, so that the password is told to no other.
    """
    if settings.token or settings.password or settings.username not in ("", GRAFANA_OWNER):
        return settings
    if urlsplit(settings.url).hostname not in _LOOPBACK:
        return settings
    try:
        password = (state_dir / "stack" / GRAFANA_PASSWORD).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return settings
    return replace(settings, username=GRAFANA_OWNER, password=password) if password else settings


async def _close(client: Any) -> None:
    closing = client.close()
    if inspect.isawaitable(closing):
        await closing
