"""The console's keys, as they are with the keymap file, and whether that file can be used."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


@click.command("keys")
@click.argument("keymap", required=False, type=click.Path(dir_okay=False), metavar="[KEYMAP]")
@click.option("--check", is_flag=True, help="Only check the keymap file.")
@json_option
def keys_command(keymap: str | None, check: bool, as_json: bool) -> None:
    """List the console's keys and check the keymap file."""
    from warroom.tui.actions import ACTIONS
    from warroom.tui.keymap import KeymapError, load_keymap

    here = context()
    path = Path(keymap) if keymap else here.loaded.settings.console.keymap or here.places.config / "keymap.toml"
    if keymap and not path.exists():
        raise Stop(Exit.USAGE, f"{path}: there is no such file")
    try:
        own = load_keymap(path)
    except KeymapError as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    if as_json:
        rows = [
            {
                "id": one.id,
                "keys": own.get(one.id, one.keys),
                "title": one.title,
                "scope": one.scope,
                "command": one.cli,
            }
            for one in ACTIONS
        ]
        output.put_json("keys", {"keymap": str(path) if path.exists() else "", "actions": rows})
        return
    if not check:
        table = [(own.get(one.id, one.keys).replace(",", ", "), one.id, one.scope, one.title) for one in ACTIONS]
        for row in output.table(table, ("KEYS", "ACTION", "WHERE", "WHAT")):
            output.data(row)
    output.say(f"{path}: {len(own)} keys of your own" if path.exists() else f"no keymap file; it would be {path}")
