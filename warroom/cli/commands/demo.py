"""The demo: a room full of life in one process."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli import output
from warroom.cli.context import Context, context
from warroom.cli.exits import Exit, Stop


@click.command("demo")
@click.option("--headless", "--plain", "plain", is_flag=True, help="Print a line for each event, without the console.")
@click.option("--seconds", type=click.FloatRange(min=0.1), metavar="N", help="Headless: end after so many seconds.")
@click.option("--speed", type=click.FloatRange(0.1, 600.0), default=1.0, show_default=True, help="How fast time runs.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=7, show_default=True, help="Another seed, other details."
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--keep", type=click.Path(), metavar="DIR", help="Keep the log in this new directory.")
def demo_command(plain: bool, seconds: float | None, speed: float, seed: int, port: int, keep: str | None) -> None:
    """A room full of life: nothing else installed.

    An incident of twenty minutes with responders at work on it, and you in the middle, with commander access. The
    incident, the people and all figures are made up; the server, the log and the console are the real ones. It needs
    no network, and leaves nothing behind.
    """
    from warroom.demo.run import run_headless
    from warroom.store.port import StoreError

    here = context()
    kept = Path(keep).absolute() if keep else None
    if seconds is not None and not plain:
        raise click.UsageError("--seconds goes with --headless")
    if not plain:
        _console(here, speed, seed, port, kept)
    else:
        from warroom.demo.house import CannotShow

        try:
            run_headless(here.me, output.data, seconds=seconds, speed=speed, seed=seed, port=port, keep=kept)
        except CannotShow as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None
        except StoreError as wrong:
            raise Stop(Exit.REFUSED, str(wrong)) from None
    if kept is not None:
        output.say(f"the log is kept in {kept}; `warroom serve --data-dir {kept}` opens it")


def _console(here: Context, speed: float, seed: int, port: int, keep: Path | None) -> None:
    from warroom.cli.commands.console import need_terminal
    from warroom.demo.run import run
    from warroom.tui.keymap import KeymapError, load_keymap

    need_terminal()
    settings = here.loaded.settings
    try:
        keymap = load_keymap(settings.console.keymap or here.places.config / "keymap.toml")
    except KeymapError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    run(
        here.me,
        speed=speed,
        seed=seed,
        port=port,
        keep=keep,
        zone=here.zone,
        theme=settings.console.theme or None,
        keymap=keymap,
        calm=settings.console.calm,
    )
