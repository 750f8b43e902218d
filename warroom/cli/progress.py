"""How each of several things gets on, a line for each: redrawn in place on a terminal, plain lines elsewhere.

Invariant: everything goes to stderr; a plain line is printed when the word changes, never for a percentage.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import click

from warroom.cli.output import has_colour, say

_GOOD = frozenset({"healthy", "running", "gone"})
_BAD = frozenset({"unhealthy", "exited", "dead", "restarting"})
_EVERY = 0.1
"""Seconds between two pictures on a terminal, which a fast pull would otherwise flood."""


class Progress:
    """Call it with a name (one of `names`), a word and a detail; use as a context manager."""

    def __init__(self, names: Iterable[str]) -> None:
        self._width = max(map(len, names), default=0)
        self._lines: dict[str, tuple[str, str]] = {}
        self._drawn = 0
        self._at = 0.0
        self._in_place = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = has_colour(sys.stderr)

    def __call__(self, name: str, word: str, detail: str) -> None:
        before = self._lines.get(name)
        if before == (word, detail):
            return
        self._lines[name] = (word, detail)
        if not self._in_place:
            if before is None or before[0] != word:
                say(self._line(name))
        elif before is None or before[0] != word or time.monotonic() - self._at > _EVERY:
            self._draw()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._in_place and self._lines:
            self._draw()

    def _line(self, name: str) -> str:
        word, detail = self._lines[name]
        colour = "green" if word in _GOOD else "red" if word in _BAD else None
        shown = click.style(word.ljust(10), fg=colour) if self._colour else word.ljust(10)
        return f"{name.ljust(self._width)}  {shown}  {detail}".rstrip()

    def _draw(self) -> None:
        """All lines again, over the last picture of them."""
        try:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        except (OSError, ValueError):
            columns = 80
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = []
        for name, (_word, detail) in self._lines.items():
            line = self._line(name)
            over = len(click.unstyle(line)) - columns + 1
            lines.append("\r\x1b[K" + (line if over <= 0 else line[: -min(over, len(detail))]))
        click.echo(up + "\n".join(lines), err=True)
        self._drawn = len(self._lines)
        self._at = time.monotonic()
