"""Run a coordination server until it is told to stop.

Invariant: when `run_server` returns, everything acknowledged is in the store and the store is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from warroom.garbage import collect_seldom
from warroom.playbooks.load import Library
from warroom.server.asking import Facilitation
from warroom.server.listener import CoordinationServer
from warroom.server.settings import ServerSettings
from warroom.store.port import EventStore
from warroom.telemetry.panels import PanelTemplate
from warroom.telemetry.relay import Relay
from warroom.tracing.spans import Tracer


async def run_server(
    settings: ServerSettings,
    store: EventStore,
    *,
    relay: Relay | None = None,
    playbooks: Library | None = None,
    panel_templates: tuple[PanelTemplate, ...] = (),
    tracer: Tracer | None = None,
    more_metrics: Callable[[], str] = str,
    reports: Callable[[CoordinationServer], Mapping[str, Callable[[], Any]]] | None = None,
    facilitation: Facilitation | None = None,
    ready: Callable[[str, int], None] | None = None,
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set, then drain and close the store. `ready` is called with host and port once.
    `tracer` tells of every command and request; `more_metrics` is text for /metrics.
    `reports` is given the server and says what it hands out about the product itself, JSON-able: `health`, `stack`.
    `facilitation` answers the hosts of the exercise that the server is for, if it is for one.

    Raises:
        OSError: the address cannot be listened on.
        StoreError: the log cannot be read.
    """
    server = CoordinationServer(
        settings, store, relay=relay, playbooks=playbooks, panel_templates=panel_templates, tracer=tracer
    )
    server.more_metrics = more_metrics
    server.reports = {} if reports is None else reports(server)
    server.facilitation = facilitation
    try:
        await server.start()
        collect_seldom()
        if ready is not None:
            ready(settings.host, server.port)
        await stop.wait()
    finally:
        await server.drain()
        await store.close()
