"""Cleaning of what people and machines write, before it is stored.

Stored text is drawn in terminals, so an escape sequence in a note would run on every screen:
control, format and bidirectional override characters never enter the log.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SPACES = re.compile(r"[ \t]*\n[ \t]*|[ \t]+")


def clean_text(text: str) -> str:
    """Text of several lines without control characters, trimmed; line feeds and tabs stay."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def clean_line(text: str) -> str:
    """One line: as `clean_text`, with every run of white space folded to one space."""
    return _SPACES.sub(" ", clean_text(text)).strip()
