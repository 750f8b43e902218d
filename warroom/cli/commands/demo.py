"""The demo: a room full of life in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from warroom.cli import output
from warroom.cli.commands.console import keymap_of, need_terminal
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


@click.command("demo")
@click.option("--plain", "--headless", "plain", is_flag=True, help="Print a line for each event, not the console.")
@click.option("--seconds", type=click.FloatRange(0, 86_400), metavar="N", help="With --plain: end after so long.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="How fast its clock runs.")
@click.option("--seed", type=click.IntRange(0, 1_000_000), default=7, show_default=True, help="Other details.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, metavar="PORT", help="Where it listens; 0: anywhere."
)
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep its log there.")
def demo_command(plain: bool, seconds: float | None, speed: float, seed: int, port: int, keep: Path | None) -> None:
    """A room full of life: nothing else installed.

    Server, log and a few automated responders in one process, on made-up data; you are in the room as one more.
    """
    here = context()
    if not plain:
        need_terminal()
    from warroom.demo.house import CannotShow
    from warroom.demo.run import run, run_headless
    from warroom.store.port import StoreError

    about: dict[str, Any] = {"speed": speed, "seed": seed, "port": port, "keep": keep}
    try:
        if plain:
            run_headless(here.me, output.data, seconds=seconds, **about)
            return
        console = here.loaded.settings.console
        looks: dict[str, Any] = {"theme": console.theme or None, "keymap": keymap_of(here)[0], "calm": console.calm}
        run(here.me, zone=here.zone, **looks, **about)
    except ValueError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    except (CannotShow, StoreError, OSError) as error:
        raise Stop(Exit.REFUSED, str(error)) from None
