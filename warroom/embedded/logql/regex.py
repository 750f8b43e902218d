"""Regular expressions of queries, matched by RE2.

A query's expression comes from a person and is matched in this process, so it must not be able to hold it up. RE2 is
the syntax that Loki has (Go's), and its time is linear in the text whatever the expression; its memory is bounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias

import re2

from warroom.embedded.logql.errors import ParseError

Test: TypeAlias = Callable[[str], bool]
Compiled: TypeAlias = Any
"""An expression of RE2, for bytes; the library has no types."""

_META = frozenset("\\.+*?()|[]{}^$")
_MEMORY = 8 * 1024 * 1024
_WORDS = (
    ("missing ): ", "missing closing ): "),
    ("missing ]: ", "missing closing ]: "),
    ("invalid perl operator: ", "invalid or unsupported Perl syntax: "),
    ("bad repetition operator: ", "invalid nested repetition operator: "),
    ("no argument for repetition operator: ", "missing argument to repetition operator: "),
    ("invalid repetition size: ", "invalid repeat count: "),
    ("invalid named capture group: ", "invalid named capture: "),
    ("trailing ", "trailing backslash at end of expression: "),
)


class RegexError(ValueError):
    """No regular expression; the message is Go's."""


@lru_cache(256)
def compiled(pattern: str, everything: bool = False) -> Compiled:
    """The expression, for bytes. `everything`: its dot matches a newline too.

    Raises:
        RegexError: it is none.
    """
    options = _options()
    options.dot_nl = everything
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error as wrong:
        raise RegexError(_said(wrong, pattern)) from None


@lru_cache(256)
def finder(pattern: str) -> Test:
    """Whether a text has a match anywhere.

    Raises:
        RegexError: the pattern is no regular expression.
    """
    words = _literals(pattern)
    if words is not None:
        return contains(words)
    compiled(pattern)
    return _set_test(re2.Set.SearchSet(_options()), pattern)


@lru_cache(256)
def whole(pattern: str) -> Test:
    """Whether all of a text matches, newlines included, as a label's matcher wants it.

    Raises:
        RegexError: the pattern is no regular expression.
    """
    words = _literals(pattern)
    if words is not None:
        among = frozenset(words)
        return lambda text: text in among
    compiled(pattern, everything=True)
    options = _options()
    options.dot_nl = True
    return _set_test(re2.Set.FullMatchSet(options), pattern)


def contains(words: Iterable[str]) -> Test:
    """Whether a text has any of the words in it."""
    known = tuple(words)
    if len(known) == 1:
        (word,) = known
        return lambda text: word in text
    return lambda text: any(word in text for word in known)


def checked(pattern: str) -> None:
    """Raises ParseError when the pattern is no regular expression."""
    try:
        compiled(pattern)
    except RegexError as wrong:
        raise ParseError(str(wrong)) from None


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _set_test(matchers: Any, pattern: str) -> Test:
    try:
        matchers.Add(pattern.encode("utf-8", "replace"))
        matchers.Compile()
    except re2.error:
        raise RegexError(f"error parsing regexp: expression too large: `{pattern[:60]}`") from None
    match = matchers.Match

    def test(text: str) -> bool:
        return match(text.encode("utf-8", "replace")) is not None

    return test


def _literals(pattern: str) -> tuple[str, ...] | None:
    """The words of a pattern that is only words with bars between them."""
    if any(char in _META and char != "|" for char in pattern):
        return None
    return tuple(pattern.split("|"))


def _said(wrong: Exception, pattern: str) -> str:
    said = wrong.args[0]
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    for theirs, go in _WORDS:
        if text.startswith(theirs):
            text = go + text.removeprefix(theirs)
            break
    kind, _, rest = text.partition(": ")
    if kind == "missing closing )":
        rest = pattern
    return f"error parsing regexp: {kind}: `{rest}`" if rest else f"error parsing regexp: {kind}"
