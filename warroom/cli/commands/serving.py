"""The local server: run it, end it, and what its door for alerts could not use."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context, login_name
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.app import Plan, Running


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="Address to listen on; loopback unless told otherwise.")
@click.option("--port", type=click.IntRange(0, 65_535), metavar="PORT", help="Port to listen on; 0 takes a free one.")
@click.option("--data-dir", type=click.Path(), metavar="DIR", help="Directory of the log.")
@click.option("--tls-cert", type=click.Path(), metavar="FILE", help="Certificate chain (PEM).")
@click.option("--tls-key", type=click.Path(), metavar="FILE", help="Key of the certificate (PEM).")
@click.option("--insecure-i-know", is_flag=True, default=None, help="Listen beyond loopback without TLS.")
@click.option("--intake/--no-intake", default=None, help="Whether to open the door for alerts.")
@click.option("--intake-port", type=click.IntRange(0, 65_535), metavar="PORT", help="Port of the door for alerts.")
@click.option("--ready-fd", type=int, hidden=True, help="Say `ready` there; for whoever starts us in the background.")
def serve_command(
    host: str | None,
    port: int | None,
    data_dir: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    insecure_i_know: bool | None,
    intake: bool | None,
    intake_port: int | None,
    ready_fd: int | None,
) -> None:
    """Run the coordination server and the door for alerts.

    Until Ctrl-C or SIGTERM. Consoles and commands on this machine find it by themselves.
    """
    here = context()
    here.flags |= {
        "listen.host": host,
        "listen.port": port,
        "listen.tls_cert": Path(tls_cert).absolute() if tls_cert else None,
        "listen.tls_key": Path(tls_key).absolute() if tls_key else None,
        "listen.insecure": insecure_i_know,
        "intake.enabled": intake,
        "intake.port": intake_port,
        "data_dir": Path(data_dir).absolute() if data_dir else None,
    }
    try:
        _serve(ready_fd)
    except Stop as stop:
        _tell(ready_fd, stop.words)
        raise


def _serve(ready_fd: int | None) -> None:
    from warroom.app import Plan
    from warroom.app_listen import CannotServe
    from warroom.store.port import StoreDamaged, StoreError, StoreLocked

    here = context()
    settings = here.loaded.settings
    plan = Plan(
        settings=settings,
        data_dir=settings.data_dir or here.places.data,
        owner=settings.name or login_name(),
        yielding=ready_fd is not None,
    )
    try:
        asyncio.run(_served(plan, ready_fd))
    except CannotServe as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    except StoreLocked as locked:
        raise Stop(Exit.REFUSED, f"locked: {locked}" if ready_fd is not None else str(locked)) from None
    except StoreDamaged as damaged:
        raise Stop(Exit.DAMAGED, str(damaged)) from None
    except StoreError as error:
        raise Stop(Exit.REFUSED, str(error)) from None


async def _served(plan: Plan, ready_fd: int | None) -> None:
    from warroom.app import serve
    from warroom.cli.local import LocalServer, born, remove_runtime, write_runtime

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    path = context().places.runtime_file

    def ready(running: Running) -> None:
        at = datetime.now(UTC).isoformat()
        me = os.getpid()
        local = LocalServer(running.url, running.token, me, at, running.intake_url, running.ca_file, born(me))
        try:
            write_runtime(path, local)
        except OSError as error:
            raise Stop(Exit.USAGE, f"{path} cannot be written: {error.strerror or error}") from None
        _announce(running, plan)
        _tell(ready_fd, "ready")

    try:
        await serve(plan, stop, ready)
    finally:
        remove_runtime(path, os.getpid())


def _announce(running: Running, plan: Plan) -> None:
    for remark in running.remarks:
        output.say(f"note: {remark}")
    output.say(f"serving {running.url} from {plan.data_dir}; Ctrl-C ends it")
    if running.intake_url:
        output.say(f"alerts: {running.intake_url}/alertmanager, with the secret in {plan.data_dir}/intake.secret"
                   if not plan.settings.intake.secret
                   else f"alerts: {running.intake_url}/alertmanager")  # fmt: skip
    output.say("`warroom` opens the console, `warroom invite` lets somebody in")


def _tell(ready_fd: int | None, words: str) -> None:
    if ready_fd is None:
        return
    try:
        os.write(ready_fd, " ".join(words.split()).encode() + b"\n")
        os.close(ready_fd)
    except OSError as error:
        output.say(f"whoever started this server has gone: {error.strerror}")


@click.command("stop")
def stop_command() -> None:
    """End the local server."""
    from warroom.cli.local import stop

    ended = stop(context().places)
    output.say("no server runs on this machine" if ended is None else f"the server (pid {ended.pid}) has ended")


@click.group("quarantine")
def quarantine_command() -> None:
    """What the door for alerts could not understand or place."""


@quarantine_command.command("list")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most that many.")
@json_option
def quarantine_list(limit: int, as_json: bool) -> None:
    """List what was kept, newest first."""
    from dataclasses import asdict

    from warroom.participants.intake.quarantine import Quarantine

    here = context()
    path = (here.loaded.settings.data_dir or here.places.data) / "quarantine.jsonl"
    quarantine = Quarantine(path)
    if quarantine.trouble:
        raise Stop(Exit.REFUSED, quarantine.trouble)
    entries = quarantine.entries(limit)
    if as_json:
        output.put_json("quarantine", {"entries": [asdict(entry) for entry in entries]})
        return
    if not entries:
        output.say("nothing is in quarantine")
    for entry in entries:
        at = datetime.fromisoformat(entry.at).astimezone(here.zone)
        where = f" {entry.field}:" if entry.field else ""
        wanted = f" (expected {entry.expected})" if entry.expected else ""
        output.data(
            f"{entry.number:>4}  {at:%Y-%m-%d %H:%M:%S}  {entry.kind}  {entry.door}:{where} {entry.problem}{wanted}"
        )
