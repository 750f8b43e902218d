"""Loki's patterns: text with `<names>` in it, for the `pattern` parser and the filters `|>` and `!>`.

Invariant: matching goes through a line once, from left to right, without turning back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from warroom.embedded.logql.errors import ParseError

_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
_ANY = "_"

Part = tuple[str, bool]
"""Text, and whether it is the name of a capture."""


def parts(pattern: str) -> tuple[Part, ...]:
    """A pattern's texts and captures in turn."""
    found: list[Part] = []
    at = 0
    for capture in _CAPTURE.finditer(pattern):
        if capture.start() > at:
            found.append((pattern[at : capture.start()], False))
        found.append((capture[1], True))
        at = capture.end()
    if at < len(pattern):
        found.append((pattern[at:], False))
    for (one, first), (other, second) in pairwise(found):
        if first and second:
            raise ValueError(f"found consecutive capture '<{one}><{other}>': invalid expression")
    return tuple(found)


@lru_cache(256)
def captures(pattern: str) -> Callable[[str], list[tuple[str, str]]]:
    """What finds the captures of a line: names and values, as far as the line fits.

    Raises:
        ValueError: it is no pattern of a parser.
    """
    every = parts(pattern)
    names = [text for text, capture in every if capture and text != _ANY]
    if not names:
        raise ValueError("at least one capture is required")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"duplicate capture name ({name}): invalid expression")
    prefix = "" if every[0][1] else every[0][0]
    rest = every if every[0][1] else every[1:]
    pairs = [(rest[at][0], rest[at + 1][0] if at + 1 < len(rest) else None) for at in range(0, len(rest), 2)]

    def found(line: str) -> list[tuple[str, str]]:
        if not line or not line.startswith(prefix):
            return []
        values: list[tuple[str, str]] = []
        at = len(prefix)
        for name, until in pairs:
            end = line.find(until, at) if until is not None else -1
            value = line[at:] if end < 0 else line[at:end]
            if name != _ANY:
                values.append((name, value))
            if until is None or end < 0:
                return values
            at = end + len(until)
        return values

    return found


@lru_cache(256)
def line_test(pattern: str) -> Callable[[str], bool]:
    """Whether all of a line is of a pattern's form, each `<_>` being at least one character.

    Raises:
        ParseError: the pattern has names, or two captures side by side.
    """
    try:
        every = parts(pattern)
    except ValueError as wrong:
        raise ParseError(str(wrong)) from None
    for text, capture in every:
        if capture and text != _ANY:
            raise ParseError(f"named captures are not allowed: found '<{text}>'")
    if not every:
        return lambda line: not line
    ends_open = every[-1][1]
    literals = [(index, text) for index, (text, capture) in enumerate(every) if not capture]

    def test(line: str) -> bool:
        if not line:
            return False
        at = 0
        for index, text in literals:
            found = line.find(text, at)
            if found < 0 or (index and found == at):
                return False
            at = found + len(text)
        return ends_open == (at != len(line))

    return test
