"""The command palette: every action that works on the present screen, with its key and what it does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand

from warroom.tui.actions import ACTIONS, PANES
from warroom.tui.bindings import key_label
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.lobby import LobbyScreen

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


def system_commands(app: WarroomApp, screen: Any) -> Iterable[SystemCommand]:
    """The actions of the screen, those of its panes and those of the app; then the incidents to go to."""
    if isinstance(screen, BoardScreen):
        scopes = {"room", "app", *(name for name, _ in PANES)}
        target: Any = screen
    elif isinstance(screen, LobbyScreen):
        scopes, target = {"lobby", "app"}, screen
    else:
        scopes, target = {"app"}, app
    for action in ACTIONS:
        if action.scope not in scopes or action.id == "app.command-palette":
            continue
        owner = app if action.scope == "app" else target
        key = key_label(app.keymap.get(action.id, action.keys))
        help_ = f"{action.help}  [{key}]" if key else action.help
        yield SystemCommand(action.title, help_.replace("[", "(").replace("]", ")"), _runner(owner, action.id))
    for line in (app.view.lobby or {}).values():
        yield SystemCommand(
            f"Go to {line.incident}",
            f"{line.severity} {line.status}: {line.title}".replace("[", "("),
            _opener(app, line.incident),
        )


def _runner(owner: Any, id_: str) -> Any:
    return lambda: owner.action_do(id_)


def _opener(app: WarroomApp, incident: str) -> Any:
    return lambda: app.show_room(incident)
