"""From the registry of actions to Textual's bindings and the footer's hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.binding import Binding, BindingType

from warroom.tui.actions import ACTIONS, PANES, Action
from warroom.tui.keymap import split_keys

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "enter": "enter",
    "space": "space",
    "plus": "+",
    "percent_sign": "%",
    "minus": "-",
    "backspace": "bksp",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
}


def bindings_of(scope: str) -> list[BindingType]:
    """The bindings of one scope; each carries its action's id, so that a keymap can change its keys."""
    # A pane's keys are bound on the pane, where they come before the room's, but the screen carries them out.
    target = "app" if scope == "app" else "screen"
    made: list[BindingType] = [
        Binding(
            action.keys,
            f"{target}.do('{action.id}')",
            action.title,
            id=action.id,
            show=False,
            tooltip=action.help,
            priority=action.id in _ALWAYS,
        )
        for action in ACTIONS
        if action.scope == scope and action.keys
    ]
    return made


def jump_bindings() -> list[BindingType]:
    """One digit for each pane of the board."""
    return [
        Binding(str(number), f"jump('{name}')", title, id=f"pane.{name}", show=False)
        for number, (name, title) in enumerate(PANES, start=1)
    ]


_ALWAYS = frozenset({"app.quit", "app.command-palette"})


def key_label(keys: str) -> str:
    """The first of an action's keys as people read it: `^p`, `?`, `esc`."""
    first = split_keys(keys)[0] if split_keys(keys) else ""
    if first.startswith("ctrl+"):
        return "^" + first.removeprefix("ctrl+")
    return _SHOWN.get(first, first)


def hints(
    scopes: tuple[str, ...], keymap: Mapping[str, str], allowed: Callable[[Action], bool] = lambda _: True
) -> list[tuple[str, str]]:
    """The footer's hints for these scopes: the way to all others first, then the focused pane's, then the rest."""
    found = []
    for scope in ("", *scopes):
        found += [
            (key_label(keymap.get(action.id, action.keys)), action.hint or action.title.lower())
            for action in ACTIONS
            if (action.id in _PINNED if not scope else action.scope == scope and action.id not in _PINNED)
            and (action.hint or scope not in ("app", "room", "lobby"))
            and keymap.get(action.id, action.keys)
            and allowed(action)
        ]
    return found


_PINNED = ("app.show-help", "app.command-palette")
