"""Goldens of screens as text: the rows of cells, then who is in which style, so that a diff reads like a screen.

`WARROOM_UPDATE_GOLDENS=1` rewrites them; a missing golden fails, it is never written silently.
"""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any

from rich.style import Style
from textual.app import App
from textual.strip import Strip

UPDATE = "WARROOM_UPDATE_GOLDENS"
_LETTERS = string.ascii_letters + string.digits


def screen_strips(app: App[Any]) -> list[Strip]:
    """What the compositor shows now, row by row."""
    return app.screen._compositor.render_strips()


def screen_rows(app: App[Any]) -> list[str]:
    """The text of the screen, row by row, without blanks at the end."""
    return [strip.text.rstrip() for strip in screen_strips(app)]


def screen_text(app: App[Any]) -> str:
    """The text of the whole screen."""
    return "\n".join(screen_rows(app))


def style_name(style: Style | None) -> str:
    """A style in words: `#d6deeb on #0b0f14 bold`."""
    if style is None:
        return "plain"
    colour = style.color.name if style.color else "default"
    paper = style.bgcolor.name if style.bgcolor else "default"
    flags = [name for name in ("bold", "dim", "italic", "underline", "strike", "reverse") if getattr(style, name)]
    return " ".join([f"{colour} on {paper}", *flags])


def grid_of(app: App[Any]) -> str:
    """The screen as a golden: numbered rows of text, then runs `letter x length` per row, then the letters."""
    letters: dict[str, str] = {}
    texts, runs = [], []
    for number, strip in enumerate(screen_strips(app)):
        texts.append(f"{number:02} |{strip.text}|")
        row: list[tuple[str, int]] = []
        for text, style, _control in strip:
            name = style_name(style)
            letter = letters.setdefault(name, _letter(len(letters)))
            if row and row[-1][0] == letter:
                row[-1] = (letter, row[-1][1] + len(text))
            else:
                row.append((letter, len(text)))
        runs.append(f"{number:02} " + " ".join(f"{letter}{length}" for letter, length in row))
    legend = [f"{letter} = {name}" for name, letter in letters.items()]
    return "\n".join([*texts, "", *runs, "", *legend, ""])


def _letter(number: int) -> str:
    rest, last = divmod(number, len(_LETTERS))
    return (_letter(rest - 1) if rest else "") + _LETTERS[last] + ("'" if rest else "")


def assert_golden(app: App[Any], path: Path) -> None:
    """Fail unless the screen is what the golden at `path` shows; with `WARROOM_UPDATE_GOLDENS` write it."""
    found = grid_of(app)
    if os.environ.get(UPDATE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, encoding="utf-8")
        return
    assert path.exists(), f"no golden {path.name}; run with {UPDATE}=1, look at it, and commit it"
    expected = path.read_text(encoding="utf-8")
    assert found == expected, f"{path.name} differs; if that is meant, run with {UPDATE}=1 and read the diff"
