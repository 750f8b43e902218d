"""Numbers in digits three rows high, with what follows them beside.

Invariant: the three rows of a number are equally wide.
"""

from __future__ import annotations

import re

from rich.cells import cell_len

from warroom.tui.dashboards.cells import Rows
from warroom.tui.glyphs import big_digit, glyphs
from warroom.tui.widgets.chart_overlay import Ink

_NUMBER = re.compile(r"-?\d[\d.,:]*")


def big_width(text: str) -> int:
    """How wide a text is in big digits; more than any panel when it does not begin with a number."""
    found = _NUMBER.match(text)
    if found is None:
        return 10_000
    return sum(1 if sign in ".,:" else 4 for sign in found[0]) + cell_len(text[found.end() :])


def big_rows(text: str, sign: str, colour: str, ink: Ink) -> Rows:
    """The number, the sign of its level before its middle, its unit beside its foot."""
    found = _NUMBER.match(text)
    number, rest = (found[0], text[found.end() :].strip()) if found else ("", text)
    paint = ink.of(colour, bold=True)
    dot = (" ", " ", "." if glyphs().ascii else "▄")
    rows = ["", "", ""]
    for char in number:
        parts = dot if char in ".," else big_digit(char)
        for at in range(3):
            rows[at] += parts[at] + ("" if char in ".,:" else " ")
    blank = " " * cell_len(rest)
    ends = [blank, blank, rest] if glyphs().ascii else [blank, rest, blank]
    lead = [f"{sign} " if sign and at == 1 else "  " if sign else "" for at in range(3)]
    return [[(lead[at], paint), (rows[at], paint), (ends[at], ink.of(colour))] for at in range(3)]
