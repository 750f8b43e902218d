"""The settings: what they are, where each came from, and a file to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.settings.load import Item, Loaded

MASK = "***"


@click.group("config", invoke_without_command=True)
@click.option("--origin", is_flag=True, help="Tell where each value came from.")
@json_option
@click.pass_context
def config_command(ctx: click.Context, origin: bool, as_json: bool) -> None:
    """Show the settings and where each came from.

    Flags go before the environment (WARROOM_*), that before the file, that before the default. Secrets are masked.
    """
    if ctx.invoked_subcommand is None:
        show_settings(origin=origin, as_json=as_json)


@config_command.command("show")
@click.option("--origin", is_flag=True, help="Tell where each value came from.")
@json_option
def config_show(origin: bool, as_json: bool) -> None:
    """Show the settings."""
    show_settings(origin=origin, as_json=as_json)


def show_settings(*, origin: bool, as_json: bool) -> None:
    """Print every setting."""
    from warroom.settings.load import items

    loaded = context().loaded
    if as_json:
        rows = [
            {"key": one.key, "value": _plain(shown(one, loaded)), "origin": loaded.origins[one.key]} for one in items()
        ]
        output.put_json("config", {"files": [str(path) for path in loaded.files], "settings": rows})
        return
    for one in items():
        line = f"{one.key} = {_toml(shown(one, loaded))}"
        output.data(f"{line:<48}  # {loaded.origins[one.key]}" if origin else line)


def shown(item: Item, loaded: Loaded) -> Any:
    """The value, masked when it is a secret that is set."""
    value = loaded.value(item.key)
    if not item.secret or not value:
        return value
    return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | dict) else str(value)


def _toml(value: Any) -> str:
    import json

    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {json.dumps(one)}" for key, one in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)


@config_command.command("path")
@json_option
def config_path(as_json: bool) -> None:
    """Show which files are read, and where everything is kept."""
    from dataclasses import asdict

    from warroom.settings.load import SYSTEM_FILE

    here = context()
    places = {name: str(path) for name, path in asdict(here.places).items()}
    file = str(here.config or here.places.config_file)
    if as_json:
        output.put_json("paths", {"file": file, "system_file": str(SYSTEM_FILE), **places})
        return
    output.data(f"file     {file}")
    output.data(f"system   {SYSTEM_FILE}")
    for name, path in places.items():
        output.data(f"{name:8} {path}")


@config_command.command("validate")
def config_validate() -> None:
    """Check the files and the environment."""
    loaded = context().loaded
    files = ", ".join(str(path) for path in loaded.files) or "no file; defaults and environment"
    output.say(f"the settings are right ({files})")


@config_command.command("init")
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
def config_init(force: bool) -> None:
    """Write a configuration file with every setting explained and commented out."""
    from warroom.cli.commands.review import write_file

    path = context().config or context().places.config_file
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(Exit.REFUSED, f"{path.parent} cannot be made: {error.strerror}") from None
    write_file(path, template().encode(), force=force)
    output.say(f"written to {path}; every line is commented out")


def template() -> str:
    """A configuration file in which every setting is explained and commented out."""
    from warroom.settings.load import items

    lines = ["# The settings of warroom. Each line shows a default; take the # away to change it.", ""]
    section = ""
    top = [one for one in items() if "." not in one.key]
    for one in [*top, *(item for item in items() if "." in item.key)]:
        above, _, name = one.key.rpartition(".")
        if above != section:
            section = above
            lines += [f"[{section}]"]
        lines += [f"# {one.help}", f"# {name} = {_toml(one.default)}", ""]
    return "\n".join(lines)
