"""Help and the outbox as sections to read, from the registry of actions and the client's view."""

from __future__ import annotations

from collections.abc import Mapping

from warroom.review.brief import Section
from warroom.tui.actions import ACTIONS, PANES, SCREENS
from warroom.tui.bindings import key_label
from warroom.tui.keymap import split_keys
from warroom.tui.slash import usage

_TITLES = {"app": "Everywhere", "room": "In this room", "lobby": "In the lobby", **dict(PANES), **dict(SCREENS)}


def help_sections(scopes: tuple[str, ...], keymap: Mapping[str, str]) -> tuple[Section, ...]:
    """Keys by scope, the focused pane's first; then what the chat line understands."""
    sections = []
    for scope in scopes:
        lines = [
            f"{' '.join(key_label(key) for key in split_keys(keymap.get(action.id, action.keys)))}\t{action.help}"
            for action in ACTIONS
            if action.scope == scope and keymap.get(action.id, action.keys)
        ]
        if scope == "room":
            lines.append("1 to 8\tGo to a pane; tab goes round; j k g G move in a list")
        if lines:
            sections.append(Section(_TITLES.get(scope, scope), tuple(lines)))
    if "room" in scopes:
        words = tuple(f"/{action.slash}\t{usage(action.slash) or action.help}" for action in ACTIONS if action.slash)
        sections.append(Section("In the chat line, and behind :", words))
    return tuple(sections)
