"""The console: opened on the server that is meant, or on a local one that is started for it."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from warroom.cli.context import Context, context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import INCIDENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from warroom.client.view import View


@click.command("console")
@click.argument("inc", type=INCIDENT, required=False)
def console_command(inc: str | None) -> None:
    """Open the console.

    On the server that is meant; on this machine's own when none is named, which is started when none runs.
    """
    open_console(context(), inc or "")


def open_console(here: Context, inc: str = "") -> None:
    """Run the console until the person leaves.

    Raises:
        Stop: there is no terminal to draw on.
    """
    need_terminal()
    # What is loaded for the first frame stays; collecting it over and over only delays that frame.
    gc.disable()
    from warroom.tui.app import ConsoleOptions, run

    settings = here.loaded.settings
    keymap, complaints = keymap_of(here)
    incident = _incident(here, inc)
    options = ConsoleOptions(
        me=here.me,
        incident=incident,
        theme=settings.console.theme or None,
        keymap=keymap,
        zone=here.zone,
        memory=here.places.state / "console.json",
        calm=settings.console.calm,
        complaints=complaints,
        traced=bool(settings.telemetry.otlp),
    )
    run(opener_of(here), options)


def keymap_of(here: Context) -> tuple[dict[str, str], tuple[str, ...]]:
    """The person's own keys, and what is wrong with them: a wrong keymap file keeps nobody out of an incident."""
    from warroom.tui.keymap import KeymapError, load_keymap

    try:
        return load_keymap(here.loaded.settings.console.keymap or here.places.config / "keymap.toml"), ()
    except KeymapError as wrong:
        return {}, (f"{wrong}\nThe keys are the usual ones; `warroom keys` checks the file",)


def _incident(here: Context, inc: str) -> str:
    if not inc:
        return ""
    from warroom.incident.ids import parse_incident_id

    try:
        return parse_incident_id(inc)
    except ValueError:
        return here.incident(inc)


def need_terminal() -> None:
    """Make sure that there is a terminal to draw on.

    Raises:
        Stop: there is none; names what works without.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        words = "the console needs a terminal; without one use `warroom show`, `warroom follow --plain`, `warroom note`"
        raise Stop(Exit.USAGE, words)
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        words = f"the console cannot draw on TERM={os.environ.get('TERM', '')!r}; use `warroom follow --plain`"
        raise Stop(Exit.USAGE, words)


def opener_of(here: Context) -> Callable[[Callable[[View], None]], Any]:
    """What makes the console's client once the first frame is out; starting a server then may take a second."""
    named = here.loaded.settings.server or here.joined()

    tracer = here.tracer("warroom-console")

    def open_client(wake: Callable[[View], None]) -> Any:
        from warroom.cli.local import find_or_start
        from warroom.client.thread import ClientThread

        if not named:
            find_or_start(here.places)
        server = here.server
        home = here.home(server.url)
        return ClientThread(
            server.url,
            server.token,
            outbox=home.outbox_of(server.name) if server.name else home.outbox,
            kind="console",
            tls=here.tls,
            name=here.me,
            wake=wake,
            tracer=tracer,
        )

    return open_client
