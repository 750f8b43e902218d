"""The page of keys, the registry and the command line say the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import pytest

from warroom.cli.main import warroom
from warroom.tui.actions import ACTIONS, SCREENS, Action
from warroom.tui.acts import DIRECT, FORMS
from warroom.tui.keymap import clashes

DOCS = Path(__file__).parents[2] / "docs"

ON_SCREEN_ONLY = {
    "app.command-palette",
    "app.show-help",
    "app.change-theme",
    "app.toggle-calm",
    "app.show-unsent",
    "app.copy",
    "app.quit",
    "room.zoom",
    "room.filter",
    "room.prompt",
    "room.spotlight",
    "room.follow-spotlight",
    "room.toggle-follow",
}
"""What makes sense only with a screen, or points at one."""

MOVES_ON_SCREEN = {scope for scope, _ in SCREENS} - {"panes"}
"""In a telemetry pane keys move about in what is shown; the command that shows it is the twin of going there."""


def test_the_page_says_what_the_registry_says() -> None:
    spec = importlib.util.spec_from_file_location("keys_page", DOCS / "keys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (DOCS / "keys.md").read_text(encoding="utf-8")
    assert written == module.page(), "docs/keys.md is out of date; run `python docs/keys.py`"
    for action in ACTIONS:
        assert f"`{action.id}`" in written


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_its_twin_on_the_command_line(action: Action) -> None:
    if action.id in ON_SCREEN_ONLY or (action.scope in MOVES_ON_SCREEN and not action.cli):
        assert action.cli == ""
        return
    words = action.cli.split()
    command: click.Command = warroom
    at = 0
    while isinstance(command, click.Group):
        assert at < len(words), f"{action.cli!r} is a group, not a command"
        found = command.get_command(click.Context(command), words[at])
        assert found is not None, f"there is no `warroom {' '.join(words[: at + 1])}`"
        command, at = found, at + 1
    options = {option for parameter in command.params for option in parameter.opts}
    assert all(word in options for word in words if word.startswith("--"))


def test_every_action_that_changes_the_incident_is_carried_out_in_one_way() -> None:
    assert not set(DIRECT) & set(FORMS)
    assert {*DIRECT, *FORMS} <= {action.id for action in ACTIONS}
    from warroom.tui.app import WarroomApp
    from warroom.tui.explore.places import TELEMETRY_PANES, screen_of
    from warroom.tui.screens.board import BoardScreen
    from warroom.tui.screens.lobby import LobbyScreen

    homes: dict[str, type] = {"app": WarroomApp, "lobby": LobbyScreen}
    screens = {pane: type(screen_of(pane, "INC-7K30")) for pane in TELEMETRY_PANES}
    homes |= {"explore": screens["traces"], **{one.SCOPE: one for one in screens.values()}}
    for action in ACTIONS:
        if action.scope == "panes":
            assert action.id.removeprefix("pane.open-") in screens
        elif action.id not in DIRECT and action.id not in FORMS:
            assert hasattr(homes.get(action.scope, BoardScreen), f"do_{action.method}"), action.id


def test_the_keys_as_shipped_do_not_clash() -> None:
    assert clashes({action.id: action.keys for action in ACTIONS if action.keys}) == []
