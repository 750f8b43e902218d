"""The demo: a room full of life in one process."""

from __future__ import annotations

import click

from warroom.cli.context import context


@click.command("demo")
@click.option("--plain", is_flag=True, help="Print a line for each event in place of the console.")
def demo_command(plain: bool) -> None:
    """A room full of life: nothing else installed."""
    from warroom.demo import run

    run(context(), plain=plain)
