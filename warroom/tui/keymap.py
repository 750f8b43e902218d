"""The keymap file: action ids to keys, checked before it is used.

Textual ignores unknown ids and lets one action silently lose its key to another, so both are found here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from warroom.tui.actions import ACTIONS, BY_ID, PANES, Action

_EVERYWHERE = frozenset({"app"})


class KeymapError(Exception):
    """The keymap cannot be used; the message names the file, the id and what would be right."""


def load_keymap(path: Path) -> dict[str, str]:
    """Read `[keymap]` of a TOML file: `"entry.add-note" = "n,f7"`. A missing file is an empty keymap.

    Raises:
        KeymapError: not TOML, an unknown id, a value that is no text, or two actions on one key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except RecursionError:
        raise KeymapError(f"{path}: is nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise KeymapError(f"{path}: {error}") from error
    keymap = table.get("keymap", {})
    if not isinstance(keymap, dict):
        raise KeymapError(f"{path}: keymap must be a table of action ids and keys")
    problems = find_problems(keymap)
    if problems:
        raise KeymapError("\n".join(f"{path}: {problem}" for problem in problems))
    return dict(keymap)


def find_problems(keymap: Mapping[str, object]) -> list[str]:
    """What is wrong with a keymap, one sentence each: unknown ids, wrong types, keys that two actions would share."""
    problems = []
    usable: dict[str, str] = {}
    for id_, keys in keymap.items():
        if id_ not in BY_ID:
            near = difflib.get_close_matches(id_, BY_ID, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `warroom keys` lists them"
            problems.append(f"{id_!r} is not an action{hint}")
        elif not isinstance(keys, str):
            problems.append(f"{id_}: keys are a text such as 'n,f7', not {keys!r}")
        else:
            usable[id_] = keys
    return problems + clashes(usable)


def clashes(keymap: Mapping[str, str]) -> list[str]:
    """Keys that two actions would share in one place, as sentences."""
    found = []
    taken: dict[tuple[str, str], Action] = {}
    reserved = {str(number) for number in range(1, len(PANES) + 1)}
    for action in ACTIONS:
        for key in split_keys(keymap.get(action.id, action.keys)):
            if key in reserved and action.id in keymap:
                found.append(f"{action.id}: {key!r} jumps to a pane; choose another key")
            for scope in _overlapping(action.scope):
                other = taken.get((scope, key))
                if other is not None and (action.id in keymap or other.id in keymap):
                    found.append(f"{action.id} and {other.id} would share the key {key!r}")
            taken[(action.scope, key)] = action
    return found


def split_keys(keys: str) -> list[str]:
    """`"n, f7"` as a list of keys."""
    return [key.strip() for key in keys.split(",") if key.strip()]


def _overlapping(scope: str) -> Iterable[str]:
    """The scopes whose keys work at the same time on the same level: a focused pane's keys come before the room's."""
    return {scope} | _EVERYWHERE if scope in ("app", "lobby", "room") else {scope}
