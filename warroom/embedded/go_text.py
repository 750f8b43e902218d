"""Texts and label sets as Go and Loki write them.

Invariant: a quoted text reads back as the same text.
"""

from __future__ import annotations

from collections.abc import Iterable


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """A label set as Loki writes it: `{a="b", c="d"}`, sorted by name."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in sorted(labels)) + "}"


_SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def quote(text: str) -> str:
    """A text in double quotes, as Go's strconv.Quote writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_quoted(char) for char in text) + '"'


def _quoted(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
