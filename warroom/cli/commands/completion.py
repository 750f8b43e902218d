"""Completion in the shell."""

from __future__ import annotations

import click

from warroom.cli import output
from warroom.cli.exits import Exit, Stop

HOW = {
    "bash": 'eval "$(warroom completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(warroom completion zsh)" in ~/.zshrc',
    "fish": "warroom completion fish > ~/.config/fish/completions/warroom.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(tuple(HOW)))
def completion_command(shell: str) -> None:
    """Print the script that completes commands in a shell.

    Incident ids are completed from the list as a command last saw it, without waiting for a server.
    """
    from click.shell_completion import get_completion_class

    from warroom.cli.main import warroom

    kind = get_completion_class(shell)
    if kind is None:
        raise Stop(Exit.USAGE, f"there is no completion for {shell}")
    output.data(kind(warroom, {}, "warroom", "_WARROOM_COMPLETE").source())
    output.say(f"to have it always: {HOW[shell]}")
