"""Cleaning of what people and machines write, before it is stored.

Stored text is drawn in terminals, so an escape sequence in a note would run on every screen:
control, format and bidirectional override characters never enter the log. The two joiners stay where they
are part of writing: inside a word (Persian spacing) and inside an emoji of several.
"""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_JOINERS = re.compile("[\u200c\u200d]+")
_SPACES = re.compile(r"[ \t]*\n[ \t]*|[ \t]+")
_EMOJI_SIGNS = frozenset({"So", "Sk", "Sm"})
"""Categories of emoji, of their skin tones, and of the arrows some are made with."""


def clean_text(text: str) -> str:
    """Text of several lines without control characters, trimmed; line feeds and tabs stay."""
    return clean_shape(text).strip()


def clean_shape(text: str) -> str:
    """As `clean_text`, untrimmed: the indentation of a log line is part of what it says."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _JOINERS.sub(_joined, text)


def clean_line(text: str) -> str:
    """One line: as `clean_text`, with every run of white space folded to one space."""
    return _SPACES.sub(" ", clean_text(text)).strip()


def _joined(run: re.Match[str]) -> str:
    """One joiner where a run of them stands between two characters it can join, else none."""
    text, start, end = run.string, run.start(), run.end()
    if start and end < len(text) and _joins(text[start - 1]) and _joins(text[end]):
        return text[start]
    return ""


def _joins(char: str) -> bool:
    """Whether a joiner may stand beside it: a letter, a mark or an emoji, none of which ASCII needs it for."""
    category = unicodedata.category(char)
    return not char.isascii() and (category[0] in "LM" or category in _EMOJI_SIGNS)
