"""The `warroom` command: its global options, its commands by name, and the last place a failure can reach.

Invariant: importing this module loads click and nothing else; no traceback ever reaches a person.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from warroom.cli.exits import Exit, Stop
from warroom.cli.table import COMMANDS

COMPLETE = "_WARROOM_COMPLETE"
"""The variable through which a shell asks for completions."""


class Commands(click.Group):
    """Loads a command when it is called, and lists all without loading any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(f"warroom.cli.commands.{place.module}"), place.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`warroom --help` lists them"
            raise click.UsageError(f"{args[0]!r} is not a command; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, place in COMMANDS.items():
            sections.setdefault(place.section, []).append((name, place.help))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from warroom import __version__

        click.echo(f"warroom {__version__}")
        ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--config", type=click.Path(path_type=str), metavar="FILE", help="Read this configuration file alone.")
@click.option("--server", metavar="HOST[:PORT]", help="Use this server in place of the local one.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for the server.")
@click.option("--utc", is_flag=True, default=None, help="Tell times in UTC.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
@click.pass_context
def warroom(
    ctx: click.Context, config: str | None, server: str | None, timeout: float | None, utc: bool | None
) -> None:
    """One shared, live incident in the terminal.

    Without a command: open the console, on the local server, which is started when none runs.

    INC is an incident: INC-7K3Q, 7k3q, its first letters, or nothing at all while exactly one is live.
    """
    from pathlib import Path

    from warroom.cli.context import Context

    if timeout is not None and not 0.1 <= timeout <= 3600:
        raise click.BadParameter("seconds from 0.1 to 3600", ctx, param_hint="--timeout")
    flags: dict[str, Any] = {"server": server, "timeout": timeout, "utc": utc or None}
    ctx.obj = Context(Path(config) if config else None, flags)
    if ctx.invoked_subcommand is None:
        from warroom.cli.commands.console import console_command

        ctx.invoke(console_command)


def main(args: list[str] | None = None) -> int:
    """Run a command and return its exit status, whatever happens."""
    try:
        try:
            return _run(args)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter must not try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _run(args: list[str] | None) -> int:
    words = sys.argv[1:] if args is None else args
    asked = os.environ.get(COMPLETE)
    if asked:
        from click.shell_completion import shell_complete

        return shell_complete(warroom, {}, "warroom", COMPLETE, asked)
    try:
        # Not `warroom.main`: it takes a reader that went away for a failure.
        with warroom.make_context("warroom", list(words)) as ctx:
            warroom.invoke(ctx)
        return Exit.OK
    except Stop as stop:
        click.echo(f"warroom: {stop.words}", err=True)
        return stop.status
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as wrong:
        where = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "warroom"
        click.echo(f"warroom: {' '.join(wrong.format_message().split())}", err=True)
        if isinstance(wrong, click.UsageError):
            click.echo(f"`{where} --help` shows how it is used", err=True)
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as fault:
        return _foundered(fault)


def _foundered(fault: Exception) -> int:
    """The last resort: a sentence for the person, the details in a file."""
    from warroom.cli.crash import record

    click.echo(f"warroom: {record(fault)}", err=True)
    return Exit.FAILED
