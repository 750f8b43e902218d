"""Write docs/keys.md, the page of every action of the console, from the registry of actions.

`python docs/keys.py` rewrites it; a test compares the two, so that the page cannot fall behind.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from warroom.tui.actions import ACTIONS, PANES, SCREENS, Action  # noqa: E402 - after the path is set
from warroom.tui.bindings import key_label  # noqa: E402
from warroom.tui.keymap import split_keys  # noqa: E402

PAGE = HERE / "keys.md"
_TITLES = {
    "app": "Everywhere",
    "lobby": "In the lobby",
    "room": "In a room",
    **{name: f"Pane: {t}" for name, t in PANES},
    "panes": "Going to telemetry",
    "explore": "In every telemetry pane",
    **{name: f"Telemetry: {t}" for name, t in SCREENS if name not in ("panes", "explore")},
}
_HEAD = """# Keys

Everything the console can do, with its key, its word behind `/` in the chat line (and behind `:`), and its twin on
the command line. `ctrl+p` finds all of it by a few letters; `?` shows what works where you are. `^p` is ctrl and p.
Written by `docs/keys.py`; do not edit it by hand.

In every list `j` and `k` or the arrows move, `g` and `G` go to the first and the last row, page keys turn pages, Enter
opens. `1` to `8` go to a pane, Tab goes round. A click selects, a double click opens, the wheel scrolls, a click on a
tab goes there. Esc goes one step back and never ends the console.

Other keys: `keymap.toml` in the configuration directory, with the ids of this page; `warroom keys` shows what is in
force and checks the file.

```toml
[keymap]
"entry.add-note" = "n,f7"
"incident.acknowledge" = "ctrl+a"
```

Who has less access than an action needs is told so instead; the incident commander may do what needs commander access.
"""


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def _row(action: Action) -> str:
    keys = " ".join(f"`{key_label(key)}`" for key in split_keys(action.keys))
    slash = f"`/{action.slash}`" if action.slash else ""
    twin = f"`warroom {action.cli}`" if action.cli else ""
    needs = "" if action.access == "observer" else action.access
    cells = (f"`{action.id}`", keys, f"**{action.title}.** {action.help}", slash, twin, needs)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for scope, title in _TITLES.items():
        rows = [_row(action) for action in ACTIONS if action.scope == scope]
        if rows:
            head = "| action | key | what | `/` | command | needs |\n|---|---|---|---|---|---|"
            parts.append("\n".join([f"## {title}\n", head, *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
