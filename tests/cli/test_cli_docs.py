"""The pages about commands and settings say what the commands and settings are."""

from __future__ import annotations

import runpy
from collections.abc import Iterator

import click
import pytest

from tests.cli.cli_home import ROOT
from warroom.cli.exits import Exit
from warroom.cli.main import warroom
from warroom.settings.load import items
from warroom.tui.actions import ACTIONS

REFERENCE = runpy.run_path(str(ROOT / "docs/reference.py"))


@pytest.mark.parametrize(("page", "make"), [("cli.md", "cli_page"), ("configuration.md", "configuration_page")])
def test_pages_are_up_to_date(page: str, make: str) -> None:
    assert (ROOT / "docs" / page).read_text() == REFERENCE[make](), "run `python docs/reference.py`"


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    yield context.command_path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, click.Context(inner, info_name=name, parent=context))


ALL = dict(_commands(warroom, click.Context(warroom, info_name="warroom")))


def test_every_command_and_option_is_on_the_page() -> None:
    page = (ROOT / "docs/cli.md").read_text()
    for path, command in ALL.items():
        assert f"`{path}" in page, path
        for one in command.params:
            if isinstance(one, click.Option) and not one.hidden:
                assert one.help, (path, one.name)
                assert all(name in page for name in one.opts), (path, one.opts)
    for status in Exit:
        assert status.meaning in page


def test_every_setting_is_on_the_page() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    for item in items():
        assert f"| `{item.key}` |" in page
        assert f"`{item.variable}`" in page


def test_every_command_is_explained() -> None:
    for path, command in ALL.items():
        first = (command.help or "").splitlines()[0]
        assert first.endswith((".", ":")), path
        assert first[0].isupper(), path


def test_every_action_of_the_console_has_its_command() -> None:
    for action in ACTIONS:
        if not action.cli:
            continue
        words = action.cli.split()
        path = f"warroom {words[0]}"
        if isinstance(ALL[path], click.Group) and len(words) > 1:
            path = f"{path} {words[1]}"
        assert path in ALL, action.cli
        options = {name for one in ALL[path].params for name in one.opts}
        assert all(word in options for word in words if word.startswith("--")), action.cli


def test_what_prints_data_can_print_json() -> None:
    prints = {"list", "show", "log", "follow", "catchup", "verify", "invite", "doctor", "keys", "config", "postmortem"}
    for name in prints:
        assert "--json" in {word for one in ALL[f"warroom {name}"].params for word in one.opts}, name
