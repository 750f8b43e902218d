"""Writes docs/cli.md and docs/configuration.md from the commands and the settings themselves.

    python docs/reference.py

A test compares what this makes with what is there, so neither page can fall behind.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path

import click

from warroom.cli.exits import Exit
from warroom.cli.main import warroom
from warroom.cli.schemas import SCHEMAS
from warroom.cli.table import COMMANDS
from warroom.settings.load import items

DOCS = Path(__file__).parent

INTRODUCTION = """# The commands

Everything the console can do, a command can do. `warroom COMMAND --help` says the same as this page, which is made
from the commands themselves.

- **INC** is an incident as people write it: `INC-7K3Q`, `7k3q`, its first letters where they mean one alone. It may
  be left out, or be `-`, while exactly one incident is live (or, when none is, one is resolved and not yet closed).
- **WHO** is a name in the room; your login name where it is left out.
- **TIME** is `09:41` (the last time it was), `5m ago`, `now` or ISO 8601; without a zone it is local (`--utc`: UTC).
- **SEV** is `SEV2`, `sev-2`, `2`, `P2` or `major`.
- Data goes to stdout, talk to stderr. Colours only on a terminal, and never with `NO_COLOR` or `TERM=dumb`.
- Text is bounded and cleaned by the rules of the log itself; a wrong value is told in one sentence.

## Which server

The one named by `--server`, `WARROOM_SERVER` or the settings; else the one that runs on this machine; else the one
joined last by `warroom join`. The local server is found by a file that only its owner can read, in the runtime
directory. `warroom` and `warroom declare` start it in the background when none runs, on another port where the usual
one is taken; its log is `server.log` in the state directory (`warroom config path`).

## When no server answers

A command that reaches no server ends with status 3 and has recorded nothing. With `--later` it is kept on disk
instead, and sent by the next command or console that reaches that server: once, in order, and before anything newer.
A command that was sent and whose answer did not come (status 4) may or may not be on the log; `warroom log` tells.
"""

JSON_INTRODUCTION = """## JSON

`--json` prints one object whose `schema` names its shape and version (`warroom.list/1`). Fields are only ever added;
times are RFC 3339 in UTC, empty or null where there is none.

`warroom log INC --json` prints one record a line, each an object without `schema`: `incident`, `seq`, `tag` (the
event's type), `actor`, `access`, `duty`, `at` (when it was recorded), `occurred` (when it happened), `client` and `n`
(the command it came from), `event` (null where redacted), `salt`, `payload_hash` and `hash` (hex), as they stand in
the hash chain. `warroom export` prints the same records below a header line.
"""


def cli_page() -> str:
    """The page about the commands."""
    lines = [INTRODUCTION, "## Exit status", "", "| Status | Name | Meaning |", "|--|--|--|"]
    lines += [f"| {one.value} | {one.name.lower()} | {one.meaning} |" for one in Exit]
    lines += ["", JSON_INTRODUCTION]
    for name, (commands, fields) in SCHEMAS.items():
        lines += [f"### `warroom.{name}/1`", "", f"From {commands}.", ""]
        lines += [f"- `{field}`{': ' + meaning if meaning else ''}" for field, meaning in fields.items()] + [""]
    lines += ["## Options of `warroom` itself", "", "They stand before the command.", "", *_options(warroom), ""]
    section = ""
    top = click.Context(warroom, info_name="warroom")
    for name, place in COMMANDS.items():
        if place.section != section:
            section = place.section
            lines += [f"## {section}", ""]
        command = warroom.get_command(top, name)
        if command is not None:
            lines += _command(command, click.Context(command, info_name=name, parent=top))
    return "\n".join(lines).rstrip("\n") + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"### `{usage}`"
    yield ""
    yield (command.help or "").strip().replace("\n\n", "\n\n")
    yield ""
    options = list(_options(command))
    if options:
        yield from options
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _command(inner, click.Context(inner, info_name=name, parent=context))


def _options(command: click.Command) -> Iterator[str]:
    for one in command.params:
        if isinstance(one, click.Option) and not one.hidden:
            names = ", ".join([*one.opts, *one.secondary_opts])
            value = "" if one.is_flag else f" {one.metavar or _kind(one)}"
            default = f" (default: {one.default})" if one.show_default and isinstance(one.default, str | int) else ""
            yield f"- `{names}{value}`: {one.help}{default}"


def _kind(option: click.Option) -> str:
    kind = option.type
    return "|".join(kind.choices) if isinstance(kind, click.Choice) else kind.name.upper().replace(" RANGE", "")


SETTINGS_INTRODUCTION = """# Configuration

Settings come from flags, the environment, files and defaults, in that order: the first that has a value wins.
`warroom config --origin` tells where each came from; secrets are masked.

- The files are `/etc/warroom/config.toml` and then `~/.config/warroom/config.toml` (`$XDG_CONFIG_HOME`), whose values
  go before those of the first. `--config FILE` or `WARROOM_CONFIG` names one file to be read in place of both.
- The variable of a setting is `WARROOM_` and its name in capitals, with `__` for the dot: `WARROOM_PROMETHEUS__URL`.
  A table is written as `name=value,name=value`.
- An unknown key, a wrong type or a value out of bounds is told with file and line and with the nearest right key;
  nothing runs on settings that are wrong. `warroom config validate` checks, `warroom config init` writes a file with
  every setting explained and commented out.
- A path in a file is relative to that file.

This page is made from the settings themselves.
"""


def configuration_page() -> str:
    """The page about the settings."""
    lines = [SETTINGS_INTRODUCTION]
    section = None
    known = items()
    for one in [*(one for one in known if "." not in one.key), *(one for one in known if "." in one.key)]:
        above = one.key.rpartition(".")[0]
        if above != section:
            section = above
            lines += [f"## `[{above}]`" if above else "## At the top", "",
                      "| Setting | Default | Variable | What it is |", "|--|--|--|--|"]  # fmt: skip
        lines.append(
            f"| `{one.key}` | {_default(one.default)} | `{one.variable}` | {one.help}{_choices(one.choices)} |"
        )
        if known.index(one) + 1 == len(known):
            lines.append("")
    text = "\n".join(lines)
    return text.replace("|\n## ", "|\n\n## ").rstrip("\n") + "\n"


def _default(value: object) -> str:
    if value is None or value in ("", {}):
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _choices(choices: tuple[str, ...]) -> str:
    return f" One of {', '.join(choices)}." if choices else ""


if __name__ == "__main__":
    ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter).parse_args()
    (DOCS / "cli.md").write_text(cli_page(), "utf-8")
    (DOCS / "configuration.md").write_text(configuration_page(), "utf-8")
