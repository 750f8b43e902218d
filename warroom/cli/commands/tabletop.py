"""Exercises on the tabletop: what can be played, and everything around it. The commands are loaded when called."""

from __future__ import annotations

from importlib import import_module

import click

SUBCOMMANDS: dict[str, tuple[str, str, str]] = {
    "list": ("tabletop_files", "list_command", "List the scenarios of this machine, without giving anything away."),
    "show": ("tabletop_files", "show_command", "Read a scenario as players do; with --spoilers, all of it."),
    "run": ("tabletop_run", "run_command", "Play a scenario: host it, play it alone, or let a bot play."),
    "review": ("tabletop_review", "review_command", "Write the after-action report of an exercise, with its score."),
    "history": ("tabletop_review", "history_command", "How exercises went over time, and whether it gets better."),
    "lint": ("tabletop_files", "lint_command", "Check scenario files; all that are installed when none is named."),
    "new": ("tabletop_files", "new_command", "Write the beginning of a scenario of your own."),
    "schema": ("tabletop_files", "schema_command", "Print the JSON Schema of scenario files."),
    "msel": ("tabletop_files", "msel_command", "The injects as an events list in CSV: out, and back in."),
}
"""Each command of the group: its module, its attribute there, its line of help."""


class Subcommands(click.Group):
    """Loads a command when it is called, and lists all without loading any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click names what it gives
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = SUBCOMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(f"warroom.cli.commands.{place[0]}"), place[1])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, place[2]) for name, place in SUBCOMMANDS.items()])


@click.group("tabletop", cls=Subcommands)
def tabletop_command() -> None:
    """Exercises: incidents of an imaginary production, played with the real tools."""
