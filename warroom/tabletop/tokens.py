"""Conditions of a scenario cut into words, numbers and signs.

Invariant: pure; whatever the text holds, cutting it gives tokens or an `ExpressionError` of one sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

MOST_CHARACTERS: Final = 500

Kind = Literal["number", "word", "sign", "end"]

_SPACE: Final = re.compile(r"\s+")
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[hms])+(?![A-Za-z0-9_])", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([hms])", re.ASCII)
_NUMBER: Final = re.compile(r"(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(%?)(?![A-Za-z0-9_])", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:|*@#]*(?:(?:->?)[A-Za-z0-9_.:|*@#]+)*", re.ASCII)
_QUOTED: Final = re.compile(r'"([^"\n]*)"')
_SIGN: Final = re.compile(r"<=|>=|==|!=|[<>+\-*/(),]")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}


class ExpressionError(ValueError):
    """An expression that cannot be used: one sentence, and the column (from 1) where it went wrong."""

    def __init__(self, words: str, column: int = 1) -> None:
        super().__init__(f"{words} (column {column})")
        self.words = words
        self.column = column


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression. `number` is its value, a duration in seconds, a percentage as a share."""

    kind: Kind
    text: str
    column: int
    number: float = 0.0
    is_duration: bool = False


def tokens_of(text: str) -> tuple[Token, ...]:
    """The pieces of an expression; the last is of the kind `end`.

    Raises:
        ExpressionError: a character that no expression has, or a text too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"is longer than {MOST_CHARACTERS} characters; write it in several", MOST_CHARACTERS)
    found: list[Token] = []
    at = 0
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            at = space.end()
            continue
        token, at = _next(text, at)
        found.append(token)
    return (*found, Token("end", "", len(text) + 1))


def _next(text: str, at: int) -> tuple[Token, int]:
    column = at + 1
    if match := _DURATION.match(text, at):
        return Token("number", match[0], column, seconds_of(match[0]), is_duration=True), match.end()
    if match := _NUMBER.match(text, at):
        value = float(match[0].rstrip("%"))
        return Token("number", match[0], column, value / 100 if match[1] else value), match.end()
    if match := _WORD.match(text, at):
        return Token("word", match[0], column), match.end()
    if match := _QUOTED.match(text, at):
        return Token("word", match[1], column), match.end()
    if match := _SIGN.match(text, at):
        return Token("sign", match[0], column), match.end()
    shown = re.split(r"[\s,()]", text[at:], maxsplit=1)[0][:20] or text[at]
    raise ExpressionError(f"cannot read {shown!r}; write like `no_event(role.assigned:scribe, 5m)`", column)


def seconds_of(text: str) -> float:
    """The seconds of a duration as it is written, like 90s, 5m or 1h30m; the text must be one."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
