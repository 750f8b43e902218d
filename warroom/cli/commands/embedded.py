"""The embedded backends on loopback ports, for whoever asks or feeds them: a Grafana, a Prometheus, a program."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warroom.cli import output
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.embedded.serve import Plan, Served


@click.command("embedded")
@click.option(
    "--port-base",
    type=click.IntRange(0, 65_532),
    default=9870,
    show_default=True,
    metavar="PORT",
    help="First of four ports: Prometheus, Loki, Jaeger, Alertmanager; 0 takes free ones.",
)
@click.option(
    "--rules", multiple=True, type=click.Path(), metavar="FILE", help="Evaluate a Prometheus rule file; repeatable."
)
@click.option(
    "--scrape",
    multiple=True,
    metavar="[JOB=]HOST:PORT[/PATH]",
    help="Scrape a target of this machine; repeatable.",
)
@click.option(
    "--interval",
    type=click.FloatRange(1, 3600),
    default=15,
    show_default=True,
    metavar="SECONDS",
    help="How often to scrape, and to evaluate rules that name no interval.",
)
@click.option(
    "--retention",
    default="24h",
    show_default=True,
    metavar="LENGTH",
    help="How long metrics, logs and traces are kept, such as 6h.",
)
def embedded_command(
    port_base: int, rules: tuple[str, ...], scrape: tuple[str, ...], interval: float, retention: str
) -> None:
    """Serve Prometheus, Loki, Jaeger and Alertmanager APIs from memory.

    Until Ctrl-C, on loopback. They take remote write, OTLP and Loki's push, and scrape; nothing is written to disk.
    """
    from warroom.cli.parsing import parse_duration
    from warroom.embedded.serve import CannotServe, Plan

    try:
        seconds = parse_duration(retention).total_seconds()
    except ValueError as wrong:
        raise Stop(Exit.USAGE, f"--retention: {wrong}") from None
    if seconds <= 0:
        raise Stop(Exit.USAGE, "--retention: more than nothing, such as 6h")
    plan = Plan(port_base, tuple(Path(one) for one in rules), scrape, seconds, interval)
    try:
        asyncio.run(_served(plan))
    except CannotServe as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


async def _served(plan: Plan) -> None:
    from warroom.embedded.serve import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(plan, stop, _announce)


def _announce(served: Served) -> None:
    for kind, url in served.urls.items():
        output.data(f"{kind:<12}  {url}")
    output.say(f"remote write goes to {served.urls['prometheus']}/api/v1/write, traces to "
               f"{served.urls['jaeger']}/v1/traces; nothing outlives this process; Ctrl-C ends it")  # fmt: skip
    sys.stdout.flush()
