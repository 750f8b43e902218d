"""The demo: an incident under way, in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from warroom.cli import output
from warroom.cli.commands.console import keymap_of, need_terminal
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


def _speed(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    """`5x` or `5`, as `warroom tabletop run` takes it; its bounds are the demo's own."""
    try:
        return float(text.removesuffix("x"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no speed; use a number as 5x") from None


@click.command("demo")
@click.option("--plain", "--headless", "plain", is_flag=True, help="Print a line for each event, not the console.")
@click.option("--seconds", type=click.FloatRange(0, 86_400), metavar="N", help="With --plain: end after so long.")
@click.option("--speed", callback=_speed, default="1x", metavar="0.1x..600x", help="How fast its clock runs.")
@click.option("--seed", type=click.IntRange(0, 1_000_000), default=7, show_default=True, help="Other details.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, metavar="PORT", help="Where it listens; 0: anywhere."
)
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep its log there.")
def demo_command(plain: bool, seconds: float | None, speed: float, seed: int, port: int, keep: Path | None) -> None:
    """An incident under way, with you in the room: nothing else installed.

    An exercise that automated colleagues are in the middle of, on an imaginary production, in one process. One action
    mends it; without you they come to it by themselves, and it is over within ten minutes.
    """
    here = context()
    if not plain:
        need_terminal()
    from warroom.demo.exercise import Wanted, run, run_headless

    try:
        wanted = Wanted(here.me, here.places.state / "exercises", speed, seed, port, keep)
    except ValueError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    console = here.loaded.settings.console
    looks: dict[str, Any] = {"theme": console.theme or None, "keymap": keymap_of(here)[0], "calm": console.calm}
    try:
        incident = "" if plain else run(wanted, zone=here.zone, **looks)
        if plain:
            run_headless(wanted, output.data, seconds=seconds)
    except _refusals() as error:
        raise Stop(Exit.REFUSED, str(error)) from None
    if incident and keep is None:
        output.say(f"its log is kept: `warroom tabletop review {incident}` tells how it went")
    elif keep is not None:
        output.say(f"the log is in {keep}")
    elif not plain:
        output.say("it was left before its end, so its log is not kept; --keep DIR keeps it in any case")


def _refusals() -> tuple[type[Exception], ...]:
    """What may keep it from opening. Loaded once something has."""
    from warroom.app_exercise import CannotHost
    from warroom.store.port import StoreError
    from warroom.tabletop.live import CannotPlay

    return CannotHost, CannotPlay, StoreError, OSError
