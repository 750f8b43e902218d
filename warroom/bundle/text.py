"""What containers, compose and the engine wrote, made fit for a terminal.

Invariant: nothing that leaves here can move a cursor, set a colour or turn the direction of writing.
"""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")


def safe_line(text: str) -> str:
    """One line without escape sequences (ECMA-48) and control or format characters; tabs stay."""
    return "".join(char for char in _SEQUENCE.sub("", text) if char == "\t" or char.isprintable())


def shortened(text: str, most: int = 240) -> str:
    """On one line, and not longer than a person reads."""
    line = safe_line(" ".join(_SEQUENCE.sub("", text).split()))
    return line if len(line) <= most else line[: most - 1] + "…"
